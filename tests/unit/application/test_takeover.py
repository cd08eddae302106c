"""What is due never stands in anybody's way: whoever meets it settles it, in the same commit."""

from datetime import timedelta

import attrs
import pytest

from telemed_core.application import committing
from telemed_core.domain.commit import Idempotency
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import AppointmentId
from telemed_core.domain.patient import Patient
from telemed_core.domain.receipts import ReplayedCommand
from telemed_core.domain.status import Status
from telemed_core.errors import (
    BusyError,
    IdempotencyKeyReusedError,
    PatientBusyError,
    ScheduleChangedError,
    SlotTakenError,
    StaleRevisionError,
    TooManyPendingError,
    UnavailableError,
)
from telemed_core.testing.builders import an_agenda
from telemed_core.testing.contracts.suite import assert_clean, confirmed, picture, requested
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.faults import After, Before, Fault, Faulty, Fine, Twice
from telemed_core.testing.wiring import Clinic

DAY = timedelta(days=1)


def test_the_slot_of_an_expired_request_is_taken_over(
    clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient
) -> None:
    old = requested(clinic, doctor, patient, days=4)
    start = old.visit.start
    clock.advance(DAY)
    new = clinic.request_appointment(doctor_id=doctor.id, start=start, patient=clinic.patient(2))
    assert clinic.stores.appointments.get(old.id).status is Status.EXPIRED
    assert clinic.stores.appointments.get(old.id).rev == 2
    assert new.visit.start == start
    assert_clean(clinic.stores)


def test_the_time_of_a_lapsed_proposal_is_taken_over_and_its_visit_stands(
    clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient
) -> None:
    visit = confirmed(clinic, doctor, patient, days=5)
    start = clinic.noon(6)
    clinic.reschedule_appointment(appointment_id=visit.id, start=start, actor=doctor)
    clock.advance(DAY)
    clinic.request_appointment(doctor_id=doctor.id, start=start, patient=clinic.patient(2))
    left = clinic.stores.appointments.get(visit.id)
    assert (left.status, left.proposal, left.visit.start) == (Status.CONFIRMED, None, visit.visit.start)
    with pytest.raises(SlotTakenError):
        clinic.request_appointment(doctor_id=doctor.id, start=visit.visit.start, patient=clinic.patient(3))
    assert_clean(clinic.stores)


def test_what_is_not_due_stays_in_the_way_and_nothing_is_settled(
    clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient
) -> None:
    other = clinic.doctor(2)
    requested(clinic, doctor, clinic.patient(2), days=4)
    clock.advance(timedelta(hours=23))
    requested(clinic, other, patient, days=3)
    clock.advance(timedelta(hours=1))
    before = picture(clinic.stores)
    with pytest.raises(PatientBusyError):
        requested(clinic, doctor, patient, days=3)
    assert picture(clinic.stores) == before


def test_due_requests_of_the_patient_do_not_count_against_the_limit(
    clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient
) -> None:
    old = [requested(clinic, doctor, patient, days=days) for days in (5, 6, 7)]
    with pytest.raises(TooManyPendingError):
        requested(clinic, doctor, patient, days=8)
    clock.advance(DAY)
    requested(clinic, doctor, patient, days=8)
    assert {clinic.stores.appointments.get(one.id).status for one in old} == {Status.EXPIRED}
    assert_clean(clinic.stores)


def test_more_than_eight_in_the_way_are_settled_by_commits_of_their_own_first(
    clinic: Clinic, clock: SettableClock, doctor: Doctor
) -> None:
    clinic.replace_agenda(agenda=an_agenda(consultation=5, buffer=0), version=2, doctor=doctor)
    start = clinic.noon(5)
    old = [
        clinic.request_appointment(
            doctor_id=doctor.id, start=start + number * timedelta(minutes=5), patient=clinic.patient(number + 1)
        )
        for number in range(committing.TAKEN_OVER_AT_ONCE + 2)
    ]
    clinic.replace_agenda(agenda=an_agenda("12:00-13:00", buffer=0), version=4, doctor=doctor)
    clock.advance(DAY)
    new = clinic.request_appointment(doctor_id=doctor.id, start=start, patient=clinic.patient(99))
    assert new.status is Status.REQUESTED
    assert {clinic.stores.appointments.get(one.id).status for one in old} == {Status.EXPIRED}
    assert_clean(clinic.stores)


def test_owners_that_cannot_be_found_stay_in_the_way(clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
    lost = Before(SlotTakenError([AppointmentId("ghost")]))
    beside = clinic.beside(appointments=Faulty(clinic.stores.appointments, {"apply": [lost]}).port)
    with pytest.raises(SlotTakenError) as refused:
        requested(beside, doctor, patient)
    assert refused.value.owners == {"ghost"}


def faulty(clinic: Clinic, *faults: Fault) -> tuple[Clinic, Faulty[object]]:
    wrapped = Faulty(clinic.stores.appointments, {"apply": faults})
    return clinic.beside(appointments=wrapped.port), wrapped  # type: ignore[return-value] # its port is not asked for


@pytest.mark.parametrize("moved", [StaleRevisionError(), ScheduleChangedError()])
def test_a_command_is_decided_again_where_the_world_moved_and_busy_after_three_times(
    clinic: Clinic, doctor: Doctor, patient: Patient, moved: Exception
) -> None:
    beside, calls = faulty(clinic, Before(moved), Before(moved), Fine())
    assert requested(beside, doctor, patient, days=1).rev == 1
    assert calls.calls.count("apply") == 3
    beside, calls = faulty(clinic, *[Before(moved)] * 3)
    with pytest.raises(BusyError):
        requested(beside, doctor, patient, days=2)
    assert calls.calls.count("apply") == 3


def test_owners_that_stand_in_the_way_again_and_again_end_as_busy(
    clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient
) -> None:
    old = requested(clinic, doctor, clinic.patient(2), days=4)
    clock.advance(DAY)
    beside, calls = faulty(clinic, *[Before(SlotTakenError([old.id]))] * 9)
    with pytest.raises(BusyError):
        beside.request_appointment(doctor_id=doctor.id, start=old.visit.start, patient=patient)
    assert calls.calls.count("apply") == 9


def test_another_who_settles_first_does_no_harm(
    clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient
) -> None:
    old = requested(clinic, doctor, patient, days=4)
    clock.advance(DAY)
    clinic.sweep()
    assert not committing.settle(clinic.stores.appointments, old, command=clinic.command())
    left = clinic.stores.appointments.get(old.id)
    assert not committing.settle(clinic.stores.appointments, left, command=clinic.command())
    assert left.rev == 2


def test_a_lost_answer_is_found_again_by_its_receipt_and_never_done_twice(
    clinic: Clinic, doctor: Doctor, patient: Patient
) -> None:
    key = Idempotency(patient.id, "key", "print")
    beside, _ = faulty(clinic, After(UnavailableError()))
    with pytest.raises(ReplayedCommand) as replayed:
        requested(beside, doctor, patient, idempotency=key)
    (listed,) = clinic.list_appointments(actor=patient)
    assert clinic.recall_appointment(replayed.value.receipt).id == listed.id
    with pytest.raises(IdempotencyKeyReusedError):
        requested(clinic, doctor, patient, days=1, idempotency=attrs.evolve(key, fingerprint="other"))


def test_a_store_that_is_down_is_told_and_nothing_is_done(clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
    beside, _ = faulty(clinic, Before(UnavailableError()))
    with pytest.raises(UnavailableError):
        requested(beside, doctor, patient)
    assert list(clinic.list_appointments(actor=patient)) == []


def test_a_commit_that_is_delivered_twice_is_written_once(clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
    beside, _ = faulty(clinic, Twice())
    asked = requested(beside, doctor, patient)
    assert clinic.stores.appointments.get(asked.id).rev == 1
    assert_clean(clinic.stores)


def test_an_error_without_a_receipt_is_told_as_it_is(clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
    key = Idempotency(patient.id, "key", "print")
    beside, _ = faulty(clinic, Before(UnavailableError()))
    with pytest.raises(UnavailableError):
        requested(beside, doctor, patient, idempotency=key)
    assert requested(clinic, doctor, patient, idempotency=key).rev == 1
