"""Identity and sealing keep every sentence of their ports."""

import pytest

from adapters.local_identity import open_local_identity
from adapters.memory import open_memory
from adapters.sealing import open_sealing
from telemed_core.ports.services import Identity, Sealing
from telemed_core.testing.contracts import IdentityContract, SealingContract
from telemed_core.testing.doubles import MemoryIdentity


class TestLocalIdentity(IdentityContract):
    @pytest.fixture
    def identity(self) -> Identity:
        return open_local_identity(open_memory().credentials)


class TestIdentityForTests(IdentityContract):
    @pytest.fixture
    def identity(self) -> Identity:
        return MemoryIdentity()


class TestAesSealing(SealingContract):
    @pytest.fixture
    def sealing(self) -> Sealing:
        return open_sealing(pepper=b"p" * 32, data_key=b"d" * 32)
