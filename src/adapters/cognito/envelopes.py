"""Refresh tokens as they are handed out: ours on the outside, with Cognito's own sealed in them."""

import base64
import binascii
import hmac
import re
from functools import cache
from typing import TYPE_CHECKING, Final

import attrs

from telemed_core.domain.ids import SessionId
from telemed_core.errors import UnauthenticatedError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

_LABEL: Final = b"telemed: refresh tokens of cognito"
_OURS: Final = re.compile(
    r"(?P<content>(?P<session_id>[A-Za-z0-9][A-Za-z0-9._-]{0,63})\.(?P<generation>[0-9]{1,9}))"
    r"\.(?P<sealed>[A-Za-z0-9_-]{22,5462})"
).fullmatch


@attrs.frozen
class Opened:
    """What stands in one of our refresh tokens."""

    session_id: SessionId
    generation: int
    cognitos: str = attrs.field(repr=False)


@attrs.frozen
class Envelopes:
    """``<session id>.<generation>.<Cognito's token, sealed and bound to both>``.

    Whoever had Cognito's token as it is could have it refreshed there for 30 days, past all that is counted here. The
    same content is sealed to the same text (AES-SIV): whoever refreshes twice gets the same next token.

    Attributes:
        keys: tokens are sealed under the first, and opened under each of them.
    """

    _keys: tuple[bytes, ...] = attrs.field(repr=False)

    def seal(self, content: Opened) -> str:
        """The token to hand out."""
        bound = f"{content.session_id}.{content.generation}"
        sealed = _cipher(self._keys[0]).encrypt(content.cognitos.encode(), [bound.encode("ascii")])
        return f"{bound}.{_text(sealed)}"

    def open(self, token: str) -> Opened:
        """What was sealed.

        Raises:
            UnauthenticatedError: it is not one of ours, to the last bit.
        """
        given = _OURS(token)
        if given is None:
            raise UnauthenticatedError
        cognitos = self._unsealed(given["sealed"], bound=given["content"].encode("ascii"))
        return Opened(SessionId(given["session_id"]), int(given["generation"]), cognitos)

    def _unsealed(self, text: str, *, bound: bytes) -> str:
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 # who refreshes nothing does not load it

        try:
            sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except binascii.Error:
            raise UnauthenticatedError from None
        # The last character has bits left over: one token has one spelling.
        if _text(sealed) == text:
            for key in self._keys:
                try:
                    return _cipher(key).decrypt(sealed, [bound]).decode()
                except InvalidTag:
                    continue
        raise UnauthenticatedError


@cache
def _cipher(key: bytes) -> "AESSIV":
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV  # noqa: PLC0415 # see above

    return AESSIV(hmac.digest(key, _LABEL, "sha512"))


def _text(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")
