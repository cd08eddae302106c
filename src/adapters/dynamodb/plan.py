"""A commit as the actions of one ``TransactWriteItems``: pure, and one action per item."""

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import Any, Final

from adapters.dynamodb import items
from adapters.dynamodb.actions import Action, Item, Purpose, Value, flag, number, text
from adapters.dynamodb.claims import claim_actions
from adapters.dynamodb.saga_rows import start_actions
from adapters.dynamodb.tables import TABLES, Tables
from telemed_core.domain.commit import (
    AppointmentChange,
    Command,
    Commit,
    Guard,
    Idempotency,
    QuotaChange,
    ScheduleGuard,
)
from telemed_core.domain.ids import DoctorId
from telemed_core.domain.receipts import RECEIPT_LIFE
from telemed_core.domain.texts import Text

Seal = Callable[[Text], bytes]
"""Encrypts a text, bound to its key."""

_IS_NEW: Final = "attribute_not_exists(PK)"


def plan(commit: Commit, command: Command, *, seal: Seal, tables: Tables = TABLES) -> tuple[Action, ...]:
    """All that the command writes, in the order of refusals."""
    scheduling, clinical = tables.scheduling.name, tables.clinical.name
    return (
        *((_receipt(scheduling, commit, command, command.idempotency),) if command.idempotency else ()),
        *(
            _put(Purpose.EVENT, scheduling, items.event_item(event, command.id), _IS_NEW, old=True)
            for event in commit.events
        ),
        *_guards(scheduling, commit.guards),
        *(_quota(scheduling, change) for change in commit.quotas),
        *(_appointment(scheduling, change) for change in commit.appointments),
        *claim_actions(scheduling, commit.claims),
        *start_actions(scheduling, commit.sagas, at=command.at),
        # The event that carries its key is new: so is the text.
        *(_put(Purpose.TEXT, clinical, items.text_item(written.key, seal(written))) for written in commit.texts),
    )


def request_token(command: Command, actions: Sequence[Action]) -> str:
    """The ``ClientRequestToken``: the same for the same command and body, another for another body."""
    body = [action.request() for action in actions]
    return sha256(f"{command.id} {body!r}".encode()).hexdigest()[:36]


def _put(
    purpose: Purpose,
    table: str,
    item: Item,
    condition: str | None = None,
    *,
    values: dict[str, Value] | None = None,
    old: bool = False,
) -> Action:
    parameters: dict[str, Any] = {"TableName": table, "Item": item}
    if condition:
        parameters["ConditionExpression"] = condition
    if values:
        parameters["ExpressionAttributeValues"] = values
    if old:
        parameters["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return Action(purpose, "Put", parameters)


def _receipt(table: str, commit: Commit, command: Command, asked: Idempotency) -> Action:
    item = items.receipt_item(asked, command, subject=commit.after.id, rev=commit.after.rev)
    over = text(items.sortable(command.at - RECEIPT_LIFE))
    return _put(Purpose.RECEIPT, table, item, f"{_IS_NEW} OR written<=:over", values={":over": over}, old=True)


def _guards(table: str, guards: Sequence[Guard]) -> Iterator[Action]:
    by_doctor: dict[DoctorId, list[Guard]] = {}
    for guard in guards:
        by_doctor.setdefault(guard.doctor_id, []).append(guard)
    for doctor_id, several in by_doctor.items():
        revs = sorted({guard.rev for guard in several if isinstance(guard, ScheduleGuard)})
        tests = ["bookable=:yes", *(f"rev=:{n}" for n in range(len(revs)))]
        yield Action(
            Purpose.GUARD,
            "ConditionCheck",
            {
                "TableName": table,
                "Key": items.head_key(doctor_id),
                "ConditionExpression": " AND ".join(tests),
                "ExpressionAttributeValues": {
                    ":yes": flag(value=True),
                    **{f":{n}": number(rev) for n, rev in enumerate(revs)},
                },
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            },
        )


def _quota(table: str, change: QuotaChange) -> Action:
    tests, values = ["attribute_exists(PK)"], {":pending": number(change.pending), ":live": number(change.live)}
    if change.live > 0:
        tests.append("active=:yes")
        values[":yes"] = flag(value=True)
    if change.most_pending is not None and change.pending > 0:
        tests.append("pending<=:room")
        values[":room"] = number(change.most_pending - change.pending)
    return Action(
        Purpose.QUOTA,
        "Update",
        {
            "TableName": table,
            "Key": items.quota_key(change.person_id),
            "ConditionExpression": " AND ".join(tests),
            "UpdateExpression": "ADD pending :pending,live :live",
            "ExpressionAttributeValues": values,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        },
    )


def _appointment(table: str, change: AppointmentChange) -> Action:
    item = items.appointment_item(change.after)
    if change.before is None:
        return _put(Purpose.APPOINTMENT, table, item, _IS_NEW)
    return _put(Purpose.APPOINTMENT, table, item, "rev=:before", values={":before": number(change.before.rev)})
