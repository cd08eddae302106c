"""The secrets of an installation: configured, or made once in the data folder and kept there."""

import base64
import binascii
import os
import secrets
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs

KEY_BYTES = 32


class SecretError(Exception):
    """A secret is missing, malformed or open to others; the text names it and never shows it."""


@attrs.frozen
class Secrets:
    """The keys of an installation.

    Attributes:
        root: from which cursor, URL, feed and receipt keys are derived by name.
        pepper: of the blind indexes; never rotated.
        data_key: under which texts and CPFs are sealed; ``previous_data_key`` still unseals.
        issuer_key: the RSA key that signs tokens, PEM.
    """

    root: bytes = attrs.field(repr=False)
    pepper: bytes = attrs.field(repr=False)
    data_key: bytes = attrs.field(repr=False)
    issuer_key: bytes = attrs.field(repr=False)
    previous_root: bytes | None = attrs.field(default=None, repr=False)
    previous_data_key: bytes | None = attrs.field(default=None, repr=False)
    previous_issuer_key: bytes | None = attrs.field(default=None, repr=False)


def decode_key(name: str, text: str) -> bytes:
    """The 32 bytes of a key written in base64.

    Raises:
        SecretError: it is something else.
    """
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise SecretError(f"{name} must be {KEY_BYTES} bytes in base64")
    return key


def decode_issuer_key(name: str, text: str) -> bytes:
    """A private RSA key of at least 2048 bits, in PEM.

    Raises:
        SecretError: it is something else.
    """
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, RSAPrivateKey) or key.key_size < 2048:
        raise SecretError(f"{name} must be an RSA private key of at least 2048 bits in PEM")
    return text.encode()


def _new_key() -> bytes:
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n"


def _new_issuer_key() -> bytes:
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


MAKERS: Mapping[str, Callable[[], bytes]] = {
    "secret": _new_key,
    "pepper": _new_key,
    "data_key": _new_key,
    "issuer_key": _new_issuer_key,
}


def new_secrets() -> Secrets:
    """Fresh secrets that are kept nowhere, for stores that are not kept either."""
    root, pepper, data_key = (secrets.token_bytes(KEY_BYTES) for _ in range(3))
    return Secrets(root, pepper, data_key, _new_issuer_key())


def open_secret_files(folder: Path, *, has_data: bool, configured: Mapping[str, str] | None = None) -> Secrets:
    """The secrets under ``folder``, made on first use; those in ``configured`` are taken from there instead.

    Each file is written aside, mode 0600, and linked into place: of several processes one wins and all read the same.

    Args:
        has_data: whether there are data already: then a missing secret is lost, and none is made in its place.
        configured: texts by name, as settings have them.

    Raises:
        SecretError: a secret is missing, malformed, or readable by others.
    """
    given = dict(configured or {})
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, make in MAKERS.items():
        if name not in given:
            path = folder / name
            if not path.exists():
                if has_data:
                    raise SecretError(f"{path} is missing, and the data beside it cannot be read without it")
                _put(path, make())
            given[name] = _read(path)
    return parse_secrets(given)


def parse_secrets(texts: Mapping[str, str]) -> Secrets:
    """The secrets of these texts by name; ``previous_…`` are optional.

    Raises:
        SecretError: one is missing or malformed.
    """
    for name in MAKERS:
        if name not in texts:
            raise SecretError(f"{name} must be configured: a server database has no folder to keep it in")
    previous = {name: texts.get(f"previous_{name}") for name in ("secret", "data_key", "issuer_key")}
    return Secrets(
        root=decode_key("secret", texts["secret"]),
        pepper=decode_key("pepper", texts["pepper"]),
        data_key=decode_key("data_key", texts["data_key"]),
        issuer_key=decode_issuer_key("issuer_key", texts["issuer_key"]),
        previous_root=_optional(decode_key, "previous_secret", previous["secret"]),
        previous_data_key=_optional(decode_key, "previous_data_key", previous["data_key"]),
        previous_issuer_key=_optional(decode_issuer_key, "previous_issuer_key", previous["issuer_key"]),
    )


def derive(root: bytes, name: str) -> bytes:
    """The 32-byte key of that name, by HKDF-SHA256 from the root secret."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"telemed {name}".encode()).derive(root)


def _optional(decode: Callable[[str, str], bytes], name: str, text: str | None) -> bytes | None:
    return None if text is None else decode(name, text)


def _put(path: Path, content: bytes) -> None:
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(aside)
        except FileExistsError:
            return
    finally:
        aside.unlink()
    _sync(path.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path) -> str:
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise SecretError(f"{path} may be read by others: chmod 600 it")
    return path.read_text("ascii", errors="replace")
