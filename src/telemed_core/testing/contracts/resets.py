"""The contract of ``Identity`` for those who have forgotten their password."""

import re
from datetime import datetime, timedelta

import pytest

from telemed_core.domain.ids import AccountId
from telemed_core.domain.instants import SKEW
from telemed_core.domain.people import Password, Role
from telemed_core.domain.sessions import RESET_LIFE
from telemed_core.errors import InvalidError, UnauthenticatedError
from telemed_core.ports.services import Identity
from telemed_core.testing.builders import MONDAY, a_password
from telemed_core.testing.contracts.races import at_once
from telemed_core.testing.contracts.services import COMMON, MOMENT, OTHER, USER, goes_on, signed_in


class ResetsContract:
    """The adapter's own class adds the fixture ``identity``: without users."""

    def test_a_reset_sets_the_password_and_ends_all_sessions(self, identity: Identity) -> None:
        sessions = [signed_in(identity), signed_in(identity)]
        identity.create(AccountId("user-2"), a_password(), role=Role.PATIENT)
        token = reset_token(identity)
        assert identity.check(USER, a_password())
        identity.reset(token, OTHER, now=MONDAY)
        assert identity.check(USER, OTHER)
        assert not identity.check(USER, a_password())
        assert [goes_on(identity, signed, now=MONDAY) for signed in sessions] == [False, False]
        assert identity.check(AccountId("user-2"), a_password())

    def test_a_reset_token_is_good_once_also_for_many_at_once(self, identity: Identity) -> None:
        identity.create(USER, a_password(), role=Role.PATIENT)
        token, same = reset_token(identity), reset_token(identity)
        passwords = [Password(f"another long passphrase {number}") for number in range(6)]
        answers = at_once([lambda one=one: identity.reset(token, one, now=MONDAY) for one in passwords])  # type: ignore[misc] # mypy cannot infer a lambda's default
        (winner,) = (one for one, answer in zip(passwords, answers, strict=True) if answer is None)
        assert {type(answer) for answer in answers if answer is not None} == {InvalidError}
        assert identity.check(USER, winner)
        assert not takes(identity, token)
        assert not takes(identity, same)
        assert identity.check(USER, winner)

    @pytest.mark.parametrize(
        ("used", "good"),
        [(RESET_LIFE - MOMENT, True), (RESET_LIFE, False), (-SKEW, True), (-SKEW - MOMENT, False)],
        ids=["just before 30 minutes", "after 30 minutes", "on a clock behind", "on a clock far behind"],
    )
    def test_a_reset_token_is_good_for_30_minutes(self, identity: Identity, used: timedelta, good: bool) -> None:
        identity.create(USER, a_password(), role=Role.PATIENT)
        assert takes(identity, reset_token(identity), now=MONDAY + used) is good
        assert identity.check(USER, OTHER if good else a_password())

    def test_a_common_password_leaves_the_reset_token_good(self, identity: Identity) -> None:
        signed = signed_in(identity)
        token = reset_token(identity)
        with pytest.raises(InvalidError) as refused:
            identity.reset(token, COMMON, now=MONDAY)
        assert [name for name, _ in refused.value.fields] == ["password"]
        assert identity.check(USER, a_password())
        assert goes_on(identity, signed, now=MONDAY)
        assert takes(identity, token)

    def test_a_reset_token_is_good_as_long_as_the_password_is_the_one_it_was_made_with(
        self, identity: Identity
    ) -> None:
        kept = signed_in(identity)
        before = reset_token(identity)
        identity.change(USER, a_password(), keep=kept.session_id)
        assert not takes(identity, before)
        after = reset_token(identity)
        identity.remove(USER)
        assert not takes(identity, after)
        assert not identity.check(USER, OTHER)

    def test_there_is_no_reset_token_for_who_is_unknown_or_removed(self, identity: Identity) -> None:
        identity.create(USER, a_password(), role=Role.PATIENT)
        identity.remove(USER)
        for user in (USER, AccountId("user-2")):
            assert identity.reset_token(user, now=MONDAY) is None

    def test_a_reset_token_has_url_safe_characters_only(self, identity: Identity) -> None:
        user = AccountId("0.user_-" + "x" * 56)
        identity.create(user, a_password(), role=Role.PATIENT)
        token = identity.reset_token(user, now=MONDAY + MOMENT)
        assert token is not None
        assert re.fullmatch("[A-Za-z0-9._~-]+", token)
        identity.reset(token, OTHER, now=MONDAY + MOMENT)
        assert identity.check(user, OTHER)

    def test_only_reset_tokens_of_ours_are_taken_and_all_others_look_the_same(self, identity: Identity) -> None:
        signed = signed_in(identity)
        identity.create(AccountId("user-2"), a_password(), role=Role.PATIENT)
        token = reset_token(identity)
        changed = [
            token[:place] + ("0" if token[place] != "0" else "1") + token[place + 1 :] for place in range(len(token))
        ]
        others = ["", ".", "/", "~", "..", "é", "\ud800", "\0", "٣", token[:-1], f"{token}x", f" {token}", f"{token}\n"]
        of_another = token.replace(USER, "user-2")
        errors = set()
        for text in [*changed, *others, of_another, token.swapcase(), signed.access_token, signed.refresh_token]:
            with pytest.raises(InvalidError) as refused:
                identity.reset(text, OTHER, now=MONDAY)
            errors.add(tuple(refused.value.fields))
        with pytest.raises(InvalidError) as late:
            identity.reset(token, OTHER, now=MONDAY + RESET_LIFE)
        (only,) = {*errors, tuple(late.value.fields)}
        assert [name for name, _ in only] == ["token"]
        assert identity.check(USER, a_password())
        assert goes_on(identity, signed, now=MONDAY)
        with pytest.raises(UnauthenticatedError):
            identity.refresh(token, now=MONDAY)


def reset_token(identity: Identity) -> str:
    """What lets its bearer set the user's password, made at ``MONDAY``."""
    token = identity.reset_token(USER, now=MONDAY)
    assert token is not None
    return token


def takes(identity: Identity, token: str, *, now: datetime = MONDAY) -> bool:
    """Whether the token lets its bearer set a new password."""
    try:
        identity.reset(token, OTHER, now=now)
    except InvalidError as refused:
        assert [name for name, _ in refused.fields] == ["token"]
        return False
    return True
