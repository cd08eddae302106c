"""The ledger against the appointments: every way to differ is found, and mended where nobody else is in the way."""

from collections.abc import Iterable

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import ClaimChange
from telemed_core.domain.events import Side
from telemed_core.domain.ids import AppointmentId, PersonId
from telemed_core.domain.ledger import Difference, Fault, LedgerPage, Repair, differences, repairs
from telemed_core.testing.strategies import appointments
from unit.domain.lives import DOCTOR, PATIENT, START, asking, confirmed, requested

GHOST = AppointmentId("ghost")
Claims = dict[PersonId, dict[int, AppointmentId]]


def owned(*appointments: Appointment) -> Claims:
    claims: Claims = {DOCTOR.person_id: {}, PATIENT.person_id: {}}
    for one in appointments:
        claims[one.doctor_person] |= dict.fromkeys(one.cells(Side.DOCTOR), one.id)
        claims[one.patient_person] |= dict.fromkeys(one.cells(Side.PATIENT), one.id)
    return claims


def mended(page: LedgerPage, made: Iterable[Repair]) -> LedgerPage:
    """The page after its repairs, applied as a store does."""
    claims = {person: dict(cells) for person, cells in page.claims.items()}
    for repair in made:
        for change in repair.claims:
            for cell in change.cells:
                assert claims[change.person_id].get(cell) == change.before
                if change.after is None:
                    del claims[change.person_id][cell]
                else:
                    claims[change.person_id][cell] = change.after
    return attrs.evolve(page, claims=claims)


@settings(max_examples=25)
@given(appointments())
def test_a_ledger_of_what_is_covered_is_clean(appointment: Appointment) -> None:
    page = LedgerPage(owned(appointment), (appointment,))
    assert list(differences(page)) == []
    assert repairs(page) == ()


def test_a_cell_that_is_covered_and_owned_by_none_is_missing_and_claimed_again() -> None:
    asked = confirmed()
    claims = owned(asked)
    cell = min(asked.cells(Side.DOCTOR))
    del claims[DOCTOR.person_id][cell]
    page = LedgerPage(claims, (asked,))
    assert list(differences(page)) == [Difference(DOCTOR.person_id, cell, Fault.MISSING, None, asked.id)]
    assert repairs(page) == (Repair(asked.id, asked.rev, (ClaimChange(DOCTOR.person_id, (cell,), None, asked.id),)),)


def test_a_cell_of_an_appointment_that_has_ended_or_never_was_is_stray_and_freed() -> None:
    ended = requested().settled(now=START)
    claims = owned()
    claims[DOCTOR.person_id] = {1: ended.id, 2: GHOST}
    page = LedgerPage(claims, (ended,))
    assert [(one.cell, one.fault, one.owner, one.expected) for one in differences(page)] == [
        (1, Fault.STRAY, ended.id, None),
        (2, Fault.STRAY, GHOST, None),
    ]
    assert {(one.appointment_id, one.rev) for one in repairs(page)} == {(ended.id, ended.rev), (GHOST, 0)}
    assert list(differences(mended(page, repairs(page)))) == []


def test_a_foreign_stray_cell_is_freed_first_and_claimed_again_then() -> None:
    asked = confirmed()
    claims = owned(asked)
    cell = min(asked.cells(Side.PATIENT))
    claims[PATIENT.person_id][cell] = GHOST
    page = LedgerPage(claims, (asked,))
    assert [one.fault for one in differences(page)] == [Fault.FOREIGN]
    once = mended(page, repairs(page))
    assert [one.fault for one in differences(once)] == [Fault.MISSING]
    assert list(differences(mended(once, repairs(once)))) == []


def test_what_two_live_appointments_cover_stays_and_names_both() -> None:
    first, second = asking(id="a-1").after, asking(id="a-2").after
    page = LedgerPage(owned(first), (first, second))
    assert {(one.fault, one.owner, one.expected) for one in differences(page)} == {(Fault.FOREIGN, first.id, second.id)}
    assert repairs(page) == ()


def test_two_who_miss_the_same_cell_are_both_told_and_one_gets_it() -> None:
    first, second = asking(id="a-1").after, asking(id="a-2").after
    page = LedgerPage(owned(), (first, second))
    assert {one.expected for one in differences(page)} == {first.id, second.id}
    assert {one.appointment_id for one in repairs(page)} == {first.id, second.id}


def test_a_stray_cell_that_two_cover_is_freed_once() -> None:
    first, second = asking(id="a-1").after, asking(id="a-2").after
    cell = min(first.cells(Side.DOCTOR))
    page = LedgerPage({DOCTOR.person_id: {cell: GHOST}}, (first, second), range(cell, cell + 1))
    (repair,) = repairs(page)
    assert repair == Repair(GHOST, 0, (ClaimChange(DOCTOR.person_id, (cell,), GHOST, None),))


def test_only_the_cells_and_people_asked_for_are_compared() -> None:
    asked = confirmed()
    cells = sorted(asked.cells(Side.DOCTOR))
    page = LedgerPage({DOCTOR.person_id: {}}, (asked,), range(cells[0], cells[2]))
    assert [one.cell for one in differences(page)] == cells[:2]
    assert {one.person_id for one in differences(page)} == {DOCTOR.person_id}


@settings(max_examples=25)
@given(
    appointments(),
    st.dictionaries(st.integers(0, 20), st.sampled_from(["appointment-1", "ghost", "free"]), max_size=8),
    st.sampled_from([DOCTOR.person_id, PATIENT.person_id]),
)
def test_repairs_leave_a_clean_ledger_where_nobody_else_lives_and_then_nothing_to_repair(
    appointment: Appointment, damage: dict[int, str], person: PersonId
) -> None:
    claims = owned(appointment)
    first = min(appointment.cells(Side.DOCTOR), default=0)
    for offset, owner in damage.items():
        if owner == "free":
            claims[person].pop(first + offset, None)
        else:
            claims[person][first + offset] = AppointmentId(owner)
    page = LedgerPage(claims, (appointment,))
    for _ in range(2):
        page = mended(page, repairs(page))
    assert list(differences(page)) == []
    assert repairs(page) == ()
    assert page.claims == owned(appointment)
