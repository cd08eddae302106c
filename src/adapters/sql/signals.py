"""What the sides of each meeting say to each other, in SQL.

Who writes to a log locks its row in ``signal_logs`` first, and has the next ``seq`` of it: so the entries of one
meeting are committed in their order, and whoever has a seat or loses it does so between two of them.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

import attrs
import orjson
from sqlalchemy import Connection, Row, bindparam, delete, insert, select, text, update

from adapters.sql.tables import SIGNAL_LOGS, SIGNALS
from adapters.sql.transactions import Database
from telemed_core.domain.events import Side
from telemed_core.domain.ids import ConnectionId, MeetingId
from telemed_core.domain.signals import MOST_KEPT, Seat, Signal, SignalKind, Welcome
from telemed_core.errors import SeatLostError
from telemed_core.ports.services import Sealing

_NEVER: Final = 2**31 - 1

_COLUMNS: Final = "meeting_id, seq, side, connection_id, kind, sealed"
_OPEN: Final = text(
    "INSERT INTO signal_logs (meeting_id, seq, closed) VALUES (:meeting_id, 1, false)"
    " ON CONFLICT (meeting_id) DO UPDATE SET seq = signal_logs.seq + 1 RETURNING seq, closed"
)
_CLOSE: Final = text(
    "INSERT INTO signal_logs (meeting_id, seq, closed) VALUES (:meeting_id, 1, true) ON CONFLICT (meeting_id)"
    " DO UPDATE SET seq = signal_logs.seq + 1, closed = true WHERE NOT signal_logs.closed RETURNING seq"
)
_NEXT: Final = (
    update(SIGNAL_LOGS)
    .where(SIGNAL_LOGS.c.meeting_id == bindparam("of"))
    .values(seq=SIGNAL_LOGS.c.seq + 1)
    .returning(SIGNAL_LOGS.c.seq)
)
_CLOSED: Final = select(SIGNAL_LOGS.c.closed).where(SIGNAL_LOGS.c.meeting_id == bindparam("meeting_id"))
_LOCK: Final = (
    select(SIGNAL_LOGS.c.meeting_id)
    .where(SIGNAL_LOGS.c.meeting_id.in_(bindparam("meeting_ids", expanding=True)))
    .order_by(SIGNAL_LOGS.c.meeting_id)
    .with_for_update()
)

# Only what is said is sealed: the rest are the last coming or going of each side, or the end.
_OF_MEETING: Final = SIGNALS.c.meeting_id == bindparam("of")
_OF_SIDE: Final = (_OF_MEETING, SIGNALS.c.side == bindparam("of_side"))
_SAID: Final = SIGNALS.c.sealed.is_not(None)
_PRESENCE: Final = SIGNALS.c.sealed.is_(None)
_SEATED: Final = (
    *_OF_SIDE,
    _PRESENCE,
    SIGNALS.c.connection_id == bindparam("speaker"),
    SIGNALS.c.kind == SignalKind.ENTERED.value,
)
_PRESENCES: Final = select(SIGNALS).where(_OF_MEETING, _PRESENCE)
_COME_AGAIN: Final = update(SIGNALS).where(*_OF_SIDE, _PRESENCE)
_GO: Final = update(SIGNALS).where(*_SEATED).values(kind=SignalKind.LEFT.value, owner=None)
_ADD: Final = insert(SIGNALS)
_FORGET: Final = delete(SIGNALS).where(
    *_OF_SIDE,
    _SAID,
    (SIGNALS.c.seq < bindparam("heard")) | (SIGNALS.c.connection_id != bindparam("speaker")),
)
_FORGET_ALL: Final = delete(SIGNALS).where(_OF_MEETING)
_WAITING: Final = select(SIGNALS).where(*_OF_SIDE, _SAID, SIGNALS.c.seq < bindparam("entered")).order_by(SIGNALS.c.seq)
_COUNT: Final = (
    update(SIGNALS).where(*_SEATED, SIGNALS.c.number < bindparam("saying")).values(number=bindparam("saying"))
)
_COUNTED: Final = select(SIGNALS.c.number).where(*_SEATED)
_TRIM: Final = text(
    "DELETE FROM signals WHERE meeting_id = :of AND sealed IS NOT NULL AND seq <= (SELECT seq FROM signals"
    " WHERE meeting_id = :of AND sealed IS NOT NULL ORDER BY seq DESC LIMIT 1 OFFSET :most)"
)
# What is asked arrives as one JSON text, so that the statement is the same text however many they are; each log is
# looked up by its key, which neither database would do by itself where it thinks that the table is small.
_READ: Final = {
    "sqlite": text(
        f"SELECT {_COLUMNS} FROM json_each(:after) AS asked CROSS JOIN signals"  # noqa: S608 # our own names
        " ON signals.meeting_id = asked.key AND signals.seq > asked.value ORDER BY meeting_id, seq"
    ),
    "postgresql": text(
        f"SELECT {_COLUMNS} FROM json_each_text(CAST(:after AS json)) AS asked CROSS JOIN LATERAL"  # noqa: S608 # as above
        " (SELECT * FROM signals WHERE meeting_id = asked.key AND seq > CAST(asked.value AS integer) OFFSET 0) AS news"
        " ORDER BY meeting_id, seq"
    ),
}
_OWNERS: Final = select(SIGNALS.c.owner).where(SIGNALS.c.owner.is_not(None)).distinct()
_HELD: Final = select(SIGNALS).where(SIGNALS.c.owner.in_(bindparam("owners", expanding=True)))


@attrs.frozen
class SqlSignals:
    """Signals in SQL; what is said is sealed."""

    _database: Database
    _sealing: Sealing

    def enter(self, seat: Seat, /, *, owner: str) -> Welcome:
        seq, present, waiting = self._database.write(lambda connection: _enter(connection, seat, owner))
        return Welcome(seq=seq, present=present, waiting=tuple(self._signal(row) for row in waiting))

    def append(self, seat: Seat, /, *, number: int, kind: SignalKind, data: str) -> None:
        sealed = self._sealing.seal(data, context=_context(seat.meeting_id, seat.side))
        entry = {"number": number, "kind": kind.value, "sealed": sealed}
        self._database.write(lambda connection: _append(connection, seat, entry))

    def read(self, after: Mapping[MeetingId, int], /) -> Mapping[MeetingId, Sequence[Signal]]:
        asked = {"after": orjson.dumps({**after}, option=orjson.OPT_NON_STR_KEYS).decode()}
        rows = self._database.read(lambda connection: connection.execute(_READ[connection.dialect.name], asked).all())
        return {
            MeetingId(meeting_id): [self._signal(row) for row in news]
            for meeting_id, news in groupby(rows, key=lambda row: row.meeting_id)
        }

    def leave(self, seat: Seat, /) -> None:
        self._database.write(lambda connection: _leave(connection, seat))

    def owners(self) -> Collection[str]:
        return self._database.read(lambda connection: {*connection.execute(_OWNERS).scalars()})

    def free(self, owners: Collection[str], /) -> int:
        counts: list[int] = []

        def work(connection: Connection) -> int:
            counts.append(sum(1 for _ in _free(connection, owners)))
            # A run whose answer was lost has freed them, where this one has found nobody.
            return max(counts)

        return self._database.write(work)

    def close(self, meeting_id: MeetingId, /) -> None:
        self._database.write(lambda connection: _close(connection, meeting_id))

    def is_closed(self, meeting_id: MeetingId, /) -> bool:
        asked = {"meeting_id": meeting_id}
        return bool(self._database.read(lambda connection: connection.execute(_CLOSED, asked).scalar()))

    def _signal(self, row: Row[Any]) -> Signal:
        meeting_id, side = MeetingId(row.meeting_id), Side(row.side)
        signal = Signal(
            meeting_id=meeting_id,
            seq=row.seq,
            side=side,
            connection=None if row.connection_id is None else ConnectionId(row.connection_id),
            kind=SignalKind(row.kind),
        )
        if row.sealed is None:
            return signal
        return attrs.evolve(signal, data=self._sealing.unseal(row.sealed, context=_context(meeting_id, side)))


def _context(meeting_id: MeetingId, side: Side) -> str:
    return f"signal/{meeting_id}/{side.value}"


def _other(side: Side) -> Side:
    return Side.PATIENT if side is Side.DOCTOR else Side.DOCTOR


def _seated(seat: Seat) -> dict[str, Any]:
    return {"of": seat.meeting_id, "of_side": seat.side.value, "speaker": seat.connection}


def _enter(connection: Connection, seat: Seat, owner: str) -> tuple[int, bool, Sequence[Row[Any]]]:
    """The entry's ``seq``, whether the other side has a seat, and what waits."""
    seq, closed = connection.execute(_OPEN, {"meeting_id": seat.meeting_id}).one()
    if closed:
        raise SeatLostError
    presences = {Side(row.side): row for row in connection.execute(_PRESENCES, {"of": seat.meeting_id})}
    mine, other = presences.get(seat.side), presences.get(_other(seat.side))
    present = other is not None and other.kind == SignalKind.ENTERED.value
    spoken = {"of": seat.meeting_id, "of_side": _other(seat.side).value}
    if mine is not None and mine.kind == SignalKind.ENTERED.value and mine.connection_id == seat.connection:
        connection.rollback()
        seq = mine.seq
    else:
        entered = {"seq": seq, "connection_id": seat.connection, "kind": SignalKind.ENTERED.value, "owner": owner}
        _come(connection, seat, {**entered, "number": 0}, again=mine is not None)
        taken = mine is not None and mine.kind == SignalKind.ENTERED.value
        heard = _NEVER if taken or not present else mine.seq if mine is not None else 0
        speaker = "" if other is None else other.connection_id
        connection.execute(_FORGET, {**spoken, "heard": heard, "speaker": speaker})
    return seq, present, connection.execute(_WAITING, {**spoken, "entered": seq}).all()


def _come(connection: Connection, seat: Seat, entered: Mapping[str, Any], *, again: bool) -> None:
    side = seat.side.value
    if again:
        connection.execute(_COME_AGAIN, {**entered, "of": seat.meeting_id, "of_side": side})
    else:
        connection.execute(_ADD, {**entered, "meeting_id": seat.meeting_id, "side": side, "sealed": None})


def _next(connection: Connection, meeting_id: str) -> int:
    """Lock the log; the ``seq`` of its next entry, 0 where nobody has ever been there."""
    seq: int | None = connection.execute(_NEXT, {"of": meeting_id}).scalar_one_or_none()
    return seq or 0


def _append(connection: Connection, seat: Seat, entry: Mapping[str, Any]) -> None:
    of, seated = {"of": seat.meeting_id}, _seated(seat)
    seq = _next(connection, seat.meeting_id)
    if not connection.execute(_COUNT, {**seated, "saying": entry["number"]}).rowcount:
        if connection.execute(_COUNTED, seated).scalar() is None:
            raise SeatLostError
        connection.rollback()
        return
    said = {"meeting_id": seat.meeting_id, "seq": seq, "side": seat.side.value, "connection_id": seat.connection}
    connection.execute(_ADD, {**entry, **said, "owner": None})
    if seq > MOST_KEPT:
        connection.execute(_TRIM, {**of, "most": MOST_KEPT})


def _leave(connection: Connection, seat: Seat) -> None:
    seq = _next(connection, seat.meeting_id)
    if not connection.execute(_GO, {**_seated(seat), "seq": seq}).rowcount:
        connection.rollback()


def _free(connection: Connection, owners: Collection[str]) -> Iterator[MeetingId]:
    """The meeting of each connection that leaves."""
    asked = {"owners": [*owners]}
    meetings = {row.meeting_id for row in connection.execute(_HELD, asked)}
    locked = {*connection.execute(_LOCK, {"meeting_ids": [*meetings]}).scalars()}
    for row in connection.execute(_HELD, asked).all():
        if row.meeting_id in locked:
            seq = _next(connection, row.meeting_id)
            seated = {"of": row.meeting_id, "of_side": row.side, "speaker": row.connection_id}
            connection.execute(_GO, {**seated, "seq": seq})
            yield MeetingId(row.meeting_id)


def _close(connection: Connection, meeting_id: MeetingId) -> None:
    seq = connection.execute(_CLOSE, {"meeting_id": meeting_id}).scalar_one_or_none()
    if seq is None:
        return
    connection.execute(_FORGET_ALL, {"of": meeting_id})
    end = {"meeting_id": meeting_id, "seq": seq, "side": Side.SYSTEM.value, "kind": SignalKind.CLOSED.value}
    connection.execute(_ADD, {**end, "connection_id": None, "number": 0, "owner": None, "sealed": None})
