"""Sessions: what a sign-in opened, judged by its state and own expiries, never by comparing the clocks of two runs."""

from datetime import datetime, timedelta
from typing import Final, Self

import attrs

from telemed_core.domain.ids import AccountId, SessionId
from telemed_core.domain.instants import SKEW

ACCESS_LIFE: Final = timedelta(minutes=15)
REFRESH_LIFE: Final = timedelta(days=30)
GRACE: Final = timedelta(seconds=30)
"""How long a refresh token still works when it has been used, for whoever lost the answer."""

MOST_GRACES: Final = 8
RESET_LIFE: Final = timedelta(minutes=30)
"""How long whoever has forgotten the password can set a new one by the token they were sent."""


@attrs.frozen
class Credential:
    """A user's password as it is kept; ``rev`` rises with every change and ends the sessions opened before it."""

    secret_hash: str = attrs.field(repr=False)
    rev: int


@attrs.frozen(kw_only=True)
class Session:
    """One sign-in.

    Attributes:
        password_rev: of the credential that it counts with.
        generation: of the refresh token that is good now.
        expires_at: when nothing can be refreshed any more.
        graces: until when the refresh tokens of the generations before are good, the latest first.
    """

    id: SessionId
    account_id: AccountId
    password_rev: int
    generation: int = 1
    expires_at: datetime
    graces: tuple[datetime, ...] = ()

    @classmethod
    def opened(cls, session_id: SessionId, account_id: AccountId, *, password_rev: int, now: datetime) -> Self:
        """A new one."""
        return cls(id=session_id, account_id=account_id, password_rev=password_rev, expires_at=now + REFRESH_LIFE)

    def expired(self, *, now: datetime) -> bool:
        """Whether it has come to its end by itself."""
        return now >= self.expires_at

    def refreshed(self, generation: int, *, now: datetime) -> Self | None:
        """The session after the refresh token of that generation was used: rotated, or as it is within the grace.

        ``None``: the token was used up long ago or was never given, so it is in the wrong hands.
        """
        if generation == self.generation:
            graces = (now + GRACE, *(until for until in self.graces if now < until))[:MOST_GRACES]
            return attrs.evolve(self, generation=generation + 1, graces=graces)
        back = self.generation - 1 - generation
        # One further ahead than it ever was belongs to another clock.
        good = 0 <= back < len(self.graces) and now < self.graces[back] <= now + GRACE + SKEW
        return self if good else None


@attrs.frozen
class Claims:
    """What an access token says that counts: who, and by which sign-in; everything else is our directory's to say."""

    username: AccountId
    session_id: SessionId


@attrs.frozen(kw_only=True)
class SignedIn:
    """The tokens of a session, as they are handed to whoever signed in."""

    username: AccountId
    session_id: SessionId
    access_token: str = attrs.field(repr=False)
    refresh_token: str = attrs.field(repr=False)
    expires_in: timedelta = ACCESS_LIFE
