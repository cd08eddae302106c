"""A process as its machine lets it live: it is paused, it dies, and its clock is not the others'."""

from datetime import timedelta

from integration.simulator.timeline import KilledError, Timeline
from integration.simulator.weather import Weather
from telemed_core.saga.deciding import Outcome
from telemed_core.testing.doubles import SkewedClock


class Process:
    """One life of a process: after its death nothing of it does anything any more.

    Attributes:
        answers: the last answer that it was given, by saga.
    """

    def __init__(self, name: str, timeline: Timeline, weather: Weather, *, ahead: float) -> None:
        self.name = name
        self.timeline = timeline
        self.weather = weather
        self.clock = SkewedClock(timeline.clock, timedelta(seconds=ahead))
        self.answers: dict[str, Outcome | None] = {}
        self.dead = False

    def note(self, what: str) -> None:
        self.timeline.note(self.name, what)

    def wait(self, seconds: float) -> None:
        if self.dead:
            raise KilledError
        self.timeline.wait(seconds)

    def die(self, where: str) -> None:
        self.note(f"dies {where}")
        self.dead = True
        raise KilledError

    def point(self, where: str) -> None:
        """A point at which it may die, or be stopped for longer than a lease."""
        if self.dead:
            raise KilledError
        now = self.timeline.now
        if self.weather.strikes(0.02, now=now):
            self.die(where)
        if self.weather.strikes(0.02, now=now):
            seconds = self.timeline.chance.uniform(4, 30)
            self.note(f"is stopped for {seconds:.1f} s {where}")
            self.wait(seconds)
