"""The visit: presence, absence, completion and rating."""

from datetime import datetime, timedelta

import pytest

from telemed_core.domain import visit
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.events import Absent, Side
from telemed_core.domain.ids import AccountId
from telemed_core.domain.status import Status
from telemed_core.domain.texts import Text, TextKey
from telemed_core.errors import (
    InvalidError,
    InvalidTransitionError,
    JoinWindowClosedError,
    NotPresentError,
    TooEarlyError,
)
from telemed_core.testing.builders import MONDAY
from unit.domain.lives import (
    DOCTOR,
    HOUR,
    MINUTE,
    PATIENT,
    START,
    STATES,
    TICK,
    confirmed,
    proposing,
    requested,
    started,
)


def present(account: AccountId, *, now: datetime = START) -> Appointment:
    return visit.join(confirmed(), by=account, now=now).after


def completed() -> Appointment:
    return visit.complete(started(), by=DOCTOR.id, now=START + HOUR / 2).after


@pytest.mark.parametrize("account", [DOCTOR.id, PATIENT.id])
def test_a_side_joins_from_ten_minutes_before_the_start(account: AccountId) -> None:
    opens = START - 10 * MINUTE
    with pytest.raises(JoinWindowClosedError) as refused:
        present(account, now=opens - TICK)
    assert refused.value.opens_at == opens
    joined = present(account, now=opens)
    assert {joined.doctor_joined_at, joined.patient_joined_at} == {opens, None}
    assert joined.status is Status.CONFIRMED


def test_nobody_joins_once_the_visit_is_closed() -> None:
    closes = START + 60 * MINUTE
    assert present(DOCTOR.id, now=closes - TICK).doctor_joined_at
    with pytest.raises(JoinWindowClosedError):
        present(DOCTOR.id, now=closes)
    with pytest.raises(JoinWindowClosedError):
        visit.join(completed(), by=PATIENT.id, now=START + HOUR / 2)


@pytest.mark.parametrize(("first", "second"), [(DOCTOR.id, PATIENT.id), (PATIENT.id, DOCTOR.id)])
def test_the_second_to_come_starts_the_visit_and_coming_again_changes_nothing(
    first: AccountId, second: AccountId
) -> None:
    once = present(first)
    assert visit.join(once, by=first, now=START + MINUTE).events == ()
    commit = visit.join(once, by=second, now=START + MINUTE)
    assert [(event.name, event.by) for event in commit.events][1:] == [("started", Side.SYSTEM)]
    assert commit.after.status is Status.IN_PROGRESS
    assert (commit.claims, commit.quotas) == ((), ())
    assert visit.join(commit.after, by=first, now=START + HOUR / 2).events == ()


def test_an_open_proposal_lapses_when_the_visit_starts() -> None:
    once = proposing(present(DOCTOR.id, now=START - 10 * MINUTE), START + 24 * HOUR, now=START - 9 * MINUTE).after
    commit = visit.join(once, by=PATIENT.id, now=START - 8 * MINUTE)
    assert [event.name for event in commit.events] == ["joined", "lapsed", "started"]
    assert commit.after.proposal is None
    assert commit.after.cells(Side.DOCTOR) == confirmed().cells(Side.DOCTOR)


@pytest.mark.parametrize(("account", "absent"), [(DOCTOR.id, Absent.PATIENT), (PATIENT.id, Absent.DOCTOR)])
def test_the_side_that_is_present_declares_the_other_absent_after_15_minutes(
    account: AccountId, absent: Absent
) -> None:
    due = START + 15 * MINUTE
    with pytest.raises(TooEarlyError):
        visit.declare_absence(present(account), by=account, now=due - TICK)
    missed = visit.declare_absence(present(account), by=account, now=due).after
    assert (missed.status, missed.absent) == (Status.NO_SHOW, absent)


def test_a_side_that_has_not_come_declares_nothing() -> None:
    with pytest.raises(NotPresentError):
        visit.declare_absence(present(DOCTOR.id), by=PATIENT.id, now=START + HOUR / 2)
    with pytest.raises(NotPresentError):
        visit.declare_absence(present(PATIENT.id), by=DOCTOR.id, now=START + HOUR / 2)
    with pytest.raises(InvalidTransitionError):
        visit.declare_absence(started(), by=DOCTOR.id, now=START + HOUR / 2)


def test_completing_frees_the_time() -> None:
    commit = visit.complete(started(), by=DOCTOR.id, now=START + MINUTE)
    assert {claim.after for claim in commit.claims} == {None}
    assert [(quota.pending, quota.live) for quota in commit.quotas] == [(0, -1)]


@pytest.mark.parametrize("state", [*STATES, "present"])
def test_a_visit_is_open_exactly_while_one_may_join_it(state: str) -> None:
    appointment = (STATES | {"present": lambda: present(PATIENT.id)})[state]()
    opens, closes = START - 10 * MINUTE, START + 60 * MINUTE
    for now in (MONDAY, opens - TICK, opens, START, closes - TICK, closes, closes + HOUR):
        try:
            visit.join(appointment, by=DOCTOR.id, now=now)
            joinable = True
        except (JoinWindowClosedError, InvalidTransitionError):
            joinable = False
        assert visit.is_open(appointment, now=now) is joinable, now
    assert visit.is_open(appointment, now=opens) is (state in {"confirmed", "proposed", "in_progress", "present"})


@pytest.mark.parametrize("score", [1, 5])
def test_a_patient_rates_a_completed_visit(score: int) -> None:
    rated = visit.rate(completed(), by=PATIENT.id, score=score, comment=" good ", now=START + HOUR)
    rating = rated.rating
    key = TextKey(completed().id, 0)
    assert (rating.score, rating.comment, rating.appointment_id) == (score, key, completed().id)
    assert (rating.doctor_id, rating.at) == (DOCTOR.id, START + HOUR)
    assert rated.texts == (Text(key, "good"),)
    assert "good" not in repr(rated)


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_a_rating_without_words_keeps_no_text(nothing: str | None) -> None:
    rated = visit.rate(completed(), by=PATIENT.id, score=3, comment=nothing, now=START)
    assert (rated.rating.comment, rated.texts) == (None, ())


def test_a_comment_may_have_lines_and_500_characters() -> None:
    said = "a\n" * 249 + "bc"
    rated = visit.rate(completed(), by=PATIENT.id, score=3, comment=said, now=START)
    assert [text.body for text in rated.texts] == [said]


def test_a_visit_that_was_swept_can_be_rated_and_another_cannot() -> None:
    later = START + timedelta(days=1)
    assert visit.rate(started(), by=PATIENT.id, score=3, comment=None, now=later).rating.score == 3
    for appointment, account in ((started(), PATIENT.id), (requested(), PATIENT.id), (completed(), DOCTOR.id)):
        with pytest.raises(InvalidTransitionError):
            visit.rate(appointment, by=account, score=3, comment=None, now=MONDAY)  # type: ignore[arg-type] # the doctor's too


@pytest.mark.parametrize(
    ("score", "comment", "field"), [(0, None, "score"), (6, None, "score"), (3, "x" * 501, "comment")]
)
def test_a_rating_out_of_bounds_is_refused_by_name(score: int, comment: str | None, field: str) -> None:
    with pytest.raises(InvalidError) as refused:
        visit.rate(completed(), by=PATIENT.id, score=score, comment=comment, now=START + HOUR)
    assert refused.value.fields[0].field == field
