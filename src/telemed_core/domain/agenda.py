"""An agenda: when a doctor receives patients, told in local time as weekly windows, special dates and terms."""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from enum import IntEnum
from itertools import pairwise
from typing import Any, Final, Self

import attrs

from telemed_core.domain.ids import BlockId
from telemed_core.domain.instants import Interval, TimeZone
from telemed_core.domain.texts import TextKey
from telemed_core.errors import InvalidError, OverlappingWindowsError

DAY: Final = 1440
WEEK: Final = 7 * DAY
GRID: Final = 5
LONGEST: Final = 240

_CLOCK = re.compile(r"([0-9]{2}):([0-9]{2})", re.ASCII).fullmatch


class Weekday(IntEnum):
    """As in ``date.weekday()``: Monday is 0."""

    MONDAY = 0
    TUESDAY = 1
    WEDNESDAY = 2
    THURSDAY = 3
    FRIDAY = 4
    SATURDAY = 5
    SUNDAY = 6

    @classmethod
    def parse(cls, text: str, *, field: str = "weekday") -> Self:
        for day in cls:
            if day.name.lower() == text:
                return day
        raise InvalidError(field, "must be a weekday, from monday to sunday")


def minute_of_day(text: str, *, field: str) -> int:
    """Read ``HH:MM`` as minutes from midnight, up to ``24:00``.

    Raises:
        InvalidError: another shape, or not a multiple of 5 minutes.
    """
    found = _CLOCK(text)
    minutes = int(found[1]) * 60 + int(found[2]) if found else -1
    if not 0 <= minutes <= DAY or (found and int(found[2]) > 59):
        raise InvalidError(field, "must be a time of day such as 08:00")
    if minutes % GRID:
        raise InvalidError(field, "must be a multiple of 5 minutes")
    return minutes


def clock_text(minutes: int) -> str:
    """``HH:MM`` of minutes from midnight; past 24:00 it is the next day's."""
    within = minutes if minutes <= DAY else minutes - DAY
    return f"{within // 60:02}:{within % 60:02}"


@attrs.frozen(order=True)
class Window:
    """Minutes from local midnight, ``start < end ≤ start + 1440``: past 1440 it runs into the next day."""

    start: int
    end: int

    def __attrs_post_init__(self) -> None:
        for name, minutes in (("start", self.start), ("end", self.end)):
            if minutes % GRID:
                raise InvalidError(name, "must be a multiple of 5 minutes")
        if not 0 <= self.start < DAY:
            raise InvalidError("start", "must lie in the day, before 24:00")
        if not self.start < self.end <= self.start + DAY:
            raise InvalidError("end", "must be after start, by 24 hours at most")

    @classmethod
    def parse(cls, start: str, end: str) -> Self:
        """Read ``HH:MM``; an end that is not after the start is the next day's.

        Raises:
            InvalidError: a wrong time, naming ``start`` or ``end``.
        """
        begin = minute_of_day(start, field="start")
        until = minute_of_day(end, field="end")
        return cls(begin, until if until > begin else until + DAY)


@attrs.frozen(order=True)
class WeeklyWindow:
    """A window of every week, belonging to the weekday it starts on."""

    weekday: Weekday
    window: Window


@attrs.frozen(order=True)
class DateRule:
    """What one local date has in place of its weekly windows: a window, or none (closed)."""

    date: date
    window: Window | None = None


_Validator = Callable[[Any, "attrs.Attribute[timedelta]", timedelta], None]


def _minutes(least: timedelta, most: timedelta, *, grid: int = 1) -> _Validator:
    def check(_: Any, attribute: "attrs.Attribute[timedelta]", value: timedelta) -> None:
        if not least <= value <= most or value % timedelta(minutes=grid):
            step = f", in steps of {grid}" if grid > 1 else ""
            low, high = (int(bound / timedelta(minutes=1)) for bound in (least, most))
            raise InvalidError(f"{attribute.name}_minutes", f"must be from {low} to {high} minutes{step}")

    return check


def _day_lengths(_: Any, attribute: "attrs.Attribute[timedelta]", value: timedelta) -> None:
    if not timedelta(days=1) <= value <= timedelta(days=366) or value % timedelta(days=1):
        raise InvalidError(f"{attribute.name}_days", "must be from 1 to 366 days")


@attrs.frozen(cache_hash=True)
class Agenda:
    """The rules of a doctor's time; they say what is offered, never what is free.

    Attributes:
        time_zone: in which the windows are told.
        consultation: length of a visit.
        buffer: time kept free after it, on the doctor's side.
        min_notice: how far ahead a start must at least lie.
        horizon: how far ahead a start may at most lie.

    Raises:
        InvalidError: a length off the 5-minute grid or out of bounds.
        OverlappingWindowsError: two weekly windows, or two windows of one date, overlap.
    """

    time_zone: TimeZone
    consultation: timedelta = attrs.field(
        default=timedelta(minutes=50), validator=_minutes(timedelta(minutes=5), timedelta(minutes=LONGEST), grid=GRID)
    )
    buffer: timedelta = attrs.field(
        default=timedelta(minutes=10), validator=_minutes(timedelta(), timedelta(minutes=LONGEST - GRID), grid=GRID)
    )
    min_notice: timedelta = attrs.field(
        default=timedelta(minutes=120), validator=_minutes(timedelta(), timedelta(days=366))
    )
    horizon: timedelta = attrs.field(default=timedelta(days=60), validator=_day_lengths)
    weekly: tuple[WeeklyWindow, ...] = ()
    dates: tuple[DateRule, ...] = ()

    def __attrs_post_init__(self) -> None:
        if self.step > timedelta(minutes=LONGEST):
            raise InvalidError("buffer_minutes", f"consultation and buffer together last at most {LONGEST} minutes")
        for name, rules, most in (("weekly", self.weekly, 200), ("dates", self.dates, 800)):
            if len(rules) > most:
                raise InvalidError(name, f"must have at most {most} entries")
        spans = [(day * DAY + window.start, day * DAY + window.end) for day, window in _pairs(self.weekly)]
        if _overlap(sorted(spans), around=WEEK):
            raise OverlappingWindowsError("weekly")
        by_date: dict[date, list[tuple[int, int]]] = {}
        for rule in self.dates:
            if rule.window is not None:
                by_date.setdefault(rule.date, []).append((rule.window.start, rule.window.end))
        if any(_overlap(sorted(windows)) for windows in by_date.values()):
            raise OverlappingWindowsError("dates")

    def soonest(self, now: datetime) -> datetime:
        """The first instant at which a start may lie: after the notice, and after ``now`` where there is none."""
        return now + max(self.min_notice, timedelta.resolution)

    @property
    def step(self) -> timedelta:
        """The distance of two starts in one window."""
        return self.consultation + self.buffer


def _pairs(weekly: tuple[WeeklyWindow, ...]) -> list[tuple[int, Window]]:
    return [(int(rule.weekday), rule.window) for rule in weekly]


def _overlap(spans: list[tuple[int, int]], *, around: int | None = None) -> bool:
    closed = [*spans, (spans[0][0] + around, spans[0][1] + around)] if spans and around else spans
    return any(later[0] < earlier[1] for earlier, later in pairwise(closed))


@attrs.frozen(order=True)
class Block:
    """An absence: nothing is offered that overlaps it."""

    interval: Interval
    id: BlockId
    reason: TextKey | None = attrs.field(default=None, order=False)
