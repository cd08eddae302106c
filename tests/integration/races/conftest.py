"""A database that processes share, and those processes."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from integration.races.writer import open_rooms, open_stores
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.patient import Patient
from telemed_core.testing.builders import MONDAY
from telemed_core.testing.contracts.suite import assert_clean
from telemed_core.testing.doubles import SeededIds, SettableClock
from telemed_core.testing.wiring import Clinic

SRC = Path(__file__).parents[3] / "src"
START_UP = 2.5
"""Seconds that all processes get to start before they begin at once."""


class Shared:
    """A migrated database, seen from the test's own process."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.stores = open_stores(url, migrate=True)
        self.clinic = Clinic(self.stores, SettableClock(MONDAY), SeededIds(), rooms=open_rooms(self.stores))

    def doctors(self, number: int) -> list[Doctor]:
        return [self.clinic.doctor(one) for one in range(1, number + 1)]

    def patients(self, number: int) -> list[Patient]:
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(self.clinic.patient, range(1, number + 1)))

    def start(self, do: str, **facts: Any) -> "subprocess.Popen[str]":
        """A process that does this."""
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "writer.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(SRC)},
        )
        assert process.stdin
        told = {"url": self.url, "now": self.clinic.clock.now().isoformat(), "do": do, "with": facts}
        process.stdin.write(json.dumps(told) + "\n")
        process.stdin.flush()
        return process

    def all_at_once(self, do: str, each: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What processes answer that do this together, each with its own facts."""
        at = time.time() + START_UP
        processes = [self.start(do, at=at, **facts) for facts in each]
        answers = [process.communicate(timeout=240)[0] for process in processes]
        assert [process.returncode for process in processes] == [0] * len(processes)
        return [json.loads(answer.splitlines()[-1]) for answer in answers]

    def check_clean(self) -> None:
        """The ledger is what the appointments say."""
        assert_clean(self.stores)


@pytest.fixture(params=["sqlite", "postgres"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shared]:
    url = f"sqlite:///{tmp_path / 'telemed.db'}"
    if request.param == "postgres":
        make: Callable[[], str] = request.getfixturevalue("durable_postgres_url")
        url = str(make)
    made = Shared(url)
    yield made
    made.stores.close()
