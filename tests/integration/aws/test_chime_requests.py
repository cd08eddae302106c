"""Chime as its adapter speaks to it: by requests that its model has, understanding the answers that it has."""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from botocore.stub import Stubber
from botocore.validate import ParamValidator

from adapters.aws.calling import open_call
from adapters.aws.failures import AwsError, LostAnswerError
from adapters.aws.retrying import MOST_TRIES, Patience
from adapters.chime import (
    CONTROL_REGIONS,
    MEDIA_REGIONS,
    SERVICE,
    ChimeAttendeeTokens,
    ChimeMeetingRooms,
    open_chime,
)
from integration.aws.aws_answers import CREDENTIALS
from telemed_core.domain.ids import AccountId, AppointmentId, MeetingId
from telemed_core.domain.meetings import Meeting, Provider
from telemed_core.errors import BusyError, InvalidError, NotFoundError, UnauthenticatedError, UnavailableError

VISIT, DOCTOR = AppointmentId("visit-1"), AccountId("doctor-1")
ROOM_ID, ATTENDEE_ID = "6c7bd0e6-2a5f-4b5e-9c53-0a8f3f7f0706", "0F1E2D3C-2a5f-4b5e-9c53-0a8f3f7f0706"
MEETING = Meeting(VISIT, 1, MeetingId(ROOM_ID))
TOLD: Mapping[str, Any] = {"RequestId": "1", "HTTPStatusCode": 200}
CHIMES: Mapping[str, Any] = {
    "MeetingId": ROOM_ID,
    "ExternalMeetingId": "visit-1",
    "MediaRegion": "sa-east-1",
    "MediaPlacement": {"AudioHostUrl": "audio.example:3478", "SignalingUrl": "wss://signal.example/control"},
}
"""A meeting as Chime describes it, but for its ARN."""
ATTENDEE: Mapping[str, Any] = {"ExternalUserId": "doctor-1", "AttendeeId": ATTENDEE_ID, "JoinToken": "join-secret"}

Act = Callable[[ChimeMeetingRooms], Any]
ACTS: Mapping[str, Act] = {
    "create_meeting": lambda rooms: rooms.create(VISIT, generation=1),
    "get_meeting": lambda rooms: rooms.find(MEETING),
    "create_attendee": lambda rooms: rooms.admit(MEETING, DOCTOR),
    "delete_meeting": lambda rooms: rooms.end(MEETING),
}
IN_A_MEETING = [name for name in ACTS if name != "create_meeting"]


@pytest.fixture(scope="module", autouse=True)
def credentials() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def opened() -> ChimeMeetingRooms:
    call = open_call(SERVICE, connections=1, region="us-east-1")
    return ChimeMeetingRooms(call, "sa-east-1", Patience(sleep=lambda _: None))


@pytest.fixture
def stub(opened: ChimeMeetingRooms) -> Iterator[Stubber]:
    """What Chime answers, held against botocore's model; all of it has to be asked for."""
    calls: Any = opened._call
    with Stubber(calls._clients.here()[0]) as stub:
        yield stub
        stub.assert_no_pending_responses()


@pytest.fixture
def rooms(opened: ChimeMeetingRooms, stub: Stubber) -> ChimeMeetingRooms:
    return opened


def answered(stub: Stubber, operation: str, asked: Mapping[str, Any], **answer: Any) -> None:
    stub.add_response(operation, {**answer, "ResponseMetadata": TOLD}, asked)


def test_a_room_is_a_meeting_that_is_asked_for_by_visit_and_generation(stub: Stubber, rooms: ChimeMeetingRooms) -> None:
    asked = {"ClientRequestToken": "visit-1-3", "ExternalMeetingId": "visit-1", "MediaRegion": "sa-east-1"}
    arn = "arn:aws:chime:us-east-1:123456789012:meeting/1"
    answered(stub, "create_meeting", asked, Meeting={**CHIMES, "MeetingArn": arn})
    room = rooms.create(VISIT, generation=3)
    assert (room.provider, room.id, room.details) == (Provider.CHIME, ROOM_ID, CHIMES)


def test_a_room_that_is_found_is_as_it_was_made_and_one_that_is_not_is_none(
    stub: Stubber, rooms: ChimeMeetingRooms
) -> None:
    answered(stub, "get_meeting", {"MeetingId": ROOM_ID}, Meeting={**CHIMES})
    found = rooms.find(MEETING)
    assert found is not None
    assert (found.provider, found.id, found.details) == (Provider.CHIME, ROOM_ID, CHIMES)
    stub.add_client_error("get_meeting", "NotFoundException", http_status_code=404)
    assert rooms.find(MEETING) is None


def test_a_way_in_is_an_attendee_by_the_persons_account_and_its_token_is_never_printed(
    stub: Stubber, rooms: ChimeMeetingRooms
) -> None:
    answered(stub, "create_attendee", {"MeetingId": ROOM_ID, "ExternalUserId": "doctor-1"}, Attendee={**ATTENDEE})
    attendee = rooms.admit(MEETING, DOCTOR)
    assert (attendee.id, attendee.details) == (ATTENDEE_ID, ATTENDEE)
    assert "secret" not in repr(attendee)


def test_nobody_is_let_into_a_room_that_is_not_there(stub: Stubber, rooms: ChimeMeetingRooms) -> None:
    stub.add_client_error("create_attendee", "NotFoundException", http_status_code=404)
    with pytest.raises(NotFoundError):
        rooms.admit(MEETING, DOCTOR)


def test_a_room_is_ended_and_one_that_is_not_there_has_been(stub: Stubber, rooms: ChimeMeetingRooms) -> None:
    answered(stub, "delete_meeting", {"MeetingId": ROOM_ID})
    rooms.end(MEETING)
    stub.add_client_error("delete_meeting", "NotFoundException", http_status_code=404)
    rooms.end(MEETING)


@pytest.mark.parametrize("meeting_id", ["visit-1-1", "a", ROOM_ID[:-1], f"{ROOM_ID}0", ROOM_ID.replace("6", "g")])
def test_of_a_meeting_that_cannot_be_its_own_chime_is_not_asked(rooms: ChimeMeetingRooms, meeting_id: str) -> None:
    foreign = Meeting(VISIT, 1, MeetingId(meeting_id))
    assert rooms.find(foreign) is None
    with pytest.raises(NotFoundError):
        rooms.admit(foreign, DOCTOR)
    rooms.end(foreign)


@pytest.mark.parametrize("operation", ACTS)
@pytest.mark.parametrize(
    ("code", "status"),
    [
        *[("ForbiddenException", 403), ("UnauthorizedException", 401), ("LimitExceededException", 400)],
        *[("ExpiredTokenException", 403), ("UnrecognizedClientException", 403), ("AccessDeniedException", 403)],
    ],
)
def test_what_it_does_not_let_us_do_is_an_outage_at_once(
    stub: Stubber, rooms: ChimeMeetingRooms, operation: str, code: str, status: int
) -> None:
    stub.add_client_error(operation, code, "no doctor-1", status)
    with pytest.raises(UnavailableError) as told:
        ACTS[operation](rooms)
    assert type(told.value) is UnavailableError
    assert "doctor" not in f"{told.value!r} {told.value.__cause__!r}"


@pytest.mark.parametrize("operation", ACTS)
@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        *[("ThrottlingException", 429, BusyError), ("ConflictException", 409, BusyError)],
        *[("ServiceUnavailableException", 503, LostAnswerError), ("ServiceFailureException", 500, LostAnswerError)],
    ],
)
def test_what_may_pass_is_tried_until_it_does_not(
    stub: Stubber, rooms: ChimeMeetingRooms, operation: str, code: str, status: int, kind: type[Exception]
) -> None:
    for _ in range(MOST_TRIES):
        stub.add_client_error(operation, code, "no", status)
    with pytest.raises(kind):
        ACTS[operation](rooms)


@pytest.mark.parametrize("operation", ACTS)
@pytest.mark.parametrize("code", ["BadRequestException", "UnprocessableEntityException"])
def test_what_only_a_bug_can_cause_is_told_as_one(
    stub: Stubber, rooms: ChimeMeetingRooms, operation: str, code: str
) -> None:
    stub.add_client_error(operation, code, "no", 400)
    with pytest.raises(AwsError):
        ACTS[operation](rooms)


class Silent:
    """A Chime from which no answer comes; ``asked`` are the operations."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.asked: list[str] = []

    def __call__(self, operation: str, request: Mapping[str, Any], /) -> Mapping[str, Any]:
        from adapters.aws.failures import Failures

        self.asked.append(operation)
        told = Failures(SERVICE).told(operation, self.error)
        assert told is not None
        raise told


@pytest.mark.parametrize("operation", ACTS)
def test_silence_is_an_outage_and_is_waited_for_only_where_something_may_have_heard(operation: str) -> None:
    for error, tries in ((ConnectTimeoutError(endpoint_url="x"), 1), (ReadTimeoutError(endpoint_url="x"), MOST_TRIES)):
        silent = Silent(error)
        with pytest.raises(UnavailableError):
            ACTS[operation](ChimeMeetingRooms(silent, "sa-east-1", Patience(sleep=lambda _: None)))
        assert len(silent.asked) == tries


class Heard:
    """A Chime that only listens, and takes what its model allows."""

    def __init__(self) -> None:
        self.requests: list[Mapping[str, Any]] = []

    def __call__(self, operation: str, request: Mapping[str, Any], /) -> Mapping[str, Any]:
        shape = botocore.session.get_session().get_service_model(SERVICE).operation_model(operation).input_shape
        report = ParamValidator().validate(request, shape)
        assert not report.has_errors(), report.generate_report()
        for name, value in request.items():
            # Which botocore itself does not look at.
            rules = shape.members[name].metadata
            assert len(value) <= rules.get("max", len(value))
            assert re.fullmatch(rules.get("pattern", ".*"), value)
        self.requests.append(request)
        return {"Meeting": CHIMES, "Attendee": ATTENDEE}


LONG = "a" * 63
IDS = ["a", "A", "a-1", "a.1", "a_1", "A-1", LONG, f"{LONG}b", f"{LONG}c", f"{LONG}C", "visit-1", "visit-1-1", "visit"]


def test_every_id_has_a_name_of_its_own_that_chime_takes_whatever_it_makes_of_capital_letters() -> None:
    heard = Heard()
    rooms = ChimeMeetingRooms(heard, "sa-east-1")
    for text, generation in product(IDS, (1, 11, 10**6)):
        rooms.create(AppointmentId(text), generation=generation)
    tokens = {one["ClientRequestToken"].lower() for one in heard.requests}
    assert len(tokens) == 3 * len(IDS)
    assert len({one["ExternalMeetingId"].lower() for one in heard.requests}) == len(IDS)
    heard.requests.clear()
    for text in IDS:
        rooms.admit(MEETING, AccountId(text))
    assert len({one["ExternalUserId"].lower() for one in heard.requests}) == len(IDS)


def test_our_own_ids_are_told_as_they_are() -> None:
    heard = Heard()
    rooms = ChimeMeetingRooms(heard, "sa-east-1")
    ours = "4a738a3c78462482433b72b6c4"
    rooms.create(AppointmentId(ours), generation=12)
    rooms.admit(MEETING, AccountId(ours))
    assert heard.requests[0]["ClientRequestToken"] == f"{ours}-12"
    assert heard.requests[0]["ExternalMeetingId"] == heard.requests[1]["ExternalUserId"] == ours


def test_nobody_comes_to_us_with_a_token_of_chimes() -> None:
    for token in ("", "join-secret", "a.b.c"):
        with pytest.raises(UnauthenticatedError):
            ChimeAttendeeTokens().verify(token)


def test_it_is_asked_for_rooms_in_the_same_region_or_where_it_can_be_asked() -> None:
    for media, control in (("eu-west-2", "eu-west-2"), ("sa-east-1", "us-east-1"), ("us-gov-west-1", "us-gov-west-1")):
        calls: Any = open_chime(media_region=media, connections=3)._call
        meta = calls._clients.here()[0].meta
        assert meta.region_name == control
        assert meta.config.max_pool_connections == 3


@pytest.mark.parametrize("region", ["", "brazil", "us-east-9", "SA-EAST-1", "il-central-1"])
def test_a_region_without_meetings_is_refused_by_name(region: str) -> None:
    with pytest.raises(InvalidError) as told:
        open_chime(media_region=region, connections=1)
    assert [name for name, _ in told.value.fields] == ["chime_region"]
    assert "sa-east-1" in told.value.fields[0].message


def test_the_regions_are_those_that_botocore_knows() -> None:
    session = botocore.session.get_session()
    request = session.get_service_model(SERVICE).operation_model("CreateMeeting").input_shape
    about = request.members["MediaRegion"].documentation
    assert all(f"<code>{region}</code>" in about for region in MEDIA_REGIONS)
    assert about.count("<code>") == len(MEDIA_REGIONS)
    partitions = ("aws", "aws-us-gov")
    known = {one for name in partitions for one in session.get_available_regions(SERVICE, partition_name=name)}
    assert known == CONTROL_REGIONS
    assert "us-east-1" in CONTROL_REGIONS
