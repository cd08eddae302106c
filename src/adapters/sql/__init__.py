"""The stores in a SQLite file or a Postgres database, through SQLAlchemy Core."""

from adapters.sql.migrating import migrate

__all__ = ["migrate"]
