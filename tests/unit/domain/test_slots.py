"""What can be booked now: rules, notice, horizon, absences and the cells that appointments own."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from telemed_core.domain.agenda import Agenda, Block, Weekday, WeeklyWindow, Window
from telemed_core.domain.ids import BlockId
from telemed_core.domain.instants import Interval, TimeZone, cell_of
from telemed_core.domain.schedule import MOST_BLOCKS
from telemed_core.domain.slots import Slots, check_start, free_slots
from telemed_core.errors import BeyondHorizonError, InvalidError, SlotNotOfferedError, TooSoonError
from telemed_core.testing.agendas import agendas
from telemed_core.testing.builders import a_schedule
from telemed_core.testing.oracle import slow_free_slots

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
INSTANT = timedelta(microseconds=1)
TOMORROW = Interval.lasting(NOW + DAY, DAY)

AGENDA = Agenda(
    TimeZone("UTC"),
    weekly=tuple(WeeklyWindow(weekday, Window.parse("08:00", "12:00")) for weekday in Weekday),
    horizon=timedelta(days=7),
)


def at(clock: str, *, day: int = 2) -> datetime:
    return datetime.fromisoformat(f"2026-06-{day:02}T{clock}+00:00")


def run(start: str, end: str) -> range:
    return Interval(at(start), at(end)).cells()


def absence(start: datetime, end: datetime) -> Block:
    return Block(Interval(start, end), BlockId("away"))


def listed(
    *,
    blocks: Iterable[Block] = (),
    within: Interval = TOMORROW,
    now: datetime = NOW,
    doctor_busy: Iterable[range] = (),
    patient_busy: Iterable[range] = (),
) -> list[str]:
    slots = free_slots(AGENDA, blocks, within=within, now=now, doctor_busy=doctor_busy, patient_busy=patient_busy)
    return [f"{start:%H:%M}" for start in slots.starts()]


def bookable(start: datetime, *, now: datetime, rules: Agenda = AGENDA, blocks: Iterable[Block] = ()) -> bool:
    try:
        check_start(rules, blocks, start, now=now)
    except InvalidError:
        return False
    return True


def test_all_starts_of_a_day_are_free_to_begin_with() -> None:
    assert listed() == ["08:00", "09:00", "10:00", "11:00"]


def test_slots_are_visits_in_order_counted_and_looked_up_by_start() -> None:
    slots = free_slots(AGENDA, (), within=TOMORROW, now=NOW)
    assert list(slots) == [Interval.lasting(start, timedelta(minutes=50)) for start in slots.starts()]
    assert slots.starts() == [at("08:00"), at("09:00"), at("10:00"), at("11:00")]
    assert len(slots) == 4
    assert slots
    assert at("09:00") in slots
    assert at("09:00").astimezone(TimeZone("America/Sao_Paulo").info) in slots
    for other in (at("09:00") + INSTANT, at("09:05"), at("12:00"), at("09:00", day=1), at("09:00", day=20)):
        assert other not in slots


def test_no_slots_are_false_empty_and_hold_nothing() -> None:
    slots = free_slots(AGENDA, (), within=Interval(at("13:00"), at("20:00")), now=NOW)
    assert not slots
    assert len(slots) == 0
    assert slots.starts() == list(slots) == []
    assert at("09:00") not in slots


def test_a_range_takes_in_its_start_and_leaves_out_its_end() -> None:
    assert listed(within=Interval(at("09:00"), at("11:00"))) == ["09:00", "10:00"]
    assert listed(within=Interval(at("09:00") + INSTANT, at("11:00") + INSTANT)) == ["10:00", "11:00"]


def test_splitting_a_range_anywhere_gives_the_same_slots() -> None:
    cuts = [
        at("07:00"),
        at("08:00"),
        at("08:00") + INSTANT,
        at("09:57"),
        at("10:00"),
        at("10:00") + MINUTE,
        at("13:00"),
    ]
    parts = [start for span in pairwise(cuts) for start in listed(within=Interval(*span))]
    assert parts == listed(within=Interval(cuts[0], cuts[-1]))


def test_notice_and_horizon_are_counted_to_the_instant_both_ends_included() -> None:
    last_chance = at("09:00") - AGENDA.min_notice
    assert listed(now=last_chance) == ["09:00", "10:00", "11:00"]
    assert listed(now=last_chance + INSTANT) == ["10:00", "11:00"]
    opening = at("09:00") - AGENDA.horizon
    assert listed(now=opening) == ["08:00", "09:00"]
    assert listed(now=opening - INSTANT) == ["08:00"]


def test_a_range_that_ends_before_the_notice_or_begins_past_the_horizon_is_empty() -> None:
    assert listed(now=at("09:00", day=4)) == []
    assert listed(now=NOW - timedelta(days=30)) == []


@pytest.mark.parametrize(
    ("start", "end", "free"),
    [
        (at("08:50"), at("09:00"), "08:00 09:00 10:00 11:00"),
        (at("08:50") - INSTANT, at("09:00"), "09:00 10:00 11:00"),
        (at("08:50"), at("09:00") + INSTANT, "08:00 10:00 11:00"),
        (at("08:50") - INSTANT, at("09:00") + INSTANT, "10:00 11:00"),
        (at("09:00") + MINUTE, at("09:00") + 2 * MINUTE, "08:00 10:00 11:00"),
        (at("10:49"), at("23:00"), "08:00 09:00"),
        (at("08:00", day=1), at("10:00"), "10:00 11:00"),
        (at("08:00", day=1), at("08:00", day=3), ""),
        (at("08:00", day=1), at("08:00"), "08:00 09:00 10:00 11:00"),
    ],
)
def test_an_absence_takes_the_visits_that_it_overlaps_to_the_instant(start: datetime, end: datetime, free: str) -> None:
    blocks = [absence(start, end)]
    assert listed(blocks=blocks) == free.split()
    every = [at(f"{hour:02}:00") for hour in range(8, 12)]
    assert [f"{start:%H:%M}" for start in every if bookable(start, now=NOW, blocks=blocks)] == free.split()


def test_a_doctors_appointment_takes_the_starts_whose_visit_or_buffer_meets_it() -> None:
    assert listed(doctor_busy=[run("09:00", "10:00")]) == ["08:00", "10:00", "11:00"]
    assert listed(doctor_busy=[run("08:55", "09:00")]) == ["09:00", "10:00", "11:00"]
    assert listed(doctor_busy=[run("09:50", "09:55"), run("11:00", "12:00")]) == ["08:00", "10:00"]


def test_a_patients_appointment_takes_the_starts_whose_visit_meets_it() -> None:
    assert listed(patient_busy=[run("08:50", "09:00")]) == ["08:00", "09:00", "10:00", "11:00"]
    assert listed(patient_busy=[run("08:45", "09:05")]) == ["10:00", "11:00"]


def test_runs_without_cells_and_runs_elsewhere_take_nothing() -> None:
    elsewhere = (Interval(at("08:00", day=day), at("12:00", day=day)).cells() for day in (1, 3))
    nothing = range(cell_of(at("09:30")), cell_of(at("09:30")))
    assert listed(doctor_busy=[nothing, *elsewhere]) == ["08:00", "09:00", "10:00", "11:00"]


def test_runs_that_begin_before_the_range_and_end_after_it_take_all_of_it() -> None:
    assert listed(patient_busy=[range(cell_of(NOW), cell_of(NOW + 7 * DAY))]) == []


def test_a_start_that_is_offered_gives_its_visit() -> None:
    assert check_start(AGENDA, (), at("09:00"), now=NOW) == Interval(at("09:00"), at("09:50"))


@pytest.mark.parametrize(
    ("start", "error"),
    [
        (NOW - DAY, TooSoonError),
        (NOW + AGENDA.min_notice - INSTANT, TooSoonError),
        (NOW + AGENDA.min_notice, SlotNotOfferedError),
        (NOW + AGENDA.horizon, SlotNotOfferedError),
        (NOW + AGENDA.horizon + INSTANT, BeyondHorizonError),
        (at("09:00", day=20), BeyondHorizonError),
        (at("09:05"), SlotNotOfferedError),
        (at("09:00") + INSTANT, SlotNotOfferedError),
        (at("12:00"), SlotNotOfferedError),
    ],
)
def test_a_start_that_is_not_offered_is_refused_with_its_reason(start: datetime, error: type[InvalidError]) -> None:
    with pytest.raises(error) as refused:
        check_start(AGENDA, (), start, now=NOW)
    assert [field for field, _ in refused.value.fields] == ["start"]


def test_a_start_that_is_too_soon_is_never_said_to_be_beyond_the_horizon() -> None:
    patient = attrs.evolve(AGENDA, min_notice=timedelta(days=30))
    with pytest.raises(TooSoonError):
        check_start(patient, (), NOW + timedelta(days=20), now=NOW)


instants = st.timedeltas(-DAY, 3 * DAY)
lengths = st.timedeltas(INSTANT, 2 * DAY)
runs = st.lists(st.tuples(st.integers(-400, 900), st.integers(0, 60)), max_size=6)


@given(st.data(), st.dates(date(2000, 1, 1), date(2037, 12, 31)), lengths)
@settings(max_examples=25, deadline=None)
def test_listed_slots_are_those_of_the_slow_version_and_the_bookable_ones(
    data: st.DataObject, day: date, length: timedelta
) -> None:
    rules = data.draw(agendas(around=day))
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    within = Interval.lasting(midnight + data.draw(instants), length)
    now = within.start - rules.min_notice + data.draw(instants)
    spans = data.draw(st.lists(st.tuples(instants, st.timedeltas(INSTANT, DAY)), max_size=3))
    blocks = [Block(Interval.lasting(midnight + start, span), BlockId("b")) for start, span in spans]
    first = cell_of(midnight)
    doctor, patient = ([range(first + start, first + start + cells) for start, cells in data.draw(runs)] for _ in "dp")

    slots = free_slots(rules, blocks, within=within, now=now, doctor_busy=doctor, patient_busy=patient)

    slow = slow_free_slots(rules, blocks, within=within, now=now, doctor_busy=doctor, patient_busy=patient)
    assert list(slots) == slow
    by_rules = free_slots(rules, blocks, within=within, now=now)
    assert all(check_start(rules, blocks, visit.start, now=now) == visit for visit in by_rules)
    clock = midnight - DAY
    while clock < within.end:
        if within.contains(clock):
            assert bookable(clock, now=now, rules=rules, blocks=blocks) == (clock in by_rules)
        clock += timedelta(minutes=5)


@given(st.integers(0, 1 << 400), st.integers(0, 10**7))
@example(1, 0)
def test_slots_find_every_bit(bits: int, first: int) -> None:
    slots = Slots(first, bits, timedelta(minutes=50))
    assert [cell_of(start) for start in slots.starts()] == [
        first + index for index in range(bits.bit_length()) if bits >> index & 1
    ]
    assert len(slots) == len(slots.starts())


def test_an_agenda_has_so_many_blocks_that_are_not_over() -> None:
    schedule = a_schedule()
    begin = NOW + timedelta(days=1)
    for number in range(MOST_BLOCKS):
        interval = Interval.lasting(begin + timedelta(hours=number), timedelta(minutes=30))
        schedule = schedule.with_block(BlockId(f"b-{number}"), interval, why=None, cancelling=False, now=NOW).after
    one_more = Interval.lasting(begin, timedelta(minutes=30))
    with pytest.raises(InvalidError) as refused:
        schedule.with_block(BlockId("b-more"), one_more, why=None, cancelling=False, now=NOW)
    assert refused.value.fields[0].field == "start"
    later = begin + timedelta(hours=2)
    far = Interval.lasting(later, timedelta(days=99))
    edit = schedule.with_block(BlockId("b-last"), far, why=None, cancelling=False, now=later)
    assert len(edit.after.blocks) < MOST_BLOCKS


def test_a_start_at_this_very_instant_is_too_soon_even_without_notice() -> None:
    agenda = attrs.evolve(AGENDA, min_notice=timedelta())
    start = NOW + timedelta(hours=8)
    within = Interval.lasting(start, timedelta(hours=1))
    with pytest.raises(TooSoonError):
        check_start(agenda, (), start, now=start)
    assert free_slots(agenda, (), within=within, now=start).starts() == []
    assert check_start(agenda, (), start, now=start - INSTANT).start == start
    assert free_slots(agenda, (), within=within, now=start - INSTANT).starts() == [start]
