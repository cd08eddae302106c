"""How each event changes an appointment: the only place where state follows from facts."""

from typing import Any, TypeVar

import attrs

from telemed_core.domain.events import (
    AppointmentCancelled,
    AppointmentConfirmed,
    AppointmentEvent,
    AppointmentExpired,
    AppointmentMoved,
    AppointmentRefused,
    AppointmentRequested,
    RescheduleAgreed,
    RescheduleDeclined,
    RescheduleLapsed,
    RescheduleProposed,
    Side,
    VisitCompleted,
    VisitJoined,
    VisitStarted,
)
from telemed_core.domain.state import AppointmentState
from telemed_core.domain.status import Status

A = TypeVar("A", bound=AppointmentState)


def evolve(appointment: A, event: AppointmentEvent) -> A:
    """The appointment after the event."""
    history = None if appointment.history is None else (*appointment.history, event)
    return attrs.evolve(appointment, rev=event.seq, history=history, **_changes(appointment, event))


def _changes(appointment: AppointmentState, event: AppointmentEvent) -> dict[str, Any]:
    match event:
        case AppointmentRequested():
            raise ValueError("an appointment is requested once")
        case AppointmentMoved():
            return {
                "visit": event.visit,
                "buffer": event.buffer,
                "decision_deadline": event.decision_deadline,
                "sequence": appointment.sequence + 1,
            }
        case AppointmentConfirmed():
            return {"status": Status.CONFIRMED}
        case AppointmentRefused():
            return {"status": Status.REFUSED, "refusal_reason": event.reason}
        case AppointmentExpired():
            return {"status": Status.EXPIRED}
        case RescheduleProposed():
            return {"proposal": event.proposal}
        case RescheduleAgreed():
            return {
                "visit": event.visit,
                "buffer": event.buffer,
                "proposal": None,
                "sequence": appointment.sequence + 1,
                "doctor_joined_at": None,
                "patient_joined_at": None,
            }
        case RescheduleDeclined() | RescheduleLapsed():
            return {"proposal": None}
        case AppointmentCancelled():
            return {
                "status": Status.CANCELLED,
                "proposal": None,
                "cancelled_by": event.by,
                "cancel_reason": event.reason,
                "late": event.late,
                "sequence": appointment.sequence + 1,
            }
        case VisitJoined():
            return {"doctor_joined_at" if event.by is Side.DOCTOR else "patient_joined_at": event.at}
        case VisitStarted():
            return {"status": Status.IN_PROGRESS}
        case VisitCompleted():
            return {"status": Status.COMPLETED}
        case _:
            return {"status": Status.NO_SHOW, "absent": event.absent}
