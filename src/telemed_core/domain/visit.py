"""The visit itself: presence, absence, completion and the rating that follows."""

from datetime import datetime

from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import Commit
from telemed_core.domain.decision import Decision
from telemed_core.domain.events import (
    Absent,
    RescheduleLapsed,
    Side,
    VisitCompleted,
    VisitJoined,
    VisitMissed,
    VisitStarted,
)
from telemed_core.domain.ids import AccountId, DoctorId, PatientId
from telemed_core.domain.ratings import SCORES, Rated, Rating
from telemed_core.domain.status import Status
from telemed_core.domain.terms import ABSENCE_AFTER
from telemed_core.domain.texts import REASON_MAX, Text, TextKey, clean
from telemed_core.errors import (
    InvalidError,
    InvalidTransitionError,
    JoinWindowClosedError,
    NotPresentError,
    TooEarlyError,
)


def join(appointment: Appointment, *, by: AccountId, now: datetime) -> Commit:
    """Be present; the second side to come starts the visit. Coming again changes nothing.

    Raises:
        JoinWindowClosedError: more than 10 minutes before the start, or the visit is over.
        InvalidTransitionError: it is not confirmed.
    """
    decision = Decision.on(appointment, now=now)
    current = decision.after
    if current.status in {Status.COMPLETED, Status.NO_SHOW}:
        raise JoinWindowClosedError(current.opens_at)
    decision.expect(Status.CONFIRMED, Status.IN_PROGRESS)
    if now < current.opens_at:
        raise JoinWindowClosedError(current.opens_at)
    side = appointment.side_of(by)
    here, there = current.doctor_joined_at, current.patient_joined_at
    if side is Side.PATIENT:
        here, there = there, here
    if here is None:
        decision.record(VisitJoined, at=now, by=side)
        if there is not None:
            if current.proposal:
                decision.record(RescheduleLapsed, at=now, by=Side.SYSTEM)
            decision.record(VisitStarted, at=now, by=Side.SYSTEM)
    return decision.commit()


def declare_absence(appointment: Appointment, *, by: AccountId, now: datetime) -> Commit:
    """Say, being present, that the other side did not come.

    Raises:
        InvalidTransitionError: it is not confirmed, or both have come.
        TooEarlyError: less than 15 minutes after the start.
        NotPresentError: one has not joined oneself.
    """
    decision = Decision.on(appointment, now=now)
    current = decision.expect(Status.CONFIRMED)
    side = appointment.side_of(by)
    if now < current.visit.start + ABSENCE_AFTER:
        raise TooEarlyError
    if (current.doctor_joined_at if side is Side.DOCTOR else current.patient_joined_at) is None:
        raise NotPresentError
    absent = Absent.PATIENT if side is Side.DOCTOR else Absent.DOCTOR
    decision.record(VisitMissed, at=now, by=side, absent=absent)
    return decision.commit()


def complete(appointment: Appointment, *, by: DoctorId, now: datetime) -> Commit:
    """End the visit.

    Raises:
        InvalidTransitionError: it is not in progress.
    """
    decision = Decision.on(appointment, now=now)
    decision.expect(Status.IN_PROGRESS)
    decision.record(VisitCompleted, at=now, by=appointment.side_of(by))
    return decision.commit()


def is_open(appointment: Appointment, *, now: datetime) -> bool:
    """Whether the two sides may be together in its meeting."""
    current = appointment.settled(now=now)
    return current.status in {Status.CONFIRMED, Status.IN_PROGRESS} and current.opens_at <= now


def rate(appointment: Appointment, *, by: PatientId, score: int, comment: str | None, now: datetime) -> Rated:
    """Rate a visit; that it is done once is the store's to keep.

    Raises:
        InvalidTransitionError: the visit was not completed.
        InvalidError: the score is not 1–5, or the comment is too long.
    """
    if appointment.side_of(by) is not Side.PATIENT or appointment.settled(now=now).status is not Status.COMPLETED:
        raise InvalidTransitionError
    if score not in SCORES:
        raise InvalidError("score", "must be from 1 to 5")
    said = None if comment is None else clean(comment, field="comment", most=REASON_MAX, lines=True)
    text = Text(TextKey(appointment.id, 0), said) if said else None
    rating = Rating(
        appointment_id=appointment.id,
        doctor_id=appointment.doctor_id,
        score=score,
        comment=text.key if text else None,
        at=now,
    )
    return Rated(rating, (text,) if text else ())
