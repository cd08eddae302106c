"""Plans on an emulator of DynamoDB in this process, which must do with them what the unit tests' interpreter does."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import attrs
import boto3
import pytest
from moto import mock_aws

from adapters.dynamodb.actions import Action, flag, number
from adapters.dynamodb.items import SHARDS, due_partition, head_key, quota_key
from adapters.dynamodb.plan import plan, request_token
from adapters.dynamodb.refusals import refusal
from adapters.dynamodb.tables import BY_PATIENT, TABLES, WORK
from telemed_core.domain import visit
from telemed_core.domain.commit import Command, Commit
from telemed_core.domain.ids import PersonId
from telemed_core.domain.receipts import ReplayedCommand
from telemed_core.errors import (
    LicenceInactiveError,
    NotFoundError,
    PatientBusyError,
    ScheduleChangedError,
    SlotTakenError,
    StaleRevisionError,
    TooManyPendingError,
)
from telemed_core.testing.builders import MONDAY, a_doctor, a_patient
from unit.adapters.dynamodb_commits import (
    ACROSS_MIDNIGHT,
    DAY,
    DOCTOR,
    HOUR,
    MIDDAY,
    PATIENT,
    PROPOSAL,
    ask,
    command,
    proposed,
    seal,
    takeover,
)
from unit.adapters.dynamodb_interpreter import Interpreter

SCHEDULING = TABLES.scheduling.name


class Store:
    """The emulator and the interpreter, which must agree on every transaction and on what is stored after it."""

    def __init__(self, client: Any) -> None:
        self.client, self.interpreter = client, Interpreter()
        self.commands = 0

    def put(self, item: Any) -> None:
        self.client.put_item(TableName=SCHEDULING, Item=item)
        self.interpreter.items[SCHEDULING, (item["PK"]["S"], item["SK"]["S"])] = dict(item)

    def head(self, *, rev: int = 3, bookable: bool = True) -> None:
        self.put({**head_key(DOCTOR.id), "rev": number(rev), "bookable": flag(value=bookable)})

    def counters(self, person: PersonId, *, pending: int = 0, active: bool = True) -> None:
        counted = {"pending": number(pending), "live": number(pending), "active": flag(value=active)}
        self.put({**quota_key(person), **counted})

    def write(self, actions: Sequence[Action], token: str) -> list[dict[str, Any]] | None:
        reasons = None
        try:
            self.client.transact_write_items(
                TransactItems=[action.request() for action in actions], ClientRequestToken=token
            )
        except self.client.exceptions.TransactionCanceledException as cancelled:
            reasons = [
                {name: reason[name] for name in ("Code", "Item") if name in reason}
                for reason in cancelled.response["CancellationReasons"]
            ]
        assert reasons == self.interpreter.write(actions)
        assert self.stored() == self.interpreter.items
        return reasons

    def stored(self) -> dict[Any, Any]:
        return {
            (table.name, (item["PK"]["S"], item["SK"]["S"])): item
            for table in TABLES.all
            for item in self.client.scan(TableName=table.name)["Items"]
        }

    def run(self, commit: Commit, *, by: Command | None = None) -> Any:
        """Write it, or answer why not."""
        self.commands += 1
        asked = by or command(self.commands, key=f"key-{self.commands}")
        actions = plan(commit, asked, seal=seal)
        reasons = self.write(actions, request_token(asked, actions))
        return "written" if reasons is None else refusal(commit, asked, actions, reasons)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="sa-east-1")
        for table in TABLES.all:
            client.create_table(**table.creation())
            expiry = table.time_to_live()
            if expiry:
                client.update_time_to_live(**expiry)
        opened = Store(client)
        opened.head()
        opened.counters(PATIENT.person_id)
        yield opened


def test_tables_are_made_as_they_are_defined(store: Store) -> None:
    made = store.client.describe_table(TableName=SCHEDULING)["Table"]
    assert {index["IndexName"] for index in made["GlobalSecondaryIndexes"]} == {"GSI1", "GSI2", "GSI3", "GSI4"}
    assert made["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    expiry = store.client.describe_time_to_live(TableName=SCHEDULING)["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}


def test_a_whole_life_across_midnight_is_written_step_by_step(store: Store) -> None:
    start = ACROSS_MIDNIGHT
    asked = ask(start)
    moved = proposed(asked.after, start + DAY)
    confirmed = moved.after.accept(2, by=DOCTOR.id, now=MONDAY)
    offered = proposed(confirmed.after, start)
    agreed = offered.after.agree(PROPOSAL, by=DOCTOR.id, now=MONDAY)
    again = proposed(agreed.after, start + DAY)
    declined = again.after.decline(PROPOSAL, by=DOCTOR.id, now=MONDAY)
    here = visit.join(declined.after, by=PATIENT.id, now=start)
    begun = visit.join(here.after, by=DOCTOR.id, now=start)
    done = visit.complete(begun.after, by=DOCTOR.id, now=start + HOUR)

    for commit in (asked, moved, confirmed, offered, agreed, again, declined, here, begun, done):
        assert store.run(commit) == "written"
    assert isinstance(store.run(moved), StaleRevisionError)

    cells = [name for _, item in store.stored().items() for name in item if name.startswith("k")]
    assert cells == []
    assert history(store, done.after.id) == done.after.rev
    counters = store.stored()[SCHEDULING, (f"P#{PATIENT.person_id}", "QUOTA")]
    assert (counters["pending"], counters["live"]) == (number(0), number(0))


def history(store: Store, appointment_id: str) -> int:
    """How many events one query finds, beside the appointment itself."""
    found = store.client.query(
        TableName=SCHEDULING,
        KeyConditionExpression="PK=:pk",
        ExpressionAttributeValues={":pk": {"S": f"A#{appointment_id}"}},
    )["Items"]
    return sum(item["SK"]["S"].startswith("E#") for item in found)


def test_due_claims_are_taken_over_in_the_transaction_that_they_blocked(store: Store) -> None:
    for one in (2, 3):
        store.counters(a_patient(one).person_id)
    before = ask(MIDDAY - 2 * HOUR, 2, patient=a_patient(2), length=240, buffer=0)
    behind = ask(MIDDAY + 2 * HOUR, 3, patient=a_patient(3), length=240, buffer=0)
    at = behind.after.decision_deadline
    asked = ask(MIDDAY, now=at, length=240, buffer=0)
    assert [store.run(one) for one in (before, behind)] == ["written"] * 2

    blocked = store.run(asked)
    assert isinstance(blocked, SlotTakenError)
    assert blocked.owners == {before.after.id, behind.after.id}

    whole = takeover(asked, before.after, behind.after, at=at)
    assert store.run(whole) == "written"
    assert isinstance(store.run(whole), StaleRevisionError)
    owners = {value["S"] for item in store.stored().values() for name, value in item.items() if name.startswith("k")}
    assert owners == {asked.after.id}


def test_more_cells_than_a_condition_can_test_are_freed_and_taken(store: Store) -> None:
    doctors = [a_doctor(number_) for number_ in (2, 3, 4)]
    start = MIDDAY.replace(hour=0)
    for doctor in doctors:
        store.put({**head_key(doctor.id), "rev": number(3), "bookable": flag(value=True)})
    asked = [ask(start + 4 * n * HOUR, 2 + n, doctor=doctor, length=240, buffer=0) for n, doctor in enumerate(doctors)]
    at = max(one.after.decision_deadline for one in asked)
    assert [store.run(one) for one in asked] == ["written"] * 3
    own = ask(start + 16 * HOUR, now=at, length=240, buffer=0)

    assert isinstance(store.run(own), TooManyPendingError)
    assert store.run(takeover(own, *(one.after for one in asked), at=at)) == "written"


def test_refusals_come_back_in_their_order(store: Store) -> None:
    other = ask(MIDDAY + HOUR, 2, patient=a_patient(2))
    store.counters(a_patient(2).person_id)
    asked = ask(MIDDAY)
    assert store.run(other) == "written"
    assert isinstance(store.run(asked), SlotTakenError)

    mine = ask(MIDDAY, 3, doctor=a_doctor(2))
    store.put({**head_key(a_doctor(2).id), "rev": number(3), "bookable": flag(value=True)})
    assert store.run(mine) == "written"
    busy = store.run(asked)
    assert isinstance(busy, PatientBusyError)
    assert busy.owners == {other.after.id, mine.after.id}

    stale = attrs.evolve(asked, appointments=mine.appointments)
    assert isinstance(store.run(stale), StaleRevisionError)
    store.counters(PATIENT.person_id, pending=3)
    assert isinstance(store.run(asked), TooManyPendingError)
    store.counters(PATIENT.person_id, active=False)
    assert isinstance(store.run(asked), NotFoundError)
    store.head(rev=4)
    assert isinstance(store.run(asked), ScheduleChangedError)
    store.head(bookable=False)
    accepting = other.after.accept(1, by=DOCTOR.id, now=MONDAY)
    assert isinstance(store.run(accepting), LicenceInactiveError)


def test_a_repeat_is_recognised_by_its_receipt_for_a_day_and_without_a_key_by_its_event(store: Store) -> None:
    first, keyless = ask(MIDDAY), ask(MIDDAY + DAY, 2)
    silent = command(7, key=None)
    assert store.run(first, by=command(1)) == "written"
    assert store.run(keyless, by=silent) == "written"

    replayed = store.run(first, by=command(2))
    assert isinstance(replayed, ReplayedCommand)
    assert replayed.receipt.command_id == command(1).id
    assert store.run(keyless, by=silent) is None

    later = MONDAY + timedelta(hours=24)
    assert store.run(ask(MIDDAY + 2 * DAY, 3, now=later), by=command(3, at=later)) == "written"


def test_what_is_due_and_what_a_patient_has_is_found_by_the_indexes(store: Store) -> None:
    asked = ask(MIDDAY)
    store.run(asked)
    item = store.stored()[SCHEDULING, (f"A#{asked.after.id}", "M")]

    def keys(index: Any, partition: str) -> list[str]:
        found = store.client.query(
            TableName=SCHEDULING,
            IndexName=index.name,
            KeyConditionExpression=f"{index.partition_key}=:pk",
            ExpressionAttributeValues={":pk": {"S": partition}},
        )
        return [one["PK"]["S"] for one in found["Items"]]

    assert item[WORK.partition_key]["S"] in {due_partition(shard) for shard in range(SHARDS)}
    assert keys(WORK, item[WORK.partition_key]["S"]) == [f"A#{asked.after.id}"]
    assert keys(BY_PATIENT, f"P#{PATIENT.id}") == [f"A#{asked.after.id}"]

    store.run(asked.after.refuse(by=DOCTOR.id, why=None, now=MONDAY))
    assert keys(WORK, item[WORK.partition_key]["S"]) == []
    assert keys(BY_PATIENT, f"P#{PATIENT.id}") == [f"A#{asked.after.id}"]
