"""What an access token must be to count, checked in one order whoever issued it."""

import json
import re
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final, NoReturn

import attrs
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.util import urlsafe_b64decode

from adapters.tokens.key_set import KeySet
from telemed_core.domain.ids import AccountId, SessionId
from telemed_core.domain.sessions import ACCESS_LIFE, Claims
from telemed_core.errors import UnauthenticatedError
from telemed_core.ports.services import Tokens

LONGEST: Final = 8 * 1024
LONGEST_KID: Final = 128
LEEWAY: Final = 30
LIFE: Final = int(ACCESS_LIFE.total_seconds())

_RS256: Final = jws.JWSRegistry(algorithms=["RS256"])
_THREE_PARTS: Final = re.compile(r"([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+").fullmatch


@attrs.frozen(eq=False)
class JwtTokens:
    """``Tokens`` signed under a key of the set, as the issuer signs access tokens for one of the clients."""

    _keys: KeySet
    _issuer: str
    _client_ids: frozenset[str]
    _future_issue_allowed: bool
    _subject_is_username: bool

    def verify(self, token: str, /, *, now: datetime) -> Claims:
        try:
            claims = _object(self._payload(token))
            self._check(claims, now=now.timestamp())
            return _said(claims, subject_is_username=self._subject_is_username)
        except (ValueError, JoseError):
            raise UnauthenticatedError from None

    def _payload(self, token: str) -> bytes:
        """What was signed.

        Raises:
            ValueError, JoseError: that it was, is not shown.
        """
        parts = _THREE_PARTS(token) if len(token) <= LONGEST else None
        if parts is None:
            raise ValueError
        key = self._keys.get(_kid(_object(urlsafe_b64decode(parts[1].encode("ascii")))))
        if key is None:
            raise ValueError
        # It takes no other spelling of a part, such as by the bits that the last character has left over.
        return jws.deserialize_compact(token, key, registry=_RS256).payload

    def _check(self, claims: dict[str, Any], *, now: float) -> None:
        if claims.get("iss") != self._issuer or claims.get("token_use") != "access":
            raise ValueError
        client_id = claims.get("client_id")
        if not isinstance(client_id, str) or client_id not in self._client_ids:
            raise ValueError
        expires_at, issued_at = _seconds(claims.get("exp")), _seconds(claims.get("iat"))
        if now >= expires_at + LEEWAY or expires_at - issued_at > LIFE:
            raise ValueError
        begins_at = max(issued_at, _seconds(claims.get("nbf", issued_at)))
        if begins_at > now + LEEWAY and not self._future_issue_allowed:
            raise ValueError


def open_verifier(
    keys: KeySet,
    *,
    issuer: str,
    client_ids: Collection[str],
    future_issue_allowed: bool = False,
    subject_is_username: bool = True,
) -> Tokens:
    """Take access tokens of this issuer for these clients.

    Args:
        future_issue_allowed: whether a token may be from later than now, as it is where the clock was set back.
        subject_is_username: whether the issuer names users once; Cognito's ``sub`` is a name of its own for them.
    """
    return JwtTokens(keys, issuer, frozenset(client_ids), future_issue_allowed, subject_is_username)


def _object(text: bytes) -> dict[str, Any]:
    """The JSON object in UTF-8, no key twice, every number one that JSON knows."""
    try:
        value = json.loads(text.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refused)
    except RecursionError:
        raise ValueError from None
    if not isinstance(value, dict):
        raise ValueError
    return value


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    given = list(pairs)
    unique = dict(given)
    if len(unique) != len(given):
        raise ValueError
    return unique


def _refused(_: str) -> NoReturn:
    raise ValueError


def _kid(header: dict[str, Any]) -> str:
    kid = header.get("kid")
    if header.keys() - {"alg", "kid", "typ"} or header.get("alg") != "RS256" or header.get("typ", "JWT") != "JWT":
        raise ValueError
    if not isinstance(kid, str) or len(kid) > LONGEST_KID:
        raise ValueError
    return kid


def _seconds(value: Any) -> int:
    # By exact type: to Python true is an integer as well.
    if type(value) is not int:
        raise ValueError
    return value


def _said(claims: dict[str, Any], *, subject_is_username: bool) -> Claims:
    username, session_id, subject = claims.get("username"), claims.get("origin_jti"), claims.get("sub")
    if not isinstance(username, str) or not isinstance(session_id, str) or not isinstance(subject, str):
        raise ValueError
    if subject_is_username and subject != username:
        raise ValueError
    return Claims(AccountId(username), SessionId(session_id))
