"""Installations of their own for tests of the server, and servers that end with the test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from integration.http.server import Installation, Server


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """On a SQLite file, in a folder that does not exist yet."""
    return Installation(tmp_path / "data")


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts a server on an installation."""
    with ExitStack() as running:

        def start(installation: Installation, **options: Any) -> Server:
            return running.enter_context(Server(installation, logs=tmp_path / "logs", **options))

        yield start
