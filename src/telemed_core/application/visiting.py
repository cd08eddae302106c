"""Both sides meet: presence, absence and completion."""

from datetime import datetime

import attrs

from telemed_core.application.booking import Participant, own
from telemed_core.application.committing import Committing
from telemed_core.domain import visit
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import Commit, Idempotency
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import AppointmentId
from telemed_core.ports.storage import Appointments


@attrs.frozen
class JoinVisit:
    """One side is present; both make the visit start. Coming again changes nothing.

    Raises:
        NotFoundError: it is somebody else's.
        LicenceInactiveError: the doctor joins and is not approved.
        InvalidTransitionError, JoinWindowClosedError: by its state and the time.
    """

    _appointments: Appointments
    _committing: Committing

    def __call__(self, *, appointment_id: AppointmentId, actor: Participant) -> Appointment:
        def decide(now: datetime) -> Commit:
            appointment = own(self._appointments, appointment_id, actor, licensed=True)
            return visit.join(appointment, by=actor.id, now=now)

        return self._committing(decide)


@attrs.frozen
class DeclareAbsence:
    """The side that is present says that the other did not come.

    Raises:
        NotFoundError: it is somebody else's.
        LicenceInactiveError: the doctor acts and is not approved.
        InvalidTransitionError, TooEarlyError, NotPresentError: by its state and the time.
    """

    _appointments: Appointments
    _committing: Committing

    def __call__(
        self, *, appointment_id: AppointmentId, actor: Participant, idempotency: Idempotency | None = None
    ) -> Appointment:
        def decide(now: datetime) -> Commit:
            appointment = own(self._appointments, appointment_id, actor, licensed=True)
            return visit.declare_absence(appointment, by=actor.id, now=now)

        return self._committing(decide, idempotency=idempotency)


@attrs.frozen
class CompleteVisit:
    """The doctor ends a visit that is in progress.

    Raises:
        NotFoundError: it is another doctor's.
        LicenceInactiveError: the doctor is not approved.
        InvalidTransitionError: it is not in progress.
    """

    _appointments: Appointments
    _committing: Committing

    def __call__(
        self, *, appointment_id: AppointmentId, doctor: Doctor, idempotency: Idempotency | None = None
    ) -> Appointment:
        def decide(now: datetime) -> Commit:
            appointment = own(self._appointments, appointment_id, doctor, licensed=True)
            return visit.complete(appointment, by=doctor.id, now=now)

        return self._committing(decide, idempotency=idempotency)
