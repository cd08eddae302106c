"""Passwords kept by ourselves, as argon2id hashes, and the sessions that they open."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import BoundedSemaphore
from typing import Final, Protocol

import attrs
from argon2 import PasswordHasher, Type
from argon2.exceptions import VerifyMismatchError
from zxcvbn import zxcvbn

from adapters.reset_tokens import ResetTokens, is_ours, mac, not_good
from telemed_core.domain.ids import AccountId, SessionId
from telemed_core.domain.people import Password, Role
from telemed_core.domain.sessions import Credential, Session, SignedIn
from telemed_core.errors import (
    BusyError,
    ConflictError,
    InvalidError,
    NotFoundError,
    StaleVersionError,
    UnauthenticatedError,
)
from telemed_core.ports.people import Credentials, Sessions
from telemed_core.ports.services import Identity
from telemed_core.ports.system import Ids

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

_REFRESH_TOKEN: Final = re.compile(
    r"(?P<content>(?P<session_id>[A-Za-z0-9._-]{1,64})\.(?P<generation>[0-9]{1,9}))\.(?P<mac>[A-Za-z0-9_-]{43})"
).fullmatch

RUNS: Final = 8
"""How often a refresh looks again where others changed its session first; after one of them it has nothing to write."""


class AccessTokens(Protocol):
    """Makes the access tokens of a session."""

    def __call__(self, session: Session, /, *, now: datetime) -> str: ...


@attrs.frozen(eq=False)
class LocalIdentity:
    """An ``Identity`` over hashes and sessions of our own.

    Hashing takes 19 MiB and tens of milliseconds: two at once, eight waiting, more are refused. A refresh token is
    ``<session id>.<generation>.<HMAC-SHA256 of both>``.
    """

    _credentials: Credentials
    _sessions: Sessions
    _ids: Ids
    _access_token: AccessTokens
    _refresh_keys: tuple[bytes, ...] = attrs.field(repr=False)
    _resets: ResetTokens
    _admitted: BoundedSemaphore = attrs.field(factory=lambda: BoundedSemaphore(AT_ONCE + WAITING), init=False)
    _running: BoundedSemaphore = attrs.field(factory=lambda: BoundedSemaphore(AT_ONCE), init=False)

    def create(self, username: AccountId, password: Password, /, *, role: Role) -> None:  # noqa: ARG002 # nothing here shows it
        self._credentials.put(username, self._hash(password))

    def check(self, username: AccountId | None, password: Password, /) -> bool:
        return self._checked(username, password) is not None

    def sign_in(self, username: AccountId | None, password: Password, /, *, now: datetime) -> SignedIn | None:
        credential = self._checked(username, password)
        if username is None or credential is None:
            return None
        # By the revision read before the check: a password changed meanwhile leaves nothing open.
        session = Session.opened(SessionId(self._ids.new()), username, password_rev=credential.rev, now=now)
        self._sessions.add(session, now=now)
        return self._signed(session, now=now)

    def refresh(self, refresh_token: str, /, *, now: datetime) -> SignedIn:
        session_id, generation = self._read(refresh_token)
        for _ in range(RUNS):
            before = self._session(session_id, now=now)
            after = before.refreshed(generation, now=now)
            if after is None:
                self._sessions.end(session_id)
                raise UnauthenticatedError
            try:
                if after != before:
                    self._sessions.replace(before, after)
                return self._signed(after, now=now)
            except StaleVersionError:
                continue
        raise BusyError

    def sign_out(self, session_id: SessionId, /) -> None:
        self._sessions.end(session_id)

    def change(self, username: AccountId, password: Password, /, *, keep: SessionId) -> None:
        self._credentials.put(username, self._hash(password), keep=keep)

    def reset_token(self, username: AccountId, /, *, now: datetime) -> str | None:
        return self._resets.make(username, now=now)

    def reset(self, token: str, password: Password, /, *, now: datetime) -> None:
        username, rev = self._resets.read(token, now=now)
        try:
            self._credentials.put(username, self._hash(password), before=rev)
        except ConflictError:
            raise not_good() from None

    def remove(self, username: AccountId, /) -> None:
        self._credentials.remove(username)

    def _hash(self, password: Password) -> str:
        with self._turn():
            refuse_common(password)
            return _HASHER.hash(password.secret)

    def _checked(self, username: AccountId | None, password: Password) -> Credential | None:
        """What is kept of the user, where this is the password."""
        kept = self._credentials.get(username or NOBODY)
        with self._turn():
            try:
                _HASHER.verify(kept.secret_hash if kept else NOBODYS_HASH, password.secret)
            except VerifyMismatchError:
                return None
        return kept

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._admitted.acquire(blocking=False):
            raise BusyError
        try:
            with self._running:
                yield
        finally:
            self._admitted.release()

    def _session(self, session_id: SessionId, *, now: datetime) -> Session:
        try:
            session = self._sessions.get(session_id)
        except NotFoundError:
            raise UnauthenticatedError from None
        if session.expired(now=now):
            raise UnauthenticatedError
        return session

    def _signed(self, session: Session, *, now: datetime) -> SignedIn:
        content = f"{session.id}.{session.generation}"
        return SignedIn(
            username=session.account_id,
            session_id=session.id,
            access_token=self._access_token(session, now=now),
            refresh_token=f"{content}.{mac(self._refresh_keys[0], content)}",
        )

    def _read(self, refresh_token: str) -> tuple[SessionId, int]:
        """Whose it is and which of them, if it was made by ourselves."""
        given = _REFRESH_TOKEN(refresh_token)
        if given is None or not is_ours(given["content"], given["mac"], self._refresh_keys):
            raise UnauthenticatedError
        return SessionId(given["session_id"]), int(given["generation"])


def open_local_identity(
    credentials: Credentials,
    sessions: Sessions,
    ids: Ids,
    *,
    access_token: AccessTokens,
    refresh_keys: tuple[bytes, ...],
    reset_keys: tuple[bytes, ...],
) -> Identity:
    """Check passwords against these hashes, and keep who has signed in in these sessions.

    Args:
        access_token: makes the access tokens that are handed out.
        refresh_keys: refresh tokens are made under the first, and taken under each of them.
        reset_keys: the same, of tokens for a new password.
    """
    return LocalIdentity(credentials, sessions, ids, access_token, refresh_keys, ResetTokens(credentials, reset_keys))


def refuse_common(password: Password) -> None:
    """Take no password that others try first.

    Raises:
        InvalidError: it is a common one, naming ``password``.
    """
    if zxcvbn(password.secret[:WEIGHED])["guesses"] < FEWEST_GUESSES:
        raise InvalidError("password", "is a common one, or too easily guessed")
