"""Accounts, doctors, patients and credentials in memory."""

from collections.abc import Collection, Mapping, Sequence

import attrs

from adapters.memory.state import Quota, State
from telemed_core.domain.accounts import Account, Administrator, Login, Reservation, login_space
from telemed_core.domain.agenda import Agenda
from telemed_core.domain.commit import Command
from telemed_core.domain.doctor import Doctor, DoctorStatus, Verification
from telemed_core.domain.ids import AccountId, AppointmentId, DoctorId, PatientId, PersonId
from telemed_core.domain.patient import Patient
from telemed_core.domain.people import name_words
from telemed_core.domain.schedule import Schedule
from telemed_core.domain.specialties import Specialty
from telemed_core.errors import AlreadyRegisteredError, ConflictError, NotFoundError, StaleVersionError


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
            state.sagas[reservation.saga.id] = reservation.saga
            return person

    def release(self, account_id: AccountId, /) -> None:
        state = self._state
        with state.lock:
            if account_id in state.accounts or account_id not in state.reservations:
                return
            reservation, _ = state.reservations.pop(account_id)
            for login in reservation.logins():
                del state.logins[login]
            del state.sagas[reservation.saga.id]

    def add(self, account: Account, /) -> None:
        state = self._state
        with state.lock:
            if account.id in state.accounts:
                return
            if account.id not in state.reservations:
                raise ConflictError
            state.accounts[account.id] = account
            if isinstance(account, Patient):
                state.quotas.setdefault(account.person_id, Quota())
            if isinstance(account, Doctor):
                state.schedules[account.id] = Schedule(
                    doctor_id=account.id,
                    person_id=account.person_id,
                    email=account.email,
                    price_cents=account.price_cents,
                    bookable=account.approved,
                    rev=1,
                    agenda=Agenda(account.time_zone),
                )
            del state.sagas[state.reservations[account.id][0].saga.id]

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

    def names(self, account_ids: Collection[AccountId], /) -> Mapping[AccountId, str]:
        with self._state.lock:
            found = [self._state.accounts[one] for one in account_ids if one in self._state.accounts]
        return {account.id: account.name for account in found if not isinstance(account, Administrator)}


@attrs.frozen
class MemoryDoctors:
    """Doctors in memory."""

    _state: State

    def get(self, doctor_id: DoctorId, /) -> Doctor:
        account = self._state.accounts.get(doctor_id)
        if not isinstance(account, Doctor):
            raise NotFoundError
        return account

    def list(
        self,
        *,
        status: DoctorStatus | None = None,
        specialty: Specialty | None = None,
        name: str | None = None,
        after: DoctorId | None = None,
        limit: int,
    ) -> Sequence[Doctor]:
        with self._state.lock:
            doctors = [one for one in self._state.accounts.values() if isinstance(one, Doctor)]
        words = name_words(name or "")
        found = (
            doctor
            for doctor in sorted(doctors, key=lambda one: one.id)
            if (status is None or doctor.status is status)
            and (specialty is None or specialty in doctor.specialties)
            and (after is None or doctor.id > after)
            and all(any(part.startswith(word) for part in name_words(doctor.name)) for word in words)
        )
        return [doctor for doctor, _ in zip(found, range(limit), strict=False)]

    def apply(self, verification: Verification, /, *, command: Command) -> Sequence[AppointmentId]:
        state, doctor = self._state, verification.after
        with state.lock:
            state.check_receipt(command)
            if state.accounts.get(doctor.id) != verification.before:
                raise StaleVersionError
            state.accounts[doctor.id] = doctor
            state.schedules[doctor.id] = state.schedules[doctor.id].opened(bookable=doctor.approved)
            state.write(
                command, subject=doctor.id, rev=doctor.rev, texts=verification.texts, sagas=(verification.saga,)
            )
            owned = [state.live[one] for one in state.owned.get(doctor.id, ()) if one in state.live]
        live = [one for one in owned if one.settled(now=command.at).status.live]
        return [one.id for one in sorted(live, key=lambda one: (one.visit.start, one.id))]


@attrs.frozen
class MemoryPatients:
    """Patients in memory."""

    _state: State

    def get(self, patient_id: PatientId, /) -> Patient:
        account = self._state.accounts.get(patient_id)
        if not isinstance(account, Patient):
            raise NotFoundError
        return account


@attrs.frozen
class MemoryCredentials:
    """Password hashes in memory."""

    _state: State

    def put(self, username: AccountId, secret_hash: str, /) -> None:
        with self._state.lock:
            self._state.credentials[username] = secret_hash

    def get(self, username: AccountId, /) -> str | None:
        return self._state.credentials.get(username)

    def remove(self, username: AccountId, /) -> None:
        with self._state.lock:
            self._state.credentials.pop(username, None)
