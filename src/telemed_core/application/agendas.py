"""The doctor's rules of time: the agenda, and blocks over it."""

from collections.abc import Sequence
from datetime import datetime

import attrs

from telemed_core.application.committing import Commands, Committing, deciding_again
from telemed_core.domain.agenda import Agenda, Block
from telemed_core.domain.commit import Command, Commit, Idempotency
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import AppointmentId, BlockId
from telemed_core.domain.instants import Interval
from telemed_core.domain.receipts import ReplayedCommand
from telemed_core.domain.schedule import BlockCancellation, Schedule, ScheduleEdit
from telemed_core.errors import DeadlinePassedError, InvalidTransitionError
from telemed_core.ports.storage import Appointments, Schedules
from telemed_core.ports.system import Clock, Ids

MANY = 1000


@attrs.frozen
class ReplaceAgenda:
    """The doctor sets the agenda anew; live appointments stand, and those it no longer covers are named.

    Raises:
        StaleVersionError: the agenda is not at ``version`` any more.
    """

    _schedules: Schedules
    _commands: Commands

    def __call__(
        self, *, agenda: Agenda, version: int, doctor: Doctor, idempotency: Idempotency | None = None
    ) -> tuple[Schedule, Sequence[AppointmentId]]:
        def act(command: Command) -> tuple[Schedule, Sequence[AppointmentId]]:
            edit = self._schedules.of(doctor.id).with_agenda(agenda, version=version)
            return edit.after, _apply(self._schedules, edit, command)

        return self._commands.run(act, idempotency=idempotency)


@attrs.frozen
class BlockTime:
    """The doctor will be absent: nothing is offered meanwhile, and live appointments are named, or cancelled.

    With ``cancel_appointments`` the block and the list of what to cancel are one commit; each is then cancelled by a
    commit of its own before this answers, and the sweep finishes what a crash left.

    Raises:
        InvalidError: the block is over already, its reason is longer than 500 characters, or there are 500 blocks.
    """

    _schedules: Schedules
    _commands: Commands
    _cancel_blocked: "CancelBlocked"
    _ids: Ids

    def __call__(
        self,
        *,
        interval: Interval,
        doctor: Doctor,
        reason: str | None = None,
        cancel_appointments: bool = False,
        idempotency: Idempotency | None = None,
    ) -> tuple[Block, Sequence[AppointmentId]]:
        block_id = BlockId(self._ids.new())

        def act(command: Command) -> tuple[Block, Sequence[AppointmentId]]:
            schedule = self._schedules.of(doctor.id)
            edit = schedule.with_block(block_id, interval, why=reason, cancelling=cancel_appointments, now=command.at)
            return Block(interval, block_id), _apply(self._schedules, edit, command)

        try:
            made = self._commands.run(act, idempotency=idempotency)
        except ReplayedCommand as replayed:
            self._cancel_blocked(block_id=BlockId(replayed.receipt.subject))
            raise
        if cancel_appointments:
            self._cancel_blocked(block_id=block_id)
        return made


@attrs.frozen
class RemoveBlock:
    """The doctor is there after all: the starts come back, cancelled appointments do not.

    Raises:
        NotFoundError: there is no such block.
    """

    _schedules: Schedules
    _commands: Commands

    def __call__(self, *, block_id: BlockId, doctor: Doctor) -> None:
        def act(command: Command) -> None:
            _apply(self._schedules, self._schedules.of(doctor.id).without_block(block_id), command)

        self._commands.run(act)


@attrs.frozen
class ListBlocks:
    """The doctor's blocks that are not over, by start."""

    _schedules: Schedules
    _clock: Clock

    def __call__(self, *, doctor: Doctor) -> tuple[Block, ...]:
        now = self._clock.now()
        return tuple(block for block in self._schedules.of(doctor.id).blocks if block.interval.end > now)


@attrs.frozen
class CancelBlocked:
    """Cancel what blocks have recorded to be cancelled; what has ended meanwhile needs nothing more."""

    _schedules: Schedules
    _appointments: Appointments
    _committing: Committing

    def __call__(self, *, block_id: BlockId | None = None) -> int:
        """Answers how many this call has cancelled."""
        done = 0
        while waiting := self._schedules.cancellations(block_id=block_id, limit=MANY):
            for cancellation in waiting:
                done += self._cancel(cancellation)
                self._schedules.cancelled(cancellation)
        return done

    def _cancel(self, cancellation: BlockCancellation) -> bool:
        def decide(now: datetime) -> Commit:
            appointment = self._appointments.get(cancellation.appointment_id)
            return appointment.cancel_for_block(cancellation.reason, by=cancellation.doctor_id, now=now)

        try:
            self._committing(decide)
        except (DeadlinePassedError, InvalidTransitionError):
            return False
        return True


def _apply(schedules: Schedules, edit: ScheduleEdit, command: Command) -> Sequence[AppointmentId]:
    with deciding_again():
        return schedules.apply(edit, command=command)
