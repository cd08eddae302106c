"""What every command leaves beside its own changes, as it is read: receipts, and texts, which are sealed at rest."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime

import attrs

from adapters.dynamodb.access import Dynamo
from adapters.dynamodb.actions import Item, pair
from adapters.dynamodb.items import receipt_key, text_key
from adapters.serialization import load_receipt
from telemed_core.domain.commit import Idempotency
from telemed_core.domain.receipts import Receipt
from telemed_core.domain.texts import Text, TextKey
from telemed_core.ports.services import Sealing

Seal = Callable[[Text], bytes]
"""Encrypts a text, bound to its key."""


def sealed_by(sealing: Sealing) -> Seal:
    """How texts are sealed: each can be read under its own key only."""

    def seal(written: Text) -> bytes:
        return sealing.seal(written.body, context=_context(written.key))

    return seal


def _context(key: TextKey) -> str:
    return f"text/{key.owner}/{key.seq}"


def _sealed_in(item: Item) -> bytes:
    sealed = item["sealed"]["B"]
    assert isinstance(sealed, bytes)  # noqa: S101 # it was written as bytes
    return sealed


@attrs.frozen
class DynamoReceipts:
    """Receipts on DynamoDB."""

    _dynamo: Dynamo

    def find(self, idempotency: Idempotency, /, *, now: datetime) -> Receipt | None:
        item = self._dynamo.get(self._dynamo.tables.scheduling, receipt_key(idempotency))
        receipt = None if item is None else load_receipt(str(item["body"]["S"]))
        return receipt if receipt is not None and receipt.counts(now=now) else None


@attrs.frozen
class DynamoTexts:
    """Texts on DynamoDB."""

    _dynamo: Dynamo
    _sealing: Sealing

    def read(self, keys: Collection[TextKey], /) -> Mapping[TextKey, str]:
        wanted = {key: text_key(key) for key in keys}
        found = self._dynamo.batch_get(self._dynamo.tables.clinical, wanted.values())
        return {
            key: self._sealing.unseal(_sealed_in(found[at]), context=_context(key))
            for key, item in wanted.items()
            if (at := pair(item)) in found
        }
