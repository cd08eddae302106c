"""Databases for tests: fresh SQLite files, and fresh databases of a Postgres that a test process starts on demand."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from adapters.sealing import open_sealing
from adapters.sql import open_sql
from integration.postgres import PostgresServer
from telemed_core.ports.services import Sealing
from telemed_core.ports.storage import Stores


@pytest.fixture(scope="session")
def sealing() -> Sealing:
    """One whose keys everybody knows."""
    return open_sealing(pepper=b"p" * 32, data_key=b"d" * 32)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A server that does not wait for its disk."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def durable_postgres_server() -> Iterator[PostgresServer]:
    """A server as one has in earnest."""
    with PostgresServer(durable=True) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres_server: PostgresServer) -> str:
    """A migrated database that is the same for all tests of this process."""
    return postgres_server.url(postgres_server.create())


@pytest.fixture
def fresh_postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A migrated, empty database."""
    yield from _fresh(postgres_server)


@pytest.fixture
def durable_postgres_url(durable_postgres_server: PostgresServer) -> Iterator[str]:
    """A migrated, empty database of the server that waits for its disk."""
    yield from _fresh(durable_postgres_server)


def _fresh(server: PostgresServer) -> Iterator[str]:
    name = server.create()
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def fresh_sqlite_url(tmp_path: Path) -> str:
    """A file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'telemed.db'}"


@pytest.fixture
def open_fresh_sqlite(tmp_path: Path, sealing: Sealing) -> Iterator[Callable[[], Stores]]:
    """Opens the stores of another new file each time, and closes those of the one before."""
    numbers = count(1)
    yield from _one_after_the_other(
        lambda: open_sql(f"sqlite:///{tmp_path / f'{next(numbers)}.db'}", sealing=sealing), lambda: None
    )


@pytest.fixture
def open_fresh_postgres(postgres_server: PostgresServer, sealing: Sealing) -> Iterator[Callable[[], Stores]]:
    """Opens the stores of another new database each time, and closes those of the one before."""
    made: list[str] = []

    def make() -> Stores:
        made.append(postgres_server.create())
        return open_sql(postgres_server.url(made[-1]), sealing=sealing, migrate=False)

    yield from _one_after_the_other(make, lambda: postgres_server.drop(made.pop()))


def _one_after_the_other(make: Callable[[], Stores], drop: Callable[[], None]) -> Iterator[Callable[[], Stores]]:
    opened: list[Stores] = []

    def close() -> None:
        if opened:
            opened.pop().close()
            drop()

    def open_fresh() -> Stores:
        close()
        opened.append(make())
        return opened[0]

    yield open_fresh
    close()


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    """A fresh database of each kind."""
    found: str = request.getfixturevalue(f"fresh_{request.param}_url")
    return found


@pytest.fixture
def stores(url: str, sealing: Sealing) -> Iterator[Stores]:
    """The stores of that database."""
    opened = open_sql(url, sealing=sealing)
    yield opened
    opened.close()
