"""The slow and obvious version of availability: every minute's wall clock against every declared window.

Right wherever offsets and changes of offset are whole minutes, which holds in every zone since 1972.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from telemed_core.domain.agenda import Agenda, Block, Window
from telemed_core.domain.instants import Interval, TimeZone, cell_of, cell_start, union

Clocks = tuple[datetime, datetime]
"""``[begin, end)`` on the wall clock: one declared window on one local date."""


def slow_starts(agenda: Agenda, cells: range) -> list[int]:
    """The cells of the range at which the rules offer a start, in order."""
    length, step = (span // timedelta(minutes=5) for span in (agenda.consultation, agenda.step))
    starts: set[int] = set()
    for occurrence in _occurrences(agenda, cells):
        for component in _components(agenda.time_zone, occurrence):
            grid = range(component.start, component.stop, step)
            starts |= {start for start in grid if start + length <= component.stop and start in cells}
    return sorted(starts)


def slow_covers(agenda: Agenda, interval: Interval) -> bool:
    """Whether every cell of the interval lies whole in some window."""
    cells = interval.cells()
    occurrences = list(_occurrences(agenda, cells))
    return all(any(_inside(agenda.time_zone, cell, clocks) for clocks in occurrences) for cell in cells)


def slow_free_slots(
    agenda: Agenda,
    blocks: Iterable[Block],
    *,
    within: Interval,
    now: datetime,
    doctor_busy: Iterable[range] = (),
    patient_busy: Iterable[range] = (),
) -> list[Interval]:
    """The visits of the starts that pass every condition, each condition by itself."""
    absences = [block.interval for block in blocks]
    doctor, patient = union(doctor_busy), union(patient_busy)
    soonest, latest = now + agenda.min_notice, now + agenda.horizon
    visits = (Interval.lasting(cell_start(cell), agenda.consultation) for cell in slow_starts(agenda, within.cells()))
    return [
        visit
        for visit in visits
        if within.contains(visit.start)
        and now < visit.start
        and soonest <= visit.start <= latest
        and not any(absence.overlaps(visit) for absence in absences)
        and doctor.isdisjoint(visit.cells(agenda.buffer))
        and patient.isdisjoint(visit.cells())
    ]


def _occurrences(agenda: Agenda, cells: range) -> Iterator[Clocks]:
    """Each declared window on each local date that can have an instant in the cells."""
    first = cell_start(cells.start).date() - timedelta(days=2)
    last = cell_start(cells.stop).date() + timedelta(days=1)
    ruled = {rule.date for rule in agenda.dates}
    day = first
    while day <= last:
        tomorrow = day + timedelta(days=1)
        for window in _windows_of(agenda, day):
            begin = datetime.combine(day, time()) + timedelta(minutes=window.start)
            end = datetime.combine(day, time()) + timedelta(minutes=window.end)
            yield begin, min(end, datetime.combine(tomorrow, time())) if tomorrow in ruled else end
        day = tomorrow


def _windows_of(agenda: Agenda, day: date) -> list[Window]:
    rules = [rule for rule in agenda.dates if rule.date == day]
    windows = [rule.window for rule in rules if rule.window is not None]
    if len(windows) < len(rules):
        return []
    return windows or [weekly.window for weekly in agenda.weekly if weekly.weekday == day.weekday()]


def _components(zone: TimeZone, clocks: Clocks) -> Iterator[range]:
    """The runs of cells that lie whole in one occurrence; no clock is a day or more from UTC."""
    begin, end = (cell_of(clock.replace(tzinfo=UTC)) for clock in clocks)
    run: list[int] = []
    for cell in range(begin - 288, end + 288):
        if _inside(zone, cell, clocks):
            run.append(cell)
        elif run:
            yield range(run[0], run[-1] + 1)
            run = []


def _inside(zone: TimeZone, cell: int, clocks: Clocks) -> bool:
    begin, end = clocks
    return all(begin <= clock < end for clock in _clocks_of(zone, cell))


@lru_cache(maxsize=8192)
def _clocks_of(zone: TimeZone, cell: int) -> tuple[datetime, ...]:
    """What the wall clock shows at each minute of a cell."""
    minutes = (cell_start(cell) + timedelta(minutes=minute) for minute in range(5))
    return tuple(minute.astimezone(zone.info).replace(tzinfo=None) for minute in minutes)
