"""What the ports of people promise on DynamoDB: our own identity over it, and all of it while calls go wrong."""

import pytest

from adapters.dynamodb.access import Dynamo
from integration.emulator.people import People

# The same calls, of which every one goes wrong once.
from integration.emulator.test_contracts_under_faults import UnderFaults, every_call_once  # noqa: F401 # a fixture
from telemed_core.ports.services import Identity
from telemed_core.testing.contracts import (
    AccountsContract,
    AttemptsContract,
    ClosingContract,
    CredentialsContract,
    FeedsContract,
    IdentityContract,
    ProfilesContract,
    RegistrationsContract,
    ResetsContract,
    SessionsContract,
)
from telemed_core.testing.doubles import MemoryIdentity, SeededIds


class Kept:
    @pytest.fixture
    def identity(self, dynamo: Dynamo) -> Identity:
        people = People.on(dynamo)
        return MemoryIdentity(people.credentials, people.sessions, SeededIds())


class TestIdentity(Kept, IdentityContract):
    """Passwords and sessions."""


class TestResets(Kept, ResetsContract):
    """Passwords that were forgotten."""


class TestAccounts(UnderFaults, AccountsContract):
    """Accounts, up to those that are there."""


class TestRegistrations(UnderFaults, RegistrationsContract):
    """The steps of a registration."""


class TestProfiles(UnderFaults, ProfilesContract):
    """Changed profiles."""


class TestClosing(UnderFaults, ClosingContract):
    """Closed accounts."""


class TestCredentials(UnderFaults, CredentialsContract):
    """Password hashes."""


class TestSessions(UnderFaults, SessionsContract):
    """Sign-ins."""


class TestAttempts(UnderFaults, AttemptsContract):
    """Wrong passwords."""


class TestFeeds(UnderFaults, FeedsContract):
    """Calendar secrets."""
