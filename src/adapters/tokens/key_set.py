"""The public keys of an issuer, fetched when they are needed and kept for a while."""

import math
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from threading import Lock
from typing import Any, Final

import attrs
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from joserfc.util import base64_to_int

from telemed_core.errors import UnavailableError

FRESH: Final = timedelta(hours=1).total_seconds()
KEPT: Final = timedelta(hours=24).total_seconds()
BETWEEN_FETCHES: Final = timedelta(seconds=30).total_seconds()
FEWEST_RSA_BITS: Final = 2048


@attrs.frozen
class _Fetched:
    keys: Mapping[str, RSAKey]
    at: float


@attrs.define(eq=False)
class KeySet:
    """Finds keys by ``kid``; ``fetch`` gives the issuer's key set (RFC 7517).

    A set is good for an hour. A newer one is asked for when it is not, or does not have the key: never twice within
    30 s, and by one thread at a time. While none can be had the old one is good for a day.
    """

    _fetch: Callable[[], Mapping[str, Any]] = attrs.field(repr=False)
    _seconds: Callable[[], float] = attrs.field(default=time.monotonic, kw_only=True, repr=False)
    _set: _Fetched = attrs.field(default=_Fetched({}, -math.inf), init=False, repr=False)
    _tried_at: float = attrs.field(default=-math.inf, init=False, repr=False)
    _fetching: Lock = attrs.field(factory=Lock, init=False, repr=False)

    def get(self, kid: str, /) -> RSAKey | None:
        """The key of that name; ``None``: the issuer has none that is fit for RS256.

        Raises:
            UnavailableError: the set cannot be had.
        """
        # Whoever knows an old key goes on with it while another thread asks.
        if not self._has(kid) and self._fetching.acquire(blocking=kid not in self._set.keys):
            try:
                if not self._has(kid):
                    self._try()
            finally:
                self._fetching.release()
        if self._seconds() >= self._set.at + KEPT:
            raise UnavailableError("The keys to verify tokens by cannot be had.")
        return self._set.keys.get(kid)

    def _has(self, kid: str) -> bool:
        return kid in self._set.keys and self._seconds() < self._set.at + FRESH

    def _try(self) -> None:
        now = self._seconds()
        if now < self._tried_at + BETWEEN_FETCHES:
            return
        self._tried_at = now
        try:
            keys = _fit(self._fetch())
        except UnavailableError:
            return
        if keys:
            self._set = _Fetched(keys, now)


def _fit(document: Mapping[str, Any]) -> Mapping[str, RSAKey]:
    given = document.get("keys")
    members = [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []
    return {one["kid"]: key for one in members if isinstance(one.get("kid"), str) and (key := _key(one))}


def _key(member: Mapping[str, Any]) -> RSAKey | None:
    if (member.get("kty"), member.get("alg"), member.get("use")) != ("RSA", "RS256", "sig"):
        return None
    try:
        if base64_to_int(member["n"]).bit_length() < FEWEST_RSA_BITS:
            return None
        return RSAKey.import_key({name: member[name] for name in ("kty", "n", "e")})
    except (KeyError, TypeError, ValueError, JoseError):
        return None
