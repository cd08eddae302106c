"""Where visits take place: who makes rooms, which room a visit has, and what its sides tell each other."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from telemed_core.domain.ids import AccountId, AppointmentId, MeetingId
from telemed_core.domain.meetings import Attendee, AttendeeClaims, Meeting, Room
from telemed_core.domain.signals import Seat, Signal, SignalKind, Welcome


class MeetingRooms(Protocol):
    """A provider of video; of every method ``UnavailableError`` where it does not answer: asking again is right."""

    def create(self, appointment_id: AppointmentId, /, *, generation: int) -> Room:
        """A room for that visit; the same one for the same two, however often and however many ask."""
        ...

    def find(self, meeting: Meeting, /) -> Room | None:
        """The meeting's room; ``None``: it has died or was ended, or was never this provider's."""
        ...

    def admit(self, meeting: Meeting, account_id: AccountId, /) -> Attendee:
        """That person's own way in; the same for the same person, another for another.

        Raises:
            NotFoundError: ``find`` would not find the room.
        """
        ...

    def end(self, meeting: Meeting, /) -> None:
        """Close the room to everybody; one that has died too."""
        ...


class AttendeeTokens(Protocol):
    """Tells the tokens with which attendees come from all others."""

    def verify(self, token: str, /) -> AttendeeClaims:
        """What the token says; whether the visit goes on is not looked at here.

        Raises:
            UnauthenticatedError: anything is wrong with it; what, is not told.
        """
        ...


class Meetings(Protocol):
    """Which meeting each visit has."""

    def of(self, appointment_id: AppointmentId, /) -> Meeting | None:
        """The visit's meeting; ``None``: it has had none."""
        ...

    def put(self, meeting: Meeting, /) -> Meeting:
        """Keep it where the visit's meeting is of the generation before it; answers the one that is kept then."""
        ...


class Signals(Protocol):
    """What the sides of each meeting say to each other: a log by meeting, kept while the visit lasts.

    A side has one seat at most; who enters takes it from whoever has it. What is said is kept unreadable at rest.
    """

    def enter(self, seat: Seat, /, *, owner: str) -> Welcome:
        """Take the side's seat, as an entry ``ENTERED`` in the place of the side's last coming or going.

        What waits for it is what the connection in the other seat has said since this side ``LEFT``, or ever where it
        has never been here; where it takes the seat from another connection, nothing waits. What nobody will read any
        more is forgotten: whatever else the other side has said before. Entering again with the same connection
        changes nothing, and finds the same.

        Raises:
            SeatLostError: the meeting was closed.
        """
        ...

    def append(self, seat: Seat, /, *, number: int, kind: SignalKind, data: str) -> None:
        """Say something to the other side; of all that is said in a meeting the last 256 messages are kept.

        Args:
            number: 1 for the first that this connection says, rising; saying it again changes nothing.

        Raises:
            SeatLostError: the connection has not got the seat (any more).
        """
        ...

    def read(self, after: Mapping[MeetingId, int], /) -> Mapping[MeetingId, Sequence[Signal]]:
        """What is in each of these logs behind that seq, of both sides and in order; without news left out.

        No entry ever turns up before one that has been handed out.
        """
        ...

    def leave(self, seat: Seat, /) -> None:
        """Give the seat up, as an entry ``LEFT`` in the place of its ``ENTERED``; one that is lost: nothing changes."""
        ...

    def owners(self) -> Collection[str]:
        """Every process that has a connection in a seat."""
        ...

    def free(self, owners: Collection[str], /) -> int:
        """Let the connections of these processes leave; how many there were."""
        ...

    def close(self, meeting_id: MeetingId, /) -> None:
        """Forget all that was said, and let nobody speak or enter any more.

        The log is one entry ``CLOSED`` from then on, behind all that was handed out. Closing again changes nothing.
        """
        ...

    def is_closed(self, meeting_id: MeetingId, /) -> bool:
        """Whether it was closed."""
        ...
