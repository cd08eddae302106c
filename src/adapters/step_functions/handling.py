"""The task of the state machines: one call of one saga, from its row to its row."""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

import attrs

from adapters.step_functions.asl import ABANDONED, WAIT, place
from telemed_core.domain.ids import SagaId
from telemed_core.domain.instants import SKEW
from telemed_core.domain.sagas import LEASE, MOST_CLAIMS, SagaEntry, SagaRow
from telemed_core.errors import FencedError, NotFoundError, UnavailableError
from telemed_core.ports.sagas import SagaLog
from telemed_core.ports.system import Clock
from telemed_core.saga.deciding import NOW, Outcome, quarantined
from telemed_core.saga.definition import Saga
from telemed_core.saga.driving import Append, Asked, Request, drive
from telemed_core.saga.running import Alarm, AlarmingLog, Participant, asked
from telemed_core.saga.sagas import Registry

Task: TypeAlias = Mapping[str, Any]
Told: TypeAlias = dict[str, Any]

OWNER: Final = "execution:"
"""How owners begin that are executions: whichever process does the task, the lease is the execution's."""


@attrs.frozen
class Step:
    """Does a task: asks a participant once, writes down what follows from it, and tells where the saga stands then.

    A task that is not where the saga stands asks nobody: it was done already, was delivered twice, or somebody else has
    gone on. Nothing of it raises: the log that does not answer and the lease that was lost are waits.

    Attributes:
        alarm: hears of each saga that is quarantined.
    """

    _log: SagaLog
    _registry: Registry
    _participants: Mapping[str, Participant]
    _clock: Clock
    _alarm: Alarm

    def __call__(self, task: Task, /) -> Told:
        """``{"saga", "seq", "next", "seconds"}``: the state to go to, or ``wait`` and for how long.

        Args:
            task: ``{"saga", "seq", "at"}``: the row's id, and the place where it stood when the task was made.
        """
        saga_id = SagaId(str(task["saga"]))
        try:
            try:
                row = self._done(self._row(saga_id), seq=task["seq"], at=task["at"])
            except FencedError:
                # Of two who did the same the other one was first, or it is another runner's by now.
                row = self._row(saga_id)
        except UnavailableError:
            return _told(saga_id, task["seq"], WAIT, LEASE)
        except NotFoundError:
            return _told(saga_id, task["seq"], ABANDONED)
        pause = self._pause(row)
        if pause > NOW:
            return _told(saga_id, row.seq, WAIT, pause)
        return _told(saga_id, row.seq, place(self._registry.find(row), row.progress))

    def _row(self, saga_id: SagaId) -> SagaRow:
        return self._log.get(saga_id)[0]

    def _done(self, row: SagaRow, *, seq: int, at: str) -> SagaRow:
        """The row after the task, if it stands where the task was made for, and now is its time."""
        if not row.progress.phase.runs or self._pause(row) > NOW:
            return row
        saga = self._registry.find(row)
        if saga is None:
            return self._quarantine(row, "unknown_definition")
        if (row.seq, place(saga, row.progress)) != (seq, at):
            return row
        if row.claims >= MOST_CLAIMS:
            return self._quarantine(row, "claimed_in_vain")
        return self._called(saga, self._leased(row))

    def _pause(self, row: SagaRow) -> timedelta:
        """How long the saga is not to be run, or is another's."""
        if not row.progress.phase.runs:
            return NOW
        now = self._clock.now()
        ends = [row.due_at or now]
        if row.owner != _owner(row) and _is_held(row, now=now):
            ends.append(row.lease_until or now)
        return max(NOW, max(ends) - now)

    def _leased(self, row: SagaRow) -> SagaRow:
        """The fence stays: any entry moves ``seq``, so of several who do the same task one writes."""
        if row.owner == _owner(row):
            return row
        return self._log.renew(attrs.evolve(row, owner=_owner(row)), now=self._clock.now())

    def _called(self, saga: Saga, row: SagaRow) -> SagaRow:
        driving = drive(saga, row, now=self._clock.now())
        was_asked = False
        try:
            request = next(driving)
            while True:
                if isinstance(request, Asked):
                    if was_asked:
                        # The next call is the next task's.
                        return request.row
                    was_asked = True
                request = driving.send((self._answer(request), self._clock.now()))
        except StopIteration as ended:
            left: SagaRow = ended.value
            return left

    def _answer(self, request: Request) -> Outcome | SagaRow:
        if isinstance(request, Asked):
            return asked(self._participants, request)
        return AlarmingLog(self._log, self._alarm).answer(request, now=self._clock.now())

    def _quarantine(self, row: SagaRow, error: str) -> SagaRow:
        entry = SagaEntry(before=row, progress=quarantined(row.progress, error=error), at=self._clock.now())
        return AlarmingLog(self._log, self._alarm).answer(Append(entry), now=entry.at)


def open_step(
    log: SagaLog, registry: Registry, participants: Mapping[str, Participant], clock: Clock, alarm: Alarm
) -> Step:
    """The task of all state machines."""
    return Step(log, registry, participants, clock, alarm)


def _owner(row: SagaRow) -> str:
    return f"{OWNER}{row.id}"


def _is_held(row: SagaRow, *, now: datetime) -> bool:
    return row.lease_until is not None and now < row.lease_until <= now + LEASE + SKEW


def _told(saga_id: SagaId, seq: int, following: str, pause: timedelta = NOW) -> Told:
    # The engine counts whole seconds; too early is only asked again.
    return {"saga": saga_id, "seq": seq, "next": following, "seconds": math.ceil(pause.total_seconds())}
