"""Which starts an agenda's rules offer, as big integers whose bits are 5-minute UTC cells.

Days are counted from 1970-01-01, clocks are minutes from a date's local midnight, offsets and changes of offset are
seconds: no instant that carries a zone is ever added to or compared.
"""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Final, TypeAlias

import attrs

from telemed_core.domain.agenda import DAY, Agenda
from telemed_core.domain.instants import CELL, CELL_SECONDS, CELLS_PER_DAY, EPOCH, Interval, TimeZone, as_utc

Spans: TypeAlias = tuple[tuple[int, int], ...]
"""Windows of one local date: ``[start, end)`` in minutes from its midnight."""

Offsets: TypeAlias = tuple[tuple[int, int], ...]
"""From which second on, counted from a date's midnight told as UTC, the clock is ahead of UTC by how many seconds."""

_DAY_SECONDS: Final = DAY * 60
_FULL_DAY: Final = (1 << CELLS_PER_DAY) - 1
_MOST_DAYS: Final = 400


@attrs.frozen(eq=False)
class Availability:
    """An agenda's rules without absences and appointments: the one predicate behind the list and the booking."""

    _starts: "_Days"
    _open: "_Days"

    @staticmethod
    def of(agenda: Agenda) -> "Availability":
        """The availability of that agenda; equal agendas share one."""
        return _availability(agenda)

    def starts(self, cells: range) -> int:
        """The offered starts: bit ``i`` stands for the cell ``cells.start + i``."""
        return self._starts.bits(cells)

    def offers(self, start: datetime) -> bool:
        """Whether a visit may start at this instant."""
        cell, beyond = divmod(as_utc(start) - EPOCH, CELL)
        day, index = divmod(cell, CELLS_PER_DAY)
        return not beyond and bool(self._starts[day][index >> 3] >> (index & 7) & 1)

    def covers(self, interval: Interval) -> bool:
        """Whether every instant of the interval lies in some window, whatever the grid and the lengths."""
        cells = interval.cells()
        return self._open.bits(cells) == (1 << len(cells)) - 1


@lru_cache(maxsize=1024)
def _availability(agenda: Agenda) -> Availability:
    rules = _Rules.of(agenda)
    return Availability(_Days(rules, agenda.consultation // CELL, agenda.step // CELL), _Days(rules, 1, 1))


@attrs.frozen(eq=False)
class _Rules:
    """The windows that hold on each local date."""

    zone: TimeZone
    weekly: tuple[Spans, ...]
    special: dict[int, Spans]

    @classmethod
    def of(cls, agenda: Agenda) -> "_Rules":
        weekly: list[Spans] = [()] * 7
        for weekday, window in ((rule.weekday, rule.window) for rule in agenda.weekly):
            weekly[weekday] += ((window.start, window.end),)
        special: dict[int, Spans] = {}
        closed: set[int] = set()
        for rule in agenda.dates:
            day = (rule.date - EPOCH.date()).days
            if rule.window is None:
                closed.add(day)
            else:
                special[day] = (*special.get(day, ()), (rule.window.start, rule.window.end))
        return cls(agenda.time_zone, tuple(weekly), special | dict.fromkeys(closed, ()))

    def on(self, day: int) -> Spans:
        """The windows that belong to a date, clipped at its end where the next date has rules of its own."""
        spans = self.special.get(day)
        if spans is None:
            spans = self.weekly[date.fromordinal(EPOCH.toordinal() + day).weekday()]
        return tuple((start, min(end, DAY)) for start, end in spans) if day + 1 in self.special else spans


class _Days(dict[int, bytes]):
    """The starts of each UTC day, worked out when first asked for; two threads at once work out the same."""

    def __init__(self, rules: _Rules, length: int, step: int) -> None:
        super().__init__()
        self._rules = rules
        self._length = length
        self._step = step

    def __missing__(self, day: int) -> bytes:
        bits = 0
        for days_before in range(4):
            local = day + 1 - days_before
            offsets = _offsets(self._rules.zone, local)
            painted = _painted(self._rules.on(local), offsets, self._length, self._step)
            bits |= painted >> days_before * CELLS_PER_DAY
        if len(self) >= _MOST_DAYS:
            self.clear()
        self[day] = cells = (bits & _FULL_DAY).to_bytes(CELLS_PER_DAY // 8, "little")
        return cells

    def bits(self, cells: range) -> int:
        day, index = divmod(cells.start, CELLS_PER_DAY)
        days = range(day, (cells.stop - 1) // CELLS_PER_DAY + 1)
        return int.from_bytes(b"".join(map(self.__getitem__, days)), "little") >> index & (1 << len(cells)) - 1


@lru_cache(maxsize=4096)
def _painted(spans: Spans, offsets: Offsets, length: int, step: int) -> int:
    """The starts of one local date's windows; bit 0 is the cell 24 hours before its midnight told as UTC."""
    bits = 0
    for first, past in _components(spans, offsets):
        starts = range(first, past - length + 1, step)
        bits |= ((1 << len(starts) * step) - 1) // ((1 << step) - 1) << first + CELLS_PER_DAY
    return bits


def _components(spans: Spans, offsets: Offsets) -> Iterator[tuple[int, int]]:
    """The whole cells ``[first, past)`` of each run of instants whose clock is inside one window."""
    for start, end in spans:
        runs: list[tuple[int, int]] = []
        for (since, offset), (until, _) in pairwise((*offsets, (3 * _DAY_SECONDS, 0))):
            begin, stop = max(since, start * 60 - offset), min(until, end * 60 - offset)
            if begin >= stop:
                continue
            if runs and runs[-1][1] == begin:
                begin, _ = runs.pop()
            runs.append((begin, stop))
        yield from ((-(-begin // CELL_SECONDS), stop // CELL_SECONDS) for begin, stop in runs)


@lru_cache(maxsize=16384)
def _offsets(zone: TimeZone, day: int) -> Offsets:
    """The offsets from 24 hours before a date's midnight told as UTC to 72 after: all that its windows can meet."""
    midnight = day * _DAY_SECONDS
    found = [(-_DAY_SECONDS, _offset(zone, midnight - _DAY_SECONDS))]
    for hence in range(0, 4 * _DAY_SECONDS, _DAY_SECONDS):
        after = _offset(zone, midnight + hence)
        if after != found[-1][1]:
            found.append((_change(zone, midnight + hence - _DAY_SECONDS, midnight + hence) - midnight, after))
    return tuple(found)


def _change(zone: TimeZone, begin: int, end: int) -> int:
    """The second at which the one change of offset between two instants takes place."""
    before = _offset(zone, begin)
    return begin + bisect_left(range(begin, end), x=True, key=lambda second: _offset(zone, second) != before)


@lru_cache(maxsize=16384)
def _offset(zone: TimeZone, second: int) -> int:
    instant = EPOCH + timedelta(seconds=second)
    ahead = instant.astimezone(zone.info).replace(tzinfo=None) - instant.replace(tzinfo=None)
    return ahead // timedelta(seconds=1)
