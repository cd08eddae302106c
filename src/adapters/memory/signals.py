"""What the sides of each meeting say to each other, in memory."""

from collections.abc import Collection, Mapping, Sequence

import attrs

from adapters.memory.state import Seated, SignalLog, State
from telemed_core.domain.events import Side
from telemed_core.domain.ids import MeetingId
from telemed_core.domain.signals import MOST_KEPT, Seat, Signal, SignalKind, Welcome
from telemed_core.errors import SeatLostError


@attrs.frozen
class MemorySignals:
    """Signals in memory."""

    _state: State

    def enter(self, seat: Seat, /, *, owner: str) -> Welcome:
        with self._state.lock:
            log = self._state.signals.setdefault(seat.meeting_id, SignalLog())
            if log.closed:
                raise SeatLostError
            if not _has(log, seat):
                forgotten = _forgotten(log, seat)
                log.entries = [one for one in log.entries if one not in forgotten]
                log.seated[seat.side] = Seated(seat, owner)
                _come_or_go(log, seat, SignalKind.ENTERED)
            entered = next(one for one in log.entries if _is_presence(one, seat.side))
            waiting = (one for one in _said_to(log, seat) if one.seq < entered.seq)
            return Welcome(seq=entered.seq, present=_other(seat.side) in log.seated, waiting=tuple(waiting))

    def append(self, seat: Seat, /, *, number: int, kind: SignalKind, data: str) -> None:
        with self._state.lock:
            log = self._state.signals.get(seat.meeting_id)
            if log is None or not _has(log, seat):
                raise SeatLostError
            seated = log.seated[seat.side]
            if number > seated.said:
                seated.said = number
                _add(log, _entry(seat, kind, data))
                said = [one for one in log.entries if one.kind.said]
                if len(said) > MOST_KEPT:
                    log.entries.remove(said[0])

    def read(self, after: Mapping[MeetingId, int], /) -> Mapping[MeetingId, Sequence[Signal]]:
        with self._state.lock:
            news = {one: _behind(self._state.signals.get(one), seq) for one, seq in after.items()}
        return {meeting_id: entries for meeting_id, entries in news.items() if entries}

    def leave(self, seat: Seat, /) -> None:
        with self._state.lock:
            log = self._state.signals.get(seat.meeting_id)
            if log is not None and _has(log, seat):
                del log.seated[seat.side]
                _come_or_go(log, seat, SignalKind.LEFT)

    def owners(self) -> Collection[str]:
        with self._state.lock:
            return {one.owner for one in self._seated()}

    def free(self, owners: Collection[str], /) -> int:
        with self._state.lock:
            held = [one.seat for one in self._seated() if one.owner in owners]
            for seat in held:
                self.leave(seat)
        return len(held)

    def close(self, meeting_id: MeetingId, /) -> None:
        with self._state.lock:
            log = self._state.signals.setdefault(meeting_id, SignalLog())
            if not log.closed:
                log.entries, log.seated, log.closed = [], {}, True
                end = Signal(meeting_id=meeting_id, seq=0, side=Side.SYSTEM, connection=None, kind=SignalKind.CLOSED)
                _add(log, end)

    def is_closed(self, meeting_id: MeetingId, /) -> bool:
        with self._state.lock:
            log = self._state.signals.get(meeting_id)
            return log is not None and log.closed

    def _seated(self) -> Sequence[Seated]:
        return [one for log in self._state.signals.values() for one in log.seated.values()]


def _other(side: Side) -> Side:
    return Side.PATIENT if side is Side.DOCTOR else Side.DOCTOR


def _has(log: SignalLog, seat: Seat) -> bool:
    seated = log.seated.get(seat.side)
    return seated is not None and seated.seat.connection == seat.connection


def _is_presence(entry: Signal, side: Side) -> bool:
    return entry.side is side and not entry.kind.said


def _said_to(log: SignalLog, seat: Seat) -> list[Signal]:
    return [one for one in log.entries if one.kind.said and one.side is _other(seat.side)]


def _forgotten(log: SignalLog, seat: Seat) -> list[Signal]:
    """What was said to that side and will never be read, where that connection enters now."""
    last = next((one for one in log.entries if _is_presence(one, seat.side)), None)
    other = log.seated.get(_other(seat.side))
    said = _said_to(log, seat)
    if other is None or (last is not None and last.kind is SignalKind.ENTERED):
        return said
    heard = last.seq if last is not None else 0
    return [one for one in said if one.seq < heard or one.connection != other.seat.connection]


def _come_or_go(log: SignalLog, seat: Seat, kind: SignalKind) -> None:
    """The side's presence, in the place of the one before."""
    log.entries = [one for one in log.entries if not _is_presence(one, seat.side)]
    _add(log, _entry(seat, kind))


def _entry(seat: Seat, kind: SignalKind, data: str = "null") -> Signal:
    return Signal(meeting_id=seat.meeting_id, seq=0, side=seat.side, connection=seat.connection, kind=kind, data=data)


def _add(log: SignalLog, entry: Signal) -> None:
    log.seq += 1
    log.entries.append(attrs.evolve(entry, seq=log.seq))


def _behind(log: SignalLog | None, seq: int) -> list[Signal]:
    return [one for one in log.entries if one.seq > seq] if log is not None and log.seq > seq else []
