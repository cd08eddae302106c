"""The machine's clock and chance, and clocks that tell another time."""

import base64
import secrets
import time
from datetime import UTC, datetime, timedelta

import attrs

from telemed_core.domain.instants import as_utc


@attrs.frozen
class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@attrs.frozen
class ShiftedClock:
    """A clock that starts at ``start`` when it is made, and runs."""

    start: datetime = attrs.field(converter=as_utc)
    _since: float = attrs.field(factory=time.monotonic, init=False)

    def now(self) -> datetime:
        return self.start + timedelta(seconds=time.monotonic() - self._since)


@attrs.define
class TravellingClock:
    """A clock that stands still until it is told to go on."""

    instant: datetime = attrs.field(converter=as_utc)

    def now(self) -> datetime:
        return self.instant

    def travel(self, length: timedelta) -> None:
        """Go on by ``length``."""
        self.instant += length

    def travel_to(self, instant: datetime) -> None:
        """Go to ``instant``."""
        self.instant = instant


@attrs.frozen
class RandomIds:
    """Ids of 26 lower-case letters and digits: 130 bits from the machine's source of chance."""

    def new(self) -> str:
        return base64.b32encode(secrets.token_bytes(17)).decode("ascii")[:26].lower()
