"""The DynamoDB plan of every commit: what it may hold, what it writes, and how its refusals are told."""

from collections.abc import Sequence
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.dynamodb.actions import Action, Purpose, pair
from adapters.dynamodb.claims import MOST_TESTS, claim_actions, owner_in
from adapters.dynamodb.items import SHARDS, due_partition, ledger_key, sortable
from adapters.dynamodb.plan import plan, request_token
from adapters.dynamodb.saga_rows import load_row
from adapters.dynamodb.tables import HELD, TABLES, Tables
from telemed_core.application.committing import TAKEN_OVER_AT_ONCE
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import ClaimChange, Commit
from telemed_core.domain.ids import AppointmentId, PersonId
from telemed_core.domain.instants import CELLS_PER_DAY
from telemed_core.saga.sagas import REGISTRY
from telemed_core.testing.builders import MONDAY, a_doctor, a_patient
from unit.adapters.dynamodb_commits import (
    ACROSS_MIDNIGHT,
    DAY,
    DOCTOR,
    HOUR,
    MIDDAY,
    MINUTE,
    PATIENT,
    PROPOSAL,
    accepted,
    ask,
    command,
    every_row,
    proposed,
    schedule_at,
    seal,
    takeover,
)
from unit.adapters.dynamodb_interpreter import Interpreter, assert_within_limits, expressions, operators, size

COUNTS = {
    # Without receipt and text: on one UTC day, across midnight.
    "request": (7, 9),
    "accept": (5, 5),
    "refuse": (6, 8),
    "expire": (6, 8),
    "cancel requested": (6, 8),
    "cancel confirmed": (6, 8),
    "cancel for a block": (6, 8),
    "cancel with a proposal": (8, 10),
    "move within the day": (6, 8),
    "move to other days": (8, 12),
    "propose": (6, 8),
    "propose within the day": (6, 6),
    "agree": (5, 7),
    "decline": (5, 7),
    "lapse": (5, 7),
    "cancel after a lapse": (10, 12),
    "join": (2, 2),
    "start": (3, 3),
    "complete by the doctor": (6, 8),
    "complete by the sweep": (6, 8),
    "no-show of the patient": (6, 8),
    "no-show of the doctor": (6, 8),
    "no-show of both by the sweep": (6, 8),
    "no-show of one by the sweep": (6, 8),
}
ROWS = [
    pytest.param(name, commit, at, COUNTS[name][column], id=f"{name} {where}")
    for column, (where, start) in enumerate((("on one day", MIDDAY), ("across midnight", ACROSS_MIDNIGHT)))
    for name, commit, at in every_row(start)
]


def planned(commit: Commit, at: datetime = MONDAY, *, key: str | None = "key") -> tuple[Action, ...]:
    return plan(commit, command(at=at, key=key), seal=seal)


def measured(name: str, actions: Sequence[Action]) -> None:
    longest = max((text for action in actions for text in expressions(action)), key=len)
    most = max(operators(action.parameters.get("ConditionExpression", "")) for action in actions)
    largest = max(size(action.parameters.get("Item", {})) for action in actions)
    print(f"{name:<44}{len(actions):>4} actions, expression {len(longest)} B, {most} operators, item {largest} B")


# Counts and limits


@pytest.mark.parametrize(("name", "commit", "at", "count"), ROWS)
def test_each_transition_at_its_longest_takes_as_many_actions_as_the_table_says(
    name: str, commit: Commit, at: datetime, count: int
) -> None:
    actions = planned(commit, at, key=None)
    assert_within_limits(actions)
    assert len(actions) == count + len(commit.texts)
    measured(name, actions)


@pytest.mark.parametrize(("name", "commit", "at", "count"), ROWS)
def test_a_key_adds_its_receipt_and_nothing_else(name: str, commit: Commit, at: datetime, count: int) -> None:
    actions = planned(commit, at)
    assert_within_limits(actions)
    assert [action.purpose for action in actions].count(Purpose.RECEIPT) == 1
    assert actions[1:] == planned(commit, at, key=None)


def due_claims(number: int, start: datetime, *, patients: bool = True) -> list[Appointment]:
    """So many unanswered requests that cover four hours from ``start`` on, of as many patients or of one."""
    length = 5 * (48 // number)
    return [
        ask(
            start + one * length * MINUTE,
            100 + one,
            patient=a_patient(100 + one if patients else 1),
            length=length - 5 if number > 1 else 230,
            buffer=5 if number > 1 else 10,
        ).after
        for one in range(number)
    ]


@pytest.mark.parametrize("others", range(1, 9))
def test_taking_over_costs_five_actions_for_each_due_claim(others: int) -> None:
    due = due_claims(others, MIDDAY)
    at = max(one.decision_deadline for one in due)
    actions = planned(takeover(ask(MIDDAY, now=at), *due, at=at), at)
    assert_within_limits(actions)
    assert len(actions) == 7 + 2 + 5 * others
    measured(f"take over {others}", actions)


@pytest.mark.parametrize("others", range(1, 9))
def test_taking_over_ones_own_due_claim_costs_three_actions(others: int) -> None:
    due = due_claims(others, MIDDAY, patients=False)
    at = max(one.decision_deadline for one in due)
    actions = planned(takeover(ask(MIDDAY, now=at), *due, at=at), at)
    assert_within_limits(actions)
    assert len(actions) == 7 + 2 + 3 * others
    measured(f"take over {others} of one's own", actions)


@pytest.mark.parametrize("others", range(1, 9))
def test_a_due_claim_across_midnight_costs_one_action_more(others: int) -> None:
    due = due_claims(others, ACROSS_MIDNIGHT)
    at = max(one.decision_deadline for one in due)
    across = sum(one.visit.start.date() != (one.visit.end - MINUTE).date() for one in due)
    actions = planned(takeover(ask(ACROSS_MIDNIGHT, now=at), *due, at=at), at)
    assert_within_limits(actions)
    assert len(actions) == 9 + 2 + 5 * others + across
    measured(f"take over {others} across midnight", actions)


@pytest.mark.parametrize("start", [MIDDAY, ACROSS_MIDNIGHT], ids=["on one day", "across midnight"])
def test_two_due_visits_of_four_hours_may_reach_beyond_both_ends_of_the_new_one(start: datetime) -> None:
    before = ask(start - 235 * MINUTE, 2, patient=a_patient(2), length=240, buffer=0).after
    behind = ask(start + 235 * MINUTE, 3, patient=a_patient(3), length=240, buffer=0).after
    at = max(before.decision_deadline, behind.decision_deadline)
    commit = takeover(ask(start, now=at, length=240, buffer=0), before, behind, at=at)
    actions = planned(commit, at)
    assert_within_limits(actions)
    assert claims_after(commit) == {
        **dict.fromkeys(((DOCTOR.person_id, cell) for cell in commit.after.visit.cells()), commit.after.id),
        **dict.fromkeys(((PATIENT.person_id, cell) for cell in commit.after.visit.cells()), commit.after.id),
    }
    measured("take over 2, beyond both ends", actions)


def test_three_own_due_requests_of_the_same_day_are_settled_with_a_new_one() -> None:
    doctors = [a_doctor(number) for number in (2, 3, 4)]
    start = MIDDAY.replace(hour=0)
    due = [
        ask(start + 4 * n * HOUR, 2 + n, doctor=doctor, length=240, buffer=0).after for n, doctor in enumerate(doctors)
    ]
    at = max(one.decision_deadline for one in due)
    commit = takeover(ask(start + 16 * HOUR, now=at, length=240, buffer=0), *due, at=at)
    actions = planned(commit, at)
    assert_within_limits(actions)
    assert len(actions) == 7 + 2 + 4 * 3
    own_day = [action for action in actions if action.key[0] == f"AG#{PATIENT.person_id}"]
    assert len(own_day) == 1
    assert {cell for person, cell in claims_after(commit) if person == PATIENT.person_id} == set(
        commit.after.visit.cells()
    )
    measured("settle 3 of one's own with a new one", actions)


def test_a_condition_too_long_for_every_cell_tests_both_ends_of_what_each_owner_gives_up() -> None:
    person, own, new = PersonId("person"), AppointmentId("own"), AppointmentId("new")
    freed = ClaimChange(person, tuple(range(MOST_TESTS)), own, None)
    whole = ClaimChange(person, (*range(48), 60, *range(70, 100)), own, None)
    taken = ClaimChange(person, tuple(range(200, 248)), None, new)

    (fits,) = claim_actions("table", [freed])
    assert fits.parameters["ConditionExpression"].count("=") == MOST_TESTS
    assert_within_limits([fits])
    (thinned,) = claim_actions("table", [whole, taken, ClaimChange(person, tuple(range(100, 160)), own, new)])
    condition = thinned.parameters["ConditionExpression"]
    assert condition.count("attribute_not_exists") == 48
    assert [test for test in condition.split(" AND ") if "=" in test] == [
        f"k{cell:03}=:0" for cell in (0, 47, 60, 70, 159)
    ]
    assert thinned.parameters["UpdateExpression"].count(",") + 2 == 79 + 48 + 60


NIGHT = MONDAY.replace(hour=22) + 30 * DAY


def lapsed_and_missed(number: int) -> list[Appointment]:
    """Visits across midnights of their own; for all of them a time in one and the same night was proposed."""
    found = []
    for one in range(number):
        patient, time = a_patient(100 + one), NIGHT + (30 * one - 5) * MINUTE
        confirmed = accepted(ask(MONDAY.replace(hour=23) + (2 + 2 * one) * DAY, 100 + one, patient=patient).after)
        schedule = schedule_at(time, length=25, buffer=5)
        offer = confirmed.reschedule(time, by=patient.id, schedule=schedule, proposal_id=PROPOSAL, now=MONDAY)
        found.append(offer.after)
    return found


def another_time_after_a_lapse(at: datetime) -> Commit:
    """A visit, its lapsed proposal and its new one, each across another midnight."""
    confirmed = accepted(ask(MONDAY.replace(hour=23) + 40 * DAY).after)
    lapsed = proposed(confirmed, MONDAY.replace(hour=23) + 20 * DAY).after
    return proposed(lapsed, NIGHT, now=at)


def test_as_many_owners_as_are_taken_over_at_once_fit_one_transaction_with_all_that_can_be_due_of_each() -> None:
    at = MONDAY + 29 * DAY
    due = lapsed_and_missed(TAKEN_OVER_AT_ONCE)
    for name, own in (("request", ask(NIGHT, now=at)), ("propose again", another_time_after_a_lapse(at))):
        commit = takeover(own, *due, at=at)
        assert len(commit.events) == len(own.events) + 2 * len(due)
        actions = planned(commit, at)
        measured(f"{name}, over {len(due)} lapsed and missed", actions)
        assert_within_limits(actions)


# What the expressions do


def claims_after(commit: Commit) -> dict[tuple[PersonId, int], str]:
    """The plan's claims, run on ledgers that are as the commit expects them."""
    store = Interpreter()
    cells = {(claim.person_id, cell): claim for claim in commit.claims for cell in claim.cells}
    for (person, cell), claim in cells.items():
        key = ledger_key(person, cell)
        day = store.items.setdefault((TABLES.scheduling.name, pair(key)), dict(key))
        if claim.before:
            day[f"k{cell % CELLS_PER_DAY:03}"] = {"S": claim.before}
    assert store.write(tuple(claim_actions(TABLES.scheduling.name, commit.claims))) is None
    left = {}
    for person, cell in cells:
        key = ledger_key(person, cell)
        day = store.items[TABLES.scheduling.name, pair(key)]
        if owner := owner_in(day, cell):
            left[person, cell] = owner
    return left


@given(
    lengths=st.lists(st.sampled_from([5, 25, 50, 115, 235, 240]), min_size=1, max_size=8),
    offset=st.integers(-47, 47),
    start=st.sampled_from([MIDDAY, ACROSS_MIDNIGHT, ACROSS_MIDNIGHT + 115 * MINUTE]),
    same_patient=st.booleans(),
)
@settings(deadline=None, max_examples=40)
def test_claims_of_composed_commits_pass_on_exactly_and_within_all_limits(
    lengths: list[int], offset: int, start: datetime, same_patient: bool
) -> None:
    due, begin = [], start + 5 * offset * MINUTE
    for number_, length in enumerate(lengths):
        patient = a_patient(1 if same_patient else 100 + number_)
        due.append(ask(begin, 100 + number_, patient=patient, length=length, buffer=0).after)
        begin += length * MINUTE
    at = max(one.decision_deadline for one in due)
    asked = ask(max(start, at.replace(minute=0, second=0, microsecond=0) + 2 * HOUR), now=at, length=235, buffer=5)
    commit = takeover(asked, *due, at=at)
    assert_within_limits(planned(commit, at))
    expected = {
        (claim.person_id, cell): claim.after
        for claim in commit.claims
        for cell in claim.cells
        if claim.after is not None
    }
    assert claims_after(commit) == expected
    assert set(expected.values()) == {asked.after.id}


# Tokens and tables

REQUEST = ask(MIDDAY, why=None)
ACTIONS = plan(REQUEST, command(), seal=seal)


def test_the_token_is_the_same_for_the_same_command_and_body_and_another_for_any_other() -> None:
    other = plan(ask(MIDDAY, 2), command(), seal=seal)
    tokens = {
        request_token(command(), ACTIONS),
        request_token(command(), plan(REQUEST, command(), seal=seal)),
        request_token(command(2), ACTIONS),
        request_token(command(), other),
    }
    assert len(tokens) == 3
    assert all(0 < len(token) <= 36 for token in tokens)


def test_texts_lie_in_a_table_of_their_own_and_nowhere_else_in_the_plan() -> None:
    actions = planned(ask(MIDDAY, why="a private matter"))
    (written,) = [action for action in actions if action.table == TABLES.clinical.name]
    assert written.parameters["Item"]["sealed"] == {"B": b"sealed:a private matter"}
    assert "private" not in repr([action.request() for action in actions if action is not written])


def test_what_is_due_is_in_the_work_index_and_what_has_ended_is_not() -> None:
    ended = REQUEST.after.refuse(by=DOCTOR.id, why=None, now=MONDAY)
    found = [one.parameters["Item"] for one in (*ACTIONS, *planned(ended)) if one.purpose is Purpose.APPOINTMENT]
    due = REQUEST.after.decision_deadline
    assert found[0]["GSI3PK"]["S"] in {due_partition(shard) for shard in range(SHARDS)}
    assert found[0]["GSI3SK"] == {"S": f"{sortable(due)}#{REQUEST.after.id}"}
    assert "GSI3PK" not in found[1]
    assert found[1]["GSI1PK"] == {"S": f"P#{PATIENT.id}"}
    assert found[1]["GSI2SK"] == {"S": f"{sortable(MIDDAY)}#{REQUEST.after.id}"}


def test_tables_of_an_installation_have_its_prefix_and_the_indexes_that_items_are_put_in() -> None:
    tables = Tables.named("staging-")
    assert [table.name for table in tables.all] == [f"staging-{one.name}" for one in TABLES.all]
    names = {definition["AttributeName"] for definition in tables.scheduling.creation()["AttributeDefinitions"]}
    items = [action.parameters["Item"] for action in ACTIONS if action.operation == "Put"]
    used = {name for item in items for name in item if name.startswith("GSI")}
    assert names - {"PK", "SK"} == used | {HELD.partition_key, HELD.sort_key}
    assert {action.table for action in plan(REQUEST, command(), seal=seal, tables=tables)} == {"staging-scheduling"}
    receipt = next(action for action in ACTIONS if action.purpose is Purpose.RECEIPT)
    expiry = tables.scheduling.time_to_live()
    assert expiry
    assert expiry["TimeToLiveSpecification"]["AttributeName"] in receipt.parameters["Item"]
    assert tables.clinical.time_to_live() is None


def test_a_saga_starts_with_the_row_that_its_definition_makes() -> None:
    sagas = [action for action in ACTIONS if action.purpose is Purpose.SAGA]
    assert [load_row(one.parameters["Item"]) for one in sagas] == [
        REGISTRY.begin(start, at=MONDAY) for start in REQUEST.sagas
    ]
    assert len(sagas) == 1
