"""Encryption of what stores must not read (AES-256-GCM), and blind indexes of what is searched by (HMAC-SHA256)."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import attrs
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from telemed_core.errors import UnavailableError
from telemed_core.ports.services import Sealing

KEY_ID_BYTES: Final = 4
NONCE_BYTES: Final = 12


@attrs.frozen(eq=False)
class AesSealing:
    """Seals under the present data key, unseals under it and the previous one.

    A sealed text is key id (4 bytes) · nonce (12) · ciphertext and tag; its context is authenticated with it.
    """

    _pepper: bytes = attrs.field(repr=False)
    _present: bytes
    _ciphers: Mapping[bytes, AESGCM] = attrs.field(repr=False)

    def seal(self, plain: str, /, *, context: str) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        body = self._ciphers[self._present].encrypt(nonce, plain.encode(), context.encode())
        return self._present + nonce + body

    def unseal(self, sealed: bytes, /, *, context: str) -> str:
        key_id, rest = sealed[:KEY_ID_BYTES], sealed[KEY_ID_BYTES:]
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise UnavailableError("A text is sealed under a key that is not configured.")
        nonce, body = rest[:NONCE_BYTES], rest[NONCE_BYTES:]
        if len(nonce) < NONCE_BYTES:
            raise UnavailableError("A sealed text has been cut.")
        try:
            return cipher.decrypt(nonce, body, context.encode()).decode()
        except InvalidTag:
            raise UnavailableError("A sealed text has been changed or moved.") from None

    def index(self, space: str, value: str, /) -> str:
        digest = hmac.digest(self._pepper, f"{space}|{value}".encode(), "sha256")
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def open_sealing(*, pepper: bytes, data_key: bytes, previous: bytes | None = None) -> Sealing:
    """Seal with these keys of 32 bytes each; what was sealed under ``previous`` can be unsealed too."""
    ciphers = {_key_id(key): AESGCM(key) for key in (previous, data_key) if key is not None}
    return AesSealing(pepper, _key_id(data_key), MappingProxyType(ciphers))


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"telemed data key" + key).digest()[:KEY_ID_BYTES]
