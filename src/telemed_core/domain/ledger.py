"""The ledger against the appointments: what differs, and the commits that mend it."""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

import attrs

from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import ClaimChange
from telemed_core.domain.events import Side
from telemed_core.domain.ids import AppointmentId, PersonId

Claims = Mapping[int, AppointmentId]
"""The owner of each owned cell of one person."""


class Fault(StrEnum):
    """How ledger and appointments can differ in one cell."""

    STRAY = "stray"
    """Owned by an appointment that does not cover it, or is not live."""
    MISSING = "missing"
    """Covered by a live appointment and owned by none."""
    FOREIGN = "foreign"
    """Covered by a live appointment and owned by another that covers it too, or by a stray one."""


@attrs.frozen
class Difference:
    """One cell in which ledger and appointments differ.

    Attributes:
        owner: whose the ledger says it is.
        expected: the live appointment that covers it.
    """

    person_id: PersonId
    cell: int
    fault: Fault
    owner: AppointmentId | None
    expected: AppointmentId | None


@attrs.frozen
class LedgerPage:
    """What a store holds of some people, read at one moment.

    Attributes:
        claims: for each person asked for, the owner of each owned cell.
        appointments: every live appointment of these people, and every owner of a cell that can be found, live or not.
        cells: the cells asked for; ``None``: all.
    """

    claims: Mapping[PersonId, Claims]
    appointments: tuple[Appointment, ...]
    cells: range | None = None


@attrs.frozen
class Repair:
    """Cells that one appointment gives back or claims again; applied only while it is at ``rev``.

    ``rev`` 0: there is no such appointment.
    """

    appointment_id: AppointmentId
    rev: int
    claims: tuple[ClaimChange, ...]


def differences(page: LedgerPage) -> Iterator[Difference]:
    """Every cell in which the ledger is not the disjoint union of the live appointments, by person and cell."""
    expected = _expected(page)
    for person in sorted({*page.claims, *expected}):
        held, due = page.claims.get(person, {}), expected.get(person, {})
        for cell in sorted({*held, *due}):
            owner, wanted = held.get(cell), due.get(cell, ())
            if not wanted:
                yield Difference(person, cell, Fault.STRAY, owner, None)
            for other in wanted:
                if owner is None:
                    yield Difference(person, cell, Fault.MISSING, None, other)
                elif owner != other:
                    yield Difference(person, cell, Fault.FOREIGN, owner, other)


def repairs(page: LedgerPage) -> tuple[Repair, ...]:
    """One commit per appointment: it gives back what it does not cover, and claims what it covers and nobody owns."""
    revisions = {appointment.id: appointment.rev for appointment in page.appointments}
    covered = {(appointment.id, person): cells for appointment, person, cells in _covers(page.appointments)}
    changes: dict[AppointmentId, dict[tuple[PersonId, bool], list[int]]] = {}
    for found in differences(page):
        if found.fault is Fault.MISSING and found.expected:
            changes.setdefault(found.expected, {}).setdefault((found.person_id, True), []).append(found.cell)
        elif found.owner and found.cell not in covered.get((found.owner, found.person_id), ()):
            freed = changes.setdefault(found.owner, {}).setdefault((found.person_id, False), [])
            freed.extend(() if found.cell in freed[-1:] else (found.cell,))
    return tuple(
        Repair(
            owner,
            revisions.get(owner, 0),
            tuple(
                ClaimChange(person, tuple(cells), None if taken else owner, owner if taken else None)
                for (person, taken), cells in sorted(cells_of.items())
            ),
        )
        for owner, cells_of in sorted(changes.items())
    )


def _covers(appointments: Iterable[Appointment]) -> Iterator[tuple[Appointment, PersonId, frozenset[int]]]:
    for appointment in appointments:
        yield appointment, appointment.doctor_person, appointment.cells(Side.DOCTOR)
        yield appointment, appointment.patient_person, appointment.cells(Side.PATIENT)


def _expected(page: LedgerPage) -> dict[PersonId, dict[int, tuple[AppointmentId, ...]]]:
    expected: dict[PersonId, dict[int, tuple[AppointmentId, ...]]] = {}
    for appointment, person, cells in _covers(page.appointments):
        if person in page.claims:
            for cell in cells:
                if page.cells is None or cell in page.cells:
                    mine = expected.setdefault(person, {})
                    mine[cell] = (*mine.get(cell, ()), appointment.id)
    return expected
