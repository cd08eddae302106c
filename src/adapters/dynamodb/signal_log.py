"""The head of a meeting's log: who is in which seat, how far it has come, and which of what was said still counts.

What is forgotten goes out of the log by a change of its head, in the transaction of whoever makes it go; that its items
go too, a little later, saves room and nothing else.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from telemed_core.domain.events import Side
from telemed_core.domain.ids import ConnectionId, MeetingId
from telemed_core.domain.signals import Seat, Signal, SignalKind

_NOTHING_BEFORE: Final = 2**31 - 1
SIDES: Final = (Side.DOCTOR, Side.PATIENT)


@attrs.frozen(kw_only=True)
class Place:
    """A side's last coming or going.

    Attributes:
        seq: of that entry.
        owner: the process that has the connection; ``None``: it has left.
        number: of what the connection has said last.
        entered: the ``seq`` with which it came. Of what the other side had said before that counts only what
            ``speaker`` has said from ``heard`` on.
    """

    connection: ConnectionId
    seq: int
    owner: str | None
    number: int = 0
    entered: int
    heard: int
    speaker: ConnectionId | None

    @property
    def kind(self) -> SignalKind:
        return SignalKind.LEFT if self.owner is None else SignalKind.ENTERED

    def has(self, connection: ConnectionId) -> bool:
        """Whether that connection is in the seat."""
        return self.owner is not None and self.connection == connection


@attrs.frozen
class Log:
    """The head of one meeting's log.

    Attributes:
        seq: of the last entry that there was.
        kept: how many messages count.
    """

    meeting_id: MeetingId
    seq: int = 0
    closed: bool = False
    kept: int = 0
    doctor: Place | None = None
    patient: Place | None = None

    def place(self, side: Side) -> Place | None:
        return self.doctor if side is Side.DOCTOR else self.patient

    def has(self, seat: Seat) -> bool:
        """Whether the connection is in that seat."""
        place = self.place(seat.side)
        return place is not None and place.has(seat.connection)

    def counts(self, said: Signal) -> bool:
        """Whether that message, which is kept, has not been forgotten."""
        reader = self.place(other(said.side))
        if reader is None or said.seq > reader.entered:
            return True
        return said.seq >= reader.heard and said.connection == reader.speaker

    def presences(self) -> Iterator[Signal]:
        """The last comings and goings, in order; or the end."""
        if self.closed:
            yield Signal(
                meeting_id=self.meeting_id, seq=self.seq, side=Side.SYSTEM, connection=None, kind=SignalKind.CLOSED
            )
            return
        places = [(place.seq, side, place) for side in SIDES if (place := self.place(side))]
        for seq, side, place in sorted(places, key=lambda one: one[0]):
            yield Signal(meeting_id=self.meeting_id, seq=seq, side=side, connection=place.connection, kind=place.kind)

    def entered(self, seat: Seat, owner: str, messages: Iterable[Signal]) -> "Log":
        """The log with that connection in its seat; what the other has said waits as the rule says, or is forgotten.

        Args:
            messages: those that count.
        """
        mine, theirs = self.place(seat.side), self.place(other(seat.side))
        taken = mine is not None and mine.owner is not None
        present = theirs is not None and theirs.owner is not None
        seq = self.seq + 1
        place = Place(
            connection=seat.connection,
            seq=seq,
            owner=owner,
            entered=seq,
            heard=_NOTHING_BEFORE if taken or not present else mine.seq if mine is not None else 0,
            speaker=theirs.connection if theirs is not None else None,
        )
        log = self._with(seat.side, place, seq=seq)
        return attrs.evolve(log, kept=sum(1 for one in messages if log.counts(one)))

    def left(self, side: Side) -> "Log":
        """The log with nobody in that seat, in which somebody is."""
        return self._with(side, attrs.evolve(self._of(side), seq=self.seq + 1, owner=None), seq=self.seq + 1)

    def spoken(self, seat: Seat, number: int) -> "Log":
        """The log with one message more, which the connection numbers like this."""
        log = self._with(seat.side, attrs.evolve(self._of(seat.side), number=number), seq=self.seq + 1)
        return attrs.evolve(log, kept=log.kept + 1)

    def without_one(self) -> "Log":
        """The log with one message less."""
        return attrs.evolve(self, kept=self.kept - 1)

    def ended(self) -> "Log":
        """The closed log."""
        return Log(self.meeting_id, seq=self.seq + 1, closed=True)

    def _of(self, side: Side) -> Place:
        place = self.place(side)
        assert place is not None  # noqa: S101 # asked for where somebody is in it
        return place

    def _with(self, side: Side, place: Place, *, seq: int) -> "Log":
        if side is Side.DOCTOR:
            return attrs.evolve(self, seq=seq, doctor=place)
        return attrs.evolve(self, seq=seq, patient=place)


def other(side: Side) -> Side:
    return Side.PATIENT if side is Side.DOCTOR else Side.DOCTOR
