"""Bookings decided by rules that are known and out of date: nothing is booked or refused by them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import attrs
import pytest

from adapters.memory import open_memory
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import DoctorId
from telemed_core.domain.patient import Patient
from telemed_core.domain.schedule import Schedule
from telemed_core.errors import SlotNotOfferedError
from telemed_core.ports.storage import Schedules
from telemed_core.testing.builders import an_agenda
from telemed_core.testing.contracts.suite import requested
from telemed_core.testing.wiring import Clinic, a_clinic

MORNING, ALL_DAY = an_agenda("08:00-09:00"), an_agenda()


@attrs.define
class Remembering:
    """Schedules of a process that has read them before."""

    _schedules: Schedules
    _known: Schedule | None
    read: int = 0

    def known(self, _: DoctorId, /) -> Schedule | None:
        return self._known

    def of(self, doctor_id: DoctorId, /) -> Schedule:
        self.read += 1
        return self._schedules.of(doctor_id)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._schedules, name)


@pytest.fixture
def clinic() -> Clinic:
    return a_clinic(open_memory())


@pytest.fixture
def doctor(clinic: Clinic) -> Doctor:
    return clinic.doctor()


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    return clinic.patient()


def remembering(clinic: Clinic, known: Schedule | None) -> tuple[Clinic, Remembering]:
    schedules = Remembering(clinic.stores.schedules, known)
    return clinic.beside(schedules=schedules), schedules


def change(clinic: Clinic, doctor: Doctor, agenda: Any) -> Schedule:
    """The schedule as it was before its agenda is this one."""
    before = clinic.stores.schedules.of(doctor.id)
    edit = before.with_agenda(agenda, version=before.agenda_version)
    clinic.stores.schedules.apply(edit, command=clinic.command())
    return before


def ask(of: Clinic, doctor: Doctor, patient: Patient) -> Appointment:
    return of.request_appointment(doctor_id=doctor.id, start=of.noon(), patient=patient)


def move(of: Clinic, doctor: Doctor, patient: Patient) -> Appointment:
    """To the same noon, from an appointment of a day later, which was asked for when there was no other rule."""
    (asked,) = of.list_appointments(actor=patient)
    return of.reschedule_appointment(appointment_id=asked.id, start=of.noon(), actor=patient)


Act = Callable[[Clinic, Doctor, Patient], Appointment]


@pytest.fixture(params=[ask, move])
def act(request: pytest.FixtureRequest, clinic: Clinic, doctor: Doctor, patient: Patient) -> Act:
    if request.param is move:
        requested(clinic, doctor, patient, days=2)
    chosen: Act = request.param
    return chosen


def test_what_the_known_rules_allow_and_the_present_ones_do_not_is_refused(
    clinic: Clinic, doctor: Doctor, patient: Patient, act: Act
) -> None:
    known = change(clinic, doctor, MORNING)
    process, schedules = remembering(clinic, known)
    with pytest.raises(SlotNotOfferedError):
        act(process, doctor, patient)
    assert schedules.read == 1


def test_what_the_known_rules_refuse_and_the_present_ones_allow_is_booked(
    clinic: Clinic, doctor: Doctor, patient: Patient, act: Act
) -> None:
    change(clinic, doctor, MORNING)
    known = change(clinic, doctor, ALL_DAY)
    process, _ = remembering(clinic, known)
    assert act(process, doctor, patient).visit.start == clinic.noon()


def test_rules_that_are_known_as_they_are_are_not_read(
    clinic: Clinic, doctor: Doctor, patient: Patient, act: Act
) -> None:
    process, schedules = remembering(clinic, clinic.stores.schedules.of(doctor.id))
    act(process, doctor, patient)
    assert schedules.read == 0


def test_rules_that_are_not_known_are_read_once(clinic: Clinic, doctor: Doctor, patient: Patient, act: Act) -> None:
    process, schedules = remembering(clinic, None)
    act(process, doctor, patient)
    assert schedules.read == 1


def test_a_visit_has_the_length_of_the_present_rules(clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
    known = change(clinic, doctor, an_agenda(consultation=20, buffer=10))
    process, _ = remembering(clinic, known)
    assert ask(process, doctor, patient).visit.length == timedelta(minutes=20)
