"""Functions on the emulator of AWS, and what they log."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from entrypoints.logs import LOG, JsonLines
from integration.emulator.conftest import call_states, credentials, engine

__all__ = ["call_states", "credentials", "engine", "logged"]


@pytest.fixture
def logged() -> Iterator[list[dict[str, Any]]]:
    """What is logged in this process, a line each."""
    lines: list[dict[str, Any]] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(json.loads(JsonLines().format(record)))

    kept, level = Kept(), LOG.level
    LOG.addHandler(kept)
    LOG.setLevel(logging.INFO)
    yield lines
    LOG.setLevel(level)
    LOG.removeHandler(kept)
