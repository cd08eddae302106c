"""The runner: everything that is due, one after the other, and nothing lost on the way."""

from collections.abc import Callable
from datetime import timedelta

import attrs
import pytest

from telemed_core.domain.ids import SagaId
from telemed_core.domain.sagas import LEASE, MOST_CLAIMS, Phase, SagaEntry, SagaRow
from telemed_core.errors import (
    BusyError,
    ConflictError,
    FencedError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    StaleVersionError,
    UnavailableError,
)
from telemed_core.saga.deciding import Broken, Ok, Outcome, Refused, Resolution, Uncertain, quarantined
from telemed_core.saga.definition import Kind, Saga
from telemed_core.saga.driving import Asked
from telemed_core.saga.running import RunSagas, TakeOver, asked, outcome_of
from telemed_core.saga.sagas import Registry
from telemed_core.testing.builders import MONDAY
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.faults import After, Before, Fault, Faulty, Fine
from unit.saga.stage import HOUR, ID, TRIP, Killed, Script, Stage, a_row, a_step, at

ABORTED, COMMITTED = Ok(Resolution.ABORTED), Ok(Resolution.COMMITTED)
INSTANT = timedelta(microseconds=1)


class BugError(Exception):
    pass


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (UnavailableError(), Uncertain("dependency_unavailable")),
        (BusyError(), Uncertain("busy")),
        (ConflictError(), Refused("conflict")),
        (StaleVersionError(), Refused("stale_version")),
        (InvalidError("password"), Refused("invalid_request")),
        (NotFoundError(), Refused("not_found")),
        (ForbiddenError(), Refused("forbidden")),
        (KeyError("secret"), Broken("KeyError")),
        (ValueError("secret"), Broken("ValueError")),
        (BugError("secret"), Broken("BugError")),
    ],
)
def test_what_a_participant_raises_is_an_outcome(error: Exception, outcome: Outcome) -> None:
    assert outcome_of(error) == outcome


def test_being_fenced_is_no_outcome() -> None:
    with pytest.raises(FencedError):
        outcome_of(FencedError())


def test_an_operation_that_nobody_answers_is_a_bug() -> None:
    stage = Stage(Script())
    stage.keep()
    RunSagas(stage.log, stage.registry, {}, stage.clock, "here", stage.alarms.append)()
    assert stage.row().progress == at("flight", attempt=2, error="no_participant")


@pytest.mark.parametrize("signal", [Killed(), SystemExit(), GeneratorExit()])
def test_what_is_no_error_is_never_swallowed(signal: BaseException) -> None:
    stage = Stage(Script({"flight": [signal]}))
    row = stage.keep()
    with pytest.raises(type(signal)):
        stage.runner()()
    assert stage.row().seq == row.seq
    assert stage.row().owner == "here"


def test_it_runs_all_that_is_due_and_says_how_many() -> None:
    stage = Stage(Script())
    for number in range(3):
        stage.keep(a_row(saga_id=SagaId(f"s{number}")))
    later = stage.keep(a_row(saga_id=SagaId("later"), due_at=MONDAY + INSTANT))
    held = stage.keep(a_row(saga_id=SagaId("held"), owner="other", lease_until=MONDAY + LEASE))
    assert stage.runner()() == 3
    assert [stage.row(SagaId(f"s{number}")).progress.phase for number in range(3)] == [Phase.COMPLETED] * 3
    assert (stage.row(later.id), stage.row(held.id)) == (later, held)
    assert stage.runner()() == 0


def test_it_runs_no_more_than_it_is_told() -> None:
    stage = Stage(Script())
    for number in range(5):
        stage.keep(a_row(saga_id=SagaId(f"s{number}")))
    assert [stage.runner()(limit=2) for _ in range(4)] == [2, 2, 1, 0]


def test_leases_do_not_run_out_while_others_are_run() -> None:
    stage = Stage(Script())
    for number in range(4):
        stage.keep(a_row(saga_id=SagaId(f"s{number}")))

    def slow(request: Asked) -> Outcome:
        stage.clock.advance(LEASE / 4)
        assert request.row.lease_until is not None
        assert request.row.lease_until >= stage.clock.now()
        return Ok()

    run = RunSagas(
        stage.log,
        stage.registry,
        dict.fromkeys(stage.script.participants(), slow),
        stage.clock,
        "here",
        stage.alarms.append,
    )
    assert run() == 4
    assert {stage.row(SagaId(f"s{number}")).fence for number in range(4)} == {1}


@pytest.mark.parametrize(
    ("answers", "phase", "operations"),
    [
        ({}, Phase.COMPLETED, "flight weather hotel pay ticket mail"),
        ({"flight": [Refused("no")]}, Phase.COMPENSATED, "flight undo_flight"),
        ({"weather": [ConflictError()]}, Phase.COMPENSATED, "flight weather undo_flight"),
        (
            {"hotel": [UnavailableError(), UnavailableError()]},
            Phase.COMPENSATED,
            "flight weather hotel hotel undo_hotel undo_flight",
        ),
        ({"hotel": [UnavailableError()]}, Phase.COMPLETED, "flight weather hotel hotel pay ticket mail"),
        (
            {"pay": [Refused("no")], "resolve_pay": [ABORTED]},
            Phase.COMPENSATED,
            "flight weather hotel pay resolve_pay undo_hotel undo_flight",
        ),
        (
            {"pay": [UnavailableError()] * 2, "resolve_pay": [UnavailableError(), COMMITTED]},
            Phase.COMPLETED,
            "flight weather hotel pay pay resolve_pay resolve_pay ticket mail",
        ),
        ({"ticket": [Refused("no")]}, Phase.COMPLETED, "flight weather hotel pay ticket ticket mail"),
        (
            {"weather": [Refused("no")], "undo_flight": [BugError()]},
            Phase.COMPENSATED,
            "flight weather undo_flight undo_flight",
        ),
        ({"hotel": [BugError()]}, Phase.COMPLETED, "flight weather hotel hotel pay ticket mail"),
    ],
)
def test_each_way_ends(answers: dict[str, list[Outcome]], phase: Phase, operations: str) -> None:
    stage = Stage(Script(answers))
    stage.keep()
    row = stage.run_all()
    assert (row.progress.phase, " ".join(stage.script.operations)) == (phase, operations)
    assert (row.owner, row.due_at, stage.alarms) == (None, None, [])
    keys = {(one.call.step, one.call.key) for one in stage.script.calls}
    assert len(keys) == len({step for step, _ in keys})


@pytest.mark.parametrize(
    ("answers", "stuck"),
    [
        ({"flight": [BugError()] * 2}, at("flight", attempt=2, error="BugError")),
        ({"pay": [BugError()] * 2}, at("pay", attempt=2, error="BugError")),
        (
            {"pay": [Refused("no")], "resolve_pay": [Ok(), Ok()]},
            at("pay", Phase.RESOLVING, attempt=2, error="unresolved"),
        ),
        ({"ticket": [Refused("no")] * 2}, at("ticket", attempt=2, error="no")),
        (
            {"flight": [Refused("no")], "undo_flight": [UnavailableError()] * 2},
            at("flight", Phase.COMPENSATING, attempt=2, error="dependency_unavailable"),
        ),
    ],
)
def test_a_spent_budget_quarantines_and_raises_the_alarm(answers: dict[str, list[Outcome]], stuck: object) -> None:
    stage = Stage(Script(answers))
    stage.keep()
    row = stage.run_all()
    assert row.progress == quarantined(stuck)
    assert (row.owner, row.due_at, stage.alarms) == (None, None, [row])
    stage.clock.advance(HOUR * 24 * 365)
    assert stage.runner()() == 0


def test_a_row_of_an_old_version_runs_as_it_was_begun() -> None:
    second = Saga("trip", 2, TRIP.steps[-1:])
    stage = Stage(Script(), registry=Registry.of([TRIP, second]))
    stage.keep(a_row(second, SagaId("new")))
    stage.keep(a_row(TRIP))
    assert stage.runner()() == 2
    assert stage.script.operations == ["flight", "weather", "hotel", "pay", "ticket", "mail", "mail"]


@pytest.mark.parametrize("changed", [{"version": 3}, {"digest": "0" * 12}, {"name": "tour"}])
def test_what_is_not_known_here_is_quarantined_before_anything_runs(changed: dict[str, object]) -> None:
    stage = Stage(Script())
    stage.keep(a_row(progress=at("pay", Phase.RESOLVING), **changed))
    assert stage.runner()() == 1
    row = stage.row()
    assert row.progress == quarantined(at("pay", Phase.RESOLVING), error="unknown_definition")
    assert (stage.script.calls, stage.alarms) == ([], [row])


def test_five_claims_in_vain_and_it_is_quarantined_before_anything_runs() -> None:
    stage = Stage(Script({"hotel": [Killed()] * 9}))
    stage.keep(a_row(progress=at("hotel")))
    for claim in range(1, MOST_CLAIMS + 1):
        with pytest.raises(Killed):
            stage.runner()()
        assert stage.row().claims == claim
        stage.clock.advance(LEASE)
    assert stage.runner()() == 1
    assert stage.row().progress == quarantined(at("hotel"), error="claimed_in_vain")
    assert stage.script.operations == ["hotel"] * MOST_CLAIMS
    assert stage.alarms == [stage.row()]
    assert MOST_CLAIMS == 5


def test_an_entry_begins_the_count_anew() -> None:
    stage = Stage(Script({"ticket": [Killed(), UnavailableError(), Killed()]}))
    stage.keep(a_row(progress=at("ticket"), claims=MOST_CLAIMS - 1))
    with pytest.raises(Killed):
        stage.runner()()
    stage.keep(attrs.evolve(stage.row(), claims=0, owner=None, lease_until=None))
    stage.runner()()
    assert (stage.row().claims, stage.row().seq) == (0, 1)


@attrs.frozen
class _Taken:
    """A participant during whose call another runner takes the saga over."""

    stage: Stage
    raises: Exception | None = None

    def __call__(self, request: Asked) -> Outcome:
        self.stage.clock.advance(LEASE)
        assert self.stage.log.claim("other", now=self.stage.clock.now(), limit=1)
        if self.raises is not None:
            raise self.raises
        return Ok()


@pytest.mark.parametrize("raises", [None, FencedError(), UnavailableError(), BugError()])
def test_who_is_fenced_lets_go(raises: Exception | None) -> None:
    stage = Stage(Script())
    stage.keep()
    participants = {**stage.script.participants(), "flight": _Taken(stage, raises)}
    run = RunSagas(stage.log, stage.registry, participants, stage.clock, "here", stage.alarms.append)
    assert run() == 1
    row = stage.row()
    assert (row.owner, row.fence, row.seq, row.progress) == ("other", 2, 0, at("flight"))
    assert stage.script.calls == []


LOCAL = Saga("local", 1, tuple(a_step(f"s{one}", Kind.RETRIABLE, local=True) for one in range(3)))


@pytest.mark.parametrize(
    ("fault", "calls", "left"),
    [
        (Fine(), ["claim", "renew", "renew"], at(3, Phase.COMPLETED)),
        (Before(FencedError()), ["claim", "renew"], at(1)),
        (After(UnavailableError()), ["claim", "renew"], at(1)),
    ],
)
def test_a_lease_is_renewed_on_the_way_and_who_cannot_lets_go(fault: Fault, calls: list[str], left: object) -> None:
    stage = Stage(Script(), registry=Registry.of([LOCAL]))
    stage.keep(a_row(LOCAL))

    def slow(request: Asked) -> Outcome:
        assert request.entry is not None
        stage.log.append(request.entry)
        stage.clock.advance(LEASE * 0.6)
        return Ok()

    log = Faulty(stage.log, {"renew": [fault]})
    participants = dict.fromkeys(("s0", "s1", "s2"), slow)
    RunSagas(log.port, stage.registry, participants, stage.clock, "here", stage.alarms.append)(limit=1)
    assert log.calls == calls
    assert stage.row().progress == left


@pytest.mark.parametrize("fault", [Before, After])
def test_what_the_log_does_not_answer_for_is_left_to_its_lease(fault: Callable[[Exception], Before | After]) -> None:
    stage = Stage(Script())
    stage.keep()
    other = stage.keep(a_row(saga_id=SagaId("b1.1")))
    log = Faulty(stage.log, {"append": [fault(UnavailableError())]})
    assert stage.runner(log=log.port)() == 2
    assert stage.row(other.id).progress.phase is Phase.COMPLETED
    assert stage.row().owner == "here"
    assert stage.row().lease_until == MONDAY + LEASE
    assert stage.run_all().progress.phase is Phase.COMPLETED
    again = ["flight"] if fault is Before else []
    first = [one.call.operation for one in stage.script.calls if one.row.id == ID]
    assert first == ["flight", *again, "weather", "hotel", "pay", "ticket", "mail"]


def test_a_log_that_does_not_say_what_is_due_is_not_waited_for() -> None:
    stage = Stage(Script())
    stage.keep()
    with pytest.raises(UnavailableError):
        stage.runner(log=Faulty(stage.log, {"claim": [Before(UnavailableError())]}).port)()


@pytest.mark.parametrize("fault", [Before, After])
def test_the_alarm_is_raised_though_the_answer_to_the_quarantine_is_lost(
    fault: Callable[[Exception], Before | After],
) -> None:
    stage = Stage(Script({"ticket": [Refused("no")]}))
    stage.keep(a_row(progress=at("ticket", attempt=2)))
    log = Faulty(stage.log, {"append": [fault(UnavailableError())]})
    stage.runner(log=log.port)()
    assert [one.progress.phase for one in stage.alarms] == [Phase.QUARANTINED]


def test_a_saga_that_breaks_the_log_stops_in_the_end_and_lets_others_through() -> None:
    stage = Stage(Script())
    stage.keep()
    stage.keep(a_row(saga_id=SagaId("b1.1"), due_at=MONDAY))
    log = Faulty(stage.log, {"append": [Before(BugError()), Fine()]})
    run = stage.runner(log=log.port)
    with pytest.raises(BugError):
        run()
    run()
    assert stage.row(SagaId("b1.1")).progress.phase is Phase.COMPLETED


def test_asked_hands_the_participant_what_is_asked() -> None:
    stage = Stage(Script())
    stage.keep()
    stage.runner()()
    first = stage.script.calls[0]
    assert asked({"flight": lambda request: Refused(request.row.id)}, first) == Refused(ID)


def test_only_the_dead_are_taken_over() -> None:
    stage = Stage(Script())
    owners = ("here", "dead:1", "dead:2", "alive")
    rows = [
        stage.keep(a_row(saga_id=SagaId(f"s{number}"), owner=owner, lease_until=MONDAY + LEASE))
        for number, owner in enumerate((*owners, "dead:1"))
    ]
    take_over = TakeOver(stage.log, "here", lambda owner: owner != "alive")
    assert take_over() == 3
    assert stage.log.owners() == {"here", "alive"}
    assert stage.runner()() == 3
    assert [stage.row(one.id).progress.phase for one in rows if one.owner == "dead:1"] == [Phase.COMPLETED] * 2
    log = Faulty(stage.log, {})
    assert TakeOver(log.port, "here", lambda owner: False)() == 0
    assert log.calls == ["owners"]


def test_two_runners_on_one_log_do_nothing_twice() -> None:
    stage = Stage(Script())
    for number in range(4):
        stage.keep(a_row(saga_id=SagaId(f"s{number}")))
    other: list[SagaRow] = []

    def first(request: Asked) -> Outcome:
        if not other:
            other.append(request.row)
            assert stage.runner(owner="there")(limit=9) == 3
        return stage.script.answer(request)

    participants = {**stage.script.participants(), "flight": first}
    run = RunSagas(stage.log, stage.registry, participants, stage.clock, "here", stage.alarms.append)
    assert run() == 1
    assert len(stage.script.calls) == 4 * 6
    assert len({(one.row.id, one.call.operation) for one in stage.script.calls}) == 4 * 6


def test_waits_are_waited() -> None:
    stage = Stage(Script({"mail": [UnavailableError()]}), clock=SettableClock(MONDAY))
    stage.keep(a_row(progress=at("mail")))
    run = stage.runner()
    assert [run(), run()] == [1, 0]
    due_at = stage.row().due_at
    assert due_at is not None
    assert timedelta(milliseconds=100) <= due_at - MONDAY <= timedelta(milliseconds=200)
    stage.clock.set(due_at - INSTANT)
    assert run() == 0
    stage.clock.set(due_at)
    assert run() == 1


def test_an_entry_is_written_under_the_fence_of_its_claim() -> None:
    stage = Stage(Script())
    stage.keep()
    entries: list[SagaEntry] = []
    log = stage.log

    class _Keeps:
        def __getattr__(self, name: str) -> object:
            return getattr(log, name)

        def append(self, entry: SagaEntry) -> SagaRow:
            entries.append(entry)
            return log.append(entry)

    stage.runner(log=_Keeps())()  # type: ignore[arg-type]
    assert [(one.before.seq, one.before.fence) for one in entries] == [(seq, 1) for seq in range(6)]
