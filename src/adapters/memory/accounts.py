"""Accounts and patients in memory."""

from collections.abc import Collection, Mapping

import attrs

from adapters.memory.state import Quota, State, is_closed
from telemed_core.domain.accounts import Account, Administrator, Login, Reservation, login_space
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import AccountId, PatientId, PersonId
from telemed_core.domain.instants import EPOCH
from telemed_core.domain.patient import Closure, Patient
from telemed_core.domain.sagas import Phase, SagaEntry, SagaRow
from telemed_core.domain.schedule import Schedule
from telemed_core.errors import (
    AlreadyRegisteredError,
    ConflictError,
    LiveAppointmentsError,
    NotFoundError,
    StaleVersionError,
)


@attrs.frozen
class MemoryAccounts:
    """Accounts in memory."""

    _state: State

    def reserve(self, reservation: Reservation, /) -> PersonId:
        state, account_id = self._state, reservation.account_id
        with state.lock:
            if account_id in state.reservations:
                return state.reservations[account_id][1]
            if any(login in state.logins for login in reservation.logins()):
                raise AlreadyRegisteredError
            person = reservation.person_id
            if reservation.cpf is not None:
                person = state.people.setdefault(reservation.cpf, person)
            state.logins.update(dict.fromkeys(reservation.logins(), account_id))
            state.reservations[account_id] = (reservation, person)
            state.start(reservation.saga, at=reservation.saga.due_at or EPOCH)
            return person

    def release(self, account_id: AccountId, /, *, entry: SagaEntry | None = None) -> bool:
        state = self._state
        with state.lock:
            if account_id in state.accounts:
                return True
            if entry is not None and not state.was_written(entry):
                state.keep(entry.after)
            reservation, _ = state.reservations.pop(account_id, (None, None))
            for login in reservation.logins() if reservation else ():
                del state.logins[login]
            return False

    def add(self, account: Account, /, *, entry: SagaEntry | None = None) -> None:
        state = self._state
        with state.lock:
            if account.id in state.accounts:
                return
            if entry is not None:
                state.held(entry.before)
            if account.id not in state.reservations:
                raise ConflictError
            row = state.sagas[state.reservations[account.id][0].saga.id]
            state.keep(_completed(row) if entry is None else entry.after)
            state.accounts[account.id] = account
            if isinstance(account, Patient):
                state.quotas.setdefault(account.person_id, Quota()).open = True
            if isinstance(account, Doctor):
                state.schedules[account.id] = Schedule.first(account)

    def find(self, login: Login, /) -> Account | None:
        with self._state.lock:
            account_id = self._state.logins.get((login_space(login), login))
            return None if account_id is None else self._state.accounts.get(account_id)

    def get(self, account_id: AccountId, /) -> Account:
        with self._state.lock:
            account = self._state.accounts.get(account_id)
        if account is None:
            raise NotFoundError
        return account

    def update(self, before: Account, after: Account, /) -> None:
        state = self._state
        with state.lock:
            stored = state.accounts.get(before.id)
            if stored == after:
                return
            if stored != before or is_closed(before):
                raise StaleVersionError
            state.accounts[before.id] = after
            if isinstance(after, Doctor):
                schedule = state.schedules[after.id]
                if schedule.price_cents != after.price_cents:
                    priced = attrs.evolve(schedule, price_cents=after.price_cents, rev=schedule.rev + 1)
                    state.schedules[after.id] = priced

    def close(self, closure: Closure, /) -> None:
        state, before = self._state, closure.before
        with state.lock:
            stored = state.accounts.get(before.id)
            if stored is not None and is_closed(stored):
                return
            if stored != before:
                raise StaleVersionError
            quota = state.quotas[before.person_id]
            if quota.live:
                raise LiveAppointmentsError
            quota.open = False
            state.accounts[before.id] = closure.after
            for login in state.reservations[before.id][0].logins():
                del state.logins[login]
            state.forget(before.id)
            state.start(closure.saga, at=closure.after.closed_at or EPOCH)

    def anonymise(self, patient_id: PatientId, /) -> None:
        with self._state.lock:
            stored = self._state.accounts.get(patient_id)
            if isinstance(stored, Patient) and is_closed(stored):
                self._state.accounts[patient_id] = stored.anonymised()

    def names(self, account_ids: Collection[AccountId], /) -> Mapping[AccountId, str]:
        with self._state.lock:
            found = [self._state.accounts[one] for one in account_ids if one in self._state.accounts]
        return {account.id: account.name for account in found if not isinstance(account, Administrator)}


@attrs.frozen
class MemoryPatients:
    """Patients in memory."""

    _state: State

    def get(self, patient_id: PatientId, /) -> Patient:
        account = self._state.accounts.get(patient_id)
        if not isinstance(account, Patient):
            raise NotFoundError
        return account


def _completed(row: SagaRow) -> SagaRow:
    """The row of a saga that has come to its end without its runner."""
    progress = attrs.evolve(row.progress, phase=Phase.COMPLETED)
    return SagaEntry(before=row, progress=progress, at=row.changed_at).after
