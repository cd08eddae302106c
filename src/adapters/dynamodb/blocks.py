"""Blocks on DynamoDB: what each affected when it was made, and what of that it is still to cancel.

What a block affects is known after its commit: from then on nobody books what it covers. It is added to the block's
item once, by whoever needs it first; a block that cancels is in the index of work until nothing is left to do.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from adapters.dynamodb.access import MOST_AT_ONCE, Dynamo, Query, Refused, Terms
from adapters.dynamodb.actions import Item, key, number, pair, text
from adapters.dynamodb.appointments import many
from adapters.dynamodb.claims import owners_in
from adapters.dynamodb.items import ITSELF, at_and_id, indexed, ledger_day, ledger_partition
from adapters.dynamodb.settling import number_in
from adapters.dynamodb.tables import PARTITION_KEY, WORK
from adapters.serialization import dump_affected, instant_of, load_affected, microseconds
from telemed_core.domain.agenda import Block
from telemed_core.domain.ids import AppointmentId, BlockId, DoctorId, Id, PersonId
from telemed_core.domain.instants import Interval, cell_of
from telemed_core.domain.schedule import BlockCancellation, Schedule
from telemed_core.domain.texts import TextKey

_BLOCKS: Final = "B#"
_WAITING: Final = "BLOCKS"
"""Where the index of work has the blocks that are still to cancel something, by when they were made."""
_LONGEST_LIFE: Final = timedelta(days=1)
"""A visit lasts four hours at most and is closed soon after: what began earlier has settled."""

_DONE: Final = f"REMOVE {WORK.partition_key},{WORK.sort_key}"
_IS_NEW_TO_IT: Final = "attribute_exists(PK) AND attribute_not_exists(affected)"


def live_of(
    dynamo: Dynamo,
    doctor_id: DoctorId,
    person: PersonId,
    *,
    now: datetime,
    where: Callable[[Interval], bool] = lambda _: True,
) -> tuple[AppointmentId, ...]:
    """The doctor's appointments that are live at ``now``, settled, and whose time passes ``where``; by start.

    They are those that own time of the doctor's, as the ledger has it now.
    """
    asked = Query(
        table=dynamo.tables.scheduling,
        partition=ledger_partition(person),
        low=ledger_day(cell_of(now - _LONGEST_LIFE)),
    )
    owners = {owner for day in dynamo.query(asked) for _, owner in owners_in(day)}
    settled = (one.settled(now=now) for one in many(dynamo, owners) if one.doctor_id == doctor_id)
    live = [(one.visit.start, one.id) for one in settled if one.status.live and where(one.visit)]
    return tuple(appointment_id for _, appointment_id in sorted(live))


def block_item(schedule: Schedule, block: Block, *, at: datetime, cancelling: bool) -> Item:
    """The block as it is made, without what it affects."""
    reason: Item = {}
    if block.reason is not None:
        reason = {"text_owner": text(block.reason.owner), "text_seq": number(block.reason.seq)}
    return {
        **_key(block.id),
        **(indexed(WORK, _WAITING, at_and_id(at, block.id)) if cancelling else {}),
        **reason,
        "doctor": text(schedule.doctor_id),
        "person": text(schedule.person_id),
        "made_at": number(microseconds(at)),
        "start_at": number(microseconds(block.interval.start)),
        "end_at": number(microseconds(block.interval.end)),
    }


def read_block(dynamo: Dynamo, block_id: BlockId) -> Item | None:
    """The block's item as it stands; ``None``: there never was one."""
    return dynamo.get(dynamo.tables.scheduling, _key(block_id))


def interval_of(block: Item) -> Interval:
    return Interval(instant_of(number_in(block, "start_at")), instant_of(number_in(block, "end_at")))


def affected_by(dynamo: Dynamo, block: Item) -> Sequence[AppointmentId]:
    """What the block affected when it was made, by start; whoever asks later is answered the same."""
    return load_affected(str(_completed(dynamo, block)["affected"]["S"]))


def cancellations(dynamo: Dynamo, block_id: BlockId | None, limit: int) -> Sequence[BlockCancellation]:
    """What blocks, or that block, are still to cancel."""
    found = _working(dynamo) if block_id is None else filter(None, [read_block(dynamo, block_id)])
    return [*islice((one for block in found for one in _left_of(dynamo, block)), limit)]


def cancelled(dynamo: Dynamo, cancellation: BlockCancellation) -> None:
    """Let the block have one less to cancel; after the last it is done."""
    one: Any = {"SS": [str(cancellation.appointment_id)]}
    terms = Terms(f"attribute_exists({PARTITION_KEY})", {":one": one})
    left = dynamo.update(
        dynamo.tables.scheduling, _key(cancellation.block_id), "DELETE waiting :one", on=terms, repeatable=True
    )
    if not isinstance(left, Refused) and "waiting" not in left:
        _leave_work(dynamo, left)


def _key(block_id: BlockId) -> Item:
    return key(f"{_BLOCKS}{block_id}", ITSELF)


def _completed(dynamo: Dynamo, block: Item) -> Item:
    """The block's item with what it affected, which the first who asks finds out."""
    if "affected" in block:
        return block
    interval, at = interval_of(block), instant_of(number_in(block, "made_at"))
    doctor_id, person = DoctorId(str(block["doctor"]["S"])), PersonId(str(block["person"]["S"]))
    affected = live_of(dynamo, doctor_id, person, now=at, where=interval.overlaps)
    change, values = "SET affected=:affected", {":affected": text(dump_affected(affected))}
    if _is_working(block) and affected:
        waiting: Any = {"SS": [*map(str, affected)]}
        change, values = f"{change},waiting=:waiting", {**values, ":waiting": waiting}
    elif _is_working(block):
        change = f"{change} {_DONE}"
    # Who is told that it is there already takes what is there: his own, if the first answer was lost.
    left = dynamo.update(
        dynamo.tables.scheduling, key(*pair(block)), change, on=Terms(_IS_NEW_TO_IT, values), repeatable=True
    )
    item = left.item if isinstance(left, Refused) else left
    assert item is not None  # noqa: S101 # blocks are never removed
    return item


def _left_of(dynamo: Dynamo, block: Item) -> Iterator[BlockCancellation]:
    completed = _completed(dynamo, block)
    if "waiting" not in completed:
        _leave_work(dynamo, completed)
        return
    waiting: Any = completed["waiting"]["SS"]
    partition, _ = pair(completed)
    reason = None
    if "text_owner" in completed:
        reason = TextKey(Id(str(completed["text_owner"]["S"])), number_in(completed, "text_seq"))
    doctor_id, block_id = DoctorId(str(completed["doctor"]["S"])), BlockId(partition.removeprefix(_BLOCKS))
    yield from (BlockCancellation(doctor_id, block_id, AppointmentId(one), reason) for one in sorted(waiting))


def _working(dynamo: Dynamo) -> Iterator[Item]:
    """The blocks that are at work, as they stand: the index, which lags, only tells which they may be."""
    table = dynamo.tables.scheduling
    named = dynamo.query(Query(table=table, index=WORK, partition=_WAITING))
    while some := [*islice(named, MOST_AT_ONCE)]:
        keys = [key(*pair(item)) for item in some]
        found = dynamo.batch_get(table, keys)
        yield from (found[pair(at)] for at in keys if pair(at) in found)


def _is_working(block: Item) -> bool:
    return WORK.partition_key in block


def _leave_work(dynamo: Dynamo, block: Item) -> None:
    if _is_working(block):
        # What was done does not come back.
        dynamo.update(dynamo.tables.scheduling, key(*pair(block)), _DONE, repeatable=True)
