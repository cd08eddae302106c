"""Wrong passwords are counted: by login, which is then locked for a while, and by address."""

from datetime import datetime, timedelta
from typing import Final

import attrs

from telemed_core.domain.instants import SKEW
from telemed_core.errors import TooManyAttemptsError

ALLOWED_BY_LOGIN: Final = 5
FIRST_LOCK: Final = timedelta(minutes=1)
LONGEST_LOCK: Final = timedelta(minutes=15)
REMEMBERED: Final = timedelta(hours=24)
"""How long after the last of them wrong passwords for a login still count."""

ALLOWED_BY_ADDRESS: Final = 50
WINDOW: Final = timedelta(minutes=15)


@attrs.frozen
class Failures:
    """Wrong passwords so far, for one login or from one address.

    Attributes:
        until: when they are forgotten.
        locked_until: before this, not even the right password is looked at.
    """

    count: int
    until: datetime
    locked_until: datetime | None = None

    def check(self, *, now: datetime) -> None:
        """Let a password be tried.

        Raises:
            TooManyAttemptsError: not before the lock is over.
        """
        # A lock that ends later than any could was set by a clock that ran ahead of this one.
        if self.locked_until and now < self.locked_until <= now + LONGEST_LOCK + SKEW:
            raise TooManyAttemptsError(self.locked_until - now)

    def count_at(self, *, now: datetime) -> int:
        """How many still count."""
        return self.count if now < self.until <= now + REMEMBERED + SKEW else 0


def failed_login(before: Failures | None, *, now: datetime) -> Failures:
    """After one more wrong password for a login: the fifth locks it for a minute, each one after for twice as long.

    Raises:
        TooManyAttemptsError: it is locked already.
    """
    if before:
        before.check(now=now)
    count = 1 + (before.count_at(now=now) if before else 0)
    lock = min(FIRST_LOCK * 2 ** min(count - ALLOWED_BY_LOGIN, 8), LONGEST_LOCK) if count >= ALLOWED_BY_LOGIN else None
    return Failures(count, now + REMEMBERED, lock and now + lock)


def failed_address(before: Failures | None, *, now: datetime) -> Failures:
    """After one more wrong password from an address: 50 in a quarter of an hour, then none till it is over.

    Raises:
        TooManyAttemptsError: they have been used up.
    """
    if before:
        before.check(now=now)
    count = 1 + (before.count if before and now < before.until <= now + WINDOW + SKEW else 0)
    until = before.until if before and count > 1 else now + WINDOW
    return Failures(count, until, until if count >= ALLOWED_BY_ADDRESS else None)
