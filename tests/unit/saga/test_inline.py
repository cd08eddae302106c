"""A saga within the use case that has started it: done, refused, too slow, dead, or another's since."""

from collections.abc import Callable, Iterable
from datetime import timedelta

import attrs
import pytest

from telemed_core.domain.ids import Id
from telemed_core.domain.sagas import LEASE, Phase, SagaEntry, SagaRow, SagaStart
from telemed_core.errors import BusyError, ConflictError, FencedError, InvalidError, TelemedError, UnavailableError
from telemed_core.ports.sagas import SagaLog
from telemed_core.saga.deciding import Ok, Outcome, Refused, Resolution
from telemed_core.saga.running import INLINE, Inline
from telemed_core.testing.builders import MONDAY
from telemed_core.testing.faults import After, Before, Faulty, Fine
from unit.saga.stage import ID, TRIP, Killed, Script, Stage, at

START = SagaStart(ID, "trip", Id("a1"), MONDAY + LEASE)
OPERATIONS = "flight weather hotel pay ticket mail"


class BugError(Exception):
    pass


@attrs.define
class Inlined:
    """The trip, of which the use case itself does ``hotel`` and ``pay``."""

    answers: dict[str, Iterable[Outcome | BaseException]]
    log: SagaLog | None = None
    stage: Stage = attrs.field(init=False)
    pauses: list[timedelta] = attrs.field(factory=list, init=False)
    work: dict[str, Callable[[SagaEntry | None], None]] = attrs.field(init=False)
    given: list[SagaEntry | None] = attrs.field(factory=list, init=False)
    takes: timedelta = timedelta(0)

    def __attrs_post_init__(self) -> None:
        own = {name: iter(self.answers.pop(name, ())) for name in ("hotel", "pay")}
        self.stage = Stage(Script(self.answers))
        self.stage.keep(TRIP.begin(START, at=MONDAY + LEASE))
        self.work = {name: self._work(name, own[name]) for name in own}

    def _work(self, name: str, answers: Iterable[object]) -> Callable[[SagaEntry | None], None]:
        def work(entry: SagaEntry | None) -> None:
            self.done.append(name)
            self.given.append(entry)
            self.stage.clock.advance(self.takes)
            answer = next(iter(answers), None)
            if isinstance(answer, BaseException):
                raise answer

        return work

    done: list[str] = attrs.field(factory=list, init=False)

    def pause(self, wait: timedelta) -> None:
        self.pauses.append(wait)
        self.stage.clock.advance(wait)

    def run(self, log: SagaLog | None = None) -> SagaRow:
        stage = self.stage
        inline = Inline(
            log or stage.log,
            stage.registry,
            stage.script.participants(),
            stage.clock,
            self.pause,
            stage.alarms.append,
        )
        inline.run(START, self.work, at=MONDAY + LEASE)
        return stage.row()

    def refused(self, kind: type[BaseException], log: SagaLog | None = None) -> BaseException:
        with pytest.raises(kind) as caught:
            self.run(log)
        assert type(caught.value) is kind
        return caught.value


def test_all_is_done_at_once_partly_by_the_use_case_itself() -> None:
    trip = Inlined({})
    row = trip.run()
    assert (row.progress.phase, row.seq, row.fence, row.owner) == (Phase.COMPLETED, 6, 0, None)
    assert (trip.done, trip.given) == (["hotel", "pay"], [None, None])
    assert trip.stage.script.operations == ["flight", "weather", "ticket", "mail"]
    assert trip.pauses == []


def test_nobody_else_takes_it_meanwhile_and_from_its_lease_on_everybody_does() -> None:
    trip = Inlined({"hotel": [Killed()]})
    trip.refused(Killed)
    stage = trip.stage
    assert (stage.row().progress, stage.row().due_at) == (at("hotel"), MONDAY + LEASE)
    stage.clock.set(MONDAY + LEASE - timedelta(microseconds=1))
    assert stage.runner()() == 0
    stage.clock.set(MONDAY + LEASE)
    assert stage.runner()() == 1


@pytest.mark.parametrize("error", [InvalidError("password", "is common"), ConflictError("held")])
def test_what_a_refused_step_raised_comes_out_as_it_is_when_all_is_undone(error: TelemedError) -> None:
    trip = Inlined({"hotel": [error]})
    assert trip.refused(type(error)) is error
    assert trip.stage.row().progress == at(-1, Phase.COMPENSATED, error=error.code)
    assert trip.stage.script.operations == ["flight", "weather", "undo_hotel", "undo_flight"]


def test_a_refused_pivot_comes_out_when_it_is_resolved_and_all_is_undone() -> None:
    trip = Inlined({"pay": [ConflictError()], "resolve_pay": [Ok(Resolution.ABORTED)]})
    trip.refused(ConflictError)
    assert trip.stage.row().progress.phase is Phase.COMPENSATED


def test_a_refused_pivot_that_was_committed_after_all_is_done() -> None:
    trip = Inlined({"pay": [ConflictError()], "resolve_pay": [Ok(Resolution.COMMITTED)]})
    assert trip.run().progress.phase is Phase.COMPLETED


def test_who_undoes_too_slowly_tells_the_refusal_all_the_same_and_it_is_undone_behind() -> None:
    error = InvalidError("password")
    trip = Inlined({"hotel": [error], "undo_flight": [UnavailableError(), Ok()]}, takes=timedelta(seconds=4.9))
    assert trip.refused(InvalidError) is error
    assert trip.stage.row().progress == at("flight", Phase.COMPENSATING, attempt=2, error="dependency_unavailable")
    assert trip.stage.run_all().progress.phase is Phase.COMPENSATED


def test_an_undo_that_is_stuck_tells_the_refusal_and_calls_an_operator() -> None:
    trip = Inlined({"hotel": [InvalidError("password")], "undo_hotel": [Refused("no")] * 2})
    trip.refused(InvalidError)
    assert trip.stage.alarms == [trip.stage.row()]
    assert trip.stage.row().progress.stuck_in is Phase.COMPENSATING


def test_a_step_that_is_refused_elsewhere_leaves_nothing_to_tell_but_busy() -> None:
    trip = Inlined({"weather": [Refused("no")]})
    trip.refused(BusyError)
    assert trip.stage.row().progress.phase is Phase.COMPENSATED


def test_what_is_uncertain_is_tried_again_after_its_wait() -> None:
    trip = Inlined({"hotel": [UnavailableError()], "pay": [UnavailableError()]})
    assert trip.run().progress.phase is Phase.COMPLETED
    assert trip.done == ["hotel", "hotel", "pay", "pay"]
    assert len(trip.pauses) == 2
    assert all(timedelta(milliseconds=100) <= one <= timedelta(milliseconds=200) for one in trip.pauses)


def test_what_stays_uncertain_is_undone_and_told() -> None:
    error = UnavailableError("the mail server")
    trip = Inlined({"hotel": [UnavailableError(), error]})
    assert trip.refused(UnavailableError) is error
    assert trip.stage.row().progress.phase is Phase.COMPENSATED


def test_a_pivot_that_stays_uncertain_is_resolved_and_told() -> None:
    trip = Inlined({"pay": [UnavailableError()] * 2, "resolve_pay": [Ok(Resolution.ABORTED)]})
    trip.refused(UnavailableError)
    assert trip.stage.row().progress.phase is Phase.COMPENSATED


def test_after_five_seconds_no_call_is_begun_and_it_is_busy() -> None:
    trip = Inlined({}, takes=INLINE)
    trip.refused(BusyError)
    assert (trip.done, trip.stage.row().progress) == (["hotel"], at("pay"))
    assert timedelta(seconds=5) == INLINE
    # Behind, nobody can do what the use case alone could.
    behind = {name: [Refused("not_by_itself")] for name in ("hotel", "pay")}
    trip.stage.script = Script({**behind, "resolve_pay": [Ok(Resolution.ABORTED)]})
    assert trip.stage.run_all().progress.phase is Phase.COMPENSATED


def test_a_wait_that_would_end_too_late_is_not_begun() -> None:
    trip = Inlined({"hotel": [UnavailableError()]}, takes=INLINE - timedelta(milliseconds=50))
    trip.refused(BusyError)
    assert (trip.pauses, trip.stage.row().progress.attempt) == ([], 2)


def test_past_its_pivot_the_rest_is_done_behind() -> None:
    trip = Inlined({"ticket": [UnavailableError()]}, takes=timedelta(seconds=2.45))
    assert trip.run().progress == at("ticket", attempt=2, error="dependency_unavailable")
    assert trip.stage.run_all().progress.phase is Phase.COMPLETED


def test_past_its_pivot_a_quarantine_is_an_operators_and_not_the_callers() -> None:
    trip = Inlined({"ticket": [Refused("no")] * 2})
    assert trip.run().progress.stuck_in is Phase.FORWARD
    assert trip.stage.alarms == [trip.stage.row()]


def test_a_pivot_that_nobody_can_resolve_is_busy_and_calls_an_operator() -> None:
    trip = Inlined({"pay": [ConflictError()], "resolve_pay": [Ok(), Ok()]})
    trip.refused(BusyError)
    assert trip.stage.alarms == [trip.stage.row()]


def test_a_bug_comes_out_at_once_and_nothing_is_concluded_from_it() -> None:
    bug = BugError("secret")
    trip = Inlined({"hotel": [bug]})
    assert trip.refused(BugError) is bug
    assert trip.stage.row().progress == at("hotel", attempt=2, error="BugError")
    assert trip.pauses == []


def test_a_bug_whose_entry_cannot_be_written_comes_out_too() -> None:
    for error in (UnavailableError(), FencedError()):
        trip = Inlined({"hotel": [BugError()]})
        log = Faulty(trip.stage.log, {"append": [Fine(), Fine(), Before(error)]})
        trip.refused(BugError, log.port)


def test_a_pivot_whose_answer_was_lost_with_its_entry_is_done() -> None:
    for error in (UnavailableError(), BugError()):
        trip = Inlined({})
        stage = trip.stage

        def commits(_: SagaEntry | None, error: Exception = error, stage: Stage = stage) -> None:
            row = stage.row()
            stage.log.append(SagaEntry(before=row, progress=at(6, Phase.COMPLETED), at=MONDAY))
            raise error

        trip.work["pay"] = commits
        assert trip.run().progress.phase is Phase.COMPLETED


def test_who_is_fenced_goes_by_what_the_log_says() -> None:
    error = InvalidError("password")
    for phase, told in ((Phase.COMPENSATED, InvalidError), (Phase.FORWARD, BusyError)):
        trip = Inlined({})
        stage = trip.stage

        def late(_: SagaEntry | None, stage: Stage = stage, phase: Phase = phase) -> None:
            left = at(-1 if phase is Phase.COMPENSATED else 2, phase, error="not_by_itself")
            stage.log.append(SagaEntry(before=stage.row(), progress=left, at=MONDAY))
            raise error

        trip.work["hotel"] = late
        trip.refused(told)


def test_work_that_finds_itself_fenced_lets_go() -> None:
    trip = Inlined({"pay": [FencedError()]})
    trip.refused(BusyError)
    assert trip.stage.row().progress == at("pay")


@pytest.mark.parametrize("fault", [Before, After])
def test_a_log_that_does_not_answer_comes_out_and_leaves_it_to_its_lease(
    fault: Callable[[Exception], Before | After],
) -> None:
    error = UnavailableError("log")
    trip = Inlined({})
    assert trip.refused(UnavailableError, Faulty(trip.stage.log, {"append": [fault(error)]}).port) is error
    assert trip.stage.row().due_at == MONDAY + LEASE


def test_a_refusal_is_told_though_the_log_does_not_answer_then() -> None:
    error = InvalidError("password")
    trip = Inlined({"hotel": [error]})
    log = Faulty(trip.stage.log, {"append": [Fine(), Fine(), Before(UnavailableError())]})
    assert trip.refused(InvalidError, log.port) is error


def test_past_its_pivot_a_log_that_does_not_answer_is_nothing_to_the_caller() -> None:
    trip = Inlined({})
    log = Faulty(trip.stage.log, {"append": [*[Fine()] * 4, Before(UnavailableError())]})
    assert trip.run(log.port).progress == at("ticket")
