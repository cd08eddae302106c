"""What is announced of an appointment's events, of decisions on registrations, and of visits that are near."""

from datetime import timedelta
from typing import get_args

import attrs
import pytest

from telemed_core.domain.announcing import FACTS, announcement_of_decision, announcements_of, reminder
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.doctor import Decision, DoctorStatus
from telemed_core.domain.events import AppointmentEvent, Side
from telemed_core.domain.notices import Announcement, EventId, Kind
from telemed_core.testing.builders import MONDAY, a_doctor
from unit.domain.lives import (
    DOCTOR,
    HOUR,
    LATER,
    PATIENT,
    PROPOSAL,
    START,
    STATES,
    confirmed,
    proposed,
    proposing,
    requested,
)

LENGTH = timedelta(minutes=50)


def last(appointment: Appointment) -> Announcement:
    return announcements_of(appointment, after=appointment.rev - 1)[0]


def test_every_event_above_the_mark_is_announced_in_order() -> None:
    appointment = proposed().agree(PROPOSAL, by=PATIENT.id, now=MONDAY).after
    every = announcements_of(appointment, after=0)
    assert [(one.seq, one.kind) for one in every] == [
        (1, Kind.REQUESTED),
        (2, Kind.CONFIRMED),
        (3, Kind.PROPOSED),
        (4, Kind.AGREED),
    ]
    for mark in range(5):
        assert announcements_of(appointment, after=mark) == every[mark:]


def test_an_announcement_says_where_its_change_has_left_the_visit() -> None:
    appointment = proposed().agree(PROPOSAL, by=PATIENT.id, now=MONDAY).after
    starts = [(one.start, one.end) for one in announcements_of(appointment, after=0)]
    assert starts == [(START, START + LENGTH)] * 3 + [(LATER, LATER + LENGTH)]


def test_an_announcement_is_known_by_appointment_and_seq_and_says_who_acted() -> None:
    announced = last(confirmed())
    assert announced == Announcement(
        id=EventId("appointment-1.2"),
        kind=Kind.CONFIRMED,
        at=MONDAY,
        seq=2,
        subject=announced.subject,
        by=Side.DOCTOR,
        doctor_id=DOCTOR.id,
        patient_id=PATIENT.id,
        start=START,
        end=START + LENGTH,
        facts={"sequence": "0"},
    )
    assert announced.subject == "appointment-1"


def test_each_kind_has_the_facts_that_it_needs_and_no_others() -> None:
    seen: dict[Kind, set[frozenset[str]]] = {}
    lives = [
        *(make() for make in STATES.values()),
        proposed().agree(PROPOSAL, by=PATIENT.id, now=MONDAY).after,
        proposed().decline(PROPOSAL, by=PATIENT.id, now=MONDAY).after,
        proposed().settled(now=MONDAY + 24 * HOUR),
        proposing(requested(), LATER, by=PATIENT.id).after,
    ]
    for life in lives:
        for one in announcements_of(life, after=0):
            seen.setdefault(one.kind, set()).add(frozenset(one.facts))
    about_visits = {Kind(kind.name) for kind in get_args(AppointmentEvent)}
    assert seen.keys() == about_visits
    assert seen == {kind: {FACTS.get(kind, frozenset())} for kind in seen}


def test_a_request_that_is_moved_says_until_when_it_waits_now() -> None:
    announced = last(proposing(requested(), LATER, by=PATIENT.id).after)
    assert announced.kind is Kind.MOVED
    assert announced.facts == {"decision_deadline": "2026-06-02T12:00:00Z"}
    assert announced.start == LATER


def test_a_proposal_says_its_own_time_and_until_when_it_waits() -> None:
    facts = last(proposed()).facts
    assert facts == {
        "proposed_start": "2026-06-04T12:00:00Z",
        "proposed_end": "2026-06-04T12:50:00Z",
        "expires_at": "2026-06-02T12:00:00Z",
    }


def test_the_sequence_of_the_calendar_rises_with_what_is_announced() -> None:
    agreed = proposed().agree(PROPOSAL, by=PATIENT.id, now=MONDAY).after
    cancelled = agreed.cancel(by=DOCTOR.id, why="not needed", now=MONDAY).after
    sequences = [one.facts.get("sequence") for one in announcements_of(cancelled, after=0)]
    assert sequences == [None, "0", None, "1", "2"]


@pytest.mark.parametrize(("hours", "late"), [(3, "false"), (1, "true")])
def test_a_cancellation_says_whether_it_came_late_and_never_why(hours: int, late: str) -> None:
    cancelled = confirmed().cancel(by=PATIENT.id, why="secret reason", now=START - hours * HOUR).after
    announced = last(cancelled)
    assert announced.facts == {"late": late, "sequence": "1"}
    assert "secret" not in repr(announced)


def test_whoever_did_not_come_is_said() -> None:
    assert last(STATES["no_show"]()).facts == {"absent": "both"}


def test_without_its_history_nothing_can_be_announced() -> None:
    with pytest.raises(TypeError):
        announcements_of(attrs.evolve(confirmed(), history=None), after=0)


@pytest.mark.parametrize(
    ("decision", "kind"),
    [(Decision.APPROVE, Kind.APPROVED), (Decision.REJECT, Kind.REJECTED)],
)
def test_a_decision_on_a_registration_is_announced_under_the_doctors_revision(decision: Decision, kind: Kind) -> None:
    after = a_doctor(status=DoctorStatus.PENDING).verify(decision, why="because").after
    assert announcement_of_decision(after, at=MONDAY) == Announcement(
        id=EventId("doctor-1.2"),
        kind=kind,
        at=MONDAY,
        seq=2,
        subject=after.id,
        by=Side.SYSTEM,
        doctor_id=after.id,
    )


def test_a_reminder_is_known_by_its_saga_and_stands_beside_the_event_that_fixed_the_time() -> None:
    announced = reminder(confirmed(), event_id=EventId("appointment-1.2.24h"), seq=2, at=MONDAY)
    assert (announced.id, announced.kind, announced.seq) == ("appointment-1.2.24h", Kind.REMINDER, 2)
    assert (announced.by, announced.subject, announced.start) == (Side.SYSTEM, "appointment-1", START)
    assert (announced.doctor_id, announced.patient_id, announced.facts) == (DOCTOR.id, PATIENT.id, {})
