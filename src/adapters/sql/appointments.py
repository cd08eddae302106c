"""Appointments in SQL: what is read of them, and commits on them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import attrs
from sqlalchemy import Column, Executable, bindparam, case, func, select, tuple_

from adapters.serialization import load_appointment, load_event
from adapters.sql import commits
from adapters.sql.tables import APPOINTMENTS, CLAIMS, EVENTS, Instant
from adapters.sql.transactions import Database
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import Command, Commit
from telemed_core.domain.events import Side
from telemed_core.domain.ids import AppointmentId, DoctorId, PatientId, PersonId
from telemed_core.domain.instants import FIRST, LAST, Interval
from telemed_core.domain.status import Status
from telemed_core.errors import NotFoundError
from telemed_core.ports.services import Sealing

_PAGE: Final = (50, 500)
"""The fewest and the most rows that one read of a list fetches."""

_GET: Final = (
    select(APPOINTMENTS.c.body, EVENTS.c.body)
    .join_from(APPOINTMENTS, EVENTS, EVENTS.c.appointment_id == APPOINTMENTS.c.id)
    .where(APPOINTMENTS.c.id == bindparam("appointment_id"))
    .order_by(EVENTS.c.seq)
)
_MANY: Final = (
    select(APPOINTMENTS.c.body)
    .where(APPOINTMENTS.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(APPOINTMENTS.c.id)
)


def _list_of(owner: Column[str]) -> Executable:
    return (
        select(APPOINTMENTS.c.starts_at, APPOINTMENTS.c.id, APPOINTMENTS.c.body)
        .where(
            owner == bindparam("owner"),
            APPOINTMENTS.c.starts_at >= bindparam("since"),
            APPOINTMENTS.c.starts_at < bindparam("until"),
            tuple_(APPOINTMENTS.c.starts_at, APPOINTMENTS.c.id)
            > tuple_(bindparam("after_start", type_=Instant), bindparam("after_id")),
            APPOINTMENTS.c.status.in_(bindparam("statuses", expanding=True))
            | (APPOINTMENTS.c.due_at <= bindparam("now")),
        )
        .order_by(APPOINTMENTS.c.starts_at, APPOINTMENTS.c.id)
        .limit(bindparam("page"))
    )


_OF_DOCTOR: Final = _list_of(APPOINTMENTS.c.doctor_id)
_OF_PATIENT: Final = _list_of(APPOINTMENTS.c.patient_id)
_DUE: Final = (
    select(APPOINTMENTS.c.body)
    .where(APPOINTMENTS.c.due_at <= bindparam("now"))
    .order_by(APPOINTMENTS.c.due_at, APPOINTMENTS.c.id)
    .limit(bindparam("most"))
)
_DUE_OF_PATIENT: Final = _DUE.where(APPOINTMENTS.c.patient_id == bindparam("patient"))


def _busy() -> Executable:
    """Runs of cells: the first, the last, and the body of their owner where time may have freed them."""
    settling = APPOINTMENTS.c.id.is_not(None) & (
        APPOINTMENTS.c.due_at.is_(None) | (APPOINTMENTS.c.due_at <= bindparam("now"))
    )
    owner = case((settling, CLAIMS.c.appointment_id)).label("owner")
    cells = (
        select(
            CLAIMS.c.cell,
            owner,
            case((settling, APPOINTMENTS.c.body)).label("body"),
            (CLAIMS.c.cell - func.row_number().over(partition_by=owner, order_by=CLAIMS.c.cell)).label("run"),
        )
        .join_from(CLAIMS, APPOINTMENTS, APPOINTMENTS.c.id == CLAIMS.c.appointment_id, isouter=True)
        .where(
            CLAIMS.c.person_id == bindparam("person"),
            CLAIMS.c.cell >= bindparam("first"),
            CLAIMS.c.cell < bindparam("stop"),
        )
        .subquery()
    )
    return select(func.min(cells.c.cell), func.max(cells.c.cell), func.max(cells.c.body)).group_by(
        cells.c.owner, cells.c.run
    )


_BUSY: Final = _busy()


@attrs.frozen
class SqlAppointments:
    """Appointments and everyone's time in SQL."""

    _database: Database
    _sealing: Sealing

    def get(self, appointment_id: AppointmentId, /) -> Appointment:
        rows = self._rows(_GET, {"appointment_id": appointment_id})
        if not rows:
            raise NotFoundError
        history = tuple(load_event(event) for _, event in rows)
        return attrs.evolve(load_appointment(rows[0][0]), history=history)

    def many(self, appointment_ids: Collection[AppointmentId], /) -> Sequence[Appointment]:
        return self._loaded(_MANY, {"ids": [*{*appointment_ids}]})

    def list(
        self,
        owner: DoctorId | PatientId,
        /,
        *,
        statuses: Collection[Status] = (),
        starting: Interval | None = None,
        after: tuple[datetime, AppointmentId] | None = None,
        limit: int,
        now: datetime,
    ) -> Sequence[Appointment]:
        statement = _OF_DOCTOR if isinstance(owner, DoctorId) else _OF_PATIENT
        page = max(_PAGE[0], min(limit, _PAGE[1]))
        asked = {
            "owner": owner,
            "until": starting.end if starting else LAST,
            "statuses": [status.value for status in statuses or Status],
            "now": now,
            "page": page,
        }
        since = starting.start if starting else FIRST
        last: tuple[datetime, str] = after or (FIRST, "")
        found: list[Appointment] = []
        while len(found) < limit:
            behind = {"since": max(since, last[0]), "after_start": last[0], "after_id": last[1]}
            rows = self._rows(statement, {**asked, **behind})
            settled = (load_appointment(body).settled(now=now) for _, _, body in rows)
            found += [one for one in settled if not statuses or one.status in statuses]
            if len(rows) < page:
                break
            last = (rows[-1].starts_at, rows[-1].id)
        return found[:limit]

    def due(self, *, now: datetime, patient: PatientId | None = None, limit: int) -> Sequence[Appointment]:
        asked = {"now": now, "most": limit}
        return (
            self._loaded(_DUE, asked)
            if patient is None
            else self._loaded(_DUE_OF_PATIENT, {**asked, "patient": patient})
        )

    def busy(self, person: PersonId, within: Interval, /, *, now: datetime) -> Sequence[range]:
        span = within.cells()
        rows = self._rows(_BUSY, {"person": person, "first": span.start, "stop": span.stop, "now": now})
        return _joined(sorted(_kept(rows, person, now=now)))

    def apply(self, commit: Commit, /, *, command: Command) -> Appointment:
        return self._database.write(
            lambda connection: commits.apply(connection, commit, command=command, sealing=self._sealing)
        )

    def _rows(self, statement: Executable, asked: Mapping[str, Any]) -> Sequence[Any]:
        return self._database.read(lambda connection: connection.execute(statement, asked).all())

    def _loaded(self, statement: Executable, asked: Mapping[str, Any]) -> Sequence[Appointment]:
        return [load_appointment(body) for (body,) in self._rows(statement, asked)]


def _kept(rows: Iterable[Any], person: PersonId, *, now: datetime) -> Iterator[tuple[int, int]]:
    """The runs, as first and behind the last, of what is still owned."""
    for first, last, body in rows:
        if body is None:
            yield first, last + 1
            continue
        owner = load_appointment(body).settled(now=now)
        owned = owner.cells(Side.DOCTOR if person == owner.doctor_person else Side.PATIENT)
        yield from ((cell, cell + 1) for cell in range(first, last + 1) if cell in owned)


def _joined(runs: Iterable[tuple[int, int]]) -> list[range]:
    joined: list[range] = []
    for first, stop in runs:
        if joined and joined[-1].stop == first:
            joined[-1] = range(joined[-1].start, stop)
        else:
            joined.append(range(first, stop))
    return joined
