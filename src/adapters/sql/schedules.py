"""Schedules in SQL: a head that bookings lock, the body they are decided on, and who made each revision."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

import attrs
from sqlalchemy import Connection, bindparam, case, delete, insert, select, update

from adapters.serialization import (
    dump_block,
    dump_cancellation,
    dump_schedule,
    load_appointment,
    load_block,
    load_cancellation,
    load_schedule,
)
from adapters.sql.records import leave_receipt, write_texts
from adapters.sql.tables import APPOINTMENTS, BLOCK_CANCELLATIONS, BLOCKS, SCHEDULE_REVISIONS, SCHEDULES, Instant
from adapters.sql.transactions import Database
from telemed_core.domain.commit import Command
from telemed_core.domain.ids import AppointmentId, BlockId, CommandId, DoctorId
from telemed_core.domain.instants import Interval
from telemed_core.domain.schedule import BlockCancellation, Schedule, ScheduleEdit
from telemed_core.errors import NotFoundError, ScheduleChangedError
from telemed_core.ports.services import Sealing

MOST_KEPT: Final = 2048
"""How many schedules are kept as they were last read."""

_LONGEST_LIFE: Final = timedelta(days=1)
"""A visit lasts four hours at most and is closed soon after: what began earlier has settled."""

_OF: Final = select(
    SCHEDULES.c.rev, case((SCHEDULES.c.rev != bindparam("known"), SCHEDULES.c.body)).label("body")
).where(SCHEDULES.c.doctor_id == bindparam("doctor_id"))
_HEAD: Final = select(SCHEDULES.c.body).where(SCHEDULES.c.doctor_id == bindparam("doctor_id")).with_for_update()
_REPLACE: Final = update(SCHEDULES).where(
    SCHEDULES.c.doctor_id == bindparam("of"), SCHEDULES.c.rev == bindparam("before")
)
_REVISE: Final = insert(SCHEDULE_REVISIONS)
_MADE_BY: Final = select(SCHEDULE_REVISIONS.c.rev).where(
    SCHEDULE_REVISIONS.c.doctor_id == bindparam("doctor_id"), SCHEDULE_REVISIONS.c.command_id == bindparam("command_id")
)
_LIVE_OF: Final = (
    select(APPOINTMENTS.c.body)
    .where(
        APPOINTMENTS.c.doctor_id == bindparam("doctor_id"),
        APPOINTMENTS.c.starts_at > bindparam("since", type_=Instant),
        APPOINTMENTS.c.due_at.is_not(None),
    )
    .order_by(APPOINTMENTS.c.starts_at, APPOINTMENTS.c.id)
)
_MAKE_BLOCK: Final = insert(BLOCKS)
_BLOCK: Final = select(BLOCKS.c.body).where(BLOCKS.c.id == bindparam("block_id"))
_CANCEL_LATER: Final = insert(BLOCK_CANCELLATIONS)
_WAITING: Final = (
    select(BLOCK_CANCELLATIONS.c.body)
    .order_by(BLOCK_CANCELLATIONS.c.block_id, BLOCK_CANCELLATIONS.c.appointment_id)
    .limit(bindparam("most"))
)
_WAITING_OF: Final = _WAITING.where(BLOCK_CANCELLATIONS.c.block_id == bindparam("block_id"))
_CANCELLED: Final = delete(BLOCK_CANCELLATIONS).where(
    BLOCK_CANCELLATIONS.c.block_id == bindparam("block_id"),
    BLOCK_CANCELLATIONS.c.appointment_id == bindparam("appointment_id"),
)


def locked(connection: Connection, doctor_id: DoctorId) -> Schedule | None:
    """The doctor's schedule, which nobody else changes or books by from now on."""
    body = connection.execute(_HEAD, {"doctor_id": doctor_id}).scalar_one_or_none()
    return None if body is None else load_schedule(body)


def replace(connection: Connection, schedule: Schedule, *, before: int, command_id: CommandId) -> bool:
    """Put the schedule in place of the one at rev ``before`` and lock it; whether that one was still there."""
    row = {"rev": schedule.rev, "bookable": schedule.bookable, "body": dump_schedule(schedule)}
    if not connection.execute(_REPLACE, {**row, "of": schedule.doctor_id, "before": before}).rowcount:
        return False
    revision = {"doctor_id": schedule.doctor_id, "rev": schedule.rev, "command_id": command_id}
    connection.execute(_REVISE, revision)
    return True


def was_made_by(connection: Connection, doctor_id: DoctorId, command_id: CommandId) -> bool:
    """Whether this command made one of the doctor's revisions."""
    made = connection.execute(_MADE_BY, {"doctor_id": doctor_id, "command_id": command_id})
    return made.first() is not None


def live_of(
    connection: Connection, doctor_id: DoctorId, *, now: datetime, where: Callable[[Interval], bool] = lambda _: True
) -> tuple[AppointmentId, ...]:
    """The doctor's appointments that are live at ``now``, settled, and whose time passes ``where``; by start."""
    rows = connection.execute(_LIVE_OF, {"doctor_id": doctor_id, "since": now - _LONGEST_LIFE})
    settled = (load_appointment(body).settled(now=now) for (body,) in rows)
    return tuple(one.id for one in settled if one.status.live and where(one.visit))


@attrs.frozen
class SqlSchedules:
    """Schedules in SQL; what was read last is kept, so that only what has changed is read whole and decoded."""

    _database: Database
    _sealing: Sealing
    _kept: dict[DoctorId, Schedule] = attrs.field(factory=dict[DoctorId, Schedule], init=False, repr=False)
    _keeping: Lock = attrs.field(factory=Lock, init=False, repr=False)

    def of(self, doctor_id: DoctorId, /) -> Schedule:
        kept = self._kept.get(doctor_id)
        asked = {"doctor_id": doctor_id, "known": kept.rev if kept else 0}
        row = self._database.read(lambda connection: connection.execute(_OF, asked).one_or_none())
        if row is None:
            raise NotFoundError
        if kept is not None and row.body is None:
            return kept
        schedule = load_schedule(row.body)
        with self._keeping:
            if len(self._kept) >= MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[doctor_id] = schedule
        return schedule

    def known(self, _: DoctorId, /) -> Schedule | None:
        # Reading costs little beside the commit.
        return None

    def apply(self, edit: ScheduleEdit, /, *, command: Command) -> Sequence[AppointmentId]:
        return self._database.write(lambda connection: self._apply(connection, edit, command))

    def _apply(self, connection: Connection, edit: ScheduleEdit, command: Command) -> Sequence[AppointmentId]:
        schedule, block = edit.after, edit.block
        leave_receipt(connection, command, subject=block.id if block else schedule.doctor_id, rev=schedule.rev)
        replaced = replace(connection, schedule, before=edit.before.rev, command_id=command.id)
        if not replaced and not was_made_by(connection, schedule.doctor_id, command.id):
            raise ScheduleChangedError
        affected = live_of(connection, schedule.doctor_id, now=command.at, where=edit.affects)
        if not replaced:
            return affected
        write_texts(connection, self._sealing, edit.texts)
        if block is not None:
            connection.execute(_MAKE_BLOCK, {"id": block.id, "body": dump_block(block.interval, affected)})
            if edit.cancelling and affected:
                waiting = [BlockCancellation(schedule.doctor_id, block.id, one, block.reason) for one in affected]
                connection.execute(_CANCEL_LATER, [_row(one) for one in waiting])
        return affected

    def block_of(self, block_id: BlockId, /) -> tuple[Interval, Sequence[AppointmentId]]:
        asked = {"block_id": block_id}
        body = self._database.read(lambda connection: connection.execute(_BLOCK, asked).scalar_one_or_none())
        if body is None:
            raise NotFoundError
        return load_block(body)

    def cancellations(self, *, block_id: BlockId | None = None, limit: int) -> Sequence[BlockCancellation]:
        statement, asked = (_WAITING, {}) if block_id is None else (_WAITING_OF, {"block_id": block_id})
        rows = self._database.read(lambda connection: connection.execute(statement, {**asked, "most": limit}).all())
        return [load_cancellation(body) for (body,) in rows]

    def cancelled(self, cancellation: BlockCancellation, /) -> None:
        key = {"block_id": cancellation.block_id, "appointment_id": cancellation.appointment_id}
        self._database.write(lambda connection: connection.execute(_CANCELLED, key))


def _row(cancellation: BlockCancellation) -> dict[str, str]:
    return {
        "block_id": cancellation.block_id,
        "appointment_id": cancellation.appointment_id,
        "body": dump_cancellation(cancellation),
    }
