"""Patients rate completed visits once, and everybody reads it."""

from datetime import timedelta

import pytest

from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import Idempotency
from telemed_core.domain.doctor import Decision, Doctor
from telemed_core.domain.ids import DoctorId
from telemed_core.domain.patient import Patient
from telemed_core.domain.ratings import UNRATED, Rating, RatingSum
from telemed_core.domain.receipts import ReplayedCommand
from telemed_core.domain.texts import TextKey
from telemed_core.errors import (
    AlreadyRatedError,
    IdempotencyKeyReusedError,
    InvalidError,
    InvalidTransitionError,
    NotFoundError,
    UnavailableError,
)
from telemed_core.testing.builders import an_administrator
from telemed_core.testing.contracts.suite import confirmed
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.faults import After, Faulty
from telemed_core.testing.wiring import Clinic

HOUR = timedelta(hours=1)


def completed(clinic: Clinic, doctor: Doctor, patient: Patient) -> Appointment:
    """A visit that both came to, tomorrow."""
    visit = confirmed(clinic, doctor, patient)
    assert isinstance(clinic.clock, SettableClock)
    clinic.clock.set(visit.visit.start)
    for actor in (doctor, patient):
        clinic.join_visit(appointment_id=visit.id, actor=actor)
    return clinic.complete_visit(appointment_id=visit.id, doctor=doctor)


def sums(clinic: Clinic, doctor: Doctor) -> RatingSum:
    return clinic.sum_ratings([doctor.id])[doctor.id]


def test_a_completed_visit_is_rated_with_a_comment(clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
    visit = completed(clinic, doctor, patient)
    rating = clinic.rate_visit(appointment_id=visit.id, patient=patient, score=4, comment=" kind ")
    assert rating == Rating(
        appointment_id=visit.id,
        doctor_id=doctor.id,
        score=4,
        comment=TextKey(visit.id, 0),
        at=clinic.clock.now(),
    )
    assert clinic.read_comments([rating]) == {rating.comment: "kind"}
    assert clinic.list_ratings(doctor_id=doctor.id, viewer=patient) == [rating]
    assert sums(clinic, doctor) == RatingSum(1, 4)


def test_a_visit_that_time_completed_is_rated_swept_or_not(
    clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient
) -> None:
    visit = confirmed(clinic, doctor, patient)
    clock.set(visit.visit.start)
    for actor in (doctor, patient):
        clinic.join_visit(appointment_id=visit.id, actor=actor)
    with pytest.raises(InvalidTransitionError):
        clinic.rate_visit(appointment_id=visit.id, patient=patient, score=5)
    clock.set(visit.visit.end + HOUR / 6)
    assert clinic.rate_visit(appointment_id=visit.id, patient=patient, score=5).comment is None
    clinic.sweep()
    with pytest.raises(AlreadyRatedError):
        clinic.rate_visit(appointment_id=visit.id, patient=patient, score=5)


def test_only_its_patient_rates_a_visit_and_once(clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
    visit = completed(clinic, doctor, patient)
    with pytest.raises(NotFoundError):
        clinic.rate_visit(appointment_id=visit.id, patient=clinic.patient(2), score=1)
    clinic.rate_visit(appointment_id=visit.id, patient=patient, score=5)
    with pytest.raises(AlreadyRatedError):
        clinic.rate_visit(appointment_id=visit.id, patient=patient, score=1)
    assert sums(clinic, doctor) == RatingSum(1, 5)


@pytest.mark.parametrize(("score", "comment"), [(0, None), (6, None), (3, "x" * 501), (3, "a\0b")])
def test_a_refused_rating_counts_nothing(
    clinic: Clinic, doctor: Doctor, patient: Patient, score: int, comment: str | None
) -> None:
    visit = completed(clinic, doctor, patient)
    with pytest.raises(InvalidError):
        clinic.rate_visit(appointment_id=visit.id, patient=patient, score=score, comment=comment)
    assert sums(clinic, doctor) == UNRATED
    with pytest.raises(NotFoundError):
        clinic.stores.ratings.get(visit.id)


def test_a_rating_under_a_used_key_is_recalled_and_counted_once(
    clinic: Clinic, doctor: Doctor, patient: Patient
) -> None:
    visit = completed(clinic, doctor, patient)

    def rate(fingerprint: str) -> Rating:
        key = Idempotency(patient.id, "key", fingerprint)
        return clinic.rate_visit(appointment_id=visit.id, patient=patient, score=2, comment="cold", idempotency=key)

    rating = rate("first")
    with pytest.raises(ReplayedCommand) as replayed:
        rate("first")
    assert clinic.recall_rating(replayed.value.receipt) == rating
    with pytest.raises(IdempotencyKeyReusedError):
        rate("second")
    assert sums(clinic, doctor) == RatingSum(1, 2)


def test_a_rating_whose_answer_was_lost_is_found_by_its_key(clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
    visit = completed(clinic, doctor, patient)
    lost = clinic.beside(ratings=Faulty(clinic.stores.ratings, {"add": [After(UnavailableError())]}).port)
    key = Idempotency(patient.id, "key", "print")
    with pytest.raises(ReplayedCommand) as replayed:
        lost.rate_visit(appointment_id=visit.id, patient=patient, score=5, idempotency=key)
    assert clinic.recall_rating(replayed.value.receipt).score == 5
    assert sums(clinic, doctor) == RatingSum(1, 5)


def test_ratings_are_listed_newest_first_and_page_by_page(clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
    given = []
    for score in (1, 2, 3):
        visit = completed(clinic, doctor, patient)
        given.append(clinic.rate_visit(appointment_id=visit.id, patient=patient, score=score))
    first = clinic.list_ratings(doctor_id=doctor.id, viewer=patient, limit=2)
    assert first == [given[2], given[1]]
    after = (first[-1].at, first[-1].appointment_id)
    assert clinic.list_ratings(doctor_id=doctor.id, viewer=patient, after=after, limit=2) == [given[0]]
    assert sums(clinic, doctor) == RatingSum(3, 6)


def test_the_ratings_of_a_doctor_who_is_not_approved_are_seen_by_themself_and_administrators(
    clinic: Clinic, doctor: Doctor, patient: Patient
) -> None:
    visit, root = completed(clinic, doctor, patient), an_administrator()
    rating = clinic.rate_visit(appointment_id=visit.id, patient=patient, score=5)
    clinic.verify_doctor(doctor_id=doctor.id, decision=Decision.SUSPEND, reason="expired", actor=root)
    for viewer in (doctor, root):
        assert clinic.list_ratings(doctor_id=doctor.id, viewer=viewer) == [rating]
    for doctor_id in (doctor.id, DoctorId("nobody")):
        with pytest.raises(NotFoundError):
            clinic.list_ratings(doctor_id=doctor_id, viewer=patient)


def test_sums_are_read_at_once_and_comments_too(clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
    other = clinic.doctor(2)
    visit = completed(clinic, doctor, patient)
    rating = clinic.rate_visit(appointment_id=visit.id, patient=patient, score=3, comment="late")
    counted = Faulty(clinic.stores.ratings, {})
    texts = Faulty(clinic.stores.texts, {})
    beside = clinic.beside(ratings=counted.port, texts=texts.port)
    assert beside.sum_ratings([doctor.id, other.id]) == {doctor.id: RatingSum(1, 3), other.id: UNRATED}
    assert beside.sum_ratings([]) == {}
    assert counted.calls == ["sums"]
    assert list(beside.read_comments([rating, rating]).values()) == ["late"]
    assert beside.read_comments([]) == {}
    assert texts.calls == ["read"]
