"""Until when owners keep their cells: read once, and again when the instant has passed or their cells are others."""

from datetime import timedelta
from typing import Any

import pytest

from adapters.dynamodb import dues
from adapters.dynamodb.access import Dynamo
from adapters.dynamodb.actions import Item, text
from adapters.dynamodb.dues import Dues
from adapters.dynamodb.items import appointment_key, at_and_id
from adapters.dynamodb.tables import TABLES, WORK
from integration.aws.dynamodb_scripts import Scripted
from telemed_core.domain.ids import AppointmentId
from telemed_core.testing.builders import MONDAY

ONE, OTHER = AppointmentId("a-1"), AppointmentId("a-2")
HOUR = timedelta(hours=1)


def item(of: AppointmentId, hours: int | None) -> Item:
    """What is read of an appointment that time changes in so many hours, or not any more."""
    due = {} if hours is None else {WORK.sort_key: text(at_and_id(MONDAY + hours * HOUR, of))}
    return {**appointment_key(of), **due}


def found(*items: Item) -> dict[str, Any]:
    return {"Responses": {TABLES.scheduling.name: [*items]}}


def of(*answers: dict[str, Any]) -> tuple[Dues, Scripted]:
    script = Scripted(*answers)
    return Dues(Dynamo(script)), script


def test_owners_are_read_once_and_of_them_no_more_than_the_instant() -> None:
    opened, script = of(found(item(ONE, 2), item(OTHER, 3)))
    held = {5: ONE, 6: ONE, 9: OTHER}
    assert opened.passed(held, now=MONDAY) == []
    assert opened.passed(held, now=MONDAY + HOUR) == []
    (asked,) = script.requests
    wanted = asked["RequestItems"][TABLES.scheduling.name]
    assert wanted["ProjectionExpression"] == "PK,SK,GSI3SK"
    assert len(wanted["Keys"]) == 2


def test_whose_instant_has_come_is_read_again_and_named_if_it_is_still_that_one() -> None:
    opened, script = of(found(item(ONE, 2), item(OTHER, 9)), found(item(ONE, 2)), found(item(ONE, 8)))
    held = {5: ONE, 9: OTHER}
    assert opened.passed(held, now=MONDAY) == []
    assert opened.passed(held, now=MONDAY + 2 * HOUR) == [ONE]
    assert opened.passed(held, now=MONDAY + 2 * HOUR) == []
    assert opened.passed(held, now=MONDAY + 7 * HOUR) == []
    assert len(script.requests) == 3


def test_who_owns_other_cells_than_before_is_read_again() -> None:
    opened, script = of(found(item(ONE, 9)), found(item(ONE, 2)))
    assert opened.passed({5: ONE, 6: ONE}, now=MONDAY) == []
    # It has been moved to an earlier time, and is due before.
    assert opened.passed({4: ONE, 5: ONE}, now=MONDAY + 2 * HOUR) == [ONE]
    assert len(script.requests) == 2


def test_cells_are_the_same_in_whatever_order_they_come() -> None:
    opened, script = of(found(item(ONE, 9)))
    opened.passed({5: ONE, 6: ONE, 7: ONE}, now=MONDAY)
    opened.passed({7: ONE, 5: ONE, 6: ONE}, now=MONDAY)
    assert len(script.requests) == 1


def test_what_time_changes_no_more_is_named_each_time_and_what_is_not_there_never() -> None:
    opened, script = of(found(item(ONE, None)), found(item(ONE, None)))
    held = {5: ONE, 9: OTHER}
    assert opened.passed(held, now=MONDAY) == [ONE]
    assert opened.passed(held, now=MONDAY) == [ONE]
    assert len(script.requests) == 2


def test_no_more_is_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dues, "MOST_KEPT", 1)
    opened, script = of(found(item(ONE, 9)), found(item(OTHER, 9)), found(item(ONE, 9)))
    for owner in (ONE, OTHER, OTHER, ONE):
        assert opened.passed({5: owner}, now=MONDAY) == []
    assert len(script.requests) == 3


def test_where_nobody_owns_anything_nothing_is_read() -> None:
    opened, script = of()
    assert opened.passed({}, now=MONDAY) == []
    assert not script.requests
