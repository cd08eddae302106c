"""Items read and written: what every store on DynamoDB is made of, patient with contention and with lost answers."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

import attrs

from adapters.aws.calling import Call
from adapters.aws.failures import AwsError, Reason
from adapters.aws.retrying import Patience
from adapters.dynamodb.actions import Action, Item, pair, text
from adapters.dynamodb.tables import PARTITION_KEY, SORT_KEY, TABLES, Index, Table, Tables
from telemed_core.errors import BusyError

MOST_AT_ONCE: Final = 100
"""How many keys one ``BatchGetItem`` takes."""

_FAILED: Final = "ConditionalCheckFailedException"


@attrs.frozen
class Terms:
    """On what terms an item is written.

    Attributes:
        condition: what must hold of the item as it stands; ``None``: nothing has to.
        values: what stands in the condition, and in the change, under names such as ``:rev``.
        names: attributes that go by reserved words, under names such as ``#name``.
    """

    condition: str | None = None
    values: Item = attrs.field(factory=dict)
    names: Mapping[str, str] = attrs.field(factory=dict)

    def request(self) -> dict[str, Any]:
        """Their part of a request; an empty one is refused."""
        terms: dict[str, Any] = {}
        if self.condition is not None:
            terms["ConditionExpression"] = self.condition
            terms["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        if self.values:
            terms["ExpressionAttributeValues"] = self.values
        if self.names:
            terms["ExpressionAttributeNames"] = self.names
        return terms


ANY_TERMS: Final = Terms()


@attrs.frozen
class Refused:
    """A condition did not hold, and nothing was written.

    Attributes:
        item: as it stands; ``None``: there is none.
    """

    item: Item | None


@attrs.frozen(kw_only=True)
class Query:
    """Items of one partition in the order of their sort keys.

    Attributes:
        index: the index that is read, which lags behind; ``None``: the table as it is.
        begins: what the sort key begins with.
        low: the least sort key.
        high: the greatest; with ``begins`` there is neither.
        after: the keys of the item, those of the index included, after which it goes on; it need not be there.
        most: how many are wanted.
    """

    table: Table
    partition: str
    index: Index | None = None
    begins: str | None = None
    low: str | None = None
    high: str | None = None
    after: Item | None = None
    most: int | None = None
    backwards: bool = False

    def request(self) -> dict[str, Any]:
        """What ``Query`` takes for the first page."""
        partition, sort = (self.index.partition_key, self.index.sort_key) if self.index else (PARTITION_KEY, SORT_KEY)
        bounds = {":begins": self.begins, ":low": self.low, ":high": self.high}
        values = {name: text(bound) for name, bound in bounds.items() if bound is not None}
        tests = [f"{partition}=:of", *_sort_tests(sort, values.keys())]
        request: dict[str, Any] = {
            "TableName": self.table.name,
            "KeyConditionExpression": " AND ".join(tests),
            "ExpressionAttributeValues": {":of": text(self.partition), **values},
            "ScanIndexForward": not self.backwards,
            **({"IndexName": self.index.name} if self.index else {"ConsistentRead": True}),
        }
        if self.after is not None:
            request["ExclusiveStartKey"] = self.after
        return request


def _sort_tests(sort: str, bounds: Iterable[str]) -> Iterator[str]:
    # A query may test the sort key once.
    given = set(bounds)
    if ":begins" in given:
        yield f"begins_with({sort},:begins)"
    elif given == {":low", ":high"}:
        yield f"{sort} BETWEEN :low AND :high"
    elif given:
        yield f"{sort}>=:low" if ":low" in given else f"{sort}<=:high"


def _nothing() -> None:
    """Whoever only waits has nothing else to do."""


@attrs.frozen
class Dynamo:
    """The items of one installation's tables.

    Every method raises ``BusyError`` where contention outlasts patience (nothing was written), and ``UnavailableError``
    where DynamoDB cannot be used, or where it is not known whether something was written.
    """

    _call: Call
    tables: Tables = TABLES
    _patience: Patience = attrs.field(factory=Patience)

    def get(self, table: Table, key: Item, /) -> Item | None:
        """The item as it stands now."""
        request = {"TableName": table.name, "Key": key, "ConsistentRead": True}
        found: Item | None = self._read("GetItem", request).get("Item")
        return found

    def batch_get(
        self, table: Table, keys: Iterable[Item], /, *, only: Sequence[str] = ()
    ) -> dict[tuple[str, str], Item]:
        """The items that are there, by their two keys, as they stand; a hundred in each round trip.

        Args:
            only: the attributes that are wanted beside the keys, none of them a reserved word; none: all.
        """
        terms = {"ProjectionExpression": ",".join((PARTITION_KEY, SORT_KEY, *only))} if only else {}
        wanted = list({pair(key): key for key in keys}.values())
        found: dict[tuple[str, str], Item] = {}
        for start in range(0, len(wanted), MOST_AT_ONCE):
            left = wanted[start : start + MOST_AT_ONCE]
            self._patience(partial(self._take, table, left, found, terms))
        return found

    def _take(
        self, table: Table, left: list[Item], found: dict[tuple[str, str], Item], terms: Mapping[str, str]
    ) -> None:
        """Move what is answered to what was found; what is still left was too much for the service."""
        request = {"RequestItems": {table.name: {"Keys": list(left), "ConsistentRead": True, **terms}}}
        answer = self._call("BatchGetItem", request)
        found.update((pair(item), item) for item in answer["Responses"].get(table.name, ()))
        left[:] = answer.get("UnprocessedKeys", {}).get(table.name, {}).get("Keys", ())
        if left:
            raise BusyError

    def query(self, asked: Query, /) -> Iterator[Item]:
        """The items, page by page, as they are taken."""
        request, left = asked.request(), asked.most
        while left is None or left > 0:
            if left is not None:
                request["Limit"] = left
            page = self._read("Query", request)
            yield from page["Items"]
            if not page.get("LastEvaluatedKey"):
                return
            left = None if left is None else left - len(page["Items"])
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def scan(self, table: Table, /, *, begins: str) -> Iterator[Item]:
        """All items whose partitions begin like that, in no order; the whole table is read for it."""
        request: dict[str, Any] = {
            "TableName": table.name,
            "FilterExpression": f"begins_with({PARTITION_KEY},:begins)",
            "ExpressionAttributeValues": {":begins": text(begins)},
            "ConsistentRead": True,
        }
        while True:
            page = self._read("Scan", request)
            yield from page["Items"]
            if not page.get("LastEvaluatedKey"):
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def put(self, table: Table, item: Item, /, *, on: Terms = ANY_TERMS, repeatable: bool = False) -> Refused | None:
        """Write the whole item; ``None``: it is written.

        One with a condition is not repeated after a lost answer: it might be refused for what it has written itself.

        Args:
            repeatable: whether the caller sees by the item of a refusal whether it is its own.
        """
        repeatable = repeatable or on.condition is None
        answer = self._write("PutItem", {"TableName": table.name, "Item": item}, on, repeatable=repeatable)
        return answer if isinstance(answer, Refused) else None

    def delete(self, table: Table, key: Item, /, *, on: Terms = ANY_TERMS) -> Refused | None:
        """Remove the item, if there is one; ``None``: it is gone. Repeated as ``put`` is."""
        answer = self._write("DeleteItem", {"TableName": table.name, "Key": key}, on, repeatable=on.condition is None)
        return answer if isinstance(answer, Refused) else None

    def update(
        self, table: Table, key: Item, change: str, /, *, on: Terms = ANY_TERMS, repeatable: bool = False
    ) -> Item | Refused:
        """Change the item and answer it as it is then; where there is none, one is made.

        Args:
            change: the update expression.
            on: with the values and names that the change uses.
            repeatable: whether the same change, made twice, does what it does once.
        """
        request = {"TableName": table.name, "Key": key, "UpdateExpression": change, "ReturnValues": "ALL_NEW"}
        answer = self._write("UpdateItem", request, on, repeatable=repeatable)
        if isinstance(answer, Refused):
            return answer
        item: Item = answer["Attributes"]
        return item

    def transact(
        self, actions: Sequence[Action], token: str, /, *, contended: Callable[[], None] = _nothing
    ) -> tuple[Reason, ...] | None:
        """Carry out all of the actions or none; ``None``: it was done, else the reason of each why it was not.

        Where the answer is lost it is asked for again under the same token, by which DynamoDB does it once only.
        Reasons are answered where a condition failed; mere contention is waited out.

        Args:
            contended: called where others were at the same items; what it raises is raised, else it is tried again.
        """

        def send() -> None:
            try:
                self._call("TransactWriteItems", request)
            except BusyError:
                contended()
                raise

        request = {"TransactItems": [action.request() for action in actions], "ClientRequestToken": token}
        try:
            self._patience(send)
        except AwsError as error:
            if not error.reasons:
                raise
            return error.reasons
        return None

    def _read(self, operation: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._patience(lambda: self._call(operation, request))

    def _write(
        self, operation: str, request: dict[str, Any], on: Terms, *, repeatable: bool
    ) -> Mapping[str, Any] | Refused:
        whole = request | on.request()
        try:
            return self._patience(lambda: self._call(operation, whole), repeatable=repeatable)
        except AwsError as error:
            if error.code != _FAILED:
                raise
            return Refused(error.item)
