"""A decision under way: the events it adds, and the commit that follows from them."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

import attrs

from telemed_core.domain.commit import AppointmentChange, Commit, Guard, QuotaChange, claim_changes
from telemed_core.domain.events import AppointmentEvent, Proposal, Side
from telemed_core.domain.evolution import evolve
from telemed_core.domain.ids import AppointmentId, ProposalId, SagaId
from telemed_core.domain.sagas import SagaStart
from telemed_core.domain.status import Status
from telemed_core.domain.texts import REASON_MIN, Text, TextKey, reason
from telemed_core.errors import DeadlinePassedError, InvalidTransitionError

if TYPE_CHECKING:
    from telemed_core.domain.appointment import Appointment


@attrs.define
class Decision:
    """Events under way: the appointment as it was, as they leave it, and themselves."""

    before: "Appointment"
    after: "Appointment" = attrs.field(init=False)
    events: list[AppointmentEvent] = attrs.field(init=False, factory=list[AppointmentEvent])

    def __attrs_post_init__(self) -> None:
        self.after = self.before

    @classmethod
    def on(cls, appointment: "Appointment", *, now: datetime) -> Self:
        """Decide on the appointment as time has left it."""
        decision = cls(appointment)
        while (due := decision.after.due_at) is not None and due <= now:
            decision.add(decision.after.due_event(due))
        return decision

    def add(self, event: AppointmentEvent) -> None:
        self.after = evolve(self.after, event)
        self.events.append(event)

    def record(self, kind: type[AppointmentEvent], *, at: datetime, by: Side, **facts: Any) -> None:
        self.add(kind(appointment_id=self.after.id, seq=self.after.rev + 1, at=at, by=by, **facts))

    def expect(self, *allowed: Status) -> "Appointment":
        if self.after.status not in allowed:
            expired = self.after.status is Status.EXPIRED and Status.REQUESTED in allowed
            raise DeadlinePassedError if expired else InvalidTransitionError
        return self.after

    def open_proposal(self, proposal_id: ProposalId) -> Proposal:
        proposal = self.after.proposal
        if proposal is None or proposal.id != proposal_id:
            raise InvalidTransitionError
        return proposal

    def text(self, why: str, *, least: int = REASON_MIN) -> Text:
        """What was written, under the key of the event that comes next."""
        return text_of(self.after.id, self.after.rev + 1, why, least=least)

    def commit(self, *, guard: Guard | None = None, text: Text | None = None) -> Commit:
        return commit_of(self.before, self.after, tuple(self.events), guard=guard, text=text)


def text_of(appointment_id: AppointmentId, seq: int, why: str, *, least: int) -> Text:
    """What was written, under the key of the event that carries it."""
    return Text(TextKey(appointment_id, seq), reason(why, least=least))


def commit_of(
    before: "Appointment | None",
    after: "Appointment",
    events: tuple[AppointmentEvent, ...],
    *,
    guard: Guard | None,
    text: Text | None,
    most_pending: int | None = None,
) -> Commit:
    """Claims and counters follow from the two states; nothing is said twice."""
    no_cells: frozenset[int] = frozenset()
    claims = tuple(
        change
        for person, side in ((after.doctor_person, Side.DOCTOR), (after.patient_person, Side.PATIENT))
        for change in claim_changes(
            person, after.id, before=before.cells(side) if before else no_cells, after=after.cells(side)
        )
    )
    pending = _counts(after, Status.REQUESTED) - _counts(before, Status.REQUESTED)
    live = (after.status.live) - (before is not None and before.status.live)
    quota = QuotaChange(after.patient_person, pending, live, most_pending)
    return Commit(
        appointments=(AppointmentChange(before, after),),
        claims=claims,
        guards=(guard,) if guard else (),
        quotas=(quota,) if pending or live else (),
        texts=(text,) if text else (),
        events=events,
        sagas=tuple(
            SagaStart(SagaId(f"{event.appointment_id}.{event.seq}"), event.saga, event.appointment_id)
            for event in events
            if event.saga
        ),
    )


def _counts(appointment: "Appointment | None", status: Status) -> int:
    return appointment is not None and appointment.status is status
