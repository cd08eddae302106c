"""An appointment from request to end: what each side may decide, as commits."""

from collections.abc import Iterable
from datetime import datetime
from typing import Self

import attrs

from telemed_core.domain.commit import Commit, LicenceGuard, ScheduleGuard
from telemed_core.domain.decision import Decision, commit_of, text_of
from telemed_core.domain.events import (
    AppointmentCancelled,
    AppointmentConfirmed,
    AppointmentEvent,
    AppointmentMoved,
    AppointmentRefused,
    AppointmentRequested,
    Proposal,
    RescheduleAgreed,
    RescheduleDeclined,
    RescheduleProposed,
    Side,
)
from telemed_core.domain.evolution import evolve
from telemed_core.domain.ids import AccountId, AppointmentId, DoctorId, ProposalId
from telemed_core.domain.patient import Patient
from telemed_core.domain.schedule import Schedule
from telemed_core.domain.state import AppointmentState
from telemed_core.domain.status import Status
from telemed_core.domain.terms import LATE_CANCELLATION, answer_by
from telemed_core.domain.texts import Text, TextKey
from telemed_core.errors import (
    InvalidTransitionError,
    NotFoundError,
    ProposalExistsError,
    SlotNotOfferedError,
    StaleRevisionError,
)


@attrs.frozen(kw_only=True)
class Appointment(AppointmentState):
    """One visit of one patient to one doctor, and what the two may decide; every decision is taken as of ``now``."""

    @classmethod
    def fold(cls, events: Iterable[AppointmentEvent]) -> Self:
        """The state that follows from the events, in order and from the first."""
        first, *rest = events
        if not isinstance(first, AppointmentRequested):
            raise TypeError("an appointment begins with its request")
        appointment = cls.requested(first)
        for event in rest:
            appointment = evolve(appointment, event)
        return appointment

    @classmethod
    def request(
        cls,
        appointment_id: AppointmentId,
        *,
        patient: Patient,
        schedule: Schedule,
        start: datetime,
        why: str | None,
        most_pending: int,
        now: datetime,
    ) -> Commit:
        """Ask the doctor for a time; it is held from now on.

        Raises:
            NotFoundError: the doctor is not approved.
            SelfBookingError: doctor and patient are one person, or share an e-mail address.
            TooSoonError, BeyondHorizonError, SlotNotOfferedError: the rules do not offer the start.
            InvalidError: the reason is too long.
        """
        if not schedule.bookable:
            raise NotFoundError
        schedule.check_patient(patient.person_id, patient.email)
        visit = schedule.visit_at(start, now=now)
        text = text_of(appointment_id, 1, why, least=1) if why else None
        event = AppointmentRequested(
            appointment_id=appointment_id,
            seq=1,
            at=now,
            by=Side.PATIENT,
            doctor_id=schedule.doctor_id,
            patient_id=patient.id,
            doctor_person=schedule.person_id,
            patient_person=patient.person_id,
            visit=visit,
            buffer=schedule.agenda.buffer,
            price_cents=schedule.price_cents,
            decision_deadline=answer_by(now, visit.start),
            reason=text.key if text else None,
        )
        return commit_of(
            None,
            cls.requested(event),
            (event,),
            guard=ScheduleGuard(schedule.doctor_id, schedule.rev),
            text=text,
            most_pending=most_pending,
        )

    def settle(self, *, now: datetime) -> Commit:
        """Everything that time alone has made due, dated at its own due instant; no event: nothing was due."""
        return Decision.on(self, now=now).commit()

    def settled(self, *, now: datetime) -> "Appointment":
        """The appointment as it is at ``now``, written down or not."""
        return Decision.on(self, now=now).after

    def accept(self, rev: int, *, by: DoctorId, now: datetime) -> Commit:
        """Confirm the time the doctor saw.

        Raises:
            DeadlinePassedError: it has expired.
            InvalidTransitionError: it is not waiting for an answer.
            StaleRevisionError: the patient has moved it since.
        """
        decision = Decision.on(self, now=now)
        current = decision.expect(Status.REQUESTED)
        if rev != current.rev:
            raise StaleRevisionError
        decision.record(AppointmentConfirmed, at=now, by=self.side_of(by))
        return decision.commit(guard=LicenceGuard(self.doctor_id))

    def refuse(self, *, by: DoctorId, why: str | None, now: datetime) -> Commit:
        """Say no to a request, with a reason or without.

        Raises:
            DeadlinePassedError: it has expired.
            InvalidTransitionError: it is not waiting for an answer.
            InvalidError: the reason is too long.
        """
        decision = Decision.on(self, now=now)
        decision.expect(Status.REQUESTED)
        text = decision.text(why, least=1) if why else None
        decision.record(AppointmentRefused, at=now, by=self.side_of(by), reason=text.key if text else None)
        return decision.commit(text=text)

    def cancel(self, *, by: AccountId, why: str, now: datetime) -> Commit:
        """End it before it starts, with a justification.

        Raises:
            DeadlinePassedError: it was a request and has expired.
            InvalidTransitionError: it has started or ended.
            InvalidError: the justification has not 3–500 characters.
        """
        decision = Decision.on(self, now=now)
        text = decision.text(why)
        return self._cancel(decision, by=by, key=text.key, text=text, now=now)

    def cancel_for_block(self, reason_key: TextKey | None, *, by: DoctorId, now: datetime) -> Commit:
        """End it because the doctor will be absent; the reason is the block's own.

        Raises:
            DeadlinePassedError, InvalidTransitionError: as in ``cancel``.
        """
        return self._cancel(Decision.on(self, now=now), by=by, key=reason_key, text=None, now=now)

    def _cancel(
        self, decision: Decision, *, by: AccountId, key: TextKey | None, text: Text | None, now: datetime
    ) -> Commit:
        start = decision.expect(Status.REQUESTED, Status.CONFIRMED).visit.start
        if now >= start:
            raise InvalidTransitionError
        late = start - now < LATE_CANCELLATION
        decision.record(AppointmentCancelled, at=now, by=self.side_of(by), late=late, reason=key)
        return decision.commit(text=text)

    def reschedule(
        self, start: datetime, *, by: AccountId, schedule: Schedule, proposal_id: ProposalId, now: datetime
    ) -> Commit:
        """Move a request at once (the patient), or propose another time for a confirmed visit (either side).

        Length and buffer are the agenda's of now; the price stays.

        Raises:
            DeadlinePassedError: it was a request and has expired.
            InvalidTransitionError: it has started or ended, or the doctor moves a request.
            ProposalExistsError: another time is already proposed.
            TooSoonError, BeyondHorizonError, SlotNotOfferedError: the rules do not offer it, or it is the present one.
        """
        decision = Decision.on(self, now=now)
        current = decision.expect(Status.REQUESTED, Status.CONFIRMED)
        side = self.side_of(by)
        moving = current.status is Status.REQUESTED
        if now >= current.visit.start or (moving and side is Side.DOCTOR):
            raise InvalidTransitionError
        if current.proposal:
            raise ProposalExistsError
        visit = schedule.visit_at(start, now=now)
        if visit.start == current.visit.start or not schedule.bookable:
            raise SlotNotOfferedError("start")
        buffer = schedule.agenda.buffer
        if moving:
            deadline = answer_by(now, visit.start)
            decision.record(AppointmentMoved, at=now, by=side, visit=visit, buffer=buffer, decision_deadline=deadline)
        else:
            expires_at = answer_by(now, min(visit.start, current.visit.start))
            proposal = Proposal(proposal_id, visit, buffer, side, expires_at)
            decision.record(RescheduleProposed, at=now, by=side, proposal=proposal)
        return decision.commit(guard=ScheduleGuard(self.doctor_id, schedule.rev))

    def agree(self, proposal_id: ProposalId, *, by: AccountId, now: datetime) -> Commit:
        """Take the proposed time in place of the present one (the other side).

        Raises:
            InvalidTransitionError: that proposal is not open, or is one's own.
        """
        decision = Decision.on(self, now=now)
        proposal = decision.open_proposal(proposal_id)
        side = self.side_of(by)
        if side is proposal.by:
            raise InvalidTransitionError
        decision.record(RescheduleAgreed, at=now, by=side, visit=proposal.visit, buffer=proposal.buffer)
        return decision.commit()

    def decline(self, proposal_id: ProposalId, *, by: AccountId, now: datetime) -> Commit:
        """Keep the present time (either side).

        Raises:
            InvalidTransitionError: that proposal is not open.
        """
        decision = Decision.on(self, now=now)
        decision.open_proposal(proposal_id)
        decision.record(RescheduleDeclined, at=now, by=self.side_of(by))
        return decision.commit()
