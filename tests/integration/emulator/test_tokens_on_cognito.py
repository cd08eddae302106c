"""A11 where Cognito signs tokens: none but a good one counts at any operation, and its faults are not told."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from adapters.aws.calling import Call, open_call
from adapters.cognito.keys import issuer_of
from adapters.cognito.pool import CLIENT, Pool
from adapters.cognito.users import Users
from attack_tokens import by_rsa, hostile_tokens, token
from entrypoints.operations.all_operations import OPERATIONS
from entrypoints.operations.operation import Operation
from integration.emulator.cognito_api import a_clinic, claims_of, me, refreshed, settings_on, signed
from integration.emulator.ministack import Ministack
from telemed_core.domain.ids import AccountId
from telemed_core.domain.people import Password, Role
from telemed_core.testing.builders import an_email
from unit.entrypoints.api import PASSWORD, Clinic, Reply

NO_ID = "0190a0b0c0d07e0f8a1b2c3d4e5f6071"
GUARDED = tuple(operation for operation in OPERATIONS if operation.roles is not None)


@pytest.fixture
def clinic(region: str, endpoint_url: str, user_pool: Pool, tmp_path: Path) -> Iterator[Clinic]:
    with a_clinic(settings_on("memory", endpoint_url=endpoint_url, pool=user_pool, data=tmp_path)) as made:
        yield made


@attrs.frozen
class Forger:
    """Has the pool's own key, which no attacker has: all but what a case is about is right."""

    tokens: Mapping[str, Any]
    pool: Pool
    key: bytes
    kid: str

    @property
    def claims(self) -> dict[str, Any]:
        return claims_of(dict(self.tokens))

    def saying(self, **members: Any) -> str:
        """The token, with these claims added or in place of its own."""
        return token({"alg": "RS256", "kid": self.kid}, {**self.claims, **members}, by_rsa(self.key))

    def hostile(self) -> list[tuple[str, str]]:
        """The 38."""
        return hostile_tokens(
            private_key_pem=self.key,
            kid=self.kid,
            issuer=issuer_of(self.pool.id),
            client_id=self.pool.client_id,
            username=self.claims["username"],
            session_id=self.claims["origin_jti"],
            now=datetime.now(UTC),
            subject=self.claims["sub"],
            refresh_token=self.tokens["refresh_token"],
        )


@pytest.fixture
def victim(clinic: Clinic, emulator: Ministack, user_pool: Pool) -> Forger:
    """A patient who is signed in."""
    clinic.patient()
    tokens = signed(clinic, str(an_email(1)))
    assert me(clinic, tokens).status == 200
    header = json.loads(urlsafe_b64decode(tokens["access_token"].partition(".")[0] + "=="))
    return Forger(tokens, user_pool, emulator.pool_key(user_pool.id), header["kid"])


def path_of(operation: Operation) -> str:
    return "/".join(NO_ID if part.startswith("{") else part for part in operation.path.split("/"))


def sent(clinic: Clinic, access_token: str | None) -> Iterator[Reply]:
    """What each operation that asks who is there answers."""
    for operation in GUARDED:
        yield clinic.call(operation.method, path_of(operation), token=access_token)


def told(replies: Iterator[Reply]) -> set[tuple[int, bytes, str]]:
    return {(reply.status, reply.raw, str(sorted(reply.headers.items()))) for reply in replies}


def test_a11_what_the_pools_key_signs_as_cognito_does_is_good(clinic: Clinic, victim: Forger) -> None:
    good = clinic.call("GET", "/v1/me", token=victim.saying(jti="another"))
    assert good.raw == me(clinic, dict(victim.tokens)).raw
    assert good.body["id"] == victim.claims["username"] != victim.claims["sub"]


def test_a11_each_of_38_hostile_tokens_is_refused_by_every_operation_in_the_same_words(
    clinic: Clinic, victim: Forger
) -> None:
    assert len(GUARDED) > 30
    tried = victim.hostile()
    assert len(tried) == 38
    ((status, body, headers),) = nothing = told(sent(clinic, None))
    assert (status, b'"unauthenticated"' in body, "'WWW-Authenticate', 'Bearer'" in headers) == (401, True, True)
    for name, hostile in tried:
        assert told(sent(clinic, hostile)) == nothing, name
    # None of them has ended anything.
    assert me(clinic, dict(victim.tokens)).status == 200


def test_a11_a_name_and_a_session_that_are_not_each_others_are_nobody(clinic: Clinic, victim: Forger) -> None:
    clinic.administrator()
    other = claims_of(signed(clinic, str(an_email(1, of="administrator"))))
    for members in (
        {"username": other["username"]},
        {"username": other["username"], "sub": other["sub"]},
        {"origin_jti": other["origin_jti"]},
        {"origin_jti": other["jti"]},
    ):
        assert {status for status, _, _ in told(sent(clinic, victim.saying(**members)))} == {401}
    assert clinic.call("GET", "/v1/admin/doctors", token=victim.saying(**other)).status == 200


def test_a11_no_claim_makes_a_role(clinic: Clinic, victim: Forger) -> None:
    claims = {
        "cognito:groups": ["administrator", "doctor"],
        "cognito:roles": ["administrator"],
        "custom:role": "administrator",
        "role": "administrator",
        "scope": "aws.cognito.signin.user.admin administrator",
    }
    forged = victim.saying(**claims)
    assert clinic.call("GET", "/v1/me", token=forged).status == 200
    others = [operation for operation in GUARDED if Role.PATIENT not in (operation.roles or ())]
    assert len(others) > 10
    for operation in others:
        assert clinic.call(operation.method, path_of(operation), token=forged).status == 403, operation.name


def test_a11_whatever_else_cognito_hands_out_is_no_access_token_of_ours(
    clinic: Clinic, victim: Forger, user_pool: Pool, region: str, endpoint_url: str, client: Callable[[str], Any]
) -> None:
    call = open_call("cognito-idp", region=region, endpoint_url=endpoint_url, connections=1)
    kept: list[Mapping[str, Any]] = []

    def keep(operation: str, request: Mapping[str, Any], /) -> Mapping[str, Any]:
        answer = call(operation, request)
        kept.append(answer.get("AuthenticationResult", {}))
        return answer

    second = client("cognito-idp").create_user_pool_client(UserPoolId=user_pool.id, ClientName="second", **CLIENT)
    for where in (user_pool, Pool(user_pool.id, second["UserPoolClient"]["ClientId"])):
        assert past_us(keep, where, victim.claims["username"])
        # The very person, by the right password: but not through us, and so in no session of ours.
        for name in ("AccessToken", "IdToken", "RefreshToken"):
            assert {status for status, _, _ in told(sent(clinic, kept[-1][name]))} == {401}, name
            assert refreshed(clinic, {"refresh_token": kept[-1][name]}).status in {401, 422}


def past_us(call: Call, pool: Pool, name: str) -> bool:
    return Users(call, pool).prove(AccountId(name), Password(PASSWORD)) is not None


def test_a11_a_token_is_good_for_as_long_as_ours_are_whatever_cognito_would_give(
    clinic: Clinic, victim: Forger
) -> None:
    now = int(datetime.now(UTC).timestamp())
    quarter = int(timedelta(minutes=15).total_seconds())
    for life, status in ((quarter, 200), (quarter + 1, 401), (24 * 3600, 401)):
        assert clinic.call("GET", "/v1/me", token=victim.saying(iat=now, exp=now + life)).status == status
