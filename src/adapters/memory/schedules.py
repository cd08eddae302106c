"""Schedules in memory."""

from collections.abc import Sequence

import attrs

from adapters.memory.state import State
from telemed_core.domain.commit import Command
from telemed_core.domain.ids import AppointmentId, BlockId, DoctorId
from telemed_core.domain.instants import Interval
from telemed_core.domain.schedule import BlockCancellation, Schedule, ScheduleEdit
from telemed_core.errors import NotFoundError, ScheduleChangedError


@attrs.frozen
class MemorySchedules:
    """Schedules in memory."""

    _state: State

    def of(self, doctor_id: DoctorId, /) -> Schedule:
        schedule = self._state.schedules.get(doctor_id)
        if schedule is None:
            raise NotFoundError
        return schedule

    def known(self, _: DoctorId, /) -> Schedule | None:
        # Reading costs nothing.
        return None

    def apply(self, edit: ScheduleEdit, /, *, command: Command) -> Sequence[AppointmentId]:
        state, schedule, block = self._state, edit.after, edit.block
        doctor_id = schedule.doctor_id
        with state.lock:
            state.check_receipt(command)
            current = state.schedules.get(doctor_id)
            if current is None or current.rev != edit.before.rev:
                raise ScheduleChangedError
            state.schedules[doctor_id] = schedule
            live = [state.live[one] for one in state.owned.get(doctor_id, ()) if one in state.live]
            settled = [one.settled(now=command.at) for one in live]
            affected = sorted(
                (one.visit.start, one.id) for one in settled if one.status.live and edit.affects(one.visit)
            )
            ids = tuple(appointment_id for _, appointment_id in affected)
            if block is not None:
                state.blocks[block.id] = (block.interval, ids)
                if edit.cancelling:
                    state.cancellations.update(
                        (one, BlockCancellation(doctor_id, block.id, one, block.reason)) for one in ids
                    )
            state.write(
                command,
                subject=block.id if block else doctor_id,
                rev=schedule.rev,
                texts=edit.texts,
                sagas=(),
            )
            return ids

    def block_of(self, block_id: BlockId, /) -> tuple[Interval, Sequence[AppointmentId]]:
        with self._state.lock:
            made = self._state.blocks.get(block_id)
        if made is None:
            raise NotFoundError
        return made

    def cancellations(self, *, block_id: BlockId | None = None, limit: int) -> Sequence[BlockCancellation]:
        with self._state.lock:
            waiting = [
                one for one in self._state.cancellations.values() if block_id is None or one.block_id == block_id
            ]
        return waiting[:limit]

    def cancelled(self, cancellation: BlockCancellation, /) -> None:
        with self._state.lock:
            self._state.cancellations.pop(cancellation.appointment_id, None)
