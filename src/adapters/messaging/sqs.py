"""The notifier's queue, emptied by a process that runs on: received, handed on, deleted; what fails comes again."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final
from uuid import uuid4

import attrs

from adapters.aws.calling import Call
from adapters.aws.failures import AwsError, LostAnswerError
from adapters.aws.retrying import Patience
from adapters.messaging.records import GROUP, RECEIPTS, Delivery, Fate, Notify, Told, delivery, hand_on, to_nobody
from adapters.messaging.topics import LONG_POLL, MOST_RECEIPTS
from telemed_core.errors import UnavailableError

MOST_AT_ONCE: Final = 10
"""How many messages one call takes."""
LONGEST_PAUSE: Final = 300
"""Seconds after which what failed is received again, at the latest."""


@attrs.frozen
class Message:
    """A delivery, and ``receipt``, which names this receipt of the message: it is ended by that."""

    delivery: Delivery
    receipt: str = attrs.field(repr=False)


@attrs.frozen
class SqsConsumer:
    """Takes announcements from the queue, any number of processes and threads at a time; each comes at least once."""

    _call: Call
    _queue_url: str
    _notify: Notify
    _told: Told = to_nobody
    _patience: Patience = attrs.field(factory=Patience)

    def __call__(self, *, wait: int = LONG_POLL) -> int:
        """Receive up to ten messages and hand them on in order; how many have been.

        What was not, is left to be received again: at once where it cannot be read, so that it soon is a dead letter,
        else later each time; and nothing of its subject before it. A message that is handed on and not deleted comes
        again too.

        Args:
            wait: seconds to wait for the first one, fewer than a call waits for its answer.

        Raises:
            UnavailableError: the queue cannot be used, or what was handed on may not be deleted.
        """
        messages = self._received(wait)
        fates = hand_on((message.delivery for message in messages), self._notify, self._told)
        ends = list(zip(messages, fates, strict=True))
        done = [message for message, fate in ends if fate is Fate.HANDED_ON]
        self._delete(done)
        self._release([(message, fate) for message, fate in ends if fate is not Fate.HANDED_ON])
        return len(done)

    def _received(self, wait: int) -> Sequence[Message]:
        request = {
            "QueueUrl": self._queue_url,
            "MaxNumberOfMessages": MOST_AT_ONCE,
            "WaitTimeSeconds": wait,
            "MessageSystemAttributeNames": [GROUP, RECEIPTS],
            # Whoever lost the answer gets the same messages again; otherwise they would be kept from everybody.
            "ReceiveRequestAttemptId": uuid4().hex,
        }
        answer = self._patience(lambda: self._call("ReceiveMessage", request))
        return [_message(told) for told in answer.get("Messages", ())]

    def _delete(self, messages: Iterable[Message]) -> None:
        left = {str(number): message.receipt for number, message in enumerate(messages)}
        if left:
            self._patience(partial(self._try_to_delete, left))

    def _try_to_delete(self, left: dict[str, str]) -> None:
        operation = "DeleteMessageBatch"
        entries = [{"Id": number, "ReceiptHandle": receipt} for number, receipt in left.items()]
        answer = self._call(operation, {"QueueUrl": self._queue_url, "Entries": entries})
        failed = {told["Id"]: told for told in answer.get("Failed", ())}
        # Refused for good: it is gone, or was received by another meanwhile, who deletes it.
        ended = [
            *(told["Id"] for told in answer.get("Successful", ())),
            *(of for of in failed if _for_good(failed[of])),
        ]
        for number in ended:
            left.pop(number, None)
        if left:
            codes = [str(failed[number].get("Code", "Unknown")) for number in left if number in failed]
            raise LostAnswerError from AwsError("sqs", operation, codes[0] if codes else "NotAnswered")

    def _release(self, ends: Sequence[tuple[Message, Fate]]) -> None:
        """Say when these are received again; where that fails, it is as the queue is set."""
        first: dict[str, int] = {}
        for message, fate in ends:
            first.setdefault(message.delivery.group, pause(fate, message.delivery.receipts))
        entries = [
            {
                "Id": str(number),
                "ReceiptHandle": message.receipt,
                "VisibilityTimeout": first[message.delivery.group],
            }
            for number, (message, _) in enumerate(ends)
        ]
        if entries:
            with suppress(UnavailableError):
                self._call("ChangeMessageVisibilityBatch", {"QueueUrl": self._queue_url, "Entries": entries})


def pause(fate: Fate, receipts: int) -> int:
    """Seconds until what has failed so often is received again, and with it what is behind it in its group.

    None where that changes nothing: what cannot be read, or was received as often as it may be, is to be dead soon.
    """
    if fate is Fate.UNREADABLE or receipts >= MOST_RECEIPTS:
        return 0
    return int(min(LONGEST_PAUSE, 2**receipts))


def _message(told: Mapping[str, Any]) -> Message:
    return Message(delivery(told["MessageId"], told["Body"], told["Attributes"]), told["ReceiptHandle"])


def _for_good(failed: Mapping[str, Any]) -> bool:
    return bool(failed.get("SenderFault"))


def open_sqs(
    call: Call, queue_url: str, notify: Notify, *, told: Told = to_nobody, patience: Patience | None = None
) -> SqsConsumer:
    """Hand what is in that queue to ``notify``.

    Args:
        call: calls to SQS that repeat nothing by themselves.
        told: is told of what was not handed on.
    """
    return SqsConsumer(call, queue_url, notify, told, patience or Patience())
