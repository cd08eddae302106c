"""What goes on beside answering."""

import asyncio
import io
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from dependency_injector import providers

from adapters.mailbox import Mailbox
from entrypoints import background, logs
from entrypoints.background import Background, all_at_once
from entrypoints.container import Container, open_container
from entrypoints.http.app import make_app
from entrypoints.settings import load_settings
from telemed_core.application.sweeping import Swept
from telemed_core.domain.sagas import LEASE, Phase
from telemed_core.errors import UnavailableError
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import Clinic, a_clinic
from unit.entrypoints.api import on_memory
from unit.entrypoints.test_aws_settings import AWS

SOON = 10.0
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
NOTHING = Swept(settled=0, cancelled=0)
JOBS = {"sweep": "sweep", "sagas": "run_sagas", "announcements": "take_announcements", "mails": "deliver_notices"}
QUEUE = {name: AWS[f"TELEMED_{name.upper()}"] for name in ("topic_arn", "queue_url")}
BY_EXECUTIONS = {
    "store": "dynamodb",
    "saga_engine": "step_functions",
    "state_machines": AWS["TELEMED_STATE_MACHINES"],
    **{name: AWS[f"TELEMED_{name.upper()}"] for name in ("secret", "pepper", "data_key")},
    "issuer_key": "PEM",
}


class Jobs:
    """Stands in for the four use cases: counts their calls, and lets each do what it is told."""

    def __init__(self) -> None:
        self.called = {name: threading.Semaphore(0) for name in JOBS}
        self.does: dict[str, Callable[[], Any]] = dict.fromkeys(JOBS, lambda: 0) | {"sweep": lambda: NOTHING}

    def container(self, **settings: Any) -> Container:
        settings = {"profile": "memory", "events": "sns", **QUEUE, "smtp_url": "smtp://127.0.0.1:9", **settings}
        container = open_container(load_settings({}, **settings))
        for name, use_case in JOBS.items():
            container.providers[use_case].override(providers.Object(self._act(name)))
        container.take_over.override(providers.Object(lambda: 0))
        return container

    def _act(self, name: str) -> Callable[..., Any]:
        def act(*, wait: float = 0, **_: Any) -> Any:
            self.called[name].release()
            # Who asks a queue waits for something to be in it: here a thousandth of what it would.
            time.sleep(wait / 1000)
            return self.does[name]()

        return act

    def runs(self, name: str, times: int = 1, *, within: float = SOON) -> bool:
        """Whether it is called so often."""
        return all(self.called[name].acquire(timeout=within) for _ in range(times))

    def forget(self) -> None:
        for called in self.called.values():
            while called.acquire(blocking=False):
                pass


def in_turn(*answers: Any, then: Any = 0) -> Callable[[], Any]:
    """Answers these, one a call, and then always the other."""
    left = list(answers)
    return lambda: left.pop(0) if left else then


@pytest.fixture
def jobs() -> Jobs:
    return Jobs()


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What is logged of failures."""
    told: list[object] = []
    monkeypatch.setattr(background, "log_failure", told.append)
    monkeypatch.setattr(background, "log_bug", told.append)
    return told


@pytest.fixture
def working() -> Iterator[Callable[..., Background]]:
    """Makes one that is stopped in the end."""
    made: list[Background] = []

    def start(container: Container, **how: Any) -> Background:
        work = Background(container, **{"sweep_every": 0.001, "look_every": 0.001, **how})
        made.append(work)
        work.start()
        return work

    yield start
    for work in made:
        work.stop()


Working = Callable[..., Background]


@pytest.mark.parametrize("job", JOBS)
def test_everything_is_done_at_once_and_again_until_it_is_stopped(jobs: Jobs, working: Working, job: str) -> None:
    work = working(jobs.container())
    assert jobs.runs(job, 3)
    work.stop()
    jobs.forget()
    assert not jobs.runs(job, within=0.05)


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("error", [UnavailableError("db.example"), ValueError("a name")])
def test_whatever_comes_of_one_there_is_another_and_a_line_and_the_others_go_on(
    jobs: Jobs, working: Working, said: list[object], job: str, error: Exception
) -> None:
    def failing() -> Any:
        raise error

    jobs.does[job] = failing
    working(jobs.container())
    for name in JOBS:
        assert jobs.runs(name, 3)
    assert said[0] == (error if isinstance(error, ValueError) else f"{job}: dependency_unavailable")


@pytest.mark.parametrize("hanging", JOBS)
def test_what_hangs_holds_up_nothing_else(jobs: Jobs, working: Working, hanging: str) -> None:
    go_on = threading.Event()
    jobs.does[hanging] = lambda: go_on.wait(SOON) and 0
    working(jobs.container())
    assert jobs.runs(hanging)
    for name in JOBS:
        assert name == hanging or jobs.runs(name, 3)
    go_on.set()


def test_without_a_mail_server_nothing_is_delivered(jobs: Jobs, working: Working) -> None:
    working(jobs.container(smtp_url=None))
    assert jobs.runs("sagas", 3)
    assert not jobs.runs("mails", within=0.02)


def test_without_a_queue_nothing_is_taken(jobs: Jobs, working: Working) -> None:
    working(jobs.container(queue_url=None))
    assert jobs.runs("sagas", 3)
    assert not jobs.runs("announcements", within=0.02)


def test_a_queue_is_asked_again_without_a_pause_and_a_failing_one_after_one(
    jobs: Jobs, working: Working, said: list[object]
) -> None:
    working(jobs.container(), look_every=SOON * 6)
    assert jobs.runs("announcements", 9)

    def failing() -> int:
        raise UnavailableError

    jobs.does["announcements"] = failing
    until = time.monotonic() + SOON
    while not said and time.monotonic() < until:
        time.sleep(0.001)
    jobs.forget()
    assert not jobs.runs("announcements", within=0.05)
    assert said == ["announcements: dependency_unavailable"]


def test_what_the_queue_tells_wakes_the_mails_and_nothing_else_does(jobs: Jobs, working: Working) -> None:
    did: list[str] = []
    working(jobs.container(), did=did.append, sweep_every=SOON * 6, look_every=SOON * 6)
    assert all(jobs.runs(job) for job in JOBS)
    assert not jobs.runs("mails", within=0.02)
    jobs.does["announcements"] = in_turn(2)
    assert jobs.runs("mails")
    assert did == ["announcements 2"]


@pytest.mark.parametrize(("settings", "woken"), [({}, True), (BY_EXECUTIONS, False)])
def test_a_commit_wakes_the_sagas_unless_executions_run_them(
    jobs: Jobs, settings: dict[str, Any], *, woken: bool
) -> None:
    container = jobs.container(**settings)
    container.committed()()
    assert container.wake().is_set() is woken


def test_what_executions_leave_is_looked_for_as_seldom_as_the_sweep(jobs: Jobs, working: Working) -> None:
    working(jobs.container(**BY_EXECUTIONS), sweep_every=SOON * 6)
    assert jobs.runs("sagas")
    assert jobs.runs("mails", 3)
    assert not jobs.runs("sagas", within=0.05)


def test_a_commit_of_this_process_wakes_the_sagas_at_once(jobs: Jobs, working: Working) -> None:
    container = jobs.container()
    working(container, sweep_every=SOON * 6, look_every=SOON * 6)
    assert jobs.runs("sagas")
    time.sleep(0.02)
    jobs.forget()
    container.commands().run(lambda command: command.id)
    assert jobs.runs("sagas")


def test_a_sweep_that_has_done_something_wakes_the_sagas_and_they_the_mails(jobs: Jobs, working: Working) -> None:
    go_on = threading.Event()
    sweep = in_turn(Swept(settled=1, cancelled=0), then=NOTHING)
    jobs.does["sweep"] = lambda: go_on.wait(SOON) and sweep()
    jobs.does["sagas"] = in_turn(0, 2)
    working(jobs.container(), sweep_every=SOON * 6, look_every=SOON * 6)
    assert jobs.runs("sagas")
    assert jobs.runs("mails")
    time.sleep(0.02)
    go_on.set()
    assert jobs.runs("sagas")
    assert jobs.runs("mails")


def test_where_more_may_be_waiting_it_goes_on_at_once(jobs: Jobs, working: Working) -> None:
    jobs.does["sagas"] = in_turn(*[background.SAGAS_AT_ONCE] * 3)
    jobs.does["mails"] = in_turn(*[background.MAILS_AT_ONCE] * 3)
    working(jobs.container(), sweep_every=SOON * 6, look_every=SOON * 6)
    assert jobs.runs("sagas", 4)
    assert jobs.runs("mails", 4)


def test_what_was_done_is_told(jobs: Jobs, working: Working) -> None:
    jobs.does["sweep"] = in_turn(Swept(settled=2, cancelled=1), then=NOTHING)
    jobs.does["sagas"], jobs.does["mails"], jobs.does["announcements"] = in_turn(3), in_turn(4), in_turn(5)
    did: list[str] = []
    working(jobs.container(), did=did.append)
    for name in JOBS:
        assert jobs.runs(name, 3)
    assert sorted(did) == ["announcements 5", "mails 4", "sagas 3", "settled 2, cancelled 1"]


@pytest.mark.parametrize("job", JOBS)
def test_it_ends_after_what_is_under_way(jobs: Jobs, working: Working, job: str) -> None:
    begun, go_on, done = threading.Event(), threading.Event(), threading.Event()

    def act() -> Any:
        begun.set()
        go_on.wait(SOON)
        done.set()
        return NOTHING if job == "sweep" else 0

    jobs.does[job] = act
    work = working(jobs.container())
    assert begun.wait(SOON)
    threading.Timer(0.05, go_on.set).start()
    work.stop()
    assert done.is_set()


def test_what_hangs_does_not_hold_up_the_end_for_long(
    jobs: Jobs, working: Working, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "PATIENCE", 0.05)
    go_on = threading.Event()
    for job in JOBS:
        jobs.does[job] = lambda: go_on.wait(SOON)
    work = working(jobs.container())
    assert all(jobs.runs(job) for job in JOBS)
    before = time.monotonic()
    work.stop()
    assert time.monotonic() - before < 1
    go_on.set()


def test_it_ends_at_once_where_there_is_nothing_to_do(jobs: Jobs, working: Working) -> None:
    work = working(jobs.container(), sweep_every=SOON * 6, look_every=SOON * 6)
    assert all(jobs.runs(job) for job in JOBS)
    before = time.monotonic()
    work.stop()
    assert time.monotonic() - before < 1


@pytest.mark.parametrize(("setting", "runs"), [("on", True), ("off", False)])
def test_it_is_left_to_others_where_the_settings_say_so(jobs: Jobs, setting: str, runs: bool) -> None:
    container = jobs.container(background=setting, threads=1)
    app = make_app(container)

    async def live() -> bool:
        async with app.router.lifespan_context(app):
            return await asyncio.to_thread(jobs.runs, "sweep", within=SOON if runs else 0.05)

    assert asyncio.run(live()) is runs


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("closed")])
def test_where_nothing_can_be_logged_it_goes_on(
    jobs: Jobs, working: Working, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    class Full(io.StringIO):
        def write(self, _: str) -> int:
            raise error

    def failing() -> Any:
        raise UnavailableError

    logs.open_log()
    monkeypatch.setattr("sys.stderr", Full())
    jobs.does["sagas"] = failing
    working(jobs.container())
    assert jobs.runs("sagas", 3)


# On real stores


def in_memory() -> tuple[Container, Clinic, Mailbox]:
    clock, mails = SettableClock(NOON), Mailbox()
    container = open_container(load_settings(on_memory()), clock=clock, mailer=mails)
    return container, a_clinic(container.stores(), clock), mails


def ask(container: Container, clinic: Clinic) -> Any:
    doctor, patient = clinic.doctor(), clinic.patient()
    return container.request_appointment()(doctor_id=doctor.id, start=clinic.noon(2), patient=patient)


def test_what_a_process_left_that_is_gone_is_taken_over_at_the_start(working: Working) -> None:
    container, clinic, _ = in_memory()
    request = ask(container, clinic)
    log = container.sagas()
    left = log.claim("a process that is gone", now=clinic.clock.now(), limit=10)
    assert f"{request.id}.1" in {row.id for row in left}
    container.take_over.override(
        providers.Object(lambda: log.free([one for one in log.owners() if one == "a process that is gone"]))
    )
    working(container)
    until = time.monotonic() + SOON
    while not all(log.get(row.id)[0].progress.phase is Phase.COMPLETED for row in left) and time.monotonic() < until:
        time.sleep(0.001)
    assert {log.get(row.id)[0].progress.phase for row in left} == {Phase.COMPLETED}
    assert clinic.clock.now() < NOON + LEASE


def test_a_takeover_that_fails_is_tried_again_and_holds_up_no_saga(
    jobs: Jobs, working: Working, said: list[object]
) -> None:
    container = jobs.container()
    tried = threading.Semaphore(0)

    def failing() -> int:
        tried.release()
        raise UnavailableError

    container.take_over.override(providers.Object(failing))
    working(container)
    assert jobs.runs("sagas", 3)
    assert all(tried.acquire(timeout=SOON) for _ in range(2))
    assert "take over: dependency_unavailable" in said


def test_after_a_request_its_reader_is_told_without_anybody_waiting(working: Working) -> None:
    container, clinic, mails = in_memory()
    working(container, sweep_every=SOON * 6, look_every=SOON * 6)
    ask(container, clinic)
    until = time.monotonic() + SOON
    while len(mails.mails) < 2 and time.monotonic() < until:
        time.sleep(0.001)
    assert {mail.subject for mail in mails.mails} == {
        "Health&Med - Cadastro aprovado",
        "Health&Med - Nova consulta agendada",
    }


def test_all_at_once_does_everything_that_is_due_then() -> None:
    container, clinic, mails = in_memory()
    ask(container, clinic)
    assert all_at_once(container) == "settled 0, cancelled 0, sagas 2, mails 2"
    assert len(mails.mails) == 2
    clock = clinic.clock
    assert isinstance(clock, SettableClock)
    clock.advance(timedelta(days=2))
    assert all_at_once(container) == "settled 1, cancelled 0, sagas 1, mails 2"
    assert all_at_once(container) == "settled 0, cancelled 0, sagas 0, mails 0"


def test_all_at_once_goes_on_where_more_is_due_than_is_done_at_a_time(jobs: Jobs) -> None:
    jobs.does["sagas"] = in_turn(background.SAGAS_AT_ONCE, background.SAGAS_AT_ONCE, 3)
    jobs.does["mails"] = in_turn(background.MAILS_AT_ONCE)
    sagas, mails = 2 * background.SAGAS_AT_ONCE + 3, background.MAILS_AT_ONCE
    assert all_at_once(jobs.container()) == f"settled 0, cancelled 0, sagas {sagas}, mails {mails}"


def test_all_at_once_empties_the_queue_before_it_sends_what_that_has_told(jobs: Jobs) -> None:
    left, order = in_turn(3, 2), list[str]()

    def takes() -> Any:
        order.append("announcements")
        return left()

    def sends() -> Any:
        order.append("mails")
        return 0

    jobs.does["announcements"], jobs.does["mails"] = takes, sends
    all_at_once(jobs.container())
    assert order == ["announcements"] * 3 + ["mails"]
