"""A topic and its queues on the emulator, what goes wrong on the way to them, and whoever reads."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from adapters.aws.retrying import MOST_TRIES, Patience
from adapters.messaging import Addresses, Topics, make_topics, open_sns, open_sqs
from adapters.messaging.sqs import SqsConsumer
from integration.emulator.faulty import Fault, Faulty
from telemed_core.domain.notices import Announcement
from telemed_core.errors import UnavailableError
from telemed_core.ports.notices import Publisher

AT_ONCE = Patience(sleep=lambda _: None)


@attrs.define
class Partial:
    """A ``Call`` to SNS that takes a part of some batches; ``refuse`` says what not, by entry and how often it came."""

    call: Faulty
    refuse: Callable[[Mapping[str, Any], int], bool] = lambda _entry, _times: False
    _times: dict[str, int] = attrs.field(factory=dict)

    def forget(self) -> None:
        """Count from nothing again."""
        self._times.clear()

    def __call__(self, operation: str, request: Mapping[str, Any], /) -> Mapping[str, Any]:
        if operation != "PublishBatch":
            return self.call(operation, request)
        entries: list[Mapping[str, Any]] = []
        refused: list[Mapping[str, Any]] = []
        for entry in request["PublishBatchRequestEntries"]:
            known = entry["MessageDeduplicationId"]
            self._times[known] = self._times.get(known, 0) + 1
            (refused if self.refuse(entry, self._times[known]) else entries).append(entry)
        answer: Mapping[str, Any] = {}
        if entries:
            answer = self.call(operation, {**request, "PublishBatchRequestEntries": entries})
        failed = [{"Id": entry["Id"], "Code": "Throttled", "SenderFault": False} for entry in refused]
        return {**answer, "Failed": [*answer.get("Failed", ()), *failed]}


@attrs.frozen
class Hurried:
    """A ``Call`` to SQS by which what has failed comes again at once, however often it has."""

    call: Faulty

    def __call__(self, operation: str, request: Mapping[str, Any], /) -> Mapping[str, Any]:
        if operation == "ChangeMessageVisibilityBatch":
            request = {**request, "Entries": [{**entry, "VisibilityTimeout": 0} for entry in request["Entries"]]}
        return self.call(operation, request)


@attrs.define
class Travel:
    """All that announcements go through, by calls that go wrong as a test says."""

    sns: Faulty
    sqs: Faulty
    at: Addresses
    topics: Topics
    came: list[Announcement] = attrs.field(factory=list)
    told: list[tuple[str, Exception]] = attrs.field(factory=list)
    breaks: Callable[[Announcement], None] = lambda _: None
    hurried: bool = False
    parts: Partial = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.parts = Partial(self.sns)

    @property
    def publisher(self) -> Publisher:
        return open_sns(self.parts, self.at.topic_arn, patience=AT_ONCE)

    def notify(self, announcements: Sequence[Announcement], /) -> None:
        for one in announcements:
            self.breaks(one)
            self.came.append(one)

    def consumer(self, notify: Callable[[Sequence[Announcement]], None] | None = None) -> SqsConsumer:
        return open_sqs(
            Hurried(self.sqs) if self.hurried else self.sqs,
            self.at.queue_url,
            notify or self.notify,
            told=lambda of, error: self.told.append((of, error)),
            patience=AT_ONCE,
        )

    def drain(self, notify: Callable[[Sequence[Announcement]], None] | None = None) -> int:
        """Hand on all that can be now."""
        consumer, done = self.consumer(notify), 0
        while handed_on := consumer(wait=0):
            done += handed_on
        return done

    def handed_on(self) -> Sequence[Announcement]:
        """All that has come so far."""
        self.drain()
        return self.came

    def fail_after(self, count: int) -> None:
        """Let the topic take no more than so many of what is published next, until publishing is given up."""
        self.sns.plan("PublishBatch", Fault.NO_CONNECTION, after=count // 3)

    def fail_partly_after(self, count: int) -> None:
        """The same, but for one entry alone of the batch that it is in."""
        seen: set[str] = set()
        victims: list[str] = []

        def refuse(entry: Mapping[str, Any], times: int) -> bool:
            known = entry["MessageDeduplicationId"]
            if not victims and len(seen) >= count:
                victims.append(known)
            seen.add(known)
            return known in victims and times <= MOST_TRIES

        self.parts.forget()
        self.parts.refuse = refuse

    def put(self, body: str, *, group: str, known: str) -> None:
        """Put something into the queue, past the topic."""
        request = {"QueueUrl": self.at.queue_url, "MessageBody": body}
        self.sqs("SendMessage", {**request, "MessageGroupId": group, "MessageDeduplicationId": known})

    def count(self, url: str | None = None) -> int:
        """How many messages are in the queue, or in another, received or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        told = self.sqs("GetQueueAttributes", {"QueueUrl": url or self.at.queue_url, "AttributeNames": names})
        return sum(int(told["Attributes"][name]) for name in names)

    def dead(self) -> list[str]:
        """The bodies of dead letters; they stay where they are."""
        request = {"QueueUrl": self.at.dead_letters_url, "MaxNumberOfMessages": 10, "VisibilityTimeout": 0}
        return [told["Body"] for told in self.sqs("ReceiveMessage", request).get("Messages", ())]


def travelling(sns: Faulty, sqs: Faulty, topics: Topics) -> Travel:
    """New topics and queues, and nothing counted yet."""
    made = make_topics(sns, sqs, topics)
    sns.forget()
    sqs.forget()
    return Travel(sns, sqs, made, topics)


def down(_: Announcement) -> None:
    raise UnavailableError
