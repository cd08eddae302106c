"""Visits whose time has come, made in this process: nobody has a password, nobody signs in."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import attrs

from entrypoints.background import all_at_once
from entrypoints.container import Container
from integration.http.server import Installation
from integration.meetings_load.people import Invited
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.patient import Patient
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import Clinic

START: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)
NOW: Final = START - timedelta(minutes=5)
DAY: Final = timedelta(days=1)


@attrs.frozen
class Visit:
    """An appointment that both have agreed on."""

    appointment: Appointment
    patient: Patient
    doctor: Doctor


def invited(installation: Installation, *, visits: int) -> list[Invited]:
    """Both sides of so many visits, who have joined; where they go is a path, without the server's address."""
    with installation.container(at=NOW) as container:
        clinic = Clinic(container.stores(), SettableClock(NOW - DAY), container.ids())
        booked = [_booked(clinic, number) for number in range(1, visits + 1)]
        found = [one for visit in booked for one in _joined(container, visit)]
        # What follows from all this is not what is measured.
        all_at_once(container)
    return found


def _booked(clinic: Clinic, number: int) -> Visit:
    patient, doctor = clinic.patient(number), clinic.doctor(number)
    asked = clinic.request_appointment(doctor_id=doctor.id, start=START, patient=patient)
    return Visit(clinic.accept_appointment(appointment_id=asked.id, rev=asked.rev, doctor=doctor), patient, doctor)


def _joined(container: Container, visit: Visit) -> Iterator[Invited]:
    for actor, calls in ((visit.patient, False), (visit.doctor, True)):
        joined = container.join_visit()(appointment_id=visit.appointment.id, actor=actor)
        yield Invited(f"/v1/meetings/{joined.room.id}/signal", joined.attendee.details["token"], calls)
