"""A second, simple telling of an appointment's life, against which the clinic holds the real one."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import attrs

from telemed_core.domain.ids import AppointmentId, DoctorId, PatientId, PersonId, ProposalId

HOUR: Final = timedelta(hours=1)
MINUTE: Final = timedelta(minutes=1)
LIVE: Final = ("requested", "confirmed", "in_progress")


def latest_answer(asked: datetime, start: datetime) -> datetime:
    """A day after asking; or an hour ahead of the start, or half of what is left, whichever is later."""
    return min(asked + 24 * HOUR, max(start - HOUR, asked + (start - asked) / 2))


@attrs.define
class Offer:
    """Another time that one side has proposed."""

    id: ProposalId
    start: datetime
    end: datetime
    buffer: timedelta
    by: str
    until: datetime


@attrs.define
class Visit:
    """An appointment as it should be stored."""

    id: AppointmentId
    doctor: DoctorId
    patient: PatientId
    persons: tuple[PersonId, PersonId]
    start: datetime
    end: datetime
    buffer: timedelta
    deadline: datetime
    status: str = "requested"
    rev: int = 1
    sequence: int = 0
    offer: Offer | None = None
    here: tuple[str, ...] = ()

    def become(self, status: str) -> None:
        self.status = status
        self.rev += 1

    def held(self) -> Iterator[tuple[PersonId, datetime, datetime]]:
        """Whose time it holds, and from when to when."""
        if self.status in LIVE:
            for one in (self, self.offer) if self.offer else (self,):
                yield self.persons[0], one.start, one.end + one.buffer
                yield self.persons[1], one.start, one.end

    def facts(self) -> tuple[object, ...]:
        """What must be so in the store."""
        offer = self.offer and (self.offer.id, self.offer.start, self.offer.end, self.offer.by, self.offer.until)
        return self.status, self.rev, self.start, self.end, self.buffer, self.sequence, offer

    def by_now(self, now: datetime) -> "Visit":
        """What time alone has made of it."""
        visit = attrs.evolve(self)
        while visit._step(now):
            pass
        return visit

    def _step(self, now: datetime) -> bool:
        over = now >= self.end + 10 * MINUTE
        if self.status == "requested" and now >= self.deadline:
            self.become("expired")
        elif self.status == "confirmed" and self.offer and now >= self.offer.until:
            self.offer = None
            self.rev += 1
        elif self.status == "confirmed" and over:
            self.become("no_show")
        elif self.status == "in_progress" and over:
            self.become("completed")
        else:
            return False
        return True

    # What each command does to it, or the code of its refusal; the caller hands in what time has made of it.

    def accept(self, rev: int) -> str | None:
        if self.status != "requested":
            return "deadline_passed" if self.status == "expired" else "invalid_transition"
        if rev != self.rev:
            return "stale_revision"
        self.become("confirmed")
        return None

    def refuse(self) -> str | None:
        if self.status != "requested":
            return "deadline_passed" if self.status == "expired" else "invalid_transition"
        self.become("refused")
        return None

    def cancel(self, now: datetime) -> str | None:
        if self.status == "expired":
            return "deadline_passed"
        if self.status not in {"requested", "confirmed"} or now >= self.start:
            return "invalid_transition"
        self.become("cancelled")
        self.offer = None
        self.sequence += 1
        return None

    def may_reschedule(self, side: str, now: datetime) -> str | None:
        if self.status == "expired":
            return "deadline_passed"
        if self.status not in {"requested", "confirmed"} or now >= self.start:
            return "invalid_transition"
        if self.status == "requested" and side == "doctor":
            return "invalid_transition"
        return "proposal_exists" if self.offer else None

    def answer(self, offer: ProposalId, side: str, *, agree: bool) -> str | None:
        if self.offer is None or self.offer.id != offer or (agree and self.offer.by == side):
            return "invalid_transition"
        if agree:
            self.start, self.end, self.buffer = self.offer.start, self.offer.end, self.offer.buffer
            self.sequence += 1
            self.here = ()
        self.offer = None
        self.rev += 1
        return None

    def join(self, side: str, now: datetime) -> str | None:
        if self.status in {"no_show", "completed"}:
            return "join_window_closed"
        if self.status not in {"confirmed", "in_progress"}:
            return "invalid_transition"
        if now < self.start - 10 * MINUTE:
            return "join_window_closed"
        if side not in self.here:
            self.here = (*self.here, side)
            self.rev += 1
            if len(self.here) == 2:
                self.rev += 1 if self.offer else 0
                self.offer = None
                self.become("in_progress")
        return None

    def declare_absence(self, side: str, now: datetime) -> str | None:
        if self.status != "confirmed":
            return "invalid_transition"
        if now < self.start + 15 * MINUTE:
            return "too_early"
        if side not in self.here:
            return "not_present"
        self.become("no_show")
        return None

    def complete(self) -> str | None:
        if self.status != "in_progress":
            return "invalid_transition"
        self.become("completed")
        return None

    def may_be_rated(self) -> str | None:
        return None if self.status == "completed" else "invalid_transition"
