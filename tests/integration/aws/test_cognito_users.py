"""What the pool is asked and what its answers mean: a password is never sent, and nobody is told from anybody."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.aws.failures import AwsError, LostAnswerError
from adapters.aws.retrying import Patience
from adapters.cognito.users import Granted, Users
from integration.aws.cognito_pools import POOL, FakePool, refused
from telemed_core.domain.ids import AccountId
from telemed_core.domain.people import Password, Role
from telemed_core.errors import BusyError, ConflictError, UnavailableError
from telemed_core.testing.builders import a_password

USER = AccountId("user-1")
OTHER = Password("another long passphrase")
PROOF = ["InitiateAuth", "RespondToAuthChallenge"]
NINE = datetime(2026, 6, 1, 9, 5, 7, tzinfo=UTC)


@pytest.fixture
def pool() -> FakePool:
    return FakePool()


@pytest.fixture
def users(pool: FakePool) -> Users:
    return Users(pool, POOL, Patience(sleep=lambda _: None), lambda: NINE)


@pytest.fixture
def known(pool: FakePool, users: Users) -> AccountId:
    users.make(USER)
    users.put(USER, a_password())
    pool.asked.clear()
    return USER


def raising(*errors: Exception) -> Callable[[Mapping[str, Any]], None]:
    """Raises these, one after the other, and nothing any more."""
    left = list(errors)

    def happen(_: Mapping[str, Any]) -> None:
        if left:
            raise left.pop(0)

    return happen


def test_the_users_own_password_is_proved_and_what_is_granted_names_the_session(users: Users, known: AccountId) -> None:
    granted = users.prove(known, a_password())
    assert granted is not None
    assert (granted.username, granted.life) == (USER, timedelta(minutes=15))
    assert granted.refresh_token is not None
    again = users.renew(granted.refresh_token)
    assert again is not None
    assert (again.username, again.session_id, again.refresh_token) == (USER, granted.session_id, None)
    assert granted.access_token not in repr(granted)
    assert granted.refresh_token not in repr(granted)


@pytest.mark.parametrize("text", ["with  spaces – and ünïcode 🫀", " begins and ends with one ", "x" * 128, "\t" * 12])
def test_a_password_of_any_characters_can_be_set_and_proved(pool: FakePool, users: Users, text: str) -> None:
    users.make(USER)
    users.put(USER, Password(text))
    assert users.prove(USER, Password(text)) is not None
    kept = pool.users[USER].password
    assert len(kept) == 43
    assert kept.replace("-", "").replace("_", "").isalnum()
    assert users.prove(USER, Password(f"{text}.")) is None


def test_no_password_is_sent_not_even_when_it_is_set(pool: FakePool, users: Users) -> None:
    users.make(USER)
    users.put(USER, a_password())
    users.prove(USER, a_password())
    kept = pool.users[USER].password
    for operation, request in pool.asked:
        assert a_password().secret not in json.dumps(request)
        assert (kept in json.dumps(request)) == (operation == "AdminSetUserPassword")


def test_whoever_is_unknown_is_asked_and_answered_like_whoever_is_wrong(
    pool: FakePool, users: Users, known: AccountId
) -> None:
    asked = []
    for username in (known, AccountId("user-2"), None):
        assert users.prove(username, OTHER) is None
        asked.append([(operation, sorted(request)) for operation, request in pool.asked])
        pool.asked.clear()
    assert [operation for operation, _ in asked[0]] == PROOF
    assert asked[0] == asked[1] == asked[2]


def test_nobody_has_another_name_each_time(pool: FakePool, users: Users) -> None:
    for _ in range(2):
        users.prove(None, OTHER)
    names = [request["AuthParameters"]["USERNAME"] for operation, request in pool.asked if operation == "InitiateAuth"]
    assert len(set(names)) == 2
    assert all(AccountId(name) for name in names)


@pytest.mark.parametrize("operation", PROOF)
@pytest.mark.parametrize(
    "code",
    ["NotAuthorizedException", "UserNotFoundException", "UserNotConfirmedException", "PasswordResetRequiredException"],
)
def test_whatever_cognito_says_of_a_user_it_is_not_their_password(
    pool: FakePool, users: Users, known: AccountId, operation: str, code: str
) -> None:
    pool.before[operation] = raising(refused(code))
    assert users.prove(known, a_password()) is None


def test_a_user_whose_password_was_never_set_has_none(pool: FakePool, users: Users) -> None:
    users.make(USER)
    pool.users[USER].password = pool.users[USER].password
    users.put(USER, a_password())
    pool.users[USER].permanent = False
    assert users.prove(USER, a_password()) is None


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        ("InitiateAuth", {"ChallengeName": "SELECT_CHALLENGE", "Session": "s" * 20}),
        ("InitiateAuth", {"ChallengeName": "PASSWORD_VERIFIER", "ChallengeParameters": {"SALT": "1"}}),
        ("InitiateAuth", {"ChallengeName": "PASSWORD_VERIFIER"}),
        ("RespondToAuthChallenge", {"ChallengeName": "SOFTWARE_TOKEN_MFA", "Session": "s" * 20}),
        ("RespondToAuthChallenge", {}),
        ("RespondToAuthChallenge", {"AuthenticationResult": {"AccessToken": "no.token"}}),
        ("RespondToAuthChallenge", {"AuthenticationResult": {"AccessToken": "a.e30.b", "ExpiresIn": 900}}),
        ("RespondToAuthChallenge", {"AuthenticationResult": {"AccessToken": "nothing", "ExpiresIn": 900}}),
        ("RespondToAuthChallenge", {"AuthenticationResult": {"AccessToken": "a.W10.b", "ExpiresIn": 900}}),
    ],
)
def test_an_answer_that_no_pool_of_ours_gives_is_an_outage_and_no_wrong_password(
    pool: FakePool, users: Users, known: AccountId, operation: str, answer: Mapping[str, Any]
) -> None:
    pool.before[operation] = lambda _: answer
    with pytest.raises(UnavailableError):
        users.prove(known, a_password())


def test_a_proof_without_a_refresh_token_is_one_of_those(pool: FakePool, users: Users, known: AccountId) -> None:
    pool.before["RespondToAuthChallenge"] = lambda _: {"AuthenticationResult": pool._result(USER, "session-1")}
    with pytest.raises(UnavailableError):
        users.prove(known, a_password())


@pytest.mark.parametrize("error", [BusyError(), LostAnswerError()], ids=["busy", "lost"])
@pytest.mark.parametrize(
    "operation", ["AdminCreateUser", "AdminSetUserPassword", "InitiateAuth", "RespondToAuthChallenge"]
)
def test_what_fails_once_is_tried_again(pool: FakePool, users: Users, operation: str, error: Exception) -> None:
    pool.before[operation] = raising(error)
    users.make(USER)
    users.put(USER, a_password())
    assert users.prove(USER, a_password()) is not None
    assert pool.operations().count(operation) == 2


@pytest.mark.parametrize(
    ("error", "told"),
    [(BusyError, BusyError), (LostAnswerError, LostAnswerError), (UnavailableError, UnavailableError)],
)
def test_what_fails_to_the_end_is_told_as_what_it_is(
    pool: FakePool, users: Users, known: AccountId, error: type[Exception], told: type[Exception]
) -> None:
    pool.before["InitiateAuth"] = raising(*[error() for _ in range(100)])
    with pytest.raises(told):
        users.prove(known, a_password())
    with pytest.raises(told):
        users.renew("any")


def test_a_code_that_nobody_expects_is_a_bug(pool: FakePool, users: Users, known: AccountId) -> None:
    for operation in (
        "InitiateAuth",
        "AdminSetUserPassword",
        "AdminCreateUser",
        "AdminDeleteUser",
        "AdminAddUserToGroup",
    ):
        pool.before[operation] = raising(*[refused("InvalidParameterException")] * 9)
    for act in (
        lambda: users.prove(known, OTHER),
        lambda: users.renew("any"),
        lambda: users.put(known, OTHER),
        lambda: users.make(known),
        lambda: users.delete(known),
        lambda: users.group(known, Role.DOCTOR),
    ):
        with pytest.raises(AwsError):
            act()


def test_what_is_repeated_after_its_answer_was_lost_is_done_once(pool: FakePool, users: Users) -> None:
    def lost_after(operation: str) -> Callable[[Mapping[str, Any]], None]:
        def happen(request: Mapping[str, Any]) -> None:
            del pool.before[operation]
            getattr(pool, f"_{operation}")(request)
            raise LostAnswerError

        return happen

    for operation in ("AdminCreateUser", "AdminSetUserPassword", "AdminAddUserToGroup", "AdminDeleteUser"):
        pool.before[operation] = lost_after(operation)
    users.make(USER)
    users.put(USER, a_password())
    users.group(USER, Role.PATIENT)
    assert pool.users[USER].groups == {"patient"}
    assert users.prove(USER, a_password()) is not None
    users.delete(USER)
    assert pool.users == {}


def test_whoever_has_left_the_pool_by_themselves_is_made_again_with_the_new_password(
    pool: FakePool, users: Users, known: AccountId
) -> None:
    del pool.users[known]
    users.put(known, OTHER)
    assert pool.operations() == ["AdminSetUserPassword", "AdminCreateUser", "AdminSetUserPassword"]
    assert users.prove(known, OTHER) is not None


def test_whoever_is_being_removed_meanwhile_is_not_made_again_and_again(pool: FakePool, users: Users) -> None:
    pool.before["AdminSetUserPassword"] = raising(*[refused("UserNotFoundException")] * 9)
    with pytest.raises(ConflictError):
        users.put(USER, OTHER)
    assert pool.operations() == ["AdminSetUserPassword", "AdminCreateUser", "AdminSetUserPassword"]


def test_nobody_is_written_to_and_nothing_is_told_of_a_user_but_the_name(pool: FakePool, users: Users) -> None:
    users.make(USER)
    ((_, request),) = pool.asked
    assert request.pop("TemporaryPassword") not in ("", None)  # type: ignore[attr-defined] # a dictionary, as it is made
    assert request == {"UserPoolId": POOL.id, "Username": USER, "MessageAction": "SUPPRESS"}


def test_the_time_of_a_proof_is_the_real_one_in_utc(pool: FakePool, users: Users, known: AccountId) -> None:
    users.prove(known, a_password())
    ((_, response),) = [one for one in pool.asked if one[0] == "RespondToAuthChallenge"]
    assert response["ChallengeResponses"]["TIMESTAMP"] == "Mon Jun 1 09:05:07 UTC 2026"
    default = Users(pool, POOL)._clock()
    assert abs(datetime.now(UTC) - default) < timedelta(minutes=1)


def test_what_is_granted_is_read_from_the_token_itself() -> None:
    # {"username":"user-1","origin_jti":"session-1"} without padding
    result = {"AccessToken": "h.eyJ1c2VybmFtZSI6InVzZXItMSIsIm9yaWdpbl9qdGkiOiJzZXNzaW9uLTEifQ.s", "ExpiresIn": 60}
    granted = Granted.of(result)
    assert (granted.username, granted.session_id, granted.life) == (USER, "session-1", timedelta(minutes=1))
