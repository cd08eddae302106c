"""The pool's users, as it is asked about them: what they prove, and what it hands out for that."""

import base64
import binascii
import json
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final, Self

import attrs

from adapters.aws.calling import Call
from adapters.aws.failures import AwsError
from adapters.aws.retrying import Patience
from adapters.cognito.pool import GROUPS, Pool
from adapters.cognito.srp import Challenge, Exchange, timestamp
from telemed_core.domain.ids import AccountId, SessionId
from telemed_core.domain.people import Password, Role
from telemed_core.errors import ConflictError, InvalidError, UnavailableError

_REFUSED: Final = frozenset(
    "NotAuthorizedException UserNotFoundException UserNotConfirmedException PasswordResetRequiredException".split()
)
"""No such user, not the password, too many wrong ones there, or a token that is not good: which, is not told."""
_UNKNOWN: Final = "UserNotFoundException"
_THERE: Final = "UsernameExistsException"
_NEVER_SET: Final = "NEW_PASSWORD_REQUIRED"
"""The user was made, but the password was not set any more."""


@attrs.frozen
class Granted:
    """What Cognito hands out for a proof or for a refresh token.

    Attributes:
        session_id: ``origin_jti``, the same from the proof on in all that is refreshed.
        refresh_token: ``None``: the one before stays good.
    """

    username: AccountId
    session_id: SessionId
    access_token: str = attrs.field(repr=False)
    refresh_token: str | None = attrs.field(repr=False)
    life: timedelta

    @classmethod
    def of(cls, result: Mapping[str, Any]) -> Self:
        """The ``AuthenticationResult``, which came from Cognito itself: its signature is looked at when it is used.

        Raises:
            UnavailableError: it is not as a pool of ours answers.
        """
        try:
            token = str(result["AccessToken"])
            claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
            username, session_id = AccountId(claims["username"]), SessionId(claims["origin_jti"])
            life = timedelta(seconds=int(result["ExpiresIn"]))
        except (KeyError, IndexError, TypeError, ValueError, binascii.Error, InvalidError):
            raise UnavailableError from None
        return cls(username, session_id, token, result.get("RefreshToken"), life)


def _utc_now() -> datetime:
    return datetime.now(UTC)


@attrs.frozen(eq=False)
class Users:
    """Users by name, and what they have to prove.

    A password is told to Cognito as its SHA-256 only: passphrases may have spaces and any letters, which Cognito's own
    passwords may not, and it never learns what somebody types elsewhere too.

    Attributes:
        clock: the time that is really: Cognito's, not one that somebody has set.
    """

    _call: Call
    _pool: Pool
    _patience: Patience = attrs.field(factory=Patience)
    _clock: Callable[[], datetime] = _utc_now

    def prove(self, username: AccountId | None, password: Password) -> Granted | None:
        """What the user gets for the password; ``None``: it is not theirs.

        An unknown user (``None``: one whom nobody has) is asked and answered the same way: by the setting
        ``PreventUserExistenceErrors`` Cognito goes on with whom it does not know, to the same refusal.
        """
        exchange = Exchange.begin()
        named = {"USERNAME": username or _nobody(), "SRP_A": exchange.public}
        asked = self._or_refused(
            "InitiateAuth", {"ClientId": self._pool.client_id, "AuthFlow": "USER_SRP_AUTH", "AuthParameters": named}
        )
        if asked is None:
            return None
        at = timestamp(self._clock())
        proved = self._or_refused("RespondToAuthChallenge", self._response(asked, exchange, password, at))
        if proved is None or proved.get("ChallengeName") == _NEVER_SET:
            return None
        # A challenge besides, which no pool of ours gives, is a result that is not there.
        granted = Granted.of(proved.get("AuthenticationResult") or {})
        if granted.refresh_token is None:
            raise UnavailableError
        return granted

    def renew(self, refresh_token: str) -> Granted | None:
        """What is given for Cognito's own refresh token; ``None``: it is not good any more."""
        request = {
            "ClientId": self._pool.client_id,
            "AuthFlow": "REFRESH_TOKEN_AUTH",
            "AuthParameters": {"REFRESH_TOKEN": refresh_token},
        }
        answer = self._or_refused("InitiateAuth", request)
        return None if answer is None else Granted.of(answer.get("AuthenticationResult") or {})

    def make(self, username: AccountId) -> None:
        """A user with nothing but the name and a password that nobody knows; one who is there stays as they are."""
        once = {"MessageAction": "SUPPRESS", "TemporaryPassword": secrets.token_urlsafe(32)}
        self._but("AdminCreateUser", {**self._of(username), **once}, expected=_THERE)

    def put(self, username: AccountId, password: Password) -> None:
        """Set the password, for good; who is not there (any more: users can leave the pool by themselves) is made.

        Raises:
            ConflictError: the user is being removed by others.
        """
        request = {**self._of(username), "Password": _told(password), "Permanent": True}
        if not self._but("AdminSetUserPassword", request, expected=_UNKNOWN):
            self.make(username)
            if not self._but("AdminSetUserPassword", request, expected=_UNKNOWN):
                raise ConflictError

    def group(self, username: AccountId, role: Role) -> None:
        """Put the user into the group of that role; one who is in it stays there."""
        self._but("AdminAddUserToGroup", {**self._of(username), "GroupName": GROUPS[role]}, expected=_UNKNOWN)

    def delete(self, username: AccountId) -> None:
        """Forget the user, and all that was handed out to them; an unknown one too."""
        self._but("AdminDeleteUser", self._of(username), expected=_UNKNOWN)

    def _response(self, asked: Mapping[str, Any], exchange: Exchange, password: Password, at: str) -> Mapping[str, Any]:
        try:
            challenge = Challenge.of(asked["ChallengeParameters"] if _asks_for_proof(asked) else {})
            proof = exchange.proof(challenge, pool_id=self._pool.id, password=_told(password), timestamp=at)
        except ValueError:
            raise UnavailableError from None
        responses = {
            "USERNAME": challenge.user_id,
            "PASSWORD_CLAIM_SECRET_BLOCK": challenge.secret_block,
            "PASSWORD_CLAIM_SIGNATURE": proof,
            "TIMESTAMP": at,
        }
        session = {"Session": asked["Session"]} if asked.get("Session") else {}
        return {
            "ClientId": self._pool.client_id,
            "ChallengeName": "PASSWORD_VERIFIER",
            "ChallengeResponses": responses,
            **session,
        }

    def _of(self, username: AccountId) -> dict[str, Any]:
        return {"UserPoolId": self._pool.id, "Username": username}

    def _or_refused(self, operation: str, request: Mapping[str, Any]) -> Mapping[str, Any] | None:
        try:
            return self._patience(lambda: self._call(operation, request))
        except AwsError as error:
            if error.code in _REFUSED:
                return None
            raise

    def _but(self, operation: str, request: Mapping[str, Any], *, expected: str) -> bool:
        """Whether it was done: ``False``: it was refused with the code that is expected."""
        try:
            # Each of these done twice is done once.
            self._patience(lambda: self._call(operation, request))
        except AwsError as error:
            if error.code == expected:
                return False
            raise
        return True


def _asks_for_proof(asked: Mapping[str, Any]) -> bool:
    return asked.get("ChallengeName") == "PASSWORD_VERIFIER" and "ChallengeParameters" in asked


def _nobody() -> str:
    """Another one each time: what is tried on one name too often Cognito refuses sooner."""
    return f"nobody.{secrets.token_hex(16)}"


def _told(password: Password) -> str:
    digest = sha256(password.secret.encode("utf-8", "surrogatepass")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
