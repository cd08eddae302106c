"""What each person sees, and what is not there for others."""

from datetime import timedelta

import pytest

from telemed_core.application.booking import participant
from telemed_core.domain.doctor import Doctor, DoctorStatus
from telemed_core.domain.ids import AppointmentId
from telemed_core.domain.instants import Interval
from telemed_core.domain.patient import Patient
from telemed_core.domain.status import Status
from telemed_core.errors import ForbiddenError, InvalidError, NotFoundError
from telemed_core.testing.builders import an_administrator
from telemed_core.testing.contracts.suite import requested
from telemed_core.testing.doubles import SeededIds, SettableClock
from telemed_core.testing.faults import Faulty
from telemed_core.testing.wiring import Clinic

HOUR = timedelta(hours=1)


def test_an_administrator_is_no_side_of_a_visit(doctor: Doctor, patient: Patient) -> None:
    assert (participant(doctor), participant(patient)) == (doctor, patient)
    with pytest.raises(ForbiddenError):
        participant(an_administrator())


def test_a_doctor_who_is_not_approved_is_seen_by_themself_and_administrators(clinic: Clinic, patient: Patient) -> None:
    pending = clinic.doctor(2, approved=False)
    within = Interval.lasting(clinic.clock.now(), HOUR)
    for viewer in (pending, an_administrator()):
        assert clinic.show_doctor(doctor_id=pending.id, viewer=viewer) == pending
        assert clinic.list_slots(doctor_id=pending.id, within=within, viewer=viewer)[0].doctor_id == pending.id
    for viewer in (patient, clinic.doctor(3)):
        with pytest.raises(NotFoundError):
            clinic.show_doctor(doctor_id=pending.id, viewer=viewer)
        with pytest.raises(NotFoundError):
            clinic.list_slots(doctor_id=pending.id, within=within, viewer=viewer)


def test_the_approved_doctors_are_listed_and_those_of_another_status_where_asked(
    clinic: Clinic, doctor: Doctor
) -> None:
    pending = clinic.doctor(2, approved=False)
    assert [one.id for one in clinic.list_doctors()] == [doctor.id]
    admin = an_administrator()
    assert [one.id for one in clinic.list_registrations(viewer=admin, status=DoctorStatus.PENDING)] == [pending.id]
    assert {one.id for one in clinic.list_registrations(viewer=admin)} == {doctor.id, pending.id}
    with pytest.raises(ForbiddenError):
        clinic.list_registrations(viewer=clinic.patient())


def test_a_listing_is_at_most_31_days_long(clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
    month = Interval.lasting(clinic.clock.now(), timedelta(days=31))
    assert len(clinic.list_slots(doctor_id=doctor.id, within=month, viewer=patient)[1]) > 700
    longer = Interval(month.start, month.end + timedelta(microseconds=1))
    with pytest.raises(InvalidError) as refused:
        clinic.list_slots(doctor_id=doctor.id, within=longer, viewer=patient)
    assert refused.value.fields[0].field == "to"


def test_a_patient_sees_the_starts_in_which_both_are_free(clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
    other, elsewhere = clinic.patient(2), clinic.doctor(2)
    start = requested(clinic, elsewhere, patient).visit.start
    within = Interval.lasting(start, HOUR)
    assert start not in clinic.list_slots(doctor_id=doctor.id, within=within, viewer=patient)[1]
    assert start in clinic.list_slots(doctor_id=doctor.id, within=within, viewer=other)[1]
    assert start in clinic.list_slots(doctor_id=doctor.id, within=within, viewer=doctor)[1]


def test_a_visit_that_runs_past_the_end_of_the_listing_counts(clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
    asked = requested(clinic, doctor, patient)
    within = Interval(asked.visit.start - 2 * HOUR, asked.visit.start + timedelta(minutes=1))
    starts = clinic.list_slots(doctor_id=doctor.id, within=within, viewer=clinic.patient(2))[1].starts()
    assert starts == [asked.visit.start - 2 * HOUR, asked.visit.start - HOUR]


def test_an_appointment_is_shown_settled_to_its_two_sides_alone(
    clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient
) -> None:
    asked = requested(clinic, doctor, patient, days=3)
    clock.advance(timedelta(hours=24))
    for actor in (doctor, patient):
        shown = clinic.show_appointment(appointment_id=asked.id, actor=actor)
        assert (shown.status, len(shown.history or ())) == (Status.EXPIRED, 2)
    for actor in (clinic.doctor(2), clinic.patient(2)):
        with pytest.raises(NotFoundError):
            clinic.show_appointment(appointment_id=asked.id, actor=actor)
    with pytest.raises(NotFoundError):
        clinic.show_appointment(appointment_id=AppointmentId("none"), actor=patient)


def test_names_and_texts_come_in_one_read_each(clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
    asked = requested(clinic, doctor, patient, reason="a cough")
    silent = requested(clinic, doctor, patient, days=2)
    accounts, texts = Faulty(clinic.stores.accounts, {}), Faulty(clinic.stores.texts, {})
    beside = clinic.beside(accounts=accounts.port, texts=texts.port)
    details = beside.describe_appointments([asked, silent])
    assert details.names == {doctor.id: doctor.name, patient.id: patient.name}
    assert details.texts == {asked.reason: "a cough"}
    assert (accounts.calls, texts.calls) == (["names"], ["read"])
    assert beside.describe_appointments([silent]).texts == {}
    assert texts.calls == ["read"]
    assert "cough" not in repr(details)


def test_ids_of_two_seeds_are_never_the_same() -> None:
    first, second, again = SeededIds("a"), SeededIds("b"), SeededIds("a")
    drawn = [first.new() for _ in range(50)]
    assert drawn == [again.new() for _ in range(50)]
    assert len({*drawn, *(second.new() for _ in range(50))}) == 100
