"""Time and chance, so that the core has neither of its own."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The present instant, in UTC."""
        ...


class Ids(Protocol):
    """Draws identifiers."""

    def new(self) -> str:
        """A well-formed id that has never been drawn before and cannot be guessed."""
        ...
