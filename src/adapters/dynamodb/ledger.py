"""The ledger as a whole, on DynamoDB: read without a lock, and looked at twice to have been of one moment."""

from collections.abc import Collection, Iterator, Mapping, Sequence

import attrs

from adapters.aws.retrying import Patience
from adapters.dynamodb import items
from adapters.dynamodb.access import Dynamo, Query
from adapters.dynamodb.actions import Action, Item, Purpose, pair
from adapters.dynamodb.appointments import many, waiting
from adapters.dynamodb.claims import claim_actions, owner_in, owners_in
from adapters.dynamodb.settling import Found, act, commit, was_read
from adapters.dynamodb.tables import PARTITION_KEY
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.ids import AppointmentId, PersonId
from telemed_core.domain.ledger import LedgerPage, Repair
from telemed_core.errors import BusyError, SlotTakenError, StaleRevisionError

_Claims = Mapping[PersonId, Mapping[int, AppointmentId]]


@attrs.frozen
class DynamoLedger:
    """The ledger on DynamoDB. Its people are found by reading the whole table, as no command ever does."""

    _dynamo: Dynamo
    _patience: Patience = attrs.field(factory=Patience)

    def people(self, *, after: PersonId | None = None, limit: int) -> Sequence[PersonId]:
        days = self._dynamo.scan(self._dynamo.tables.scheduling, begins=items.LEDGERS)
        held = {PersonId(_person_of(day)) for day in days if any(owners_in(day))}
        live = {person for one in self._live() for person in (one.doctor_person, one.patient_person)}
        return sorted(person for person in held | live if after is None or person > after)[:limit]

    def _live(self) -> Sequence[Appointment]:
        return [one for one in many(self._dynamo, [*waiting(self._dynamo)]) if one.status.live]

    def read(self, people: Collection[PersonId], /, *, cells: range | None = None) -> LedgerPage:
        return self._patience(lambda: self._page(people, cells))

    def _page(self, people: Collection[PersonId], cells: range | None) -> LedgerPage:
        """The page, if nothing has moved meanwhile: appointments that are the same before and after have not.

        Their claims change in the commits that raise their ``rev`` and in no others.
        """
        before = self._appointments(people, self._claims(people, cells))
        claims = self._claims(people, cells)
        appointments = self._appointments(people, claims)
        if before != appointments:
            raise BusyError
        return LedgerPage(claims, appointments, cells)

    def _claims(self, people: Collection[PersonId], cells: range | None) -> _Claims:
        return {person: dict(self._held(person, cells)) for person in people}

    def _held(self, person: PersonId, cells: range | None) -> Iterator[tuple[int, AppointmentId]]:
        asked = Query(
            table=self._dynamo.tables.scheduling,
            partition=items.ledger_partition(person),
            low=items.ledger_day(cells.start) if cells else None,
            high=items.ledger_day(cells.stop - 1) if cells else None,
        )
        for day in self._dynamo.query(asked):
            yield from ((cell, owner) for cell, owner in owners_in(day) if cells is None or cell in cells)

    def _appointments(self, people: Collection[PersonId], claims: _Claims) -> tuple[Appointment, ...]:
        owners = {owner for held in claims.values() for owner in held.values()}
        found = many(self._dynamo, {*owners, *waiting(self._dynamo)})
        return tuple(
            one
            for one in found
            if one.id in owners or (one.status.live and (one.doctor_person in people or one.patient_person in people))
        )

    def apply(self, repair: Repair, /) -> None:
        table = self._dynamo.tables.scheduling.name
        is_at = _is_at(table, repair)
        # Under a token of its own: the same repair may be made again, a minute later.
        refused = commit(self._dynamo, (is_at, *claim_actions(table, repair.claims)))
        if is_at.key in refused:
            raise StaleRevisionError
        if refused:
            raise SlotTakenError(_others(repair, refused))


def _person_of(day: Item) -> str:
    return str(day[PARTITION_KEY]["S"]).removeprefix(items.LEDGERS)


def _is_at(table: str, repair: Repair) -> Action:
    key = items.appointment_key(repair.appointment_id)
    return act("ConditionCheck", table, purpose=Purpose.APPOINTMENT, Key=key, **was_read("rev", repair.rev or None))


def _others(repair: Repair, days: Found) -> Iterator[str]:
    """Who holds what the repair would give its appointment."""
    cells = ((claim.person_id, cell) for claim in repair.claims for cell in claim.cells)
    found = {owner_in(days.get(pair(items.ledger_key(person, cell)), {}), cell) for person, cell in cells}
    return (owner for owner in found if owner and owner != repair.appointment_id)
