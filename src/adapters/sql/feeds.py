"""The secrets of private calendars in SQL."""

from typing import Final

import attrs
from sqlalchemy import Connection, bindparam, delete, select, text

from adapters.sql.tables import FEEDS
from adapters.sql.transactions import Database
from telemed_core.domain.ids import AccountId
from telemed_core.ports.services import Sealing

_FEED: Final = select(FEEDS.c.sealed).where(FEEDS.c.account_id == bindparam("account_id"))
_OPEN: Final = text(
    "INSERT INTO feeds (account_id, secret_index, sealed) VALUES (:account_id, :secret_index, :sealed)"
    " ON CONFLICT (account_id) DO NOTHING"
)
_WHOSE: Final = select(FEEDS.c.account_id).where(FEEDS.c.secret_index == bindparam("secret_index"))
_REVOKE: Final = delete(FEEDS).where(FEEDS.c.account_id == bindparam("of"))


@attrs.frozen
class SqlFeeds:
    """Calendar secrets in SQL: found by a blind index, kept sealed."""

    _database: Database
    _sealing: Sealing

    def open(self, account_id: AccountId, secret: str, /) -> str:
        asked = {"account_id": account_id}
        sealed = self._sealing.seal(secret, context=_context(account_id))
        row = {**asked, "secret_index": self._index(secret), "sealed": sealed}

        def work(connection: Connection) -> bytes:
            connection.execute(_OPEN, row)
            kept: bytes = connection.execute(_FEED, asked).scalar_one()
            return kept

        return self._sealing.unseal(self._database.write(work), context=_context(account_id))

    def find(self, secret: str, /) -> AccountId | None:
        asked = {"secret_index": self._index(secret)}
        found = self._database.read(lambda connection: connection.execute(_WHOSE, asked).scalar())
        return None if found is None else AccountId(found)

    def revoke(self, account_id: AccountId, /) -> None:
        self._database.write(lambda connection: connection.execute(_REVOKE, {"of": account_id}).rowcount)

    def _index(self, secret: str) -> str:
        return self._sealing.index("feed", secret)


def _context(account_id: AccountId) -> str:
    return f"feed/{account_id}"
