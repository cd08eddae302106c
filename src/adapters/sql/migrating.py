"""Brings a database to the tables of this version; any number of processes may do so at once."""

import os
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import Final

from sqlalchemy import Connection, inspect, text

from adapters.sql.engine import parse_url
from adapters.sql.migrations import HEAD
from adapters.sql.transactions import Database
from telemed_core.errors import UnavailableError

_PATIENCE: Final = timedelta(minutes=1)
_ONLY_OWNER: Final = 0o600
_ADVISORY_LOCK: Final = 7_365_164_544
"""Whoever migrates a Postgres database holds this one."""

_one_at_a_time: Final = Lock()
"""Alembic keeps what it runs in variables of its modules."""


def migrate(url: str) -> None:
    """Create or upgrade the tables; up to date: change nothing. A SQLite file is made, readable by its owner alone.

    Raises:
        InvalidError: the URL is not one of a SQLite file or a Postgres database.
        UnavailableError: the database does not answer.
    """
    parsed = parse_url(url)
    database = Database(parsed, pool_size=1, patience=_PATIENCE)
    try:
        if database.sqlite and parsed.database:
            _create(Path(parsed.database))
        if not database.read(_is_current):
            if database.sqlite:
                database.read(_keep_a_write_ahead_log)
            with _one_at_a_time:
                database.write(_upgrade)
    finally:
        database.close()


def _create(file: Path) -> None:
    try:
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, _ONLY_OWNER))
    except OSError:
        raise UnavailableError from None


def _is_current(connection: Connection) -> bool:
    if not inspect(connection).has_table("alembic_version"):
        return False
    return bool(connection.scalar(text("SELECT version_num FROM alembic_version")) == HEAD)


def _keep_a_write_ahead_log(connection: Connection) -> None:
    connection.exec_driver_sql("PRAGMA journal_mode=WAL")


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    if _is_current(connection):
        return
    # Imported here, for it is slow to import and seldom needed.
    from alembic import command  # noqa: PLC0415 # as said above
    from alembic.config import Config  # noqa: PLC0415 # as said above

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
