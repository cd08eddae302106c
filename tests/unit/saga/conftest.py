"""A doctor who knows of their approval."""

import pytest

from telemed_core.domain.doctor import Doctor
from telemed_core.testing.wiring import Clinic


@pytest.fixture
def doctor(clinic: Clinic) -> Doctor:
    """Approved, and told so."""
    doctor = clinic.doctor()
    clinic.run_sagas()
    clinic.publisher.published.clear()
    return doctor
