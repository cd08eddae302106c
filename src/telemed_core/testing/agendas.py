"""Hypothesis strategies for agendas, valid by construction and biased towards what goes wrong with clocks."""

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import pairwise
from typing import Final, TypeVar

from hypothesis import strategies as st

from telemed_core.domain.agenda import DAY, GRID, LONGEST, WEEK, Agenda, DateRule, Weekday, WeeklyWindow, Window
from telemed_core.domain.instants import TimeZone

TROUBLESOME_ZONES: Final = st.sampled_from(
    [
        TimeZone(key)
        for key in (
            "UTC",
            "Africa/Casablanca",  # leaves its standard time for the month of Ramadan
            "America/Havana",  # changes at midnight
            "America/New_York",
            "America/Santiago",  # no midnight on the day on which summer begins
            "America/Sao_Paulo",  # as Santiago, until 2019
            "America/St_Johns",  # 3½ hours; changed at 00:01 until 2011
            "Antarctica/Troll",  # changes by two hours
            "Asia/Beirut",
            "Asia/Gaza",
            "Asia/Kathmandu",  # 5¾ hours
            "Asia/Tehran",
            "Australia/Lord_Howe",  # changes by half an hour
            "Europe/Dublin",
            "Pacific/Apia",  # no 30 December 2011
            "Pacific/Chatham",  # 12¾ hours
        )
    ]
)
"""Zones with odd offsets, odd changes or a skipped day."""

_CLOCKS = (0, 5, 30, 60, 65, 90, 120, 125, 150, 180, 360, 720, DAY - 60, DAY - 5)
_LENGTHS = (5, 20, 30, 50, 55, 60, LONGEST)
_BUFFERS = (0, 5, 10, 30, LONGEST - 5)
_NOTICES = (0, 1, 7, 60, 120, DAY, 366 * DAY)
_HORIZONS = (1, 2, 7, 60, 366)

_Rule = TypeVar("_Rule")


@st.composite
def windows(draw: st.DrawFn) -> Window:
    """One window: five minutes, a whole day, overnight, up to 24:00, near the hours at which clocks change."""
    start = draw(st.sampled_from(_CLOCKS) | _on_grid(0, DAY - GRID))
    ends = [end for day in (0, DAY) for end in (day + clock for clock in (*_CLOCKS, DAY)) if start < end <= start + DAY]
    return Window(start, draw(st.sampled_from(ends) | _on_grid(start + GRID, start + DAY)))


def windows_of_a_date() -> st.SearchStrategy[tuple[Window, ...]]:
    """One to three windows that do not overlap; they touch as often as not."""
    apart = st.lists(windows(), min_size=1, max_size=3).map(
        lambda drawn: _apart((window.start, window, window) for window in drawn)
    )
    cuts = st.lists(st.sampled_from((*_CLOCKS, DAY)), min_size=2, max_size=4, unique=True)
    touching = cuts.map(lambda clocks: tuple(Window(*span) for span in pairwise(sorted(clocks))))
    return apart | touching


def weeks() -> st.SearchStrategy[tuple[WeeklyWindow, ...]]:
    """Weekly windows that do not overlap, Sunday night and Monday morning included."""
    some_days = st.lists(st.tuples(st.sampled_from(Weekday), windows_of_a_date()), max_size=5)
    every_day = windows_of_a_date().map(lambda several: [(weekday, several) for weekday in Weekday])
    return (some_days | every_day).map(
        lambda days: _apart(
            (weekday * DAY + window.start, window, WeeklyWindow(weekday, window))
            for weekday, several in days
            for window in several
        )
    )


def date_rules(*, around: date) -> st.SearchStrategy[tuple[DateRule, ...]]:
    """Rules of some dates within three days of one: closed, with windows, or both, which is closed."""
    days = st.integers(-3, 3).map(lambda days: around + timedelta(days=days))
    closings = st.just((None,))
    replacements = windows_of_a_date()
    return st.dictionaries(days, closings | replacements | st.tuples(windows(), st.none()), max_size=4).map(
        lambda rules: tuple(DateRule(day, window) for day, several in rules.items() for window in several)
    )


@st.composite
def agendas(
    draw: st.DrawFn, *, zones: st.SearchStrategy[TimeZone] = TROUBLESOME_ZONES, around: date | None = None
) -> Agenda:
    """An agenda of any lengths; with rules of dates only where ``around`` says near which."""
    length = draw(st.sampled_from(_LENGTHS) | _on_grid(GRID, LONGEST))
    most = LONGEST - length
    buffers = [buffer for buffer in _BUFFERS if buffer <= most]
    buffer = draw(st.sampled_from(buffers) | _on_grid(0, most))
    weekly = draw(weeks())
    dates = draw(date_rules(around=around)) if around else ()
    return Agenda(
        draw(zones),
        consultation=timedelta(minutes=length),
        buffer=timedelta(minutes=buffer),
        min_notice=timedelta(minutes=draw(st.sampled_from(_NOTICES))),
        horizon=timedelta(days=draw(st.sampled_from(_HORIZONS))),
        weekly=weekly,
        dates=dates,
    )


def _on_grid(least: int, most: int) -> st.SearchStrategy[int]:
    return st.integers(least // GRID, most // GRID).map(lambda steps: steps * GRID)


def _apart(candidates: Iterable[tuple[int, Window, _Rule]]) -> tuple[_Rule, ...]:
    """Those that overlap none before them, round the week; each says from which minute of the week it runs."""
    taken: set[int] = set()
    kept: list[_Rule] = []
    for begin, window, rule in candidates:
        minutes = {minute % WEEK for minute in range(begin, begin + window.end - window.start, GRID)}
        if taken.isdisjoint(minutes):
            taken |= minutes
            kept.append(rule)
    return tuple(kept)
