"""Events as their sources make them: a table's stream, a queue, a schedule, a user pool; and what tells of a call."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import attrs

from telemed_core.domain.notices import Announcement
from telemed_core.messages.published import published

LONG: Final = 30_000
"""Milliseconds that a function has."""


@attrs.define
class Called:
    """What Lambda tells of a call: of the time left what is next in ``times``, at last always the last of them."""

    times: list[int] = attrs.field(factory=lambda: [LONG])
    aws_request_id: str = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"

    def get_remaining_time_in_millis(self) -> int:
        return self.times.pop(0) if len(self.times) > 1 else self.times[0]


def row_keys(saga: str, sort: str = "M") -> dict[str, Any]:
    return {"PK": {"S": f"S#{saga}"}, "SK": {"S": sort}}


def stream_record(number: int, keys: Mapping[str, Any], *, event: str = "INSERT") -> dict[str, Any]:
    """A record of the scheduling table's stream; it has more of the item, which nobody reads."""
    return {
        "eventID": f"{number:032x}",
        "eventName": event,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "sa-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_780_300_800.0 + number,
            "Keys": keys,
            "NewImage": {**keys, "seq": {"N": "1"}},
            "SequenceNumber": f"{number:021}",
            "SizeBytes": 300,
            "StreamViewType": "NEW_IMAGE",
        },
        "eventSourceARN": "arn:aws:dynamodb:sa-east-1:000000000000:table/telemed-scheduling/stream/2026-06-01T00:00:00",
    }


def as_lambda_has_it(record: Mapping[str, Any]) -> Any:
    """A record of a stream as botocore reads it, made what Lambda makes of it."""
    if isinstance(record, Mapping):
        return {name: as_lambda_has_it(value) for name, value in record.items()}
    return record.timestamp() if isinstance(record, datetime) else record


def queue_record(number: int, body: str, *, group: str, receipts: int = 1) -> dict[str, Any]:
    """A record of the notifier's queue."""
    return {
        "messageId": f"message-{number}",
        "receiptHandle": f"receipt-{number}",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": str(receipts),
            "SentTimestamp": "1780300800000",
            "SequenceNumber": f"{number:020}",
            "MessageGroupId": group,
            "SenderId": "AIDAIT2UOQQY3AUEKVGXU",
            "MessageDeduplicationId": f"{number:064x}",
            "ApproximateFirstReceiveTimestamp": "1780300800001",
        },
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:sa-east-1:000000000000:telemed-notices.fifo",
        "awsRegion": "sa-east-1",
    }


def queue_records(announcements: Iterable[Announcement]) -> Iterator[dict[str, Any]]:
    """Announcements as the notifier gets them."""
    for number, one in enumerate(announcements, 1):
        yield queue_record(number, published(one).decode(), group=one.subject)


def scheduled() -> dict[str, Any]:
    """What a schedule of EventBridge sends."""
    return {
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "000000000000",
        "time": "2026-06-01T12:00:00Z",
        "region": "sa-east-1",
        "resources": ["arn:aws:events:sa-east-1:000000000000:rule/telemed-sweep"],
        "detail": {},
    }


def sign_up_event(name: str, *, source: str = "PreSignUp_AdminCreateUser", **attributes: str) -> dict[str, Any]:
    """What a user pool sends before there is a user."""
    return {
        "version": "1",
        "region": "sa-east-1",
        "userPoolId": "sa-east-1_Example01",
        "userName": name,
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "example"},
        "triggerSource": source,
        "request": {"userAttributes": attributes, "validationData": None},
        "response": {"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False},
    }
