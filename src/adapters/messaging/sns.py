"""Announcements published to an SNS FIFO topic, as versioned events."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import sha256
from typing import Any, Final

import attrs

from adapters.aws.calling import Call
from adapters.aws.failures import AwsError, LostAnswerError
from adapters.aws.retrying import Patience
from adapters.messaging.topics import KIND, VERSION
from telemed_core.domain.ids import Id
from telemed_core.domain.notices import Announcement
from telemed_core.errors import BusyError, UnavailableError
from telemed_core.messages import published as schema
from telemed_core.ports.notices import Publisher

MOST_AT_ONCE: Final = 10
"""How many messages one ``PublishBatch`` takes."""

_OPERATION: Final = "PublishBatch"

Entry = Mapping[str, Any]


@attrs.frozen
class SnsPublisher:
    """A ``Publisher`` to a FIFO topic, whose message groups are subjects.

    What is sent again, by this process or another, is dropped by the topic for five minutes; later it comes again.
    """

    _call: Call
    _topic_arn: str
    _patience: Patience = attrs.field(factory=Patience)

    def publish(self, announcements: Sequence[Announcement], /) -> None:
        # All are written before one is sent: what cannot be published is a bug, and is found with nothing done.
        batches = [[_entry(one) for one in batch] for batch in _batches(announcements)]
        try:
            for batch in batches:
                self._send(batch)
        except BusyError as error:
            # It would say that nothing was done, where an earlier batch was.
            raise UnavailableError from error

    def _send(self, batch: Iterable[Entry]) -> None:
        """Send these until each is taken: none of the next batch may be, before they are."""
        left = {str(number): entry for number, entry in enumerate(batch)}
        self._patience(partial(self._take, left))

    def _take(self, left: dict[str, Entry]) -> None:
        entries = [{"Id": number, **entry} for number, entry in left.items()]
        answer = self._call(_OPERATION, {"TopicArn": self._topic_arn, "PublishBatchRequestEntries": entries})
        for taken in answer.get("Successful", ()):
            left.pop(taken["Id"], None)
        if left:
            raise _failure(answer.get("Failed", ()))


def _batches(announcements: Iterable[Announcement]) -> Iterator[Iterable[Announcement]]:
    """All in order, in each batch one of a subject: a batch may be taken in parts, and a later one overtake."""
    batch: dict[Id, Announcement] = {}
    for announcement in announcements:
        if announcement.subject in batch or len(batch) == MOST_AT_ONCE:
            yield batch.values()
            batch = {}
        batch[announcement.subject] = announcement
    if batch:
        yield batch.values()


def _entry(announcement: Announcement) -> Entry:
    attributes = {KIND: announcement.kind.value, VERSION: str(schema.VERSION)}
    return {
        "Message": schema.published(announcement).decode(),
        "MessageGroupId": announcement.subject,
        # One event in two versions is two messages.
        "MessageDeduplicationId": sha256(f"{schema.VERSION}|{announcement.id}".encode()).hexdigest(),
        "MessageAttributes": {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()},
    }


def _failure(failed: Iterable[Mapping[str, Any]]) -> UnavailableError:
    """What is raised for entries that were not taken; of one that was not answered at all nothing is known."""
    refused = [one for one in failed if one.get("SenderFault")]
    code = next((str(one.get("Code", "Unknown")) for one in (*refused, *failed)), "NotAnswered")
    # Ours are well-formed: what is refused for good is refused for rights, or for the topic's key.
    error = UnavailableError() if refused else LostAnswerError()
    error.__cause__ = AwsError("sns", _OPERATION, code)
    return error


def open_sns(call: Call, topic_arn: str, *, patience: Patience | None = None) -> Publisher:
    """Publish to that topic.

    Args:
        call: calls to SNS that repeat nothing by themselves.
    """
    return SnsPublisher(call, topic_arn, patience or Patience())
