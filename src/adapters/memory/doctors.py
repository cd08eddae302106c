"""Doctors in memory: the directory, and decisions on their registration."""

from collections.abc import Sequence
from datetime import datetime

import attrs

from adapters.memory.state import State
from telemed_core.domain.commit import Command
from telemed_core.domain.doctor import Doctor, DoctorStatus, Verification
from telemed_core.domain.ids import AppointmentId, DoctorId
from telemed_core.domain.people import name_words
from telemed_core.domain.specialties import Specialty
from telemed_core.errors import NotFoundError, StaleVersionError


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
            ids = tuple(one.id for one in sorted(live, key=lambda one: (one.visit.start, one.id)))
            state.decisions[doctor.id, doctor.rev] = (doctor, ids)
        return ids

    def queue(
        self, *, status: DoctorStatus | None = None, after: tuple[datetime, DoctorId] | None = None, limit: int
    ) -> Sequence[Doctor]:
        with self._state.lock:
            doctors = [one for one in self._state.accounts.values() if isinstance(one, Doctor)]
        found = [one for one in doctors if status in {None, one.status} and (after is None or _is_behind(one, *after))]
        by_id = sorted(found, key=lambda one: one.id)
        return sorted(by_id, key=lambda one: one.registered_at, reverse=True)[:limit]

    def verified(self, doctor_id: DoctorId, rev: int, /) -> tuple[Doctor, Sequence[AppointmentId]]:
        decided = self._state.decisions.get((doctor_id, rev))
        if decided is None:
            raise NotFoundError
        return decided

    def decisions(self, doctor_id: DoctorId, /, *, after: int) -> Sequence[Doctor]:
        with self._state.lock:
            decided = [one for (whose, _), (one, _) in self._state.decisions.items() if whose == doctor_id]
        return sorted((one for one in decided if one.rev > after), key=lambda one: one.rev)


def _is_behind(doctor: Doctor, registered_at: datetime, doctor_id: DoctorId) -> bool:
    return doctor.registered_at < registered_at or (doctor.registered_at == registered_at and doctor.id > doctor_id)
