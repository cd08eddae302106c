"""A clinic over memory and over SQLite, with a mail server of its own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.memory import open_memory
from adapters.sql import open_sql
from integration.notifications.mail_server import MailServer
from integration.notifications.post import Post
from telemed_core.domain.people import Role
from telemed_core.ports.services import Sealing
from telemed_core.ports.storage import Stores
from telemed_core.testing.builders import MONDAY, a_password
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import a_clinic


@pytest.fixture
def server() -> Iterator[MailServer]:
    server = MailServer().start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory, sealing: Sealing) -> Path:
    """An empty database, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "telemed.db"
    open_sql(f"sqlite:///{path}", sealing=sealing).close()
    return path


@pytest.fixture(params=["memory", "sqlite"])
def stores(request: pytest.FixtureRequest, tmp_path: Path, migrated: Path, sealing: Sealing) -> Iterator[Stores]:
    if request.param == "memory":
        kept = open_memory()
    else:
        path = shutil.copy(migrated, tmp_path / "telemed.db")
        kept = open_sql(f"sqlite:///{path}", sealing=sealing, migrate=False)
    yield kept
    kept.close()


@pytest.fixture
def post(stores: Stores, server: MailServer) -> Post:
    """The doctor's approval has been told, and cleared away."""
    clock = SettableClock(MONDAY)
    clinic = a_clinic(stores, clock)
    post = Post(clinic, clock, server, clinic.doctor(name="Ana Lima"), clinic.patient(name="Bruno Reis"))
    clinic.identity.create(post.patient.id, a_password(), role=Role.PATIENT)
    post.settle()
    server.received.clear()
    return post
