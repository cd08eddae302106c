"""How a session's refresh tokens follow each other."""

from datetime import timedelta

import attrs

from telemed_core.domain.ids import AccountId, SessionId
from telemed_core.domain.sessions import Session, SignedIn
from telemed_core.testing.builders import MONDAY as NOW

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
SESSION = Session.opened(SessionId("s"), AccountId("a"), password_rev=3, now=NOW)


def test_a_session_lasts_30_days() -> None:
    assert (SESSION.generation, SESSION.password_rev, SESSION.graces) == (1, 3, ())
    assert not SESSION.expired(now=NOW + timedelta(days=30) - SECOND)
    assert SESSION.expired(now=NOW + timedelta(days=30))


def test_the_present_token_is_rotated_and_the_one_before_is_good_for_30_seconds_more() -> None:
    rotated = SESSION.refreshed(1, now=NOW)
    assert rotated == attrs.evolve(SESSION, generation=2, graces=(NOW + 30 * SECOND,))
    assert rotated.refreshed(1, now=NOW + 29 * SECOND) == rotated
    assert rotated.refreshed(1, now=NOW + 30 * SECOND) is None


def test_each_used_token_has_its_own_30_seconds_however_often_others_follow() -> None:
    session, now = SESSION, NOW
    for generation in range(1, 4):
        rotated = session.refreshed(generation, now=now)
        assert rotated
        session, now = rotated, now + 10 * SECOND
    assert session.graces == (NOW + 50 * SECOND, NOW + 40 * SECOND, NOW + 30 * SECOND)
    assert [session.refreshed(one, now=NOW + 29 * SECOND) for one in (1, 2, 3)] == [session] * 3
    assert [session.refreshed(one, now=NOW + 30 * SECOND) for one in (1, 2)] == [None, session]
    fifth = session.refreshed(4, now=NOW + 40 * SECOND)
    assert fifth
    assert fifth.graces == (NOW + 70 * SECOND, NOW + 50 * SECOND)


def test_only_the_latest_graces_are_kept() -> None:
    session = SESSION
    for generation in range(1, 20):
        rotated = session.refreshed(generation, now=NOW)
        assert rotated
        session = rotated
    assert len(session.graces) == 8


def test_a_token_that_was_used_up_or_never_given_is_misuse() -> None:
    third = attrs.evolve(SESSION, generation=3, graces=(NOW + 30 * SECOND,))
    assert third.refreshed(1, now=NOW) is None
    assert third.refreshed(4, now=NOW) is None
    assert SESSION.refreshed(0, now=NOW) is None


def test_a_grace_that_a_clock_that_ran_ahead_has_left_does_not_count() -> None:
    far = NOW + 5 * MINUTE + 31 * SECOND
    assert attrs.evolve(SESSION, generation=2, graces=(far,)).refreshed(1, now=NOW) is None


def test_a_repeat_that_began_before_the_rotation_it_finds_goes_on() -> None:
    rotated = SESSION.refreshed(1, now=NOW + SECOND)
    assert rotated
    assert rotated.refreshed(1, now=NOW) == rotated


def test_tokens_do_not_show_themselves() -> None:
    signed = SignedIn(username=AccountId("a"), session_id=SessionId("s"), access_token="secret", refresh_token="secret")
    assert "secret" not in repr(signed)
