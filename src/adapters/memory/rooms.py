"""Rooms without sound and picture: for tests, and for a clinic that only wants to see who came."""

from hashlib import sha256
from threading import Lock

import attrs

from telemed_core.domain.ids import AccountId, AppointmentId, AttendeeId, MeetingId
from telemed_core.domain.meetings import Attendee, AttendeeClaims, Meeting, Provider, Room
from telemed_core.errors import NotFoundError, UnauthenticatedError


@attrs.frozen
class MemoryMeetingRooms:
    """Rooms that follow from their visit; only which of them have ended is kept, until this process ends."""

    _ended: set[MeetingId] = attrs.field(factory=set[MeetingId], init=False)
    _lock: Lock = attrs.field(factory=Lock, init=False, repr=False)

    def create(self, appointment_id: AppointmentId, /, *, generation: int) -> Room:
        return Room(provider=Provider.MEMORY, id=_room_id(appointment_id, generation))

    def find(self, meeting: Meeting, /) -> Room | None:
        room = self.create(meeting.appointment_id, generation=meeting.generation)
        with self._lock:
            return room if room.id == meeting.id and room.id not in self._ended else None

    def admit(self, meeting: Meeting, account_id: AccountId, /) -> Attendee:
        if self.find(meeting) is None:
            raise NotFoundError
        return Attendee(id=AttendeeId(_digest(f"attendee/{meeting.id}/{account_id}")))

    def end(self, meeting: Meeting, /) -> None:
        with self._lock:
            self._ended.add(meeting.id)


@attrs.frozen
class MemoryAttendeeTokens:
    """Nobody comes into these rooms with a token."""

    def verify(self, _: str, /) -> AttendeeClaims:
        raise UnauthenticatedError


def open_memory_rooms() -> MemoryMeetingRooms:
    """Rooms of which this process alone knows which have ended."""
    return MemoryMeetingRooms()


def _room_id(appointment_id: AppointmentId, generation: int) -> MeetingId:
    return MeetingId(_digest(f"room/{appointment_id}/{generation}"))


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:32]
