"""The contracts of ``Identity``, ``Tokens`` and ``Sealing``."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Final

import pytest

from telemed_core.domain.ids import AccountId, SessionId
from telemed_core.domain.people import Password, Role
from telemed_core.domain.sessions import ACCESS_LIFE, GRACE, REFRESH_LIFE, Claims, SignedIn
from telemed_core.errors import ConflictError, InvalidError, UnauthenticatedError, UnavailableError
from telemed_core.ports.services import Identity, Sealing, Tokens
from telemed_core.testing.builders import MONDAY, a_password

USER = AccountId("user-1")
OTHER = Password("another long passphrase")
COMMON = Password("password1234")
MOMENT: Final = timedelta(microseconds=1)


class IdentityContract:
    """The adapter's own class adds the fixture ``identity``: without users."""

    def test_only_the_users_own_password_is_right(self, identity: Identity) -> None:
        identity.create(USER, a_password(), role=Role.PATIENT)
        assert identity.check(USER, a_password())
        assert not identity.check(USER, OTHER)
        assert not identity.check(AccountId("user-2"), a_password())
        assert not identity.check(None, a_password())

    def test_making_a_user_again_sets_the_password(self, identity: Identity) -> None:
        identity.create(USER, a_password(), role=Role.PATIENT)
        identity.create(USER, OTHER, role=Role.PATIENT)
        assert identity.check(USER, OTHER)
        assert not identity.check(USER, a_password())

    @pytest.mark.parametrize("role", Role)
    def test_users_of_all_roles_are_alike(self, identity: Identity, role: Role) -> None:
        identity.create(USER, a_password(), role=role)
        assert identity.check(USER, a_password())
        signed = identity.sign_in(USER, a_password(), now=MONDAY)
        assert signed is not None
        assert (signed.username, signed.expires_in) == (USER, ACCESS_LIFE)
        assert goes_on(identity, signed, now=MONDAY)

    def test_a_common_password_is_refused_by_name(self, identity: Identity) -> None:
        with pytest.raises(InvalidError) as refused:
            identity.create(USER, COMMON, role=Role.PATIENT)
        assert refused.value.fields[0].field == "password"
        assert not identity.check(USER, COMMON)

    def test_only_the_users_own_password_opens_a_session(self, identity: Identity) -> None:
        identity.create(USER, a_password(), role=Role.PATIENT)
        signed = identity.sign_in(USER, a_password(), now=MONDAY)
        assert signed is not None
        assert (signed.username, signed.expires_in) == (USER, ACCESS_LIFE)
        assert identity.sign_in(USER, OTHER, now=MONDAY) is None
        assert identity.sign_in(AccountId("user-2"), a_password(), now=MONDAY) is None
        assert identity.sign_in(None, a_password(), now=MONDAY) is None

    def test_each_sign_in_is_a_session_of_its_own(self, identity: Identity) -> None:
        first, second = signed_in(identity), signed_in(identity)
        assert first.session_id != second.session_id
        identity.sign_out(first.session_id)
        assert not goes_on(identity, first, now=MONDAY)
        assert goes_on(identity, second, now=MONDAY)

    def test_a_refresh_token_gives_new_tokens_of_the_same_session(self, identity: Identity) -> None:
        signed = signed_in(identity)
        renewed = identity.refresh(signed.refresh_token, now=MONDAY + MOMENT)
        assert (renewed.username, renewed.session_id) == (USER, signed.session_id)
        assert renewed.refresh_token != signed.refresh_token
        again = identity.refresh(renewed.refresh_token, now=MONDAY + 2 * MOMENT)
        assert len({signed.refresh_token, renewed.refresh_token, again.refresh_token}) == 3

    def test_a_used_refresh_token_is_good_for_30_seconds_and_gives_the_same_next_one(self, identity: Identity) -> None:
        signed, used_at = signed_in(identity), MONDAY + timedelta(days=3)
        renewed = identity.refresh(signed.refresh_token, now=used_at)
        for late in (timedelta(0), GRACE - MOMENT):
            assert identity.refresh(signed.refresh_token, now=used_at + late).refresh_token == renewed.refresh_token
        assert goes_on(identity, renewed, now=used_at + GRACE)

    def test_a_refresh_token_used_after_its_30_seconds_ends_the_session(self, identity: Identity) -> None:
        signed = signed_in(identity)
        renewed = identity.refresh(signed.refresh_token, now=MONDAY)
        assert not goes_on(identity, signed, now=MONDAY + GRACE)
        assert not goes_on(identity, renewed, now=MONDAY + GRACE)
        assert not goes_on(identity, signed, now=MONDAY)

    def test_the_same_token_refreshed_many_times_at_once_gives_one_next_token(self, identity: Identity) -> None:
        signed = signed_in(identity)
        with ThreadPoolExecutor(8) as pool:
            tokens = [pool.submit(identity.refresh, signed.refresh_token, now=MONDAY) for _ in range(24)]
        (renewed,) = {token.result().refresh_token for token in tokens}
        assert identity.refresh(renewed, now=MONDAY + GRACE).session_id == signed.session_id

    def test_a_session_ends_30_days_after_its_sign_in_however_often_it_is_refreshed(self, identity: Identity) -> None:
        signed, end = signed_in(identity), MONDAY + REFRESH_LIFE
        renewed = identity.refresh(signed.refresh_token, now=end - 2 * MOMENT)
        renewed = identity.refresh(renewed.refresh_token, now=end - MOMENT)
        assert not goes_on(identity, renewed, now=end)

    def test_only_refresh_tokens_of_ours_are_taken_and_others_change_nothing(self, identity: Identity) -> None:
        signed = signed_in(identity)
        token = signed.refresh_token
        changed = [
            token[:place] + ("x" if token[place] != "x" else "y") + token[place + 1 :] for place in range(len(token))
        ]
        others = ["", ".", "/", "..", "//", "é", "\ud800", "\0", token[:-1], f"{token}x", f" {token}", f"{token}\n"]
        for text in [*changed, *others, token.swapcase(), signed.access_token, signed.session_id]:
            with pytest.raises(UnauthenticatedError):
                identity.refresh(text, now=MONDAY)
        assert goes_on(identity, signed, now=MONDAY)

    def test_a_session_that_was_signed_out_has_ended_and_an_unknown_one_too(self, identity: Identity) -> None:
        signed = signed_in(identity)
        identity.sign_out(signed.session_id)
        identity.sign_out(signed.session_id)
        identity.sign_out(SessionId("unknown"))
        assert not goes_on(identity, signed, now=MONDAY)

    def test_a_changed_password_ends_all_sessions_but_the_one_that_is_kept(self, identity: Identity) -> None:
        kept, others = signed_in(identity), [signed_in(identity), signed_in(identity)]
        identity.change(USER, OTHER, keep=kept.session_id)
        assert identity.check(USER, OTHER)
        assert not identity.check(USER, a_password())
        assert [goes_on(identity, other, now=MONDAY) for other in others] == [False, False]
        assert goes_on(identity, kept, now=MONDAY)

    def test_a_password_changed_to_a_common_one_changes_nothing(self, identity: Identity) -> None:
        kept, other = signed_in(identity), signed_in(identity)
        with pytest.raises(InvalidError) as refused:
            identity.change(USER, COMMON, keep=kept.session_id)
        assert refused.value.fields[0].field == "password"
        assert identity.check(USER, a_password())
        assert goes_on(identity, kept, now=MONDAY)
        assert goes_on(identity, other, now=MONDAY)

    def test_a_removed_user_is_forgotten_with_all_sessions_and_an_unknown_one_too(self, identity: Identity) -> None:
        sessions = [signed_in(identity), signed_in(identity)]
        identity.remove(USER)
        identity.remove(USER)
        assert not identity.check(USER, a_password())
        assert [goes_on(identity, signed, now=MONDAY) for signed in sessions] == [False, False]

    def test_a_removed_user_is_never_made_again_also_one_that_was_unknown(self, identity: Identity) -> None:
        identity.create(USER, a_password(), role=Role.PATIENT)
        for user in (USER, AccountId("user-2")):
            identity.remove(user)
            with pytest.raises(ConflictError):
                identity.create(user, OTHER, role=Role.PATIENT)
            assert not identity.check(user, OTHER)
        identity.create(AccountId("user-3"), OTHER, role=Role.PATIENT)


class TokensContract:
    """The adapter's own class adds the fixtures ``tokens``, and ``identity`` that gives such tokens: without users."""

    def test_an_access_token_says_who_and_by_which_sign_in(self, tokens: Tokens, identity: Identity) -> None:
        signed = signed_in(identity)
        assert tokens.verify(signed.access_token, now=MONDAY) == Claims(USER, signed.session_id)

    def test_a_refreshed_access_token_says_the_same(self, tokens: Tokens, identity: Identity) -> None:
        signed = signed_in(identity)
        later = MONDAY + timedelta(days=2)
        renewed = identity.refresh(signed.refresh_token, now=later)
        assert tokens.verify(renewed.access_token, now=later) == Claims(USER, signed.session_id)

    def test_an_access_token_counts_for_15_minutes(self, tokens: Tokens, identity: Identity) -> None:
        token = signed_in(identity).access_token
        assert tokens.verify(token, now=MONDAY + ACCESS_LIFE - timedelta(seconds=1)).username == USER
        with pytest.raises(UnauthenticatedError):
            tokens.verify(token, now=MONDAY + ACCESS_LIFE + timedelta(minutes=1))

    def test_whether_its_session_goes_on_is_not_looked_at(self, tokens: Tokens, identity: Identity) -> None:
        signed = signed_in(identity)
        identity.remove(USER)
        assert tokens.verify(signed.access_token, now=MONDAY).session_id == signed.session_id

    def test_anything_else_is_refused_without_a_reason(self, tokens: Tokens, identity: Identity) -> None:
        signed = signed_in(identity)
        token = signed.access_token
        changed = [
            token[:place] + ("x" if token[place] != "x" else "y") + token[place + 1 :] for place in range(len(token))
        ]
        others = ["", ".", "..", "/", "//", "é", "\ud800", "\0", token[:-1], f"{token}x", f" {token}", f"{token}\n"]
        texts = set()
        for text in [*changed, *others, token.swapcase(), "x" * 100_000, signed.refresh_token, signed.session_id]:
            with pytest.raises(UnauthenticatedError) as refused:
                tokens.verify(text, now=MONDAY)
            texts.add(str(refused.value))
        assert texts == {UnauthenticatedError.text}


class SealingContract:
    """The adapter's own class adds the fixture ``sealing``."""

    @pytest.mark.parametrize("plain", ["", "a", "dor no peito — à noite 🫀", "x" * 5000])
    def test_what_was_sealed_is_unsealed_in_its_context(self, sealing: Sealing, plain: str) -> None:
        assert sealing.unseal(sealing.seal(plain, context="here"), context="here") == plain

    def test_sealing_again_gives_other_bytes_without_the_text(self, sealing: Sealing) -> None:
        first, second = sealing.seal("a cough", context="here"), sealing.seal("a cough", context="here")
        assert first != second
        assert b"cough" not in first

    def test_a_sealed_text_moved_to_another_context_is_not_unsealed(self, sealing: Sealing) -> None:
        with pytest.raises(UnavailableError):
            sealing.unseal(sealing.seal("a cough", context="here"), context="there")

    def test_a_sealed_text_that_was_changed_is_not_unsealed(self, sealing: Sealing) -> None:
        sealed = sealing.seal("a cough", context="here")
        for place in range(len(sealed)):
            changed = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
            with pytest.raises(UnavailableError):
                sealing.unseal(changed, context="here")
        for length in range(len(sealed)):
            with pytest.raises(UnavailableError):
                sealing.unseal(sealed[:length], context="here")

    def test_an_index_depends_on_space_and_value_alone(self, sealing: Sealing) -> None:
        index = sealing.index("patient:cpf", "52998224725")
        assert index == sealing.index("patient:cpf", "52998224725")
        assert index != sealing.index("doctor:cpf", "52998224725")
        assert index != sealing.index("patient:cpf", "52998224726")
        assert len(index) == 43
        assert "52998224725" not in index


def signed_in(identity: Identity) -> SignedIn:
    """One more session of the user, who is made if they are new."""
    if not identity.check(USER, a_password()):
        identity.create(USER, a_password(), role=Role.PATIENT)
    signed = identity.sign_in(USER, a_password(), now=MONDAY)
    assert signed is not None
    return signed


def goes_on(identity: Identity, signed: SignedIn, *, now: datetime) -> bool:
    """Whether the session can be refreshed by what was handed out there."""
    try:
        return identity.refresh(signed.refresh_token, now=now).session_id == signed.session_id
    except UnauthenticatedError:
        return False
