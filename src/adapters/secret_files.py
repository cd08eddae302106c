"""The secrets of an installation: configured, or made once in its data folder and kept there."""

import base64
import binascii
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

import attrs

KEY_BYTES: Final = 32
FEWEST_RSA_BITS: Final = 2048


class SecretError(Exception):
    """A secret is missing, malformed or open to others; ``name`` says which (``.``: their folder), ``reason`` why."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(f"{name} {reason}")


@attrs.frozen(kw_only=True)
class Secrets:
    """The keys of an installation; those before, where there are any, are accepted while keys are rotated.

    Attributes:
        root: what other keys are derived from, by name.
        pepper: of the blind indexes; never rotated.
        data_key: under which texts and CPFs are sealed.
        issuer_key: the RSA key that signs tokens (RS256), in PEM; ``None``: others issue them.
    """

    root: bytes = attrs.field(repr=False)
    pepper: bytes = attrs.field(repr=False)
    data_key: bytes = attrs.field(repr=False)
    issuer_key: bytes | None = attrs.field(repr=False)
    root_previous: bytes | None = attrs.field(default=None, repr=False)
    data_key_previous: bytes | None = attrs.field(default=None, repr=False)
    issuer_key_previous: bytes | None = attrs.field(default=None, repr=False)

    @classmethod
    def parse(cls, texts: Mapping[str, str], *, issues: bool = True) -> Self:
        """Read ``secret``, ``pepper``, ``data_key``, ``issuer_key``, and all but the pepper as ``…_previous`` too.

        Args:
            issues: whether tokens are issued here; where they are not, the issuer's key may be missing.

        Raises:
            SecretError: one is missing or malformed.
        """
        return cls(
            root=_key("secret", texts),
            pepper=_key("pepper", texts),
            data_key=_key("data_key", texts),
            issuer_key=_rsa_key("issuer_key", texts) if issues or "issuer_key" in texts else None,
            root_previous=_key("secret_previous", texts) if "secret_previous" in texts else None,
            data_key_previous=_key("data_key_previous", texts) if "data_key_previous" in texts else None,
            issuer_key_previous=_rsa_key("issuer_key_previous", texts) if "issuer_key_previous" in texts else None,
        )


def derive(root: bytes, name: str) -> bytes:
    """The 32-byte key of that name, by HKDF-SHA256 from the root secret."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"telemed {name}".encode()).derive(root)


def new_secrets(configured: Mapping[str, str]) -> Secrets:
    """Secrets that are kept nowhere, for data that are not kept either; those in ``configured`` are taken from there.

    Raises:
        SecretError: a configured one is malformed.
    """
    made = {name: make() for name, make in _MAKERS.items() if name not in configured}
    return Secrets.parse({**made, **configured})


def open_secret_files(folder: Path, configured: Mapping[str, str], *, has_data: bool) -> Secrets:
    """The secrets under ``folder``, made on first use; those in ``configured`` are taken from there.

    Each is written aside, mode 0600, and linked into place: of several processes one wins and all read the same.

    Args:
        has_data: whether there were data before this call: then a missing secret is lost, and no other can replace it.

    Raises:
        SecretError: one is missing, malformed, open to others, or cannot be read or written.
    """
    texts = dict(configured)
    with _naming("."):
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_mode & 0o077:
            raise SecretError(".", "is open to others: chmod 700 it")
    for name, make in _MAKERS.items():
        if name not in configured:
            with _naming(name):
                if not has_data:
                    _put(folder / name, make)
                texts[name] = _read(folder / name)
    if not has_data:
        # What is written after this must not outlive its secrets, whoever made them.
        with _naming("."):
            _sync(folder)
            _sync(folder.parent)
    return Secrets.parse(texts)


def _key(name: str, texts: Mapping[str, str]) -> bytes:
    try:
        key = base64.b64decode(_present(name, texts), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise SecretError(name, f"must be {KEY_BYTES} bytes in base64")
    return key


def _rsa_key(name: str, texts: Mapping[str, str]) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    pem = _present(name, texts).encode()
    try:
        # Its arithmetic is not proved on every start (40 ms): it is our own key, not a stranger's.
        key = load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey) or key.key_size < FEWEST_RSA_BITS:
        raise SecretError(name, f"must be an RSA private key of at least {FEWEST_RSA_BITS} bits in PEM, not encrypted")
    return pem


def _present(name: str, texts: Mapping[str, str]) -> str:
    if name not in texts:
        raise SecretError(name, "is missing")
    return texts[name].strip()


def _new_key() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode("ascii")


def _new_rsa_key() -> str:
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = generate_private_key(public_exponent=65537, key_size=FEWEST_RSA_BITS)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


_MAKERS: Final[Mapping[str, Callable[[], str]]] = {
    "secret": _new_key,
    "pepper": _new_key,
    "data_key": _new_key,
    "issuer_key": _new_rsa_key,
}


@contextmanager
def _naming(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SecretError(name, f"cannot be used: {error.strerror}") from None


def _put(path: Path, make: Callable[[], str]) -> None:
    if path.exists():
        return
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(make().strip() + "\n")
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(aside)
    except FileExistsError:
        pass  # another process was faster: its secret is everyone's
    finally:
        aside.unlink()


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise SecretError(path.name, "is open to others: chmod 600 it")
            return file.read().decode("ascii", errors="replace")
    except FileNotFoundError:
        raise SecretError(path.name, "is missing, and the data beside it cannot be read without it") from None


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
