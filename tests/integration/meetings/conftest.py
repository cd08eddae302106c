"""Two server processes on one data folder, on one database of Postgres, and on one folder without anything beside."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TypeAlias

import attrs
import pytest

from integration.http.server import Installation, Server
from integration.meetings.visits import NOW, Visits, visits_on
from integration.postgres import PostgresServer

Factory: TypeAlias = pytest.TempPathFactory


@attrs.frozen
class Clinic:
    """An installation whose people reach one of two server processes."""

    installation: Installation
    one: Server
    other: Server
    visits: Visits

    def log(self) -> str:
        """All that both have printed."""
        return self.one.log() + self.other.log()


def _opened(installation: Installation, folder: Path, **settings: str) -> Iterator[Clinic]:
    with ExitStack() as stack:
        visits = stack.enter_context(visits_on(installation))
        one, other = (
            stack.enter_context(Server(installation, logs=folder / name, workers=1, at=NOW, **settings))
            for name in ("one", "other")
        )
        yield Clinic(installation, one, other, visits)


@pytest.fixture(scope="session")
def clinic(tmp_path_factory: Factory) -> Iterator[Clinic]:
    """On SQLite."""
    folder = tmp_path_factory.mktemp("sqlite")
    yield from _opened(Installation(folder / "data"), folder)


@pytest.fixture(scope="session")
def clinic_on_postgres(tmp_path_factory: Factory, postgres_server: PostgresServer) -> Iterator[Clinic]:
    """On Postgres."""
    folder = tmp_path_factory.mktemp("postgres")
    url = postgres_server.url(postgres_server.create())
    yield from _opened(Installation.on_postgres(folder / "data", url), folder)


@pytest.fixture(scope="session")
def idle_clinic(tmp_path_factory: Factory) -> Iterator[Clinic]:
    """Where nobody sweeps, and sagas do not run."""
    folder = tmp_path_factory.mktemp("idle")
    yield from _opened(Installation(folder / "data"), folder, TELEMED_BACKGROUND="off")


@pytest.fixture(params=["clinic", "clinic_on_postgres"])
def any_clinic(request: pytest.FixtureRequest) -> Clinic:
    """On each database."""
    found: Clinic = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["clinic", "idle_clinic"])
def swept_or_not(request: pytest.FixtureRequest) -> Clinic:
    """With what goes on beside, and without."""
    found: Clinic = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def new_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts further servers, which end with the test."""
    with ExitStack() as stack:

        def start(installation: Installation, **terms: object) -> Server:
            number = len(list(tmp_path.glob("further-*")))
            logs = tmp_path / f"further-{number}"
            return stack.enter_context(Server(installation, logs=logs, workers=1, **{"at": NOW, **terms}))  # type: ignore[arg-type]

        yield start
