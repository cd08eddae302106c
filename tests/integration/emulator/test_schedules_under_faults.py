"""What schedules and doctors promise holds while every call to DynamoDB goes wrong once, in every way."""

import pytest

from adapters.aws.calling import Call
from integration.emulator.test_contracts_under_faults import FAULTS, REPEATED, EachOnce, UnderFaults
from telemed_core.testing.contracts import DoctorsContract, ProfilesContract, SchedulesContract

EVERYTHING = REPEATED | {"UpdateItem"}
"""The single writes of these stores are repeated too."""


@pytest.fixture(params=FAULTS, ids=lambda fault: fault.name)
def every_call_once(request: pytest.FixtureRequest, call: Call) -> EachOnce:
    return EachOnce(call, request.param, EVERYTHING)


class TestSchedules(UnderFaults, SchedulesContract):
    """Agendas and blocks."""


class TestDoctors(UnderFaults, DoctorsContract):
    """The directory, and decisions."""


class TestProfiles(UnderFaults, ProfilesContract):
    """Changed profiles, with the schedule's price."""
