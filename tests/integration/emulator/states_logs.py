"""Logs of one saga each, on every store that keeps sagas: what runs it finds that one and no other."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, TypeAlias

import attrs
from sqlalchemy import create_engine, insert

from adapters.aws.calling import Call
from adapters.dynamodb.access import Dynamo
from adapters.dynamodb.saga_rows import row_item
from adapters.dynamodb.sagas import DynamoSagaLog
from adapters.dynamodb.tables import Tables
from adapters.memory.sagas import MemorySagaLog
from adapters.memory.state import State
from adapters.sql import open_sql
from adapters.sql.engine import parse_url
from adapters.sql.tables import SAGAS
from integration.emulator.fresh_tables import new_prefix
from telemed_core.domain.sagas import SagaRow
from telemed_core.ports.sagas import SagaLog
from telemed_core.ports.services import Sealing

NewLog: TypeAlias = Callable[[SagaRow], SagaLog]
"""Opens another log each time, in which this saga is as the row says."""


def in_memory(row: SagaRow) -> SagaLog:
    state = State()
    state.keep(row)
    return MemorySagaLog(state)


def on_dynamodb(call: Call, sealing: Sealing) -> NewLog:
    """Each in a table of its own."""

    def opened(row: SagaRow) -> SagaLog:
        dynamo = Dynamo(call, Tables.named(new_prefix()))
        call("CreateTable", dynamo.tables.scheduling.creation())
        dynamo.put(dynamo.tables.scheduling, row_item(row))
        return DynamoSagaLog(dynamo, sealing)

    return opened


def in_sql(new_url: Callable[[], str], sealing: Sealing, closing: ExitStack) -> NewLog:
    """Each in a database of its own.

    Args:
        new_url: makes one, with its tables.
        closing: what ends with the test.
    """

    def opened(row: SagaRow) -> SagaLog:
        url = new_url()
        engine = create_engine(parse_url(url))
        with engine.begin() as connection:
            connection.execute(insert(SAGAS), _columns(row))
        engine.dispose()
        stores = open_sql(url, sealing=sealing, migrate=False, pool_size=2)
        closing.callback(stores.close)
        return stores.sagas

    return opened


def _columns(row: SagaRow) -> dict[str, Any]:
    facts = attrs.asdict(row, recurse=False)
    return facts | attrs.asdict(facts.pop("progress"))
