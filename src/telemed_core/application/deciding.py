"""The doctor answers a request."""

from datetime import datetime

import attrs

from telemed_core.application.booking import own
from telemed_core.application.committing import Committing
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import Commit, Idempotency
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import AppointmentId
from telemed_core.ports.storage import Appointments


@attrs.frozen
class AcceptAppointment:
    """The doctor says yes to a requested appointment.

    Raises:
        NotFoundError: it is another doctor's.
        LicenceInactiveError: the doctor is not approved.
        DeadlinePassedError, InvalidTransitionError: by its state.
        StaleRevisionError: the patient has moved it since the doctor saw ``rev``.
    """

    _appointments: Appointments
    _committing: Committing

    def __call__(
        self, *, appointment_id: AppointmentId, rev: int, doctor: Doctor, idempotency: Idempotency | None = None
    ) -> Appointment:
        def decide(now: datetime) -> Commit:
            appointment = own(self._appointments, appointment_id, doctor, licensed=True)
            return appointment.accept(rev, by=doctor.id, now=now)

        return self._committing(decide, idempotency=idempotency)


@attrs.frozen
class RefuseAppointment:
    """The doctor says no, with a reason that the patient reads, or without.

    Raises:
        NotFoundError: it is another doctor's.
        DeadlinePassedError, InvalidTransitionError: by its state.
        InvalidError: the reason is longer than 500 characters.
    """

    _appointments: Appointments
    _committing: Committing

    def __call__(
        self,
        *,
        appointment_id: AppointmentId,
        doctor: Doctor,
        reason: str | None = None,
        idempotency: Idempotency | None = None,
    ) -> Appointment:
        def decide(now: datetime) -> Commit:
            appointment = own(self._appointments, appointment_id, doctor)
            return appointment.refuse(by=doctor.id, why=reason, now=now)

        return self._committing(decide, idempotency=idempotency)
