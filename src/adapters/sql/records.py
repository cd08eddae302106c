"""What every command leaves beside its own changes: its receipt and texts; and how they are read."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Final

import attrs
from sqlalchemy import Connection, bindparam, insert, select, text

from adapters.serialization import dump_receipt, load_receipt
from adapters.sql.tables import RECEIPTS, TEXTS, Instant
from adapters.sql.transactions import Database
from telemed_core.domain.commit import Command, Idempotency
from telemed_core.domain.ids import Id
from telemed_core.domain.receipts import RECEIPT_LIFE, Receipt
from telemed_core.domain.texts import Text, TextKey
from telemed_core.ports.services import Sealing

_LEAVE_RECEIPT: Final = text(
    "INSERT INTO receipts (account_id, key, at, body) VALUES (:account_id, :key, :at, :body)"
    " ON CONFLICT (account_id, key) DO UPDATE SET at = excluded.at, body = excluded.body"
    " WHERE receipts.at <= :over"
).bindparams(bindparam("at", type_=Instant), bindparam("over", type_=Instant))
_FIND_RECEIPT: Final = select(RECEIPTS.c.body).where(
    RECEIPTS.c.account_id == bindparam("account_id"), RECEIPTS.c.key == bindparam("key")
)
_READ_TEXTS: Final = select(TEXTS).where(TEXTS.c.owner.in_(bindparam("owners", expanding=True)))
_WRITE_TEXT: Final = insert(TEXTS)


def leave_receipt(connection: Connection, command: Command, *, subject: Id, rev: int) -> None:
    """Remember the command under its key, in place of one that does not count any more.

    Raises:
        ReplayedCommand: it was carried out before.
        IdempotencyKeyReusedError: something else was.
    """
    asked = command.idempotency
    if asked is None:
        return
    receipt = Receipt(asked, command.id, subject, rev, command.at)
    left = connection.execute(
        _LEAVE_RECEIPT,
        {
            "account_id": asked.account_id,
            "key": asked.key,
            "at": command.at,
            "body": dump_receipt(receipt),
            "over": command.at - RECEIPT_LIFE,
        },
    )
    if not left.rowcount:
        kept = connection.execute(_FIND_RECEIPT, {"account_id": asked.account_id, "key": asked.key}).scalar_one()
        raise load_receipt(kept).replays(asked)


def write_texts(connection: Connection, sealing: Sealing, texts: Iterable[Text]) -> None:
    """Write what people wrote, sealed."""
    rows = [
        {"owner": one.key.owner, "seq": one.key.seq, "sealed": sealing.seal(one.body, context=_context(one.key))}
        for one in texts
    ]
    if rows:
        connection.execute(_WRITE_TEXT, rows)


def _context(key: TextKey) -> str:
    return f"text/{key.owner}/{key.seq}"


@attrs.frozen
class SqlReceipts:
    """Receipts in SQL."""

    _database: Database

    def find(self, idempotency: Idempotency, /, *, now: datetime) -> Receipt | None:
        key = {"account_id": idempotency.account_id, "key": idempotency.key}
        body = self._database.read(lambda connection: connection.execute(_FIND_RECEIPT, key).scalar_one_or_none())
        receipt = None if body is None else load_receipt(body)
        return receipt if receipt is not None and receipt.counts(now=now) else None


@attrs.frozen
class SqlTexts:
    """Texts in SQL."""

    _database: Database
    _sealing: Sealing

    def read(self, keys: Collection[TextKey], /) -> Mapping[TextKey, str]:
        owners = {"owners": [*{key.owner for key in keys}]}
        rows = self._database.read(lambda connection: connection.execute(_READ_TEXTS, owners).all())
        found = {TextKey(Id(owner), seq): sealed for owner, seq, sealed in rows}
        return {
            key: self._sealing.unseal(found[key], context=_context(key)) for key in dict.fromkeys(keys) if key in found
        }
