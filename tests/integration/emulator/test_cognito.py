"""The emulator's user pool: what it is asked, what it refuses, and what counts here whatever it says."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any

import attrs
import pytest
from botocore.exceptions import ClientError
from botocore.session import get_session
from botocore.validate import ParamValidator

from adapters.aws.calling import Call, open_call
from adapters.aws.failures import AwsError
from adapters.cognito.identity import CognitoIdentity
from adapters.cognito.keys import issuer_of, jwks_url, open_jwks
from adapters.cognito.pool import CLIENT, GROUPS, POOL, Pool, make_pool
from adapters.cognito.users import Users
from adapters.memory import open_memory
from adapters.tokens import KeySet, open_verifier
from integration.emulator.cognito_clinic import QUICK, identity_on, tokens_of
from integration.emulator.faulty import Fault, Faulty
from integration.emulator.ministack import REGION, Ministack
from telemed_core.application.authenticating import Authenticate
from telemed_core.application.signing_in import SignOut
from telemed_core.domain.ids import AccountId
from telemed_core.domain.people import Password, Role
from telemed_core.errors import (
    BusyError,
    ConflictError,
    InvalidError,
    NotFoundError,
    TelemedError,
    UnauthenticatedError,
    UnavailableError,
)
from telemed_core.ports.services import Identity, Tokens
from telemed_core.ports.storage import Stores
from telemed_core.testing.builders import a_password
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import a_clinic

OTHER = Password("another long passphrase")
_NUMBERS = count(1)


@attrs.frozen
class Heard:
    """A ``Call`` to another one that hears what is said, and may say something else instead."""

    call: Call
    requests: list[tuple[str, Mapping[str, Any]]] = attrs.field(factory=list)
    instead: dict[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = attrs.field(factory=dict)

    def __call__(self, operation: str, request: Mapping[str, Any], /) -> Mapping[str, Any]:
        self.requests.append((operation, request))
        change = self.instead.get(operation)
        return self.call(operation, change(request) if change else request)


@pytest.fixture(scope="module")
def cognito(endpoint_url: str) -> Call:
    return open_call("cognito-idp", region=REGION, endpoint_url=endpoint_url, connections=8)


@pytest.fixture(scope="module")
def pool(cognito: Call) -> Pool:
    return make_pool(cognito, name="users", protected=False)


@pytest.fixture
def heard(cognito: Call) -> Heard:
    return Heard(cognito)


@pytest.fixture
def stores() -> Stores:
    return open_memory()


@pytest.fixture
def identity(heard: Heard, pool: Pool, stores: Stores) -> Identity:
    return identity_on(heard, pool, stores)


@pytest.fixture
def tokens(pool: Pool, endpoint_url: str) -> Tokens:
    return tokens_of(pool, endpoint_url)


@pytest.fixture
def user(identity: Identity) -> AccountId:
    """Somebody with a password."""
    name = AccountId(f"user-{next(_NUMBERS)}")
    identity.create(name, a_password(), role=Role.PATIENT)
    return name


def now() -> datetime:
    return datetime.now(UTC)


def claims_of(token: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(urlsafe_b64decode(token.split(".")[1] + "=="))
    return said


# The pool


def test_the_pool_is_made_once_and_is_as_it_is_written(cognito: Call, client: Callable[[str], Any]) -> None:
    made = make_pool(cognito, name="made", protected=False)
    assert make_pool(cognito, name="made", protected=False) == made
    assert make_pool(cognito, name="another", protected=False).id != made.id
    described = client("cognito-idp").describe_user_pool(UserPoolId=made.id)["UserPool"]
    for name, value in POOL.items():
        assert described[name] == ("INACTIVE" if name == "DeletionProtection" else value)
    ours = client("cognito-idp").describe_user_pool_client(UserPoolId=made.id, ClientId=made.client_id)
    for name, value in CLIENT.items():
        assert ours["UserPoolClient"].get(name, False) == value
    assert "ClientSecret" not in ours["UserPoolClient"]
    groups = client("cognito-idp").list_groups(UserPoolId=made.id)["Groups"]
    assert {group["GroupName"] for group in groups} == {"doctor", "patient", "administrator"} == set(GROUPS.values())


def test_a_pool_that_is_there_is_found_behind_more_than_one_page(cognito: Call, client: Callable[[str], Any]) -> None:
    made = make_pool(cognito, name="behind", protected=False)
    others = [client("cognito-idp").create_user_pool(PoolName=f"other-{number}") for number in range(61)]
    assert make_pool(cognito, name="behind", protected=False) == made
    for other in others:
        client("cognito-idp").delete_user_pool(UserPoolId=other["UserPool"]["Id"])


def test_no_flow_sends_a_password_and_no_client_may_write_more_than_a_locale() -> None:
    assert CLIENT["ExplicitAuthFlows"] == ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    assert (CLIENT["GenerateSecret"], CLIENT["PreventUserExistenceErrors"]) == (False, "ENABLED")
    assert CLIENT["WriteAttributes"] == CLIENT["ReadAttributes"] == ["locale"]
    assert (CLIENT["AccessTokenValidity"], CLIENT["RefreshTokenValidity"]) == (15, 30)
    assert CLIENT["TokenValidityUnits"] == {"AccessToken": "minutes", "IdToken": "minutes", "RefreshToken": "days"}


def test_a_trigger_is_in_the_pool_where_there_is_one(cognito: Call, client: Callable[[str], Any]) -> None:
    arn = f"arn:aws:lambda:{REGION}:000000000000:function:sign-up"
    made = make_pool(cognito, name="judged", pre_sign_up=arn, protected=False)
    described = client("cognito-idp").describe_user_pool(UserPoolId=made.id)["UserPool"]
    assert described["LambdaConfig"]["PreSignUp"] == arn


# What is said


def test_all_that_is_said_is_as_the_api_has_it(cognito: Call) -> None:
    heard = Heard(cognito)
    pool = make_pool(heard, name="said", protected=False)
    identity = identity_on(heard, pool, open_memory())
    assert isinstance(identity, CognitoIdentity)
    user = AccountId("user-said")
    identity.create(user, a_password(), role=Role.DOCTOR)
    signed = identity.sign_in(user, a_password(), now=now())
    assert signed
    identity.refresh(signed.refresh_token, now=now())
    identity.remove(user)
    model = get_session().get_service_model("cognito-idp")
    said = {operation for operation, _ in heard.requests}
    assert {"AdminCreateUser", "AdminAddUserToGroup", "RespondToAuthChallenge", "AdminDeleteUser"} <= said
    for operation, request in heard.requests:
        report = ParamValidator().validate(request, model.operation_model(operation).input_shape)
        assert not report.has_errors(), report.generate_report()


def test_of_a_person_cognito_knows_an_id_and_a_group_and_nothing_else(
    identity: Identity, user: AccountId, pool: Pool, client: Callable[[str], Any]
) -> None:
    assert isinstance(identity, CognitoIdentity)
    identity.create(user, a_password(), role=Role.PATIENT)
    kept = client("cognito-idp").admin_get_user(UserPoolId=pool.id, Username=user)
    assert [attribute["Name"] for attribute in kept["UserAttributes"]] == ["sub"]
    assert kept["UserStatus"] == "CONFIRMED"
    groups = client("cognito-idp").admin_list_groups_for_user(UserPoolId=pool.id, Username=user)["Groups"]
    assert [group["GroupName"] for group in groups] == ["patient"]


# Proofs


@pytest.mark.parametrize("part", ["PASSWORD_CLAIM_SIGNATURE", "TIMESTAMP", "PASSWORD_CLAIM_SECRET_BLOCK"])
def test_a_changed_proof_is_refused(identity: Identity, user: AccountId, heard: Heard, part: str) -> None:
    def changed(request: Mapping[str, Any]) -> Mapping[str, Any]:
        said = dict(request["ChallengeResponses"])
        place = said[part].index(":") + 1 if part == "TIMESTAMP" else 0
        other = str((int(said[part][place]) + 1) % 6) if part == "TIMESTAMP" else ("A" if said[part][0] != "A" else "B")
        said[part] = said[part][:place] + other + said[part][place + 1 :]
        return {**request, "ChallengeResponses": said}

    assert identity.check(user, a_password())
    heard.instead["RespondToAuthChallenge"] = changed
    assert not identity.check(user, a_password())
    assert identity.sign_in(user, a_password(), now=now()) is None


def test_a_proof_for_another_number_of_ours_is_refused(identity: Identity, user: AccountId, heard: Heard) -> None:
    def changed(request: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**request, "AuthParameters": {**request["AuthParameters"], "SRP_A": "2f"}}

    heard.instead["InitiateAuth"] = changed
    assert not identity.check(user, a_password())


def test_whoever_is_unknown_is_asked_for_a_proof_as_well(identity: Identity, user: AccountId, heard: Heard) -> None:
    asked = []
    for username in (user, AccountId("user-unknown"), None):
        heard.requests.clear()
        assert not identity.check(username, OTHER)
        asked.append([operation for operation, _ in heard.requests])
    assert asked == [["InitiateAuth", "RespondToAuthChallenge"]] * 3


# Tokens


def test_a_token_names_the_account_by_its_username_and_not_by_its_subject(
    identity: Identity, tokens: Tokens, user: AccountId
) -> None:
    signed = identity.sign_in(user, a_password(), now=now())
    assert signed
    claims = claims_of(signed.access_token)
    assert claims["sub"] != claims["username"] == user
    assert claims["exp"] - claims["iat"] == 15 * 60
    verified = tokens.verify(signed.access_token, now=now())
    assert (verified.username, verified.session_id) == (user, claims["origin_jti"])


def test_id_tokens_and_tokens_of_another_pool_or_client_do_not_count(
    cognito: Call, pool: Pool, endpoint_url: str, tokens: Tokens, client: Callable[[str], Any]
) -> None:
    another = make_pool(cognito, name="of-others", protected=False)
    second = client("cognito-idp").create_user_pool_client(UserPoolId=pool.id, ClientName="second", **CLIENT)
    other_client = Pool(pool.id, second["UserPoolClient"]["ClientId"])
    kept = []

    def keep(operation: str, request: Mapping[str, Any], /) -> Mapping[str, Any]:
        answer = cognito(operation, request)
        kept.append(answer.get("AuthenticationResult", {}))
        return answer

    for where, counts in ((pool, True), (another, False), (other_client, False)):
        users, name = Users(keep, where, QUICK), AccountId(f"user-tokens-{next(_NUMBERS)}")
        users.put(name, a_password())
        granted = users.prove(name, a_password())
        assert granted
        assert takes(tokens, granted.access_token) is counts
        assert takes(tokens_of(where, endpoint_url), granted.access_token)
        assert not takes(tokens, kept[-1]["IdToken"])
        assert not takes(tokens, kept[-1]["RefreshToken"])


def takes(tokens: Tokens, token: str) -> bool:
    try:
        return bool(tokens.verify(token, now=now()))
    except UnauthenticatedError:
        return False


def test_while_the_keys_cannot_be_had_known_tokens_count_and_without_any_it_is_an_outage(
    identity: Identity, user: AccountId, pool: Pool, endpoint_url: str
) -> None:
    signed = identity.sign_in(user, a_password(), now=now())
    assert signed
    fetch = open_jwks(jwks_url(pool.id, endpoint_url=endpoint_url))
    seconds, down = [0.0], [False]

    def perhaps() -> Mapping[str, Any]:
        return open_jwks("http://127.0.0.1:1/")() if down[0] else fetch()

    def opened() -> Tokens:
        keys = KeySet(perhaps, seconds=lambda: seconds[0])
        return open_verifier(keys, issuer=issuer_of(pool.id), client_ids={pool.client_id}, subject_is_username=False)

    tokens = opened()
    assert tokens.verify(signed.access_token, now=now()).username == user
    down[0] = True
    seconds[0] = 23 * 3600.0
    assert tokens.verify(signed.access_token, now=now()).username == user
    seconds[0] = 25 * 3600.0
    for late in (tokens, opened()):
        with pytest.raises(UnavailableError):
            late.verify(signed.access_token, now=now())


# What counts here, whatever Cognito says


def test_a_role_is_what_our_directory_says_and_a_sign_out_is_at_once(
    cognito: Call, pool: Pool, tokens: Tokens, client: Callable[[str], Any]
) -> None:
    stores = open_memory()
    clinic = a_clinic(stores, ids=None)
    patient, identity = clinic.patient(), identity_on(cognito, pool, stores)
    identity.create(patient.id, a_password(), role=Role.PATIENT)
    client("cognito-idp").admin_add_user_to_group(UserPoolId=pool.id, Username=patient.id, GroupName="administrator")
    authenticate = Authenticate(tokens, stores.sessions, SettableClock(now()))
    signed = identity.sign_in(patient.id, a_password(), now=now())
    assert signed
    assert set(claims_of(signed.access_token)["cognito:groups"]) == {"administrator", "patient"}
    assert authenticate(signed.access_token) == (patient, signed.session_id)
    SignOut(identity)(session_id=signed.session_id)
    assert takes(tokens, signed.access_token)
    with pytest.raises(UnauthenticatedError):
        authenticate(signed.access_token)


def test_tokens_got_from_cognito_past_us_find_no_session(
    cognito: Call, pool: Pool, tokens: Tokens, stores: Stores, identity: Identity, user: AccountId
) -> None:
    granted = Users(cognito, pool, QUICK).prove(user, a_password())
    assert granted
    assert takes(tokens, granted.access_token)
    with pytest.raises(NotFoundError):
        stores.sessions.account_of(granted.session_id, user)
    for token in (granted.refresh_token, granted.access_token):
        with pytest.raises(UnauthenticatedError):
            identity.refresh(token or "", now=now())


def test_whoever_signs_up_at_cognito_by_themselves_is_nobody_here(
    identity: Identity, pool: Pool, client: Callable[[str], Any]
) -> None:
    # The emulator lets them; what Cognito would refuse, does not count here either.
    name = AccountId("user-by-themselves")
    users = Users(open_call_of(identity), pool, QUICK)
    client("cognito-idp").sign_up(ClientId=pool.client_id, Username=name, Password="x" * 43)
    client("cognito-idp").admin_confirm_sign_up(UserPoolId=pool.id, Username=name)
    users.put(name, a_password())
    assert users.prove(name, a_password())
    assert identity.sign_in(name, a_password(), now=now()) is None


def open_call_of(identity: Identity) -> Call:
    assert isinstance(identity, CognitoIdentity)
    return identity._users._call


def test_a_removed_user_is_in_cognito_no_more_and_never_made_again(
    identity: Identity, user: AccountId, pool: Pool, client: Callable[[str], Any]
) -> None:
    signed = identity.sign_in(user, a_password(), now=now())
    assert signed
    identity.remove(user)
    with pytest.raises(ConflictError):
        identity.create(user, OTHER, role=Role.PATIENT)
    with pytest.raises(ClientError, match="UserNotFoundException"):
        client("cognito-idp").admin_get_user(UserPoolId=pool.id, Username=user)
    with pytest.raises(UnauthenticatedError):
        identity.refresh(signed.refresh_token, now=now())


# When it goes wrong


JOURNEY: Mapping[str, Callable[[Identity, AccountId], object]] = {
    "create": lambda identity, user: identity.create(user, OTHER, role=Role.PATIENT),
    "check": lambda identity, user: identity.check(user, OTHER),
    "sign in": lambda identity, user: identity.sign_in(user, OTHER, now=now()),
    "reset": lambda identity, user: identity.reset(
        identity.reset_token(user, now=now()) or "", a_password(), now=now()
    ),
    "remove": lambda identity, user: identity.remove(user),
}


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault.THROTTLED, BusyError),
        (Fault.EXPIRED_CREDENTIALS, UnavailableError),
        (Fault.NO_CONNECTION, UnavailableError),
        (Fault.LOST_BEFORE, UnavailableError),
        (Fault.NO_SUCH_TABLE, UnavailableError),
    ],
)
def test_what_fails_to_the_end_is_told_once_and_comes_through_afterwards(
    cognito: Call, pool: Pool, fault: Fault, told: type[TelemedError]
) -> None:
    faulty, stores = Faulty(cognito, "cognito-idp"), open_memory()
    identity, user = identity_on(faulty, pool, stores), AccountId(f"user-faults-{next(_NUMBERS)}")
    first = {"create": "AdminCreateUser", "reset": "AdminSetUserPassword", "remove": "AdminDeleteUser"}
    for name, act in JOURNEY.items():
        faulty.plan(first.get(name, "InitiateAuth"), *[fault] * 8)
        with pytest.raises(told) as raised:
            act(identity, user)
        assert type(raised.value.__cause__).__name__ in ("AwsError", "NoneType")
        assert str(user) not in str(raised.value)
        faulty.forget()
        answer = act(identity, user)
        assert answer is not False
        assert answer is not None or name in first
    assert stores.credentials.get(user) is None


@pytest.mark.parametrize(
    "fault", [Fault.THROTTLED, Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.BROKEN, Fault.DELIVERED_TWICE]
)
def test_each_call_of_each_step_goes_wrong_once_and_nobody_is_told(cognito: Call, pool: Pool, fault: Fault) -> None:
    faulty, stores = Faulty(cognito, "cognito-idp"), open_memory()
    identity, user = identity_on(faulty, pool, stores), AccountId(f"user-once-{next(_NUMBERS)}")
    happened = 0
    for act in JOURNEY.values():
        for operation in (
            "AdminCreateUser",
            "AdminSetUserPassword",
            "AdminAddUserToGroup",
            "InitiateAuth",
            "RespondToAuthChallenge",
            "AdminDeleteUser",
        ):
            faulty.plan(operation, fault)
        act(identity, user)
        happened += faulty.happened[fault]
        faulty.forget()
    assert happened == 9
    with pytest.raises(ConflictError):
        identity.create(user, OTHER, role=Role.PATIENT)


def test_a_refused_refresh_while_cognito_is_down_is_told_from_one_that_is_not_good(
    cognito: Call, pool: Pool, stores: Stores
) -> None:
    faulty = Faulty(cognito, "cognito-idp")
    identity, user = identity_on(faulty, pool, stores), AccountId("user-down")
    identity.create(user, a_password(), role=Role.PATIENT)
    signed = identity.sign_in(user, a_password(), now=now())
    assert signed
    faulty.plan("InitiateAuth", *[Fault.NO_CONNECTION] * 8)
    with pytest.raises(UnavailableError):
        identity.refresh(signed.refresh_token, now=now())
    faulty.forget()
    assert identity.refresh(signed.refresh_token, now=now()).session_id == signed.session_id


# Where rights are enforced


def test_where_rights_are_enforced_the_whole_way_is_gone_and_no_password_flow_is_open(
    credentials: None,
) -> None:
    with Ministack(auth=True) as server:
        cognito = open_call("cognito-idp", region=REGION, endpoint_url=server.endpoint_url, connections=2)
        pool = make_pool(cognito, protected=False)
        stores, user = open_memory(), AccountId("user-1")
        identity, tokens = identity_on(cognito, pool, stores), tokens_of(pool, server.endpoint_url)
        identity.create(user, a_password(), role=Role.PATIENT)
        signed = identity.sign_in(user, a_password(), now=now())
        assert signed
        assert not identity.check(user, OTHER)
        renewed = identity.refresh(signed.refresh_token, now=now())
        assert tokens.verify(renewed.access_token, now=now()).session_id == signed.session_id
        identity.change(user, OTHER, keep=signed.session_id)
        again = identity.refresh(renewed.refresh_token, now=now())
        said = {"USERNAME": user, "PASSWORD": "x" * 43}
        for flow in ("USER_PASSWORD_AUTH", "CUSTOM_AUTH"):
            with pytest.raises(AwsError) as refused:
                cognito("InitiateAuth", {"ClientId": pool.client_id, "AuthFlow": flow, "AuthParameters": said})
            assert refused.value.code == "InvalidParameterException"
        cognito("AdminDisableUser", {"UserPoolId": pool.id, "Username": user})
        assert not identity.check(user, OTHER)
        with pytest.raises(UnauthenticatedError):
            identity.refresh(again.refresh_token, now=now())
        token = identity.reset_token(user, now=now())
        assert token
        with pytest.raises(InvalidError):
            identity.reset(f"{token}x", OTHER, now=now())
        identity.remove(user)
        assert identity.reset_token(user, now=now()) is None
