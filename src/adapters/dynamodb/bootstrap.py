"""Makes the tables where there are none: for emulators and tests, which have no deployment of their own."""

import time
from collections.abc import Callable
from typing import Final

from adapters.aws.calling import Call
from adapters.aws.failures import AwsError
from adapters.dynamodb.tables import Table, Tables
from telemed_core.errors import UnavailableError

READY_WITHIN: Final = 60.0
"""Seconds that a table has to become active."""
_BETWEEN_LOOKS: Final = 0.2

_THERE: Final = "ResourceInUseException"


def make_tables(
    call: Call,
    tables: Tables,
    *,
    seconds: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[str, ...]:
    """Make the tables that are missing, wait until all can be used, and answer the names of those made.

    A table that is there is left as it is, but for its expiry, which is switched on.

    Raises:
        UnavailableError: a table has not become active in time, or DynamoDB cannot be used.
    """
    made = tuple(table.name for table in tables.all if _make(call, table))
    until = seconds() + READY_WITHIN
    for table in tables.all:
        while not _is_active(call, table):
            if seconds() > until:
                raise UnavailableError
            sleep(_BETWEEN_LOOKS)
        _let_expire(call, table)
    return made


def _make(call: Call, table: Table) -> bool:
    try:
        call("CreateTable", table.creation())
    except AwsError as error:
        if error.code != _THERE:
            raise
        return False
    return True


def _is_active(call: Call, table: Table) -> bool:
    try:
        told = call("DescribeTable", {"TableName": table.name})["Table"]
    except UnavailableError as error:
        # A table that has just been made is not known everywhere yet.
        if getattr(error.__cause__, "code", None) != "ResourceNotFoundException":
            raise
        return False
    parts = (told, *told.get("GlobalSecondaryIndexes", ()))
    return all(part.get("TableStatus", part.get("IndexStatus")) == "ACTIVE" for part in parts)


def _let_expire(call: Call, table: Table) -> None:
    wanted = table.time_to_live()
    if wanted is None:
        return
    told = call("DescribeTimeToLive", {"TableName": table.name})["TimeToLiveDescription"]
    # Switching on what is on is an error.
    if told["TimeToLiveStatus"] not in {"ENABLED", "ENABLING"}:
        call("UpdateTimeToLive", wanted)
