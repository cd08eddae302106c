"""Who is refused since others are at the same items looks once whether they have the cells, and writes only if not."""

from datetime import datetime

import pytest

from adapters.dynamodb.access import Dynamo
from adapters.dynamodb.actions import flag, number
from adapters.dynamodb.items import head_key, quota_key
from integration.emulator.faulty import Fault, Faulty
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.patient import Patient
from telemed_core.domain.receipts import ReplayedCommand
from telemed_core.errors import PatientBusyError, SlotTakenError
from telemed_core.ports.storage import Stores
from telemed_core.testing.builders import a_patient
from telemed_core.testing.wiring import Clinic
from unit.adapters.dynamodb_commits import DOCTOR, MIDDAY, command
from unit.adapters.dynamodb_commits import ask as commit_of


def ask(clinic: Clinic, doctor: Doctor, patient: Patient, start: datetime) -> None:
    clinic.request_appointment(doctor_id=doctor.id, start=start, patient=patient)


def met(faulty: Faulty, times: int = 1) -> None:
    """From here on the next transactions meet others."""
    faulty.forget()
    faulty.plan("TransactWriteItems", *[Fault.CONFLICT] * times)


def test_where_another_has_the_slot_it_is_told_so_after_one_refused_write(
    clinic: Clinic, doctor: Doctor, patient: Patient, faulty: Faulty
) -> None:
    start, other = clinic.noon(2), clinic.patient(7)
    ask(clinic, doctor, other, start)
    met(faulty)
    with pytest.raises(SlotTakenError):
        ask(clinic, doctor, patient, start)
    assert faulty.sent["TransactWriteItems"] == 1


def test_who_is_elsewhere_at_that_time_is_told_so_too(
    clinic: Clinic, doctor: Doctor, patient: Patient, faulty: Faulty
) -> None:
    start = clinic.noon(2)
    ask(clinic, clinic.doctor(7), patient, start)
    met(faulty)
    with pytest.raises(PatientBusyError):
        ask(clinic, doctor, patient, start)
    assert faulty.sent["TransactWriteItems"] == 1


@pytest.fixture
def asker(dynamo: Dynamo) -> Patient:
    """Someone who can book the doctor of the commits."""
    patient, table = a_patient(), dynamo.tables.scheduling
    dynamo.put(table, {**head_key(DOCTOR.id), "rev": number(3), "bookable": flag(value=True)})
    counted = {"pending": number(0), "live": number(0), "active": flag(value=True)}
    dynamo.put(table, {**quota_key(patient.person_id), **counted})
    return patient


def test_where_the_cells_are_free_it_is_tried_again_as_it_is(stores: Stores, asker: Patient, faulty: Faulty) -> None:
    met(faulty, times=2)
    stores.appointments.apply(commit_of(MIDDAY, 1, patient=asker), command=command(1))
    assert faulty.sent["TransactWriteItems"] == 3


def test_a_repeat_that_meets_others_is_told_of_its_receipt_before_the_cells_that_it_has_taken_itself(
    stores: Stores, asker: Patient, faulty: Faulty
) -> None:
    stores.appointments.apply(commit_of(MIDDAY, 1, patient=asker), command=command(1, key="once"))
    met(faulty)
    with pytest.raises(ReplayedCommand):
        stores.appointments.apply(commit_of(MIDDAY, 2, patient=asker), command=command(2, key="once"))
