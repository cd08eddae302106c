"""A clinic on memory, one doctor and one patient; and next to no search for garbage."""

import gc

import pytest

from adapters.memory import open_memory
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.patient import Patient
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import Clinic, a_clinic

# While tests are collected nearly all that is made stays to the end.
gc.disable()


def pytest_runtestloop() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture
def clinic() -> Clinic:
    return a_clinic(open_memory())


@pytest.fixture
def clock(clinic: Clinic) -> SettableClock:
    assert isinstance(clinic.clock, SettableClock)
    return clinic.clock


@pytest.fixture
def doctor(clinic: Clinic) -> Doctor:
    return clinic.doctor()


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    return clinic.patient()
