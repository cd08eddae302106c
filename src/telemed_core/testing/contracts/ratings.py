"""The contract of ``Ratings``."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest

from telemed_core.domain.commit import Idempotency
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import AppointmentId, DoctorId
from telemed_core.domain.patient import Patient
from telemed_core.domain.ratings import Rated, Rating, RatingSum
from telemed_core.domain.receipts import ReplayedCommand
from telemed_core.domain.texts import Text, TextKey
from telemed_core.errors import AlreadyRatedError, IdempotencyKeyReusedError, NotFoundError
from telemed_core.ports.storage import Stores
from telemed_core.testing.builders import MONDAY
from telemed_core.testing.contracts.races import ROUNDS, at_once
from telemed_core.testing.contracts.suite import Suite
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import Clinic

INSTANT = timedelta(microseconds=1)
WRITTEN = "Très bien, obrigado: 10/10 \U0001f600\n\tand 'so' \"on\""


def a_rated(number: int, doctor: Doctor, *, score: int = 4, comment: str | None = None, at: datetime = MONDAY) -> Rated:
    """The rating of visit ``number``."""
    visit = AppointmentId(f"visit-{number}")
    texts = () if comment is None else (Text(TextKey(visit, 0), comment),)
    key = texts[0].key if texts else None
    return Rated(Rating(appointment_id=visit, doctor_id=doctor.id, score=score, comment=key, at=at), texts)


def everything(stores: Stores, doctor: Doctor) -> Any:
    """What an ``add`` could have changed."""
    ratings = stores.ratings.list(doctor.id, limit=99)
    keys = {TextKey(AppointmentId(f"visit-{number}"), 0) for number in range(12)}
    return list(ratings), dict(stores.ratings.sums([doctor.id])), dict(stores.texts.read(keys))


class RatingsContract(Suite):
    """Ratings by visit, and their sums by doctor."""

    def test_a_rating_is_kept_with_what_was_written(self, clinic: Clinic, doctor: Doctor) -> None:
        ratings, at = clinic.stores.ratings, MONDAY + INSTANT
        written = a_rated(1, doctor, score=5, comment=WRITTEN, at=at)
        silent = a_rated(2, doctor, score=1, at=at)
        for rated in (written, silent):
            assert ratings.add(rated, command=clinic.command()) == rated.rating
            assert ratings.get(rated.rating.appointment_id) == rated.rating
        (text,) = written.texts
        assert clinic.stores.texts.read([text.key, TextKey(AppointmentId("visit-2"), 0)]) == {text.key: WRITTEN}

    def test_a_visit_without_a_rating_has_none(self, clinic: Clinic, doctor: Doctor) -> None:
        clinic.stores.ratings.add(a_rated(1, doctor), command=clinic.command())
        with pytest.raises(NotFoundError):
            clinic.stores.ratings.get(AppointmentId("visit-2"))

    def test_each_rating_counts_for_its_doctor(self, clinic: Clinic, doctor: Doctor) -> None:
        other, unrated, ratings = clinic.doctor(2), clinic.doctor(3), clinic.stores.ratings
        for number, score in enumerate((5, 1, 4)):
            ratings.add(a_rated(number, doctor, score=score), command=clinic.command())
        ratings.add(a_rated(9, other, score=2), command=clinic.command())
        everybody = [doctor.id, other.id, unrated.id, DoctorId("unknown")]
        assert ratings.sums(everybody) == {doctor.id: RatingSum(3, 10), other.id: RatingSum(1, 2)}
        assert ratings.sums([other.id]) == {other.id: RatingSum(1, 2)}
        assert ratings.sums([unrated.id]) == {}
        assert ratings.sums([]) == {}

    def test_a_visit_is_rated_once_and_a_refused_rating_leaves_nothing(
        self, clinic: Clinic, doctor: Doctor, patient: Patient
    ) -> None:
        clinic.stores.ratings.add(a_rated(1, doctor), command=clinic.command())
        before, key = everything(clinic.stores, doctor), Idempotency(patient.id, "key", "print")
        for again in (a_rated(1, doctor, score=1, comment="not so well"), a_rated(1, doctor)):
            with pytest.raises(AlreadyRatedError):
                clinic.stores.ratings.add(again, command=clinic.command(key))
            assert everything(clinic.stores, doctor) == before
            assert clinic.stores.receipts.find(key, now=MONDAY) is None

    def test_a_repeat_under_the_same_key_changes_nothing_and_names_the_visit(
        self, clinic: Clinic, doctor: Doctor, patient: Patient
    ) -> None:
        key = Idempotency(patient.id, "key", "print")
        rated, command = a_rated(1, doctor, comment="well"), clinic.command(key)
        rating = clinic.stores.ratings.add(rated, command=command)
        before = everything(clinic.stores, doctor)
        for again in (rated, a_rated(2, doctor, comment="very well")):
            with pytest.raises(ReplayedCommand) as replayed:
                clinic.stores.ratings.add(again, command=clinic.command(key))
            receipt = replayed.value.receipt
            assert (receipt.command_id, receipt.idempotency, receipt.at) == (command.id, key, command.at)
            assert clinic.recall_rating(receipt) == rating
            assert everything(clinic.stores, doctor) == before

    def test_something_else_under_the_key_is_refused_for_a_day(
        self, clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient
    ) -> None:
        key = Idempotency(patient.id, "key", "print")
        clinic.stores.ratings.add(a_rated(1, doctor), command=clinic.command(key))
        before, other = everything(clinic.stores, doctor), attrs.evolve(key, fingerprint="other")
        clock.advance(timedelta(hours=24) - INSTANT)
        with pytest.raises(IdempotencyKeyReusedError):
            clinic.stores.ratings.add(a_rated(2, doctor), command=clinic.command(other))
        assert everything(clinic.stores, doctor) == before
        clock.advance(INSTANT)
        rating = clinic.stores.ratings.add(a_rated(2, doctor), command=clinic.command(other))
        receipt = clinic.stores.receipts.find(other, now=clock.now())
        assert receipt is not None
        assert clinic.recall_rating(receipt) == rating

    def test_the_same_command_again_gives_its_first_outcome(self, clinic: Clinic, doctor: Doctor) -> None:
        rated, command = a_rated(1, doctor, comment="well"), clinic.command()
        first = clinic.stores.ratings.add(rated, command=command)
        before = everything(clinic.stores, doctor)
        assert clinic.stores.ratings.add(rated, command=command) == first
        assert everything(clinic.stores, doctor) == before

    def test_a_doctors_ratings_come_newest_first_and_by_visit_where_they_are_of_one_instant(
        self, clinic: Clinic, doctor: Doctor
    ) -> None:
        instants = {1: MONDAY, 2: MONDAY + INSTANT, 3: MONDAY, 4: MONDAY - timedelta(days=1), 5: MONDAY + 2 * INSTANT}
        other = clinic.doctor(2)
        clinic.stores.ratings.add(a_rated(9, other), command=clinic.command())
        for number, at in instants.items():
            clinic.stores.ratings.add(a_rated(number, doctor, at=at, comment="well"), command=clinic.command())
        found = clinic.stores.ratings.list(doctor.id, limit=9)
        assert list(found) == [a_rated(one, doctor, at=instants[one], comment="well").rating for one in (5, 2, 3, 1, 4)]
        assert [one.appointment_id for one in clinic.stores.ratings.list(other.id, limit=9)] == ["visit-9"]
        assert list(clinic.stores.ratings.list(DoctorId("unknown"), limit=9)) == []

    @pytest.mark.parametrize("limit", [1, 2, 3])
    def test_pages_of_ratings_make_the_whole(self, clinic: Clinic, doctor: Doctor, limit: int) -> None:
        for number in range(6):
            at = MONDAY + INSTANT * (number // 3)
            clinic.stores.ratings.add(a_rated(number, doctor, at=at), command=clinic.command())
        whole: Sequence[Rating] = clinic.stores.ratings.list(doctor.id, limit=99)
        for start in range(len(whole) + 1):
            last = whole[start - 1] if start else None
            after = (last.at, last.appointment_id) if last else None
            page = clinic.stores.ratings.list(doctor.id, after=after, limit=limit)
            assert list(page) == list(whole[start : start + limit])

    def test_the_sum_is_a_fold_of_what_many_have_rated_at_once(self, clinic: Clinic, doctor: Doctor) -> None:
        for beat in range(ROUNDS):
            rated = [a_rated(8 * beat + one, doctor, score=one % 5 + 1) for one in range(8)]
            answers = at_once(
                [lambda one=one: clinic.stores.ratings.add(one, command=clinic.command()) for one in rated]  # type: ignore[misc] # mypy cannot infer a lambda's default
            )
            assert answers == [one.rating for one in rated]
            found = clinic.stores.ratings.list(doctor.id, limit=99)
            assert len(found) == 8 * (beat + 1)
            folded = RatingSum(len(found), sum(one.score for one in found))
            assert clinic.stores.ratings.sums([doctor.id]) == {doctor.id: folded}

    def test_of_two_who_rate_one_visit_at_once_one_does(self, clinic: Clinic, doctor: Doctor) -> None:
        total = 0
        for number in range(ROUNDS):
            both = [a_rated(number, doctor, score=score, comment=f"{score} of 5") for score in (1, 5)]
            answers = at_once(
                [lambda one=one: clinic.stores.ratings.add(one, command=clinic.command()) for one in both]  # type: ignore[misc] # mypy cannot infer a lambda's default
            )
            assert [type(one) for one in answers if not isinstance(one, Rating)] == [AlreadyRatedError]
            (rating,) = (one for one in answers if isinstance(one, Rating))
            assert clinic.stores.ratings.get(rating.appointment_id) == rating
            key = TextKey(rating.appointment_id, 0)
            assert clinic.stores.texts.read([key]) == {key: f"{rating.score} of 5"}
            total += rating.score
            assert clinic.stores.ratings.sums([doctor.id]) == {doctor.id: RatingSum(number + 1, total)}

    def test_of_parallel_repeats_under_one_key_one_rates(
        self, clinic: Clinic, doctor: Doctor, patient: Patient
    ) -> None:
        key, rated = Idempotency(patient.id, "key", "print"), a_rated(1, doctor, score=3)
        answers = at_once([lambda: clinic.stores.ratings.add(rated, command=clinic.command(key))] * 6)
        assert [one for one in answers if not isinstance(one, ReplayedCommand)] == [rated.rating]
        assert {one.receipt.subject for one in answers if isinstance(one, ReplayedCommand)} == {"visit-1"}
        assert clinic.stores.ratings.sums([doctor.id]) == {doctor.id: RatingSum(1, 3)}
