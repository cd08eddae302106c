"""The stores on DynamoDB keep every sentence of their ports."""

from telemed_core.testing.contracts import STORES_CONTRACTS

globals().update(
    {f"Test{contract.__name__}": type(f"Test{contract.__name__}", (contract,), {}) for contract in STORES_CONTRACTS}
)
