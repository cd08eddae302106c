"""What the sides of each meeting say to each other, on DynamoDB.

Whoever writes to a log puts its head in the place of the one they have read, and their message beside it in the same
transaction: so the entries of one meeting are committed in their order. Comings and goings stand in the head itself.
Who reads takes the head first, and then of the messages those up to its ``seq``, all of which are there by then.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Final

import attrs

from adapters.dynamodb.access import Dynamo, Query
from adapters.dynamodb.actions import Action, Item, key, pair
from adapters.dynamodb.items import SHARDS
from adapters.dynamodb.parallel import merged, together
from adapters.dynamodb.settling import commit
from adapters.dynamodb.signal_items import (
    SAID,
    delete_action,
    head_action,
    held_partition,
    load_log,
    log_key,
    log_partition,
    meeting_of,
    message_item,
    message_key,
    owner_in,
    put_action,
    seat_action,
    seat_key,
    signal,
    sort_key,
)
from adapters.dynamodb.signal_log import SIDES, Log, other
from adapters.dynamodb.tables import HELD, Table
from telemed_core.domain.events import Side
from telemed_core.domain.ids import MeetingId
from telemed_core.domain.signals import MOST_KEPT, Seat, Signal, SignalKind, Welcome
from telemed_core.errors import BusyError, SeatLostError, UnavailableError
from telemed_core.ports.services import Sealing

_MOST_TRIES: Final = 32
"""In each round one of those who write to a log does: only a crowd, which no meeting has, comes near it."""
_A_FEW: Final = 8


@attrs.frozen
class _Change:
    """The log as somebody leaves it, and what is written and removed together with its head."""

    log: Log
    actions: Sequence[Action] = ()


@attrs.frozen
class DynamoSignals:
    """Signals on DynamoDB; what is said is sealed."""

    _dynamo: Dynamo
    _sealing: Sealing

    @property
    def _table(self) -> Table:
        return self._dynamo.tables.scheduling

    def enter(self, seat: Seat, /, *, owner: str) -> Welcome:
        found: list[Item] = []

        def decide(log: Log) -> _Change | None:
            if log.closed:
                raise SeatLostError
            found[:] = self._messages(log) if log.kept else ()
            if log.has(seat):
                return None
            entered = log.entered(seat, owner, map(signal, found))
            return _Change(entered, [seat_action(self._table.name, seat.meeting_id, seat.side, owner)])

        log = self._change(seat.meeting_id, decide)
        self._forget(item for item in found if not log.counts(signal(item)))
        mine, theirs = log.place(seat.side), log.place(other(seat.side))
        assert mine is not None  # noqa: S101 # it has just been entered
        return Welcome(
            seq=mine.seq,
            present=theirs is not None and theirs.owner is not None,
            waiting=tuple(
                self._whole(item)
                for item in found
                if (said := signal(item)).side is not seat.side and said.seq < mine.seq and log.counts(said)
            ),
        )

    def append(self, seat: Seat, /, *, number: int, kind: SignalKind, data: str) -> None:
        sealed = self._sealing.seal(data, context=_context(seat.meeting_id, seat.side))

        def decide(log: Log) -> _Change | None:
            place = log.place(seat.side)
            if place is None or not place.has(seat.connection):
                raise SeatLostError
            if number <= place.number:
                return None
            spoken = log.spoken(seat, number)
            said = put_action(self._table.name, message_item(seat, spoken.seq, kind, sealed))
            if spoken.kept <= MOST_KEPT:
                return _Change(spoken, [said])
            oldest = (one for one in map(signal, self._messages(log, page=_A_FEW)) if log.counts(one))
            # There is none where the log has been closed meanwhile, by which this is refused.
            gone = [delete_action(self._table.name, message_key(one.meeting_id, one.seq)) for one in islice(oldest, 1)]
            return _Change(spoken.without_one(), [said, *gone])

        self._change(seat.meeting_id, decide)

    def read(self, after: Mapping[MeetingId, int], /) -> Mapping[MeetingId, Sequence[Signal]]:
        logs = self._logs(after)
        news = {one: seq for one, seq in after.items() if one in logs and logs[one].seq > seq}
        read = together([partial(self._behind, logs[one], seq) for one, seq in news.items()])
        return {one: entries for one, entries in zip(news, read, strict=True) if entries}

    def _logs(self, meetings: Collection[MeetingId]) -> dict[MeetingId, Log]:
        keys = {meeting_id: log_key(meeting_id) for meeting_id in meetings}
        found = self._dynamo.batch_get(self._table, keys.values()) if keys else {}
        items = {meeting_id: found.get(pair(at)) for meeting_id, at in keys.items()}
        return {meeting_id: load_log(meeting_id, item) for meeting_id, item in items.items() if item is not None}

    def _behind(self, log: Log, seq: int) -> list[Signal]:
        entries = [one for one in log.presences() if one.seq > seq]
        # Comings and goings alone are no reason to look further.
        if log.kept and len(entries) < log.seq - seq:
            said = self._messages(log, after=seq)
            entries += (self._whole(item) for item in said if log.counts(signal(item)))
        return sorted(entries, key=lambda one: one.seq)

    def _messages(self, log: Log, *, after: int = 0, page: int | None = None) -> Iterator[Item]:
        low = after + 1
        if low > log.seq:
            return iter(())
        asked = Query(
            table=self._table, partition=log_partition(log.meeting_id), low=sort_key(low), high=sort_key(log.seq)
        )
        return self._dynamo.query(asked) if page is None else merged(self._dynamo, [asked], page=page)

    def leave(self, seat: Seat, /) -> None:
        def decide(log: Log) -> _Change | None:
            if not log.has(seat):
                return None
            return _Change(log.left(seat.side), [delete_action(self._table.name, seat_key(seat.meeting_id, seat.side))])

        self._change(seat.meeting_id, decide)

    def owners(self) -> Collection[str]:
        """As ``Signals.owners``; the index lags: who has entered a moment ago may be missing."""
        return {owner_in(item) for item in self._held()}

    def _held(self) -> Iterator[Item]:
        shards = [Query(table=self._table, index=HELD, partition=held_partition(shard)) for shard in range(SHARDS)]
        return merged(self._dynamo, shards)

    def free(self, owners: Collection[str], /) -> int:
        if not owners:
            return 0
        meetings = {meeting_of(item) for item in self._held() if owner_in(item) in owners}
        return sum(self._free(meeting_id, owners) for meeting_id in meetings)

    def _free(self, meeting_id: MeetingId, owners: Collection[str]) -> int:
        freed: list[Side] = []

        def decide(log: Log) -> _Change | None:
            places = {side: place for side in SIDES if (place := log.place(side))}
            freed[:] = [side for side, place in places.items() if place.owner in owners]
            for side in freed:
                log = log.left(side)
            gone = [delete_action(self._table.name, seat_key(meeting_id, side)) for side in freed]
            return _Change(log, gone) if freed else None

        self._change(meeting_id, decide)
        return len(freed)

    def close(self, meeting_id: MeetingId, /) -> None:
        def decide(log: Log) -> _Change | None:
            if log.closed:
                return None
            sides = (side for side in SIDES if log.place(side))
            return _Change(log.ended(), [delete_action(self._table.name, seat_key(meeting_id, side)) for side in sides])

        self._change(meeting_id, decide)
        # Also where it was closed: who closed it may have been stopped before this.
        said = self._dynamo.query(Query(table=self._table, partition=log_partition(meeting_id), begins=SAID))
        self._remove(said)

    def is_closed(self, meeting_id: MeetingId, /) -> bool:
        item = self._dynamo.get(self._table, log_key(meeting_id))
        return item is not None and load_log(meeting_id, item).closed

    def _change(self, meeting_id: MeetingId, decide: Callable[[Log], _Change | None]) -> Log:
        """The log as it is after the change that was decided on it; where it has gone on since, it is decided again."""
        for _ in range(_MOST_TRIES):
            item = self._dynamo.get(self._table, log_key(meeting_id))
            log = Log(meeting_id) if item is None else load_log(meeting_id, item)
            change = decide(log)
            if change is None:
                return log
            actions = [head_action(self._table.name, log, change.log), *change.actions]
            if not commit(self._dynamo, actions):
                return change.log
        raise BusyError

    def _forget(self, items: Iterator[Item]) -> None:
        try:
            self._remove(items)
        except UnavailableError:
            # They are out of the log already; the end of the meeting removes what is left.
            return

    def _remove(self, items: Iterator[Item]) -> None:
        keys = [key(*pair(item)) for item in items]
        together([partial(self._dynamo.delete, self._table, one) for one in keys])

    def _whole(self, item: Item) -> Signal:
        """The message with what it says."""
        said, sealed = signal(item), item["sealed"]["B"]
        assert isinstance(sealed, bytes)  # noqa: S101 # as it was written
        return attrs.evolve(said, data=self._sealing.unseal(sealed, context=_context(said.meeting_id, said.side)))


def _context(meeting_id: MeetingId, side: Side) -> str:
    return f"signal/{meeting_id}/{side.value}"
