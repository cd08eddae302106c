"""Slots: the starts that can be booked now, for the list and for the booking alike."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache

import attrs

from telemed_core.domain.agenda import Agenda, Block
from telemed_core.domain.availability import Availability
from telemed_core.domain.instants import CELL, EPOCH, Interval, as_utc, cell_of, cell_start
from telemed_core.errors import BeyondHorizonError, SlotNotOfferedError, TooSoonError

_start_of = lru_cache(maxsize=32768)(cell_start)


@attrs.frozen
class Slots:
    """Visits of one length that can be booked, by their start.

    Attributes:
        first_cell: the 5-minute cell that bit 0 stands for.
        bits: one for each cell at which a visit may start.
        consultation: length of each visit.
    """

    first_cell: int
    bits: int
    consultation: timedelta

    def starts(self) -> list[datetime]:
        """The starts in UTC, in order."""
        return [_start_of(cell) for cell in self._cells()]

    def __iter__(self) -> Iterator[Interval]:
        return (Interval.lasting(_start_of(cell), self.consultation) for cell in self._cells())

    def __len__(self) -> int:
        return self.bits.bit_count()

    def __bool__(self) -> bool:
        return self.bits != 0

    def __contains__(self, start: datetime) -> bool:
        cell, beyond = divmod(as_utc(start) - EPOCH, CELL)
        return not beyond and cell >= self.first_cell and bool(self.bits >> cell - self.first_cell & 1)

    def _cells(self) -> Iterator[int]:
        cell = self.first_cell - 1
        for zeros in f"{self.bits:b}"[::-1].split("1")[:-1]:
            cell += len(zeros) + 1
            yield cell


def free_slots(
    agenda: Agenda,
    blocks: Iterable[Block],
    *,
    within: Interval,
    now: datetime,
    doctor_busy: Iterable[range] = (),
    patient_busy: Iterable[range] = (),
) -> Slots:
    """The slots that start within an interval and that nothing stands in the way of.

    Args:
        doctor_busy: runs of cells that the doctor's appointments own, buffers included.
        patient_busy: runs of cells that the patient's appointments own, where the patient is known.
    """
    first = _cell_from(max(within.start, agenda.soonest(now)))
    past = min(_cell_from(within.end), cell_of(now + agenda.horizon) + 1)
    bits = Availability.of(agenda).starts(range(first, past))
    if bits:
        taken = 0
        for begin, stop in _refused(agenda, blocks, doctor_busy, patient_busy):
            if begin < past and stop > first:
                index = max(begin - first, 0)
                taken |= (1 << stop - first - index) - 1 << index
        bits &= ~taken
    return Slots(first, bits, agenda.consultation)


def check_start(agenda: Agenda, blocks: Iterable[Block], start: datetime, *, now: datetime) -> Interval:
    """The visit that would start at this instant, if the doctor's rules and absences allow it.

    Raises:
        TooSoonError: past, or nearer than the notice.
        BeyondHorizonError: further ahead than the agenda is open.
        SlotNotOfferedError: no start of a window, or in an absence.
    """
    if start < agenda.soonest(now):
        raise TooSoonError("start")
    if start > now + agenda.horizon:
        raise BeyondHorizonError("start")
    visit = Interval.lasting(start, agenda.consultation)
    if not Availability.of(agenda).offers(start) or any(block.interval.overlaps(visit) for block in blocks):
        raise SlotNotOfferedError("start")
    return visit


def _cell_from(instant: datetime) -> int:
    """The first cell that begins at the instant or after it."""
    return -int((EPOCH - instant) // CELL)


def _refused(
    agenda: Agenda, blocks: Iterable[Block], doctor_busy: Iterable[range], patient_busy: Iterable[range]
) -> Iterator[tuple[int, int]]:
    """The starts, as cells ``[begin, stop)``, whose visit would meet an absence or an owned cell."""
    for block in blocks:
        yield cell_of(block.interval.start - agenda.consultation) + 1, _cell_from(block.interval.end)
    for owned, length in ((doctor_busy, agenda.step // CELL), (patient_busy, agenda.consultation // CELL)):
        yield from ((run.start - length + 1, run.stop) for run in owned if run)
