"""Every rule of the stateful clinic, in one day that is told and not drawn."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from adapters.memory import open_memory
from telemed_core.testing.clinic import clinic_machine
from telemed_core.testing.clinic_run import AGENDAS, appointment_of

MINUTE = timedelta(minutes=1)


class Day:
    """A clinic whose invariants are checked after each rule."""

    def __init__(self) -> None:
        self.clinic: Any = clinic_machine(open_memory)()
        self.act("begin", agenda=AGENDAS[0], bookings=[])

    def act(self, rule: str, **choices: Any) -> "Day":
        getattr(self.clinic, rule)(**choices)
        for invariant in (
            "the_store_is_what_the_model_says",
            "nobody_has_two_appointments_at_once",
            "the_ledger_is_the_union_of_what_is_held",
            "what_is_counted_is_what_is_unanswered",
            "what_is_listed_is_what_can_be_booked",
            "the_sums_are_those_of_the_ratings",
        ):
            getattr(self.clinic, invariant)()
        return self

    def request(
        self, *, process: int = 0, doctor: int = 0, patient: int = 0, hour: int = 5, lossy: bool = False
    ) -> "Day":
        return self.act("request", process=process, doctor=doctor, patient=patient, hour=hour, lossy=lossy)

    def on(self, rule: str, *, process: int = 0, pick: int = 1, **choices: Any) -> "Day":
        return self.act(rule, process=process, pick=pick, **choices)

    def accept(self, *, stale: bool = False) -> "Day":
        return self.on("accept", stale=stale, lossy=False)

    @property
    def states(self) -> list[str]:
        return [visit.status for visit in self.clinic.visits.values()]


@pytest.fixture
def day() -> Iterator[Day]:
    opened = Day()
    yield opened
    opened.clinic.teardown()


def test_bookings_are_there_from_the_start_and_some_accepted(day: Day) -> None:
    day.act("begin", agenda=AGENDAS[1], bookings=[(0, 0, 5, True), (0, 1, 5, True), (1, 1, 6, False)])
    assert day.states == ["confirmed", "requested"]


@pytest.mark.parametrize("lossy", [False, True])
def test_a_request_is_moved_refused_and_repeated(day: Day, lossy: bool) -> None:
    day.request(lossy=lossy).on("reschedule", side="patient", hour=7, lossy=lossy).accept(stale=True)
    day.on("refuse", lossy=lossy)
    assert day.states == ["refused"]
    for pick in range(3):
        day.act("repeat", process=2, pick=pick)
    day.act("time_passes", length=timedelta(hours=24)).act("repeat", process=0, pick=0)
    assert day.states == ["refused"]


@pytest.mark.parametrize("agree", [False, True])
def test_a_proposal_is_answered(day: Day, agree: bool) -> None:
    day.request().accept().on("propose", side="doctor", lossy=False)
    day.on("reschedule", side="doctor", hour=9, lossy=False)
    assert [bool(one.offer) for one in day.clinic.visits.values()] == [True]
    day.on("answer", side="patient", agree=agree, other=True, lossy=False)
    day.on("answer", side="patient", agree=agree, other=False, lossy=True)
    assert [bool(one.offer) for one in day.clinic.visits.values()] == [False]
    assert day.states == ["confirmed"]


def test_nothing_is_proposed_where_nothing_is_offered(day: Day) -> None:
    day.request().accept().act("block", process=0, doctor=0, hour=0, length=60 * 48, ending=False)
    day.on("propose", side="doctor", lossy=False)
    assert [one.offer for one in day.clinic.visits.values()] == [None]


def a_visit_in_progress(day: Day) -> Day:
    return day.request().accept().on("a_visit_begins", side="patient").on("join", side="doctor", down=False)


def test_a_visit_begins_and_is_completed(day: Day) -> None:
    a_visit_in_progress(day)
    assert day.states == ["in_progress"]
    day.on("join", side="doctor", down=False).on("complete", lossy=False)
    assert day.states == ["completed"]
    day.on("join", side="doctor", down=False)


def test_nobody_is_present_while_no_room_is_to_be_had(day: Day) -> None:
    day.request().accept().on("a_visit_begins", side="patient").on("join", side="doctor", down=True)
    assert day.states == ["confirmed"]
    day.on("join", side="doctor", down=False).on("join", side="doctor", down=True)
    assert day.states == ["in_progress"]


def test_a_room_that_dies_is_made_anew(day: Day) -> None:
    a_visit_in_progress(day).act("a_room_dies", pick=0)
    for side in ("doctor", "patient", "doctor"):
        day.on("join", side=side, down=False)
    assert [len(meetings) for meetings in day.clinic.meetings.values()] == [2]


@pytest.mark.parametrize("lossy", [False, True])
def test_a_completed_visit_is_rated_once_and_the_answer_is_repeated(day: Day, lossy: bool) -> None:
    a_visit_in_progress(day).on("rate", score=4, comment="a comment", lossy=False)
    assert day.clinic.ratings == {}
    day.on("complete", lossy=False).on("rate", score=6, comment=None, lossy=False)
    day.on("rate", score=4, comment="a comment", lossy=lossy).on("rate", pick=5, score=1, comment=None, lossy=False)
    assert [one.score for one in day.clinic.ratings.values()] == [4]
    day.act("repeat", process=1, pick=len(day.clinic.succeeded) - 1)


def test_the_ratings_of_a_doctor_are_summed(day: Day) -> None:
    for patient, score in enumerate((5, 2)):
        day.request(patient=patient).accept().act("a_visit_is_held", process=0, score=score)
        day.act("time_passes", length=timedelta(hours=1))
    assert [one.score for one in day.clinic.ratings.values()] == [5, 2]
    assert day.states == ["completed", "completed"]


def test_one_who_does_not_come_is_declared_absent(day: Day) -> None:
    day.request().accept().on("a_visit_begins", side="patient")
    day.act("time_reaches_an_edge", pick=1, which=2, off=-1).on("declare_absence", side="patient", lossy=False)
    assert day.states == ["confirmed"]
    day.act("time_reaches_an_edge", pick=1, which=2, off=0).on("declare_absence", side="doctor", lossy=False)
    day.on("declare_absence", side="patient", lossy=False)
    assert day.states == ["no_show"]


def test_what_nobody_answers_expires_and_is_taken_over_by_whoever_is_ahead(day: Day) -> None:
    day.request(hour=40).act("time_reaches_an_edge", pick=1, which=0, off=-1)
    day.on("cancel", process=1, side="patient", lossy=False)
    left = next(iter(day.clinic.visits.values()))
    hour = (left.start - day.clinic.clock.now().replace(minute=0, second=0)) // timedelta(hours=1)
    day.request(process=1, patient=1, hour=hour)
    assert day.states == ["expired", "requested"]
    day.act("sweep", process=0)
    assert day.states == ["expired", "requested"]


def test_a_lapsed_proposal_is_an_edge_of_time(day: Day) -> None:
    day.request(hour=40).accept().on("reschedule", side="doctor", hour=35, lossy=False)
    day.act("time_reaches_an_edge", pick=1, which=0, off=0).act("sweep", process=0)
    assert [one.offer for one in day.clinic.visits.values()] == [None]
    assert day.states == ["confirmed"]


@pytest.mark.parametrize("ending", [False, True])
def test_a_block_ends_what_it_overlaps_where_asked(day: Day, ending: bool) -> None:
    day.request().accept().act("block", process=0, doctor=0, hour=4, length=120, ending=ending)
    assert day.states == ["cancelled" if ending else "confirmed"]
    day.act("block", process=0, doctor=0, hour=20, length=1, ending=False)
    day.act("block", process=0, doctor=0, hour=30, length=1, ending=False)
    day.act("block", process=1, doctor=1, hour=0, length=1, ending=False)
    assert [len(blocks) for blocks in day.clinic.blocks.values()] == [2, 0]


def test_a_block_leaves_what_has_begun(day: Day) -> None:
    day.request().accept().on("a_visit_begins", side="patient")
    day.act("block", process=0, doctor=0, hour=0, length=60, ending=True)
    assert day.states == ["confirmed"]


def test_a_suspended_doctor_is_not_booked_and_does_not_accept(day: Day) -> None:
    day.request().act("verify", doctor=0, suspending=False).act("verify", doctor=0, suspending=True)
    day.request(patient=1, hour=8).accept()
    assert day.states == ["requested"]
    day.act("verify", doctor=0, suspending=False).accept()
    assert day.states == ["confirmed"]


def test_every_refusal_of_a_request_is_predicted(day: Day) -> None:
    for hour in (5, 6, 7, 8):
        day.request(hour=hour)
    assert day.states == ["requested"] * 3
    day.request(patient=1, hour=0)  # too soon
    day.request(patient=1, hour=24 * 61)  # too late
    day.request(patient=1, hour=5)  # taken
    day.request(doctor=1, patient=3, hour=9)  # the doctor's own
    day.accept().request(doctor=1, hour=5)  # the patient is busy
    day.act("edit_agenda", process=0, doctor=1, agenda=AGENDAS[1]).request(doctor=1, patient=1, hour=12)  # not offered
    assert len(day.states) == 3


def a_command_that_succeeds(*_: Any) -> Any:
    return object()


@pytest.mark.parametrize(
    ("expected", "command", "message"),
    [("slot_taken", a_command_that_succeeds, "succeeded")],
)
def test_an_outcome_that_was_not_predicted_is_told(
    day: Day, expected: str, command: Callable[..., Any], message: str
) -> None:
    with pytest.raises(AssertionError, match=message):
        day.clinic.act(0, expected, command, recall=appointment_of, lossy=False)
