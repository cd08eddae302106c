"""An identity on a user pool beside the contract: what is kept where, in which order, and what races leave."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import attrs
import pytest

from adapters.aws.retrying import Patience
from adapters.cognito.envelopes import Envelopes
from adapters.cognito.identity import MARK, RUNS, CognitoIdentity, open_cognito_identity
from adapters.cognito.users import Granted, Users, _told
from adapters.memory import open_memory
from adapters.reset_tokens import ResetTokens
from integration.aws.cognito_pools import POOL, FakePool, refused
from telemed_core.domain.ids import AccountId
from telemed_core.domain.people import Password, Role
from telemed_core.domain.sessions import GRACE
from telemed_core.errors import BusyError, ConflictError, InvalidError, UnauthenticatedError, UnavailableError
from telemed_core.ports.storage import Stores
from telemed_core.testing.builders import MONDAY, a_password
from telemed_core.testing.contracts import IdentityContract, ResetsContract
from telemed_core.testing.contracts.services import COMMON, MOMENT, OTHER, USER, goes_on, signed_in

KEYS = (b"r" * 32,)
RESET_KEYS = (b"s" * 32,)


class Unproved(Users):
    """Users that are believed at once: SRP is tested elsewhere, and takes its time."""

    def prove(self, username: AccountId | None, password: Password) -> Granted | None:
        pool = self._call
        assert isinstance(pool, FakePool)
        kept = pool.users.get(pool.aliases.get(username or "", username or ""))
        if kept is None or kept.password != _told(password) or not kept.permanent:
            return None
        number = len(kept.refresh_tokens) + 1
        # The same in no other pool, and not too long.
        session = f"session-{number}-of-{id(kept)}"
        kept.refresh_tokens[f"cognitos-{username}-{number}"] = session
        result = pool._result(pool.aliases.get(str(username), str(username)), session)
        if (meanwhile := pool.before.get("granted")) is not None:
            meanwhile({})
        return Granted.of({**result, "RefreshToken": f"cognitos-{username}-{number}"})


def refuse_common(password: Password) -> None:
    if password == COMMON:
        raise InvalidError("password", "is a common one")


@pytest.fixture
def pool() -> FakePool:
    return FakePool()


@pytest.fixture
def stores() -> Stores:
    return open_memory()


@pytest.fixture
def identity(pool: FakePool, stores: Stores) -> CognitoIdentity:
    users = Unproved(pool, POOL, Patience(sleep=lambda _: None))
    resets = ResetTokens(stores.credentials, RESET_KEYS)
    return CognitoIdentity(stores.credentials, stores.sessions, users, Envelopes(KEYS), refuse_common, resets)


class TestCognitoIdentity(IdentityContract):
    pass


class TestCognitoResets(ResetsContract):
    pass


def when(pool: FakePool, operation: str, happens: Callable[[], object]) -> None:
    """Let this happen once, just before the operation."""

    def happen(_: Mapping[str, Any]) -> None:
        del pool.before[operation]
        happens()

    pool.before[operation] = happen


def fails(pool: FakePool, operation: str, error: Exception) -> None:
    def happen(_: Mapping[str, Any]) -> None:
        raise error

    pool.before[operation] = happen


def test_a_user_is_made_in_the_pool_with_a_mark_in_place_of_a_hash(
    identity: CognitoIdentity, pool: FakePool, stores: Stores
) -> None:
    identity.create(USER, a_password(), role=Role.DOCTOR)
    assert pool.operations() == ["AdminCreateUser", "AdminSetUserPassword", "AdminAddUserToGroup"]
    assert pool.users[USER].groups == {"doctor"}
    kept = stores.credentials.get(USER)
    assert kept is not None
    assert (kept.secret_hash, kept.rev) == (MARK, 1)


def test_a_common_password_is_told_to_nobody(identity: CognitoIdentity, pool: FakePool) -> None:
    with pytest.raises(InvalidError):
        identity.create(USER, COMMON, role=Role.PATIENT)
    assert pool.asked == []


def test_a_user_whom_only_cognito_has_is_nobody(identity: CognitoIdentity, pool: FakePool) -> None:
    identity._users.make(USER)
    identity._users.put(USER, a_password())
    assert not identity.check(USER, a_password())
    assert identity.sign_in(USER, a_password(), now=MONDAY) is None


def test_a_user_whom_cognito_does_not_have_any_more_has_no_password_until_it_is_set_anew(
    identity: CognitoIdentity, pool: FakePool
) -> None:
    signed = signed_in(identity)
    del pool.users[USER]
    assert not identity.check(USER, a_password())
    assert not goes_on(identity, signed, now=MONDAY)
    token = identity.reset_token(USER, now=MONDAY)
    assert token is not None
    identity.reset(token, OTHER, now=MONDAY)
    assert identity.check(USER, OTHER)


def test_whoever_is_removed_while_they_are_made_is_in_neither(
    identity: CognitoIdentity, pool: FakePool, stores: Stores
) -> None:
    for operation in ("AdminCreateUser", "AdminSetUserPassword"):
        user = AccountId(f"user-{operation}")
        when(pool, operation, lambda: identity.remove(user))  # noqa: B023 # run before the loop goes on
        with pytest.raises(ConflictError):
            identity.create(user, a_password(), role=Role.PATIENT)
        assert stores.credentials.get(user) is None
        assert user not in pool.users


def test_whoever_is_removed_while_their_password_is_reset_or_changed_is_in_neither(
    identity: CognitoIdentity, pool: FakePool
) -> None:
    signed = signed_in(identity)
    token = identity.reset_token(USER, now=MONDAY)
    assert token is not None
    when(pool, "AdminSetUserPassword", lambda: identity.remove(USER))
    with pytest.raises(InvalidError) as told:
        identity.reset(token, OTHER, now=MONDAY)
    assert told.value.fields[0].field == "token"
    with pytest.raises(ConflictError):
        identity.change(USER, OTHER, keep=signed.session_id)
    assert pool.users == {}


def test_a_removed_user_is_gone_here_before_cognito_is_asked(identity: CognitoIdentity, pool: FakePool) -> None:
    signed = signed_in(identity)
    fails(pool, "AdminDeleteUser", UnavailableError())
    with pytest.raises(UnavailableError):
        identity.remove(USER)
    assert not identity.check(USER, a_password())
    assert not goes_on(identity, signed, now=MONDAY)
    pool.before.clear()
    identity.remove(USER)
    assert pool.users == {}


@pytest.mark.parametrize("how", ["create", "change", "reset"])
def test_a_sign_in_with_the_old_password_under_way_opens_nothing_that_outlives_the_new_one(
    identity: CognitoIdentity, pool: FakePool, how: str
) -> None:
    kept = signed_in(identity)
    token = identity.reset_token(USER, now=MONDAY) or ""
    meanwhile = []
    when(
        pool,
        "AdminSetUserPassword",
        lambda: meanwhile.append(identity.sign_in(USER, a_password(), now=MONDAY)),
    )
    {
        "create": lambda: identity.create(USER, OTHER, role=Role.PATIENT),
        "change": lambda: identity.change(USER, OTHER, keep=kept.session_id),
        "reset": lambda: identity.reset(token, OTHER, now=MONDAY),
    }[how]()
    (late,) = meanwhile
    assert late is not None
    assert not goes_on(identity, late, now=MONDAY)
    assert goes_on(identity, kept, now=MONDAY) is (how == "change")


def test_a_password_changed_while_the_old_one_was_being_proved_leaves_nothing_open(
    identity: CognitoIdentity, pool: FakePool
) -> None:
    kept = signed_in(identity)
    when(pool, "granted", lambda: identity.change(USER, OTHER, keep=kept.session_id))
    late = identity.sign_in(USER, a_password(), now=MONDAY)
    assert late is not None
    assert not goes_on(identity, late, now=MONDAY)
    assert goes_on(identity, kept, now=MONDAY)


def test_whom_cognito_takes_for_another_is_nobody(identity: CognitoIdentity, pool: FakePool) -> None:
    for user in (USER, AccountId("user-2")):
        identity.create(user, a_password(), role=Role.PATIENT)
    pool.aliases["user-2"] = USER
    assert not identity.check(AccountId("user-2"), a_password())
    assert identity.sign_in(AccountId("user-2"), a_password(), now=MONDAY) is None
    assert identity.check(USER, a_password())


def test_a_token_that_is_not_good_any_more_is_told_before_the_password_is_looked_at(identity: CognitoIdentity) -> None:
    identity.create(USER, a_password(), role=Role.PATIENT)
    token = identity.reset_token(USER, now=MONDAY)
    assert token is not None
    identity.reset(token, OTHER, now=MONDAY)
    with pytest.raises(InvalidError) as told:
        identity.reset(token, COMMON, now=MONDAY)
    assert told.value.fields[0].field == "token"


def test_a_reset_that_fails_at_cognito_has_used_the_token_up_and_left_the_password(
    identity: CognitoIdentity, pool: FakePool
) -> None:
    identity.create(USER, a_password(), role=Role.PATIENT)
    token = identity.reset_token(USER, now=MONDAY)
    assert token is not None
    fails(pool, "AdminSetUserPassword", UnavailableError())
    with pytest.raises(UnavailableError):
        identity.reset(token, OTHER, now=MONDAY)
    pool.before.clear()
    assert identity.check(USER, a_password())
    with pytest.raises(InvalidError):
        identity.reset(token, OTHER, now=MONDAY)
    another = identity.reset_token(USER, now=MONDAY)
    assert another is not None
    identity.reset(another, OTHER, now=MONDAY)
    assert identity.check(USER, OTHER)


def test_signing_out_asks_cognito_nothing_and_so_works_while_it_is_down(
    identity: CognitoIdentity, pool: FakePool
) -> None:
    signed = signed_in(identity)
    pool.asked.clear()
    identity.sign_out(signed.session_id)
    assert pool.asked == []
    assert not goes_on(identity, signed, now=MONDAY)
    # Nor is it asked about a session that has ended.
    assert pool.asked == []


def test_an_outage_takes_nothing_of_a_refresh_token(identity: CognitoIdentity, pool: FakePool) -> None:
    signed = signed_in(identity)
    fails(pool, "InitiateAuth", UnavailableError())
    with pytest.raises(UnavailableError):
        identity.refresh(signed.refresh_token, now=MONDAY)
    pool.before.clear()
    assert goes_on(identity, signed, now=MONDAY + 10 * GRACE)


def test_what_cognito_does_not_refresh_any_more_ends_the_session(identity: CognitoIdentity, pool: FakePool) -> None:
    signed = signed_in(identity)
    fails(pool, "InitiateAuth", refused("NotAuthorizedException"))
    assert not goes_on(identity, signed, now=MONDAY)
    pool.before.clear()
    assert not goes_on(identity, signed, now=MONDAY)


@pytest.mark.parametrize("other", ["user", "session"])
def test_tokens_of_another_user_or_session_are_not_handed_out(
    identity: CognitoIdentity, pool: FakePool, other: str
) -> None:
    signed = signed_in(identity)
    names = ("another", signed.session_id) if other == "user" else (USER, "another")
    pool.before["InitiateAuth"] = lambda _: {"AuthenticationResult": pool._result(*names)}
    with pytest.raises(UnauthenticatedError):
        identity.refresh(signed.refresh_token, now=MONDAY)


def test_a_used_refresh_token_is_found_out_without_cognito(identity: CognitoIdentity, pool: FakePool) -> None:
    signed = signed_in(identity)
    renewed = identity.refresh(signed.refresh_token, now=MONDAY)
    pool.asked.clear()
    assert not goes_on(identity, signed, now=MONDAY + GRACE)
    assert pool.asked == []
    assert not goes_on(identity, renewed, now=MONDAY + GRACE)


def test_a_session_that_ends_while_it_is_refreshed_gives_nothing(identity: CognitoIdentity, pool: FakePool) -> None:
    signed = signed_in(identity)
    when(pool, "InitiateAuth", lambda: identity.sign_out(signed.session_id))
    with pytest.raises(UnauthenticatedError):
        identity.refresh(signed.refresh_token, now=MONDAY)


def test_cognito_is_asked_once_however_often_others_change_the_session_first(
    identity: CognitoIdentity, pool: FakePool, stores: Stores
) -> None:
    signed = signed_in(identity)
    replaced = []

    @attrs.frozen
    class Contended:
        contending: bool

        def replace(self, before: Any, after: Any, /) -> None:
            replaced.append(before)
            if not self.contending:
                return stores.sessions.replace(before, after)
            stores.sessions.replace(before, attrs.evolve(before, expires_at=before.expires_at + MOMENT))
            return stores.sessions.replace(before, after)

        def __getattr__(self, name: str) -> Any:
            return getattr(stores.sessions, name)

    contended = attrs.evolve(identity, sessions=Contended(contending=True))
    pool.asked.clear()
    with pytest.raises(BusyError):
        contended.refresh(signed.refresh_token, now=MONDAY)
    assert len(replaced) == RUNS
    assert pool.operations() == ["InitiateAuth"]
    replaced.clear()
    calm = attrs.evolve(identity, sessions=Contended(contending=False))
    for _ in range(3):
        assert goes_on(calm, signed, now=MONDAY)
    # A token that was used within its time has nothing to write.
    assert len(replaced) == 1


def test_cognitos_own_token_never_leaves_and_stays_the_same_through_the_session(identity: CognitoIdentity) -> None:
    signed = signed_in(identity)
    renewed = identity.refresh(signed.refresh_token, now=MONDAY)
    opened = [Envelopes(KEYS).open(one.refresh_token) for one in (signed, renewed)]
    assert [one.generation for one in opened] == [1, 2]
    assert opened[0].cognitos == opened[1].cognitos
    assert opened[0].cognitos not in signed.refresh_token + renewed.refresh_token


def test_how_long_an_access_token_lasts_is_what_cognito_says(identity: CognitoIdentity, pool: FakePool) -> None:
    pool.life = 300
    assert signed_in(identity).expires_in == timedelta(minutes=5)


def test_tokens_under_keys_before_are_taken_and_new_ones_are_under_the_first(
    identity: CognitoIdentity, pool: FakePool, stores: Stores
) -> None:
    signed = signed_in(identity)
    token = identity.reset_token(USER, now=MONDAY)
    assert token is not None
    resets = ResetTokens(stores.credentials, (b"m" * 32, *RESET_KEYS))
    rotated = attrs.evolve(identity, envelopes=Envelopes((b"n" * 32, *KEYS)), resets=resets)
    renewed = rotated.refresh(signed.refresh_token, now=MONDAY)
    with pytest.raises(UnauthenticatedError):
        identity.refresh(renewed.refresh_token, now=MONDAY)
    fresh = rotated.reset_token(USER, now=MONDAY)
    assert fresh is not None
    with pytest.raises(InvalidError):
        identity.reset(fresh, OTHER, now=MONDAY)
    rotated.reset(token, OTHER, now=MONDAY)


def test_it_is_opened_on_a_call_and_stores(pool: FakePool, stores: Stores) -> None:
    opened = open_cognito_identity(
        stores.credentials,
        stores.sessions,
        pool,
        pool=POOL,
        refuse_common=refuse_common,
        refresh_keys=KEYS,
        reset_keys=RESET_KEYS,
    )
    opened.create(USER, a_password(), role=Role.PATIENT)
    signed = opened.sign_in(USER, a_password(), now=MONDAY)
    assert signed is not None
    assert goes_on(opened, signed, now=MONDAY)
    assert "s" * 32 not in repr(opened)
    assert "r" * 32 not in repr(opened)
