"""Cursors of lists: where the next page begins, sealed for one list of one user, for a day."""

import base64
import binascii
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import attrs
import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from telemed_core.domain.instants import SKEW
from telemed_core.errors import InvalidCursorError

LIFE: Final = timedelta(days=1)

_NONCE_BYTES: Final = 12

Position = Sequence[str | int]


@attrs.frozen
class Cursors:
    """Cursors under a key, and under the one before while keys are rotated."""

    _keys: tuple[AESGCM, ...] = attrs.field(repr=False)

    def seal(self, position: Position, /, *, bound_to: Sequence[str], now: datetime) -> str:
        """The cursor of a position."""
        nonce = os.urandom(_NONCE_BYTES)
        plain = orjson.dumps([(now + LIFE).timestamp(), *position])
        sealed = nonce + self._keys[0].encrypt(nonce, plain, orjson.dumps(bound_to))
        return _text(sealed)

    def open(self, cursor: str, /, *, bound_to: Sequence[str], now: datetime) -> Position:
        """The position that was sealed.

        Raises:
            InvalidCursorError: it is not a cursor of this list, this query and this user, or it is a day old.
        """
        until, position = self._unseal(cursor, orjson.dumps(bound_to))
        # One that ends later than any could was made by a clock that ran ahead of this one.
        if not now.timestamp() < until <= (now + LIFE + SKEW).timestamp():
            raise InvalidCursorError("cursor")
        return position

    def _unseal(self, cursor: str, bound_to: bytes) -> tuple[float, Position]:
        try:
            sealed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except (binascii.Error, ValueError):
            raise InvalidCursorError("cursor") from None
        if _text(sealed) != cursor:
            raise InvalidCursorError("cursor")
        for key in self._keys:
            try:
                plain = key.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to)
            except (InvalidTag, ValueError):
                continue
            until, *position = orjson.loads(plain)
            return until, position
        raise InvalidCursorError("cursor")


def _text(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def open_cursors(key: bytes, previous: bytes | None = None) -> Cursors:
    """Cursors under these 32-byte keys."""
    return Cursors(tuple(AESGCM(one) for one in (key, previous) if one is not None))
