"""Rows of the saga log as items: what is written is read back, and each index has what it is for."""

from datetime import timedelta

import attrs
import pytest

from adapters.dynamodb.actions import Item
from adapters.dynamodb.saga_rows import (
    check_written,
    complete_action,
    entry_action,
    load_row,
    mark_action,
    row_item,
    start_actions,
)
from adapters.dynamodb.tables import BY_DOCTOR, BY_PATIENT, HELD, WORK
from telemed_core.domain.ids import Id
from telemed_core.domain.sagas import LEASE, Phase, Progress, PublishedMark, SagaEntry, SagaRow
from telemed_core.errors import FencedError
from telemed_core.saga.sagas import REGISTRY
from telemed_core.testing.builders import MONDAY, a_saga

INSTANT = timedelta(microseconds=1)
NEW = REGISTRY.begin(a_saga(), at=MONDAY + INSTANT)
CLAIMED = attrs.evolve(NEW, fence=3, claims=2, owner="host:1:0", lease_until=MONDAY + LEASE)
WAITING = attrs.evolve(NEW, seq=4, progress=Progress(step=2, attempt=3, error="timeout"), due_at=MONDAY + INSTANT)
STUCK = attrs.evolve(
    NEW, due_at=None, progress=Progress(phase=Phase.QUARANTINED, step=-1, error="x", stuck_in=Phase.COMPENSATING)
)
DONE = attrs.evolve(NEW, due_at=None, progress=Progress(phase=Phase.COMPLETED, step=2))


def in_index(item: Item, *indexes: object) -> list[bool]:
    return [
        {index.partition_key, index.sort_key} <= item.keys()  # type: ignore[attr-defined] # an index of the tables
        for index in indexes
    ]


@pytest.mark.parametrize("row", [NEW, CLAIMED, WAITING, STUCK, DONE], ids=["new", "claimed", "waits", "stuck", "done"])
def test_a_row_is_read_back_as_it_was_written(row: SagaRow) -> None:
    assert attrs.asdict(load_row(row_item(row))) == attrs.asdict(row)


@pytest.mark.parametrize(
    ("row", "due", "held"),
    [
        (NEW, True, False),
        (CLAIMED, True, True),
        (WAITING, True, False),
        (STUCK, False, False),
        (DONE, False, False),
    ],
    ids=["new", "claimed", "waits", "stuck", "done"],
)
def test_a_row_is_in_the_index_of_work_while_it_is_to_be_run_and_among_the_held_while_it_has_an_owner(
    row: SagaRow, due: bool, held: bool
) -> None:
    assert in_index(row_item(row), WORK, HELD, BY_PATIENT, BY_DOCTOR) == [due, held, True, True]


def test_what_is_due_at_once_comes_before_all_that_has_an_instant() -> None:
    early, late = row_item(NEW), row_item(attrs.evolve(WAITING, due_at=MONDAY - timedelta(days=4000)))
    assert early[WORK.partition_key] == late[WORK.partition_key]
    assert str(early[WORK.sort_key]["S"]) < str(late[WORK.sort_key]["S"])


def test_a_saga_starts_with_the_row_of_its_definition_and_never_over_another() -> None:
    start = a_saga(7, name="remind", due_at=MONDAY)
    (action,) = start_actions("table", [start], at=MONDAY)
    assert load_row(action.parameters["Item"]) == REGISTRY.begin(start, at=MONDAY)
    assert (action.table, action.parameters["ConditionExpression"]) == ("table", "attribute_not_exists(PK)")
    assert start_actions("table", [], at=MONDAY) == []


@pytest.mark.parametrize("fence", [None, 9])
def test_an_entry_leaves_its_row_where_seq_and_fence_are_as_they_were(fence: int | None) -> None:
    entry = SagaEntry(before=attrs.evolve(CLAIMED, seq=5), progress=Progress(step=2), at=MONDAY)
    action = entry_action("table", entry, fence=fence)
    left = load_row(action.parameters["Item"])
    assert left == (entry.after if fence is None else attrs.evolve(entry.after, fence=fence))
    assert action.parameters["ConditionExpression"] == "seq=:seq AND fence=:fence"
    assert action.parameters["ExpressionAttributeValues"] == {":seq": {"N": "5"}, ":fence": {"N": "3"}}
    assert action.parameters["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"
    check_written(entry, action.parameters["Item"], fence=fence)
    for found in (None, {}, row_item(entry.before), row_item(attrs.evolve(left, fence=left.fence + 1))):
        with pytest.raises(FencedError):
            check_written(entry, found, fence=fence)


def test_completing_takes_a_row_out_of_work_and_from_its_owner() -> None:
    parameters = complete_action("table", CLAIMED.id).parameters
    changed, gone = parameters["UpdateExpression"].split(" REMOVE ")
    assert changed == "SET phase=:done,seq=seq+:one,claims=:none"
    assert set(gone.split(",")) == row_item(CLAIMED).keys() - row_item(DONE).keys()


def test_a_mark_moves_from_where_it_was_or_is_the_first() -> None:
    first, later = (mark_action("table", PublishedMark(Id("one"), before, 9)).parameters for before in (0, 4))
    assert first["ConditionExpression"] == "attribute_not_exists(PK)"
    assert (later["ConditionExpression"], later["ExpressionAttributeValues"]) == (
        "seq=:before",
        {":before": {"N": "4"}},
    )
