"""One commit as one transaction: its statements in the order of refusals, which is also the order of locks."""

from typing import Any, Final

from sqlalchemy import Connection, Integer, bindparam, insert, select, text, update

from adapters.serialization import dump_appointment, dump_event
from adapters.sql import claims
from adapters.sql.records import leave_receipt, write_texts
from adapters.sql.saga_rows import start_sagas
from adapters.sql.tables import APPOINTMENTS, EVENTS, QUOTAS, SCHEDULES, Instant
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import AppointmentChange, Command, Commit, Guard, QuotaChange, ScheduleGuard
from telemed_core.errors import (
    ConflictError,
    LicenceInactiveError,
    NotFoundError,
    PatientBusyError,
    ScheduleChangedError,
    SlotTakenError,
    StaleRevisionError,
    TelemedError,
    TooManyPendingError,
)
from telemed_core.ports.services import Sealing

_NO_LIMIT: Final = 2**31 - 1

_HEAD: Final = (
    select(SCHEDULES.c.rev, SCHEDULES.c.bookable)
    .where(SCHEDULES.c.doctor_id == bindparam("doctor_id"))
    .with_for_update(read=True)
)
_PENDING_MORE: Final = bindparam("pending_more", type_=Integer)
_LIVE_MORE: Final = bindparam("live_more", type_=Integer)
_COUNT: Final = (
    update(QUOTAS)
    .where(
        QUOTAS.c.person_id == bindparam("person"),
        QUOTAS.c.open | (_LIVE_MORE <= 0),
        QUOTAS.c.pending + _PENDING_MORE <= bindparam("most"),
    )
    .values(pending=QUOTAS.c.pending + _PENDING_MORE, live=QUOTAS.c.live + _LIVE_MORE)
)
_OPEN: Final = select(QUOTAS.c.open).where(QUOTAS.c.person_id == bindparam("person"))
_ADD: Final = text(
    "INSERT INTO appointments"
    " (id, doctor_id, patient_id, doctor_person, patient_person, starts_at, status, rev, due_at, body)"
    " VALUES (:id, :doctor_id, :patient_id, :doctor_person, :patient_person, :starts_at, :status, :rev, :due_at, :body)"
    " ON CONFLICT DO NOTHING"
).bindparams(bindparam("starts_at", type_=Instant), bindparam("due_at", type_=Instant))
_CHANGE: Final = update(APPOINTMENTS).where(
    APPOINTMENTS.c.id == bindparam("of"), APPOINTMENTS.c.rev == bindparam("before")
)
_RECORD: Final = insert(EVENTS)
_RECORDED_BY: Final = select(EVENTS.c.command_id).where(
    EVENTS.c.appointment_id == bindparam("appointment_id"), EVENTS.c.seq == bindparam("seq")
)


def apply(connection: Connection, commit: Commit, *, command: Command, sealing: Sealing) -> Appointment:
    """Write the commit whole, or refuse it: then nothing is left in the transaction."""
    after = commit.after
    leave_receipt(connection, command, subject=after.id, rev=after.rev)
    try:
        _check(connection, commit)
    except TelemedError:
        connection.rollback()
        if _is_recorded(connection, commit, command):
            return after
        raise
    if not claims.move(connection, commit.claims):
        connection.rollback()
        raise _held(connection, commit)
    connection.execute(
        _RECORD,
        [
            {
                "appointment_id": event.appointment_id,
                "seq": event.seq,
                "command_id": command.id,
                "body": dump_event(event),
            }
            for event in commit.events
        ],
    )
    write_texts(connection, sealing, commit.texts)
    start_sagas(connection, commit.sagas, at=command.at)
    return after


def _check(connection: Connection, commit: Commit) -> None:
    for guard in commit.guards:
        _guard(connection, guard)
    for quota in sorted(commit.quotas, key=lambda one: one.person_id):
        _count(connection, quota)
    for change in sorted(commit.appointments, key=lambda one: one.after.id):
        _change(connection, change)


def _guard(connection: Connection, guard: Guard) -> None:
    head = connection.execute(_HEAD, {"doctor_id": guard.doctor_id}).one_or_none()
    if isinstance(guard, ScheduleGuard):
        if head is None or not head.bookable or head.rev != guard.rev:
            raise ScheduleChangedError
    elif head is None or not head.bookable:
        raise LicenceInactiveError


def _count(connection: Connection, change: QuotaChange) -> None:
    limited = change.most_pending is not None and change.pending > 0
    counted = connection.execute(
        _COUNT,
        {
            "person": change.person_id,
            "pending_more": change.pending,
            "live_more": change.live,
            "most": change.most_pending if limited else _NO_LIMIT,
        },
    )
    if not counted.rowcount:
        is_open = connection.execute(_OPEN, {"person": change.person_id}).scalar()
        if is_open is None or (change.live > 0 and not is_open):
            raise NotFoundError
        raise TooManyPendingError


def _change(connection: Connection, change: AppointmentChange) -> None:
    after = change.after
    row: dict[str, Any] = {
        "starts_at": after.visit.start,
        "status": after.status.value,
        "rev": after.rev,
        "due_at": after.due_at,
        "body": dump_appointment(after),
    }
    if change.before is None:
        named = ("id", "doctor_id", "patient_id", "doctor_person", "patient_person")
        written = connection.execute(_ADD, row | {name: getattr(after, name) for name in named})
    else:
        written = connection.execute(_CHANGE, row | {"of": after.id, "before": change.before.rev})
    if not written.rowcount:
        raise StaleRevisionError


def _is_recorded(connection: Connection, commit: Commit, command: Command) -> bool:
    """Whether this very command wrote the commit earlier."""
    first = commit.events[0]
    found = connection.execute(_RECORDED_BY, {"appointment_id": first.appointment_id, "seq": first.seq})
    return bool(found.scalar() == command.id)


def _held(connection: Connection, commit: Commit) -> ConflictError:
    found = claims.others(connection, commit.claims)
    owners = {owner for some in found.values() for owner in some}
    return (PatientBusyError if commit.after.patient_person in found else SlotTakenError)(owners)
