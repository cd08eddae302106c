"""The Chime of these tests lets nothing pass that botocore's model of it does not have."""

from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from integration.emulator import chime_model
from integration.emulator.chime_model import NotInTheModelError
from integration.emulator.chime_played import Chime, Trouble
from integration.emulator.chime_server import ChimeServer

MEETING = {"ClientRequestToken": "visit-1-1", "ExternalMeetingId": "visit-1", "MediaRegion": "sa-east-1"}
NOWHERE = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def chime() -> Chime:
    return Chime()


@pytest.fixture
def client(credentials: None, chime: Chime) -> Iterator[Any]:
    """Botocore's own, which here checks nothing itself."""
    with ChimeServer(chime) as server:
        config = Config(parameter_validation=False, retries={"total_max_attempts": 1})
        yield boto3.client(
            chime_model.SERVICE, region_name="us-east-1", endpoint_url=server.endpoint_url, config=config
        )


def refusal(client: Any, operation: str, **members: Any) -> str:
    with pytest.raises(ClientError) as refused:
        getattr(client, operation)(**members)
    return str(refused.value.response["Error"]["Code"])


@pytest.mark.parametrize(
    "changed",
    [
        {"MediaRegion": None},
        {"MediaRegion": "sa-east-9"},
        {"MediaRegion": "x"},
        {"ClientRequestToken": "x"},
        {"ClientRequestToken": "x" * 65},
        {"ClientRequestToken": "visit.1"},
        {"ExternalMeetingId": "x" * 65},
        {"ExternalMeetingId": "AWS:visit"},
        {"ExternalMeetingId": "visit\u2028"},
        {"ExternalMeetingId": 12},
        {"MeetingFeatures": {"Video": {"MaxResolution": "8K"}}},
        {"MeetingFeatures": {"Attendee": {"MaxCount": 251}}},
        {"TenantIds": []},
        {"Tags": [{"Key": "visit"}]},
    ],
    ids=str,
)
def test_a_request_that_the_model_does_not_allow_is_refused_and_complained_of(
    chime: Chime, client: Any, changed: Mapping[str, Any]
) -> None:
    members = {name: value for name, value in {**MEETING, **changed}.items() if value is not None}
    assert refusal(client, "create_meeting", **members) == "BadRequestException"
    assert len(chime.complaints) == 1
    assert (chime.asked, chime.meetings) == ([], [])


def test_all_that_the_model_allows_is_understood(chime: Chime, client: Any) -> None:
    features = {"Video": {"MaxResolution": "FHD"}, "Attendee": {"MaxCount": 2}}
    asked = {"MeetingId": NOWHERE, "NextToken": "a b&c", "MaxResults": 5}
    assert refusal(client, "list_attendees", **asked) == "BadRequestException"
    assert [one.split(": ", 1)[1] for one in chime.complaints] == ["ListAttendees is not played here"]
    assert chime.asked[0].members == asked
    read = chime_model.read
    body = b'{"ClientRequestToken": "ab", "MediaRegion": "us-east-1", "ExternalMeetingId": "ab", "MeetingFeatures": '
    body += b'{"Video": {"MaxResolution": "FHD"}, "Attendee": {"MaxCount": 2}}}'
    headers = {"Authorization": signature(), "Content-Type": "application/json"}
    assert read("POST", "/meetings", headers, body).members["MeetingFeatures"] == features


def signature(service: str = "chime") -> str:
    scope = f"key/20260601/us-east-1/{service}/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host;x-amz-date, Signature={'0' * 64}"


@pytest.mark.parametrize(
    ("method", "target", "headers", "body"),
    [
        ("GET", f"/meetings/{NOWHERE}", {}, b""),
        ("GET", f"/meetings/{NOWHERE}", {"Authorization": signature("dynamodb")}, b""),
        ("GET", f"/meetings/{NOWHERE}x", {"Authorization": signature()}, b""),
        ("GET", f"/meetings/{NOWHERE}?x=1", {"Authorization": signature()}, b""),
        ("GET", f"/meetings/{NOWHERE}", {"Authorization": signature()}, b"{}"),
        ("PUT", f"/meetings/{NOWHERE}", {"Authorization": signature()}, b""),
        ("GET", f"/meeting/{NOWHERE}", {"Authorization": signature()}, b""),
        ("POST", f"/meetings/{NOWHERE}/attendees", {"Authorization": signature()}, b'{"ExternalUserId": "ab"}'),
        (
            "POST",
            f"/meetings/{NOWHERE}/attendees",
            {"Authorization": signature(), "Content-Type": "application/json"},
            b'{"ExternalUserId":"ab"}',
        ),
        (
            "POST",
            f"/meetings/{NOWHERE}/attendees",
            {"Authorization": signature(), "Content-Type": "application/json"},
            b'{"ExternalUserId": "ab", "Name": "Bia"}',
        ),
    ],
)
def test_what_botocore_would_not_write_is_not_understood(
    method: str, target: str, headers: Mapping[str, str], body: bytes
) -> None:
    with pytest.raises(NotInTheModelError):
        chime_model.read(method, target, headers, body)


def test_it_answers_nothing_that_the_model_does_not_have() -> None:
    wrong: list[dict[str, Any]] = [{"Meeting": {"MeetingId": "m1"}}, {"Meeting": {"Name": "x"}}, {"Attendee": {}}]
    for told in [*wrong, {"Meeting": "m1"}]:
        with pytest.raises(NotInTheModelError):
            chime_model.answer("CreateMeeting", told)
    for operation, code in (("GetMeeting", "LimitExceededException"), ("CreateMeeting", "NotFoundException")):
        with pytest.raises(NotInTheModelError):
            chime_model.refusal(operation, code)


def test_one_token_is_one_meeting_and_not_another(chime: Chime, client: Any) -> None:
    first, again = (client.create_meeting(**MEETING)["Meeting"] for _ in range(2))
    assert first == again
    assert chime.complaints == []
    assert refusal(client, "create_meeting", **MEETING | {"MediaRegion": "us-east-1"}) == "BadRequestException"
    assert len(chime.complaints) == 1
    client.delete_meeting(MeetingId=first["MeetingId"])
    assert client.create_meeting(**MEETING)["Meeting"] == first
    assert chime.meetings == []
    chime.remembers = False
    assert client.create_meeting(**MEETING)["Meeting"] != first


def test_what_is_planned_happens_once_and_in_order(chime: Chime, client: Any) -> None:
    chime.plan("GetMeeting", Trouble("ServiceFailureException"), Trouble("ExpiredTokenException"))
    codes = [refusal(client, "get_meeting", MeetingId=NOWHERE) for _ in range(3)]
    assert codes == ["ServiceFailureException", "ExpiredTokenException", "NotFoundException"]
    assert chime.complaints == []
