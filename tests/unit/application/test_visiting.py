"""Licences, presence and absence through the use cases."""

from datetime import timedelta

import pytest

from telemed_core.domain.doctor import Decision, Doctor
from telemed_core.domain.patient import Patient
from telemed_core.domain.status import Status
from telemed_core.errors import LicenceInactiveError, NotFoundError
from telemed_core.testing.builders import an_administrator
from telemed_core.testing.contracts.suite import confirmed, requested
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import Clinic

MINUTE = timedelta(minutes=1)


def test_both_meet_and_the_doctor_completes(
    clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient
) -> None:
    visit = confirmed(clinic, doctor, patient)
    clock.set(visit.visit.start)
    assert clinic.join_visit(appointment_id=visit.id, actor=patient).appointment.status is Status.CONFIRMED
    assert clinic.join_visit(appointment_id=visit.id, actor=doctor).appointment.status is Status.IN_PROGRESS
    rev = clinic.stores.appointments.get(visit.id).rev
    assert clinic.join_visit(appointment_id=visit.id, actor=doctor).appointment.rev == rev
    assert clinic.complete_visit(appointment_id=visit.id, doctor=doctor).status is Status.COMPLETED


def test_the_side_that_is_present_declares_the_other_absent(
    clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient
) -> None:
    visit = confirmed(clinic, doctor, patient)
    clock.set(visit.visit.start)
    clinic.join_visit(appointment_id=visit.id, actor=patient)
    clock.advance(15 * MINUTE)
    assert clinic.declare_absence(appointment_id=visit.id, actor=patient).absent == "doctor"


def test_a_suspended_doctor_refuses_and_cancels_and_does_nothing_else(
    clinic: Clinic, doctor: Doctor, patient: Patient
) -> None:
    asked, kept = requested(clinic, doctor, patient), confirmed(clinic, doctor, patient, days=2)
    suspended, _ = clinic.verify_doctor(
        doctor_id=doctor.id, decision=Decision.SUSPEND, reason="expired", actor=an_administrator()
    )
    for who in (suspended, doctor):  # the second is a copy from before
        with pytest.raises(LicenceInactiveError):
            clinic.accept_appointment(appointment_id=asked.id, rev=1, doctor=who)
    for act in (
        lambda: clinic.join_visit(appointment_id=kept.id, actor=suspended),
        lambda: clinic.declare_absence(appointment_id=kept.id, actor=suspended),
        lambda: clinic.complete_visit(appointment_id=kept.id, doctor=suspended),
        lambda: clinic.reschedule_appointment(appointment_id=kept.id, start=clinic.noon(3), actor=suspended),
    ):
        with pytest.raises(LicenceInactiveError):
            act()
    assert clinic.refuse_appointment(appointment_id=asked.id, doctor=suspended).status is Status.REFUSED
    left = clinic.cancel_appointment(appointment_id=kept.id, reason="suspended", actor=suspended)
    assert left.status is Status.CANCELLED


def test_nobody_learns_that_somebody_elses_appointment_exists(clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
    asked = requested(clinic, doctor, patient)
    stranger, elsewhere = clinic.patient(2), clinic.doctor(2)
    for act in (
        lambda: clinic.accept_appointment(appointment_id=asked.id, rev=1, doctor=elsewhere),
        lambda: clinic.refuse_appointment(appointment_id=asked.id, doctor=elsewhere),
        lambda: clinic.cancel_appointment(appointment_id=asked.id, reason="not mine", actor=stranger),
        lambda: clinic.reschedule_appointment(appointment_id=asked.id, start=clinic.noon(3), actor=stranger),
        lambda: clinic.join_visit(appointment_id=asked.id, actor=stranger),
        lambda: clinic.complete_visit(appointment_id=asked.id, doctor=elsewhere),
    ):
        with pytest.raises(NotFoundError):
            act()
