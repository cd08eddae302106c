"""What an appointment is at one moment, and what time alone will make of it."""

from datetime import datetime, timedelta
from typing import Any, Final, Self

import attrs

from telemed_core.domain.events import (
    Absent,
    AppointmentEvent,
    AppointmentExpired,
    AppointmentRequested,
    Proposal,
    RescheduleLapsed,
    Side,
    VisitCompleted,
    VisitMissed,
)
from telemed_core.domain.ids import AccountId, AppointmentId, DoctorId, PatientId, PersonId
from telemed_core.domain.instants import Interval
from telemed_core.domain.places import Cents
from telemed_core.domain.status import Status
from telemed_core.domain.terms import JOIN_MARGIN
from telemed_core.domain.texts import TextKey
from telemed_core.errors import NotFoundError

_NO_BUFFER: Final = timedelta()


@attrs.frozen(kw_only=True)
class AppointmentState:
    """One visit of one patient to one doctor, as its events have left it.

    Attributes:
        visit: ``[start, end)``, without the buffer.
        buffer: what the doctor's side keeps free after it.
        price_cents: as it stood when the time was asked for.
        rev: the number of events so far.
        sequence: of its calendar entry: rises when start or end change, and when it is cancelled.
        late: whether it was cancelled less than two hours ahead; ``None`` while it was not cancelled.
        history: all its events; ``None`` where a list left them out.
    """

    id: AppointmentId
    doctor_id: DoctorId
    patient_id: PatientId
    doctor_person: PersonId
    patient_person: PersonId
    visit: Interval
    buffer: timedelta
    price_cents: Cents
    status: Status
    rev: int
    sequence: int = 0
    decision_deadline: datetime
    proposal: Proposal | None = None
    reason: TextKey | None = None
    refusal_reason: TextKey | None = None
    cancel_reason: TextKey | None = None
    cancelled_by: Side | None = None
    late: bool | None = None
    absent: Absent | None = None
    doctor_joined_at: datetime | None = None
    patient_joined_at: datetime | None = None
    history: tuple[AppointmentEvent, ...] | None = attrs.field(default=None, repr=False)

    @classmethod
    def requested(cls, event: AppointmentRequested) -> Self:
        """The appointment that its first event makes."""
        return cls(
            id=event.appointment_id,
            doctor_id=event.doctor_id,
            patient_id=event.patient_id,
            doctor_person=event.doctor_person,
            patient_person=event.patient_person,
            visit=event.visit,
            buffer=event.buffer,
            price_cents=event.price_cents,
            status=Status.REQUESTED,
            rev=event.seq,
            decision_deadline=event.decision_deadline,
            reason=event.reason,
            history=(event,),
        )

    @property
    def closes_at(self) -> datetime:
        """Until when it can be joined; what is still open then is closed."""
        return self.visit.end + JOIN_MARGIN

    @property
    def opens_at(self) -> datetime:
        """From when it can be joined."""
        return self.visit.start - JOIN_MARGIN

    @property
    def due_at(self) -> datetime | None:
        """When time alone will change it next; ``None``: never."""
        match self.status:
            case Status.REQUESTED:
                return self.decision_deadline
            case Status.CONFIRMED if self.proposal:
                return self.proposal.expires_at
            case Status.CONFIRMED | Status.IN_PROGRESS:
                return self.closes_at
            case _:
                return None

    def side_of(self, account: AccountId) -> Side:
        """Which side that account is.

        Raises:
            NotFoundError: neither.
        """
        if account == self.doctor_id:
            return Side.DOCTOR
        if account == self.patient_id:
            return Side.PATIENT
        raise NotFoundError

    def cells(self, side: Side) -> frozenset[int]:
        """The cells it owns on the ledger of that side: none once it has ended."""
        if not self.status.live:
            return frozenset()
        doctors = side is Side.DOCTOR
        own = frozenset(self.visit.cells(self.buffer if doctors else _NO_BUFFER))
        if self.proposal is None:
            return own
        return own.union(self.proposal.visit.cells(self.proposal.buffer if doctors else _NO_BUFFER))

    def due_event(self, at: datetime) -> AppointmentEvent:
        """What falls due at ``at``, the ``due_at`` of a live appointment."""
        facts: dict[str, Any] = {"appointment_id": self.id, "seq": self.rev + 1, "at": at, "by": Side.SYSTEM}
        if self.status is Status.REQUESTED:
            return AppointmentExpired(**facts)
        if self.status is Status.IN_PROGRESS:
            return VisitCompleted(**facts)
        if self.proposal:
            return RescheduleLapsed(**facts)
        if self.doctor_joined_at:
            return VisitMissed(**facts, absent=Absent.PATIENT)
        return VisitMissed(**facts, absent=Absent.DOCTOR if self.patient_joined_at else Absent.BOTH)
