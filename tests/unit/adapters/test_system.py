"""Clocks and ids."""

import re
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from adapters.system import RandomIds, ShiftedClock, SystemClock, TravellingClock
from telemed_core.domain.ids import Id
from telemed_core.errors import InvalidError

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_the_system_clock_tells_the_present_in_utc() -> None:
    before = datetime.now(UTC)
    told = SystemClock().now()
    assert before <= told <= datetime.now(UTC)
    assert told.tzinfo is UTC


def test_a_shifted_clock_starts_there_and_runs() -> None:
    ticks = iter([1000.0, 1000.0, 1090.5])
    clock = ShiftedClock(NOON, lambda: next(ticks))
    assert clock.now() == NOON
    assert clock.now() == NOON + timedelta(seconds=90.5)


def test_shifted_clocks_that_began_together_agree_whenever_they_are_made() -> None:
    now = 1090.5
    clocks = [ShiftedClock(NOON, lambda: now, began=began) for began in (1000.0, 1000.0, 1090.5)]
    assert [clock.now() - NOON for clock in clocks] == [timedelta(seconds=90.5)] * 2 + [timedelta()]


def test_a_shifted_clock_runs_by_itself() -> None:
    clock = ShiftedClock(NOON)
    before = clock.now()
    time.sleep(0.002)
    assert NOON < before < clock.now() < NOON + timedelta(minutes=1)


def test_a_travelling_clock_stands_still_until_it_is_told() -> None:
    clock = TravellingClock(NOON)
    assert [clock.now(), clock.now()] == [NOON, NOON]
    clock.travel(HOUR)
    assert clock.now() == NOON + HOUR
    clock.travel_to(NOON - HOUR)
    assert clock.now() == NOON - HOUR


@pytest.mark.parametrize("kind", [ShiftedClock, TravellingClock])
def test_a_clock_takes_any_offset_and_tells_utc(kind: type[ShiftedClock | TravellingClock]) -> None:
    told = kind(NOON.astimezone(timezone(timedelta(hours=-3)))).now()
    assert told.tzinfo is UTC
    assert NOON <= told < NOON + HOUR


def test_a_travelling_clock_is_told_any_offset_and_tells_utc() -> None:
    clock = TravellingClock(NOON)
    clock.travel_to((NOON + HOUR).astimezone(timezone(timedelta(hours=-3))))
    assert clock.now() == NOON + HOUR
    assert clock.now().tzinfo is UTC


@pytest.mark.parametrize("kind", [ShiftedClock, TravellingClock])
def test_a_clock_refuses_an_instant_without_offset(kind: type[ShiftedClock | TravellingClock]) -> None:
    with pytest.raises(InvalidError):
        kind(NOON.replace(tzinfo=None))


def test_ids_are_well_formed_and_never_drawn_twice() -> None:
    ids = RandomIds()
    drawn = [ids.new() for _ in range(5000)]
    assert len(set(drawn)) == len(drawn)
    assert all(re.fullmatch(r"[a-z2-7]{26}", one) and Id(one) == one for one in drawn)


def test_every_character_of_an_id_is_drawn_from_all_32() -> None:
    drawn = [RandomIds().new() for _ in range(2000)]
    assert [len(set(place)) for place in zip(*drawn, strict=True)] == [32] * 26
