"""A served clinic that many come to at once: on SQLite, and on a Postgres that waits for its disk."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import TypeVar

import attrs
import pytest

from integration.http.people import Person, administrator, crowd, doctor
from integration.http.server import Installation, Server
from integration.postgres import PostgresServer

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

T = TypeVar("T")


@attrs.frozen
class Clinic:
    """A server, and people who are signed in to it."""

    server: Server
    doctors: Sequence[Person]
    patients: Sequence[Person]


def opened(server: Server, *, doctors: int, patients: int) -> Clinic:
    """The people of a new server: doctors who receive at every hour, patients, an administrator who approved them."""
    root = administrator(server)
    return Clinic(
        server,
        [doctor(server, number, approved_by=root) for number in range(1, doctors + 1)],
        # By the server's time or later: what began a lease earlier was left by somebody who died.
        crowd(server, range(1, patients + 1), at=server.at and server.at + timedelta(minutes=1)),
    )


def all_at_once(*requests: Callable[[], T], ready: Sequence[Callable[[], object]] = ()) -> list[T]:
    """What they answer, in order: each in a thread of its own, which first gets ``ready`` and then waits for all."""
    barrier = Barrier(len(requests))

    def run(number: int) -> T:
        if ready:
            ready[number]()
        barrier.wait(timeout=60)
        return requests[number]()

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(run, range(len(requests))))


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def installation(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    data: Path = tmp_path_factory.mktemp("installation") / "data"
    if request.param == "sqlite":
        yield Installation(data)
        return
    postgres: PostgresServer = request.getfixturevalue("durable_postgres_server")
    name = postgres.create()
    yield Installation.on_postgres(data, postgres.url(name))
    postgres.drop(name)


def assert_clean(server: Server) -> None:
    """The ledger is what the appointments say."""
    verified = server.installation.run("ledger", "verify")
    assert (verified.returncode, verified.stdout) == (0, "the ledger is clean\n"), verified.stderr
