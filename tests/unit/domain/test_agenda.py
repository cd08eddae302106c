"""The values of an agenda: what they take, and which field they name when they refuse."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given, settings

from telemed_core.domain.agenda import (
    Agenda,
    Block,
    DateRule,
    Weekday,
    WeeklyWindow,
    Window,
    clock_text,
    minute_of_day,
)
from telemed_core.domain.ids import BlockId
from telemed_core.domain.instants import FIRST, Interval, TimeZone
from telemed_core.errors import InvalidError, OverlappingWindowsError
from telemed_core.testing.agendas import agendas, windows

PLAIN = Agenda(TimeZone("America/Sao_Paulo"))
MONDAY = date(2026, 6, 1)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@contextmanager
def refused(field: str, *, as_: type[InvalidError] = InvalidError) -> Generator[None]:
    with pytest.raises(as_) as error:
        yield
    assert [name for name, _ in error.value.fields] == [field]


def with_length(name: str, length: timedelta) -> Agenda:
    change: dict[str, Any] = {name: length}
    return attrs.evolve(PLAIN, **change)


def weekly(*texts: str) -> tuple[WeeklyWindow, ...]:
    """Each as ``monday 08:00-12:00``."""
    split = (text.replace("-", " ").split() for text in texts)
    return tuple(WeeklyWindow(Weekday.parse(day), Window.parse(start, end)) for day, start, end in split)


def test_weekdays_are_read_by_name_and_counted_from_monday() -> None:
    assert [Weekday.parse(name) for name in ("monday", "sunday")] == [Weekday.MONDAY, Weekday.SUNDAY]
    assert Weekday(MONDAY.weekday()) is Weekday.MONDAY


@pytest.mark.parametrize("text", ["", "Monday", "mon", "0", "segunda-feira"])
def test_any_other_weekday_is_refused(text: str) -> None:
    with refused("weekly.0.weekday"):
        Weekday.parse(text, field="weekly.0.weekday")


@pytest.mark.parametrize(("text", "minutes"), [("00:00", 0), ("08:05", 485), ("23:55", 1435), ("24:00", 1440)])
def test_a_time_of_day_is_read_as_minutes_up_to_24_00(text: str, minutes: int) -> None:
    assert minute_of_day(text, field="start") == minutes
    assert clock_text(minutes) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "8:00",
        "08:00:00",
        "24:05",
        "25:00",
        "07:60",
        "23:60",
        "08:03",
        "-1:00",
        "\u0966\u096e:\u0966\u0966",
        "08:00\n",
        "08h00",
    ],
)
def test_any_other_time_of_day_is_refused(text: str) -> None:
    with refused("opens"):
        minute_of_day(text, field="opens")


def test_a_time_past_24_00_is_shown_as_the_next_days() -> None:
    assert [clock_text(minutes) for minutes in (1440, 1445, 1800, 2875)] == ["24:00", "00:05", "06:00", "23:55"]


@pytest.mark.parametrize(
    ("start", "end", "window"),
    [
        ("08:00", "12:00", Window(480, 720)),
        ("22:00", "06:00", Window(1320, 1800)),
        ("00:00", "24:00", Window(0, 1440)),
        ("00:00", "00:00", Window(0, 1440)),
        ("22:00", "00:00", Window(1320, 1440)),
        ("08:00", "08:00", Window(480, 1920)),
    ],
)
def test_a_window_whose_end_is_not_after_its_start_ends_on_the_next_day(start: str, end: str, window: Window) -> None:
    assert Window.parse(start, end) == window


@given(windows())
def test_a_window_is_read_back_from_its_text(window: Window) -> None:
    assert Window.parse(clock_text(window.start), clock_text(window.end)) == window


@pytest.mark.parametrize(
    ("build", "field"),
    [
        (lambda: Window(-5, 60), "start"),
        (lambda: Window(1440, 1500), "start"),
        (lambda: Window(3, 60), "start"),
        (lambda: Window(0, 58), "end"),
        (lambda: Window(60, 60), "end"),
        (lambda: Window(60, 55), "end"),
        (lambda: Window(60, 1505), "end"),
        (lambda: Window.parse("24:00", "06:00"), "start"),
        (lambda: Window.parse("8", "09:00"), "start"),
        (lambda: Window.parse("08:00", "9"), "end"),
    ],
)
def test_a_window_that_cannot_be_names_its_wrong_end(build: Callable[[], Window], field: str) -> None:
    with refused(field):
        build()


def test_the_terms_are_those_of_the_clinic_unless_said_otherwise() -> None:
    assert (PLAIN.consultation, PLAIN.buffer, PLAIN.step) == (50 * MINUTE, 10 * MINUTE, 60 * MINUTE)
    assert (PLAIN.min_notice, PLAIN.horizon, PLAIN.weekly, PLAIN.dates) == (120 * MINUTE, 60 * DAY, (), ())


@pytest.mark.parametrize(
    ("name", "least", "most", "step"),
    [
        ("consultation", 5 * MINUTE, 230 * MINUTE, 5 * MINUTE),
        ("buffer", 0 * MINUTE, 190 * MINUTE, 5 * MINUTE),
        ("min_notice", 0 * MINUTE, 366 * DAY, MINUTE),
        ("horizon", DAY, 366 * DAY, DAY),
    ],
)
def test_lengths_are_taken_from_the_least_to_the_most(
    name: str, least: timedelta, most: timedelta, step: timedelta
) -> None:
    for length in (least, least + step, most):
        assert getattr(with_length(name, length), name) == length


@pytest.mark.parametrize(
    ("name", "length", "field"),
    [
        ("consultation", timedelta(), "consultation_minutes"),
        ("consultation", 245 * MINUTE, "consultation_minutes"),
        ("consultation", 52 * MINUTE, "consultation_minutes"),
        ("consultation", 10**6 * DAY, "consultation_minutes"),
        ("buffer", -5 * MINUTE, "buffer_minutes"),
        ("buffer", 240 * MINUTE, "buffer_minutes"),
        ("buffer", 7 * MINUTE, "buffer_minutes"),
        ("buffer", 195 * MINUTE, "buffer_minutes"),
        ("min_notice", -MINUTE, "min_notice_minutes"),
        ("min_notice", 366 * DAY + MINUTE, "min_notice_minutes"),
        ("min_notice", MINUTE / 2, "min_notice_minutes"),
        ("horizon", timedelta(), "horizon_days"),
        ("horizon", 367 * DAY, "horizon_days"),
        ("horizon", 36 * timedelta(hours=1), "horizon_days"),
    ],
)
def test_lengths_beyond_their_bounds_and_off_their_grid_are_refused(name: str, length: timedelta, field: str) -> None:
    with refused(field):
        with_length(name, length)


@pytest.mark.parametrize(
    "texts",
    [
        ("monday 08:00-12:00", "monday 12:00-14:00", "tuesday 08:00-12:00"),
        ("sunday 22:00-06:00", "monday 06:00-12:00"),
        ("monday 00:00-24:00", "tuesday 00:00-24:00"),
        ("monday 08:00-08:00",),
        ("friday 12:00-18:00", "friday 08:00-12:00"),
    ],
)
def test_windows_of_a_week_may_touch(texts: tuple[str, ...]) -> None:
    assert attrs.evolve(PLAIN, weekly=weekly(*texts)).weekly == weekly(*texts)


@pytest.mark.parametrize(
    "texts",
    [
        ("monday 08:00-12:00", "monday 11:55-14:00"),
        ("monday 08:00-12:00", "monday 08:00-12:00"),
        ("monday 22:00-06:00", "tuesday 05:55-12:00"),
        ("sunday 22:00-06:00", "monday 05:55-12:00"),
        ("monday 05:55-12:00", "sunday 22:00-06:00", "wednesday 08:00-12:00"),
        ("monday 08:00-18:00", "monday 09:00-10:00", "monday 12:00-13:00"),
    ],
)
def test_windows_of_a_week_that_overlap_are_refused_round_its_end_too(texts: tuple[str, ...]) -> None:
    with refused("weekly", as_=OverlappingWindowsError):
        attrs.evolve(PLAIN, weekly=weekly(*texts))


def test_windows_of_one_date_that_overlap_are_refused() -> None:
    first, touching, overlapping = (Window(480, 720), Window(720, 780), Window(715, 780))
    kept = (DateRule(MONDAY, first), DateRule(MONDAY, touching), DateRule(MONDAY))
    assert attrs.evolve(PLAIN, dates=kept).dates == kept
    with refused("dates", as_=OverlappingWindowsError):
        attrs.evolve(PLAIN, dates=(DateRule(MONDAY, overlapping), DateRule(MONDAY, first)))


def test_windows_of_two_dates_never_overlap() -> None:
    night = tuple(DateRule(MONDAY + days * DAY, Window(1320, 2760)) for days in range(2))
    assert attrs.evolve(PLAIN, dates=night).dates == night


def test_an_agenda_has_200_weekly_windows_and_800_rules_of_dates_at_most() -> None:
    slivers = tuple(WeeklyWindow(Weekday(n % 7), Window(n // 7 * 10, n // 7 * 10 + 5)) for n in range(201))
    closings = tuple(DateRule(MONDAY + days * DAY) for days in range(801))
    assert len(attrs.evolve(PLAIN, weekly=slivers[:200], dates=closings[:800]).dates) == 800
    with refused("weekly"):
        attrs.evolve(PLAIN, weekly=slivers)
    with refused("dates"):
        attrs.evolve(PLAIN, dates=closings)


@given(agendas(around=MONDAY))
@settings(max_examples=25, deadline=None)
def test_equal_agendas_hash_alike(rules: Agenda) -> None:
    again = attrs.evolve(rules)
    assert again == rules
    assert hash(again) == hash(rules)


def test_absences_are_sorted_by_their_start() -> None:
    late, early = (Block(Interval.lasting(FIRST + days * DAY, DAY), BlockId("b")) for days in (2, 1))
    assert sorted([late, early]) == [early, late]
