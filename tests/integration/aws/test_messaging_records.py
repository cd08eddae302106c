"""Records of a FIFO queue, as Lambda gets them: which are failures, so that each group goes on where it stopped."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import pytest

from adapters.messaging import handle_records
from adapters.messaging.topics import MOST_RECEIPTS
from telemed_core.domain.notices import Announcement
from telemed_core.errors import InvalidError, UnavailableError
from telemed_core.messages.published import published
from telemed_core.testing.contracts.publishing import an_announcement, mixed

SECRET = "maria@example.org"
MALFORMED = {
    "nothing": "",
    "no JSON": SECRET,
    "a list": "[]",
    "half of a character": '"\ud800"',
    "another version": json.dumps({**json.loads(published(an_announcement())), "version": 2}),
    "a notification in its envelope": json.dumps(
        {"Type": "Notification", "Message": published(an_announcement()).decode()}
    ),
    "a time that is none": json.dumps({**json.loads(published(an_announcement())), "start": SECRET}),
}


def record(about: Announcement | str, *, group: str | None = None, id: str | None = None, receipts: int = 1) -> Any:
    """As SQS hands it to Lambda."""
    body = about if isinstance(about, str) else published(about).decode()
    of = group or (about.subject if isinstance(about, Announcement) else "visit-1")
    return {
        "messageId": id or (about.id if isinstance(about, Announcement) else "bad"),
        "receiptHandle": "receipt",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": str(receipts),
            "SentTimestamp": "1780000000000",
            "SequenceNumber": "18849496460467696128",
            "MessageGroupId": of,
            "SenderId": "sender",
            "MessageDeduplicationId": "0" * 64,
            "ApproximateFirstReceiveTimestamp": "1780000000001",
        },
        "messageAttributes": {"kind": {"dataType": "String", "stringValue": "refused"}},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:sa-east-1:000000000000:notices.fifo",
        "awsRegion": "sa-east-1",
    }


@attrs.define
class Reader:
    """Whoever notifies; ``breaks`` by event id."""

    breaks: dict[str, Exception] = attrs.field(factory=dict)
    came: list[Announcement] = attrs.field(factory=list)
    told: list[tuple[str, Exception]] = attrs.field(factory=list)

    def __call__(self, announcements: Sequence[Announcement], /) -> None:
        (one,) = announcements
        if one.id in self.breaks:
            raise self.breaks[one.id]
        self.came.append(one)

    def tell(self, id: str, error: Exception) -> None:
        self.told.append((id, error))

    def handle(self, *records: Any) -> list[str]:
        return [one["itemIdentifier"] for one in handle_records(records, self, self.tell)]


def test_all_that_is_handed_on_is_no_failure_and_comes_as_it_was_in_order() -> None:
    reader, told = Reader(), mixed(9, "visit-1", "visit-2")
    assert reader.handle(*map(record, told)) == []
    assert (reader.came, reader.told) == (told, [])
    assert handle_records([], reader) == []


@pytest.mark.parametrize("failure", [UnavailableError(), ValueError("a bug"), KeyError()])
def test_after_the_first_failure_of_a_group_all_of_it_fails_and_others_go_on(failure: Exception) -> None:
    told = mixed(9, "visit-1", "visit-2", "doctor-1")
    reader = Reader({"visit-2.2": failure})
    assert reader.handle(*map(record, told)) == ["visit-2.2", "visit-2.3"]
    assert reader.came == [one for one in told if one.subject != "visit-2" or one.seq == 1]
    assert reader.told == [("visit-2.2", failure)]


@pytest.mark.parametrize("name", MALFORMED)
def test_what_cannot_be_read_fails_alone_with_what_is_behind_it_and_is_not_told_of_in_its_words(name: str) -> None:
    reader = Reader()
    first, *others = [an_announcement(1), an_announcement(3), an_announcement(1, subject="visit-2")]
    assert reader.handle(record(first), record(MALFORMED[name]), *map(record, others)) == ["bad", "visit-1.3"]
    assert reader.came == [first, others[1]]
    ((id, error),) = reader.told
    assert (id, type(error)) == ("bad", InvalidError)
    assert SECRET not in str(error)


def test_a_failure_waits_for_nobody_once_it_is_dead() -> None:
    told = mixed(4, "visit-1")
    reader = Reader({"visit-1.1": ValueError(), "visit-1.3": ValueError()})
    failed = reader.handle(*(record(one, receipts=MOST_RECEIPTS if one.seq < 3 else 1) for one in told))
    assert failed == ["visit-1.1", "visit-1.3", "visit-1.4"]
    assert [one.seq for one in reader.came] == [2]


def test_one_that_was_received_for_the_last_time_still_waits_behind_one_that_was_not() -> None:
    reader = Reader({"visit-1.1": ValueError()})
    first, second = mixed(2, "visit-1")
    assert reader.handle(record(first, receipts=MOST_RECEIPTS - 1), record(second, receipts=MOST_RECEIPTS)) == [
        "visit-1.1",
        "visit-1.2",
    ]
    assert reader.came == []


def test_the_end_of_the_process_is_nobodys_failure() -> None:
    def interrupted(_: Sequence[Announcement]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        handle_records([record(an_announcement())], interrupted)


def test_the_answer_is_one_that_lambda_reads() -> None:
    broken: Callable[[Sequence[Announcement]], None] = Reader({"visit-1.1": UnavailableError()})
    assert handle_records([record(an_announcement())], broken) == [{"itemIdentifier": "visit-1.1"}]
