"""The rules of an agenda on the days when clocks change, and beside the slow version on any day."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemed_core.domain.agenda import Agenda, DateRule, Weekday, WeeklyWindow, Window
from telemed_core.domain.availability import Availability
from telemed_core.domain.instants import Interval, TimeZone, cell_of, cell_start
from telemed_core.errors import InvalidError
from telemed_core.testing.agendas import agendas
from telemed_core.testing.oracle import slow_covers, slow_starts

SAO_PAULO = TimeZone("America/Sao_Paulo")
NEW_YORK = TimeZone("America/New_York")
MONDAY = date(2026, 6, 1)

lengths = st.integers(1, 600)


def every_day(*windows: str) -> tuple[WeeklyWindow, ...]:
    return tuple(WeeklyWindow(weekday, span(text)) for weekday in Weekday for text in windows)


def on(day: date, *windows: str) -> tuple[DateRule, ...]:
    return tuple(DateRule(day, span(text)) for text in windows)


def span(text: str) -> Window:
    return Window.parse(*text.split("-"))


def agenda(
    zone: TimeZone,
    weekly: tuple[WeeklyWindow, ...] = (),
    dates: tuple[DateRule, ...] = (),
    *,
    visit: int = 50,
    buffer: int = 10,
) -> Agenda:
    return Agenda(
        zone,
        consultation=timedelta(minutes=visit),
        buffer=timedelta(minutes=buffer),
        weekly=weekly,
        dates=dates,
    )


def cells_of(bits: int, cells: range) -> list[int]:
    return [cell for index, cell in enumerate(cells) if bits >> index & 1]


def around(day: date, *, days: int = 1) -> range:
    noon = cell_of(datetime.combine(day, time(12), UTC))
    return range(noon - days * 288 - 144, noon + days * 288 + 144)


def clocks(rules: Agenda, day: date) -> list[str]:
    """The starts whose wall clock shows that date, as the clock shows them."""
    cells = around(day)
    starts = [
        cell_start(cell).astimezone(rules.time_zone.info)
        for cell in cells_of(Availability.of(rules).starts(cells), cells)
    ]
    return [f"{start:%H:%M%z}" for start in starts if start.date() == day]


def hours(rules: Agenda, day: date) -> list[str]:
    """As ``clocks``, without the offset."""
    return [clock[:5] for clock in clocks(rules, day)]


def covers(rules: Agenda, start: str, end: str) -> bool:
    zone = ZoneInfo(rules.time_zone)
    begin, until = (datetime.fromisoformat(clock).replace(tzinfo=zone) for clock in (start, end))
    return Availability.of(rules).covers(Interval(begin, until))


def test_starts_step_by_visit_and_buffer_from_the_start_of_the_window() -> None:
    assert clocks(agenda(SAO_PAULO, every_day("08:00-11:00")), MONDAY) == ["08:00-0300", "09:00-0300", "10:00-0300"]


def test_a_visit_ends_inside_its_window_and_the_buffer_may_run_past_it() -> None:
    assert hours(agenda(SAO_PAULO, every_day("08:00-09:50")), MONDAY) == ["08:00", "09:00"]
    assert hours(agenda(SAO_PAULO, every_day("08:00-09:45")), MONDAY) == ["08:00"]
    assert hours(agenda(SAO_PAULO, every_day("08:00-08:45")), MONDAY) == []
    assert hours(agenda(SAO_PAULO, every_day("08:00-08:05"), visit=240, buffer=0), MONDAY) == []


def test_windows_that_touch_are_not_merged() -> None:
    rules = agenda(SAO_PAULO, every_day("08:00-08:30", "08:30-09:30"))
    assert hours(rules, MONDAY) == ["08:30"]


def test_a_weekday_has_its_own_windows() -> None:
    rules = agenda(SAO_PAULO, (WeeklyWindow(Weekday.TUESDAY, span("08:00-09:00")),))
    assert [hours(rules, MONDAY + timedelta(days=days)) for days in range(3)] == [[], ["08:00"], []]


def test_a_window_past_midnight_belongs_to_the_day_it_starts_on() -> None:
    rules = agenda(SAO_PAULO, (WeeklyWindow(Weekday.SUNDAY, span("22:30-02:00")),))
    assert hours(rules, MONDAY - timedelta(days=1)) == ["22:30", "23:30"]
    assert hours(rules, MONDAY) == ["00:30"]


def test_a_window_may_end_at_24_00_and_may_last_24_hours() -> None:
    rules = agenda(SAO_PAULO, (WeeklyWindow(Weekday.MONDAY, span("22:00-24:00")),))
    assert hours(rules, MONDAY) == ["22:00", "23:00"]
    whole = agenda(SAO_PAULO, (WeeklyWindow(Weekday.MONDAY, span("08:00-08:00")),))
    assert len(hours(whole, MONDAY)) + len(hours(whole, MONDAY + timedelta(days=1))) == 24


@pytest.mark.parametrize("zone", ["Pacific/Pago_Pago", "Pacific/Kiritimati"])
def test_a_window_may_reach_the_second_next_day_of_utc_and_the_day_before(zone: str) -> None:
    rules = agenda(TimeZone(zone), (WeeklyWindow(Weekday.MONDAY, span("00:00-24:00")),))
    assert len(hours(rules, MONDAY)) == 24
    late = agenda(TimeZone(zone), (WeeklyWindow(Weekday.MONDAY, span("23:00-23:00")),))
    assert hours(late, MONDAY) == ["23:00"]
    assert len(hours(late, MONDAY + timedelta(days=1))) == 23


def test_an_offset_of_five_hours_and_three_quarters_moves_the_grid_of_utc() -> None:
    rules = agenda(TimeZone("Asia/Kathmandu"), every_day("08:00-10:00"))
    assert Availability.of(rules).offers(datetime(2026, 6, 1, 2, 15, tzinfo=UTC))
    assert hours(rules, MONDAY) == ["08:00", "09:00"]


def test_a_day_of_23_hours_has_23_hourly_starts() -> None:
    starts = clocks(agenda(NEW_YORK, every_day("00:00-24:00")), date(2026, 3, 8))
    assert starts[:4] == ["00:00-0500", "01:00-0500", "03:00-0400", "04:00-0400"]
    assert len(starts) == 23


def test_a_day_of_25_hours_has_25_hourly_starts() -> None:
    starts = clocks(agenda(NEW_YORK, every_day("00:00-24:00")), date(2026, 11, 1))
    assert starts[:4] == ["00:00-0400", "01:00-0400", "01:00-0500", "02:00-0500"]
    assert len(starts) == 25


def test_nothing_is_offered_inside_the_hour_that_the_clock_skips() -> None:
    assert hours(agenda(NEW_YORK, every_day("02:00-03:00")), date(2026, 3, 8)) == []
    assert hours(agenda(NEW_YORK, every_day("02:30-04:50")), date(2026, 3, 8)) == ["03:00", "04:00"]


def test_a_skipped_hour_does_not_split_a_window() -> None:
    rules = agenda(NEW_YORK, every_day("01:30-04:00"), visit=90, buffer=0)
    assert clocks(rules, date(2026, 3, 8)) == ["01:30-0500"]


def test_a_window_that_the_clock_shows_twice_is_offered_twice() -> None:
    rules = agenda(NEW_YORK, every_day("01:00-01:30"), visit=20)
    assert clocks(rules, date(2026, 11, 1)) == ["01:00-0400", "01:00-0500"]


def test_a_window_that_the_fold_splits_has_a_grid_in_each_part() -> None:
    rules = agenda(NEW_YORK, every_day("01:20-03:00"), visit=20)
    assert clocks(rules, date(2026, 11, 1)) == ["01:20-0400", "01:20-0500", "01:50-0500", "02:20-0500"]
    longer = agenda(NEW_YORK, every_day("01:20-03:00"))
    assert clocks(longer, date(2026, 11, 1)) == ["01:20-0500"]


def test_a_window_that_holds_the_whole_fold_stays_one() -> None:
    rules = agenda(NEW_YORK, every_day("00:30-02:30"), visit=80, buffer=0)
    assert clocks(rules, date(2026, 11, 1)) == ["00:30-0400", "01:50-0400"]


@pytest.mark.parametrize(("day", "halves"), [(date(2026, 10, 4), 47), (date(2026, 4, 5), 49)])
def test_a_clock_may_change_by_half_an_hour(day: date, halves: int) -> None:
    rules = agenda(TimeZone("Australia/Lord_Howe"), every_day("00:00-24:00"), visit=30, buffer=0)
    assert len(clocks(rules, day)) == halves


def test_a_day_without_midnight_starts_at_one() -> None:
    assert hours(agenda(SAO_PAULO, every_day("00:00-03:00")), date(2018, 11, 4)) == ["01:00", "02:00"]


def test_a_night_runs_over_a_missing_midnight() -> None:
    rules = agenda(SAO_PAULO, every_day("22:00-03:00"))
    assert hours(rules, date(2018, 11, 3)) == ["00:00", "01:00", "02:00", "22:00", "23:00"]
    assert hours(rules, date(2018, 11, 4)) == ["01:00", "02:00", "22:00", "23:00"]


def test_the_last_hour_of_a_day_may_come_twice() -> None:
    rules = agenda(SAO_PAULO, every_day("22:30-23:30"))
    assert clocks(rules, date(2018, 2, 17)) == ["22:30-0200"]
    shorter = agenda(SAO_PAULO, every_day("22:30-23:30"), visit=30, buffer=0)
    assert clocks(shorter, date(2018, 2, 17)) == ["22:30-0200", "23:00-0200", "23:00-0300"]


def test_a_date_that_the_clock_skips_has_no_starts_but_its_night_has() -> None:
    skipped = date(2011, 12, 30)
    rules = agenda(TimeZone("Pacific/Apia"), (WeeklyWindow(Weekday.FRIDAY, span("20:00-02:00")),))
    assert hours(rules, skipped) == []
    assert hours(rules, skipped + timedelta(days=1)) == ["00:00", "01:00"]


def test_a_change_off_the_grid_shrinks_components_to_whole_cells() -> None:
    zone = TimeZone("America/St_Johns")
    spring = date(2010, 3, 14)
    assert clocks(agenda(zone, every_day("00:00-01:15"), visit=5, buffer=0), spring) == [
        "00:00-0330",
        "01:05-0230",
        "01:10-0230",
    ]
    assert clocks(agenda(zone, every_day("00:00-01:00"), visit=5, buffer=0), spring) == []
    autumn = date(2010, 11, 6)
    assert clocks(agenda(zone, every_day("22:00-24:00")), autumn) == ["22:00-0230", "23:00-0230", "23:05-0330"]


def test_a_closed_date_has_no_windows_and_ends_the_evening_before_at_midnight() -> None:
    rules = agenda(SAO_PAULO, every_day("22:00-02:00"), (DateRule(MONDAY),))
    assert hours(rules, MONDAY - timedelta(days=1)) == ["00:00", "01:00", "22:00", "23:00"]
    assert hours(rules, MONDAY) == []
    assert hours(rules, MONDAY + timedelta(days=1)) == ["22:00", "23:00"]


def test_a_date_rule_replaces_the_windows_of_its_date() -> None:
    rules = agenda(SAO_PAULO, every_day("08:00-10:00", "22:00-02:00"), on(MONDAY, "14:00-15:00", "16:30-17:30"))
    assert hours(rules, MONDAY) == ["14:00", "16:30"]
    assert hours(rules, MONDAY + timedelta(days=1)) == ["08:00", "09:00", "22:00", "23:00"]


def test_a_date_rule_clips_the_date_rule_of_the_evening_before() -> None:
    eve = MONDAY - timedelta(days=1)
    rules = agenda(SAO_PAULO, (), (*on(eve, "22:30-03:00"), *on(MONDAY, "10:00-11:00")))
    assert hours(rules, eve) == ["22:30"]
    assert hours(rules, MONDAY) == ["10:00"]


def test_a_closing_among_the_rules_of_a_date_closes_it() -> None:
    rules = agenda(SAO_PAULO, every_day("08:00-09:00"), (DateRule(MONDAY), *on(MONDAY, "14:00-15:00")))
    assert hours(rules, MONDAY) == []


def test_the_night_of_a_date_rule_keeps_its_grid_beside_the_windows_of_the_next_date() -> None:
    rules = agenda(SAO_PAULO, every_day("00:30-02:30"), on(MONDAY, "22:00-02:00"))
    assert hours(rules, MONDAY + timedelta(days=1)) == ["00:00", "00:30", "01:00", "01:30"]


def test_a_start_of_two_windows_is_offered_once() -> None:
    rules = agenda(SAO_PAULO, every_day("01:00-03:00"), on(MONDAY, "23:00-03:00"))
    assert hours(rules, MONDAY + timedelta(days=1)) == ["00:00", "01:00", "02:00"]


def test_clipping_at_midnight_goes_by_the_wall_clock() -> None:
    last_day_of_summer = date(2018, 2, 17)
    closed_sunday = (DateRule(last_day_of_summer + timedelta(days=1)),)
    rules = agenda(SAO_PAULO, every_day("21:00-03:00"), closed_sunday)
    assert clocks(rules, last_day_of_summer)[-4:] == ["21:00-0200", "22:00-0200", "23:00-0200", "23:00-0300"]


def test_an_instant_off_the_grid_of_cells_is_never_offered() -> None:
    offers = Availability.of(agenda(SAO_PAULO, every_day("08:00-11:00"))).offers
    start = datetime(2026, 6, 1, 11, tzinfo=UTC)
    assert offers(start)
    assert not offers(start + timedelta(microseconds=1))
    assert not offers(start + timedelta(minutes=5))
    assert offers(start.astimezone(SAO_PAULO.info))


def test_an_instant_without_an_offset_is_refused() -> None:
    with pytest.raises(InvalidError):
        Availability.of(agenda(SAO_PAULO)).offers(datetime(2026, 6, 1, 11))  # noqa: DTZ001 # what is refused


def test_an_interval_is_covered_across_windows_that_touch_whatever_grid_and_lengths() -> None:
    rules = agenda(SAO_PAULO, every_day("08:00-08:30", "08:30-09:00", "10:00-11:00"), visit=120)
    assert covers(rules, "2026-06-01T08:00", "2026-06-01T09:00")
    assert covers(rules, "2026-06-01T08:07", "2026-06-01T08:59")
    assert not covers(rules, "2026-06-01T08:00", "2026-06-01T09:01")
    assert not covers(rules, "2026-06-01T07:59", "2026-06-01T09:00")
    assert not covers(rules, "2026-06-01T08:30", "2026-06-01T10:30")


def test_an_interval_is_covered_across_a_midnight_of_utc() -> None:
    rules = agenda(SAO_PAULO, every_day("20:00-23:00"))
    assert covers(rules, "2026-06-01T20:30", "2026-06-01T22:30")


def test_nothing_is_offered_in_an_empty_range() -> None:
    availability = Availability.of(agenda(SAO_PAULO, every_day("00:00-24:00")))
    noon = around(MONDAY).start
    assert [availability.starts(range(noon, noon - back)) for back in (0, 1, 1000)] == [0, 0, 0]


def test_equal_agendas_share_one_availability() -> None:
    first, second = (agenda(SAO_PAULO, every_day("08:00-11:00")) for _ in range(2))
    assert first is not second
    assert Availability.of(first) is Availability.of(second)


def test_more_days_than_are_kept_give_the_same_starts() -> None:
    rules = agenda(SAO_PAULO, every_day("08:00-11:00"))
    cells = around(MONDAY, days=300)
    first, second = (Availability.of(rules).starts(cells) for _ in range(2))
    assert first == second
    assert first.bit_count() == 3 * len(cells) // 288


@given(st.data(), st.dates(date(2000, 1, 1), date(2037, 12, 31)), lengths)
@settings(max_examples=25, deadline=None)
def test_the_fast_version_agrees_with_the_slow_one(data: st.DataObject, day: date, length: int) -> None:
    rules = data.draw(agendas(around=day))
    first = around(day).start + 288
    cells = range(first, first + length)
    starts = cells_of(Availability.of(rules).starts(cells), cells)
    assert starts == slow_starts(rules, cells)
    assert all(Availability.of(rules).offers(cell_start(cell)) == (cell in starts) for cell in cells)


@given(st.data(), st.dates(date(2000, 1, 1), date(2037, 12, 31)), st.integers(1, 300))
@settings(max_examples=30, deadline=None)
def test_covering_agrees_with_the_slow_version(data: st.DataObject, day: date, minutes: int) -> None:
    rules = data.draw(agendas(around=day))
    start = datetime.combine(day, time(), UTC) + timedelta(minutes=data.draw(st.integers(0, 1440)))
    interval = Interval.lasting(start, timedelta(minutes=minutes))
    assert Availability.of(rules).covers(interval) == slow_covers(rules, interval)
