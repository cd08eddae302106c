"""Visits to be raced for."""

from telemed_core.domain.appointment import Appointment
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.patient import Patient
from telemed_core.testing.contracts.suite import confirmed
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import Clinic


def about_to_begin(clinic: Clinic, doctor: Doctor, patient: Patient, *, days: int = 1) -> Appointment:
    """A confirmed visit whose time has come."""
    visit = confirmed(clinic, doctor, patient, days=days)
    _be_there(clinic, visit)
    return visit


def completed(clinic: Clinic, doctor: Doctor, patients: list[Patient]) -> list[Appointment]:
    """One visit of each, to which both came, a day after the one before."""
    visits = [confirmed(clinic, doctor, patient, days=day) for day, patient in enumerate(patients, start=1)]
    for visit, patient in zip(visits, patients, strict=True):
        _be_there(clinic, visit)
        for actor in (doctor, patient):
            clinic.join_visit(appointment_id=visit.id, actor=actor)
        clinic.complete_visit(appointment_id=visit.id, doctor=doctor)
    return visits


def _be_there(clinic: Clinic, visit: Appointment) -> None:
    assert isinstance(clinic.clock, SettableClock)
    clinic.clock.set(visit.visit.start)
