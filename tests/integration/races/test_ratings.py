"""Raters of one doctor at the same time: none is lost, none counts twice, and of those of one visit one counts."""

from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
from sqlalchemy import create_engine, text

from adapters.memory import open_memory
from integration.races.conftest import Shared
from integration.races.visits import completed
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.patient import Patient
from telemed_core.domain.ratings import Rating, RatingSum
from telemed_core.errors import AlreadyRatedError
from telemed_core.ports.storage import Stores
from telemed_core.testing.contracts.races import at_once
from telemed_core.testing.wiring import Clinic, a_clinic

RATERS = 8
OWN = 4
CONTESTED = 8


def assert_the_sum_is_a_fold(stores: Stores, doctor: Doctor, visits: list[Appointment]) -> list[Rating]:
    """Each visit has one rating, with its words, and the sum is theirs."""
    ratings = [stores.ratings.get(visit.id) for visit in visits]
    newest = sorted(ratings, key=lambda one: (one.at, one.appointment_id), reverse=True)
    assert list(stores.ratings.list(doctor.id, limit=1000)) == newest
    assert dict(stores.ratings.sums([doctor.id])) == {
        doctor.id: RatingSum(len(ratings), sum(one.score for one in ratings))
    }
    keys = {one.comment for one in ratings if one.comment}
    assert {*stores.texts.read(keys).values()} == {"a comment"}
    assert len(keys) == len(visits)
    return ratings


def test_8_processes_rate_their_own_visits_and_each_others(shared: Shared) -> None:
    [doctor], patients = shared.doctors(1), shared.patients(RATERS)
    own = completed(shared.clinic, doctor, patients * OWN + patients[:CONTESTED])
    own, contested = own[: RATERS * OWN], own[RATERS * OWN :]
    each = [
        {
            "appointments": [*(visit.id for visit in own[number::RATERS]), *(visit.id for visit in contested)],
            "patients": [patients[number].id] * OWN + [patient.id for patient in patients[:CONTESTED]],
            "score": 1 + number % 5,
        }
        for number in range(RATERS)
    ]
    answers = [answer["codes"] for answer in shared.all_at_once("rate", each)]
    assert {code for codes in answers for code in codes[:OWN]} == {"done"}
    for turn in range(OWN, OWN + CONTESTED):
        assert Counter(codes[turn] for codes in answers) == {"done": 1, "already_rated": RATERS - 1}
    ratings = assert_the_sum_is_a_fold(shared.stores, doctor, [*own, *contested])
    assert [one.score for one in ratings[: RATERS * OWN]] == [1 + number % 5 for number in range(RATERS)] * OWN
    winners = [
        next(number for number in range(RATERS) if answers[number][turn] == "done")
        for turn in range(OWN, OWN + CONTESTED)
    ]
    assert [one.score for one in ratings[RATERS * OWN :]] == [1 + winner % 5 for winner in winners]
    print(f"won by {sorted(Counter(winners).items())}")
    _the_control_loses_some(shared)


def _the_control_loses_some(shared: Shared) -> None:
    """Without it the test would prove nothing: these processes do come at the same time."""
    engine = create_engine(shared.url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE control (slot integer)"))
        connection.execute(text("INSERT INTO control VALUES (0)"))
    times = 100
    shared.all_at_once("add_up", [{"times": times}] * RATERS)
    with engine.begin() as connection:
        total = connection.execute(text("SELECT slot FROM control")).scalar_one()
    engine.dispose()
    print(f"read-then-write kept {total} of {RATERS * times}")
    assert total < RATERS * times


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "memory":
        return open_memory()
    opened: Stores = request.getfixturevalue(f"open_fresh_{request.param}")()
    return opened


def rate(clinic: Clinic, visit: Appointment, patient: Patient, score: int) -> Callable[[], Rating]:
    return partial(
        clinic.beside().rate_visit, appointment_id=visit.id, patient=patient, score=score, comment="a comment"
    )


def test_8_threads_rate_one_doctor_and_then_one_visit(stores: Stores) -> None:
    clinic = a_clinic(stores)
    doctor, patients = clinic.doctor(), [clinic.patient(number) for number in range(1, RATERS + 1)]
    *own, contested = completed(clinic, doctor, [*patients, patients[0]])
    rated = at_once([rate(clinic, own[number], patients[number], 1 + number % 5) for number in range(RATERS)])
    assert [one for one in rated if not isinstance(one, Rating)] == []
    rated = at_once([rate(clinic, contested, patients[0], 1 + number % 5) for number in range(RATERS)])
    assert sorted(type(one).__name__ for one in rated) == [AlreadyRatedError.__name__] * (RATERS - 1) + ["Rating"]
    assert_the_sum_is_a_fold(stores, doctor, [*own, contested])
