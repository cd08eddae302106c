"""Visits that are under way or over while the tests run: booked and begun in this process, at their own time."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

import attrs
from dependency_injector import providers

from entrypoints.container import Container
from integration.attacks.clinic import NOW, Clinic, instant
from integration.http.people import Person
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import AccountId
from telemed_core.domain.patient import Patient
from telemed_core.errors import DeadlinePassedError, InvalidTransitionError, JoinWindowClosedError
from telemed_core.testing.doubles import SettableClock

BEGUN: Final = NOW - timedelta(minutes=30)
"""A Monday: the start of the one visit of a doctor who has four hours for it."""

FOUR_HOURS: Final = {
    "consultation_minutes": 240,
    "buffer_minutes": 0,
    "weekly": [{"weekday": "monday", "start": f"{BEGUN:%H:%M}", "end": f"{BEGUN + timedelta(hours=4):%H:%M}"}],
}
AHEAD: Final = timedelta(hours=20)
"""So long before its start a visit is asked for."""

TRIES: Final = 5


@attrs.frozen
class Visit:
    """A visit and its two sides."""

    id: str
    patient: Person
    doctor: Person

    @property
    def path(self) -> str:
        return f"/v1/appointments/{self.id}"

    @property
    def sides(self) -> tuple[Person, Person]:
        return self.patient, self.doctor

    def shown(self) -> dict[str, Any]:
        """As it is now."""
        found: dict[str, Any] = self.patient.client.get(self.path).expect(200)
        return found


def under_way(clinic: Clinic, *joined: str, patient: Person | None = None, doctor: Person | None = None) -> Visit:
    """A visit that began half an hour ago and lasts for hours; these sides have joined, "patient" or "doctor"."""
    there = doctor or clinic.doctor(**FOUR_HOURS)
    (made,) = held(clinic, patient or clinic.patient(), there, [BEGUN], joined)
    return made


def in_progress(clinic: Clinic, **sides: Person) -> Visit:
    """A visit under way that both have joined."""
    return under_way(clinic, "patient", "doctor", **sides)


def completed(clinic: Clinic, patient: Person | None = None, doctor: Person | None = None) -> Visit:
    """A visit that was completed half an hour ago."""
    there = doctor or clinic.doctor(**FOUR_HOURS)
    (made,) = held(clinic, patient or clinic.patient(), there, [BEGUN], ("patient", "doctor"), completed=True)
    return made


def held(
    clinic: Clinic,
    patient: Person,
    doctor: Person,
    starts: Iterable[datetime],
    joined: Iterable[str] = (),
    *,
    completed: bool = False,
) -> list[Visit]:
    """Confirmed visits at these starts, which these sides have joined then."""
    with _at_any_time(clinic) as (container, clock):
        return [_held(container, clock, patient, doctor, start, set(joined), completed) for start in starts]


def _held(
    container: Container,
    clock: SettableClock,
    patient: Person,
    doctor: Person,
    start: datetime,
    joined: Collection[str],
    completed: bool,
) -> Visit:
    here, there = (container.accounts().get(AccountId(one.id)) for one in (patient, doctor))
    assert isinstance(here, Patient)
    assert isinstance(there, Doctor)
    for _ in range(TRIES):
        clock.set(start - AHEAD)
        made = container.request_appointment()(doctor_id=there.id, start=start, patient=here)
        try:
            container.accept_appointment()(appointment_id=made.id, rev=made.rev, doctor=there)
            clock.set(start)
            for side in sorted(joined):
                container.join_visit()(appointment_id=made.id, actor={"patient": here, "doctor": there}[side])
            if completed:
                container.complete_visit()(appointment_id=made.id, doctor=there)
        except (InvalidTransitionError, DeadlinePassedError, JoinWindowClosedError):
            # By the served clinic's time it was due, and its sweep came first.
            continue
        return Visit(made.id, patient, doctor)
    raise AssertionError("the sweep came first, each time")


def soon(clinic: Clinic, *, patient: Person | None = None, doctor: Person | None = None) -> Visit:
    """A confirmed visit of five minutes that begins within as many: it can be joined already."""
    there = doctor or clinic.doctor(consultation_minutes=5, buffer_minutes=0)
    minutes = 5 * (1 + int((clinic.now() - NOW) / timedelta(minutes=5)))
    here = patient or clinic.patient()
    return Visit(clinic.confirmed(here, there, NOW + timedelta(minutes=minutes))["id"], here, there)


def suspended(clinic: Clinic, doctor: Person) -> None:
    """The doctor's licence is withdrawn."""
    body = {"decision": "suspend", "reason": "the council says so"}
    clinic.administrator.client.post(f"/v1/doctors/{doctor.id}/verification", body).expect(200)


def opening(start: datetime) -> str:
    """When a visit that starts then can be joined."""
    return instant(start - timedelta(minutes=10))


@contextmanager
def _at_any_time(clinic: Clinic) -> Iterator[tuple[Container, SettableClock]]:
    clock = SettableClock(NOW)
    with clinic.server.installation.container() as container:
        container.clock.override(providers.Object(clock))
        yield container, clock
