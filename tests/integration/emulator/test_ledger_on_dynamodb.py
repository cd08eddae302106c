"""What is found of the ledger where there is nothing on it, and what is looked at of what is due."""

from datetime import timedelta

from integration.emulator.faulty import Faulty
from telemed_core.domain.commit import ClaimChange
from telemed_core.domain.events import Side
from telemed_core.domain.ledger import Fault, Repair
from telemed_core.testing.contracts.suite import assert_clean, requested
from telemed_core.testing.wiring import Clinic


def test_a_live_appointment_that_has_lost_all_its_cells_is_found_and_mended(clinic: Clinic) -> None:
    doctor, patient = clinic.doctor(), clinic.patient()
    asked, ledger = requested(clinic, doctor, patient), clinic.stores.ledger
    sides = {doctor.person_id: Side.DOCTOR, patient.person_id: Side.PATIENT}
    lost = tuple(
        ClaimChange(person, tuple(sorted(asked.cells(side))), asked.id, None) for person, side in sides.items()
    )
    ledger.apply(Repair(asked.id, asked.rev, lost))
    assert list(ledger.people(limit=9)) == sorted(sides)
    found = list(clinic.verify_ledger())
    assert {(one.fault, one.expected) for one in found} == {(Fault.MISSING, asked.id)}
    assert len(found) == sum(len(asked.cells(side)) for side in sides.values())
    clinic.repair_ledger()
    assert_clean(clinic.stores)


def test_who_has_had_appointments_and_has_none_is_not_listed(clinic: Clinic) -> None:
    doctor, patient = clinic.doctor(), clinic.patient()
    asked = requested(clinic, doctor, patient)
    clinic.refuse_appointment(appointment_id=asked.id, doctor=doctor)
    assert list(clinic.stores.ledger.people(limit=9)) == []


def test_of_what_is_waiting_only_what_is_due_is_looked_at(clinic: Clinic, faulty: Faulty) -> None:
    doctor, patient = clinic.doctor(), clinic.patient()
    due, later = requested(clinic, doctor, patient, days=3), requested(clinic, doctor, patient, days=4)
    find, at = clinic.stores.appointments.due, due.decision_deadline
    faulty.forget()
    assert list(find(now=at - timedelta(microseconds=1), limit=9)) == []
    assert list(find(now=at - timedelta(microseconds=1), limit=9, patient=patient.id)) == []
    # Eight shards, and the patient's own; nothing is looked at.
    assert faulty.sent == {"Query": 9}
    assert later.decision_deadline == at
    for whose in (None, patient.id):
        assert [one.id for one in find(now=at, limit=1, patient=whose)] == [min(due.id, later.id)]
