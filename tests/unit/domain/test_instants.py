"""Instants, intervals, cells and zones: what they take and what they refuse."""

import copy
import pickle
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemed_core.domain.instants import (
    CELL,
    EPOCH,
    Interval,
    TimeZone,
    as_utc,
    cell_of,
    cell_start,
    parse_date,
    parse_instant,
    union,
)
from telemed_core.errors import InvalidError

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
INSTANT = timedelta(microseconds=1)

instants = st.datetimes(datetime(1990, 1, 1), datetime(2199, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 # bounds are naive
lengths = st.timedeltas(INSTANT, timedelta(days=2))


class Nowhere(tzinfo):
    """A zone that does not say how far it is from UTC."""

    def utcoffset(self, _: datetime | None, /) -> None:
        return None

    dst = tzname = utcoffset


def refused_field(build: Callable[[], object]) -> str:
    with pytest.raises(InvalidError) as error:
        build()
    return error.value.fields[0].field


def test_an_instant_is_turned_into_utc() -> None:
    paris = datetime(2026, 6, 1, 14, tzinfo=ZoneInfo("Europe/Paris"))
    assert as_utc(paris).isoformat() == "2026-06-01T12:00:00+00:00"
    assert as_utc(NOON) is NOON
    assert as_utc(datetime(2026, 6, 1, 12, tzinfo=ZoneInfo("UTC"))).tzinfo is UTC


def test_the_two_readings_of_a_clock_are_two_instants() -> None:
    new_york = ZoneInfo("America/New_York")
    first, second = (as_utc(datetime(2026, 11, 1, 1, 30, tzinfo=new_york, fold=fold)) for fold in (0, 1))
    assert second - first == HOUR


@pytest.mark.parametrize("zone", [None, Nowhere()])
def test_an_instant_without_an_offset_is_refused(zone: tzinfo | None) -> None:
    assert refused_field(lambda: as_utc(datetime(2026, 6, 1, tzinfo=zone))) == "instant"


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-06-01T12:00:00Z", NOON),
        ("2026-06-01t12:00:00z", NOON),
        ("2026-06-01 12:00:00+00:00", NOON),
        ("2026-06-01T09:00:00-03:00", NOON),
        ("2026-06-01T17:45:00+05:45", NOON),
        ("2026-06-01T12:00:00.5Z", NOON + HOUR / 7200),
        ("2026-06-01T12:00:00.000001999Z", NOON + INSTANT),
        ("1990-01-01T00:00:00Z", datetime(1990, 1, 1, tzinfo=UTC)),
        ("2199-12-31T23:59:59Z", datetime(2199, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_instants_are_read_as_rfc_3339(text: str, instant: datetime) -> None:
    read = parse_instant(text, field="start")
    assert read == instant
    assert read.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-06-01",
        "2026-06-01T12:00:00",
        "2026-06-01T12:00Z",
        "20260601T120000Z",
        "2026-W23-1T12:00:00Z",
        "2026-06-01T12:00:00 Z",
        "2026-06-01T12:00:00Z\n",
        "\u0968\u0966\u0968\u096c-06-01T12:00:00Z",
        "2026-02-30T12:00:00Z",
        "2026-06-01T25:00:00Z",
        "2026-06-01T12:00:60Z",
        "2026-06-01T12:00:00+24:00",
        "0000-06-01T12:00:00Z",
        "0001-01-01T00:00:00+10:00",
        "9999-12-31T23:59:59-10:00",
        "1989-12-31T23:59:59Z",
        "1990-01-01T00:00:00+00:01",
        "2200-01-01T00:00:00Z",
    ],
)
def test_anything_else_is_no_instant(text: str) -> None:
    assert refused_field(lambda: parse_instant(text, field="within.start")) == "within.start"


@pytest.mark.parametrize("text", ["1900-01-01", "2026-02-28", "2199-12-31"])
def test_dates_are_read_as_iso_8601(text: str) -> None:
    assert parse_date(text).isoformat() == text
    assert isinstance(parse_date(text), date)


@pytest.mark.parametrize(
    "text", ["", "2026-6-1", "20260601", "2026-W23-1", "2026-02-29", "1899-12-31", "2200-01-01", "2026-06-01\n"]
)
def test_anything_else_is_no_date(text: str) -> None:
    assert refused_field(lambda: parse_date(text, field="dates.0.date")) == "dates.0.date"


def test_every_zone_of_the_package_is_a_zone_but_the_factorys() -> None:
    keys = (files("tzdata") / "zones").read_text(encoding="ascii").split()
    assert len(keys) > 500
    assert refused_field(lambda: TimeZone("Factory")) == "time_zone"
    for key in keys:
        if key != "Factory":
            assert TimeZone(key).info.key == key


@pytest.mark.parametrize(
    "key",
    [
        "",
        "Mars/Olympus_Mons",
        "America",
        "america/sao_paulo",
        "America/Sao_Paulo/",
        "America/Sao Paulo",
        "../etc/passwd",
        "/usr/share/zoneinfo/UTC",
        "America/../UTC",
        "UTC\0",
        "UTC\n",
        "\ud800",
        "São_Paulo",
        "A" * 65,
        "A/" * 40 + "A",
    ],
)
def test_anything_else_is_no_zone(key: str) -> None:
    assert refused_field(lambda: TimeZone(key)) == "time_zone"


def test_a_zone_is_its_name_and_outlives_copying() -> None:
    zone = TimeZone("America/Sao_Paulo")
    assert zone == "America/Sao_Paulo"
    assert zone.info is TimeZone("America/Sao_Paulo").info
    for again in (copy.deepcopy(zone), pickle.loads(pickle.dumps(zone))):  # noqa: S301 # our own bytes
        assert (again, type(again)) == (zone, TimeZone)


def test_cells_are_counted_from_1970_and_last_five_minutes() -> None:
    assert [cell_of(EPOCH + offset) for offset in (-INSTANT, 0 * INSTANT, CELL - INSTANT, CELL)] == [-1, 0, 0, 1]
    assert [cell_start(cell) for cell in (-1, 0, 1)] == [EPOCH - CELL, EPOCH, EPOCH + CELL]


@given(instants)
def test_an_instant_lies_in_its_cell(instant: datetime) -> None:
    cell = cell_of(instant)
    assert cell_start(cell) <= instant < cell_start(cell + 1)


def test_an_interval_is_kept_in_utc() -> None:
    saint_paul = timezone(-3 * HOUR)
    interval = Interval(NOON.astimezone(saint_paul), (NOON + HOUR).astimezone(saint_paul))
    assert interval == Interval.lasting(NOON.astimezone(saint_paul), HOUR) == Interval(NOON, NOON + HOUR)
    assert (interval.start.tzinfo, interval.end.tzinfo, interval.length) == (UTC, UTC, HOUR)


def test_an_interval_lasts_by_the_sky_and_not_by_the_clock() -> None:
    before_change = datetime(2026, 3, 8, 1, 30, tzinfo=ZoneInfo("America/New_York"))
    assert Interval.lasting(before_change, HOUR).length == HOUR


@pytest.mark.parametrize("length", [0 * HOUR, -INSTANT, -HOUR])
def test_an_interval_ends_after_it_starts(length: timedelta) -> None:
    assert refused_field(lambda: Interval(NOON, NOON + length)) == "end"


def test_intervals_that_touch_do_not_overlap() -> None:
    first = Interval.lasting(NOON, HOUR)
    for other, overlapping in [
        (Interval.lasting(NOON + HOUR, HOUR), False),
        (Interval.lasting(NOON - HOUR, HOUR), False),
        (Interval.lasting(NOON + HOUR - INSTANT, HOUR), True),
        (Interval.lasting(NOON + HOUR / 4, HOUR / 4), True),
        (first, True),
    ]:
        assert first.overlaps(other) is other.overlaps(first) is overlapping


def test_an_interval_contains_its_start_and_not_its_end() -> None:
    interval = Interval.lasting(NOON, HOUR)
    moments = (NOON - INSTANT, NOON, NOON + HOUR - INSTANT, NOON + HOUR)
    assert [interval.contains(moment) for moment in moments] == [False, True, True, False]


def test_intervals_are_sorted_by_start_and_then_by_end() -> None:
    short, long, later = (
        Interval.lasting(NOON, HOUR),
        Interval.lasting(NOON, 2 * HOUR),
        Interval.lasting(NOON + INSTANT, HOUR),
    )
    assert sorted([later, long, short]) == [short, long, later]


def test_an_interval_touches_its_cells_and_those_of_the_buffer_after_it() -> None:
    noon = cell_of(NOON)
    visit = Interval.lasting(NOON, 50 * HOUR / 60)
    assert visit.cells() == range(noon, noon + 10)
    assert visit.cells(buffer=HOUR / 6) == range(noon, noon + 12)
    assert Interval(NOON + INSTANT, NOON + CELL + INSTANT).cells() == range(noon, noon + 2)


@given(instants, lengths, st.timedeltas(-timedelta(days=1), timedelta(days=1)), lengths)
def test_intervals_that_overlap_share_a_cell(
    start: datetime, length: timedelta, shift: timedelta, other_length: timedelta
) -> None:
    first, second = Interval.lasting(start, length), Interval.lasting(start + shift, other_length)
    shared = set(first.cells()) & set(second.cells())
    assert shared or not first.overlaps(second)


def test_runs_of_cells_are_united() -> None:
    assert union([range(1, 4), range(3, 5), range(9, 9)]) == {1, 2, 3, 4}
    assert union([]) == frozenset()
