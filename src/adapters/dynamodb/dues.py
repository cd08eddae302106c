"""Until when the owners of a ledger's cells keep them: remembered, so that a full month is read once and not always."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from threading import Lock
from typing import Final

import attrs

from adapters.dynamodb.access import Dynamo
from adapters.dynamodb.actions import pair
from adapters.dynamodb.items import appointment_key, sortable
from adapters.dynamodb.tables import WORK
from telemed_core.domain.ids import AppointmentId

MOST_KEPT: Final = 16_384
"""Of how many appointments it is remembered."""

_Claim = tuple[AppointmentId, int, int]
"""An owner, and the first and the last of the cells that it was seen to own."""


@attrs.frozen
class Dues:
    """The instants at which time alone is to change live appointments, as the index of work has them.

    While an appointment owns the same cells, time frees none of them before the instant that is remembered: it is set
    anew with other cells, or put off. So whoever is not due by it need not be read again.
    """

    _dynamo: Dynamo
    _kept: dict[_Claim, str] = attrs.field(factory=dict[_Claim, str], init=False, repr=False)
    _keeping: Lock = attrs.field(factory=Lock, init=False, repr=False)

    def passed(self, held: Mapping[int, AppointmentId], *, now: datetime) -> list[AppointmentId]:
        """Those of the owners of these cells that may own them no more."""
        by = sortable(now)
        claims = _claims(held)
        asked = {claim for claim in claims if self._kept.get(claim, "") <= by}
        dues = self._read({owner for owner, _, _ in asked})
        self._keep({claim: dues[claim[0]] for claim in asked if dues.get(claim[0])})
        return sorted(owner for owner, due in dues.items() if due <= by)

    def _read(self, owners: Iterable[AppointmentId]) -> dict[AppointmentId, str]:
        """Of each that is there its instant, or nothing where time changes it no more."""
        keys = {owner: appointment_key(owner) for owner in owners}
        found = self._dynamo.batch_get(self._dynamo.tables.scheduling, keys.values(), only=(WORK.sort_key,))
        return {
            owner: str(item[WORK.sort_key]["S"]).partition("#")[0] if WORK.sort_key in item else ""
            for owner, key in keys.items()
            if (item := found.get(pair(key))) is not None
        }

    def _keep(self, dues: Mapping[_Claim, str]) -> None:
        with self._keeping:
            self._kept.update(dues)
            for claim in [*self._kept][: max(0, len(self._kept) - MOST_KEPT)]:
                del self._kept[claim]


def _claims(held: Mapping[int, AppointmentId]) -> set[_Claim]:
    first: dict[AppointmentId, int] = {}
    last: dict[AppointmentId, int] = {}
    for cell, owner in sorted(held.items()):
        first.setdefault(owner, cell)
        last[owner] = cell
    return {(owner, cell, last[owner]) for owner, cell in first.items()}
