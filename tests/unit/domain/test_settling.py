"""What time alone does: at its own instant, dated so, whoever looks and whenever."""

from datetime import datetime, timedelta

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemed_core.domain import visit
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.events import Absent, Side
from telemed_core.domain.status import Status
from telemed_core.testing.builders import MONDAY
from telemed_core.testing.strategies import appointments
from unit.domain.lives import DOCTOR, HOUR, MINUTE, PATIENT, START, TICK, confirmed, proposed, requested, started

CLOSING = START + 60 * MINUTE


@pytest.mark.parametrize(
    ("appointment", "due", "status", "event"),
    [
        (requested(), MONDAY + 24 * HOUR, Status.EXPIRED, "expired"),
        (proposed(), MONDAY + 24 * HOUR, Status.CONFIRMED, "lapsed"),
        (confirmed(), CLOSING, Status.NO_SHOW, "no_show"),
        (started(), CLOSING, Status.COMPLETED, "completed"),
    ],
)
def test_what_is_due_happens_at_its_instant_and_not_before(
    appointment: Appointment, due: datetime, status: Status, event: str
) -> None:
    assert appointment.due_at == due
    early = appointment.settle(now=due - TICK)
    assert (early.events, early.claims, early.quotas, early.after) == ((), (), (), appointment)
    for now in (due, due + TICK):
        commit = appointment.settle(now=now)
        assert [(one.name, one.at, one.by, one.seq) for one in commit.events] == [
            (event, due, Side.SYSTEM, appointment.rev + 1)
        ]
        assert commit.after == appointment.settled(now=now)
        assert commit.after.status is status


def test_a_lapsed_proposal_and_a_missed_visit_are_two_events() -> None:
    commit = proposed().settle(now=CLOSING)
    assert [(event.name, event.at) for event in commit.events] == [
        ("lapsed", MONDAY + 24 * HOUR),
        ("no_show", CLOSING),
    ]
    assert commit.after.cells(Side.DOCTOR) == frozenset()


@pytest.mark.parametrize(
    ("present", "absent"),
    [((), Absent.BOTH), ((DOCTOR.id,), Absent.PATIENT), ((PATIENT.id,), Absent.DOCTOR)],
)
def test_who_did_not_come_is_told_at_closing(present: tuple[str, ...], absent: Absent) -> None:
    appointment = confirmed()
    for account in present:
        appointment = visit.join(appointment, by=account, now=START).after  # type: ignore[arg-type] # account ids
    assert appointment.settled(now=CLOSING).absent is absent


@pytest.mark.parametrize("appointment", [requested(), confirmed(), proposed(), started()])
def test_what_has_ended_is_never_due_again_and_owns_nothing(appointment: Appointment) -> None:
    ended = appointment.settled(now=CLOSING + HOUR)
    assert ended.due_at is None
    assert ended.settle(now=CLOSING + 365 * 24 * HOUR).events == ()
    assert ended.cells(Side.DOCTOR) | ended.cells(Side.PATIENT) == frozenset()


@settings(max_examples=25)
@given(appointments(), st.lists(st.timedeltas(timedelta(), timedelta(days=9)), min_size=1, max_size=4))
def test_settling_by_steps_is_settling_at_once(appointment: Appointment, steps: list[timedelta]) -> None:
    by_steps, now = appointment, MONDAY
    for step in steps:
        now += step
        by_steps = by_steps.settled(now=now)
    assert by_steps == appointment.settled(now=now)


@settings(max_examples=25)
@given(appointments())
def test_an_appointment_without_its_history_settles_alike(appointment: Appointment) -> None:
    now = MONDAY + timedelta(days=30)
    bare = attrs.evolve(appointment, history=None)
    assert bare.settled(now=now) == attrs.evolve(appointment.settled(now=now), history=None)
    assert bare.settle(now=now).claims == appointment.settle(now=now).claims
