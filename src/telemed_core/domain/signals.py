"""What the two sides of a meeting tell each other to find each other, and who speaks for a side."""

from enum import StrEnum
from typing import Final

import attrs

from telemed_core.domain.events import Side
from telemed_core.domain.ids import AppointmentId, ConnectionId, MeetingId

MOST_KEPT: Final = 256
"""So many messages of one meeting are kept, the last ones."""


class SignalKind(StrEnum):
    """What is said (session descriptions and candidates of WebRTC), who has come and gone, or that it is over."""

    OFFER = "offer"
    ANSWER = "answer"
    CANDIDATE = "candidate"
    BYE = "bye"
    ENTERED = "entered"
    LEFT = "left"
    CLOSED = "closed"

    @property
    def said(self) -> bool:
        """Whether it is a message, and not a coming or going, or the end."""
        return self in {SignalKind.OFFER, SignalKind.ANSWER, SignalKind.CANDIDATE, SignalKind.BYE}


@attrs.frozen(kw_only=True)
class Seat:
    """One connection that speaks for one side of a meeting, until a newer one of that side takes its place."""

    meeting_id: MeetingId
    appointment_id: AppointmentId
    side: Side
    connection: ConnectionId


@attrs.frozen(kw_only=True)
class Signal:
    """One entry of a meeting's log.

    Attributes:
        seq: rises by one with each entry of the meeting.
        side, connection: whose it is; of ``CLOSED`` the system's, and ``None``.
        data: of a message, as JSON.
    """

    meeting_id: MeetingId
    seq: int
    side: Side
    connection: ConnectionId | None
    kind: SignalKind
    data: str = attrs.field(default="null", repr=False)


@attrs.frozen(kw_only=True)
class Welcome:
    """What a connection finds that takes its seat.

    Attributes:
        seq: of its entering; it reads on behind that.
        present: whether the other side has a seat.
        waiting: what the other side has said to it meanwhile, in order.
    """

    seq: int
    present: bool
    waiting: tuple[Signal, ...] = ()
