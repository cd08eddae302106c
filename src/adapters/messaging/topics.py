"""The topic, its queues and what joins them, written once: tests and the infrastructure make theirs from here."""

import json
from collections.abc import Mapping
from typing import Any, Final, Self

import attrs

KIND: Final = "kind"
VERSION: Final = "version"
"""The attributes of a message: what filter policies choose by."""

LONG_POLL: Final = 2
"""Seconds that a queue which is empty keeps whoever asks; less than a call waits for an answer."""
VISIBILITY: Final = 180
"""Seconds that a message which was received is kept from others: six times what its handler has, as Lambda wants it."""
MOST_RECEIPTS: Final = 20
"""How often a message is received before it is dead: with the pauses between, an outage may last an hour."""
RETENTION: Final = 14 * 24 * 60 * 60
"""Seconds that a message is kept: the longest there is."""


@attrs.frozen
class Topic:
    """A FIFO topic: what is published of one group leaves in order, and what comes again within 5 minutes does not."""

    name: str

    def attributes(self) -> dict[str, str]:
        """What ``CreateTopic`` takes."""
        return {
            "FifoTopic": "true",
            # One event in two versions is two messages, however alike they are.
            "ContentBasedDeduplication": "false",
            # Order and repeats are matters of one subject: subjects do not slow each other down.
            "FifoThroughputScope": "MessageGroup",
        }


@attrs.frozen
class Queue:
    """A FIFO queue: of one group nothing is received while something earlier is neither deleted nor given up."""

    name: str

    def attributes(self) -> dict[str, str]:
        """What ``CreateQueue`` takes, but for what names other things by their address."""
        return {
            "FifoQueue": "true",
            "ContentBasedDeduplication": "false",
            "DeduplicationScope": "messageGroup",
            "FifoThroughputLimit": "perMessageGroupId",
            "VisibilityTimeout": str(VISIBILITY),
            "MessageRetentionPeriod": str(RETENTION),
            "ReceiveMessageWaitTimeSeconds": str(LONG_POLL),
            "SqsManagedSseEnabled": "true",
        }


@attrs.frozen
class Topics:
    """What announcements travel through: the topic, the notifier's queue, and where those go that it cannot handle.

    Attributes:
        filters: by attribute of a message the values of those that the notifier gets.
    """

    announcements: Topic
    notices: Queue
    dead: Queue
    filters: Mapping[str, tuple[str, ...]] = attrs.field(factory=lambda: {VERSION: ("1",)})

    @classmethod
    def named(cls, prefix: str) -> Self:
        """Those of one installation."""
        return cls(
            Topic(f"{prefix}announcements.fifo"), Queue(f"{prefix}notices.fifo"), Queue(f"{prefix}notices-dead.fifo")
        )

    def redrive(self, dead_arn: str, /) -> dict[str, str]:
        """The attribute by which the queue's messages die."""
        policy = {"deadLetterTargetArn": dead_arn, "maxReceiveCount": MOST_RECEIPTS}
        return {"RedrivePolicy": json.dumps(policy)}

    def takes_from(self, queue_arn: str, /) -> dict[str, str]:
        """The attribute by which the dead of this queue come to theirs, and of no other."""
        policy = {"redrivePermission": "byQueue", "sourceQueueArns": [queue_arn]}
        return {"RedriveAllowPolicy": json.dumps(policy)}

    def subscription(self, topic_arn: str, queue_arn: str, dead_arn: str) -> dict[str, Any]:
        """What ``Subscribe`` takes; what cannot be delivered to the queue goes to the dead too."""
        attributes = {
            "RawMessageDelivery": "true",
            "FilterPolicyScope": "MessageAttributes",
            "FilterPolicy": json.dumps({name: list(values) for name, values in self.filters.items()}),
            "RedrivePolicy": json.dumps({"deadLetterTargetArn": dead_arn}),
        }
        return {
            "TopicArn": topic_arn,
            "Protocol": "sqs",
            "Endpoint": queue_arn,
            "Attributes": attributes,
            "ReturnSubscriptionArn": True,
        }


def filled_by(queue_arn: str, topic_arn: str) -> dict[str, str]:
    """The attribute by which this topic, and no other, may send to the queue."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
    }
    return {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}


TOPICS: Final = Topics.named("")
"""Those of the plain names."""
