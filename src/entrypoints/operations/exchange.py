"""What every exchange has, whatever carries it: who asked, what all answers say, and what the log is told."""

import secrets
from collections.abc import Sequence
from typing import Final

from entrypoints.operations.operation import Headers
from entrypoints.settings import Settings

_METHODS: Final = frozenset("GET HEAD POST PUT PATCH DELETE OPTIONS".split())
_STANDING: Final[Headers] = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_ONLY_HTTPS: Final[Headers] = {"strict-transport-security": "max-age=31536000"}


def is_secure(settings: Settings) -> bool:
    """Whether people reach us by https, and must not do so otherwise."""
    return settings.public_url.startswith("https:")


def standing_headers(*, secure: bool) -> Headers:
    """What answers say by lower-case name, unless they have something of their own to say there."""
    return {**_STANDING, **_ONLY_HTTPS} if secure else _STANDING


def new_request_id() -> str:
    """Names an answer in our logs: 32 hexadecimal digits, whatever the client calls it."""
    return secrets.token_hex(16)


def client_address(peer: str, forwarded: Sequence[str], *, trusted_proxies: int) -> str:
    """Who asks: what the outermost of our own proxies saw, or the peer where there are none.

    Args:
        forwarded: the values of ``X-Forwarded-For``, to which each proxy has added what it saw.
    """
    seen = [part.strip() for header in forwarded for part in header.split(",")]
    return seen[-trusted_proxies] if trusted_proxies and len(seen) >= trusted_proxies else peer


def shown_method(method: str) -> str:
    """The method as the log shows it: what is none may be anything that somebody typed."""
    return method if method in _METHODS else "OTHER"
