"""Connections to SQLite files and Postgres: what a URL must be, and how each connection is set up."""

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from telemed_core.errors import InvalidError

CONNECT_WITHIN: Final = timedelta(seconds=5)
"""How long a server has to answer, and a thread to get one of the pool's connections."""

SQLITE_ASKS_FOR_MS: Final = 8
"""After 0, 1, 3 and 8 ms, and then the transaction asks again.

Left to itself, SQLite soon asks every 100 ms only, and who has waited longest comes off worst.
"""

_DRIVERS: Final = {
    "sqlite": "sqlite+pysqlite",
    "sqlite+pysqlite": "sqlite+pysqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


def parse_url(text: str) -> URL:
    """A SQLAlchemy URL of a SQLite file or a Postgres database.

    Raises:
        InvalidError: anything else, naming ``database_url``.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise InvalidError("database_url", "is not a database URL") from None
    driver = _DRIVERS.get(url.drivername)
    if driver is None:
        raise InvalidError("database_url", "must begin with sqlite:/// or postgresql://")
    if not url.database or url.database == ":memory:":
        raise InvalidError("database_url", "must name a file or a database")
    return url.set(drivername=driver)


def connect_to(url: URL, *, pool_size: int, patience: timedelta) -> Engine:
    """The engine; nothing is connected before its first use. Postgres waits for a lock as long as ``patience``."""
    common: dict[str, Any] = {
        "hide_parameters": True,
        "pool_size": pool_size,
        "max_overflow": 0,
        "pool_timeout": CONNECT_WITHIN.total_seconds(),
        # The connection used last has the warmest caches.
        "pool_use_lifo": True,
    }
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"check_same_thread": False, "isolation_level": None}, **common)
        event.listen(engine, "connect", _set_up_sqlite)
        return engine
    wait = int(patience / timedelta(milliseconds=1))
    options = f"{url.query.get('options', '')} -c lock_timeout={wait}"
    limits = {"options": options.strip(), "connect_timeout": int(CONNECT_WITHIN.total_seconds())}
    return create_engine(url, connect_args=limits, **common)


def _set_up_sqlite(connection: Any, _: Any) -> None:
    for pragma in (f"busy_timeout={SQLITE_ASKS_FOR_MS}", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
