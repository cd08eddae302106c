"""The secrets of private calendars on DynamoDB."""

from typing import Any

import attrs

from adapters.dynamodb.access import Dynamo
from adapters.dynamodb.actions import Action, Item, binary, key, pair, text
from adapters.dynamodb.settling import IS_NEW, act, commit
from telemed_core.domain.ids import AccountId
from telemed_core.ports.services import Sealing


@attrs.frozen
class DynamoFeeds:
    """Calendar secrets on DynamoDB: found by a blind index, kept sealed."""

    _dynamo: Dynamo
    _sealing: Sealing

    def open(self, account_id: AccountId, secret: str, /) -> str:
        of_account = _account_key(account_id)
        kept = self._dynamo.get(self._dynamo.tables.accounts, of_account)
        if kept is None:
            index = self._index(secret)
            sealed = self._sealing.seal(secret, context=_context(account_id))
            own = {**of_account, "secret_index": text(index), "sealed": binary(sealed)}
            found_by = {**_secret_key(index), "account": text(account_id)}
            refused = commit(self._dynamo, [self._new(own), self._new(found_by)])
            if not refused:
                return secret
            # Somebody else has opened it meanwhile; where it is the secret that is another's, that is a bug.
            kept = refused[pair(of_account)]
        # What boto3 answers as binary is bytes.
        return self._sealing.unseal(bytes(kept["sealed"]["B"]), context=_context(account_id))  # type: ignore[arg-type] # by its letter it is no text

    def find(self, secret: str, /) -> AccountId | None:
        found = self._dynamo.get(self._dynamo.tables.accounts, _secret_key(self._index(secret)))
        return None if found is None else AccountId(str(found["account"]["S"]))

    def revoke(self, account_id: AccountId, /) -> None:
        of_account = _account_key(account_id)
        kept = self._dynamo.get(self._dynamo.tables.accounts, of_account)
        if kept is None:
            return
        index = str(kept["secret_index"]["S"])
        same: dict[str, Any] = {
            "ConditionExpression": "secret_index=:index",
            "ExpressionAttributeValues": {":index": text(index)},
        }
        # Where it is refused, that secret has been revoked already.
        commit(
            self._dynamo,
            [act("Delete", self._table, Key=of_account, **same), act("Delete", self._table, Key=_secret_key(index))],
        )

    def _new(self, item: Item) -> Action:
        return act("Put", self._table, Item=item, ConditionExpression=IS_NEW)

    @property
    def _table(self) -> str:
        return self._dynamo.tables.accounts.name

    def _index(self, secret: str) -> str:
        return self._sealing.index("feed", secret)


def _account_key(account_id: AccountId) -> Item:
    return key(f"ACC#{account_id}", "FEED")


def _secret_key(index: str) -> Item:
    return key(f"FEED#{index}", "M")


def _context(account_id: AccountId) -> str:
    return f"feed/{account_id}"
