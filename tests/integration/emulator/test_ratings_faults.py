"""Ratings and meetings on DynamoDB through faults: each is kept once, and counted once."""

import pytest

from adapters.aws.retrying import MOST_TRIES, Patience
from adapters.dynamodb.access import Dynamo
from adapters.dynamodb.meetings import DynamoMeetings
from adapters.dynamodb.ratings import DynamoRatings
from adapters.dynamodb.records import DynamoTexts
from adapters.dynamodb.tables import Tables
from integration.emulator.faulty import Fault, Faulty
from telemed_core.domain.ratings import RatingSum
from telemed_core.domain.receipts import ReplayedCommand
from telemed_core.errors import AlreadyRatedError, BusyError, NotFoundError, UnavailableError
from telemed_core.ports.services import Sealing
from telemed_core.testing.builders import a_doctor
from telemed_core.testing.contracts.meetings import a_meeting
from telemed_core.testing.contracts.ratings import a_rated
from unit.adapters.dynamodb_commits import command

OVERCOME = (
    *(Fault.CONFLICT, Fault.THROTTLED, Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.BROKEN, Fault.DELIVERED_TWICE),
)
WRITE = "TransactWriteItems"
DOCTOR = a_doctor()
RATED = a_rated(1, DOCTOR, score=4, comment="well")


@pytest.fixture
def dynamo(faulty: Faulty, tables: Tables) -> Dynamo:
    return Dynamo(faulty, tables, Patience(sleep=lambda _: None))


@pytest.fixture
def ratings(dynamo: Dynamo, sealing: Sealing) -> DynamoRatings:
    return DynamoRatings(dynamo, sealing)


@pytest.mark.parametrize("key", [None, "key"])
@pytest.mark.parametrize("fault", OVERCOME)
def test_what_can_be_overcome_is_and_it_counts_once(
    dynamo: Dynamo, faulty: Faulty, ratings: DynamoRatings, sealing: Sealing, fault: Fault, key: str | None
) -> None:
    faulty.plan(WRITE, fault)
    assert ratings.add(RATED, command=command(1, key=key)) == RATED.rating
    assert faulty.happened == {fault: 1}
    assert [*ratings.list(DOCTOR.id, limit=9)] == [RATED.rating]
    assert ratings.sums([DOCTOR.id]) == {DOCTOR.id: RatingSum(1, 4)}
    (text,) = RATED.texts
    assert DynamoTexts(dynamo, sealing).read([text.key]) == {text.key: "well"}


def test_contention_to_the_end_is_busy_and_nothing_is_kept(faulty: Faulty, ratings: DynamoRatings) -> None:
    faulty.plan(WRITE, *[Fault.CONFLICT] * MOST_TRIES)
    with pytest.raises(BusyError):
        ratings.add(RATED, command=command(1))
    with pytest.raises(NotFoundError):
        ratings.get(RATED.rating.appointment_id)
    assert (list(ratings.list(DOCTOR.id, limit=9)), ratings.sums([DOCTOR.id])) == ([], {})


@pytest.mark.parametrize(("key", "told"), [(None, None), ("key", ReplayedCommand)])
def test_who_was_not_answered_to_the_end_and_asks_again_finds_out(
    faulty: Faulty, ratings: DynamoRatings, key: str | None, told: type[ReplayedCommand] | None
) -> None:
    asked = command(1, key=key)
    faulty.plan(WRITE, Fault.LOST_AFTER, *[Fault.THROTTLED] * (MOST_TRIES - 1))
    with pytest.raises(UnavailableError):
        ratings.add(RATED, command=asked)
    if told is None:
        assert ratings.add(RATED, command=asked) == RATED.rating
    else:
        with pytest.raises(told):
            ratings.add(RATED, command=asked)
    assert ratings.sums([DOCTOR.id]) == {DOCTOR.id: RatingSum(1, 4)}


def test_a_repeat_is_told_before_that_the_visit_is_rated(ratings: DynamoRatings) -> None:
    ratings.add(RATED, command=command(1))
    with pytest.raises(ReplayedCommand):
        ratings.add(RATED, command=command(2))
    with pytest.raises(AlreadyRatedError):
        ratings.add(RATED, command=command(2, key="another"))


def test_round_trips(faulty: Faulty, ratings: DynamoRatings) -> None:
    ratings.add(RATED, command=command(1))
    assert faulty.sent == {WRITE: 1}
    faulty.forget()
    ratings.list(DOCTOR.id, limit=9)
    ratings.sums([DOCTOR.id, *(a_doctor(number).id for number in range(2, 60))])
    assert faulty.sent == {"Query": 1, "BatchGetItem": 1}


@pytest.mark.parametrize("fault", OVERCOME)
def test_a_meeting_is_put_once_whatever_becomes_of_the_answer(dynamo: Dynamo, faulty: Faulty, fault: Fault) -> None:
    meetings = DynamoMeetings(dynamo)
    for meeting in (a_meeting("first"), a_meeting("second", generation=2)):
        faulty.forget()
        faulty.plan("PutItem", fault)
        assert meetings.put(meeting) == meeting
        assert faulty.happened == {fault: 1}
        assert meetings.put(a_meeting("late", generation=meeting.generation)) == meeting
        assert meetings.of(meeting.appointment_id) == meeting
