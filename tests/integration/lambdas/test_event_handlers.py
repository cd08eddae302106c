"""The functions that events call: what they do with records, with time that runs out, and with what goes wrong."""

import json
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any, Final

import attrs
import pytest
from dependency_injector import providers

from adapters.dynamodb.saga_stream import FILTER, sagas_begun
from adapters.mailbox import Mailbox
from entrypoints.container import Container, open_container
from entrypoints.lambdas import notifier, saga_starter, saga_step, sign_up, starting, sweep
from entrypoints.lambdas.events import RESERVED, EventFailedError
from entrypoints.settings import SettingsError, load_settings
from integration.lambdas.sources import (
    LONG,
    Called,
    queue_record,
    queue_records,
    row_keys,
    scheduled,
    sign_up_event,
    stream_record,
)
from telemed_core.application.sweeping import Swept
from telemed_core.domain.sagas import Phase
from telemed_core.errors import NotFoundError, UnavailableError
from telemed_core.testing.builders import MONDAY
from telemed_core.testing.contracts.publishing import an_announcement
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import Clinic, a_clinic

MARK: Final = "maria@example.org"
EVENTS: Final = (saga_starter, saga_step, notifier, sweep, sign_up)


@attrs.define
class Acts:
    """Stands in for something that is called: what it was called with, and what it then does, one after the other."""

    does: list[Any] = attrs.field(factory=list)
    calls: list[Any] = attrs.field(factory=list)

    def __call__(self, *given: Any, **named: Any) -> Any:
        self.calls.append(given[0] if given else named)
        outcome = self.does.pop(0) if self.does else 0
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@attrs.frozen
class Function:
    """A function's process, and who stands in for what it calls."""

    container: Container
    mailbox: Mailbox

    def put(self, name: str, *does: Any) -> Acts:
        acts = Acts([*does])
        self.container.providers[name].override(providers.Object(acts))
        return acts

    def clinic(self) -> Clinic:
        return a_clinic(self.container.stores(), self.container.clock(), self.container.ids())


def opened(**settings: str) -> Function:
    environment = {"TELEMED_PROFILE": "memory", **settings}
    mailbox = Mailbox()
    return Function(open_container(load_settings(environment), clock=SettableClock(MONDAY), mailer=mailbox), mailbox)


@pytest.fixture
def function() -> Iterator[Function]:
    """One whose sagas nobody else runs."""
    made = opened()
    with starting.container.override(providers.Object(made.container)):
        yield made
    made.container.close()


@pytest.fixture
def on_engine(function: Function) -> Acts:
    """What begins executions, which are how sagas are run."""
    settings = function.container.settings().model_copy(update={"saga_engine": "step_functions"})
    function.container.settings.override(providers.Object(settings))
    return function.put("start_saga")


@pytest.fixture(autouse=True)
def _new_process() -> Iterator[None]:
    sign_up.judge.reset()
    yield
    sign_up.judge.reset()


def stream(*sagas: str) -> dict[str, Any]:
    return {"Records": [stream_record(number, row_keys(saga)) for number, saga in enumerate(sagas, 1)]}


def left(event: Mapping[str, Any], context: Called | None = None) -> int | None:
    """The number of the record from which the stream goes on; ``None``: all are done."""
    answer = json.loads(json.dumps(saga_starter.handler(event, context or Called())))
    assert set(answer) == {"batchItemFailures"}
    numbers = [int(one["itemIdentifier"]) for one in answer["batchItemFailures"]]
    assert len(numbers) <= 1
    return numbers[0] if numbers else None


def test_of_a_streams_records_new_sagas_alone_are_begun_in_order(on_engine: Acts) -> None:
    records = [
        stream_record(1, row_keys("a.1")),
        stream_record(2, row_keys("b.1"), event="MODIFY"),
        stream_record(3, row_keys("c.1"), event="REMOVE"),
        stream_record(4, row_keys("d.1", "I#000000002")),
        stream_record(5, {"PK": {"S": "A#e"}, "SK": {"S": "M"}}),
        stream_record(6, {"PK": {"S": "SCHED#S#f"}, "SK": {"S": "M"}}),
        stream_record(7, row_keys("g.1")),
    ]
    assert left({"Records": records}) is None
    assert on_engine.calls == ["a.1", "g.1"]
    # What Lambda filters by lets the same through.
    assert [one for one in records if _passes(FILTER, one)] == [records[0], records[6]]
    assert [*sagas_begun(records).items()] == [(f"{1:021}", "a.1"), (f"{7:021}", "g.1")]


def _passes(pattern: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    """As Lambda filters: each field is one of those that are named, or begins so."""
    for name, wanted in pattern.items():
        found = record.get(name)
        if isinstance(wanted, Mapping):
            if not (isinstance(found, Mapping) and _passes(wanted, found)):
                return False
        elif not any(str(found).startswith(one["prefix"]) if isinstance(one, dict) else found == one for one in wanted):
            return False
    return True


def test_where_a_service_does_not_answer_the_stream_goes_on_from_there(
    on_engine: Acts, logged: list[dict[str, Any]]
) -> None:
    on_engine.does = [True, UnavailableError(MARK)]
    assert left(stream("a.1", "b.1", "c.1")) == 2
    assert on_engine.calls == ["a.1", "b.1"], "what is behind it comes again anyway"
    assert [line["what"] for line in logged] == ["saga starter: dependency_unavailable"]


def test_what_breaks_holds_up_nothing_behind_it_and_is_told_without_its_text(
    on_engine: Acts, logged: list[dict[str, Any]]
) -> None:
    on_engine.does = [NotFoundError(MARK), RuntimeError(MARK), True]
    assert left(stream("a.1", "b.1", "c.1")) is None
    assert on_engine.calls == ["a.1", "b.1", "c.1"]
    assert [line["errors"][0]["type"] for line in logged] == ["NotFoundError", "RuntimeError"]
    assert {line["request_id"] for line in logged} == {Called().aws_request_id}
    assert MARK not in json.dumps(logged)


def test_what_there_is_no_time_for_comes_again(on_engine: Acts) -> None:
    assert left(stream("a.1", "b.1", "c.1"), Called([LONG, LONG, RESERVED + 1, RESERVED])) == 3
    assert on_engine.calls == ["a.1", "b.1"]
    # However little it has, it begins with something.
    assert left(stream("d.1", "e.1"), Called([100, 100, 50])) == 2
    assert on_engine.calls[2:] == ["d.1"]


def test_a_function_that_runs_sagas_itself_runs_all_that_is_due(function: Function) -> None:
    clinic = function.clinic()
    doctor, patient = clinic.doctor(), clinic.patient()
    for day in (2, 3):
        function.container.request_appointment()(doctor_id=doctor.id, start=clinic.noon(day), patient=patient)
    begun = function.container.sagas().list(phases=[Phase.FORWARD], limit=9)
    assert [row.name for row in begun].count("request") == 2
    assert left(stream(begun[0].id)) is None
    assert {row.progress.phase for row in function.container.sagas().list(limit=9)} == {Phase.COMPLETED}
    assert function.container.notices().log(limit=9)


def test_a_function_that_runs_sagas_itself_stops_for_an_outage_and_for_time(function: Function) -> None:
    run = function.put("run_sagas", UnavailableError())
    assert left(stream("a.1", "b.1")) == 1
    run.does = [RuntimeError(MARK)]
    assert left(stream("a.1", "b.1")) is None
    run.calls.clear()
    run.does = [1] * 9
    assert left(stream("a.1"), Called([LONG, LONG, LONG, LONG, RESERVED])) is None
    assert run.calls == [{"limit": 1}] * 2, "one, and then it looks how much time there is"
    assert left({"Records": [stream_record(1, row_keys("a.1"), event="MODIFY")]}) is None
    assert len(run.calls) == 2


def test_a_task_is_handed_to_the_step_and_its_answer_to_the_engine(function: Function) -> None:
    told = {"saga": "a.1", "seq": 2, "next": "notify", "seconds": 0}
    step = function.put("saga_step", told)
    task = {"saga": "a.1", "seq": 1, "at": "cards"}
    assert saga_step.handler(task, Called()) == told
    assert step.calls == [task]
    # The real one tells of what is not there as a way to go, and raises nothing.
    function.container.providers["saga_step"].reset_override()
    gone = {"saga": "a.1", "seq": 1, "next": "abandoned", "seconds": 0}
    assert saga_step.handler(task, Called()) == gone


def test_announcements_become_notices_and_leave_at_once(function: Function) -> None:
    clinic = function.clinic()
    doctor, patient = clinic.doctor(), clinic.patient()
    records = [*queue_records([attrs.evolve(an_announcement(), doctor_id=doctor.id, patient_id=patient.id)])]
    answers = [notifier.handler({"Records": records}, Called()) for _ in range(2)]
    assert answers == [{"batchItemFailures": []}] * 2
    kept = function.container.notices().log(limit=9)
    assert len({(one.event, one.reader, one.channel) for one in kept}) == len(kept) == 2
    assert len(function.mailbox.mails) == 1, "what comes again is dropped"


def test_of_a_batch_a_subjects_records_come_again_from_the_first_that_failed(function: Function) -> None:
    notify = function.put("notify", None, UnavailableError(MARK), None)
    function.container.hand_on_records.reset()
    one, two = (
        [attrs.evolve(an_announcement(seq), subject=of, id=f"{of}.{seq}") for seq in (1, 2)] for of in ("one", "two")
    )
    records = [*queue_records([one[0], two[0], two[1], one[1]])]
    records.append(queue_record(5, MARK, group="three"))
    answer = notifier.handler({"Records": records}, Called())
    assert answer == {"batchItemFailures": [{"itemIdentifier": f"message-{number}"} for number in (2, 3, 5)]}
    assert len(notify.calls) == 3


@pytest.mark.parametrize("error", [UnavailableError(), RuntimeError(MARK)])
def test_mails_that_cannot_leave_hold_back_no_record(
    function: Function, error: Exception, logged: list[dict[str, Any]]
) -> None:
    mails = function.put("deliver_notices", 1, error)
    assert notifier.handler({"Records": [*queue_records([an_announcement()])]}, Called()) == {"batchItemFailures": []}
    assert mails.calls == [{"limit": 1}] * 2
    assert len(logged) == 1
    mails.does = [1] * 9
    notifier.handler({"Records": []}, Called([LONG, LONG, RESERVED]))
    assert len(mails.calls) == 3, "when its time is nearly up, the sweep has them"


def test_a_sweep_does_everything_that_is_due(function: Function) -> None:
    clinic = function.clinic()
    doctor, patient = clinic.doctor(), clinic.patient()
    sweep.handler(scheduled(), Called())
    function.container.request_appointment()(doctor_id=doctor.id, start=clinic.noon(2), patient=patient)
    # Its saga is run, and it is told of; then nothing is left.
    assert sweep.handler(scheduled(), Called()) == {"settled": 0, "cancelled": 0, "sagas": 1, "mails": 1}
    assert sweep.handler(scheduled(), Called()) == {"settled": 0, "cancelled": 0, "sagas": 0, "mails": 0}
    clock = function.container.clock()
    assert isinstance(clock, SettableClock)
    clock.set(clinic.noon(3))
    done = sweep.handler(scheduled(), Called())
    # Nobody has answered it in time: both are told.
    assert (done["settled"], done["sagas"], done["mails"]) == (1, 1, 2)


@pytest.mark.parametrize("broken", ["sweep", "run_sagas", "deliver_notices"])
def test_a_part_of_a_sweep_that_fails_keeps_no_other_from_being_done(
    function: Function, broken: str, logged: list[dict[str, Any]]
) -> None:
    acts = {
        "sweep": function.put("sweep", Swept(settled=2, cancelled=1)),
        "run_sagas": function.put("run_sagas", 1, 1, 0),
        "deliver_notices": function.put("deliver_notices", 1, 0),
    }
    acts[broken].does = [RuntimeError(MARK)]
    named = {"sweep": "sweep", "run_sagas": "sagas", "deliver_notices": "mails"}[broken]
    with pytest.raises(EventFailedError) as failed:
        sweep.handler(scheduled(), Called())
    assert (str(failed.value), failed.value.__context__) == (named, None)
    assert all(act.does == [] for act in acts.values()), "all were asked, until there was no more"
    assert [line["errors"][0]["type"] for line in logged] == ["RuntimeError"]


def test_sagas_leave_time_for_mails_and_mails_for_the_end(function: Function) -> None:
    sagas, mails = function.put("run_sagas", *[1] * 99), function.put("deliver_notices", *[1] * 99)
    function.put("sweep", Swept(settled=0, cancelled=0))
    # Of 60 s that are left the sagas have 40, and e-mails the rest but for the last 10.
    times = [60_000, 60_000, 40_000, 20_001, 20_000, 20_000, 20_000, 10_001, 10_000]
    assert sweep.handler(scheduled(), Called(times)) == {"settled": 0, "cancelled": 0, "sagas": 3, "mails": 2}
    assert (len(sagas.calls), len(mails.calls)) == (3, 2)


def test_without_a_mail_server_a_sweep_sends_nothing() -> None:
    container = open_container(load_settings({"TELEMED_PROFILE": "memory"}), clock=SettableClock(MONDAY))
    deliver = Function(container, Mailbox()).put("deliver_notices")
    with starting.container.override(providers.Object(container)):
        assert sweep.handler(scheduled(), Called())["mails"] == 0
        assert notifier.handler({"Records": []}, Called()) == {"batchItemFailures": []}
    assert deliver.calls == []


def test_a_user_that_is_ours_comes_in_and_everybody_else_is_told_why_not(monkeypatch: pytest.MonkeyPatch) -> None:
    # The function knows nothing of an installation: the pool is made after it.
    monkeypatch.setenv("TELEMED_NOTHING", "such")
    ours = sign_up_event("01jwabcdefghjkmnpqrstvwxyz", email=MARK)
    assert sign_up.handler(ours, Called()) == ours
    for event, said in (
        (sign_up_event("01jwabcdefghjkmnpqrstvwxyz", source="PreSignUp_SignUp"), "nobody signs up here by themselves"),
        (sign_up_event(MARK), "the name is not an account's"),
        (sign_up_event("a", **{"custom:role": MARK}), "an attribute is not for whoever signs up to say"),
        ({}, "nobody signs up here by themselves"),
    ):
        with pytest.raises(EventFailedError) as refused:
            sign_up.handler(event, Called())
        assert str(refused.value) == said


@pytest.mark.parametrize("module", EVENTS)
def test_a_bug_is_raised_without_its_text_and_is_in_the_log_without_it(
    module: ModuleType, function: Function, logged: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("sagas_begun", "saga_step", "hand_on_records"):
        function.put(name, ValueError(MARK))
    function.put("run_sagas", ValueError(MARK))
    monkeypatch.setattr(sign_up, "judge", lambda: Acts([ValueError(MARK)]))
    with pytest.raises(EventFailedError) as failed:
        module.handler({"Records": []}, Called())
    assert str(failed.value) == ("sagas" if module is sweep else "ValueError")
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__ or failed.value.__context__ is None
    assert [line["errors"][0]["type"] for line in logged] == ["ValueError"]
    assert MARK not in json.dumps(logged)


@pytest.mark.parametrize("module", [saga_starter, saga_step, notifier, sweep])
def test_a_setting_that_is_wrong_is_named(module: ModuleType) -> None:
    def open_wrongly(_: type) -> Any:
        raise SettingsError("TELEMED_TOPIC_ARN must be set")

    with (
        starting.container.override(providers.Callable(open_wrongly)),
        pytest.raises(SettingsError, match="TELEMED_TOPIC_ARN must be set"),
    ):
        module.handler({"Records": []}, Called())


@pytest.mark.parametrize(
    ("module", "needed"),
    [
        (saga_starter, {"sagas_begun", "run_sagas"}),
        (saga_step, {"saga_step"}),
        (notifier, {"hand_on_records", "deliver_notices", "notices"}),
        (sweep, {"sweep", "run_sagas", "deliver_notices", "notices"}),
    ],
)
def test_what_is_warm_has_all_that_its_events_need(
    module: ModuleType, needed: set[str], function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: set[str] = set()

    def noting(name: str, provider: Callable[[], Any]) -> Callable[[], Any]:
        def call() -> Any:
            asked.add(name)
            return provider()

        return call

    for name in needed:
        monkeypatch.setattr(function.container, name, noting(name, function.container.providers[name]))
    monkeypatch.delenv(starting.INITIALIZATION, raising=False)
    module.warm()
    assert asked == set()
    monkeypatch.setenv(starting.INITIALIZATION, "on-demand")
    module.warm()
    assert asked == needed
