"""An identity on the emulator's user pool, and its tokens, keep every sentence of their ports."""

import pytest

from adapters.aws.calling import Call, open_call
from adapters.cognito.pool import Pool, make_pool
from adapters.memory import open_memory
from integration.emulator.cognito_clinic import InItsOwnTime, Shift, TokensInTheirOwnTime, identity_on, tokens_of
from integration.emulator.faulty import Fault, Faulty
from integration.emulator.ministack import REGION
from telemed_core.ports.services import Identity, Tokens
from telemed_core.testing.contracts import IdentityContract, ResetsContract, TokensContract

OPERATIONS = (
    "AdminCreateUser",
    "AdminSetUserPassword",
    "AdminAddUserToGroup",
    "AdminDeleteUser",
    "InitiateAuth",
    "RespondToAuthChallenge",
)
PASSING = (Fault.THROTTLED, Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.BROKEN, Fault.DELIVERED_TWICE)
"""Faults that pass, and leave nothing to be told."""


@pytest.fixture(scope="module")
def cognito(endpoint_url: str) -> Call:
    return open_call("cognito-idp", region=REGION, endpoint_url=endpoint_url, connections=32)


@pytest.fixture(scope="module")
def pool(cognito: Call) -> Pool:
    """One for all: that Cognito knows a user from elsewhere does not make them one of ours."""
    return make_pool(cognito, name="contracts", protected=False)


class OnCognito:
    @pytest.fixture
    def shift(self) -> Shift:
        return Shift()

    @pytest.fixture
    def identity(self, cognito: Call, pool: Pool, shift: Shift) -> Identity:
        return InItsOwnTime(identity_on(cognito, pool, open_memory()), shift)

    @pytest.fixture
    def tokens(self, pool: Pool, endpoint_url: str, shift: Shift) -> Tokens:
        return TokensInTheirOwnTime(tokens_of(pool, endpoint_url), shift)


class TestIdentity(OnCognito, IdentityContract):
    pass


class TestResets(OnCognito, ResetsContract):
    pass


class TestTokens(OnCognito, TokensContract):
    pass


class UnderFaults(OnCognito):
    """Each operation goes wrong in each of the ways that pass, again and again: nobody is told of it."""

    @pytest.fixture
    def identity(self, cognito: Call, pool: Pool, shift: Shift) -> Identity:
        faulty = Faulty(cognito, "cognito-idp")
        for operation in OPERATIONS:
            for number, fault in enumerate(PASSING * 3):
                # What is repeated comes through.
                faulty.plan(operation, fault, after=2 * number)
        return InItsOwnTime(identity_on(faulty, pool, open_memory()), shift)


class TestIdentityUnderFaults(UnderFaults, IdentityContract):
    pass


class TestResetsUnderFaults(UnderFaults, ResetsContract):
    pass
