"""Schedules on DynamoDB: a head that bookings are checked by, and a body of its own for each revision.

The body of a revision is written with the head, and never again: the one with the greatest number is the schedule.
"""

from collections.abc import Sequence
from threading import Lock
from typing import Final

import attrs

from adapters.dynamodb import blocks
from adapters.dynamodb.access import Dynamo, Query
from adapters.dynamodb.actions import Action, Item, flag, key, number, pair, text
from adapters.dynamodb.items import doctor_partition, head_key
from adapters.dynamodb.leaving import check_receipt, receipt_actions, text_actions
from adapters.dynamodb.plan import request_token
from adapters.dynamodb.records import sealed_by
from adapters.dynamodb.settling import IS_NEW, Found, act, commit, number_in, was_read
from adapters.serialization import dump_schedule, load_schedule
from telemed_core.domain.commit import Command
from telemed_core.domain.ids import AppointmentId, BlockId, CommandId, DoctorId
from telemed_core.domain.instants import Interval
from telemed_core.domain.schedule import BlockCancellation, Schedule, ScheduleEdit
from telemed_core.errors import NotFoundError, ScheduleChangedError
from telemed_core.ports.services import Sealing

MOST_KEPT: Final = 2048
"""How many schedules are kept as they were last read."""

_BODIES: Final = "SCHED#R#"


def schedule_actions(table: str, after: Schedule, *, before: int | None, command_id: CommandId) -> Sequence[Action]:
    """Put the schedule in place of the one at rev ``before``; ``None``: it is the first.

    Refused by the head where that one is not there any more, and by the body where somebody made this revision.
    """
    head = {**head_key(after.doctor_id), "rev": number(after.rev), "bookable": flag(value=after.bookable)}
    body = {
        **_body_key(after.doctor_id, after.rev),
        "rev": number(after.rev),
        "command": text(command_id),
        "body": text(dump_schedule(after)),
    }
    return (
        act("Put", table, Item=head, **was_read("rev", before)),
        act("Put", table, Item=body, ConditionExpression=IS_NEW),
    )


def read_schedule(dynamo: Dynamo, doctor_id: DoctorId) -> Schedule | None:
    """The doctor's schedule as it stands; ``None``: there is none."""
    newest = _newest(dynamo, doctor_id)
    return None if newest is None else _loaded(newest)


def was_made_by(dynamo: Dynamo, schedule: Schedule, command_id: CommandId, *, refused: Found) -> bool:
    """Whether it was this command that made the schedule's revision, by what has refused to make it again."""
    at = _body_key(schedule.doctor_id, schedule.rev)
    made = refused.get(pair(at)) or dynamo.get(dynamo.tables.scheduling, at)
    return made is not None and made["command"]["S"] == command_id


def _body_key(doctor_id: DoctorId, rev: int) -> Item:
    return key(doctor_partition(doctor_id), f"{_BODIES}{rev:010}")


def _newest(dynamo: Dynamo, doctor_id: DoctorId) -> Item | None:
    asked = Query(
        table=dynamo.tables.scheduling,
        partition=doctor_partition(doctor_id),
        begins=_BODIES,
        backwards=True,
        most=1,
    )
    return next(dynamo.query(asked), None)


def _loaded(body: Item) -> Schedule:
    return load_schedule(str(body["body"]["S"]))


@attrs.frozen
class DynamoSchedules:
    """Schedules on DynamoDB; what was read last is kept, so that only what has changed is decoded."""

    _dynamo: Dynamo
    _sealing: Sealing
    _kept: dict[DoctorId, Schedule] = attrs.field(factory=dict[DoctorId, Schedule], init=False, repr=False)
    _keeping: Lock = attrs.field(factory=Lock, init=False, repr=False)

    def of(self, doctor_id: DoctorId, /) -> Schedule:
        newest = _newest(self._dynamo, doctor_id)
        if newest is None:
            raise NotFoundError
        kept = self._kept.get(doctor_id)
        if kept is not None and kept.rev == number_in(newest, "rev"):
            return kept
        schedule = _loaded(newest)
        self._keep(schedule)
        return schedule

    def known(self, doctor_id: DoctorId, /) -> Schedule | None:
        return self._kept.get(doctor_id)

    def _keep(self, schedule: Schedule) -> None:
        with self._keeping:
            # What is read most is kept longest.
            kept = self._kept.pop(schedule.doctor_id, None)
            if len(self._kept) >= MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[schedule.doctor_id] = schedule if kept is None or kept.rev < schedule.rev else kept

    def apply(self, edit: ScheduleEdit, /, *, command: Command) -> Sequence[AppointmentId]:
        schedule, block = edit.after, edit.block
        made = None if block is None else blocks.block_item(schedule, block, at=command.at, cancelling=edit.cancelling)
        actions = self._actions(edit, made, command)
        refused = commit(self._dynamo, actions, token=request_token(command, actions))
        if refused:
            check_receipt(command, refused)
            if not was_made_by(self._dynamo, schedule, command.id, refused=refused):
                raise ScheduleChangedError
        self._keep(schedule)
        if made is not None:
            return blocks.affected_by(self._dynamo, made)
        if schedule.agenda == edit.before.agenda:
            return ()
        return blocks.live_of(self._dynamo, schedule.doctor_id, schedule.person_id, now=command.at, where=edit.affects)

    def _actions(self, edit: ScheduleEdit, made: Item | None, command: Command) -> Sequence[Action]:
        table, schedule, block = self._dynamo.tables.scheduling.name, edit.after, edit.block
        return (
            *receipt_actions(table, command, subject=block.id if block else schedule.doctor_id, rev=schedule.rev),
            *schedule_actions(table, schedule, before=edit.before.rev, command_id=command.id),
            # The revision of which it is a part is new: so is the block.
            *((act("Put", table, Item=made),) if made is not None else ()),
            *text_actions(self._dynamo.tables.clinical.name, edit.texts, sealed_by(self._sealing)),
        )

    def block_of(self, block_id: BlockId, /) -> tuple[Interval, Sequence[AppointmentId]]:
        made = blocks.read_block(self._dynamo, block_id)
        if made is None:
            raise NotFoundError
        return blocks.interval_of(made), blocks.affected_by(self._dynamo, made)

    def cancellations(self, *, block_id: BlockId | None = None, limit: int) -> Sequence[BlockCancellation]:
        return blocks.cancellations(self._dynamo, block_id, limit)

    def cancelled(self, cancellation: BlockCancellation, /) -> None:
        blocks.cancelled(self._dynamo, cancellation)
