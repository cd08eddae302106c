"""A commit: all that one command changes, as a value that a store applies whole or not at all."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from telemed_core.domain.events import AppointmentEvent
from telemed_core.domain.ids import AccountId, AppointmentId, CommandId, DoctorId, PersonId
from telemed_core.domain.sagas import SagaStart
from telemed_core.domain.texts import Text

if TYPE_CHECKING:
    from telemed_core.domain.appointment import Appointment

Owner = AppointmentId | None
"""Who owns a cell; ``None``: it is free."""


@attrs.frozen
class AppointmentChange:
    """One appointment before (``None``: it is new) and after; applied only while its ``rev`` is the one before."""

    before: "Appointment | None"
    after: "Appointment"


@attrs.frozen
class ClaimChange:
    """Cells of one person, ascending, that all pass from one owner to another."""

    person_id: PersonId
    cells: tuple[int, ...]
    before: Owner
    after: Owner


@attrs.frozen
class QuotaChange:
    """What a person's counters change by; refused where ``pending`` would rise above ``most_pending``.

    A change that raises ``live`` is refused also where the person's account is closed.
    """

    person_id: PersonId
    pending: int
    live: int
    most_pending: int | None = None


@attrs.frozen
class ScheduleGuard:
    """The doctor may be booked, and the schedule is still at ``rev``."""

    doctor_id: DoctorId
    rev: int


@attrs.frozen
class LicenceGuard:
    """The doctor is approved."""

    doctor_id: DoctorId


Guard = ScheduleGuard | LicenceGuard


@attrs.frozen
class Idempotency:
    """A caller's key for one command, and the fingerprint of what was asked under it."""

    account_id: AccountId
    key: str
    fingerprint: str


@attrs.frozen
class Command:
    """One run of a use case: the id by which its commit is found again, its instant, its idempotency."""

    id: CommandId
    at: datetime
    idempotency: Idempotency | None = None


@attrs.frozen(kw_only=True)
class Commit:
    """Everything one command changes, at most one change per stored thing."""

    appointments: tuple[AppointmentChange, ...]
    claims: tuple[ClaimChange, ...] = ()
    guards: tuple[Guard, ...] = ()
    quotas: tuple[QuotaChange, ...] = ()
    texts: tuple[Text, ...] = ()
    events: tuple[AppointmentEvent, ...] = ()
    sagas: tuple[SagaStart, ...] = ()

    @property
    def after(self) -> "Appointment":
        """The command's own appointment, as the commit leaves it: the last of the changes."""
        return self.appointments[-1].after

    def then(self, later: "Commit") -> "Commit":
        """Both changes as one; ``later`` was decided on what this one leaves."""
        return Commit(
            appointments=_changes(self.appointments, later.appointments),
            claims=_claims((*self.claims, *later.claims)),
            guards=tuple(dict.fromkeys((*self.guards, *later.guards))),
            quotas=_quotas((*self.quotas, *later.quotas)),
            texts=self.texts + later.texts,
            events=self.events + later.events,
            sagas=self.sagas + later.sagas,
        )


def _changes(earlier: Iterable[AppointmentChange], later: Iterable[AppointmentChange]) -> tuple[AppointmentChange, ...]:
    merged = {change.after.id: change for change in earlier}
    for change in later:
        first = merged.pop(change.after.id, None)
        merged[change.after.id] = AppointmentChange(first.before, change.after) if first else change
    return tuple(merged.values())


def _claims(changes: Iterable[ClaimChange]) -> tuple[ClaimChange, ...]:
    cells: dict[tuple[PersonId, int], tuple[Owner, Owner]] = {}
    for change in changes:
        for cell in change.cells:
            key = (change.person_id, cell)
            cells[key] = (cells[key][0] if key in cells else change.before, change.after)
    runs: dict[tuple[PersonId, Owner, Owner], list[int]] = {}
    for (person, cell), (before, after) in cells.items():
        if before != after:
            runs.setdefault((person, before, after), []).append(cell)
    return tuple(
        ClaimChange(person, tuple(sorted(run)), before, after) for (person, before, after), run in runs.items()
    )


def _quotas(changes: Iterable[QuotaChange]) -> tuple[QuotaChange, ...]:
    merged: dict[PersonId, QuotaChange] = {}
    for change in changes:
        first = merged.get(change.person_id)
        merged[change.person_id] = (
            QuotaChange(
                change.person_id,
                first.pending + change.pending,
                first.live + change.live,
                first.most_pending if change.most_pending is None else change.most_pending,
            )
            if first
            else change
        )
    return tuple(merged.values())


def claim_changes(
    person: PersonId, appointment: AppointmentId, *, before: frozenset[int], after: frozenset[int]
) -> tuple[ClaimChange, ...]:
    """The changes that make ``appointment`` own ``after`` where it owned ``before``."""
    if not before:
        return (ClaimChange(person, tuple(sorted(after)), None, appointment),) if after else ()
    freed, taken = sorted(before - after), sorted(after - before)
    return (
        *((ClaimChange(person, tuple(freed), appointment, None),) if freed else ()),
        *((ClaimChange(person, tuple(taken), None, appointment),) if taken else ()),
    )
