"""The stores in a SQLite file or a Postgres database, through SQLAlchemy Core."""

from adapters.sql.migrating import migrate
from adapters.sql.opening import open_sql

__all__ = ["migrate", "open_sql"]
