"""The issuer of our own access tokens."""

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Self

import attrs
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jws
from joserfc.jwk import RSAKey

from telemed_core.domain.sessions import ACCESS_LIFE, REFRESH_LIFE, Session

ISSUER: Final = "urn:telemed:issuer"
CLIENT_ID: Final = "telemed"

_RS256: Final = jws.JWSRegistry(algorithms=["RS256"])


@attrs.frozen(eq=False)
class Issuer:
    """Signs under one RSA key; its key set has the key before that one too, while keys are rotated."""

    _key: RSAKey = attrs.field(repr=False)
    _header: Mapping[str, str] = attrs.field(repr=False)
    _public: Sequence[Mapping[str, Any]] = attrs.field(repr=False)

    @classmethod
    def of(cls, *pems: bytes) -> Self:
        """The issuer that signs under the first of these private keys."""
        keys = [_loaded(pem) for pem in pems]
        public = [key.as_dict(private=False, kid=key.thumbprint(), alg="RS256", use="sig") for key in keys]
        return cls(keys[0], {"alg": "RS256", "kid": keys[0].thumbprint(), "typ": "JWT"}, public)

    def access_token(self, session: Session, /, *, now: datetime) -> str:
        """A token of the session, good from now on for ``ACCESS_LIFE``."""
        issued_at = int(now.timestamp())
        claims = {
            "sub": session.account_id,
            "username": session.account_id,
            "iss": ISSUER,
            "client_id": CLIENT_ID,
            "token_use": "access",
            "origin_jti": session.id,
            "jti": secrets.token_urlsafe(16),
            "auth_time": int((session.expires_at - REFRESH_LIFE).timestamp()),
            "iat": issued_at,
            "exp": issued_at + int(ACCESS_LIFE.total_seconds()),
            "version": 2,
            "scope": "telemed",
        }
        return jws.serialize_compact({**self._header}, json.dumps(claims), self._key, registry=_RS256)

    def jwks(self) -> Mapping[str, Any]:
        """The public keys, as RFC 7517 writes them; each is named by its thumbprint (RFC 7638)."""
        return {"keys": [dict(key) for key in self._public]}


def open_issuer(key: bytes, *, previous: bytes | None = None) -> Issuer:
    """Sign under this private key (RSA, in PEM), and publish the public one of ``previous`` too."""
    return Issuer.of(key) if previous is None else Issuer.of(key, previous)


def _loaded(pem: bytes) -> RSAKey:
    # Its arithmetic is not proved on every start (40 ms): it is our own key, not a stranger's.
    key = load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("the issuer's key must be an RSA private key")
    return RSAKey.import_key(key)
