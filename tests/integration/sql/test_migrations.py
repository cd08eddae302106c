"""The revisions lead to the tables of this version, and any number of processes may take them at once."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, Integer, text

import adapters.sql.migrations
from adapters.sql import migrate
from adapters.sql.engine import parse_url
from adapters.sql.tables import METADATA
from adapters.sql.transactions import Database
from integration.postgres import PostgresServer

SRC = Path(__file__).parents[3] / "src"
PROCESSES = 4
MIGRATE = "import sys; from adapters.sql import migrate; sys.stdin.readline(); migrate(sys.argv[1])"


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new.db'}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.url(server.create(migrated=False))


def differences(url: str) -> list[object]:
    database = Database(parse_url(url), pool_size=1, patience=timedelta(seconds=2))

    def compare(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), METADATA))

    try:
        return database.read(compare)
    finally:
        database.close()


def test_the_migrated_tables_are_those_of_this_version(empty_url: str) -> None:
    migrate(empty_url)
    assert differences(empty_url) == []


def test_a_table_that_differs_is_seen_by_this_comparison(empty_url: str) -> None:
    migrate(empty_url)
    extra: Column[int] = Column("extra", Integer)
    METADATA.tables["quotas"].append_column(extra)
    try:
        assert len(differences(empty_url)) == 1
    finally:
        METADATA.tables["quotas"]._columns.remove(extra)
    assert differences(empty_url) == []


def test_the_newest_revision_is_the_one_this_version_stands_for() -> None:
    folder = Path(adapters.sql.migrations.__file__).parent
    assert ScriptDirectory(str(folder)).get_heads() == [adapters.sql.migrations.HEAD]


def test_migrating_again_changes_nothing(empty_url: str) -> None:
    migrate(empty_url)
    database = Database(parse_url(empty_url), pool_size=1, patience=timedelta(seconds=2))
    database.write(lambda connection: connection.execute(text("INSERT INTO persons VALUES ('index', 'person')")))
    migrate(empty_url)
    assert database.read(lambda connection: connection.scalar(text("SELECT id FROM persons"))) == "person"
    database.close()


def test_several_processes_migrate_at_once(empty_url: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", MIGRATE, empty_url],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(SRC)},
        )
        for _ in range(PROCESSES)
    ]
    errors = [process.communicate("go\n", timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * PROCESSES, errors
    assert differences(empty_url) == []


def test_a_sqlite_file_is_its_owners_alone_and_keeps_a_write_ahead_log(fresh_sqlite_url: str) -> None:
    migrate(fresh_sqlite_url)
    file = Path(fresh_sqlite_url.removeprefix("sqlite:///"))
    assert file.stat().st_mode & 0o777 == 0o600
    database = Database(parse_url(fresh_sqlite_url), pool_size=1, patience=timedelta(seconds=2))
    asked = ("journal_mode", "synchronous", "foreign_keys")
    found = [
        database.read(lambda connection, name=name: connection.exec_driver_sql(f"PRAGMA {name}").scalar())  # type: ignore[misc] # bound now
        for name in asked
    ]
    assert found == ["wal", 2, 1]
    database.close()
