"""What is raced on the emulator of AWS, with both cores for itself."""

import pytest

from adapters.aws import calling
from adapters.aws.calling import Call, open_call
from integration.emulator.conftest import (
    client,
    credentials,
    dynamo,
    emulator,
    endpoint_url,
    faulty,
    open_fresh_dynamodb,
    stores,
    tables,
)
from integration.emulator.ministack import REGION

RACERS = 200
PATIENCE = 30.0
"""Seconds: two hundred who connect at once wait for one emulator, which is not what is raced."""

__all__ = [
    "call",
    "client",
    "credentials",
    "dynamo",
    "emulator",
    "endpoint_url",
    "faulty",
    "open_fresh_dynamodb",
    "stores",
    "tables",
]


@pytest.fixture(scope="session")
def call(endpoint_url: str) -> Call:
    """Calls to DynamoDB, as many at once as there are racers."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CONNECT_TIMEOUT", "READ_TIMEOUT"):
            patch.setattr(calling, name, PATIENCE)
        return open_call("dynamodb", region=REGION, endpoint_url=endpoint_url, connections=RACERS)
