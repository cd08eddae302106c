"""What is announced of committed changes: their kind, instants and codes, and no word that anybody wrote."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from telemed_core.domain.appointment import Appointment
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.events import (
    AppointmentCancelled,
    AppointmentEvent,
    AppointmentMoved,
    AppointmentRequested,
    RescheduleProposed,
    Side,
    VisitMissed,
)
from telemed_core.domain.evolution import evolve
from telemed_core.domain.notices import INVITING, Announcement, EventId, Kind

FACTS: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.REQUESTED: frozenset({"decision_deadline"}),
    Kind.MOVED: frozenset({"decision_deadline"}),
    Kind.CONFIRMED: frozenset({"sequence"}),
    Kind.PROPOSED: frozenset({"proposed_start", "proposed_end", "expires_at"}),
    Kind.AGREED: frozenset({"sequence"}),
    Kind.CANCELLED: frozenset({"late", "sequence"}),
    Kind.NO_SHOW: frozenset({"absent"}),
}
"""What each kind needs besides its instants; the others need nothing."""


def announcements_of(appointment: Appointment, *, after: int) -> list[Announcement]:
    """The events above ``after``, in order of their seq, each with the visit as it left it.

    Args:
        appointment: with its history.
        after: the seq of the last event that was published; 0: none was.
    """
    history = appointment.history or ()
    if not history or not isinstance(history[0], AppointmentRequested):
        raise TypeError("an appointment begins with its request")
    state = Appointment.requested(history[0])
    found = [_announcement(history[0], state)]
    for event in history[1:]:
        state = evolve(state, event)
        found.append(_announcement(event, state))
    return found[after:]


def announcement_of_decision(doctor: Doctor, *, at: datetime) -> Announcement:
    """The decision on a registration that left the doctor like this.

    Args:
        at: when it was made.
    """
    return Announcement(
        id=EventId(f"{doctor.id}.{doctor.rev}"),
        kind=Kind(doctor.status),
        at=at,
        seq=doctor.rev,
        subject=doctor.id,
        by=Side.SYSTEM,
        doctor_id=doctor.id,
    )


def reminder(appointment: Appointment, *, event_id: EventId, seq: int, at: datetime) -> Announcement:
    """That the visit is near.

    Args:
        event_id: the id of the saga that reminds.
        seq: of the event that fixed the time.
        at: when the reminder was due.
    """
    return Announcement(
        id=event_id,
        kind=Kind.REMINDER,
        at=at,
        seq=seq,
        subject=appointment.id,
        by=Side.SYSTEM,
        doctor_id=appointment.doctor_id,
        patient_id=appointment.patient_id,
        start=appointment.visit.start,
        end=appointment.visit.end,
    )


def _announcement(event: AppointmentEvent, state: Appointment) -> Announcement:
    kind = Kind(event.name)
    return Announcement(
        id=EventId(f"{event.appointment_id}.{event.seq}"),
        kind=kind,
        at=event.at,
        seq=event.seq,
        subject=event.appointment_id,
        by=event.by,
        doctor_id=state.doctor_id,
        patient_id=state.patient_id,
        start=state.visit.start,
        end=state.visit.end,
        facts={**_facts(event), **({"sequence": str(state.sequence)} if kind in INVITING else {})},
    )


def _facts(event: AppointmentEvent) -> dict[str, str]:
    match event:
        case AppointmentRequested() | AppointmentMoved():
            return {"decision_deadline": _written(event.decision_deadline)}
        case RescheduleProposed():
            proposal = event.proposal
            return {
                "proposed_start": _written(proposal.visit.start),
                "proposed_end": _written(proposal.visit.end),
                "expires_at": _written(proposal.expires_at),
            }
        case AppointmentCancelled():
            return {"late": "true" if event.late else "false"}
        case VisitMissed():
            return {"absent": event.absent}
        case _:
            return {}


def _written(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
