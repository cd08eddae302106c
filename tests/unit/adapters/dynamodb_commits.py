"""Commits of every row of the state table, decided by the real aggregate, on visits anywhere in the day."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import attrs

from telemed_core.domain import visit
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import Command, Commit, Idempotency
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import AppointmentId, CommandId, PatientId, ProposalId
from telemed_core.domain.patient import Patient
from telemed_core.domain.schedule import Schedule
from telemed_core.domain.texts import Text
from telemed_core.testing.builders import MONDAY, a_doctor, a_patient, a_schedule, an_agenda

DOCTOR = a_doctor()
PATIENT = a_patient()
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MIDDAY = MONDAY.replace(hour=8) + 2 * DAY
ACROSS_MIDNIGHT = MONDAY.replace(hour=22) + 2 * DAY
PROPOSAL = ProposalId("proposal")
WHY = "a" * 500


def seal(text: Text) -> bytes:
    """No encryption: what is tested is where the bytes go."""
    return f"sealed:{text.body}".encode()


def command(number: int = 1, *, at: datetime = MONDAY, key: str | None = "key") -> Command:
    asked = Idempotency(PatientId("asker"), key, "print") if key else None
    return Command(CommandId(f"command-{number}"), at, asked)


def schedule_at(start: datetime, *, doctor: Doctor = DOCTOR, length: int = 230, buffer: int = 10) -> Schedule:
    """A schedule that offers just this start."""
    end = start + length * MINUTE
    window = f"{start:%H:%M}-{end:%H:%M}"
    return a_schedule(doctor, agenda=an_agenda(window, consultation=length, buffer=buffer, min_notice=0))


def ask(
    start: datetime,
    number: int = 1,
    *,
    patient: Patient = PATIENT,
    now: datetime = MONDAY,
    why: str | None = WHY,
    **terms: Any,
) -> Commit:
    """Appointment number ``number``, asked for; ids are as long as real ones."""
    return Appointment.request(
        AppointmentId(f"{number:026}"),
        patient=patient,
        schedule=schedule_at(start, **terms),
        start=start,
        why=why,
        most_pending=3,
        now=now,
    )


def accepted(asked: Appointment, *, now: datetime = MONDAY) -> Appointment:
    return asked.accept(asked.rev, by=DOCTOR.id, now=now).after


def proposed(confirmed: Appointment, start: datetime, *, now: datetime = MONDAY) -> Commit:
    doctor = attrs.evolve(DOCTOR, id=confirmed.doctor_id, person_id=confirmed.doctor_person)
    schedule = schedule_at(start, doctor=doctor)
    return confirmed.reschedule(start, by=PATIENT.id, schedule=schedule, proposal_id=PROPOSAL, now=now)


def every_row(start: datetime) -> Iterator[tuple[str, Commit, datetime]]:
    """Every transition of a visit at ``start``, under its name, and the instant at which it is decided."""
    asked = ask(start)
    new = asked.after
    confirmed = accepted(new)
    offered = proposed(confirmed, start + DAY).after
    expiry = new.decision_deadline
    yield "request", asked, MONDAY
    yield "accept", new.accept(1, by=DOCTOR.id, now=MONDAY), MONDAY
    yield "refuse", new.refuse(by=DOCTOR.id, why=WHY, now=MONDAY), MONDAY
    yield "expire", new.settle(now=expiry), expiry
    yield "cancel requested", new.cancel(by=PATIENT.id, why=WHY, now=MONDAY), MONDAY
    yield "cancel confirmed", confirmed.cancel(by=DOCTOR.id, why=WHY, now=MONDAY), MONDAY
    yield "cancel for a block", confirmed.cancel_for_block(None, by=DOCTOR.id, now=MONDAY), MONDAY
    yield "cancel with a proposal", offered.cancel(by=PATIENT.id, why=WHY, now=MONDAY), MONDAY
    yield "move within the day", proposed(new, start - HOUR), MONDAY
    yield "move to other days", proposed(new, start + 2 * DAY), MONDAY
    yield "propose", proposed(confirmed, start + DAY), MONDAY
    yield "propose within the day", proposed(confirmed, start - HOUR), MONDAY
    yield "agree", offered.agree(PROPOSAL, by=DOCTOR.id, now=MONDAY), MONDAY
    yield "decline", offered.decline(PROPOSAL, by=PATIENT.id, now=MONDAY), MONDAY
    lapse = offered.due_at or MONDAY
    yield "lapse", offered.settle(now=lapse), lapse
    cancelled = offered.cancel(by=PATIENT.id, why=WHY, now=lapse)
    yield "cancel after a lapse", cancelled, lapse
    yield from _rows_of_the_visit(confirmed, start)


def _rows_of_the_visit(confirmed: Appointment, start: datetime) -> Iterator[tuple[str, Commit, datetime]]:
    late, closing = start + 15 * MINUTE, confirmed.closes_at
    by_patient = visit.join(confirmed, by=PATIENT.id, now=start).after
    by_doctor = visit.join(confirmed, by=DOCTOR.id, now=start).after
    begun = visit.join(by_patient, by=DOCTOR.id, now=start).after
    yield "join", visit.join(confirmed, by=PATIENT.id, now=start), start
    yield "start", visit.join(by_patient, by=DOCTOR.id, now=start), start
    yield "complete by the doctor", visit.complete(begun, by=DOCTOR.id, now=late), late
    yield "complete by the sweep", begun.settle(now=closing), closing
    yield "no-show of the patient", visit.declare_absence(by_doctor, by=DOCTOR.id, now=late), late
    yield "no-show of the doctor", visit.declare_absence(by_patient, by=PATIENT.id, now=late), late
    yield "no-show of both by the sweep", confirmed.settle(now=closing), closing
    yield "no-show of one by the sweep", by_patient.settle(now=closing), closing


def takeover(asked: Commit, *due: Appointment, at: datetime) -> Commit:
    """The request with what is due settled before it, as use cases compose it."""
    whole = asked
    for one in due:
        whole = one.settle(now=at).then(whole)
    return whole
