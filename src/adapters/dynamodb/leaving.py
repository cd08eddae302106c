"""What every command leaves beside its own changes, as it is written: its receipt, and texts, which are sealed."""

from collections.abc import Iterable, Iterator

from adapters.dynamodb.actions import Action, Purpose, pair, text
from adapters.dynamodb.items import receipt_item, receipt_key, sortable, text_item
from adapters.dynamodb.records import Seal
from adapters.dynamodb.settling import IS_NEW, Found, act
from adapters.serialization import load_receipt
from telemed_core.domain.commit import Command
from telemed_core.domain.ids import Id
from telemed_core.domain.receipts import RECEIPT_LIFE
from telemed_core.domain.texts import Text


def receipt_actions(table: str, command: Command, *, subject: Id, rev: int) -> Iterator[Action]:
    """Remember the command under its key, if it has one, in place of one that does not count any more."""
    if command.idempotency is not None:
        yield act(
            "Put",
            table,
            purpose=Purpose.RECEIPT,
            Item=receipt_item(command.idempotency, command, subject=subject, rev=rev),
            ConditionExpression=f"{IS_NEW} OR written<=:over",
            ExpressionAttributeValues={":over": text(sortable(command.at - RECEIPT_LIFE))},
        )


def check_receipt(command: Command, refused: Found) -> None:
    """Pass where it was not for its receipt that a command was refused.

    Raises:
        ReplayedCommand: it was carried out before.
        IdempotencyKeyReusedError: something else was.
    """
    asked = command.idempotency
    if asked is not None and (kept := refused.get(pair(receipt_key(asked)))):
        raise load_receipt(str(kept["body"]["S"])).replays(asked)


def text_actions(table: str, texts: Iterable[Text], seal: Seal) -> Iterator[Action]:
    """Write what people wrote, sealed. What carries their keys is new: so are they."""
    for written in texts:
        yield act("Put", table, purpose=Purpose.TEXT, Item=text_item(written.key, seal(written)))
