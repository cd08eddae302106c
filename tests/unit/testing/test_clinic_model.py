"""The clinic's simple model and the domain agree: two tellings of one life, each written by itself."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from telemed_core.domain import visit
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.instants import Interval
from telemed_core.errors import TelemedError
from telemed_core.testing.builders import MONDAY
from telemed_core.testing.clinic_model import Offer, Visit, latest_answer
from unit.domain.lives import DECISIONS, DOCTOR, HOUR, LATER, MINUTE, PATIENT, PROPOSAL, START, STATES

OUTCOMES: dict[str, Callable[[Visit, datetime], str | None]] = {
    "accept": lambda one, _: one.accept(one.rev),
    "refuse": lambda one, _: one.refuse(),
    "reschedule by patient": lambda one, now: one.may_reschedule("patient", now),
    "reschedule by doctor": lambda one, now: one.may_reschedule("doctor", now),
    "agree by patient": lambda one, _: one.answer(PROPOSAL, "patient", agree=True),
    "agree by doctor": lambda one, _: one.answer(PROPOSAL, "doctor", agree=True),
    "decline by patient": lambda one, _: one.answer(PROPOSAL, "patient", agree=False),
    "decline by doctor": lambda one, _: one.answer(PROPOSAL, "doctor", agree=False),
    "cancel by patient": lambda one, now: one.cancel(now),
    "cancel by doctor": lambda one, now: one.cancel(now),
    "cancel for a block": lambda one, now: one.cancel(now),
    "declare absence": lambda one, now: one.declare_absence("doctor", now),
    "complete": lambda one, _: one.complete(),
    "join": lambda one, now: one.join("doctor", now),
}
# As it was decided, a day after, when it opens, at the start, when absence may be declared, and when it closes.
INSTANTS = (
    MONDAY,
    MONDAY + 24 * HOUR,
    START - 10 * MINUTE,
    START,
    START + 15 * MINUTE,
    START + 60 * MINUTE,
)


def told(appointment: Appointment) -> Visit:
    """The appointment, as the model tells it."""
    offer = appointment.proposal
    present = {"doctor": appointment.doctor_joined_at, "patient": appointment.patient_joined_at}
    return Visit(
        id=appointment.id,
        doctor=appointment.doctor_id,
        patient=appointment.patient_id,
        persons=(appointment.doctor_person, appointment.patient_person),
        start=appointment.visit.start,
        end=appointment.visit.end,
        buffer=appointment.buffer,
        deadline=appointment.decision_deadline,
        status=appointment.status.value,
        rev=appointment.rev,
        sequence=appointment.sequence,
        offer=offer and Offer(offer.id, offer.visit.start, offer.visit.end, offer.buffer, offer.by, offer.expires_at),
        here=tuple(side for side, since in present.items() if since),
    )


def facts(one: Visit) -> tuple[Any, ...]:
    return *one.facts(), set(one.here)


def present() -> Appointment:
    return visit.join(STATES["confirmed"](), by=PATIENT.id, now=START - 10 * MINUTE).after


def present_and_proposed() -> Appointment:
    return DECISIONS["reschedule by patient"](present(), START - 10 * MINUTE).after


@pytest.mark.parametrize("state", [*STATES, "present", "present and proposed"])
@pytest.mark.parametrize("decision", DECISIONS)
def test_the_model_predicts_what_the_domain_decides(state: str, decision: str) -> None:
    others = {"present": present, "present and proposed": present_and_proposed}
    appointment = (STATES | others)[state]()
    for now in INSTANTS:
        model = told(appointment).by_now(now)
        try:
            after, code = DECISIONS[decision](appointment, now).after, None
        except TelemedError as refused:
            after, code = appointment.settled(now=now), refused.code
        assert OUTCOMES[decision](model, now) == code, now
        if not (decision.startswith("reschedule") and code is None):
            assert facts(model) == facts(told(after)), now


@pytest.mark.parametrize("state", STATES)
def test_the_model_settles_as_the_domain_does(state: str) -> None:
    appointment = STATES[state]()
    for now in INSTANTS:
        assert facts(told(appointment).by_now(now)) == facts(told(appointment.settled(now=now))), now


@pytest.mark.parametrize("state", STATES)
def test_the_model_predicts_which_visits_may_be_rated(state: str) -> None:
    appointment = STATES[state]()
    for now in INSTANTS:
        try:
            visit.rate(appointment, by=PATIENT.id, score=3, comment=None, now=now)
            code = None
        except TelemedError as refused:
            code = refused.code
        assert told(appointment).by_now(now).may_be_rated() == code, now


def test_the_model_refuses_an_accept_of_another_revision() -> None:
    assert told(STATES["requested"]()).accept(7) == "stale_revision"


@pytest.mark.parametrize("state", STATES)
def test_the_model_holds_what_the_domain_covers(state: str) -> None:
    appointment = STATES[state]()
    cells = {
        (person, cell) for person, since, until in told(appointment).held() for cell in Interval(since, until).cells()
    }
    assert cells == {
        (person, cell)
        for person, side in ((DOCTOR.person_id, "doctor"), (PATIENT.person_id, "patient"))
        for cell in appointment.cells(appointment.side_of(DOCTOR.id if side == "doctor" else PATIENT.id))
    }


def test_the_models_deadline_is_the_domains() -> None:
    assert latest_answer(MONDAY, LATER) == MONDAY + 24 * HOUR
    assert latest_answer(MONDAY, MONDAY + HOUR) == MONDAY + HOUR / 2
