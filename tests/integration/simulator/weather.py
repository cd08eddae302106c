"""How bad it is: what goes wrong at which point, drawn by chance, until it is calm for good."""

from random import Random
from typing import Final

import attrs

STORMS: Final = (0.0, 0.5, 1.5, 3.0)
"""How much goes wrong in a run, as a factor."""

CALM: Final = 150.0
"""The second from which on nothing goes wrong, and what has begun must end."""


@attrs.define
class Weather:
    """What goes wrong in one run.

    Attributes:
        storm: how much.
        outages: when a service cannot be reached, by its operations' first word.
    """

    chance: Random
    storm: float
    outages: dict[str, tuple[float, float]]

    @classmethod
    def drawn(cls, chance: Random, services: list[str]) -> "Weather":
        """One for a run."""
        storm = chance.choice(STORMS)
        outages = {}
        for service in services:
            begins, lasts = chance.uniform(0, CALM), chance.uniform(5, 40)
            if storm and chance.random() < 0.2:
                outages[service] = (begins, begins + lasts)
        return cls(chance, storm, outages)

    def strikes(self, probability: float, *, now: float) -> bool:
        """Whether what has this probability happens now."""
        return now < CALM and self.chance.random() < probability * self.storm

    def fate(self, *, now: float) -> float:
        """Where on the scale of fates a call lands; 1 and more: nothing happens to it."""
        drawn = self.chance.random()
        return drawn / self.storm if self.storm and now < CALM else 1.0

    def reaches(self, service: str, *, now: float) -> bool:
        begins, ends = self.outages.get(service, (0.0, 0.0))
        return not begins <= now < ends
