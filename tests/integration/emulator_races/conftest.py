"""What is raced on the emulator of AWS, with both cores for itself."""

from integration.emulator.conftest import (
    call,
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
