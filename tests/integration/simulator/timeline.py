"""Virtual time, and processes that share it: each runs until it waits, in an order that a seed decides."""

import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Final

from greenlet import getcurrent, greenlet

from telemed_core.testing.doubles import SettableClock

BEGIN: Final = datetime(2026, 6, 1, tzinfo=UTC)


class KilledError(BaseException):
    """The process is dead: no handler of the product may see this as an error of its own."""


class Timeline:
    """What is to happen, and when; what falls on one instant comes in an order drawn by chance."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.clock = SettableClock(BEGIN)
        self.trace: list[str] = []
        self.happened = 0
        self.under_way = 0
        self._now = 0.0
        self._queue: list[tuple[float, float, int, Callable[[], object]]] = []
        self._numbers = count()
        self._main = getcurrent()
        self._spawned: list[greenlet] = []

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return self._now

    def note(self, who: str, what: str) -> None:
        """A line of the trace."""
        self.trace.append(f"{self._now:10.3f} {who:<12} {what}")

    def arrive(self, seconds: float, happen: Callable[[], object]) -> None:
        """Let what is under way arrive that much later; nothing is over before that."""

        def arrived() -> None:
            self.under_way -= 1
            happen()

        self.under_way += 1
        self.later(seconds, arrived)

    def later(self, seconds: float, happen: Callable[[], object]) -> None:
        """Let it happen that much later."""
        due = (self._now + seconds, self.chance.random(), next(self._numbers), happen)
        heapq.heappush(self._queue, due)

    def spawn(self, run: Callable[[], None], *, after: float) -> None:
        """Begin a process, which may wait."""
        process = greenlet(run, self._main)
        self._spawned.append(process)
        self.later(after, process.switch)

    def wait(self, seconds: float) -> None:
        """Let the process that calls this sleep."""
        self.later(seconds, getcurrent().switch)
        self._main.switch()

    def run(self, until: Callable[[], bool]) -> None:
        """Let things happen until it is enough."""
        while self._queue and not until():
            self._now, _, _, happen = heapq.heappop(self._queue)
            self.clock.set(BEGIN + timedelta(seconds=self._now))
            self.happened += 1
            happen()

    def end(self) -> None:
        """Let no process outlive the simulation."""
        for process in self._spawned:
            if process:
                process.throw(KilledError)
