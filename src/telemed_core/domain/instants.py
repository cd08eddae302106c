"""Time: instants in UTC, half-open intervals, 5-minute cells, and the zones that local rules are told in."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, Self
from zoneinfo import ZoneInfo

import attrs

from telemed_core.errors import InvalidError

CELL: Final = timedelta(minutes=5)
CELL_SECONDS: Final = 300
CELLS_PER_DAY: Final = 288
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
FIRST: Final = datetime(1990, 1, 1, tzinfo=UTC)
LAST: Final = datetime(2200, 1, 1, tzinfo=UTC)
SKEW: Final = timedelta(minutes=5)
"""How far two instants of one run may be out of order: requests overtake each other, and machines disagree a little."""

_ZONE_KEY = re.compile(r"[A-Z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,2}").fullmatch
_NOT_ZONES = frozenset({"Factory"})


def as_utc(instant: datetime) -> datetime:
    """The same instant in UTC.

    Raises:
        InvalidError: without an offset.
    """
    if instant.tzinfo is UTC:
        return instant
    if instant.utcoffset() is None:
        raise InvalidError("instant", "must say its offset from UTC")
    return instant.astimezone(UTC)


def parse_instant(text: str, *, field: str) -> datetime:
    """Read RFC 3339, such as ``2026-06-01T12:00:00-03:00``.

    Raises:
        InvalidError: another shape, no offset, or outside the years 1990–2199.
    """
    if not _RFC3339(text):
        raise InvalidError(field, "must be an instant such as 2026-06-01T12:00:00-03:00")
    try:
        instant = as_utc(datetime.fromisoformat(text.upper().replace("Z", "+00:00")))
    except (ValueError, OverflowError):
        raise InvalidError(field, "is not an instant of the calendar") from None
    if not FIRST <= instant < LAST:
        raise InvalidError(field, "must lie in the years 1990 to 2199")
    return instant


_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-5][0-9])",
    re.ASCII,
).fullmatch


@lru_cache(maxsize=1024)
def _zone(key: str) -> ZoneInfo:
    return ZoneInfo(key)


class TimeZone(str):
    """The name of an IANA time zone, such as ``America/Sao_Paulo``.

    Raises:
        InvalidError: there is no such zone.
    """

    __slots__ = ()

    def __new__(cls, key: str) -> Self:
        try:
            if len(key) > 64 or not _ZONE_KEY(key) or key in _NOT_ZONES:
                raise ValueError
            _zone(key)
        except (LookupError, ValueError, OSError):
            raise InvalidError("time_zone", "is not a time zone such as America/Sao_Paulo") from None
        return str.__new__(cls, key)

    @property
    def info(self) -> ZoneInfo:
        return _zone(self)


def parse_date(text: str, *, field: str = "date") -> date:
    """Read ``YYYY-MM-DD``, a day of the years 1900–2199.

    Raises:
        InvalidError: another shape, or no such day.
    """
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError
        day = date.fromisoformat(text)
    except ValueError:
        raise InvalidError(field, "must be a date such as 2026-06-01") from None
    if not date(1900, 1, 1) <= day < LAST.date():
        raise InvalidError(field, "must lie in the years 1900 to 2199")
    return day


def cell_of(instant: datetime) -> int:
    """The number of the 5-minute cell that holds the instant, counted from 1970-01-01T00:00Z."""
    return int((instant - EPOCH) // CELL)


def cell_start(cell: int) -> datetime:
    """The instant at which a cell begins."""
    return EPOCH + cell * CELL


@attrs.frozen(order=True)
class Interval:
    """``[start, end)`` in UTC: back-to-back intervals touch and do not overlap."""

    start: datetime = attrs.field(converter=as_utc)
    end: datetime = attrs.field(converter=as_utc)

    def __attrs_post_init__(self) -> None:
        if self.end <= self.start:
            raise InvalidError("end", "must be after start")

    @classmethod
    def lasting(cls, start: datetime, length: timedelta) -> Self:
        """The interval of that length from ``start``."""
        begin = as_utc(start)
        return cls(begin, begin + length)

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    def overlaps(self, other: Self) -> bool:
        return self.start < other.end and other.start < self.end

    def contains(self, instant: datetime) -> bool:
        return self.start <= instant < self.end

    def cells(self, buffer: timedelta = timedelta()) -> range:
        """The cells that ``[start, end + buffer)`` touches, whole or in part."""
        return range(cell_of(self.start), -int((EPOCH - self.end - buffer) // CELL))


def union(cells: Iterable[range]) -> frozenset[int]:
    """All the cells of several runs."""
    return frozenset[int]().union(*cells)
