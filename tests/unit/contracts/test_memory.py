"""The stores in memory keep every sentence of their ports."""

import pytest

from adapters.memory import open_memory
from telemed_core.ports.storage import Stores
from telemed_core.testing.contracts import STORES_CONTRACTS


class OnMemory:
    @pytest.fixture
    def stores(self) -> Stores:
        return open_memory()


globals().update(
    {
        f"Test{contract.__name__}": type(f"Test{contract.__name__}", (OnMemory, contract), {})
        for contract in STORES_CONTRACTS
    }
)
