"""What is said about visits: the way into a meeting, an absence, a rating."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from telemed_core.domain.ids import AppointmentId, AttendeeId, DoctorId, MeetingId
from telemed_core.domain.meetings import Attendee, Provider, Room
from telemed_core.domain.ratings import Rating
from telemed_core.domain.texts import TextKey
from telemed_core.errors import InvalidError
from telemed_core.messages.meetings import (
    AbsenceDeclaration,
    VisitRating,
    joined_view,
    rating_view,
    rating_views,
)
from telemed_core.messages.parsing import parse
from telemed_core.testing.builders import MONDAY
from unit.domain.lives import confirmed

VISIT = confirmed()
STUN = {"urls": ["stun:stun.example.org"]}
TURN = {"urls": ["turn:turn.example.org", "turns:turn.example.org"], "username": "u", "credential": "ice-secret"}
ATTENDEE = Attendee(id=AttendeeId("t1"), details={"token": "attendee-secret", "ice_servers": [STUN, TURN]})

CHIMES_ATTENDEE = Attendee(id=AttendeeId("t1"), details={"AttendeeId": "t1", "JoinToken": "join-secret"})


def room(provider: Provider) -> Room:
    return Room(provider=provider, id=MeetingId("m1"), details={})


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


WINDOW = {
    "opens_at": stamp(VISIT.visit.start - timedelta(minutes=10)),
    "closes_at": stamp(VISIT.visit.end + timedelta(minutes=10)),
}


def test_a_meeting_of_two_browsers_says_where_they_signal_and_by_which_servers_they_find_each_other() -> None:
    view = joined_view(VISIT, room(Provider.WEBRTC), ATTENDEE)
    assert view.model_dump(mode="json") == {
        "provider": "webrtc",
        "meeting": {"id": "m1", "signalling": "/v1/meetings/m1/signal"},
        "attendee": {
            "id": "t1",
            "token": "attendee-secret",
            "ice_servers": [{**STUN, "username": None, "credential": None}, TURN],
        },
        **WINDOW,
    }


def test_a_meeting_without_media_has_ids_alone() -> None:
    view = joined_view(VISIT, room(Provider.MEMORY), Attendee(id=AttendeeId("t1")))
    assert view.model_dump(mode="json") == {
        "provider": "memory",
        "meeting": {"id": "m1"},
        "attendee": {"id": "t1"},
        **WINDOW,
    }


def test_a_meeting_on_chime_is_told_as_chimes_client_takes_it() -> None:
    meeting = {"MeetingId": "m1", "MediaPlacement": {"AudioHostUrl": "audio.example:3478"}, "Coming": [1, None]}
    described = Room(provider=Provider.CHIME, id=MeetingId("m1"), details=meeting)
    view = joined_view(VISIT, described, CHIMES_ATTENDEE)
    assert view.model_dump(mode="json") == {
        "provider": "chime",
        "meeting": {"id": "m1", "chime": meeting},
        "attendee": {"id": "t1", "chime": {"AttendeeId": "t1", "JoinToken": "join-secret"}},
        **WINDOW,
    }


def test_what_lets_a_person_in_is_never_printed() -> None:
    assert "secret" not in repr(joined_view(VISIT, room(Provider.WEBRTC), ATTENDEE))
    assert "secret" not in repr(joined_view(VISIT, room(Provider.CHIME), CHIMES_ATTENDEE))


def a_rating(number: int, comment: TextKey | None = None) -> Rating:
    at = MONDAY + timedelta(minutes=number, microseconds=1)
    return Rating(
        appointment_id=AppointmentId(f"a{number}"), doctor_id=DoctorId("d1"), score=number, comment=comment, at=at
    )


def test_a_rating_is_shown_without_whose_it_is() -> None:
    assert rating_view(a_rating(4), "Took her time.").model_dump(mode="json") == {
        "score": 4,
        "comment": "Took her time.",
        "created_at": stamp(MONDAY + timedelta(minutes=4)),
    }


def test_ratings_are_shown_with_the_comments_that_are_theirs() -> None:
    keys = [TextKey(AppointmentId(f"a{number}"), 0) for number in (1, 2, 3)]
    ratings = [a_rating(1, keys[0]), a_rating(2, keys[1]), a_rating(3)]
    found = rating_views(ratings, {keys[0]: "one", keys[2]: "three"})
    assert [(one.score, one.comment) for one in found] == [(1, "one"), (2, None), (3, None)]


@pytest.mark.parametrize("score", [1, 5])
def test_a_score_is_a_whole_number_from_1_to_5(score: int) -> None:
    assert parse(VisitRating, {"score": score}) == VisitRating(score=score, comment=None)


@pytest.mark.parametrize("score", [0, 6, -1, 4.5, 5.0, "5", True, None, [5], 10**20])
def test_another_score_is_refused_by_name(score: Any) -> None:
    with pytest.raises(InvalidError) as refused:
        parse(VisitRating, {"score": score})
    assert [one.field for one in refused.value.fields] == ["score"]


def test_a_comment_is_cleaned_and_may_be_empty() -> None:
    assert parse(VisitRating, {"score": 1, "comment": " Took\nher time.\t"}).comment == "Took\nher time."
    assert parse(VisitRating, {"score": 1, "comment": " "}).comment == ""
    assert len(parse(VisitRating, {"score": 1, "comment": "x" * 500}).comment or "") == 500


@pytest.mark.parametrize("comment", ["x" * 501, "a\u202eb", "a\0b", 5, ["a"]])
def test_a_comment_that_is_none_is_refused_by_name(comment: Any) -> None:
    with pytest.raises(InvalidError) as refused:
        parse(VisitRating, {"score": 1, "comment": comment})
    assert [one.field for one in refused.value.fields] == ["comment"]


def test_what_patients_write_is_never_printed() -> None:
    assert "her time" not in repr(parse(VisitRating, {"score": 1, "comment": "Took her time."}))


def test_an_absence_is_declared_without_a_word() -> None:
    parse(AbsenceDeclaration, {})
    with pytest.raises(InvalidError):
        parse(AbsenceDeclaration, {"reason": "late"})
