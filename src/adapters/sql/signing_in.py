"""What people sign in with, who has signed in, and wrong passwords, in SQL.

Every row of a session counts with the present password: whoever changes or opens one has locked the credential first.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, Final

import attrs
from sqlalchemy import Connection, bindparam, delete, select, text, update

from adapters.sql import profiles
from adapters.sql.tables import ACCOUNTS, ATTEMPTS, CREDENTIALS, SESSIONS, Instant, Instants
from adapters.sql.transactions import Database
from telemed_core.domain.accounts import Account
from telemed_core.domain.attempts import Failures
from telemed_core.domain.ids import AccountId, SessionId
from telemed_core.domain.sessions import Credential, Session
from telemed_core.errors import ConflictError, NotFoundError, StaleVersionError
from telemed_core.ports.services import Sealing

# It locks a row that is new, too: of two first ones at once, the second waits here. So does the one of the attempts.
_LOCKED_CREDENTIAL: Final = text(
    "INSERT INTO credentials (username, secret_hash, rev) VALUES (:username, '', 0)"
    " ON CONFLICT (username) DO UPDATE SET rev = credentials.rev RETURNING secret_hash, rev"
)
_SET_HASH: Final = update(CREDENTIALS).where(CREDENTIALS.c.username == bindparam("of"))
_CREDENTIAL: Final = select(CREDENTIALS.c.secret_hash, CREDENTIALS.c.rev).where(
    CREDENTIALS.c.username == bindparam("username")
)
_LOCKED_REV: Final = select(CREDENTIALS.c.rev).where(CREDENTIALS.c.username == bindparam("username")).with_for_update()
# Another hash is never put in the place of this one, and none is equal to it.
_REMOVED: Final = "-"
_FORGET: Final = delete(CREDENTIALS).where(CREDENTIALS.c.username == bindparam("of"))
_REMOVE: Final = text(
    f"INSERT INTO credentials (username, secret_hash, rev) VALUES (:of, '{_REMOVED}', 1)"  # noqa: S608 # our own text
    f" ON CONFLICT (username) DO UPDATE SET secret_hash = '{_REMOVED}', rev = credentials.rev + 1"
)
_END_ALL: Final = delete(SESSIONS).where(SESSIONS.c.account_id == bindparam("of"))
_END_OTHERS: Final = _END_ALL.where(SESSIONS.c.id != bindparam("keep"))
_GO_ON: Final = update(SESSIONS).where(SESSIONS.c.id == bindparam("keep"), SESSIONS.c.account_id == bindparam("of"))
_END_EXPIRED: Final = _END_ALL.where(SESSIONS.c.expires_at <= bindparam("now"))
_OPEN: Final = text(
    "INSERT INTO sessions (id, account_id, password_rev, generation, expires_at, graces)"
    " VALUES (:id, :account_id, :password_rev, :generation, :expires_at, :graces) ON CONFLICT DO NOTHING"
).bindparams(bindparam("expires_at", type_=Instant), bindparam("graces", type_=Instants))
_COUNTS: Final = (CREDENTIALS.c.username == SESSIONS.c.account_id) & (CREDENTIALS.c.rev == SESSIONS.c.password_rev)
_SESSION: Final = (
    select(SESSIONS).join_from(SESSIONS, CREDENTIALS, _COUNTS).where(SESSIONS.c.id == bindparam("session_id"))
)
_LOCKED_SESSION: Final = _SESSION.with_for_update(of=SESSIONS)
_REPLACE: Final = update(SESSIONS).where(SESSIONS.c.id == bindparam("of"))
_END: Final = delete(SESSIONS).where(SESSIONS.c.id == bindparam("of"))
_ACCOUNT_OF: Final = (
    profiles.ADDED.join_from(SESSIONS, CREDENTIALS, _COUNTS)
    .join(ACCOUNTS, ACCOUNTS.c.id == SESSIONS.c.account_id)
    .where(SESSIONS.c.id == bindparam("session_id"), SESSIONS.c.account_id == bindparam("account_id"))
)
_ATTEMPTS: Final = select(ATTEMPTS).where(ATTEMPTS.c.key.in_(bindparam("keys", expanding=True)))
_LOCKED_ATTEMPTS: Final = text(
    "INSERT INTO attempts (key) VALUES (:key) ON CONFLICT (key) DO UPDATE SET count = attempts.count"
    " RETURNING count, until, locked_until"
).columns(ATTEMPTS.c.count, ATTEMPTS.c.until, ATTEMPTS.c.locked_until)
_COUNT: Final = update(ATTEMPTS).where(ATTEMPTS.c.key == bindparam("of"))
_OVER: Final = select(ATTEMPTS.c.key).where(ATTEMPTS.c.until <= bindparam("now")).limit(1)
_FORGET_OVER: Final = delete(ATTEMPTS).where(ATTEMPTS.c.until <= bindparam("now"))
_CLEAR: Final = delete(ATTEMPTS).where(ATTEMPTS.c.key == bindparam("of"))


def forget(connection: Connection, username: AccountId) -> None:
    """Let nobody sign in as this user any more, and end what they have signed in to."""
    connection.execute(_FORGET, {"of": username})
    connection.execute(_END_ALL, {"of": username})


@attrs.frozen
class SqlCredentials:
    """Password hashes in SQL."""

    _database: Database

    def put(
        self, username: AccountId, secret_hash: str, /, *, keep: SessionId | None = None, before: int | None = None
    ) -> None:
        asked = {"username": username}

        def work(connection: Connection) -> None:
            kept = connection.execute(_LOCKED_CREDENTIAL, asked).one()
            if kept.secret_hash == _REMOVED:
                raise ConflictError
            if before is not None and (kept.rev != before or not kept.rev):
                raise StaleVersionError
            rev = kept.rev + 1
            connection.execute(_SET_HASH, {"of": username, "secret_hash": secret_hash, "rev": rev})
            connection.execute(_END_OTHERS, {"of": username, "keep": keep or ""})
            if keep is not None:
                connection.execute(_GO_ON, {"of": username, "keep": keep, "password_rev": rev})

        def done(connection: Connection, _: None) -> bool:
            return bool(connection.execute(_LOCKED_CREDENTIAL, asked).one().secret_hash == secret_hash)

        self._database.write(work, done=done)

    def get(self, username: AccountId, /) -> Credential | None:
        asked = {"username": username}
        row = self._database.read(lambda connection: connection.execute(_CREDENTIAL, asked).one_or_none())
        return None if row is None or row.secret_hash == _REMOVED else Credential(row.secret_hash, row.rev)

    def remove(self, username: AccountId, /) -> None:
        def work(connection: Connection) -> None:
            connection.execute(_REMOVE, {"of": username})
            connection.execute(_END_ALL, {"of": username})

        self._database.write(work)


@attrs.frozen
class SqlSessions:
    """Sessions in SQL."""

    _database: Database
    _sealing: Sealing

    def add(self, session: Session, /, *, now: datetime) -> None:
        def work(connection: Connection) -> None:
            rev = connection.execute(_LOCKED_REV, {"username": session.account_id}).scalar()
            connection.execute(_END_EXPIRED, {"of": session.account_id, "now": now})
            if rev == session.password_rev:
                connection.execute(_OPEN, attrs.asdict(session))

        self._database.write(work)

    def get(self, session_id: SessionId, /) -> Session:
        asked = {"session_id": session_id}
        row = self._database.read(lambda connection: connection.execute(_SESSION, asked).one_or_none())
        if row is None:
            raise NotFoundError
        return _session(row)

    def replace(self, before: Session, after: Session, /) -> None:
        asked = {"session_id": before.id}

        def work(connection: Connection) -> None:
            row = connection.execute(_LOCKED_SESSION, asked).one_or_none()
            if row is None or _session(row) != before:
                raise StaleVersionError
            connection.execute(_REPLACE, {**attrs.asdict(after), "of": before.id})

        def done(connection: Connection, _: None) -> bool:
            row = connection.execute(_LOCKED_SESSION, asked).one_or_none()
            return row is not None and _session(row) == after

        self._database.write(work, done=done)

    def end(self, session_id: SessionId, /) -> None:
        self._database.write(lambda connection: connection.execute(_END, {"of": session_id}))

    def account_of(self, session_id: SessionId, account_id: AccountId, /) -> Account:
        asked = {"session_id": session_id, "account_id": account_id}
        row = self._database.read(lambda connection: connection.execute(_ACCOUNT_OF, asked).one_or_none())
        account = None if row is None else profiles.load(row, self._sealing)
        if account is None or profiles.is_closed(account):
            raise NotFoundError
        return account


def _session(row: Any) -> Session:
    return Session(
        id=SessionId(row.id),
        account_id=AccountId(row.account_id),
        password_rev=row.password_rev,
        generation=row.generation,
        expires_at=row.expires_at,
        graces=row.graces,
    )


@attrs.frozen
class SqlAttempts:
    """Wrong passwords in SQL."""

    _database: Database

    def read(self, keys: Collection[str], /) -> Mapping[str, Failures]:
        rows = self._database.read(lambda connection: connection.execute(_ATTEMPTS, {"keys": [*keys]}).all())
        return {key: Failures(count, until, locked_until) for key, count, until, locked_until in rows}

    def change(self, key: str, change: Callable[[Failures | None], Failures | None], /) -> None:
        def work(connection: Connection) -> Failures | None:
            before = _locked_failures(connection, key)
            after = change(before)
            if after == before:
                connection.rollback()
            elif after is None:
                connection.execute(_CLEAR, {"of": key})
            else:
                connection.execute(_COUNT, {"of": key, **attrs.asdict(after)})
            return after

        self._database.write(work, done=lambda connection, after: _locked_failures(connection, key) == after)

    def forget(self, *, now: datetime) -> None:
        asked = {"now": now}
        # Asked first, for there seldom is anything, and a write would make others wait.
        if self._database.read(lambda connection: connection.execute(_OVER, asked).first()):
            self._database.write(lambda connection: connection.execute(_FORGET_OVER, asked))


def _locked_failures(connection: Connection, key: str) -> Failures | None:
    count, until, locked_until = connection.execute(_LOCKED_ATTEMPTS, {"key": key}).one()
    return None if count is None else Failures(count, until, locked_until)
