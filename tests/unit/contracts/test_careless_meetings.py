"""The contracts notice meetings, rooms and tokens that break a rule; each of their tests is needed."""

from base64 import urlsafe_b64decode
from collections.abc import Callable
from json import loads
from secrets import token_hex
from typing import Any

import attrs
import pytest

from adapters.memory import rooms
from adapters.memory.meetings import MemoryMeetings
from adapters.memory.rooms import MemoryMeetingRooms
from adapters.webrtc import WebRtc
from telemed_core.domain.ids import AccountId, AppointmentId, AttendeeId, MeetingId
from telemed_core.domain.meetings import Attendee, AttendeeClaims
from telemed_core.errors import NotFoundError, UnauthenticatedError
from telemed_core.testing.contracts import AttendeeTokensContract, MeetingRoomsContract, MeetingsContract
from unit.contracts.breaking import Broken, Table, Test, all_tests, each, fails, name_of, part, runs_of, torn, undone

OF, PUT, VERIFY = MemoryMeetings.of, MemoryMeetings.put, WebRtc.verify
CREATE, FIND, ADMIT, END = (getattr(MemoryMeetingRooms, name) for name in ("create", "find", "admit", "end"))


def put_anyway(port: Any, meeting: Any, /) -> Any:
    port._state.meetings[meeting.appointment_id] = meeting
    return meeting


def put_if(fits: Callable[[int, int], bool]) -> Callable[..., Any]:
    """Kept where the generations fit, the kept one's and the new one's."""

    def careless(port: Any, meeting: Any, /) -> Any:
        kept = OF(port, meeting.appointment_id)
        return put_anyway(port, meeting) if kept is None or fits(kept.generation, meeting.generation) else kept

    return careless


def put_for_all(port: Any, meeting: Any, /) -> Any:
    PUT(port, meeting)
    for visit in port._state.meetings:
        port._state.meetings[visit] = attrs.evolve(meeting, appointment_id=visit)
    return meeting


def put_and_refused(port: Any, meeting: Any, /) -> Any:
    before = OF(port, meeting.appointment_id)
    PUT(port, meeting)
    return before


def a_room_at_random(*_: Any, **__: Any) -> MeetingId:
    return MeetingId(token_hex(8))


def found_by_name_or_not(port: Any, meeting: Any, /) -> Any:
    """Whatever it is called: the room that the visit would have."""
    room = CREATE(port, meeting.appointment_id, generation=meeting.generation)
    return room if meeting.id not in port._ended else None


def described_anew(port: Any, meeting: Any, /) -> Any:
    room = FIND(port, meeting)
    return room and attrs.evolve(room, details={"at": token_hex(4)})


def admitted_as(name: Callable[[Any, Any], str]) -> Callable[..., Any]:
    def careless(port: Any, meeting: Any, account_id: Any, /) -> Any:
        return attrs.evolve(ADMIT(port, meeting, account_id), id=AttendeeId(name(meeting, account_id)))

    return careless


def admitted_anyway(_: Any, meeting: Any, account_id: Any, /) -> Any:
    return Attendee(id=AttendeeId(f"{meeting.id}-{account_id}"))


def ended_with_all_of_the_visit(port: Any, meeting: Any, /) -> None:
    for generation in range(9):
        port._ended.add(rooms._room_id(meeting.appointment_id, generation))


def ended_once(port: Any, meeting: Any, /) -> None:
    if FIND(port, meeting) is None:
        raise NotFoundError
    END(port, meeting)


def claimed_as(**changes: Any) -> Callable[..., Any]:
    return lambda port, token, /: attrs.evolve(VERIFY(port, token), **changes)


def unless_it_is_over(port: Any, token: str, /) -> Any:
    claims = VERIFY(port, token)
    if port._signals.is_closed(claims.meeting_id):
        raise UnauthenticatedError
    return claims


def told_what(port: Any, token: str, /) -> Any:
    if token.count(".") != 2:
        raise UnauthenticatedError("The token has three parts.")
    return VERIFY(port, token)


def unsigned(port: Any, token: str, /) -> Any:
    try:
        content = token.split(".")[1]
        said = loads(urlsafe_b64decode(content + "=" * (-len(content) % 4)))
        return AttendeeClaims(
            AppointmentId(said["appointment"]), MeetingId(said["meeting"]), AccountId(said["account"])
        )
    except (IndexError, ValueError, KeyError, TypeError):
        return VERIFY(port, token)


of, put = part(MemoryMeetings, "of"), part(MemoryMeetings, "put")
room_id, verify = part(rooms, "_room_id"), part(WebRtc, "verify")
find, admit, end = (part(MemoryMeetingRooms, name) for name in ("find", "admit", "end"))
M, Q, A = MeetingsContract, MeetingRoomsContract, AttendeeTokensContract

BROKEN: Table = {
    M.test_a_visit_has_no_meeting_until_it_gets_one: {
        "a meeting is not kept": put(undone(PUT)),
        "all visits have one": of(lambda port, _, /: next(iter(port._state.meetings.values()), None)),
    },
    M.test_putting_a_meeting_again_changes_nothing: {"what was kept is answered": put(put_and_refused)},
    M.test_a_meeting_takes_the_place_of_the_generation_before_it: {"the first stays": put(put_if(lambda *_: False))},
    M.test_any_other_generation_is_answered_with_what_is_kept: {
        "a meeting is replaced by any": put(put_anyway),
        "a meeting is replaced by any later one": put(put_if(lambda kept, new: new > kept)),
        "a meeting is replaced by its own generation": put(put_if(lambda kept, new: new in {kept, kept + 1})),
        "a meeting is replaced by an earlier one": put(put_if(lambda kept, new: new in {kept - 1, kept + 1})),
    },
    M.test_visits_have_their_own_meetings: {"a meeting is all visits'": put(put_for_all)},
    M.test_of_many_meetings_of_one_generation_one_is_kept: {"each of many is kept": put(torn(PUT))},
    Q.test_a_visit_gets_the_same_room_however_often_it_is_asked_for: {
        "each asking makes a room": room_id(a_room_at_random),
    },
    Q.test_whoever_asks_at_once_gets_the_same_room: {"each who asks at once gets a room": room_id(a_room_at_random)},
    Q.test_another_visit_and_another_generation_get_other_rooms: {
        "all generations have one room": room_id(lambda visit, _: MeetingId(visit)),
        "all visits have one room": room_id(lambda _, generation: MeetingId(f"room-{generation}")),
        "who is written alike has one room": room_id(
            lambda visit, generation: MeetingId(f"{visit}{generation}".replace("-", ""))
        ),
    },
    Q.test_a_room_that_was_made_is_found_as_it_was_described: {
        "no room is found": find(lambda *_: None),
        "a room is described anew": find(described_anew),
    },
    Q.test_a_room_of_another_provider_is_not_found: {
        "another's room is found": find(found_by_name_or_not),
        "another's room is entered": admit(admitted_anyway),
    },
    Q.test_a_persons_way_in_stays_the_same_and_is_theirs_alone: {
        "all come as one": admit(admitted_as(lambda meeting, _: meeting.id)),
        "each coming is another": admit(admitted_as(lambda *_: token_hex(8))),
    },
    Q.test_another_room_is_another_way_in: {
        "a person comes alike everywhere": admit(admitted_as(lambda _, account_id: account_id)),
    },
    Q.test_nobody_finds_or_enters_a_room_that_was_ended: {
        "no room is ended": end(lambda *_: None),
        "the door stays open": admit(admitted_anyway),
        "all rooms of the visit are ended": end(ended_with_all_of_the_visit),
    },
    Q.test_ending_is_done_again_and_where_there_is_no_room: {"a room is ended once": end(ended_once)},
    A.test_a_token_says_whose_way_into_which_room_it_is: {
        "a token is of one visit": verify(claimed_as(appointment_id=AppointmentId("visit-1"))),
        "a token is of one room": verify(claimed_as(meeting_id=MeetingId("another"))),
        "a token is of one person": verify(claimed_as(account_id=AccountId("doctor-1"))),
    },
    A.test_a_token_says_the_same_when_the_room_has_ended: {"a token ends with its room": verify(unless_it_is_over)},
    A.test_every_other_token_is_refused_alike: {
        "signatures do not count": verify(unsigned),
        "what is wrong is told": verify(told_what),
    },
}


@pytest.mark.parametrize(("test", "broken"), each(BROKEN))
def test_a_broken_rule_is_noticed(test: Test, broken: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broken.owner, broken.name, broken.careless)
    assert any(fails(run) for run in runs_of(test))


@pytest.mark.parametrize("test", all_tests(M, Q, A), ids=name_of)
def test_each_test_notices_something_and_nothing_where_no_rule_is_broken(test: Test) -> None:
    assert test in BROKEN
    assert not any(fails(run) for run in runs_of(test))
