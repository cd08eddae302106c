"""A commit as the actions of one ``TransactWriteItems``: pure, and one action per item."""

from collections.abc import Iterator, Sequence
from hashlib import sha256

from adapters.dynamodb import items
from adapters.dynamodb.actions import Action, Purpose, flag, number
from adapters.dynamodb.claims import claim_actions
from adapters.dynamodb.leaving import receipt_actions, text_actions
from adapters.dynamodb.records import Seal
from adapters.dynamodb.saga_rows import start_actions
from adapters.dynamodb.settling import IS_NEW, act, was_read
from adapters.dynamodb.tables import TABLES, Tables
from telemed_core.domain.commit import AppointmentChange, Command, Commit, Guard, QuotaChange, ScheduleGuard
from telemed_core.domain.events import AppointmentEvent
from telemed_core.domain.ids import CommandId, DoctorId


def plan(commit: Commit, command: Command, *, seal: Seal, tables: Tables = TABLES) -> tuple[Action, ...]:
    """All that the command writes, in the order of refusals."""
    scheduling, clinical = tables.scheduling.name, tables.clinical.name
    return (
        *receipt_actions(scheduling, command, subject=commit.after.id, rev=commit.after.rev),
        *(_event(scheduling, event, command.id) for event in commit.events),
        *_guards(scheduling, commit.guards),
        *(_quota(scheduling, change) for change in commit.quotas),
        *(_appointment(scheduling, change) for change in commit.appointments),
        *claim_actions(scheduling, commit.claims),
        *start_actions(scheduling, commit.sagas, at=command.at),
        *text_actions(clinical, commit.texts, seal),
    )


def request_token(command: Command, actions: Sequence[Action]) -> str:
    """The ``ClientRequestToken``: the same for the same command and body, another for another body."""
    body = [action.request() for action in actions]
    return sha256(f"{command.id} {body!r}".encode()).hexdigest()[:36]


def _event(table: str, event: AppointmentEvent, command_id: CommandId) -> Action:
    item = items.event_item(event, command_id)
    return act("Put", table, purpose=Purpose.EVENT, Item=item, ConditionExpression=IS_NEW)


def _guards(table: str, guards: Sequence[Guard]) -> Iterator[Action]:
    by_doctor: dict[DoctorId, list[Guard]] = {}
    for guard in guards:
        by_doctor.setdefault(guard.doctor_id, []).append(guard)
    for doctor_id, several in by_doctor.items():
        revs = sorted({guard.rev for guard in several if isinstance(guard, ScheduleGuard)})
        tests = ["bookable=:yes", *(f"rev=:{n}" for n in range(len(revs)))]
        yield act(
            "ConditionCheck",
            table,
            purpose=Purpose.GUARD,
            Key=items.head_key(doctor_id),
            ConditionExpression=" AND ".join(tests),
            ExpressionAttributeValues={
                ":yes": flag(value=True),
                **{f":{n}": number(rev) for n, rev in enumerate(revs)},
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
    return act(
        "Update",
        table,
        purpose=Purpose.QUOTA,
        Key=items.quota_key(change.person_id),
        ConditionExpression=" AND ".join(tests),
        UpdateExpression="ADD pending :pending,live :live",
        ExpressionAttributeValues=values,
    )


def _appointment(table: str, change: AppointmentChange) -> Action:
    before = None if change.before is None else change.before.rev
    item = items.appointment_item(change.after)
    return act("Put", table, purpose=Purpose.APPOINTMENT, Item=item, **was_read("rev", before))
