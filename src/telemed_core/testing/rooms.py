"""Rooms under a test's control: they die when it says so, and their provider falls silent."""

from hashlib import blake2b
from threading import Lock

import attrs

from telemed_core.domain.ids import AccountId, AppointmentId, AttendeeId, MeetingId
from telemed_core.domain.meetings import Attendee, Meeting, Provider, Room
from telemed_core.errors import NotFoundError, UnavailableError


@attrs.define
class ControlledRooms:
    """``MeetingRooms`` that keep the promises of their port, whatever becomes of the rooms.

    Attributes:
        down: the provider answers nothing.
        created: every room that was made, once and in order.
        ended: the meetings that were ended, in order, as often as they were.
    """

    down: bool = False
    created: list[Room] = attrs.field(factory=list[Room], init=False)
    ended: list[MeetingId] = attrs.field(factory=list[MeetingId], init=False)
    _open: dict[MeetingId, Room] = attrs.field(factory=dict[MeetingId, Room], init=False, repr=False)
    _lock: Lock = attrs.field(factory=Lock, init=False, repr=False, eq=False)

    def die(self, meeting_id: MeetingId, /) -> None:
        """The room is gone, without anybody having ended it."""
        with self._lock:
            self._open.pop(meeting_id, None)

    def create(self, appointment_id: AppointmentId, /, *, generation: int) -> Room:
        self._answer()
        room = Room(provider=Provider.MEMORY, id=MeetingId(f"{appointment_id}-{generation}"))
        with self._lock:
            if room not in self.created:
                self.created.append(room)
                self._open[room.id] = room
        return room

    def find(self, meeting: Meeting, /) -> Room | None:
        self._answer()
        with self._lock:
            return self._open.get(meeting.id)

    def admit(self, meeting: Meeting, account_id: AccountId, /) -> Attendee:
        if self.find(meeting) is None:
            raise NotFoundError
        way = blake2b(f"{meeting.id}/{account_id}".encode(), digest_size=13)
        return Attendee(id=AttendeeId(way.hexdigest()))

    def end(self, meeting: Meeting, /) -> None:
        self._answer()
        with self._lock:
            self._open.pop(meeting.id, None)
            self.ended.append(meeting.id)

    def _answer(self) -> None:
        if self.down:
            raise UnavailableError
