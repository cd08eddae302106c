"""The user pool, written once: for whoever deploys it, and made here for emulators and tests."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs

from adapters.aws.calling import Call
from adapters.aws.failures import AwsError
from telemed_core.domain.people import Role
from telemed_core.domain.sessions import ACCESS_LIFE, REFRESH_LIFE

NAME: Final = "telemed"
GROUPS: Final = {role: str(role) for role in Role}
"""Told by nobody: a role is what our directory says. Operators see by them whose user it is."""

POOL: Final[Mapping[str, Any]] = {
    # What it is given is a digest of 43 letters, digits, "-" and "_": what a password has to be is judged before.
    "Policies": {
        "PasswordPolicy": {
            "MinimumLength": 43,
            "RequireUppercase": False,
            "RequireLowercase": False,
            "RequireNumbers": False,
            "RequireSymbols": False,
            "TemporaryPasswordValidityDays": 1,
        }
    },
    # Account ids: no other spelling of them, and no other name to sign in with.
    "UsernameConfiguration": {"CaseSensitive": True},
    "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True},
    "AccountRecoverySetting": {"RecoveryMechanisms": [{"Name": "admin_only", "Priority": 1}]},
    "MfaConfiguration": "OFF",
    "DeletionProtection": "ACTIVE",
}

CLIENT: Final[Mapping[str, Any]] = {
    "GenerateSecret": False,
    # No flow in which a password is sent. Rotation is ours, so Cognito's own is off.
    "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    "PreventUserExistenceErrors": "ENABLED",
    # Without it tokens have no `origin_jti`, by which sessions are known.
    "EnableTokenRevocation": True,
    "AccessTokenValidity": int(ACCESS_LIFE.total_seconds()) // 60,
    "IdTokenValidity": int(ACCESS_LIFE.total_seconds()) // 60,
    "RefreshTokenValidity": REFRESH_LIFE.days,
    "TokenValidityUnits": {"AccessToken": "minutes", "IdToken": "minutes", "RefreshToken": "days"},
    "AuthSessionValidity": 3,
    # Left out, or empty, they would be all. A user could write this one with their token; nobody reads it.
    "ReadAttributes": ["locale"],
    "WriteAttributes": ["locale"],
    "SupportedIdentityProviders": ["COGNITO"],
    "AllowedOAuthFlowsUserPoolClient": False,
}


@attrs.frozen
class Pool:
    """A pool, and the client of it that we are."""

    id: str
    client_id: str


def make_pool(call: Call, *, name: str = NAME, pre_sign_up: str | None = None, protected: bool = True) -> Pool:
    """The pool of that name, with its client and groups: what is missing is made, what is there is left as it is.

    Args:
        call: to ``cognito-idp``.
        pre_sign_up: the ARN of the function that judges sign-ups.
        protected: whether it has to be unprotected first by whoever wants to delete it.
    """
    pool_id = _named(call, "ListUserPools", "UserPools", {}, name, says="Name")
    if pool_id is None:
        pool_id = str(call("CreateUserPool", _pool(name, pre_sign_up, protected=protected))["UserPool"]["Id"])
    here = {"UserPoolId": pool_id}
    client_id = _named(call, "ListUserPoolClients", "UserPoolClients", here, name, says="ClientName", key="ClientId")
    if client_id is None:
        made = call("CreateUserPoolClient", {**here, "ClientName": name, **CLIENT})["UserPoolClient"]
        client_id = str(made["ClientId"])
    for group in GROUPS.values():
        _make_group(call, {**here, "GroupName": group})
    return Pool(pool_id, client_id)


def _pool(name: str, pre_sign_up: str | None, *, protected: bool) -> Mapping[str, Any]:
    judged = {"LambdaConfig": {"PreSignUp": pre_sign_up}} if pre_sign_up else {}
    return {"PoolName": name, **POOL, "DeletionProtection": "ACTIVE" if protected else "INACTIVE", **judged}


def _named(
    call: Call, operation: str, member: str, request: Mapping[str, Any], name: str, *, says: str, key: str = "Id"
) -> str | None:
    for one in _all(call, operation, member, request):
        if one[says] == name:
            return str(one[key])
    return None


def _all(call: Call, operation: str, member: str, request: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    page: dict[str, Any] = {**request, "MaxResults": 60}
    while True:
        answer = call(operation, page)
        yield from answer.get(member, ())
        if not answer.get("NextToken"):
            return
        page["NextToken"] = answer["NextToken"]


def _make_group(call: Call, request: Mapping[str, Any]) -> None:
    try:
        call("CreateGroup", request)
    except AwsError as error:
        if error.code != "GroupExistsException":
            raise
