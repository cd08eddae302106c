"""A booking under every fault: done once, or not at all, and the caller is told which, or that it is not known."""

import pytest

from adapters.aws.retrying import MOST_TRIES, Patience
from adapters.dynamodb.access import Dynamo, Query, Terms
from adapters.dynamodb.actions import key, number, text
from adapters.dynamodb.plan import plan, request_token
from adapters.dynamodb.refusals import refusal
from adapters.dynamodb.tables import Tables
from integration.emulator.faulty import EFFECTIVE, Fault, Faulty
from integration.emulator_races.test_transaction_races import open_clinic
from telemed_core.domain.receipts import ReplayedCommand
from telemed_core.errors import BusyError, SlotTakenError, UnavailableError
from telemed_core.testing.builders import a_patient
from unit.adapters.dynamodb_commits import MIDDAY, PATIENT, ask, command, seal

OVERCOME = (
    *(Fault.CONFLICT, Fault.THROTTLED, Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.BROKEN, Fault.DELIVERED_TWICE),
)
WRITE = "TransactWriteItems"


@pytest.fixture
def dynamo(faulty: Faulty, tables: Tables) -> Dynamo:
    opened = Dynamo(faulty, tables, Patience(sleep=lambda _: None))
    open_clinic(opened, 2)
    faulty.forget()
    return opened


def book(dynamo: Dynamo, n: int = 1, *, by: int = 1) -> object:
    """``None``: written; otherwise what the patient is told."""
    commit, asked = ask(MIDDAY, n, patient=a_patient(by)), command(n, key=f"key-{n}")
    actions = plan(commit, asked, seal=seal, tables=dynamo.tables)
    reasons = dynamo.transact(actions, request_token(asked, actions))
    return None if reasons is None else refusal(commit, asked, actions, reasons)


def booked(dynamo: Dynamo) -> tuple[int, int]:
    """The patient's counter, and how many items the appointment has: it and one event."""
    table = dynamo.tables.scheduling
    counters = dynamo.get(table, key(f"P#{PATIENT.person_id}", "QUOTA"))
    assert counters
    return int(str(counters["pending"]["N"])), len([*dynamo.query(Query(table=table, partition=f"A#{1:026}"))])


@pytest.mark.parametrize("fault", OVERCOME)
def test_what_can_be_overcome_is_and_it_is_done_once(dynamo: Dynamo, faulty: Faulty, fault: Fault) -> None:
    faulty.plan(WRITE, fault)
    assert book(dynamo) is None
    assert faulty.happened == {fault: 1}
    assert faulty.sent[WRITE] == (1 if fault is Fault.DELIVERED_TWICE else 2)
    assert booked(dynamo) == (1, 2)


@pytest.mark.parametrize("fault", [Fault.EXPIRED_CREDENTIALS, Fault.NO_SUCH_TABLE, Fault.NO_CONNECTION])
def test_what_cannot_is_told_at_once_and_nothing_is_done(dynamo: Dynamo, faulty: Faulty, fault: Fault) -> None:
    faulty.plan(WRITE, fault)
    with pytest.raises(UnavailableError) as told:
        book(dynamo)
    assert told.value.code == "dependency_unavailable"
    assert faulty.sent[WRITE] == 1
    assert booked(dynamo) == (0, 0)


@pytest.mark.parametrize("fault", [Fault.CONFLICT, Fault.THROTTLED])
def test_contention_to_the_end_is_busy_with_nothing_written(dynamo: Dynamo, faulty: Faulty, fault: Fault) -> None:
    faulty.plan(WRITE, *[fault] * MOST_TRIES)
    with pytest.raises(BusyError):
        book(dynamo)
    assert faulty.sent[WRITE] == MOST_TRIES
    assert booked(dynamo) == (0, 0)


@pytest.mark.parametrize("fault", [Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.BROKEN])
def test_answers_lost_to_the_end_are_not_called_busy(dynamo: Dynamo, faulty: Faulty, fault: Fault) -> None:
    faulty.plan(WRITE, fault, *[Fault.THROTTLED] * (MOST_TRIES - 1))
    with pytest.raises(UnavailableError) as told:
        book(dynamo)
    assert not isinstance(told.value, BusyError)
    assert booked(dynamo) == ((1, 2) if fault in EFFECTIVE else (0, 0))
    # And who asks again with the same command finds out.
    assert book(dynamo) is None
    assert booked(dynamo) == (1, 2)


def test_a_refusal_is_told_through_a_lost_answer(dynamo: Dynamo, faulty: Faulty) -> None:
    assert book(dynamo) is None
    faulty.plan(WRITE, Fault.LOST_AFTER, Fault.CONFLICT)
    assert isinstance(book(dynamo, 2, by=2), SlotTakenError)


def test_another_command_under_the_same_key_finds_the_receipt(dynamo: Dynamo, faulty: Faulty) -> None:
    commit = ask(MIDDAY)
    for n, told in ((1, type(None)), (2, ReplayedCommand)):
        asked = command(n)
        actions = plan(commit, asked, seal=seal, tables=dynamo.tables)
        reasons = dynamo.transact(actions, request_token(asked, actions))
        assert isinstance(reasons and refusal(commit, asked, actions, reasons), told)
    assert booked(dynamo) == (1, 2)


def test_reads_are_repeated_through_contention_and_lost_answers(dynamo: Dynamo, faulty: Faulty) -> None:
    table, at = dynamo.tables.accounts, key("A#1", "M")
    dynamo.put(table, at)
    for operation in ("GetItem", "BatchGetItem", "Query"):
        faulty.plan(operation, Fault.THROTTLED, Fault.LOST_BEFORE)
    assert dynamo.get(table, at) == at
    assert [*dynamo.batch_get(table, [at]).values()] == [at]
    assert [*dynamo.query(Query(table=table, partition="A#1"))] == [at]
    assert faulty.happened == {Fault.THROTTLED: 3, Fault.LOST_BEFORE: 3}


def test_a_write_of_one_item_is_repeated_only_where_that_is_the_same(dynamo: Dynamo, faulty: Faulty) -> None:
    table, at = dynamo.tables.accounts, key("A#1", "M")
    new, one = Terms("attribute_not_exists(PK)"), Terms(values={":one": number(1)})
    for operation in ("PutItem", "DeleteItem", "UpdateItem"):
        faulty.plan(operation, Fault.LOST_AFTER)
    assert dynamo.put(table, at) is None
    assert dynamo.delete(table, at) is None
    with pytest.raises(UnavailableError):
        dynamo.update(table, at, "ADD n :one", on=one)
    faulty.plan("PutItem", Fault.LOST_AFTER)
    with pytest.raises(UnavailableError):
        dynamo.put(table, key("A#2", "M"), on=new)
    faulty.plan("UpdateItem", Fault.CONFLICT, Fault.LOST_AFTER)
    same = Terms(values={":x": text("x")})
    assert dynamo.update(table, at, "SET x=:x", on=same, repeatable=True) == {**at, "n": number(1), "x": text("x")}


def test_a_table_that_is_not_there_is_an_outage_and_no_bug(faulty: Faulty) -> None:
    nowhere = Dynamo(faulty, Tables.named("nowhere-"), Patience(sleep=lambda _: None))
    with pytest.raises(UnavailableError) as told:
        nowhere.get(nowhere.tables.accounts, key("A#1", "M"))
    assert str(told.value.__cause__) == "dynamodb GetItem: ResourceNotFoundException (400)"
    with pytest.raises(UnavailableError):
        book(nowhere)
