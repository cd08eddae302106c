"""Visits whose time has come, made in this process beside the servers: nobody has a password, nobody signs in."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final

import attrs

from entrypoints.container import Container
from integration.http.server import Installation
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.patient import Patient
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import Clinic

START: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)
NOW: Final = START - timedelta(minutes=5)
"""When the servers' clocks start: visits at noon are open, and have not begun."""

DAY: Final = timedelta(days=1)


@attrs.frozen
class Way:
    """One person's way into one meeting."""

    meeting: str
    token: str = attrs.field(repr=False)

    @property
    def path(self) -> str:
        return f"/v1/meetings/{self.meeting}/signal"


@attrs.frozen
class Visit:
    """A confirmed visit at noon that both sides have joined, or one of them."""

    appointment: Appointment
    doctor: Doctor
    patient: Patient
    ways: tuple[Way, ...]


@attrs.frozen
class Visits:
    """Makes visits on an installation, and ends them."""

    container: Container
    _clinic: Clinic
    _numbers: Iterator[int] = attrs.Factory(lambda: count(1))

    def make(self, *, joined: int = 2) -> Visit:
        """A visit of people of its own; of its sides so many have joined, the doctor first."""
        number = next(self._numbers)
        patient, doctor = self._clinic.patient(number), self._clinic.doctor(number)
        asked = self._clinic.request_appointment(doctor_id=doctor.id, start=START, patient=patient)
        visit = self._clinic.accept_appointment(appointment_id=asked.id, rev=asked.rev, doctor=doctor)
        ways = tuple(self._join(visit, actor) for actor in (doctor, patient)[:joined])
        return Visit(visit, doctor, patient, ways)

    def _join(self, appointment: Appointment, actor: Doctor | Patient) -> Way:
        joined = self.container.join_visit()(appointment_id=appointment.id, actor=actor)
        return Way(joined.room.id, joined.attendee.details["token"])

    def complete(self, visit: Visit) -> None:
        """The doctor ends it."""
        self.container.complete_visit()(appointment_id=visit.appointment.id, doctor=visit.doctor)

    def cancel(self, visit: Visit) -> None:
        """The doctor cannot come."""
        current = self.container.appointments().get(visit.appointment.id)
        self.container.cancel_appointment()(appointment_id=current.id, actor=visit.doctor, reason="a flood")


@contextmanager
def visits_on(installation: Installation) -> Iterator[Visits]:
    """Visits on that installation, at the time of its servers."""
    with installation.container(at=NOW) as container:
        yield Visits(container, Clinic(container.stores(), SettableClock(NOW - DAY), container.ids()))
