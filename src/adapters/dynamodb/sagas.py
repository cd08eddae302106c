"""The log of sagas on DynamoDB: one item per saga, one conditional write per transition."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final
from uuid import uuid4

import attrs

from adapters.aws.failures import Reason
from adapters.dynamodb.access import Dynamo, Query, Terms
from adapters.dynamodb.actions import Action, Item, Purpose, number, text
from adapters.dynamodb.items import SHARDS, at_and_id, due_partition, sortable
from adapters.dynamodb.leaving import text_actions
from adapters.dynamodb.parallel import merged, together
from adapters.dynamodb.records import sealed_by
from adapters.dynamodb.saga_rows import (
    IS_AS_READ,
    OF_ALL,
    OF_SUBJECT,
    all_partition,
    as_read,
    check_written,
    entry_action,
    held_partition,
    intervention_item,
    load_intervention,
    load_row,
    mark_action,
    mark_key,
    row_after,
    row_item,
    start_actions,
    subject_partition,
)
from adapters.dynamodb.settling import CONDITION_FAILED, act, commit, unexpected
from adapters.dynamodb.tables import HELD, WORK, Table
from adapters.serialization import microseconds
from telemed_core.domain.ids import Id, SagaId
from telemed_core.domain.instants import EPOCH, SKEW
from telemed_core.domain.sagas import LEASE, Intervention, Phase, PublishedMark, SagaEntry, SagaRow, SagaStart
from telemed_core.domain.texts import Text
from telemed_core.errors import FencedError, NotFoundError, StaleVersionError, UnavailableError
from telemed_core.ports.services import Sealing

_LOOKED_AT_ONCE: Final = 16
_MOST_OF_A_LIST: Final = 50
"""So many rows are read of each shard at once."""
_BEHIND_ALL_IDS: Final = "~"


@attrs.frozen
class DynamoSagaLog:
    """Sagas on DynamoDB.

    What is due and who holds leases is looked up by indexes, which lag behind by moments, and then seen on the rows
    themselves: nobody claims or frees what is not due or held any more. Who has claimed a moment ago may be missing
    among the owners, and what has become due a moment ago among what is claimed: the next look finds them.
    """

    _dynamo: Dynamo
    _sealing: Sealing

    @property
    def _table(self) -> Table:
        return self._dynamo.tables.scheduling

    def claim(self, owner: str, /, *, now: datetime, limit: int) -> Sequence[SagaRow]:
        claimed: list[SagaRow] = []
        due = (row for row in self._due(now=now) if not _is_held(row, now=now))
        try:
            while len(claimed) < limit and (row := next(due, None)) is not None:
                taken = self._take(row, owner, now=now)
                claimed += (taken,) if taken else ()
        except UnavailableError:
            # What it has by now it has to run.
            if not claimed:
                raise
        return sorted(claimed, key=lambda row: (row.due_at or EPOCH, row.id))

    def _due(self, *, now: datetime) -> Iterator[SagaRow]:
        """Most overdue first."""
        latest = f"{sortable(now)}#{_BEHIND_ALL_IDS}"
        shards = [
            Query(table=self._table, index=WORK, partition=due_partition(shard), high=latest) for shard in range(SHARDS)
        ]
        # Appointments that time has changed are among them.
        found = (item for item in merged(self._dynamo, shards) if str(item["PK"]["S"]).startswith("S#"))
        for row in self._rows(found):
            if row.due_at is not None and row.due_at <= now:
                yield row

    def _rows(self, found: Iterator[Item]) -> Iterator[SagaRow]:
        """The rows that an index tells of, as they stand."""
        while keys := [{name: item[name] for name in ("PK", "SK")} for item in islice(found, _LOOKED_AT_ONCE)]:
            items = self._dynamo.batch_get(self._table, keys)
            at = [(str(one["PK"]["S"]), str(one["SK"]["S"])) for one in keys]
            yield from (load_row(items[one]) for one in at if one in items)

    def _take(self, row: SagaRow, owner: str, *, now: datetime) -> SagaRow | None:
        """The row as it is claimed by this call; ``None``: it is not as it was seen any more."""
        taken = attrs.evolve(row, fence=row.fence + 1, claims=row.claims + 1, owner=owner, lease_until=now + LEASE)
        # Tells this call's claim from one of another thread, which looks the same, where its answer was lost.
        claim = text(uuid4().hex)
        on = Terms(f"{IS_AS_READ} AND {_lease_as_read(row)}", {**as_read(row), **_lease_value(row)})
        answer = self._dynamo.put(self._table, {**row_item(taken), "claim": claim}, on=on, repeatable=True)
        if answer is None or (answer.item and answer.item.get("claim") == claim and load_row(answer.item) == taken):
            return taken
        return None

    def append(
        self, entry: SagaEntry, /, *, starting: Collection[SagaStart] = (), mark: PublishedMark | None = None
    ) -> SagaRow:
        written, table = entry_action(self._table.name, entry), self._table.name
        if mark is None and not starting:
            self._write(written, entry)
            return entry.after
        marks = [] if mark is None else [mark_action(table, mark)]
        starts = start_actions(table, starting, at=entry.at)
        while reasons := self._dynamo.transact([written, *marks, *starts], uuid4().hex):
            if _has_failed(reasons[0]):
                check_written(entry, reasons[0].get("Item"))
                break
            if any(_has_failed(reason) for reason in reasons[1 : 1 + len(marks)]):
                raise StaleVersionError
            # Those that are there already go on as they are. Rows never go, so each round has fewer.
            left = [
                one for one, reason in zip(starts, reasons[1 + len(marks) :], strict=True) if not _has_failed(reason)
            ]
            if len(left) == len(starts):
                raise unexpected(reasons)
            starts = left
        return entry.after

    def _write(self, action: Action, entry: SagaEntry) -> None:
        on = Terms(IS_AS_READ, as_read(entry.before))
        answer = self._dynamo.put(self._table, action.parameters["Item"], on=on, repeatable=True)
        if answer is not None:
            check_written(entry, answer.item)

    def renew(self, row: SagaRow, /, *, now: datetime) -> SagaRow:
        renewed = attrs.evolve(row, lease_until=now + LEASE)
        on = Terms(IS_AS_READ, as_read(row))
        if self._dynamo.put(self._table, row_item(renewed), on=on, repeatable=True) is not None:
            raise FencedError
        return renewed

    def owners(self) -> Collection[str]:
        return {str(item[HELD.sort_key]["S"]).rpartition("#")[0] for item in self._held()}

    def _held(self) -> Iterator[Item]:
        shards = [Query(table=self._table, index=HELD, partition=held_partition(n)) for n in range(SHARDS)]
        return merged(self._dynamo, shards)

    def free(self, owners: Collection[str], /) -> int:
        if not owners:
            return 0
        held = (item for item in self._held() if str(item[HELD.sort_key]["S"]).rpartition("#")[0] in owners)
        rows = [row for row in self._rows(held) if row.owner in owners]
        return sum(together([lambda row=row: self._free(row) for row in rows]))  # type: ignore[misc] # mypy cannot infer a lambda's default

    def _free(self, row: SagaRow) -> bool:
        freed = attrs.evolve(row, owner=None, lease_until=None)
        on = Terms(IS_AS_READ, as_read(row))
        answer = self._dynamo.put(self._table, row_item(freed), on=on, repeatable=True)
        return answer is None or (answer.item is not None and load_row(answer.item) == freed)

    def published(self, subject: Id, /) -> int:
        mark = self._dynamo.get(self._table, mark_key(subject))
        return 0 if mark is None else int(str(mark["seq"]["N"]))

    def get(self, saga_id: SagaId, /) -> tuple[SagaRow, Sequence[Intervention]]:
        items = [*self._dynamo.query(Query(table=self._table, partition=f"S#{saga_id}"))]
        if not items:
            raise NotFoundError
        # The row is behind all interventions.
        *made, row = items
        return load_row(row), tuple(load_intervention(saga_id, one) for one in made)

    def list(
        self,
        *,
        name: str | None = None,
        phases: Collection[Phase] = (),
        subject: Id | None = None,
        after: tuple[datetime, SagaId] | None = None,
        limit: int,
    ) -> Sequence[SagaRow]:
        high = None if after is None else at_and_id(*after)
        asked: dict[str, Any] = {"table": self._table, "high": high, "backwards": True}
        queries = (
            [Query(index=OF_ALL, partition=all_partition(shard), **asked) for shard in range(SHARDS)]
            if subject is None
            else [Query(index=OF_SUBJECT, partition=subject_partition(subject), **asked)]
        )
        found = (
            row
            for row in map(load_row, merged(self._dynamo, queries, page=min(_MOST_OF_A_LIST, limit + 1)))
            if (row.started_at, row.id) != after
            and name in {None, row.name}
            and (not phases or row.progress.phase in phases)
        )
        return [*islice(found, limit)]

    def intervene(self, entry: SagaEntry, intervention: Intervention, reason: Text, /) -> SagaRow:
        tables, fence = self._dynamo.tables, entry.before.fence + 1
        written = entry_action(self._table.name, entry, fence=fence)
        actions = [
            written,
            act("Put", self._table.name, purpose=Purpose.SAGA, Item=intervention_item(intervention)),
            *text_actions(tables.clinical.name, (reason,), sealed_by(self._sealing)),
        ]
        refused = commit(self._dynamo, actions)
        if refused:
            check_written(entry, refused.get(written.key), fence=fence)
        return row_after(entry, fence=fence)


def _is_held(row: SagaRow, *, now: datetime) -> bool:
    return row.lease_until is not None and now < row.lease_until <= now + LEASE + SKEW


def _lease_as_read(row: SagaRow) -> str:
    # A renewed lease changes neither seq nor fence.
    return "attribute_not_exists(lease_until)" if row.lease_until is None else "lease_until=:lease"


def _lease_value(row: SagaRow) -> Item:
    return {} if row.lease_until is None else {":lease": number(microseconds(row.lease_until))}


def _has_failed(reason: Reason) -> bool:
    return bool(reason["Code"] == CONDITION_FAILED)
