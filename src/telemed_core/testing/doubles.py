"""Time, chance and identity under a test's control; each keeps the promises of its port."""

import hmac
from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import count
from typing import Final

import attrs

from telemed_core.domain.ids import AccountId
from telemed_core.domain.instants import as_utc
from telemed_core.domain.people import Password
from telemed_core.errors import InvalidError
from telemed_core.ports.system import Clock

COMMON_PASSWORDS: Final = frozenset({"password1234", "123456789012", "qwertyuiop123"})
"""What ``MemoryIdentity`` refuses."""


@attrs.define
class SettableClock:
    """A ``Clock`` that stands still until it is told otherwise."""

    _instant: datetime = attrs.field(converter=as_utc)

    def now(self) -> datetime:
        return self._instant

    def set(self, instant: datetime, /) -> None:
        """Make it this instant, earlier or later."""
        self._instant = as_utc(instant)

    def advance(self, by: timedelta, /) -> None:
        """Let time pass."""
        self._instant += by


@attrs.frozen
class SkewedClock:
    """A ``Clock`` that is ahead of another, or behind it."""

    _clock: Clock
    _ahead: timedelta

    def now(self) -> datetime:
        return self._clock.now() + self._ahead


@attrs.frozen
class SeededIds:
    """``Ids`` that are the same in every run, for each seed others; their order is not the order of drawing."""

    _seed: str = "ids"
    _drawn: Iterator[int] = attrs.field(factory=count, init=False, repr=False)

    def new(self) -> str:
        return _digest(f"{self._seed}/{next(self._drawn)}")


@attrs.frozen
class MemoryIdentity:
    """An ``Identity`` that forgets when the process ends; its hashes are fast, and so fit for tests only."""

    _hashes: dict[AccountId, str] = attrs.field(factory=dict[AccountId, str], init=False, repr=False)

    def create(self, username: AccountId, password: Password, /) -> None:
        if password.secret.casefold() in COMMON_PASSWORDS:
            raise InvalidError("password", "is too common")
        self._hashes[username] = _hash(username, password)

    def check(self, username: AccountId | None, password: Password, /) -> bool:
        known = self._hashes.get(username) if username else None
        given = _hash(username or "", password)
        return hmac.compare_digest(given, known or _NOBODY) and known is not None

    def remove(self, username: AccountId, /) -> None:
        self._hashes.pop(username, None)


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=13).hexdigest()


def _hash(username: str, password: Password) -> str:
    return _digest(f"{username}/{password.secret}")


_NOBODY: Final = "0" * len(_digest(""))
