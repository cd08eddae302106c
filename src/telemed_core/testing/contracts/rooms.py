"""The contracts of ``MeetingRooms`` and ``AttendeeTokens``."""

from typing import Final

import attrs
import pytest

from telemed_core.domain.ids import AccountId, AppointmentId, DoctorId, MeetingId, PatientId
from telemed_core.domain.meetings import AttendeeClaims, Meeting
from telemed_core.errors import NotFoundError, UnauthenticatedError
from telemed_core.ports.meetings import AttendeeTokens, MeetingRooms
from telemed_core.testing.contracts.races import at_once

VISIT: Final = AppointmentId("visit-1")
OTHER: Final = AppointmentId("visit-2")
DOCTOR, PATIENT = DoctorId("doctor-1"), PatientId("patient-1")


def a_room(rooms: MeetingRooms, visit: AppointmentId = VISIT, *, generation: int = 1) -> Meeting:
    """The meeting in a room that was made for that visit."""
    return Meeting(visit, generation, rooms.create(visit, generation=generation).id)


class MeetingRoomsContract:
    """The adapter's own class adds the fixture ``rooms``: without any."""

    def test_a_visit_gets_the_same_room_however_often_it_is_asked_for(self, rooms: MeetingRooms) -> None:
        room = rooms.create(VISIT, generation=1)
        assert [rooms.create(VISIT, generation=1) for _ in range(2)] == [room, room]

    def test_whoever_asks_at_once_gets_the_same_room(self, rooms: MeetingRooms) -> None:
        answers = at_once([lambda: rooms.create(VISIT, generation=1)] * 8)
        assert answers == [rooms.create(VISIT, generation=1)] * 8

    def test_another_visit_and_another_generation_get_other_rooms(self, rooms: MeetingRooms) -> None:
        asked = [(VISIT, 1), (VISIT, 2), (VISIT, 12), (OTHER, 1), (OTHER, 2), (AppointmentId("visit-1-1"), 2)]
        assert len({a_room(rooms, visit, generation=generation).id for visit, generation in asked}) == len(asked)

    def test_a_room_that_was_made_is_found_as_it_was_described(self, rooms: MeetingRooms) -> None:
        for visit, generation in ((VISIT, 1), (VISIT, 2), (OTHER, 1)):
            room = rooms.create(visit, generation=generation)
            assert rooms.find(Meeting(visit, generation, room.id)) == room

    def test_a_room_of_another_provider_is_not_found(self, rooms: MeetingRooms) -> None:
        foreign = attrs.evolve(a_room(rooms), id=MeetingId("another-providers"))
        assert rooms.find(foreign) is None
        with pytest.raises(NotFoundError):
            rooms.admit(foreign, DOCTOR)

    def test_a_persons_way_in_stays_the_same_and_is_theirs_alone(self, rooms: MeetingRooms) -> None:
        meeting = a_room(rooms)
        doctors, patients = rooms.admit(meeting, DOCTOR), rooms.admit(meeting, PATIENT)
        assert [rooms.admit(meeting, DOCTOR), rooms.admit(meeting, PATIENT)] == [doctors, patients]
        assert doctors.id != patients.id

    def test_another_room_is_another_way_in(self, rooms: MeetingRooms) -> None:
        meetings = [a_room(rooms), a_room(rooms, generation=2), a_room(rooms, OTHER)]
        assert len({rooms.admit(meeting, DOCTOR).id for meeting in meetings}) == 3

    def test_nobody_finds_or_enters_a_room_that_was_ended(self, rooms: MeetingRooms) -> None:
        ended, other, newer = a_room(rooms), a_room(rooms, OTHER), a_room(rooms, generation=2)
        rooms.admit(ended, DOCTOR)
        rooms.end(ended)
        assert rooms.find(ended) is None
        for account in (DOCTOR, PATIENT):
            with pytest.raises(NotFoundError):
                rooms.admit(ended, account)
        for meeting in (other, newer):
            assert rooms.find(meeting) is not None
            rooms.admit(meeting, DOCTOR)

    def test_ending_is_done_again_and_where_there_is_no_room(self, rooms: MeetingRooms) -> None:
        meeting = a_room(rooms)
        for ended in (meeting, meeting, Meeting(OTHER, 1, MeetingId("another-providers"))):
            rooms.end(ended)
            assert rooms.find(ended) is None


class AttendeeTokensContract:
    """The adapter's own class adds the fixtures ``rooms``, whose attendees get a ``token``, and ``tokens``."""

    def test_a_token_says_whose_way_into_which_room_it_is(self, rooms: MeetingRooms, tokens: AttendeeTokens) -> None:
        for meeting in (a_room(rooms), a_room(rooms, generation=2), a_room(rooms, OTHER)):
            for account in (DOCTOR, PATIENT):
                claims = AttendeeClaims(meeting.appointment_id, meeting.id, account)
                assert tokens.verify(token_of(rooms, meeting, account)) == claims

    def test_a_token_says_the_same_when_the_room_has_ended(self, rooms: MeetingRooms, tokens: AttendeeTokens) -> None:
        meeting = a_room(rooms)
        token = token_of(rooms, meeting, DOCTOR)
        before = tokens.verify(token)
        rooms.end(meeting)
        assert tokens.verify(token) == before

    def test_every_other_token_is_refused_alike(self, rooms: MeetingRooms, tokens: AttendeeTokens) -> None:
        meeting = a_room(rooms)
        token, others = token_of(rooms, meeting, DOCTOR), token_of(rooms, meeting, PATIENT)
        wrong = [
            "",
            ".",
            "..",
            "...",
            "nonsense",
            "é",
            "\0",
            token[:-2],
            token[1:],
            f" {token}",
            f"{token}.",
            token * 2,
        ]
        # Changed in one place: not in the last one of a part, whose lowest bits say nothing.
        places = [one for one in range(0, len(token) - 1, 7) if "." not in token[one : one + 2]]
        wrong += [token[:one] + ("A" if token[one] != "A" else "B") + token[one + 1 :] for one in places]
        (*said, _), (*_, signature) = token.split("."), others.split(".")
        wrong += [".".join((*said, signature)), ".".join((*said, ""))]
        refusals = {told(tokens, one) for one in wrong}
        assert refusals == {str(UnauthenticatedError())}


def token_of(rooms: MeetingRooms, meeting: Meeting, account_id: AccountId) -> str:
    return str(rooms.admit(meeting, account_id).details["token"])


def told(tokens: AttendeeTokens, token: str) -> str:
    """What whoever comes with it is told."""
    with pytest.raises(UnauthenticatedError) as refused:
        tokens.verify(token)
    return str(refused.value)
