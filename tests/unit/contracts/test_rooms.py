"""Rooms keep every sentence of their port; what else is promised of those in memory and of a test's own."""

import pytest

from adapters.memory import MemoryAttendeeTokens, open_memory_rooms
from telemed_core.domain.ids import AccountId, AppointmentId, MeetingId
from telemed_core.domain.meetings import Meeting, Provider
from telemed_core.errors import NotFoundError, UnauthenticatedError, UnavailableError
from telemed_core.ports.meetings import MeetingRooms
from telemed_core.testing.contracts import MeetingRoomsContract
from telemed_core.testing.rooms import ControlledRooms

VISIT, SOMEBODY = AppointmentId("visit-1"), AccountId("doctor-1")


class TestMemoryRooms(MeetingRoomsContract):
    @pytest.fixture
    def rooms(self) -> MeetingRooms:
        return open_memory_rooms()


class TestControlledRooms(MeetingRoomsContract):
    @pytest.fixture
    def rooms(self) -> MeetingRooms:
        return ControlledRooms()


def test_rooms_in_memory_say_so_and_have_nothing_secret() -> None:
    rooms = open_memory_rooms()
    room = rooms.create(VISIT, generation=1)
    assert (room.provider, room.details) == (Provider.MEMORY, {})
    assert rooms.admit(Meeting(VISIT, 1, room.id), SOMEBODY).details == {}


def test_processes_with_rooms_in_memory_agree_on_them() -> None:
    here, there = open_memory_rooms(), open_memory_rooms()
    meeting = Meeting(VISIT, 1, here.create(VISIT, generation=1).id)
    assert there.find(meeting) == here.find(meeting) is not None
    assert there.admit(meeting, SOMEBODY) == here.admit(meeting, SOMEBODY)


def test_nobody_comes_into_memory_with_a_token() -> None:
    for token in ("", "nonsense", "a.b.c"):
        with pytest.raises(UnauthenticatedError):
            MemoryAttendeeTokens().verify(token)


def test_a_room_that_has_died_is_gone_and_the_next_one_is_not() -> None:
    rooms = ControlledRooms()
    first, second = (Meeting(VISIT, one, rooms.create(VISIT, generation=one).id) for one in (1, 2))
    for _ in range(2):
        rooms.die(first.id)
        assert rooms.find(first) is None
        with pytest.raises(NotFoundError):
            rooms.admit(first, SOMEBODY)
        rooms.create(VISIT, generation=1)
    assert rooms.find(second) is not None
    rooms.end(first)
    assert rooms.ended == [first.id]


def test_what_was_made_and_ended_is_told_in_order() -> None:
    rooms = ControlledRooms()
    made = [rooms.create(VISIT, generation=generation) for generation in (1, 2, 1)]
    assert rooms.created == made[:2]
    meetings = [Meeting(VISIT, number, room.id) for number, room in enumerate(made[:2], 1)]
    for meeting in (meetings[1], meetings[0], meetings[1]):
        rooms.end(meeting)
    assert rooms.ended == [meetings[1].id, meetings[0].id, meetings[1].id]


def test_a_provider_that_is_down_answers_nothing_and_changes_nothing() -> None:
    rooms = ControlledRooms()
    meeting = Meeting(VISIT, 1, rooms.create(VISIT, generation=1).id)
    rooms.down = True
    for call in (
        lambda: rooms.create(VISIT, generation=2),
        lambda: rooms.find(meeting),
        lambda: rooms.admit(meeting, SOMEBODY),
        lambda: rooms.end(meeting),
    ):
        with pytest.raises(UnavailableError):
            call()
    rooms.down = False
    assert [room.id for room in rooms.created] == [meeting.id]
    assert (rooms.ended, rooms.find(meeting)) == ([], rooms.created[0])
    assert rooms.find(Meeting(VISIT, 2, MeetingId("visit-1-2"))) is None
