"""Appointments and everyone's time in memory."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import attrs

from adapters.memory.state import Quota, State
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import ClaimChange, Command, Commit, QuotaChange, ScheduleGuard
from telemed_core.domain.events import Side
from telemed_core.domain.ids import AppointmentId, DoctorId, PatientId, PersonId
from telemed_core.domain.instants import Interval
from telemed_core.domain.status import Status
from telemed_core.errors import (
    LicenceInactiveError,
    NotFoundError,
    PatientBusyError,
    ScheduleChangedError,
    SlotTakenError,
    StaleRevisionError,
    TooManyPendingError,
)


@attrs.frozen
class MemoryAppointments:
    """Appointments in memory: a commit is checked whole, then written whole, under one lock."""

    _state: State

    def get(self, appointment_id: AppointmentId, /) -> Appointment:
        with self._state.lock:
            appointment = self._state.appointments.get(appointment_id)
            if appointment is None:
                raise NotFoundError
            history = tuple(event for _, event in self._state.events[appointment_id])
        return attrs.evolve(appointment, history=history)

    def many(self, appointment_ids: Collection[AppointmentId], /) -> Sequence[Appointment]:
        with self._state.lock:
            return [self._listed(one) for one in sorted(set(appointment_ids)) if one in self._state.appointments]

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
        with self._state.lock:
            owned = [self._listed(one) for one in self._state.owned.get(owner, ())]
        settled = sorted((one.settled(now=now) for one in owned), key=_by_start)
        return [
            one
            for one in settled
            if (not statuses or one.status in statuses)
            and (starting is None or starting.contains(one.visit.start))
            and (after is None or _by_start(one) > after)
        ][:limit]

    def _listed(self, appointment_id: AppointmentId) -> Appointment:
        """The appointment without its history, and from now on it is kept without: its events have it."""
        found = self._state.appointments[appointment_id] = _without_history(self._state.appointments[appointment_id])
        return found

    def due(self, *, now: datetime, patient: PatientId | None = None, limit: int) -> Sequence[Appointment]:
        with self._state.lock:
            waiting = [
                (one.due_at, one.id, one)
                for one in self._state.live.values()
                if one.due_at is not None and one.due_at <= now and patient in {None, one.patient_id}
            ]
        return [_without_history(one) for _, _, one in sorted(waiting, key=lambda found: found[:2])[:limit]]

    def busy(self, person: PersonId, within: Interval, /, *, now: datetime) -> Sequence[range]:
        span = within.cells()
        with self._state.lock:
            held = self._state.claims.get(person, {})
            cells = held if len(held) < len(span) else span
            found = {cell: held[cell] for cell in cells if cell in held and cell in span}
            owners = [one for owner in set(found.values()) if (one := self._state.appointments.get(owner)) is not None]
        kept = {
            one.id: one.settled(now=now).cells(Side.DOCTOR if person == one.doctor_person else Side.PATIENT)
            for one in owners
            if one.due_at is None or one.due_at <= now
        }
        return _runs(sorted(cell for cell, owner in found.items() if owner not in kept or cell in kept[owner]))

    def apply(self, commit: Commit, /, *, command: Command) -> Appointment:
        state = self._state
        with state.lock:
            state.check_receipt(command)
            if commit.events and self._was_applied(commit, command):
                return commit.after
            self._check_guards(commit)
            for quota in commit.quotas:
                self._check_quota(quota)
            for change in commit.appointments:
                stored = state.appointments.get(change.after.id)
                if (stored.rev if stored else 0) != (change.before.rev if change.before else 0):
                    raise StaleRevisionError
            self._check_claims(commit)
            self._write(commit, command)
        return commit.after

    def _was_applied(self, commit: Commit, command: Command) -> bool:
        first = commit.events[0]
        stored = self._state.events.get(first.appointment_id, ())
        return len(stored) >= first.seq and stored[first.seq - 1][0] == command.id

    def _check_guards(self, commit: Commit) -> None:
        for guard in commit.guards:
            schedule = self._state.schedules.get(guard.doctor_id)
            open_ = schedule is not None and schedule.bookable
            if isinstance(guard, ScheduleGuard):
                if schedule is None or not open_ or schedule.rev != guard.rev:
                    raise ScheduleChangedError
            elif not open_:
                raise LicenceInactiveError

    def _check_quota(self, change: QuotaChange) -> None:
        quota = self._state.quotas.get(change.person_id, _NO_QUOTA)
        if change.live > 0 and not quota.open:
            raise NotFoundError
        most = change.most_pending
        if most is not None and change.pending > 0 and quota.pending + change.pending > most:
            raise TooManyPendingError

    def _check_claims(self, commit: Commit) -> None:
        others: dict[PersonId, set[AppointmentId | None]] = {}
        for change in commit.claims:
            held = self._state.claims.get(change.person_id, {})
            if change.before is None and held.keys().isdisjoint(change.cells):
                continue
            for cell in change.cells:
                if held.get(cell) != change.before:
                    others.setdefault(change.person_id, set()).add(held.get(cell))
        if others:
            owners = {owner for found in others.values() for owner in found if owner is not None}
            raise (PatientBusyError if commit.after.patient_person in others else SlotTakenError)(owners)

    def _write(self, commit: Commit, command: Command) -> None:
        state = self._state
        for quota in commit.quotas:
            counted = state.quotas.setdefault(quota.person_id, Quota())
            counted.pending += quota.pending
            counted.live += quota.live
        for change in commit.appointments:
            after = change.after
            state.appointments[after.id] = after
            if change.before is None:
                state.owned.setdefault(after.doctor_id, []).append(after.id)
                state.owned.setdefault(after.patient_id, []).append(after.id)
            if after.status.live:
                state.live[after.id] = after
            else:
                state.live.pop(after.id, None)
        for claim in commit.claims:
            move_cells(state, claim)
        for event in commit.events:
            state.events.setdefault(event.appointment_id, []).append((command.id, event))
        after = commit.after
        state.write(command, subject=after.id, rev=after.rev, texts=commit.texts, sagas=commit.sagas)


_NO_QUOTA = Quota(open=False)


def move_cells(state: State, claim: ClaimChange) -> None:
    """Pass the cells on to their new owner."""
    held = state.claims.setdefault(claim.person_id, {})
    if claim.after is None:
        for cell in claim.cells:
            del held[cell]
    else:
        held.update(dict.fromkeys(claim.cells, claim.after))


def _without_history(appointment: Appointment) -> Appointment:
    return appointment if appointment.history is None else attrs.evolve(appointment, history=None)


def _by_start(appointment: Appointment) -> tuple[datetime, AppointmentId]:
    return appointment.visit.start, appointment.id


def _runs(cells: Iterable[int]) -> list[range]:
    runs: list[range] = []
    for cell in cells:
        if runs and runs[-1].stop == cell:
            runs[-1] = range(runs[-1].start, cell + 1)
        else:
            runs.append(range(cell, cell + 1))
    return runs
