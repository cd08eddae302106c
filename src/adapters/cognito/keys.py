"""Where a pool's public keys are, and how they are fetched."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from telemed_core.errors import InvalidError, UnavailableError

LONGEST: Final = 64 * 1024
TIMEOUT: Final = 3.0
"""Seconds."""

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def issuer_of(pool_id: str) -> str:
    """What the pool's tokens say as ``iss``: an address at AWS, whatever they were asked for at."""
    return f"https://cognito-idp.{pool_id.partition('_')[0]}.amazonaws.com/{pool_id}"


def jwks_url(pool_id: str, *, endpoint_url: str | None = None) -> str:
    """Where the pool's key set is; ``endpoint_url``: where Cognito answers instead of at AWS."""
    base = issuer_of(pool_id) if endpoint_url is None else f"{endpoint_url.rstrip('/')}/{pool_id}"
    return f"{base}/.well-known/jwks.json"


def open_jwks(url: str, *, timeout: float = TIMEOUT) -> Callable[[], Mapping[str, Any]]:
    """Fetch the key set there: over HTTPS, from nowhere else, at most 64 KiB; how long it counts is not looked at here.

    Raises:
        InvalidError: it is no URL of HTTPS; only on this machine HTTP will do.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and (parts.scheme != "http" or parts.hostname not in _LOOPBACK):
        raise InvalidError("url", "keys are fetched over HTTPS")

    def fetch() -> Mapping[str, Any]:
        """The key set.

        Raises:
            UnavailableError: it cannot be had, or it is none.
        """
        try:
            document = json.loads(_read(url, timeout))
        except (OSError, ValueError, RecursionError):
            raise UnavailableError from None
        if not isinstance(document, dict):
            raise UnavailableError
        return document

    return fetch


def _read(url: str, timeout: float) -> bytes:
    from http.client import HTTPException  # noqa: PLC0415 # who fetches nothing does not load it
    from urllib.error import HTTPError  # noqa: PLC0415 # the same
    from urllib.request import HTTPRedirectHandler, ProxyHandler, build_opener  # noqa: PLC0415 # the same

    class Here(HTTPRedirectHandler):
        """Goes nowhere else, wherever it is sent."""

        def redirect_request(self, *_: Any, **__: Any) -> None:
            return None

    handlers = [Here()] if url.startswith("https:") else [Here(), ProxyHandler({})]
    try:
        with build_opener(*handlers).open(url, timeout=timeout) as answer:
            content: bytes = answer.read(LONGEST + 1)
    except HTTPError as refusal:
        # It is the answer as well, and open.
        refusal.close()
        raise
    except HTTPException:
        raise ValueError("no HTTP") from None
    if len(content) > LONGEST:
        raise ValueError("too long for a key set")
    return content
