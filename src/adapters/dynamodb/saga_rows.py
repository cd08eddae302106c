"""Rows of the saga log as items, and the actions by which every transaction starts a saga or moves one on."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from zlib import crc32

import attrs

from adapters.dynamodb.actions import Action, Item, Purpose, key, number, text
from adapters.dynamodb.items import SHARDS, at_and_id, indexed, work
from adapters.dynamodb.settling import IS_NEW, act, number_in, was_read
from adapters.dynamodb.tables import BY_DOCTOR, BY_PATIENT, HELD, WORK
from adapters.serialization import instant_of, microseconds
from telemed_core.domain.ids import Id, SagaId
from telemed_core.domain.sagas import Intervention, Phase, Progress, PublishedMark, SagaEntry, SagaRow, SagaStart, Verb
from telemed_core.errors import FencedError
from telemed_core.saga.sagas import REGISTRY

OF_ALL: Final = BY_PATIENT
"""Sagas of each shard, by start and id."""
OF_SUBJECT: Final = BY_DOCTOR
"""Sagas of a subject, by start and id."""

IS_AS_READ: Final = "seq=:seq AND fence=:fence"


def all_partition(shard: int) -> str:
    """Where its index has all sagas of one shard."""
    return f"SAGAS#{shard}"


def subject_partition(subject: Id) -> str:
    """Where its index has the sagas of one subject."""
    return f"SUBJECT#{subject}"


def held_partition(shard: int) -> str:
    """Where its index has the sagas of one shard that are somebody's, by owner."""
    return f"OWNERS#SAGAS#{shard}"


def row_key(saga_id: SagaId) -> Item:
    return key(f"S#{saga_id}", "M")


def start_actions(table: str, sagas: Iterable[SagaStart], *, at: datetime) -> list[Action]:
    """Record sagas that are to carry on; refused where one is there, which goes on as it is.

    In a commit whose event is new so is its saga. Who starts one that may be there leaves it out then.
    """
    return [
        act("Put", table, purpose=Purpose.SAGA, Item=row_item(row), ConditionExpression=IS_NEW)
        for row in (REGISTRY.begin(start, at=at) for start in sagas)
    ]


def entry_action(table: str, entry: SagaEntry, *, fence: int | None = None) -> Action:
    """Move the saga on; where it is refused ``check_written`` says why, by the item that comes with the reason.

    Args:
        fence: what it is afterwards; ``None``: as it was.
    """
    return act(
        "Put",
        table,
        purpose=Purpose.SAGA,
        Item=row_item(row_after(entry, fence=fence)),
        ConditionExpression=IS_AS_READ,
        ExpressionAttributeValues=as_read(entry.before),
    )


def complete_action(table: str, saga_id: SagaId) -> Action:
    """Record that nothing is left to do; refused where the saga has ended, or waits for an operator."""
    gone = (WORK.partition_key, WORK.sort_key, HELD.partition_key, HELD.sort_key, "due_at", "held_by", "lease_until")
    return act(
        "Update",
        table,
        purpose=Purpose.SAGA,
        Key=row_key(saga_id),
        ConditionExpression="attribute_exists(due_at)",
        UpdateExpression=f"SET phase=:done,seq=seq+:one,claims=:none REMOVE {','.join(gone)}",
        ExpressionAttributeValues={":done": text(Phase.COMPLETED.value), ":one": number(1), ":none": number(0)},
    )


def check_written(entry: SagaEntry, found: Item | None, *, fence: int | None = None) -> None:
    """Pass where a refused entry is what the log has already: its answer was lost, all that came with it is there.

    Args:
        found: the saga's item as it stands; ``None`` or empty: there is none.

    Raises:
        FencedError: somebody else has moved the saga on, or claimed it.
    """
    if not found or load_row(found) != row_after(entry, fence=fence):
        raise FencedError


def row_after(entry: SagaEntry, *, fence: int | None = None) -> SagaRow:
    """The row that the entry leaves, with this fence."""
    return entry.after if fence is None else attrs.evolve(entry.after, fence=fence)


def as_read(row: SagaRow) -> Item:
    """The values of ``IS_AS_READ``."""
    return {":seq": number(row.seq), ":fence": number(row.fence)}


def row_item(row: SagaRow) -> Item:
    """The row; in the index of work while it is to be run, in that of holders while it has an owner."""
    by_start = at_and_id(row.started_at, row.id)
    progress = row.progress
    return {
        **row_key(row.id),
        **indexed(OF_ALL, all_partition(shard_of(row.id)), by_start),
        **indexed(OF_SUBJECT, subject_partition(row.subject), by_start),
        **({} if row.due_at is None else work(row.id, due=row.due_at)),
        **({} if row.owner is None else {**held_index(row.id, row.owner), "held_by": text(row.owner)}),
        "saga": text(row.name),
        "subject": text(row.subject),
        "version": number(row.version),
        "digest": text(row.digest),
        "phase": text(progress.phase.value),
        "step": number(progress.step),
        "attempt": number(progress.attempt),
        **({} if progress.error is None else {"failure": text(progress.error)}),
        **({} if progress.stuck_in is None else {"stuck_in": text(progress.stuck_in.value)}),
        "seq": number(row.seq),
        "fence": number(row.fence),
        "claims": number(row.claims),
        **_instant("lease_until", row.lease_until),
        **_instant("due_at", row.due_at),
        **_instant("started_at", row.started_at),
        **_instant("changed_at", row.changed_at),
    }


def load_row(item: Item) -> SagaRow:
    """The row that was written."""
    started_at, changed_at = _instant_in(item, "started_at"), _instant_in(item, "changed_at")
    assert started_at is not None  # noqa: S101 # every row has both
    assert changed_at is not None  # noqa: S101
    stuck_in = _text_in(item, "stuck_in")
    return SagaRow(
        id=SagaId(str(item["PK"]["S"]).removeprefix("S#")),
        name=str(item["saga"]["S"]),
        subject=Id(str(item["subject"]["S"])),
        version=number_in(item, "version"),
        digest=str(item["digest"]["S"]),
        progress=Progress(
            phase=Phase(str(item["phase"]["S"])),
            step=number_in(item, "step"),
            attempt=number_in(item, "attempt"),
            error=_text_in(item, "failure"),
            stuck_in=None if stuck_in is None else Phase(stuck_in),
        ),
        seq=number_in(item, "seq"),
        fence=number_in(item, "fence"),
        claims=number_in(item, "claims"),
        owner=_text_in(item, "held_by"),
        lease_until=_instant_in(item, "lease_until"),
        due_at=_instant_in(item, "due_at"),
        started_at=started_at,
        changed_at=changed_at,
    )


def held_index(saga_id: SagaId, owner: str) -> Item:
    """Where the index of holders has the saga."""
    return indexed(HELD, held_partition(shard_of(saga_id)), f"{owner}#{saga_id}")


def shard_of(saga_id: Id) -> int:
    return crc32(saga_id.encode()) % SHARDS


def mark_key(subject: Id) -> Item:
    return key(f"PUB#{subject}", "M")


def mark_action(table: str, mark: PublishedMark) -> Action:
    """Move the mark; refused where it is not where it was seen."""
    item = {**mark_key(mark.subject), "seq": number(mark.after)}
    return act("Put", table, purpose=Purpose.SAGA, Item=item, **was_read("seq", mark.before or None))


def intervention_item(made: Intervention) -> Item:
    """What an operator has done, before the row in its partition."""
    return {
        **key(f"S#{made.saga_id}", f"I#{made.seq:09}"),
        "at": number(microseconds(made.at)),
        "by": text(made.by),
        "verb": text(made.verb.value),
    }


def load_intervention(saga_id: SagaId, item: Item) -> Intervention:
    """What was written of it."""
    return Intervention(
        saga_id=saga_id,
        seq=int(str(item["SK"]["S"]).removeprefix("I#")),
        at=instant_of(int(str(item["at"]["N"]))),
        by=str(item["by"]["S"]),
        verb=Verb(str(item["verb"]["S"])),
    )


def _instant(name: str, instant: datetime | None) -> Item:
    return {} if instant is None else {name: number(microseconds(instant))}


def _instant_in(item: Item, name: str) -> datetime | None:
    return instant_of(number_in(item, name)) if name in item else None


def _text_in(item: Item, name: str) -> str | None:
    return str(item[name]["S"]) if name in item else None
