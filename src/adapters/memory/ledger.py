"""The ledger as a whole, in memory."""

from collections.abc import Collection, Sequence

import attrs

from adapters.memory.appointments import move_cells
from adapters.memory.state import State
from telemed_core.domain.ids import PersonId
from telemed_core.domain.ledger import LedgerPage, Repair
from telemed_core.errors import SlotTakenError, StaleRevisionError


@attrs.frozen
class MemoryLedger:
    """The ledger in memory."""

    _state: State

    def people(self, *, after: PersonId | None = None, limit: int) -> Sequence[PersonId]:
        with self._state.lock:
            held = {person for person, claims in self._state.claims.items() if claims}
            live = {person for one in self._state.live.values() for person in (one.doctor_person, one.patient_person)}
        return sorted(person for person in held | live if after is None or person > after)[:limit]

    def read(self, people: Collection[PersonId], /, *, cells: range | None = None) -> LedgerPage:
        with self._state.lock:
            claims = {
                person: {
                    cell: owner
                    for cell, owner in self._state.claims.get(person, {}).items()
                    if cells is None or cell in cells
                }
                for person in people
            }
            owners = {owner for held in claims.values() for owner in held.values()}
            appointments = tuple(
                one
                for one in self._state.appointments.values()
                if one.id in owners
                or (one.status.live and (one.doctor_person in claims or one.patient_person in claims))
            )
        return LedgerPage(claims, appointments, cells)

    def apply(self, repair: Repair, /) -> None:
        state = self._state
        with state.lock:
            stored = state.appointments.get(repair.appointment_id)
            if (stored.rev if stored else 0) != repair.rev:
                raise StaleRevisionError
            found = [
                (state.claims.get(claim.person_id, {}).get(cell), claim.before)
                for claim in repair.claims
                for cell in claim.cells
            ]
            if any(owner != expected for owner, expected in found):
                raise SlotTakenError(owner for owner, _ in found if owner and owner != repair.appointment_id)
            for claim in repair.claims:
                move_cells(state, claim)
