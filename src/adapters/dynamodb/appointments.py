"""Appointments on DynamoDB: what is read of them, and commits on them, each of which is one transaction."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Final

import attrs

from adapters.aws.retrying import Patience
from adapters.dynamodb import items
from adapters.dynamodb.access import Dynamo, Query
from adapters.dynamodb.actions import Item
from adapters.dynamodb.claims import owners_in
from adapters.dynamodb.dues import Dues
from adapters.dynamodb.parallel import merged
from adapters.dynamodb.plan import plan, request_token
from adapters.dynamodb.records import sealed_by
from adapters.dynamodb.refusals import refusal, taken, wanted_days
from adapters.dynamodb.tables import BY_DOCTOR, BY_PATIENT, PARTITION_KEY, WORK
from adapters.serialization import load_appointment, load_event
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import Command, Commit
from telemed_core.domain.events import Side
from telemed_core.domain.ids import AppointmentId, DoctorId, PatientId, PersonId
from telemed_core.domain.instants import FIRST, LAST, Interval
from telemed_core.domain.status import Status
from telemed_core.errors import BusyError, NotFoundError
from telemed_core.ports.services import Sealing

_PAGE: Final = (50, 500)
"""The fewest and the most items that one read of a list fetches."""


@attrs.frozen
class DynamoAppointments:
    """Appointments and everyone's time on DynamoDB."""

    _dynamo: Dynamo
    _sealing: Sealing
    _patience: Patience = attrs.field(factory=Patience)
    _dues: Dues = attrs.field(
        init=False, repr=False, default=attrs.Factory(lambda self: Dues(self._dynamo), takes_self=True)
    )

    def get(self, appointment_id: AppointmentId, /) -> Appointment:
        # A query may fall into the midst of a transaction.
        return self._patience(partial(self._whole, appointment_id))

    def _whole(self, appointment_id: AppointmentId) -> Appointment:
        asked = Query(
            table=self._dynamo.tables.scheduling,
            partition=items.appointment_partition(appointment_id),
            low=items.EVENTS,
            high=items.ITSELF,
        )
        found = {str(item["SK"]["S"]): str(item["body"]["S"]) for item in self._dynamo.query(asked)}
        body = found.pop(items.ITSELF, None)
        if body is None:
            raise BusyError if found else NotFoundError
        appointment = load_appointment(body)
        history = tuple(load_event(event) for _, event in sorted(found.items())[: appointment.rev])
        if len(history) < appointment.rev:
            raise BusyError
        return attrs.evolve(appointment, history=history)

    def many(self, appointment_ids: Collection[AppointmentId], /) -> Sequence[Appointment]:
        return many(self._dynamo, appointment_ids)

    def list(
        self,
        owner: DoctorId | PatientId,
        /,
        *,
        statuses: Collection[Status] = (),
        starting: Interval | None = None,
        after: tuple[datetime, AppointmentId] | None = None,
        limit: int,
        now: datetime,
    ) -> Sequence[Appointment]:
        low, high = (starting.start, starting.end) if starting else (FIRST, LAST)
        asked = attrs.evolve(self._of(owner), low=items.sortable(low), high=items.sortable(high))
        found: list[Appointment] = []
        for page in self._pages(asked, items.at_and_id(*after) if after else "", limit):
            settled = (_loaded(item).settled(now=now) for item in page)
            found += [one for one in settled if not statuses or one.status in statuses]
            if len(found) >= limit:
                break
        return found[:limit]

    def _of(self, owner: DoctorId | PatientId) -> Query:
        index, partition = (
            (BY_DOCTOR, items.doctor_partition(owner))
            if isinstance(owner, DoctorId)
            else (BY_PATIENT, items.patient_partition(owner))
        )
        return Query(table=self._dynamo.tables.scheduling, index=index, partition=partition)

    def _pages(self, asked: Query, last: str, limit: int) -> Iterator[Sequence[Item]]:
        """What is behind ``last`` by the sort key of the index, so many items at a time that they may be all there are.

        A query goes on from where the last one ended, by the sort key alone, and so finds its last item once more.
        """
        assert asked.index is not None  # noqa: S101 # lists are read by one
        assert asked.low is not None  # noqa: S101
        size = 1 + max(_PAGE[0], min(limit, _PAGE[1]))
        while limit:
            page = [*self._dynamo.query(attrs.evolve(asked, low=max(asked.low, last), most=size))]
            yield [item for item in page if str(item[asked.index.sort_key]["S"]) > last]
            if len(page) < size:
                return
            last = str(page[-1][asked.index.sort_key]["S"])

    def due(self, *, now: datetime, patient: PatientId | None = None, limit: int) -> Sequence[Appointment]:
        # Indexes lag: what they name is looked at as it is.
        ids = islice(waiting(self._dynamo, until=now), limit) if patient is None else self._due_of(patient, now)
        found = [(one.due_at, one.id, one) for one in self.many([*ids]) if one.due_at is not None and one.due_at <= now]
        return [one for _, _, one in sorted(found, key=lambda one: one[:2])[:limit]]

    def _due_of(self, patient: PatientId, now: datetime) -> Iterator[AppointmentId]:
        for item in self._dynamo.query(self._of(patient)):
            one = _loaded(item)
            if one.due_at is not None and one.due_at <= now:
                yield one.id

    def busy(self, person: PersonId, within: Interval, /, *, now: datetime) -> Sequence[range]:
        span = within.cells()
        asked = Query(
            table=self._dynamo.tables.scheduling,
            partition=items.ledger_partition(person),
            low=items.ledger_day(span.start),
            high=items.ledger_day(span.stop - 1),
        )
        held = {cell: owner for day in self._dynamo.query(asked) for cell, owner in owners_in(day) if cell in span}
        # The ledger does not know until when: an answer to a request would have to change it.
        kept = {
            one.id: one.settled(now=now).cells(Side.DOCTOR if person == one.doctor_person else Side.PATIENT)
            for one in self.many(self._dues.passed(held, now=now))
        }
        return _runs(sorted(cell for cell, owner in held.items() if owner not in kept or cell in kept[owner]))

    def apply(self, commit: Commit, /, *, command: Command) -> Appointment:
        actions = plan(commit, command, seal=sealed_by(self._sealing), tables=self._dynamo.tables)
        token = request_token(command, actions)
        reasons = self._dynamo.transact(actions, token, contended=lambda: self._look(commit, command))
        refused = None if reasons is None else refusal(commit, command, actions, reasons)
        if refused is not None:
            raise refused
        return commit.after

    def _look(self, commit: Commit, command: Command) -> None:
        """Give up what others have by now: who writes again meets all the others once more, who reads meets nobody.

        Raises:
            SlotTakenError, PatientBusyError: as the same transaction would be refused.
        """
        table = self._dynamo.tables.scheduling
        refused = taken(commit, self._dynamo.batch_get(table, wanted_days(commit)))
        if refused is None:
            return
        asked = command.idempotency
        # Read after the days: what was done under this key is there by now, and the next try is told of it.
        if asked is None or self._dynamo.get(table, items.receipt_key(asked)) is None:
            raise refused


def many(dynamo: Dynamo, appointment_ids: Collection[AppointmentId]) -> Sequence[Appointment]:
    """Those of these appointments that are there, by id, as they stand."""
    keys = map(items.appointment_key, sorted({*appointment_ids}))
    found = dynamo.batch_get(dynamo.tables.scheduling, keys)
    return [_loaded(found[key]) for key in sorted(found)]


def waiting(dynamo: Dynamo, *, until: datetime = LAST) -> Iterator[AppointmentId]:
    """Live appointments whose time comes by ``until``, the first to come first; as the index of work has them."""
    shards = [
        Query(
            table=dynamo.tables.scheduling,
            index=WORK,
            partition=items.due_partition(shard),
            # Behind the instant there is an id.
            high=f"{items.sortable(until)}~",
        )
        for shard in range(items.SHARDS)
    ]
    for item in merged(dynamo, shards):
        partition = str(item[PARTITION_KEY]["S"])
        if partition.startswith(items.APPOINTMENTS):
            yield AppointmentId(partition.removeprefix(items.APPOINTMENTS))


def _loaded(item: Item) -> Appointment:
    return load_appointment(str(item["body"]["S"]))


def _runs(cells: Iterable[int]) -> list[range]:
    runs: list[range] = []
    for cell in cells:
        if runs and runs[-1].stop == cell:
            runs[-1] = range(runs[-1].start, cell + 1)
        else:
            runs.append(range(cell, cell + 1))
    return runs
