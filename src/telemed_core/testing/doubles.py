"""Time, chance and identity under a test's control; each keeps the promises of its port."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import count
from typing import Final

import attrs

from telemed_core.domain.ids import AccountId, SessionId
from telemed_core.domain.instants import EPOCH, SKEW, as_utc
from telemed_core.domain.people import Password, Role
from telemed_core.domain.sessions import ACCESS_LIFE, RESET_LIFE, Claims, Credential, Session, SignedIn
from telemed_core.errors import (
    ConflictError,
    InvalidError,
    NotFoundError,
    StaleVersionError,
    UnauthenticatedError,
)
from telemed_core.ports.people import Credentials, Sessions
from telemed_core.ports.system import Clock, Ids

COMMON_PASSWORDS: Final = frozenset({"password1234", "123456789012", "qwertyuiop123"})
"""What ``MemoryIdentity`` refuses."""

_MICROSECOND: Final = timedelta(microseconds=1)


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
    """An ``Identity`` over any stores; its hashes are fast and its tokens no secret, and so fit for tests only."""

    _credentials: Credentials
    _sessions: Sessions
    _ids: Ids

    def create(self, username: AccountId, password: Password, /, *, role: Role) -> None:
        self._credentials.put(username, _weighed(username, password))

    def check(self, username: AccountId | None, password: Password, /) -> bool:
        return username is not None and self._checked(username, password) is not None

    def sign_in(self, username: AccountId | None, password: Password, /, *, now: datetime) -> SignedIn | None:
        kept = self._checked(username, password) if username else None
        if username is None or kept is None:
            return None
        session = Session.opened(SessionId(self._ids.new()), username, password_rev=kept.rev, now=now)
        self._sessions.add(session, now=now)
        return _signed(session, now=now)

    def refresh(self, refresh_token: str, /, *, now: datetime) -> SignedIn:
        session_id, generation = _content(refresh_token, kind="refresh")
        before = self._open(SessionId(session_id), now=now)
        after = before.refreshed(int(generation), now=now)
        if after is None:
            self._sessions.end(before.id)
            raise UnauthenticatedError
        try:
            if after != before:
                self._sessions.replace(before, after)
        except StaleVersionError:
            return self.refresh(refresh_token, now=now)
        return _signed(after, now=now)

    def sign_out(self, session_id: SessionId, /) -> None:
        self._sessions.end(session_id)

    def change(self, username: AccountId, password: Password, /, *, keep: SessionId) -> None:
        self._credentials.put(username, _weighed(username, password), keep=keep)

    def reset_token(self, username: AccountId, /, *, now: datetime) -> str | None:
        kept = self._credentials.get(username)
        until = (now + RESET_LIFE - EPOCH) // _MICROSECOND
        return _token("reset", username, str(kept.rev), str(until)) if kept else None

    def reset(self, token: str, password: Password, /, *, now: datetime) -> None:
        try:
            username, rev, until = _content(token, kind="reset")
        except UnauthenticatedError:
            raise _not_good() from None
        kept, good_for = self._credentials.get(AccountId(username)), EPOCH + int(until) * _MICROSECOND - now
        if kept is None or kept.rev != int(rev) or not timedelta(0) < good_for <= RESET_LIFE + SKEW:
            raise _not_good()
        try:
            self._credentials.put(AccountId(username), _weighed(username, password), before=kept.rev)
        except ConflictError:
            raise _not_good() from None

    def remove(self, username: AccountId, /) -> None:
        self._credentials.remove(username)

    def _checked(self, username: AccountId, password: Password) -> Credential | None:
        kept = self._credentials.get(username)
        return kept if kept and kept.secret_hash == _hash(username, password) else None

    def _open(self, session_id: SessionId, *, now: datetime) -> Session:
        try:
            session = self._sessions.get(session_id)
        except NotFoundError:
            raise UnauthenticatedError from None
        if session.expired(now=now):
            raise UnauthenticatedError
        return session


@attrs.frozen
class MemoryTokens:
    """``Tokens`` that takes what ``MemoryIdentity`` gives."""

    def verify(self, token: str, /, *, now: datetime) -> Claims:
        username, session_id, expires_at = _content(token, kind="access")
        if now >= datetime.fromisoformat(expires_at):
            raise UnauthenticatedError
        return Claims(AccountId(username), SessionId(session_id))


def _signed(session: Session, *, now: datetime) -> SignedIn:
    return SignedIn(
        username=session.account_id,
        session_id=session.id,
        access_token=_token("access", session.account_id, session.id, (now + ACCESS_LIFE).isoformat()),
        refresh_token=_token("refresh", session.id, str(session.generation)),
    )


def _token(kind: str, *parts: str) -> str:
    content = "~".join((kind, *parts))
    return f"{content}~{_digest(content)}"


def _content(token: str, *, kind: str) -> list[str]:
    """What the token says, if it is one of that kind."""
    content = token.split("~")[1:-1]
    if token != _token(kind, *content):
        raise UnauthenticatedError
    return content


def _not_good() -> InvalidError:
    return InvalidError("token", "is not good any more")


def _weighed(username: str, password: Password) -> str:
    if password.secret.casefold() in COMMON_PASSWORDS:
        raise InvalidError("password", "is too common")
    return _hash(username, password)


def _hash(username: str, password: Password) -> str:
    return _digest(f"{username}/{password.secret}")


def _digest(text: str) -> str:
    return blake2b(text.encode(errors="replace"), digest_size=13).hexdigest()
