"""What is done with messages of a FIFO queue: handed on in order, and after one that is not, none of its group."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum, auto
from typing import Any, Final

import attrs

from adapters.messaging.topics import MOST_RECEIPTS
from telemed_core.domain.notices import Announcement
from telemed_core.errors import InvalidError
from telemed_core.messages.published import read_published

GROUP: Final = "MessageGroupId"
RECEIPTS: Final = "ApproximateReceiveCount"
"""What has to be known of each message: attributes that its queue gives it."""

Notify = Callable[[Sequence[Announcement]], None]

Told = Callable[[str, Exception], None]
"""Is told of each message that failed, by its id, and why; not of those that wait behind it."""


def to_nobody(_: str, __: Exception) -> None:
    """Whoever asks may see what was left."""


@attrs.frozen
class Delivery:
    """One message as it was received; of one group they are received in order.

    Attributes:
        receipts: how often it was received, this time included.
    """

    id: str
    group: str
    body: str = attrs.field(repr=False)
    receipts: int = 1


def delivery(id: str, body: str, attributes: Mapping[str, str]) -> Delivery:
    """The delivery of that message, whose ``attributes`` are the queue's own."""
    return Delivery(id, attributes[GROUP], body, int(attributes[RECEIPTS]))


class Fate(Enum):
    """How a delivery has ended."""

    HANDED_ON = auto()
    FAILED = auto()
    """It may be handed on another time."""
    UNREADABLE = auto()
    """It will never be."""


def hand_on(
    deliveries: Iterable[Delivery], notify: Notify, told: Told = to_nobody, *, most: int = MOST_RECEIPTS
) -> list[Fate]:
    """Hand each announcement to ``notify``, in order; what is behind one that failed in its group fails with it.

    What has failed comes again, and ``notify`` drops what it was handed before.

    Args:
        most: how often a message is received. One that fails the last time is dead, and nothing waits behind it:
            what waited for it so often would die with it.
    """
    broken: dict[str, Fate] = {}
    fates = []
    for delivery in deliveries:
        fate = broken.get(delivery.group) or _handed_on(delivery, notify, told)
        if fate is not Fate.HANDED_ON and delivery.receipts < most:
            broken[delivery.group] = fate
        fates.append(fate)
    return fates


def _handed_on(delivery: Delivery, notify: Notify, told: Told) -> Fate:
    try:
        # Half of a character is no text, and then no event.
        announcement = read_published(delivery.body.encode(errors="surrogatepass"))
    except InvalidError as error:
        told(delivery.id, error)
        return Fate.UNREADABLE
    try:
        notify([announcement])
    except Exception as error:  # whatever one message breaks: those of other subjects are not to wait behind it
        told(delivery.id, error)
        return Fate.FAILED
    return Fate.HANDED_ON


def handle_records(
    records: Iterable[Mapping[str, Any]], notify: Notify, told: Told = to_nobody
) -> list[dict[str, str]]:
    """The ``batchItemFailures`` of the records that Lambda gets from a FIFO queue; it deletes all others.

    The failures of a group are the first of them and all that is behind it, so that the group goes on from there.
    """
    deliveries = [delivery(record["messageId"], record["body"], record["attributes"]) for record in records]
    fates = hand_on(deliveries, notify, told)
    return [
        {"itemIdentifier": one.id} for one, fate in zip(deliveries, fates, strict=True) if fate is not Fate.HANDED_ON
    ]
