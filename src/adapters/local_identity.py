"""Passwords kept by ourselves, as argon2id hashes."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

import attrs
from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from zxcvbn import zxcvbn

from telemed_core.domain.ids import AccountId
from telemed_core.domain.people import Password
from telemed_core.errors import BusyError, InvalidError
from telemed_core.ports.services import Identity
from telemed_core.ports.storage import Credentials

AT_ONCE = 2
WAITING = 8
FEWEST_GUESSES = 1_000_000
"""Below it a password falls to a list of common ones within minutes, whatever the hash (zxcvbn's scores 0 and 1)."""
WEIGHED = 72
"""How many characters zxcvbn weighs: its cost grows with the square of the length."""


def _hasher() -> PasswordHasher:
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)


@attrs.frozen
class LocalIdentity:
    """Passwords by account id; hashing takes 19 MiB and tens of milliseconds, so two at once and eight waiting."""

    _credentials: Credentials
    _hasher: PasswordHasher = attrs.field(factory=_hasher)
    _admitted: BoundedSemaphore = attrs.field(factory=lambda: BoundedSemaphore(AT_ONCE + WAITING))
    _running: BoundedSemaphore = attrs.field(factory=lambda: BoundedSemaphore(AT_ONCE))
    _nobodys: str = attrs.field(init=False, repr=False)

    @_nobodys.default
    def _hash_of_nobody(self) -> str:
        return self._hasher.hash("the password of nobody")

    def create(self, username: AccountId, password: Password, /) -> None:
        if zxcvbn(password.secret[:WEIGHED])["guesses"] < FEWEST_GUESSES:
            raise InvalidError("password", "is a common password")
        with self._turn():
            secret_hash = self._hasher.hash(password.secret)
        self._credentials.put(username, secret_hash)

    def check(self, username: AccountId | None, password: Password, /) -> bool:
        kept = None if username is None else self._credentials.get(username)
        with self._turn():
            try:
                return self._hasher.verify(kept or self._nobodys, password.secret) and kept is not None
            except (VerifyMismatchError, InvalidHashError):
                return False

    def remove(self, username: AccountId, /) -> None:
        self._credentials.remove(username)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._admitted.acquire(blocking=False):
            raise BusyError
        try:
            with self._running:
                yield
        finally:
            self._admitted.release()


def open_local_identity(credentials: Credentials) -> Identity:
    """Check passwords against these hashes."""
    return LocalIdentity(credentials)
