"""How the reasons of a cancelled transaction are told: the first in the order of refusals, with all the owners."""

from datetime import timedelta
from typing import Any

import attrs
import pytest

from adapters.dynamodb.actions import Purpose, flag, number, pair
from adapters.dynamodb.items import head_key, ledger_key, quota_key, sortable
from adapters.dynamodb.plan import plan
from adapters.dynamodb.refusals import refusal
from adapters.dynamodb.tables import TABLES
from telemed_core.domain.commit import Command, Commit, LicenceGuard, ScheduleGuard
from telemed_core.domain.ids import CommandId, PersonId
from telemed_core.domain.instants import CELLS_PER_DAY, Interval
from telemed_core.domain.receipts import ReplayedCommand
from telemed_core.errors import (
    BusyError,
    IdempotencyKeyReusedError,
    LicenceInactiveError,
    NotFoundError,
    PatientBusyError,
    ScheduleChangedError,
    SlotTakenError,
    StaleRevisionError,
    TooManyPendingError,
)
from telemed_core.testing.builders import MONDAY
from unit.adapters.dynamodb_commits import (
    DAY,
    DOCTOR,
    HOUR,
    MIDDAY,
    PATIENT,
    ask,
    command,
    proposed,
    seal,
)
from unit.adapters.dynamodb_interpreter import Interpreter

REQUEST = ask(MIDDAY, why=None)
ACTIONS = plan(REQUEST, command(), seal=seal)


def a_store(*, bookable: bool = True, rev: int = 3, pending: int = 0, active: bool = True) -> Interpreter:
    store = Interpreter()
    scheduling = TABLES.scheduling.name
    store.items[scheduling, (f"D#{DOCTOR.id}", "SCHED")] = {
        **head_key(DOCTOR.id),
        "rev": number(rev),
        "bookable": flag(value=bookable),
    }
    store.items[scheduling, (f"P#{PATIENT.person_id}", "QUOTA")] = {
        **quota_key(PATIENT.person_id),
        "pending": number(pending),
        "live": number(pending),
        "active": flag(value=active),
    }
    return store


def hold(store: Interpreter, person: PersonId, visit: Interval, owner: str) -> None:
    for cell in visit.cells():
        key = ledger_key(person, cell)
        store.items.setdefault((TABLES.scheduling.name, pair(key)), dict(key))[f"k{cell % CELLS_PER_DAY:03}"] = {
            "S": owner
        }


def told(store: Interpreter, commit: Commit = REQUEST, by: Command | None = None) -> Any:
    asked = by or command()
    actions = plan(commit, asked, seal=seal)
    reasons = store.write(actions)
    assert reasons is not None, "it was written"
    return refusal(commit, asked, actions, reasons)


def test_where_everything_fails_the_first_in_the_order_of_refusals_is_told() -> None:
    store = a_store(rev=4, pending=3)
    first, other = ask(MIDDAY - HOUR, 2, why=None), ask(MIDDAY + HOUR, 3, why=None)
    hold(store, DOCTOR.person_id, first.after.visit, first.after.id)
    store.items[TABLES.scheduling.name, (f"A#{REQUEST.after.id}", "M")] = {"PK": {"S": "A#"}, "rev": number(1)}
    store.items[TABLES.scheduling.name, (f"A#{REQUEST.after.id}", "E#000001")] = {
        "PK": {"S": "A#"},
        "command": {"S": "another"},
    }
    hold(store, PATIENT.person_id, other.after.visit, other.after.id)
    hold(store, PATIENT.person_id, first.after.visit, first.after.id)
    receipt = {action.key: action for action in ACTIONS}["R#asker", "key"]
    store.items[TABLES.scheduling.name, receipt.key] = dict(receipt.parameters["Item"])

    order = []
    for key in (receipt.key, (f"D#{DOCTOR.id}", "SCHED"), (f"P#{PATIENT.person_id}", "QUOTA")):
        order.append(type(told(store)))
        store.items[TABLES.scheduling.name, key] = a_store().items.get((TABLES.scheduling.name, key)) or {
            **receipt.parameters["Item"],
            "written": {"S": sortable(MONDAY - DAY)},
        }
    order.append(type(told(store)))
    for sort in ("M", "E#000001"):
        del store.items[TABLES.scheduling.name, (f"A#{REQUEST.after.id}", sort)]
    busy = told(store)
    order.append(type(busy))
    del store.items[TABLES.scheduling.name, (f"AG#{PATIENT.person_id}", f"{MIDDAY:%Y-%m-%d}")]
    taken = told(store)
    order.append(type(taken))

    assert order == [
        ReplayedCommand,
        ScheduleChangedError,
        TooManyPendingError,
        StaleRevisionError,
        PatientBusyError,
        SlotTakenError,
    ]
    assert busy.owners == {first.after.id, other.after.id}
    assert taken.owners == {first.after.id}


def test_owners_on_both_sides_are_all_named() -> None:
    store = a_store()
    hold(store, DOCTOR.person_id, Interval.lasting(MIDDAY, HOUR), "one")
    hold(store, DOCTOR.person_id, Interval.lasting(MIDDAY + HOUR, HOUR), "two")
    hold(store, PATIENT.person_id, Interval.lasting(MIDDAY + HOUR, HOUR), "three")
    assert told(store).owners == {"one", "two", "three"}


def test_a_missing_head_is_a_schedule_that_changed_and_a_missing_licence_is_told_apart() -> None:
    store = a_store()
    del store.items[TABLES.scheduling.name, (f"D#{DOCTOR.id}", "SCHED")]
    accept = REQUEST.after.accept(1, by=DOCTOR.id, now=MONDAY)
    assert isinstance(told(store), ScheduleChangedError)
    assert isinstance(told(store, accept), LicenceInactiveError)
    assert isinstance(told(a_store(bookable=False), accept), LicenceInactiveError)
    assert isinstance(told(a_store(bookable=False)), ScheduleChangedError)


def test_both_guards_of_one_doctor_are_one_check() -> None:
    guards = (LicenceGuard(DOCTOR.id), ScheduleGuard(DOCTOR.id, 3))
    commit = attrs.evolve(REQUEST, guards=guards)
    (check,) = [action for action in plan(commit, command(), seal=seal) if action.purpose is Purpose.GUARD]
    assert check.parameters["ConditionExpression"] == "bookable=:yes AND rev=:0"
    assert isinstance(told(a_store(rev=4), commit), ScheduleChangedError)
    assert isinstance(told(a_store(bookable=False), commit), LicenceInactiveError)


def test_a_closed_account_and_one_without_counters_are_not_found() -> None:
    store = a_store()
    del store.items[TABLES.scheduling.name, (f"P#{PATIENT.person_id}", "QUOTA")]
    assert isinstance(told(a_store(active=False)), NotFoundError)
    assert isinstance(told(store), NotFoundError)


@pytest.mark.parametrize(("pending", "written"), [(0, True), (2, True), (3, False)])
def test_a_request_is_written_below_the_limit_of_pending_ones_and_refused_at_it(pending: int, written: bool) -> None:
    store = a_store(pending=pending)
    assert (store.write(ACTIONS) is None) is written


def test_a_closed_account_does_not_hide_the_limit_from_a_change_that_makes_nothing_live() -> None:
    (change,) = REQUEST.quotas
    waiting = attrs.evolve(REQUEST, quotas=(attrs.evolve(change, live=0),))
    assert isinstance(told(a_store(pending=3, active=False), waiting), TooManyPendingError)


@pytest.mark.parametrize("rev", [1, 3])
def test_an_appointment_at_any_other_rev_is_stale(rev: int) -> None:
    moved = proposed(REQUEST.after, MIDDAY + DAY)
    cancel = moved.after.cancel(by=PATIENT.id, why="a reason", now=MONDAY)
    store = a_store()
    for commit in (REQUEST, moved):
        assert store.write(plan(commit, command(key=None), seal=seal)) is None
    store.items[TABLES.scheduling.name, (f"A#{REQUEST.after.id}", "M")]["rev"] = number(rev)
    assert isinstance(told(store, cancel), StaleRevisionError)


@pytest.mark.parametrize("sort", ["M", "E#000001"])
def test_a_new_appointment_whose_id_or_whose_event_is_known_is_stale(sort: str) -> None:
    store = a_store()
    key = (f"A#{REQUEST.after.id}", sort)
    store.items[TABLES.scheduling.name, key] = {"PK": {"S": key[0]}, "rev": number(1), "command": {"S": "another"}}
    assert isinstance(told(store), StaleRevisionError)


def test_falling_counters_ask_for_no_limit_and_for_no_open_account() -> None:
    store = a_store(pending=9, active=False)
    refuse = REQUEST.after.refuse(by=DOCTOR.id, why=None, now=MONDAY)
    quota = [action for action in plan(refuse, command(), seal=seal) if action.purpose is Purpose.QUOTA]
    assert store.write(quota) is None
    counters = store.items[TABLES.scheduling.name, (f"P#{PATIENT.person_id}", "QUOTA")]
    assert (counters["pending"], counters["live"]) == (number(8), number(8))


def test_a_command_whose_answer_was_lost_is_recognised_by_its_event() -> None:
    store, asked = a_store(), command(key=None)
    actions = plan(REQUEST, asked, seal=seal)
    assert store.write(actions) is None
    assert told(store, by=asked) is None
    assert isinstance(told(store, by=command(2, key=None)), StaleRevisionError)


@pytest.mark.parametrize(("age", "again"), [(timedelta(hours=24) - timedelta(microseconds=1), False), (DAY, True)])
def test_a_receipt_counts_for_24_hours_and_is_then_overwritten(age: timedelta, again: bool) -> None:
    store = a_store()
    assert store.write(ACTIONS) is None
    other = ask(MIDDAY + DAY, 2, now=MONDAY + age)
    repeat = command(2, at=MONDAY + age)
    reasons = store.write(plan(other, repeat, seal=seal))
    assert (reasons is None) is again


def test_a_key_used_for_something_else_is_told_apart_from_a_repeat() -> None:
    store = a_store()
    assert store.write(ACTIONS) is None
    same = command(2)
    assert same.idempotency
    reused = attrs.evolve(same, idempotency=attrs.evolve(same.idempotency, fingerprint="another"))
    replayed = told(store, by=same)
    assert isinstance(replayed, ReplayedCommand)
    assert (replayed.receipt.subject, replayed.receipt.command_id) == (REQUEST.after.id, CommandId("command-1"))
    assert isinstance(told(store, by=reused), IdempotencyKeyReusedError)


def codes(*given: str) -> list[dict[str, str]]:
    return [{"Code": code} for code in (*given, *["None"] * (len(ACTIONS) - len(given)))]


@pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_contention_alone_is_busy_and_a_failed_condition_beside_it_is_the_answer(code: str) -> None:
    stale = codes(code)
    stale[[action.purpose for action in ACTIONS].index(Purpose.APPOINTMENT)] = {"Code": "ConditionalCheckFailed"}
    assert isinstance(refusal(REQUEST, command(), ACTIONS, codes(code)), BusyError)
    assert isinstance(refusal(REQUEST, command(), ACTIONS, stale), StaleRevisionError)


@pytest.mark.parametrize("given", [("ValidationError",), ("ValidationError", "TransactionConflict"), ()])
def test_a_cancellation_that_no_plan_can_cause_is_a_bug(given: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="a transaction was cancelled by"):
        refusal(REQUEST, command(), ACTIONS, codes(*given))
