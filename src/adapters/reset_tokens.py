"""Tokens for a new password, the same for all identities that keep its revision in ``Credentials``."""

import base64
import hmac
import re
from datetime import datetime
from typing import Final

import attrs

from adapters.serialization import instant_of, microseconds
from telemed_core.domain.ids import AccountId
from telemed_core.domain.instants import SKEW
from telemed_core.domain.sessions import RESET_LIFE
from telemed_core.errors import InvalidError
from telemed_core.ports.people import Credentials

_FORM: Final = re.compile(
    r"(?P<content>(?P<username>[A-Za-z0-9][A-Za-z0-9._-]{0,63})\.(?P<rev>[0-9]{1,9})\.(?P<until>[0-9]{1,16}))"
    r"\.(?P<mac>[A-Za-z0-9_-]{43})"
).fullmatch


@attrs.frozen(eq=False)
class ResetTokens:
    """``<account id>.<revision of the password>.<until when, in microseconds>.<HMAC-SHA256 of all three>``.

    Each new password raises the revision, and so uses up all tokens before it.

    Attributes:
        keys: tokens are made under the first, and taken under each of them.
    """

    _credentials: Credentials
    _keys: tuple[bytes, ...] = attrs.field(repr=False)

    def make(self, username: AccountId, /, *, now: datetime) -> str | None:
        """What lets the user set another password; ``None``: there is no such user."""
        kept = self._credentials.get(username)
        if kept is None:
            return None
        content = f"{username}.{kept.rev}.{microseconds(now + RESET_LIFE)}"
        return f"{content}.{mac(self._keys[0], content)}"

    def read(self, token: str, /, *, now: datetime) -> tuple[AccountId, int]:
        """Whose it is, and the revision of the password that it replaces.

        Raises:
            InvalidError: it was not made by ourselves, or is not good any more.
        """
        given = _FORM(token)
        if given is None or not is_ours(given["content"], given["mac"], self._keys):
            raise not_good()
        username, rev, until = AccountId(given["username"]), int(given["rev"]), instant_of(int(given["until"]))
        kept = self._credentials.get(username)
        # One further ahead than it ever was belongs to another clock.
        if kept is None or kept.rev != rev or not now < until <= now + RESET_LIFE + SKEW:
            raise not_good()
        return username, rev


def not_good() -> InvalidError:
    """How a token is refused, whatever is wrong with it."""
    return InvalidError("token", "is not one of ours, or not good any more")


def is_ours(content: str, said: str, keys: tuple[bytes, ...]) -> bool:
    """Whether one of the keys signs the content so."""
    return any(hmac.compare_digest(mac(key, content), said) for key in keys)


def mac(key: bytes, content: str) -> str:
    """43 URL-safe characters by which nobody else signs the content."""
    return base64.urlsafe_b64encode(hmac.digest(key, content.encode("ascii"), "sha256")).rstrip(b"=").decode("ascii")
