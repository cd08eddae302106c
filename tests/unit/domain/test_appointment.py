"""The state table: what each decision makes of each state, and that every other pair changes nothing."""

import itertools
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given, settings

from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import Commit, LicenceGuard, ScheduleGuard
from telemed_core.domain.events import AppointmentConfirmed, Side
from telemed_core.domain.ids import AccountId, AppointmentId, ProposalId
from telemed_core.domain.instants import Interval
from telemed_core.domain.status import Status
from telemed_core.domain.texts import TextKey
from telemed_core.errors import (
    ConflictError,
    DeadlinePassedError,
    InvalidError,
    InvalidTransitionError,
    NotFoundError,
    ProposalExistsError,
    SelfBookingError,
    SlotNotOfferedError,
    StaleRevisionError,
    TooSoonError,
)
from telemed_core.testing.builders import MONDAY, a_patient, a_schedule, an_agenda
from telemed_core.testing.strategies import lives
from unit.domain.lives import (
    DECISIONS,
    DOCTOR,
    HOUR,
    LATER,
    MINUTE,
    PATIENT,
    PROPOSAL,
    SCHEDULE,
    START,
    STATES,
    TICK,
    asking,
    confirmed,
    proposed,
    proposing,
    requested,
)

ALLOWED = {
    ("requested", "accept"): Status.CONFIRMED,
    ("requested", "refuse"): Status.REFUSED,
    ("requested", "reschedule by patient"): Status.REQUESTED,
    ("requested", "cancel by patient"): Status.CANCELLED,
    ("requested", "cancel by doctor"): Status.CANCELLED,
    ("requested", "cancel for a block"): Status.CANCELLED,
    ("confirmed", "reschedule by patient"): Status.CONFIRMED,
    ("confirmed", "reschedule by doctor"): Status.CONFIRMED,
    ("confirmed", "cancel by patient"): Status.CANCELLED,
    ("confirmed", "cancel by doctor"): Status.CANCELLED,
    ("confirmed", "cancel for a block"): Status.CANCELLED,
    ("proposed", "agree by patient"): Status.CONFIRMED,
    ("proposed", "decline by patient"): Status.CONFIRMED,
    ("proposed", "decline by doctor"): Status.CONFIRMED,
    ("proposed", "cancel by patient"): Status.CANCELLED,
    ("proposed", "cancel by doctor"): Status.CANCELLED,
    ("proposed", "cancel for a block"): Status.CANCELLED,
    ("in_progress", "join"): Status.IN_PROGRESS,
    ("in_progress", "complete"): Status.COMPLETED,
}
# Their own codes: who asks for what is over, closed or too early is told so.
OTHERWISE = {
    **{
        ("expired", decision): "deadline_passed"
        for decision in DECISIONS
        if decision.startswith(("ac", "ref", "res", "can"))
    },
    **{(state, "join"): "join_window_closed" for state in ("confirmed", "proposed", "no_show", "completed")},
    **{(state, "declare absence"): "too_early" for state in ("confirmed", "proposed")},
    **{("proposed", f"reschedule by {side}"): "proposal_exists" for side in ("patient", "doctor")},
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("decision", DECISIONS)
def test_each_pair_of_state_and_decision_is_a_row_of_the_table_or_a_conflict(state: str, decision: str) -> None:
    appointment = STATES[state]()
    before, now = attrs.asdict(appointment), appointment.history[-1].at if appointment.history else MONDAY
    if (state, decision) in ALLOWED:
        commit = DECISIONS[decision](appointment, now)
        assert commit.after.status is ALLOWED[state, decision]
        assert commit.after.rev == appointment.rev + len(commit.events)
    else:
        with pytest.raises(ConflictError) as refused:
            DECISIONS[decision](appointment, now)
        assert refused.value.code == OTHERWISE.get((state, decision), "invalid_transition")
    assert attrs.asdict(appointment) == before


@settings(max_examples=25)
@given(lives())
def test_each_commit_goes_from_what_the_one_before_left_and_its_events_fold_to_what_it_leaves(
    life: tuple[Commit, ...],
) -> None:
    events = [event for commit in life for event in commit.events]
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert Appointment.fold(events) == life[-1].after
    for earlier, later in itertools.pairwise(life):
        assert later.appointments[0].before == earlier.after
        assert later.after.rev > earlier.after.rev
        assert earlier.after.status.live, "terminal is final"


def test_an_appointment_begins_with_its_request_and_is_requested_once() -> None:
    accepted = AppointmentConfirmed(appointment_id=AppointmentId("a-1"), seq=1, at=MONDAY, by=Side.DOCTOR)
    with pytest.raises(TypeError):
        Appointment.fold([accepted])
    (event,) = asking().events
    with pytest.raises(ValueError, match="once"):
        Appointment.fold([event, event])


def test_a_request_holds_the_time_and_says_until_when_it_is_answered() -> None:
    commit = asking(why="a cough")
    asked = commit.after
    assert (asked.status, asked.rev, asked.visit) == (Status.REQUESTED, 1, Interval(START, START + 50 * MINUTE))
    assert (asked.buffer, asked.price_cents) == (10 * MINUTE, SCHEDULE.price_cents)
    assert asked.decision_deadline == MONDAY + 24 * HOUR
    assert asked.reason == TextKey(asked.id, 1)
    assert [(text.key, text.body) for text in commit.texts] == [(asked.reason, "a cough")]
    assert commit.guards == (ScheduleGuard(DOCTOR.id, SCHEDULE.rev),)
    assert {(claim.person_id, len(claim.cells), claim.before, claim.after) for claim in commit.claims} == {
        (DOCTOR.person_id, 12, None, asked.id),
        (PATIENT.person_id, 10, None, asked.id),
    }
    assert [(quota.pending, quota.live, quota.most_pending) for quota in commit.quotas] == [(1, 1, 3)]
    assert [(saga.id, saga.name, saga.subject) for saga in commit.sagas] == [("appointment-1.1", "request", asked.id)]


@pytest.mark.parametrize(
    ("ahead", "deadline"),
    [(48 * HOUR, 24 * HOUR), (25 * HOUR, 24 * HOUR), (10 * HOUR, 9 * HOUR), (2 * HOUR, HOUR), (HOUR, HOUR / 2)],
)
def test_the_deadline_is_a_day_after_asking_or_an_hour_or_half_the_time_ahead_of_the_start(
    ahead: timedelta, deadline: timedelta
) -> None:
    commit = Appointment.request(
        AppointmentId("a-1"),
        patient=PATIENT,
        schedule=a_schedule(DOCTOR, agenda=an_agenda(min_notice=0)),
        start=MONDAY + ahead,
        why=None,
        most_pending=3,
        now=MONDAY,
    )
    assert commit.after.decision_deadline == MONDAY + deadline


def test_nobody_books_themself_or_a_doctor_who_is_not_approved() -> None:
    def ask(**facts: Any) -> Commit:
        return Appointment.request(
            AppointmentId("a-1"),
            patient=attrs.evolve(a_patient(2), **facts),
            schedule=SCHEDULE,
            start=START,
            why=None,
            most_pending=3,
            now=MONDAY,
        )

    for facts in ({"person_id": DOCTOR.person_id}, {"email": DOCTOR.email}):
        with pytest.raises(SelfBookingError) as refused:
            ask(**facts)
        assert refused.value.fields[0].field == "doctor_id"
    with pytest.raises(NotFoundError):
        Appointment.request(
            AppointmentId("a-1"),
            patient=PATIENT,
            schedule=a_schedule(bookable=False),
            start=START,
            why=None,
            most_pending=3,
            now=MONDAY,
        )


def test_a_reason_too_long_is_refused_and_an_empty_one_is_none() -> None:
    assert asking(why="").after.reason is None
    for decide in (
        lambda: asking(why="x" * 501),
        lambda: requested().refuse(by=DOCTOR.id, why="x" * 501, now=MONDAY),
        lambda: requested().cancel(by=PATIENT.id, why="no", now=MONDAY),
    ):
        with pytest.raises(InvalidError) as refused:
            decide()
        assert refused.value.fields[0].field == "reason"


def test_accepting_names_the_revision_the_doctor_saw_and_needs_a_licence() -> None:
    moved = proposing(requested(), by=PATIENT.id).after
    with pytest.raises(StaleRevisionError):
        moved.accept(1, by=DOCTOR.id, now=MONDAY)
    commit = moved.accept(2, by=DOCTOR.id, now=MONDAY)
    assert commit.guards == (LicenceGuard(DOCTOR.id),)
    assert commit.claims == ()
    assert [(quota.pending, quota.live) for quota in commit.quotas] == [(-1, 0)]


def test_a_request_can_be_answered_until_just_before_its_deadline() -> None:
    deadline = requested().decision_deadline
    assert requested().accept(1, by=DOCTOR.id, now=deadline - TICK).after.status is Status.CONFIRMED
    for now in (deadline, deadline + TICK):
        for decision in ("accept", "refuse", "cancel by patient", "reschedule by patient"):
            with pytest.raises(DeadlinePassedError):
                DECISIONS[decision](requested(), now)


def test_a_refusal_keeps_its_reason_apart_and_frees_every_cell() -> None:
    commit = requested().refuse(by=DOCTOR.id, why="no time", now=MONDAY)
    assert commit.after.refusal_reason == commit.texts[0].key == TextKey(commit.after.id, 2)
    assert {claim.after for claim in commit.claims} == {None}
    assert sum(len(claim.cells) for claim in commit.claims) == 22
    assert [(quota.pending, quota.live) for quota in commit.quotas] == [(-1, -1)]
    assert requested().refuse(by=DOCTOR.id, why=None, now=MONDAY).texts == ()


@pytest.mark.parametrize(
    ("ahead", "late"), [(2 * HOUR, False), (2 * HOUR - TICK, True), (TICK, True), (48 * HOUR, False)]
)
def test_a_cancellation_under_two_hours_ahead_is_late(ahead: timedelta, late: bool) -> None:
    after = confirmed().cancel(by=DOCTOR.id, why="not needed", now=START - ahead).after
    assert (after.late, after.cancelled_by, after.sequence) == (late, Side.DOCTOR, 1)


@pytest.mark.parametrize("decision", ["cancel by patient", "cancel for a block", "reschedule by doctor"])
def test_nothing_is_cancelled_or_proposed_from_the_start_on(decision: str) -> None:
    assert DECISIONS[decision](confirmed(), START - TICK).events
    with pytest.raises(InvalidTransitionError):
        DECISIONS[decision](confirmed(), START)


def test_a_move_takes_the_new_time_frees_the_old_and_sets_the_deadline_anew() -> None:
    now = MONDAY + HOUR
    moved = proposing(requested(), START + HOUR, by=PATIENT.id, now=now)
    assert (moved.after.rev, moved.after.sequence, moved.after.decision_deadline) == (2, 1, now + 24 * HOUR)
    assert moved.quotas == ()
    assert {claim.after for claim in moved.claims} == {None, moved.after.id}
    assert moved.after.price_cents == requested().price_cents


def test_another_time_is_not_the_present_one_nor_with_a_doctor_who_is_not_approved() -> None:
    for start, schedule in ((START, SCHEDULE), (LATER, a_schedule(DOCTOR, bookable=False))):
        with pytest.raises(SlotNotOfferedError):
            confirmed().reschedule(start, by=PATIENT.id, schedule=schedule, proposal_id=PROPOSAL, now=MONDAY)
    with pytest.raises(TooSoonError):
        proposing(confirmed(), MONDAY)


def test_a_proposal_holds_both_times_their_overlap_once() -> None:
    both = proposing(confirmed(), START + HOUR)
    assert {(claim.person_id, len(claim.cells)) for claim in both.claims} == {
        (DOCTOR.person_id, 12),
        (PATIENT.person_id, 10),
    }
    shifted = a_schedule(DOCTOR, agenda=an_agenda("00:30-23:30"))
    near = confirmed().reschedule(START + HOUR / 2, by=DOCTOR.id, schedule=shifted, proposal_id=PROPOSAL, now=MONDAY)
    assert sorted(len(claim.cells) for claim in near.claims) == [6, 6]
    agreed = near.after.agree(PROPOSAL, by=PATIENT.id, now=MONDAY)
    assert sorted((claim.after is None, len(claim.cells)) for claim in agreed.claims) == [(True, 6), (True, 6)]


@pytest.mark.parametrize(
    ("start", "until"),
    [
        (LATER, MONDAY + 24 * HOUR),
        (MONDAY + 3 * HOUR, MONDAY + 2 * HOUR),
    ],
)
def test_a_proposal_lapses_after_a_day_or_ahead_of_the_earlier_start(start: datetime, until: datetime) -> None:
    offer = proposing(confirmed(), start).after.proposal
    assert offer is not None
    assert (offer.expires_at, offer.by, offer.visit.start) == (until, Side.DOCTOR, start)


def test_agreeing_swaps_the_times_and_clears_presence() -> None:
    agreed = proposed().agree(PROPOSAL, by=PATIENT.id, now=MONDAY).after
    assert (agreed.visit.start, agreed.proposal, agreed.sequence) == (LATER, None, 1)
    assert (agreed.doctor_joined_at, agreed.patient_joined_at) == (None, None)


def test_declining_frees_only_the_proposed_time() -> None:
    declined = proposed().decline(PROPOSAL, by=DOCTOR.id, now=MONDAY)
    assert (declined.after.visit.start, declined.after.proposal, declined.after.sequence) == (START, None, 0)
    assert declined.after.cells(Side.DOCTOR) == confirmed().cells(Side.DOCTOR)


def test_one_answers_the_proposal_that_is_open_and_agrees_to_the_other_sides_alone() -> None:
    other = ProposalId("proposal-2")
    for answer in (Appointment.agree, Appointment.decline):
        with pytest.raises(InvalidTransitionError):
            answer(proposed(), other, by=PATIENT.id, now=MONDAY)
    with pytest.raises(InvalidTransitionError):
        proposed(by=PATIENT.id).agree(PROPOSAL, by=PATIENT.id, now=MONDAY)
    with pytest.raises(ProposalExistsError):
        proposing(proposed(), LATER + HOUR)


def test_an_appointment_is_nobody_elses() -> None:
    with pytest.raises(NotFoundError):
        requested().side_of(AccountId("somebody"))
    with pytest.raises(NotFoundError):
        requested().cancel(by=a_patient(2).id, why="not needed", now=MONDAY)
