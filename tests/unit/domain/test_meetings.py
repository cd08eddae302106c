"""Rooms, and people's ways into them."""

from telemed_core.domain.ids import AttendeeId, MeetingId
from telemed_core.domain.meetings import Attendee, Provider, Room


def test_a_way_in_is_never_printed() -> None:
    attendee = Attendee(id=AttendeeId("a"), details={"token": "secret"})
    assert "secret" not in repr(attendee)
    assert "'a'" in repr(attendee)


def test_a_room_and_a_way_in_need_nothing_beside_their_id() -> None:
    assert Room(provider=Provider.MEMORY, id=MeetingId("m")).details == {}
    assert Attendee(id=AttendeeId("a")).details == {}
