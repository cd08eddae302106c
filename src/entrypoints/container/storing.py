"""Opens what keeps things: the stores that the settings choose, and the calls to AWS that they need."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final, cast

import attrs
from dependency_injector.providers import ThreadSafeSingleton as Once

from entrypoints.container.opening import make_folder
from entrypoints.settings import PREFIX, Settings, SettingsError
from telemed_core.errors import InvalidError
from telemed_core.ports.services import Sealing
from telemed_core.ports.storage import Stores

if TYPE_CHECKING:
    from adapters.aws.calling import Call
    from telemed_core.ports.notices import Notices

BESIDE_REQUESTS: Final = 11
"""Connections for what goes on beside requests: one of readiness, six of signalling, four of the background."""


def open_stores(
    settings: Settings, sealing: Callable[[], Sealing], closing: ExitStack, migrate: Callable[[], bool]
) -> Stores:
    """The stores, with their database migrated where that is wanted.

    Raises:
        SettingsError: the database's address, or what is known of AWS, is wrong.
    """
    if settings.store == "memory":
        from adapters.memory import open_memory

        return open_memory()
    if settings.store == "sql":
        return _sql(settings, sealing(), closing, migrate=migrate())
    return _dynamodb(settings, sealing(), Once(_sql, settings, sealing(), closing, migrate=migrate()))


def open_call(settings: Settings, service: str) -> "Call":
    """Calls to a service of AWS, for all threads of this process.

    Raises:
        SettingsError: no region is known, or the credentials' configuration is wrong.
    """
    from adapters.aws.calling import open_call

    connections = settings.threads + BESIDE_REQUESTS
    try:
        return open_call(service, connections=connections, endpoint_url=settings.aws_endpoint_url)
    except InvalidError as error:
        field = error.fields[0]
        where = "AWS_REGION" if field.field == "region" else "the configuration of AWS"
        raise SettingsError(f"{where}: {field.message}") from None


@attrs.frozen
class Later:
    """What is opened when it is first asked for something: most functions in Lambda need few of what they could."""

    _open: Callable[[], Any]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._open(), name)


def _dynamodb(settings: Settings, sealing: Sealing, database: Callable[[], Stores]) -> Stores:
    """The stores on DynamoDB, each opened when it is asked for, with the notices of a database."""
    from adapters.dynamodb.access import Dynamo
    from adapters.dynamodb.opening import open_dynamodb
    from adapters.dynamodb.tables import Tables

    dynamo = Dynamo(open_call(settings, "dynamodb"), Tables.named(settings.aws_prefix))
    notices = cast("Notices", Later(lambda: database().notices))
    return open_dynamodb(dynamo, sealing=sealing, notices=notices, beside=lambda: database().check())


def _sql(settings: Settings, sealing: Sealing, closing: ExitStack, *, migrate: bool) -> Stores:
    from adapters.sql import open_sql

    if settings.database_file is not None:
        make_folder(settings)
    try:
        pool_size = settings.threads + BESIDE_REQUESTS
        stores = open_sql(settings.sql_url, sealing=sealing, migrate=migrate, pool_size=pool_size)
    except InvalidError as error:
        raise SettingsError(f"{PREFIX}DATABASE_URL {error.fields[0].message}") from None
    closing.callback(stores.close)
    return stores
