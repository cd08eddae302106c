"""An appointment as its two sides read it."""

from collections.abc import Mapping
from typing import Annotated

from telemed_core.domain.appointment import Appointment
from telemed_core.domain.events import (
    Absent,
    AppointmentCancelled,
    AppointmentEvent,
    AppointmentMoved,
    AppointmentRequested,
    Proposal,
    RescheduleAgreed,
    RescheduleProposed,
    Side,
    VisitMissed,
)
from telemed_core.domain.ids import AccountId
from telemed_core.domain.status import Status
from telemed_core.domain.texts import TextKey
from telemed_core.messages import schemas
from telemed_core.messages.views import IdText, Instant, NumberOfCents, View, instant_text


class HistoryEntry(View):
    """One event; ``detail`` is the new time (``start/end``), who was absent, or ``late``: never text."""

    at: Instant
    event: Annotated[str, schemas.EVENT]
    by: Side
    detail: str | None


class ProposalView(View):
    """Another time that one side offers."""

    id: IdText
    start: Instant
    end: Instant
    by: Side
    expires_at: Instant


class AppointmentView(View):
    """An appointment; in lists ``history`` is ``null``."""

    id: IdText
    doctor_id: IdText
    doctor_name: str | None
    patient_id: IdText
    patient_name: str | None
    start: Instant
    end: Instant
    status: Status
    price_cents: NumberOfCents
    rev: Annotated[int, schemas.REVISION]
    decision_deadline: Instant
    proposal: ProposalView | None
    sequence: Annotated[int, schemas.COUNT]
    reason: str | None
    cancelled_by: Side | None
    cancel_reason: str | None
    refusal_reason: str | None
    late: bool | None
    absent: Absent | None
    join_url: Annotated[str, schemas.URL] | None
    history: tuple[HistoryEntry, ...] | None


def appointment_view(
    appointment: Appointment,
    *,
    names: Mapping[AccountId, str],
    texts: Mapping[TextKey, str],
    public_url: str,
    listed: bool = False,
) -> AppointmentView:
    """The appointment with its names and texts; ``listed``: without its history."""
    history = appointment.history
    joinable = appointment.status in {Status.CONFIRMED, Status.IN_PROGRESS}

    def text(key: TextKey | None) -> str | None:
        return None if key is None else texts.get(key)

    return AppointmentView(
        id=appointment.id,
        doctor_id=appointment.doctor_id,
        doctor_name=names.get(appointment.doctor_id),
        patient_id=appointment.patient_id,
        patient_name=names.get(appointment.patient_id),
        start=appointment.visit.start,
        end=appointment.visit.end,
        status=appointment.status,
        price_cents=appointment.price_cents,
        rev=appointment.rev,
        decision_deadline=appointment.decision_deadline,
        proposal=_proposal(appointment.proposal),
        sequence=appointment.sequence,
        reason=text(appointment.reason),
        cancelled_by=appointment.cancelled_by,
        cancel_reason=text(appointment.cancel_reason),
        refusal_reason=text(appointment.refusal_reason),
        late=appointment.late,
        absent=appointment.absent,
        join_url=f"{public_url}/appointments/{appointment.id}/visit" if joinable else None,
        history=None if listed or history is None else tuple(map(_entry, history)),
    )


def _proposal(proposal: Proposal | None) -> ProposalView | None:
    if proposal is None:
        return None
    return ProposalView(
        id=proposal.id,
        start=proposal.visit.start,
        end=proposal.visit.end,
        by=proposal.by,
        expires_at=proposal.expires_at,
    )


def _entry(event: AppointmentEvent) -> HistoryEntry:
    detail = None
    match event:
        case AppointmentRequested() | AppointmentMoved() | RescheduleAgreed():
            detail = f"{instant_text(event.visit.start)}/{instant_text(event.visit.end)}"
        case RescheduleProposed():
            visit = event.proposal.visit
            detail = f"{instant_text(visit.start)}/{instant_text(visit.end)}"
        case AppointmentCancelled():
            detail = "late" if event.late else None
        case VisitMissed():
            detail = event.absent
        case _:
            pass
    return HistoryEntry(at=event.at, event=event.name, by=event.by, detail=detail)
