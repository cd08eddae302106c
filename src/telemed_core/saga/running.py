"""What runs sagas: all that are due, those whose runner is gone, and one from within its use case."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final, TypeAlias

import attrs

from telemed_core.domain.sagas import MOST_CLAIMS, Phase, Progress, SagaEntry, SagaRow, SagaStart
from telemed_core.errors import BusyError, FencedError, TelemedError, UnavailableError
from telemed_core.ports.meetings import Signals
from telemed_core.ports.sagas import SagaLog
from telemed_core.ports.system import Clock
from telemed_core.saga.deciding import NOW, Broken, Ok, Outcome, Refused, Uncertain, quarantined
from telemed_core.saga.definition import Saga
from telemed_core.saga.driving import Append, Asked, Renew, Request, drive
from telemed_core.saga.sagas import Registry

Participant: TypeAlias = Callable[[Asked], Outcome]
"""Answers one operation; what it raises is told apart by ``outcome_of``."""

Alarm: TypeAlias = Callable[[SagaRow], None]
"""Calls an operator to a saga that is being quarantined; at least once for each."""

INLINE: Final = timedelta(seconds=5)
"""How long a use case waits for its saga."""

AT_ONCE: Final = 100


def outcome_of(error: Exception) -> Outcome:
    """What follows from what a participant raised; a fenced runner is to let go, which is no outcome."""
    match error:
        case FencedError():
            raise error
        case UnavailableError():
            return Uncertain(error.code)
        case TelemedError():
            return Refused(error.code)
        case _:
            return Broken(type(error).__name__)


def asked(participants: Mapping[str, Participant], request: Asked) -> Outcome:
    """The participant's answer, whatever it raises.

    Raises:
        FencedError: another runner has the saga.
    """
    participant = participants.get(request.call.operation)
    if participant is None:
        return Broken("no_participant")
    try:
        return participant(request)
    except Exception as error:  # every one is an outcome, and the saga does what follows from it
        return outcome_of(error)


def _driven(
    saga: Saga, row: SagaRow, *, clock: Clock, answer: Callable[[Request], Outcome | SagaRow], now: datetime
) -> SagaRow:
    driving = drive(saga, row, now=now)
    try:
        request = next(driving)
        while True:
            request = driving.send((answer(request), clock.now()))
    except StopIteration as ended:
        left: SagaRow = ended.value
        return left


@attrs.frozen
class AlarmingLog:
    """The log, which sounds the alarm before it is told of a quarantine: whatever happens then, somebody knows."""

    _log: SagaLog
    _alarm: Alarm

    def answer(self, request: Append | Renew, *, now: datetime) -> SagaRow:
        if isinstance(request, Renew):
            return self._log.renew(request.row, now=now)
        if request.entry.progress.phase is Phase.QUARANTINED:
            self._alarm(request.entry.after)
        return self._log.append(request.entry)


@attrs.frozen
class RunSagas:
    """Runs what is due, one saga after the other, each until it ends, waits or is quarantined.

    What another runner has taken over, and what the log does not answer for, is left as it is: its lease ends. One that
    was claimed too often without an entry, or whose definition is not known here, is quarantined before anything runs.

    Attributes:
        owner: this process: host, pid and start.
        alarm: hears of each saga that is quarantined.
    """

    _log: SagaLog
    _registry: Registry
    _participants: Mapping[str, Participant]
    _clock: Clock
    _owner: str
    _alarm: Alarm

    def __call__(self, *, limit: int = AT_ONCE) -> int:
        """Run up to ``limit``; how many have been.

        Raises:
            UnavailableError: the log does not say what is due.
        """
        for driven in range(limit):
            # One at a time: what is claimed and waits for its turn would use up its lease.
            claimed = self._log.claim(self._owner, now=self._clock.now(), limit=1)
            if not claimed:
                return driven
            self._run(claimed[0])
        return limit

    def _run(self, row: SagaRow) -> None:
        try:
            saga = self._registry.find(row)
            if saga is None:
                self._quarantine(row, "unknown_definition")
            elif row.claims > MOST_CLAIMS:
                self._quarantine(row, "claimed_in_vain")
            else:
                _driven(saga, row, clock=self._clock, answer=self._answer, now=self._clock.now())
        except (FencedError, UnavailableError):
            return

    def _quarantine(self, row: SagaRow, error: str) -> None:
        entry = SagaEntry(before=row, progress=quarantined(row.progress, error=error), at=self._clock.now())
        self._answer(Append(entry))

    def _answer(self, request: Request) -> Outcome | SagaRow:
        if isinstance(request, Asked):
            return asked(self._participants, request)
        return AlarmingLog(self._log, self._alarm).answer(request, now=self._clock.now())


@attrs.frozen
class TakeOver:
    """Frees what owners hold that do not run any more: sagas go on at once, and seats in meetings are empty.

    Attributes:
        gone: whether that owner certainly does not run; of another host nobody can say so.
    """

    _held: SagaLog | Signals
    _owner: str
    _gone: Callable[[str], bool]

    def __call__(self) -> int:
        """How many are free now."""
        dead = [owner for owner in self._held.owners() if owner != self._owner and self._gone(owner)]
        return self._held.free(dead) if dead else 0


Work: TypeAlias = Mapping[str, Callable[[SagaEntry | None], None]]


class _TimeIsUp(Exception):
    """No call is begun any more."""


@attrs.define
class _InlineRun:
    """One saga under way in its use case: where it stands, and what has gone wrong with it."""

    row: SagaRow
    _alarming: AlarmingLog
    _participants: Mapping[str, Participant]
    _work: Work
    _clock: Clock
    _until: datetime
    wait: timedelta = NOW
    refusal: TelemedError | None = None
    bug: Exception | None = None

    def answer(self, request: Request) -> Outcome | SagaRow:
        if isinstance(request, Asked):
            self.row = request.row
            if self.late(NOW):
                raise _TimeIsUp
            return self._asked(request)
        self.wait = request.entry.wait if isinstance(request, Append) else NOW
        return self._alarming.answer(request, now=self._clock.now())

    def late(self, wait: timedelta) -> bool:
        return self._clock.now() + wait >= self._until

    def _asked(self, request: Asked) -> Outcome:
        work = self._work.get(request.call.operation)
        if work is None:
            return asked(self._participants, request)
        try:
            work(request.entry)
        except Exception as error:  # every one is an outcome; the caller hears of it when all is written down
            outcome = outcome_of(error)
            if isinstance(error, TelemedError):
                self.refusal = error
            else:
                self.bug = error
            return outcome
        return Ok()


@attrs.frozen
class Inline:
    """``InlineSagas``: the row is due when its use case has given up, and has no owner until then.

    Attributes:
        pause: lets that much time pass.
        alarm: hears of each saga that is quarantined.
    """

    _log: SagaLog
    _registry: Registry
    _participants: Mapping[str, Participant]
    _clock: Clock
    _pause: Callable[[timedelta], None]
    _alarm: Alarm

    def run(self, start: SagaStart, work: Work, /, *, at: datetime) -> None:
        saga = self._registry.latest(start.name)
        assert saga is not None  # noqa: S101 # it was begun under its name
        run = _InlineRun(
            saga.begin(start, at=at),
            AlarmingLog(self._log, self._alarm),
            self._participants,
            work,
            self._clock,
            self._clock.now() + INLINE,
        )
        silence: UnavailableError | None = None
        try:
            self._carry(saga, run)
        except FencedError:
            # The answer to an entry was lost, or the saga is another's since: the log knows which.
            run.row, _ = self._log.get(start.id)
        except UnavailableError as unavailable:
            silence = unavailable
        if not _is_past_pivot(saga, run.row.progress):
            raise run.bug or (run.refusal or silence if silence else _refusal(run))

    def _carry(self, saga: Saga, run: _InlineRun) -> None:
        try:
            while True:
                run.row = _driven(saga, run.row, clock=self._clock, answer=run.answer, now=self._clock.now())
                if run.bug is not None or not run.row.progress.phase.runs or run.late(run.wait):
                    return
                self._pause(run.wait)
        except _TimeIsUp:
            return


def _is_past_pivot(saga: Saga, progress: Progress) -> bool:
    phase = progress.stuck_in or progress.phase
    return phase is Phase.COMPLETED or (
        phase is Phase.FORWARD and saga.pivot is not None and progress.step > saga.pivot
    )


def _refusal(run: _InlineRun) -> TelemedError:
    """What the caller hears: why it goes back; of all that is not decided yet, that it is busy."""
    progress = run.row.progress
    goes_back = (progress.stuck_in or progress.phase) in {Phase.COMPENSATING, Phase.COMPENSATED}
    return run.refusal if goes_back and run.refusal is not None else BusyError()
