"""What all suites over stores share: a clinic on a fixed Monday, and a picture of everything that is kept."""

from typing import Any

import pytest

from telemed_core.domain.appointment import Appointment
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ledger import differences
from telemed_core.domain.patient import Patient
from telemed_core.ports.storage import Stores
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import Clinic, a_clinic

EVERYBODY = 10_000


class Suite:
    """The adapter's own class adds the fixture ``stores``: fresh and empty."""

    @pytest.fixture
    def clinic(self, stores: Stores) -> Clinic:
        return a_clinic(stores)

    @pytest.fixture
    def clock(self, clinic: Clinic) -> SettableClock:
        assert isinstance(clinic.clock, SettableClock)
        return clinic.clock

    @pytest.fixture
    def doctor(self, clinic: Clinic) -> Doctor:
        return clinic.doctor()

    @pytest.fixture
    def patient(self, clinic: Clinic) -> Patient:
        return clinic.patient()


def requested(clinic: Clinic, doctor: Doctor, patient: Patient, *, days: int = 1, **facts: Any) -> Appointment:
    """An appointment asked for, at noon so many days ahead."""
    return clinic.request_appointment(doctor_id=doctor.id, start=clinic.noon(days), patient=patient, **facts)


def confirmed(clinic: Clinic, doctor: Doctor, patient: Patient, *, days: int = 1) -> Appointment:
    """The same, accepted."""
    asked = requested(clinic, doctor, patient, days=days)
    return clinic.accept_appointment(appointment_id=asked.id, rev=asked.rev, doctor=doctor)


def picture(stores: Stores, *known: Appointment) -> Any:
    """Claims, appointments with their histories, and texts: all that a commit could have changed."""
    people = stores.ledger.people(limit=EVERYBODY)
    page = stores.ledger.read(people)
    ids = {one.id for one in (*page.appointments, *known)}
    whole = [stores.appointments.get(one.id) for one in stores.appointments.many(ids)]
    texts = {key for one in whole for key in (one.reason, one.refusal_reason, one.cancel_reason) if key}
    return dict(page.claims), whole, dict(stores.texts.read(texts))


def assert_clean(stores: Stores) -> None:
    """The ledger is the disjoint union of the live appointments and open proposals."""
    assert list(differences(stores.ledger.read(stores.ledger.people(limit=EVERYBODY)))) == []
