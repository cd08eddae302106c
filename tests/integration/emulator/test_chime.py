"""Rooms on Chime keep their port's promises, whatever becomes of their calls; and ask only what its model has."""

import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from adapters.aws import calling
from adapters.aws.calling import Call
from adapters.aws.failures import LostAnswerError
from adapters.aws.retrying import MOST_TRIES
from adapters.chime import SERVICE, ChimeMeetingRooms, open_chime
from integration.emulator.chime_fixtures import REGION, chime, chime_call, chime_url, on_call
from integration.emulator.chime_played import Chime, Trouble
from integration.emulator.faulty import Fault, Faulty
from telemed_core.domain.ids import AccountId, AppointmentId, MeetingId
from telemed_core.domain.meetings import Meeting
from telemed_core.errors import BusyError, NotFoundError, UnavailableError
from telemed_core.ports.meetings import MeetingRooms
from telemed_core.testing.contracts import MeetingRoomsContract
from telemed_core.testing.contracts.races import at_once
from telemed_core.testing.contracts.rooms import a_room

__all__ = ["chime", "chime_call", "chime_url", "on_call"]

VISIT, DOCTOR, PATIENT = AppointmentId("visit-1"), AccountId("doctor-1"), AccountId("patient-1")
OPERATIONS = ("CreateMeeting", "GetMeeting", "CreateAttendee", "DeleteMeeting")
OVERCOME = [Fault.CONFLICT, Fault.THROTTLED, Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.BROKEN, Fault.DELIVERED_TWICE]
ON_THE_WAY = {
    "throttled": Trouble("ThrottlingException"),
    "unavailable": Trouble("ServiceUnavailableException"),
    "failed after the effect": Trouble("ServiceFailureException", after=True),
    "cut before the effect": Trouble(cut=True),
    "cut after the effect": Trouble(cut=True, after=True),
    "too slow, before the effect": Trouble(cut=True, seconds=0.4),
    "too slow, after the effect": Trouble(after=True, seconds=0.4),
}
FOR_GOOD = ["ForbiddenException", "UnauthorizedException", "ExpiredTokenException", "AccessDeniedException"]

Act = Callable[[MeetingRooms, Meeting], Any]
ACTS: Mapping[str, Act] = {
    "CreateMeeting": lambda rooms, meeting: rooms.create(VISIT, generation=2),
    "GetMeeting": lambda rooms, meeting: rooms.find(meeting),
    "CreateAttendee": lambda rooms, meeting: rooms.admit(meeting, DOCTOR),
    "DeleteMeeting": lambda rooms, meeting: rooms.end(meeting),
}


@pytest.fixture(params=[True, False], ids=["remembers", "forgets"])
def rooms(request: pytest.FixtureRequest, chime: Chime, chime_url: str) -> MeetingRooms:
    """As they are opened, where Chime knows its ended meetings by their tokens, and where it does not."""
    chime.remembers = request.param
    return open_chime(media_region=REGION, connections=8, endpoint_url=chime_url)


class TestChimeRooms(MeetingRoomsContract):
    pass


class TestChimeRoomsInConflict(MeetingRoomsContract):
    """Where a meeting takes a while to be made, and the same request meanwhile is refused."""

    @pytest.fixture
    def rooms(self, chime: Chime, chime_url: str) -> MeetingRooms:
        chime.takes = 0.03
        return open_chime(media_region=REGION, connections=8, endpoint_url=chime_url)


class TestChimeRoomsUnderFaults(MeetingRoomsContract):
    """Where every other call of each operation goes wrong."""

    @pytest.fixture(params=OVERCOME, ids=lambda fault: fault.name)
    def rooms(
        self, request: pytest.FixtureRequest, chime_call: Call, on_call: Callable[[Call], ChimeMeetingRooms]
    ) -> Iterator[MeetingRooms]:
        faulty = Faulty(chime_call, SERVICE)
        for operation in OPERATIONS:
            for number in range(0, 100, 2):
                faulty.plan(operation, request.param, after=number)
        yield on_call(faulty)
        assert faulty.happened[request.param] > 0


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("fault", [Fault.NO_CONNECTION, Fault.EXPIRED_CREDENTIALS])
def test_what_cannot_be_overcome_is_an_outage_at_once_and_nothing_is_done(
    chime: Chime, chime_call: Call, on_call: Callable[[Call], ChimeMeetingRooms], operation: str, fault: Fault
) -> None:
    faulty = Faulty(chime_call, SERVICE)
    rooms = on_call(faulty)
    meeting = a_room(rooms)
    faulty.forget()
    faulty.plan(operation, fault)
    with pytest.raises(UnavailableError):
        ACTS[operation](rooms, meeting)
    assert faulty.sent == {operation: 1}
    assert (chime.meetings, chime.attendees(meeting.id)) == ([meeting.id], [])


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, chime_url: str) -> MeetingRooms:
    """Rooms that wait 0.2 seconds for an answer."""
    monkeypatch.setattr(calling, "READ_TIMEOUT", 0.2)
    return open_chime(media_region=REGION, connections=8, endpoint_url=chime_url)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("trouble", ON_THE_WAY.values(), ids=ON_THE_WAY)
def test_one_trouble_on_the_way_is_overcome_and_it_is_done_once(
    chime: Chime, impatient: MeetingRooms, operation: str, trouble: Trouble
) -> None:
    meeting = a_room(impatient)
    chime.asked.clear()
    chime.plan(operation, trouble)
    answer = ACTS[operation](impatient, meeting)
    assert chime.counts == {operation: 2}
    if operation == "DeleteMeeting":
        assert chime.meetings == []
    else:
        assert answer == ACTS[operation](impatient, meeting)
        assert len(chime.meetings) == (2 if operation == "CreateMeeting" else 1)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("trouble", [Trouble("ServiceUnavailableException"), Trouble(cut=True)], ids=["503", "cut"])
def test_an_outage_is_told_as_one_and_passes(
    chime: Chime, impatient: MeetingRooms, operation: str, trouble: Trouble
) -> None:
    meeting = a_room(impatient)
    chime.plan(operation, *[trouble] * MOST_TRIES)
    with pytest.raises(LostAnswerError):
        ACTS[operation](impatient, meeting)
    chime.calm()
    ACTS[operation](impatient, meeting)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_who_is_throttled_to_the_end_is_told_to_come_again(
    chime: Chime, chime_call: Call, on_call: Callable[[Call], ChimeMeetingRooms], operation: str
) -> None:
    rooms = on_call(chime_call)
    meeting = a_room(rooms)
    chime.asked.clear()
    chime.plan(operation, *[Trouble("ThrottlingException")] * MOST_TRIES)
    with pytest.raises(BusyError):
        ACTS[operation](rooms, meeting)
    assert chime.counts == {operation: MOST_TRIES}


@pytest.mark.parametrize(
    ("operation", "code"),
    [(operation, code) for operation in OPERATIONS for code in FOR_GOOD]
    + [(operation, "LimitExceededException") for operation in ("CreateMeeting", "CreateAttendee")],
)
def test_what_chime_does_not_let_us_do_is_an_outage_at_once(
    chime: Chime, rooms: MeetingRooms, operation: str, code: str
) -> None:
    meeting = a_room(rooms)
    chime.asked.clear()
    chime.plan(operation, Trouble(code))
    with pytest.raises(UnavailableError) as told:
        ACTS[operation](rooms, meeting)
    assert not isinstance(told.value, BusyError)
    assert str(told.value.__cause__).startswith(f"{SERVICE} {operation}: {code}")
    assert chime.counts == {operation: 1}


def test_where_nobody_answers_there_is_an_outage(credentials: None) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        rooms = open_chime(
            media_region=REGION, connections=1, endpoint_url=f"http://127.0.0.1:{taken.getsockname()[1]}"
        )
        for act in ACTS.values():
            with pytest.raises(UnavailableError):
                act(rooms, Meeting(VISIT, 1, MeetingId("00000000-0000-0000-0000-000000000000")))


def test_a_room_that_has_died_by_itself_is_gone(chime: Chime, rooms: MeetingRooms) -> None:
    meeting = a_room(rooms)
    chime.die(meeting.id)
    assert rooms.find(meeting) is None
    with pytest.raises(NotFoundError):
        rooms.admit(meeting, DOCTOR)
    rooms.end(meeting)


def test_many_who_come_at_once_get_each_their_own_way_in_and_chime_knows_one_attendee_for_each(
    chime: Chime, rooms: MeetingRooms
) -> None:
    meeting = a_room(rooms)
    ways = at_once([lambda who=who: (who, rooms.admit(meeting, who).id) for who in [DOCTOR, PATIENT] * 8])  # type: ignore[misc] # mypy cannot infer a lambda's default
    assert len({*ways}) == 2
    assert sorted(chime.attendees(meeting.id)) == [DOCTOR, PATIENT]


def test_the_requests_are_these_to_the_byte(chime: Chime, rooms: MeetingRooms) -> None:
    meeting = a_room(rooms)
    rooms.find(meeting)
    rooms.admit(meeting, DOCTOR)
    rooms.end(meeting)
    place = f"/meetings/{meeting.id}"
    made = b'{"ClientRequestToken": "visit-1-1", "ExternalMeetingId": "visit-1", "MediaRegion": "sa-east-1"}'
    assert [(one.method, one.target, one.body) for one in chime.asked] == [
        ("POST", "/meetings", made),
        ("GET", place, b""),
        ("POST", f"{place}/attendees", b'{"ExternalUserId": "doctor-1"}'),
        ("DELETE", place, b""),
    ]


@pytest.mark.parametrize(
    ("media", "control"), [("sa-east-1", "us-east-1"), ("eu-central-1", "eu-central-1"), ("eu-west-1", "us-east-1")]
)
def test_a_room_is_where_it_is_wanted_and_is_asked_for_where_chime_answers(
    chime: Chime, chime_url: str, media: str, control: str
) -> None:
    room = open_chime(media_region=media, connections=1, endpoint_url=chime_url).create(VISIT, generation=1)
    assert room.details["MediaRegion"] == media
    assert [one.region for one in chime.asked] == [control]
