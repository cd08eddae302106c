"""The ledger as a whole, in SQL."""

from collections.abc import Collection, Sequence
from typing import Any, Final

import attrs
from sqlalchemy import BindParameter, Column, Connection, Select, bindparam, select, union

from adapters.serialization import load_appointment
from adapters.sql import claims
from adapters.sql.tables import APPOINTMENTS, CLAIMS
from adapters.sql.transactions import Database
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.ids import AppointmentId, PersonId
from telemed_core.domain.ledger import LedgerPage, Repair
from telemed_core.errors import SlotTakenError, StaleRevisionError

_ALL_CELLS: Final = range(2**31 - 1)

_PEOPLE: Final[BindParameter[Any]] = bindparam("people", expanding=True)
_LIVE: Final = APPOINTMENTS.c.due_at.is_not(None)


def _behind(person: Column[str], *live: Any) -> Select[Any]:
    some = select(person.label("person")).distinct().where(person > bindparam("after"), *live)
    page = some.order_by(person).limit(bindparam("most")).subquery()
    return select(page.c.person)


def _people() -> Select[Any]:
    sides = (APPOINTMENTS.c.doctor_person, APPOINTMENTS.c.patient_person)
    everyone = union(_behind(CLAIMS.c.person_id), *(_behind(side, _LIVE) for side in sides)).subquery()
    return select(everyone.c.person).order_by(everyone.c.person).limit(bindparam("most"))


_CLAIMS: Final = select(CLAIMS.c.person_id, CLAIMS.c.cell, CLAIMS.c.appointment_id).where(
    CLAIMS.c.person_id.in_(_PEOPLE), CLAIMS.c.cell >= bindparam("first"), CLAIMS.c.cell < bindparam("stop")
)
_BODIES: Final = select(APPOINTMENTS.c.id, APPOINTMENTS.c.body)
_APPOINTMENTS: Final = union(
    _BODIES.where(APPOINTMENTS.c.id.in_(_CLAIMS.with_only_columns(CLAIMS.c.appointment_id))),
    _BODIES.where(_LIVE, APPOINTMENTS.c.doctor_person.in_(_PEOPLE)),
    _BODIES.where(_LIVE, APPOINTMENTS.c.patient_person.in_(_PEOPLE)),
)
_NEXT_PEOPLE: Final = _people()
_REV: Final = select(APPOINTMENTS.c.rev).where(APPOINTMENTS.c.id == bindparam("appointment_id")).with_for_update()


@attrs.frozen
class SqlLedger:
    """The ledger in SQL."""

    _database: Database

    def people(self, *, after: PersonId | None = None, limit: int) -> Sequence[PersonId]:
        asked = {"after": after or "", "most": limit}
        rows = self._database.read(lambda connection: connection.execute(_NEXT_PEOPLE, asked).all())
        return [PersonId(person) for (person,) in rows]

    def read(self, people: Collection[PersonId], /, *, cells: range | None = None) -> LedgerPage:
        span = _ALL_CELLS if cells is None else cells
        asked = {"people": [*people], "first": span.start, "stop": span.stop}

        def read(connection: Connection) -> tuple[Sequence[Any], Sequence[Any]]:
            return connection.execute(_CLAIMS, asked).all(), connection.execute(_APPOINTMENTS, asked).all()

        held, found = self._database.read_at_once(read)
        owners: dict[PersonId, dict[int, AppointmentId]] = {person: {} for person in people}
        for person, cell, owner in held:
            owners[PersonId(person)][cell] = AppointmentId(owner)
        return LedgerPage(owners, tuple(_loaded(found)), cells)

    def apply(self, repair: Repair, /) -> None:
        # Not repeatable: after a lost answer its own work would look like another's.
        self._database.write(lambda connection: _apply(connection, repair), repeatable=False)


def _loaded(rows: Sequence[Any]) -> list[Appointment]:
    return [load_appointment(body) for _, body in rows]


def _apply(connection: Connection, repair: Repair) -> None:
    rev = connection.execute(_REV, {"appointment_id": repair.appointment_id}).scalar()
    if (rev or 0) != repair.rev:
        raise StaleRevisionError
    if not claims.move(connection, repair.claims):
        connection.rollback()
        found = claims.others(connection, repair.claims)
        raise SlotTakenError(owner for some in found.values() for owner in some if owner != repair.appointment_id)
