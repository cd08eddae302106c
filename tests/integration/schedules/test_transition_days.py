"""Fast availability beside the slow one on every kind of day on which clocks change, and on 2,000 random days.

Every zone of the ``tzdata`` package, 2000–2037. Changes of the clock are of one kind where the offsets before and after
and the clock at which they happen are the same; one of each kind is tried on the days around it, with agendas that
straddle it. Nothing is left out at any scale: the whole takes a little over a minute on one core.
"""

import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from hashlib import sha256
from importlib.resources import files
from itertools import pairwise
from struct import unpack_from
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemed_core.domain.agenda import Agenda, DateRule, Weekday, WeeklyWindow, Window
from telemed_core.domain.availability import Availability
from telemed_core.domain.instants import CELL, Interval, TimeZone, cell_of
from telemed_core.testing.agendas import agendas
from telemed_core.testing.oracle import slow_covers, slow_starts

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)


class Change(NamedTuple):
    """One change of a zone's offset from UTC."""

    zone: TimeZone
    instant: datetime
    before: timedelta
    after: timedelta

    @property
    def clock(self) -> datetime:
        """What the wall clock would have shown, had it not been changed."""
        return self.instant.replace(tzinfo=None) + self.before

    @property
    def clock_after(self) -> datetime:
        return self.instant.replace(tzinfo=None) + self.after

    @property
    def kind(self) -> tuple[timedelta, timedelta, time]:
        return self.before, self.after, self.clock.time()


@cache
def zones() -> tuple[TimeZone, ...]:
    """One name of each zone: links have the same bytes."""
    keys = (files("tzdata") / "zones").read_text(encoding="ascii").split()
    data = {sha256(compiled(key)).digest(): key for key in keys}
    return tuple(TimeZone(key) for key in data.values() if key != "Factory")


def compiled(key: str) -> bytes:
    return (files("tzdata") / "zoneinfo").joinpath(*key.split("/")).read_bytes()


def explicit_changes(data: bytes) -> list[int]:
    """The seconds at which the offset changes, as RFC 8536 writes them: in the second block, 8 bytes each."""
    isutc, isstd, leaps, times, types, chars = unpack_from(">6l", data, 20)
    second = 44 + times * 5 + types * 6 + chars + leaps * 8 + isstd + isutc
    *_, times, types, _ = unpack_from(">6l", data, second + 20)
    seconds = unpack_from(f">{times}q", data, second + 44)
    indices = unpack_from(f"{times}B", data, second + 44 + 8 * times)
    offsets = [unpack_from(">l", data, second + 44 + 9 * times + 6 * index)[0] for index in range(types)]
    steps = pairwise([0, *indices])
    return [at for at, (before, after) in zip(seconds, steps, strict=True) if offsets[before] != offsets[after]]


def offset(zone: TimeZone, instant: datetime) -> timedelta:
    return instant.astimezone(zone.info).utcoffset() or timedelta()


@cache
def changes_of(zone: TimeZone) -> tuple[Change, ...]:
    return tuple(_changes_of(zone))


def _changes_of(zone: TimeZone) -> Iterator[Change]:
    """By looking every other day, and then halving down to the minute."""
    start, before = FIRST, offset(zone, FIRST)
    while start < LAST:
        end = start + 2 * DAY
        after = offset(zone, end)
        if after != before:
            low, high = start, end
            while high - low > MINUTE:
                middle = low + (high - low) // (2 * MINUTE) * MINUTE
                low, high = (low, middle) if offset(zone, middle) != before else (middle, high)
            yield Change(zone, high, before, after)
        start, before = end, after


@cache
def kinds() -> dict[tuple[timedelta, timedelta, time], Change]:
    return {change.kind: change for zone in zones() for change in changes_of(zone)}


def every_day(*spans: tuple[int, int]) -> tuple[WeeklyWindow, ...]:
    """Windows from minute to minute, of which the first counts from any midnight."""
    windows = [Window(start % 1440, start % 1440 + end - start) for start, end in spans]
    return tuple(WeeklyWindow(weekday, window) for weekday in Weekday for window in windows)


def straddling(change: Change) -> Iterator[Agenda]:
    """Agendas whose windows lie about the clock at which it changes, on and off its grid."""

    def agenda(weekly: tuple[WeeklyWindow, ...], visit: int, buffer: int, dates: tuple[DateRule, ...] = ()) -> Agenda:
        lengths = {"consultation": visit * MINUTE, "buffer": buffer * MINUTE}
        return Agenda(change.zone, **lengths, weekly=weekly, dates=dates)

    clock_before, clock_after = (
        clock.hour * 60 + clock.minute // 5 * 5 for clock in (change.clock, change.clock_after)
    )
    day = change.clock.date()
    night = Window(21 * 60 + 35, 30 * 60 + 15)
    yield agenda(every_day((0, 1440)), 50, 10)
    yield agenda(every_day((0, 1440)), 5, 0)
    yield agenda(every_day((night.start, night.end), (night.end, night.end + 235)), 25, 0)
    yield agenda(every_day((clock_before - 65, clock_before), (clock_before, clock_before + 95)), 35, 5)
    yield agenda(every_day((clock_after - 95, clock_after), (clock_after, clock_after + 65)), 20, 15)
    yield agenda(every_day((clock_before - 240, clock_before + 240)), 180, 60)
    dates = (DateRule(day, night), DateRule(day + 2 * DAY))
    yield agenda(every_day((23 * 60, 26 * 60)), 15, 5, dates)


def agree(rules: Agenda, cells: range) -> int:
    """How many starts there are, after comparing them one by one."""
    bits = Availability.of(rules).starts(cells)
    fast = [cell for index, cell in enumerate(cells) if bits >> index & 1]
    assert fast == slow_starts(rules, cells), rules
    return len(fast)


def test_the_kinds_of_changes_are_those_that_the_world_knows(capsys: pytest.CaptureFixture[str]) -> None:
    changes = [change for zone in zones() for change in changes_of(zone)]
    with capsys.disabled():
        sys.stdout.write(f"\n{len(zones())} zones, {len(changes)} changes of the clock, {len(kinds())} distinct\n")
    assert len(changes) > 9000
    steps = {change.after - change.before for change in kinds().values()}
    assert {HOUR, -HOUR, HOUR / 2, -HOUR / 2, 2 * HOUR, -2 * HOUR, DAY} <= steps
    assert any(change.instant.minute % 5 for change in kinds().values())


def test_no_zone_changes_twice_within_four_days() -> None:
    """What the fast version counts on: it looks at midnights of UTC, and halves."""
    for zone in zones():
        seconds = [second for second in explicit_changes(compiled(zone)) if second > FIRST.timestamp()]
        assert all(later - earlier > 4 * DAY.total_seconds() for earlier, later in pairwise(seconds)), zone
        assert all(later.instant - earlier.instant > 4 * DAY for earlier, later in pairwise(changes_of(zone))), zone


def test_fast_and_slow_agree_on_the_days_around_every_kind_of_change() -> None:
    starts = 0
    for change in kinds().values():
        cell = cell_of(change.instant)
        for rules in straddling(change):
            starts += agree(rules, range(cell - 2 * 288, cell + 2 * 288))
    assert starts > 100 * len(kinds())


def test_fast_and_slow_agree_on_what_is_covered_around_every_kind_of_change() -> None:
    answers: set[bool] = set()
    for change in kinds().values():
        for rules in straddling(change):
            for start, end in ((-30, 30), (-5, 5), (-65, -1), (0, 95), (-150, 0), (1, 3)):
                interval = Interval(change.instant + start * MINUTE, change.instant + end * MINUTE)
                answer = Availability.of(rules).covers(interval)
                assert answer == slow_covers(rules, interval), rules
                answers.add(answer)
    assert answers == {True, False}


@given(
    st.data(), st.sampled_from(zones()), st.dates(date(2000, 1, 1), date(2037, 12, 31)), st.integers(-DAY // CELL, 0)
)
@settings(max_examples=2000, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
def test_fast_and_slow_agree_on_random_days_of_random_zones(
    data: st.DataObject, zone: TimeZone, day: date, shift: int
) -> None:
    changes = changes_of(zone)
    near_a_change = data.draw(st.booleans())
    if changes and near_a_change:
        day = data.draw(st.sampled_from(changes)).clock.date()
    rules = data.draw(agendas(zones=st.just(zone), around=day))
    first = cell_of(datetime.combine(day, time(), UTC)) + shift
    agree(rules, range(first, first + 2 * 288))
