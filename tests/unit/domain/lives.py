"""Appointments in each state, reached by real decisions, and what may be decided on them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from telemed_core.domain import visit
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import Commit
from telemed_core.domain.ids import AccountId, AppointmentId, ProposalId
from telemed_core.testing.builders import MONDAY, a_doctor, a_patient, a_schedule

HOUR: Final = timedelta(hours=1)
MINUTE: Final = timedelta(minutes=1)
TICK: Final = timedelta(microseconds=1)
START: Final = MONDAY + timedelta(days=2)
LATER: Final = MONDAY + timedelta(days=3)
DOCTOR: Final = a_doctor()
PATIENT: Final = a_patient()
SCHEDULE: Final = a_schedule(DOCTOR)
PROPOSAL: Final = ProposalId("proposal-1")


def asking(
    *, start: datetime = START, now: datetime = MONDAY, why: str | None = None, id: str = "appointment-1"
) -> Commit:
    return Appointment.request(
        AppointmentId(id), patient=PATIENT, schedule=SCHEDULE, start=start, why=why, most_pending=3, now=now
    )


def requested(**facts: datetime) -> Appointment:
    return asking(**facts).after  # type: ignore[arg-type] # instants only


def confirmed(*, start: datetime = START) -> Appointment:
    return requested(start=start).accept(1, by=DOCTOR.id, now=MONDAY).after


def proposing(
    appointment: Appointment, start: datetime = LATER, *, by: AccountId = DOCTOR.id, now: datetime = MONDAY
) -> Commit:
    return appointment.reschedule(start, by=by, schedule=SCHEDULE, proposal_id=PROPOSAL, now=now)


def proposed(start: datetime = LATER, *, by: AccountId = DOCTOR.id) -> Appointment:
    return proposing(confirmed(), start, by=by).after


def started() -> Appointment:
    once = visit.join(confirmed(), by=PATIENT.id, now=START).after
    return visit.join(once, by=DOCTOR.id, now=START).after


STATES: Final[dict[str, Callable[[], Appointment]]] = {
    "requested": requested,
    "confirmed": confirmed,
    "proposed": proposed,
    "in_progress": started,
    "refused": lambda: requested().refuse(by=DOCTOR.id, why=None, now=MONDAY).after,
    "expired": lambda: requested().settled(now=MONDAY + 24 * HOUR),
    "cancelled": lambda: confirmed().cancel(by=PATIENT.id, why="not needed", now=MONDAY).after,
    "no_show": lambda: confirmed().settled(now=START + 2 * HOUR),
    "completed": lambda: visit.complete(started(), by=DOCTOR.id, now=START).after,
}

DECISIONS: Final[dict[str, Callable[[Appointment, datetime], Commit]]] = {
    "accept": lambda one, now: one.accept(one.rev, by=DOCTOR.id, now=now),
    "refuse": lambda one, now: one.refuse(by=DOCTOR.id, why=None, now=now),
    "reschedule by patient": lambda one, now: proposing(one, LATER + HOUR, by=PATIENT.id, now=now),
    "reschedule by doctor": lambda one, now: proposing(one, LATER + HOUR, by=DOCTOR.id, now=now),
    "agree by patient": lambda one, now: one.agree(PROPOSAL, by=PATIENT.id, now=now),
    "agree by doctor": lambda one, now: one.agree(PROPOSAL, by=DOCTOR.id, now=now),
    "decline by patient": lambda one, now: one.decline(PROPOSAL, by=PATIENT.id, now=now),
    "decline by doctor": lambda one, now: one.decline(PROPOSAL, by=DOCTOR.id, now=now),
    "cancel by patient": lambda one, now: one.cancel(by=PATIENT.id, why="not needed", now=now),
    "cancel by doctor": lambda one, now: one.cancel(by=DOCTOR.id, why="not needed", now=now),
    "cancel for a block": lambda one, now: one.cancel_for_block(None, by=DOCTOR.id, now=now),
    "declare absence": lambda one, now: visit.declare_absence(one, by=DOCTOR.id, now=now),
    "complete": lambda one, now: visit.complete(one, by=DOCTOR.id, now=now),
    "join": lambda one, now: visit.join(one, by=DOCTOR.id, now=now),
}
