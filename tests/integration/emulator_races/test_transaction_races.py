"""Two hundred for one slot: one has it, and nobody else has written anything."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import attrs

from adapters.dynamodb.access import Dynamo, Query
from adapters.dynamodb.actions import Action, flag, number
from adapters.dynamodb.items import head_key, quota_key
from adapters.dynamodb.plan import plan, request_token
from adapters.dynamodb.refusals import refusal
from integration.emulator.faulty import Faulty
from telemed_core.errors import SlotTakenError
from telemed_core.testing.builders import a_patient
from unit.adapters.dynamodb_commits import DOCTOR, MIDDAY, ask, command, seal

RACERS = 200


def open_clinic(dynamo: Dynamo, patients: int) -> None:
    """A schedule that can be booked, and people who can."""
    table = dynamo.tables.scheduling
    dynamo.put(table, {**head_key(DOCTOR.id), "rev": number(3), "bookable": flag(value=True)})
    for n in range(1, patients + 1):
        counted = {"pending": number(0), "live": number(0), "active": flag(value=True)}
        dynamo.put(table, {**quota_key(a_patient(n).person_id), **counted})


def race(dynamo: Dynamo, *, unguarded: bool = False) -> Counter[Any]:
    """What each of the racers is told."""
    together = Barrier(RACERS)

    def book(n: int) -> Any:
        commit, asked = ask(MIDDAY, n, patient=a_patient(n)), command(n, key=f"key-{n}")
        actions = plan(commit, asked, seal=seal, tables=dynamo.tables)
        sent = [without_its_condition(action) for action in actions] if unguarded else actions
        together.wait()
        reasons = dynamo.transact(sent, request_token(asked, sent))
        if reasons is None:
            return "written"
        refused = refusal(commit, asked, actions, reasons)
        assert not isinstance(refused, SlotTakenError) or len(refused.owners) == 1
        return type(refused)

    open_clinic(dynamo, RACERS)
    with ThreadPoolExecutor(RACERS) as pool:
        return Counter(pool.map(book, range(1, RACERS + 1)))


def without_its_condition(action: Action) -> Action:
    """The same change, made whatever there is."""
    if action.operation == "ConditionCheck":
        return action
    parameters = {name: value for name, value in action.parameters.items() if name != "ConditionExpression"}
    values = parameters.get("ExpressionAttributeValues", {})
    changed = parameters.get("UpdateExpression", "")
    used = {
        name: value for name, value in values.items() if name in changed.replace(",", " ").replace("=", " ").split()
    }
    parameters.pop("ExpressionAttributeValues", None)
    parameters.pop("ReturnValuesOnConditionCheckFailure", None)
    return attrs.evolve(action, parameters=parameters | ({"ExpressionAttributeValues": used} if used else {}))


def appointments(dynamo: Dynamo) -> int:
    """How many of the racers have an appointment."""
    wanted = [f"A#{n:026}" for n in range(1, RACERS + 1)]
    return sum(
        1 for one in wanted for _ in dynamo.query(Query(table=dynamo.tables.scheduling, partition=one, begins="M"))
    )


def test_of_two_hundred_for_one_slot_one_has_it_in_one_round_trip_each(dynamo: Dynamo, faulty: Faulty) -> None:
    told = race(dynamo)
    print(f"{RACERS} racers: {dict(told)}, {faulty.sent['TransactWriteItems']} transactions")
    assert told == {"written": 1, SlotTakenError: RACERS - 1}
    assert faulty.sent["TransactWriteItems"] == RACERS
    assert appointments(dynamo) == 1


def test_without_the_conditions_the_same_race_books_the_slot_many_times(dynamo: Dynamo) -> None:
    assert race(dynamo, unguarded=True) == {"written": RACERS}
    assert appointments(dynamo) == RACERS
