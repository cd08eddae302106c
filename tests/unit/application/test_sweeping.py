"""The sweep and the ledger's audit."""

from datetime import timedelta

import pytest

from telemed_core.application import auditing, committing
from telemed_core.domain.attempts import failed_login
from telemed_core.domain.commit import ClaimChange
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.events import Side
from telemed_core.domain.ids import AppointmentId
from telemed_core.domain.ledger import Fault, Repair
from telemed_core.domain.patient import Patient
from telemed_core.domain.status import Status
from telemed_core.errors import SlotTakenError, StaleRevisionError
from telemed_core.testing.contracts.suite import assert_clean, confirmed, requested
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.faults import Before, Faulty
from telemed_core.testing.wiring import Clinic

DAY = timedelta(days=1)


def test_the_sweep_writes_down_what_is_due_and_no_more(
    clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient
) -> None:
    overdue, kept = requested(clinic, doctor, patient, days=3), confirmed(clinic, doctor, patient, days=5)
    assert clinic.sweep().settled == 0
    clock.advance(DAY)
    assert clinic.sweep().settled == 1
    assert clinic.stores.appointments.get(overdue.id).status is Status.EXPIRED
    assert clinic.stores.appointments.get(kept.id) == kept
    assert clinic.sweep().settled == 0


def test_many_are_swept_in_several_turns(
    clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committing, "DUE_AT_ONCE", 2)
    for days in (3, 4, 5):
        requested(clinic, doctor, patient, days=days)
    clock.advance(DAY)
    assert clinic.sweep().settled == 3


def test_a_sweep_that_gets_nowhere_ends(clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient) -> None:
    requested(clinic, doctor, patient, days=3)
    clock.advance(DAY)
    stuck = Faulty(clinic.stores.appointments, {"apply": [Before(StaleRevisionError())]})
    assert clinic.beside(appointments=stuck.port).sweep().settled == 0
    assert clinic.sweep().settled == 1


@pytest.fixture
def damaged(clinic: Clinic, doctor: Doctor, patient: Patient) -> tuple[Repair, Repair]:
    """A cell taken from a visit, and one that an unknown appointment owns on another day."""
    visit = confirmed(clinic, doctor, patient, days=2)
    cell, ghost = min(visit.cells(Side.DOCTOR)), AppointmentId("ghost")
    freed = Repair(visit.id, visit.rev, (ClaimChange(doctor.person_id, (cell,), visit.id, None),))
    stray = Repair(ghost, 0, (ClaimChange(doctor.person_id, (cell + 288,), None, ghost),))
    for damage in (freed, stray):
        clinic.stores.ledger.apply(damage)
    return freed, stray


def test_differences_are_found_by_person_and_day(
    clinic: Clinic, doctor: Doctor, patient: Patient, damaged: tuple[Repair, Repair]
) -> None:
    visit = clinic.stores.appointments.get(damaged[0].appointment_id)
    day = visit.visit.start.date()
    assert {found.fault for found in clinic.verify_ledger()} == {Fault.MISSING, Fault.STRAY}
    assert [found.fault for found in clinic.verify_ledger(person=doctor.person_id, day=day)] == [Fault.MISSING]
    assert [found.fault for found in clinic.verify_ledger(day=day + DAY)] == [Fault.STRAY]
    assert list(clinic.verify_ledger(person=patient.person_id)) == []


def test_a_repair_mends_what_nobody_else_owns_and_then_finds_nothing(
    clinic: Clinic, damaged: tuple[Repair, Repair]
) -> None:
    made, left = clinic.repair_ledger()
    assert {repair.appointment_id for repair in made} == {damage.appointment_id for damage in damaged}
    assert list(left) == []
    assert_clean(clinic.stores)
    assert clinic.repair_ledger() == ([], [])


def test_a_cell_that_a_stray_owner_holds_is_freed_and_claimed_in_one_run(
    clinic: Clinic, doctor: Doctor, patient: Patient
) -> None:
    visit = confirmed(clinic, doctor, patient, days=2)
    cell, ghost = min(visit.cells(Side.DOCTOR)), AppointmentId("ghost")
    change = ClaimChange(doctor.person_id, (cell,), visit.id, ghost)
    clinic.stores.ledger.apply(Repair(visit.id, visit.rev, (change,)))
    assert [found.fault for found in clinic.verify_ledger()] == [Fault.FOREIGN]
    assert clinic.repair_ledger()[1] == []
    assert_clean(clinic.stores)


@pytest.mark.parametrize("moved", [StaleRevisionError(), SlotTakenError()])
def test_what_has_moved_meanwhile_is_left_for_the_next_time(
    clinic: Clinic, damaged: tuple[Repair, Repair], moved: Exception
) -> None:
    beside = clinic.beside(ledger=Faulty(clinic.stores.ledger, {"apply": [Before(moved)] * 4}).port)
    made, left = beside.repair_ledger()
    assert (list(made), len(left)) == ([], 2)


def test_everybody_is_verified_however_many(clinic: Clinic, damaged: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditing, "AT_ONCE", 1)
    assert len(list(clinic.verify_ledger())) == 2


def test_wrong_passwords_that_count_no_more_are_swept_away(clinic: Clinic, clock: SettableClock) -> None:
    clinic.stores.attempts.change("key", lambda before: failed_login(before, now=clock.now()))
    clinic.sweep()
    assert "key" in clinic.stores.attempts.read(("key",))
    clock.advance(timedelta(days=1))
    clinic.sweep()
    assert "key" not in clinic.stores.attempts.read(("key",))
