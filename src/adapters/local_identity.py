"""Passwords kept by ourselves, as argon2id hashes."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Final

import attrs
from argon2 import PasswordHasher, Type
from argon2.exceptions import VerifyMismatchError
from zxcvbn import zxcvbn

from telemed_core.domain.ids import AccountId
from telemed_core.domain.people import Password
from telemed_core.errors import BusyError, InvalidError
from telemed_core.ports.services import Identity
from telemed_core.ports.storage import Credentials

AT_ONCE: Final = 2
WAITING: Final = 8

FEWEST_GUESSES: Final = 10**8
"""A stolen hash holds for a day or more at a thousand guesses a second, which is what a graphics card does to these."""

WEIGHED: Final = 16
"""How many characters are weighed: the time grows exponentially with those that can stand for letters, as ``@`` can."""

_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)

NOBODY: Final = AccountId("nobody")
NOBODYS_HASH: Final = f"$argon2id$v=19$m=19456,t=2,p=1${'A' * 22}${'A' * 43}"
"""What unknown users are checked against: it costs as much as any, and no password is known to fit it."""


@attrs.frozen(eq=False)
class LocalIdentity:
    """An ``Identity`` over the hashes in ``credentials``.

    Hashing takes 19 MiB and tens of milliseconds: two at once, eight waiting, more are refused.
    """

    _credentials: Credentials
    _admitted: BoundedSemaphore = attrs.field(factory=lambda: BoundedSemaphore(AT_ONCE + WAITING), init=False)
    _running: BoundedSemaphore = attrs.field(factory=lambda: BoundedSemaphore(AT_ONCE), init=False)

    def create(self, username: AccountId, password: Password, /) -> None:
        with self._turn():
            if zxcvbn(password.secret[:WEIGHED])["guesses"] < FEWEST_GUESSES:
                raise InvalidError("password", "is a common one, or too easily guessed")
            secret_hash = _HASHER.hash(password.secret)
        self._credentials.put(username, secret_hash)

    def check(self, username: AccountId | None, password: Password, /) -> bool:
        kept = self._credentials.get(username or NOBODY)
        with self._turn():
            try:
                _HASHER.verify(kept or NOBODYS_HASH, password.secret)
            except VerifyMismatchError:
                return False
        return kept is not None

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
