"""What can happen to an appointment, as immutable facts; an appointment is the fold of its events."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

import attrs

from telemed_core.domain.ids import AppointmentId, DoctorId, PatientId, PersonId, ProposalId
from telemed_core.domain.instants import Interval
from telemed_core.domain.places import Cents
from telemed_core.domain.texts import TextKey


class Side(StrEnum):
    """Who did it: one of the visit's two sides, or time itself."""

    PATIENT = "patient"
    DOCTOR = "doctor"
    SYSTEM = "system"


class Absent(StrEnum):
    """Who did not come."""

    PATIENT = "patient"
    DOCTOR = "doctor"
    BOTH = "both"


@attrs.frozen
class Proposal:
    """Another time that one side offers; both sides' cells of it are held until it closes."""

    id: ProposalId
    visit: Interval
    buffer: timedelta
    by: Side
    expires_at: datetime


@attrs.frozen(kw_only=True)
class Event:
    """One fact of one appointment.

    Attributes:
        seq: 1 for the first, rising by one: the appointment's ``rev`` after it.
        at: when it happened; for what time alone brings about, the instant it fell due.
    """

    name: ClassVar[str]
    saga: ClassVar[str | None] = None
    """The saga that carries on from it, where other parts are concerned."""

    appointment_id: AppointmentId
    seq: int
    at: datetime
    by: Side


@attrs.frozen(kw_only=True)
class AppointmentRequested(Event):
    name = "requested"
    saga = "request"

    doctor_id: DoctorId
    patient_id: PatientId
    doctor_person: PersonId
    patient_person: PersonId
    visit: Interval
    buffer: timedelta
    price_cents: Cents
    decision_deadline: datetime
    reason: TextKey | None = None


@attrs.frozen(kw_only=True)
class AppointmentMoved(Event):
    name = "moved"
    saga = "move"

    visit: Interval
    buffer: timedelta
    decision_deadline: datetime


@attrs.frozen(kw_only=True)
class AppointmentConfirmed(Event):
    name = "confirmed"
    saga = "accept"


@attrs.frozen(kw_only=True)
class AppointmentRefused(Event):
    name = "refused"
    saga = "refuse"

    reason: TextKey | None = None


@attrs.frozen(kw_only=True)
class AppointmentExpired(Event):
    name = "expired"
    saga = "expire"


@attrs.frozen(kw_only=True)
class RescheduleProposed(Event):
    name = "proposed"
    saga = "propose"

    proposal: Proposal


@attrs.frozen(kw_only=True)
class RescheduleAgreed(Event):
    name = "agreed"
    saga = "agree"

    visit: Interval
    buffer: timedelta


@attrs.frozen(kw_only=True)
class RescheduleDeclined(Event):
    name = "declined"
    saga = "decline"


@attrs.frozen(kw_only=True)
class RescheduleLapsed(Event):
    name = "lapsed"
    saga = "lapse"


@attrs.frozen(kw_only=True)
class AppointmentCancelled(Event):
    name = "cancelled"
    saga = "cancel"

    late: bool
    reason: TextKey | None = None


@attrs.frozen(kw_only=True)
class VisitJoined(Event):
    name = "joined"


@attrs.frozen(kw_only=True)
class VisitStarted(Event):
    name = "started"


@attrs.frozen(kw_only=True)
class VisitCompleted(Event):
    name = "completed"
    saga = "complete"


@attrs.frozen(kw_only=True)
class VisitMissed(Event):
    name = "no_show"
    saga = "no_show"

    absent: Absent


AppointmentEvent = (
    AppointmentRequested
    | AppointmentMoved
    | AppointmentConfirmed
    | AppointmentRefused
    | AppointmentExpired
    | RescheduleProposed
    | RescheduleAgreed
    | RescheduleDeclined
    | RescheduleLapsed
    | AppointmentCancelled
    | VisitJoined
    | VisitStarted
    | VisitCompleted
    | VisitMissed
)
