"""A FIFO topic and a FIFO queue of this process, which take nothing that botocore's model of them does not have."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import attrs
import botocore.session
from botocore.validate import ParamValidator

from adapters.aws.failures import AwsError, LostAnswerError
from adapters.aws.retrying import Patience
from adapters.messaging.topics import MOST_RECEIPTS, VISIBILITY

TOPIC = "arn:aws:sns:sa-east-1:000000000000:announcements.fifo"
QUEUE = "https://sqs.sa-east-1.amazonaws.com/000000000000/notices.fifo"
REPEATS_DROPPED_FOR = 300.0

Failed = Mapping[str, Any]
THROTTLED: Failed = {"Code": "ThrottledException", "SenderFault": False}
NO_RIGHT: Failed = {"Code": "KMSAccessDenied", "SenderFault": True}


@cache
def _model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def check(service: str, operation: str, request: Mapping[str, Any]) -> None:
    """It is one that the service would read."""
    report = ParamValidator().validate(request, _model(service).operation_model(operation).input_shape)
    assert not report.has_errors(), report.generate_report()


@attrs.define
class Waiting:
    """A message in the queue."""

    id: str
    group: str
    body: str
    attributes: Mapping[str, str] = attrs.field(factory=dict)
    visible_at: float = 0.0
    receipts: int = 0
    receipt: str | None = None


@attrs.define
class Time:
    """What goes by only when it is waited."""

    now: float = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def patience(self) -> Patience:
        return Patience(seconds=lambda: self.now, sleep=self.sleep, chance=lambda _, most: most)


@attrs.define
class FakeQueue:
    """A ``Call`` to SQS.

    Attributes:
        fails: what is said of a message that is to be deleted or released, instead of doing so.
    """

    time: Time = attrs.field(factory=Time)
    messages: list[Waiting] = attrs.field(factory=list)
    dead: list[Waiting] = attrs.field(factory=list)
    fails: Callable[[str, Waiting], Failed | None] = lambda _operation, _message: None
    asked: list[tuple[str, Mapping[str, Any]]] = attrs.field(factory=list)
    _handles: int = 0
    _ids: int = 0

    def put(self, group: str, body: str, attributes: Mapping[str, str] | None = None) -> Waiting:
        self._ids += 1
        self.messages.append(Waiting(f"message-{self._ids}", group, body, attributes or {}))
        return self.messages[-1]

    def __call__(self, operation: str, request: Mapping[str, Any], /) -> Mapping[str, Any]:
        check("sqs", operation, request)
        assert request["QueueUrl"] == QUEUE
        self.asked.append((operation, request))
        if operation == "ReceiveMessage":
            return self._receive(request)
        answer: dict[str, list[Any]] = {"Successful": [], "Failed": []}
        for entry in request["Entries"]:
            found = [one for one in self.messages if one.receipt == entry["ReceiptHandle"]]
            failed = {"Code": "ReceiptHandleIsInvalid", "SenderFault": True}
            told = self.fails(operation, found[0]) if found else failed
            if told:
                answer["Failed"].append({"Id": entry["Id"], **told})
                continue
            answer["Successful"].append({"Id": entry["Id"]})
            if operation == "DeleteMessageBatch":
                self.messages.remove(found[0])
            else:
                assert operation == "ChangeMessageVisibilityBatch"
                found[0].visible_at = self.time.now + entry["VisibilityTimeout"]
        return answer

    def _receive(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        hidden = {one.group for one in self.messages if one.visible_at > self.time.now}
        received: list[Waiting] = []
        for one in [*self.messages]:
            if one.group in hidden or len(received) == request["MaxNumberOfMessages"]:
                continue
            if one.receipts >= MOST_RECEIPTS:
                self.messages.remove(one)
                self.dead.append(one)
                continue
            self._handles += 1
            one.receipt, one.receipts = f"receipt-{self._handles}", one.receipts + 1
            one.visible_at = self.time.now + VISIBILITY
            received.append(one)
        told = [
            {
                "MessageId": one.id,
                "ReceiptHandle": one.receipt,
                "Body": one.body,
                "Attributes": {"MessageGroupId": one.group, "ApproximateReceiveCount": str(one.receipts)},
            }
            for one in received
        ]
        return {"Messages": told} if told else {}


@attrs.define
class FakeTopic:
    """A ``Call`` to SNS, which fills the queue.

    Attributes:
        fails: what is said of a message instead of taking it; its number is how many were sent before, over all calls.
        breaks: is called with the number of the call before and after it is carried out, and may raise.
    """

    queue: FakeQueue = attrs.field(factory=FakeQueue)
    fails: Callable[[int, Mapping[str, Any]], Failed | None] = lambda _number, _entry: None
    breaks: Callable[[int, str], None] = lambda _number, _when: None
    silent: bool = False
    """Whether it answers as if it had neither taken nor refused what it has refused."""
    batches: list[list[Mapping[str, Any]]] = attrs.field(factory=list)
    _seen: dict[tuple[str, str], float] = attrs.field(factory=dict)
    _sent: int = 0

    def __call__(self, operation: str, request: Mapping[str, Any], /) -> Mapping[str, Any]:
        check("sns", operation, request)
        assert (operation, request["TopicArn"]) == ("PublishBatch", TOPIC)
        entries = request["PublishBatchRequestEntries"]
        assert 1 <= len(entries) <= 10
        assert len({entry["Id"] for entry in entries}) == len(entries)
        self.batches.append([*entries])
        self.breaks(len(self.batches), "before")
        answer: dict[str, list[Any]] = {"Successful": [], "Failed": []}
        for entry in entries:
            self._sent += 1
            failed = self.fails(self._sent, entry)
            if failed is None:
                self._take(entry)
                answer["Successful"].append({"Id": entry["Id"], "SequenceNumber": "1"})
            elif not self.silent:
                answer["Failed"].append({"Id": entry["Id"], **failed})
        self.breaks(len(self.batches), "after")
        return answer

    def _take(self, entry: Mapping[str, Any]) -> None:
        now, known = self.queue.time.now, (entry["MessageGroupId"], entry["MessageDeduplicationId"])
        if now < self._seen.get(known, -1.0):
            return
        self._seen[known] = now + REPEATS_DROPPED_FOR
        attributes = {name: told["StringValue"] for name, told in entry["MessageAttributes"].items()}
        self.queue.put(entry["MessageGroupId"], entry["Message"], attributes)


def lost(when: str, *numbers: int) -> Callable[[int, str], None]:
    """Loses the answers of these calls, ``before`` or ``after`` they are carried out."""

    def breaks(number: int, now: str) -> None:
        if number in numbers and now == when:
            raise LostAnswerError from AwsError("sns", "PublishBatch", "ReadTimeoutError")

    return breaks


def seqs(queue: FakeQueue, group: str) -> list[int]:
    """The numbers of the events that wait in that group."""
    return [json.loads(one.body)["seq"] for one in queue.messages if one.group == group]
