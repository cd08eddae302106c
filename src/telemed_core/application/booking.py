"""The patient asks for a time, and either side gives it up or looks for another."""

from collections.abc import Callable
from datetime import datetime

import attrs

from telemed_core.application.committing import Committing
from telemed_core.domain.accounts import Account, Administrator
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import Commit, Idempotency
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import AppointmentId, DoctorId, ProposalId
from telemed_core.domain.patient import Patient
from telemed_core.domain.schedule import Schedule
from telemed_core.domain.terms import MOST_PENDING
from telemed_core.errors import ForbiddenError, TelemedError
from telemed_core.ports.storage import Appointments, Schedules
from telemed_core.ports.system import Ids

Participant = Doctor | Patient


def participant(account: Account) -> Participant:
    """The account, as one of a visit's two sides.

    Raises:
        ForbiddenError: it is an administrator's.
    """
    if isinstance(account, Administrator):
        raise ForbiddenError
    return account


def own(
    appointments: Appointments, appointment_id: AppointmentId, actor: Participant, *, licensed: bool = False
) -> Appointment:
    """The actor's appointment; ``licensed``: a doctor must be approved to act on it.

    Raises:
        NotFoundError: there is none, or it is somebody else's.
        LicenceInactiveError: the doctor is not approved.
    """
    appointment = appointments.get(appointment_id)
    appointment.side_of(actor.id)
    if licensed and isinstance(actor, Doctor):
        actor.check_licence()
    return appointment


@attrs.define
class _Rules:
    """The rules that one command is decided by: at first as they are known, from then on as they are."""

    _schedules: Schedules
    _asked: bool = False

    def of(self, doctor_id: DoctorId, decide: Callable[[Schedule], Commit]) -> Commit:
        """What is decided by the doctor's rules; by no others will it commit, and by no others is anything refused."""
        known = None if self._asked else self._schedules.known(doctor_id)
        self._asked = True
        if known is not None:
            try:
                return decide(known)
            except TelemedError:
                pass
        return decide(self._schedules.of(doctor_id))


@attrs.frozen
class RequestAppointment:
    """A patient asks a doctor for a time, which is held until the doctor answers or the deadline passes.

    Raises:
        NotFoundError: there is no such doctor, or not an approved one.
        SelfBookingError, TooSoonError, BeyondHorizonError, SlotNotOfferedError: by the doctor's rules.
        TooManyPendingError, PatientBusyError, SlotTakenError: by what is held.
        InvalidError: the reason is longer than 500 characters.
    """

    _schedules: Schedules
    _committing: Committing
    _ids: Ids
    _most_pending: int = MOST_PENDING

    def __call__(
        self,
        *,
        doctor_id: DoctorId,
        start: datetime,
        patient: Patient,
        reason: str | None = None,
        idempotency: Idempotency | None = None,
    ) -> Appointment:
        appointment_id = AppointmentId(self._ids.new())
        rules = _Rules(self._schedules)

        def decide(now: datetime) -> Commit:
            return rules.of(
                doctor_id,
                lambda schedule: Appointment.request(
                    appointment_id,
                    patient=patient,
                    schedule=schedule,
                    start=start,
                    why=reason,
                    most_pending=self._most_pending,
                    now=now,
                ),
            )

        return self._committing(decide, idempotency=idempotency)


@attrs.frozen
class CancelAppointment:
    """Either side ends an appointment before it starts, with a justification of 3–500 characters.

    Raises:
        NotFoundError: it is somebody else's.
        DeadlinePassedError: it was a request and has expired.
        InvalidTransitionError: it has started or ended.
        InvalidError: the justification is too short or too long.
    """

    _appointments: Appointments
    _committing: Committing

    def __call__(
        self,
        *,
        appointment_id: AppointmentId,
        reason: str,
        actor: Participant,
        idempotency: Idempotency | None = None,
    ) -> Appointment:
        def decide(now: datetime) -> Commit:
            appointment = own(self._appointments, appointment_id, actor)
            return appointment.cancel(by=actor.id, why=reason, now=now)

        return self._committing(decide, idempotency=idempotency)


@attrs.frozen
class RescheduleAppointment:
    """The patient moves a request at once; either side proposes another time for a confirmed visit.

    Raises:
        NotFoundError: it is somebody else's.
        LicenceInactiveError: the doctor acts and is not approved.
        DeadlinePassedError, InvalidTransitionError, ProposalExistsError: by its state.
        TooSoonError, BeyondHorizonError, SlotNotOfferedError: by the doctor's rules, or it is the present start.
        PatientBusyError, SlotTakenError: by what is held by others.
    """

    _appointments: Appointments
    _schedules: Schedules
    _committing: Committing
    _ids: Ids

    def __call__(
        self,
        *,
        appointment_id: AppointmentId,
        start: datetime,
        actor: Participant,
        idempotency: Idempotency | None = None,
    ) -> Appointment:
        proposal_id = ProposalId(self._ids.new())
        rules = _Rules(self._schedules)

        def decide(now: datetime) -> Commit:
            appointment = own(self._appointments, appointment_id, actor, licensed=True)
            return rules.of(
                appointment.doctor_id,
                lambda schedule: appointment.reschedule(
                    start, by=actor.id, schedule=schedule, proposal_id=proposal_id, now=now
                ),
            )

        return self._committing(decide, idempotency=idempotency)


@attrs.frozen
class AgreeToReschedule:
    """The other side takes the proposed time in place of the present one.

    Raises:
        NotFoundError: it is somebody else's.
        LicenceInactiveError: the doctor acts and is not approved.
        InvalidTransitionError: that proposal is not open, or is one's own.
    """

    _appointments: Appointments
    _committing: Committing

    def __call__(
        self,
        *,
        appointment_id: AppointmentId,
        proposal_id: ProposalId,
        actor: Participant,
        idempotency: Idempotency | None = None,
    ) -> Appointment:
        def decide(now: datetime) -> Commit:
            appointment = own(self._appointments, appointment_id, actor, licensed=True)
            return appointment.agree(proposal_id, by=actor.id, now=now)

        return self._committing(decide, idempotency=idempotency)


@attrs.frozen
class DeclineReschedule:
    """Either side closes a proposal; the visit keeps its time.

    Raises:
        NotFoundError: it is somebody else's.
        InvalidTransitionError: that proposal is not open.
    """

    _appointments: Appointments
    _committing: Committing

    def __call__(
        self,
        *,
        appointment_id: AppointmentId,
        proposal_id: ProposalId,
        actor: Participant,
        idempotency: Idempotency | None = None,
    ) -> Appointment:
        def decide(now: datetime) -> Commit:
            appointment = own(self._appointments, appointment_id, actor)
            return appointment.decline(proposal_id, by=actor.id, now=now)

        return self._committing(decide, idempotency=idempotency)
