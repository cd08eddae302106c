"""The ledger is verified against the appointments, and mended."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

import attrs

from telemed_core.domain.ids import PersonId
from telemed_core.domain.instants import Interval
from telemed_core.domain.ledger import Difference, LedgerPage, Repair, differences, repairs
from telemed_core.errors import SlotTakenError, StaleRevisionError
from telemed_core.ports.storage import Ledger

AT_ONCE = 100


@attrs.frozen
class VerifyLedger:
    """Every cell in which ledger and appointments differ; none: the ledger is clean."""

    _ledger: Ledger

    def __call__(self, *, person: PersonId | None = None, day: date | None = None) -> Iterator[Difference]:
        for page in _pages(self._ledger, person, day):
            yield from differences(page)


@attrs.frozen
class RepairLedger:
    """Free what no live appointment covers, claim again what is covered and free; what others own stays.

    Answers the repairs made and the differences that remain.
    """

    _ledger: Ledger

    def __call__(
        self, *, person: PersonId | None = None, day: date | None = None
    ) -> tuple[Sequence[Repair], Sequence[Difference]]:
        made = [repair for _ in ("free", "claim again") for repair in self._mend(person, day)]
        return made, list(VerifyLedger(self._ledger)(person=person, day=day))

    def _mend(self, person: PersonId | None, day: date | None) -> Iterator[Repair]:
        for page in _pages(self._ledger, person, day):
            for repair in repairs(page):
                try:
                    self._ledger.apply(repair)
                except (StaleRevisionError, SlotTakenError):
                    continue
                yield repair


def _pages(ledger: Ledger, person: PersonId | None, day: date | None) -> Iterator[LedgerPage]:
    cells = None
    if day is not None:
        cells = Interval.lasting(datetime(day.year, day.month, day.day, tzinfo=UTC), timedelta(days=1)).cells()
    if person is not None:
        yield ledger.read((person,), cells=cells)
        return
    last: PersonId | None = None
    while people := ledger.people(after=last, limit=AT_ONCE):
        yield ledger.read(people, cells=cells)
        last = people[-1]
