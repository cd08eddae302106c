"""Plans on the emulator, through what the stores are made of: they do what they do on moto in process."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from adapters.aws.calling import Call
from adapters.dynamodb.access import Dynamo
from adapters.dynamodb.actions import Action
from adapters.dynamodb.bootstrap import make_tables
from adapters.dynamodb.tables import TABLES

# The same tests, on the store below.
from integration.dynamodb.test_plan_on_moto import (  # noqa: F401
    Store,
    test_a_repeat_is_recognised_by_its_receipt_for_a_day_and_without_a_key_by_its_event,
    test_a_whole_life_across_midnight_is_written_step_by_step,
    test_due_claims_are_taken_over_in_the_transaction_that_they_blocked,
    test_more_cells_than_a_condition_can_test_are_freed_and_taken,
    test_refusals_come_back_in_their_order,
    test_tables_are_made_as_they_are_defined,
    test_what_is_due_and_what_a_patient_has_is_found_by_the_indexes,
)
from unit.adapters.dynamodb_commits import DOCTOR, PATIENT


class Emulated(Store):
    """The emulator and the interpreter, which must agree on every transaction and on what is stored after it."""

    def __init__(self, client: Any, dynamo: Dynamo) -> None:
        super().__init__(client)
        self.dynamo = dynamo

    def write(self, actions: Sequence[Action], token: str) -> list[dict[str, Any]] | None:
        # The tests go on for days, and a token is known for ten minutes: whatever is repeated comes under another.
        told = self.dynamo.transact(actions, f"{token[:30]}-{self.commands}")
        reasons = None if told is None else [dict(reason) for reason in told]
        assert reasons == self.interpreter.write(actions)
        assert self.stored() == self.interpreter.items
        return reasons


@pytest.fixture
def store(client: Callable[[str], Any], call: Call) -> Iterator[Store]:
    make_tables(call, TABLES)
    opened = Emulated(client("dynamodb"), Dynamo(call))
    opened.head()
    opened.counters(PATIENT.person_id)
    yield opened
    for table in TABLES.all:
        opened.client.delete_table(TableName=table.name)


def test_it_is_the_emulator_that_is_asked(store: Store, endpoint_url: str) -> None:
    assert store.client.meta.endpoint_url == endpoint_url
    assert any(item.get("bookable") for at, item in store.stored().items() if DOCTOR.id in at[1][0])
