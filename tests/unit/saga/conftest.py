"""A clinic on memory, a doctor who knows of their approval, and a patient."""

import pytest

from adapters.memory import open_memory
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.patient import Patient
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import Clinic, a_clinic


@pytest.fixture
def clinic() -> Clinic:
    return a_clinic(open_memory())


@pytest.fixture
def clock(clinic: Clinic) -> SettableClock:
    assert isinstance(clinic.clock, SettableClock)
    return clinic.clock


@pytest.fixture
def doctor(clinic: Clinic) -> Doctor:
    """Approved, and told so."""
    doctor = clinic.doctor()
    clinic.run_sagas()
    clinic.publisher.published.clear()
    return doctor


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    return clinic.patient()
