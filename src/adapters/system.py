"""The machine's clock and chance, and clocks that tell another time."""

import base64
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import attrs

from telemed_core.domain.instants import as_utc


@attrs.frozen
class SystemClock:
    """The machine's ``Clock``."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@attrs.frozen
class ShiftedClock:
    """A ``Clock`` that shows ``start`` when it is made, and runs; setting the machine's clock does not move it.

    Attributes:
        began: what the machine's monotonic clock, the same in all processes, read at ``start``, if it was not now.
    """

    start: datetime = attrs.field(converter=as_utc)
    _seconds: Callable[[], float] = attrs.field(default=time.monotonic, repr=False)
    _began: float = attrs.field(
        default=attrs.Factory(lambda self: self._seconds(), takes_self=True), alias="began", kw_only=True, repr=False
    )

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self._seconds() - self._began)


@attrs.define
class TravellingClock:
    """A ``Clock`` that stands still until it is told to go on, or back."""

    _instant: datetime = attrs.field(converter=as_utc)

    def now(self) -> datetime:
        return self._instant

    def travel(self, length: timedelta, /) -> None:
        """Go on by ``length``."""
        self._instant += length

    def travel_to(self, instant: datetime, /) -> None:
        """Go to ``instant``, earlier or later."""
        self._instant = instant


@attrs.frozen
class RandomIds:
    """``Ids`` of 26 lower-case letters and digits: 130 bits from the machine's source of chance."""

    def new(self) -> str:
        return base64.b32encode(secrets.token_bytes(17))[:26].decode("ascii").lower()
