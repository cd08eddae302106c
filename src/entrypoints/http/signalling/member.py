"""Somebody who has a seat in a meeting, and what it hears of what is in the meeting's log."""

import attrs

from entrypoints.http.signalling.connection import Close, Connection
from telemed_core.domain.signals import Seat, Signal, SignalKind
from telemed_core.messages.signalling import peer_text, signal_text


@attrs.define(eq=False)
class Member:
    """Somebody in a meeting.

    Attributes:
        seq: how far it has read the meeting's log.
        said: how many messages it has sent.
    """

    seat: Seat
    connection: Connection
    seq: int
    said: int = 0

    def hear(self, signal: Signal) -> None:
        """What is in the log behind what it has read."""
        if signal.seq <= self.seq:
            return
        self.seq = signal.seq
        if signal.kind is SignalKind.CLOSED:
            self.connection.end(Close.OVER)
        elif signal.side is self.seat.side:
            self._hear_of_own_side(signal)
        elif signal.kind.said:
            self.connection.tell(signal_text(signal))
        else:
            self.connection.tell(peer_text(present=signal.kind is SignalKind.ENTERED))

    def _hear_of_own_side(self, signal: Signal) -> None:
        if signal.kind.said:
            return
        if signal.connection != self.seat.connection:
            self.connection.end(Close.REPLACED)
        elif signal.kind is SignalKind.LEFT:
            # Somebody took this process for dead.
            self.connection.end(Close.TRY_AGAIN)
