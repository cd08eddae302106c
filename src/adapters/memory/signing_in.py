"""What people sign in with, who has signed in, and wrong passwords, in memory."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime

import attrs

from adapters.memory.state import State, is_closed
from telemed_core.domain.accounts import Account
from telemed_core.domain.attempts import Failures
from telemed_core.domain.ids import AccountId, SessionId
from telemed_core.domain.sessions import Credential, Session
from telemed_core.errors import ConflictError, NotFoundError, StaleVersionError


@attrs.frozen
class MemoryCredentials:
    """Password hashes in memory."""

    _state: State

    def put(
        self, username: AccountId, secret_hash: str, /, *, keep: SessionId | None = None, before: int | None = None
    ) -> None:
        state = self._state
        with state.lock:
            if username in state.removed:
                raise ConflictError
            kept = state.credentials.get(username)
            rev = kept.rev if kept else 0
            if before is not None and rev != before:
                raise StaleVersionError
            session = state.sessions.get(keep) if keep else None
            credential = Credential(secret_hash, rev + 1)
            state.forget(username)
            state.credentials[username] = credential
            if session is not None and session.account_id == username:
                state.sessions[session.id] = attrs.evolve(session, password_rev=credential.rev)

    def get(self, username: AccountId, /) -> Credential | None:
        return self._state.credentials.get(username)

    def remove(self, username: AccountId, /) -> None:
        with self._state.lock:
            self._state.removed.add(username)
            self._state.forget(username)


@attrs.frozen
class MemorySessions:
    """Sessions in memory."""

    _state: State

    def add(self, session: Session, /, *, now: datetime) -> None:
        sessions = self._state.sessions
        with self._state.lock:
            for one in [*sessions.values()]:
                if one.account_id == session.account_id and one.expired(now=now):
                    del sessions[one.id]
            credential = self._state.credentials.get(session.account_id)
            if credential is not None and credential.rev == session.password_rev:
                sessions[session.id] = session

    def get(self, session_id: SessionId, /) -> Session:
        with self._state.lock:
            session = self._state.sessions.get(session_id)
        if session is None:
            raise NotFoundError
        return session

    def replace(self, before: Session, after: Session, /) -> None:
        with self._state.lock:
            if self._state.sessions.get(before.id) != before:
                raise StaleVersionError
            self._state.sessions[before.id] = after

    def end(self, session_id: SessionId, /) -> None:
        with self._state.lock:
            self._state.sessions.pop(session_id, None)

    def account_of(self, session_id: SessionId, account_id: AccountId, /) -> Account:
        with self._state.lock:
            session, account = self._state.sessions.get(session_id), self._state.accounts.get(account_id)
        if account is None or is_closed(account) or session is None or session.account_id != account_id:
            raise NotFoundError
        return account


@attrs.frozen
class MemoryAttempts:
    """Wrong passwords in memory."""

    _state: State

    def read(self, keys: Collection[str], /) -> Mapping[str, Failures]:
        with self._state.lock:
            return {key: self._state.failures[key] for key in keys if key in self._state.failures}

    def change(self, key: str, change: Callable[[Failures | None], Failures | None], /) -> None:
        with self._state.lock:
            after = change(self._state.failures.get(key))
            if after is None:
                self._state.failures.pop(key, None)
            else:
                self._state.failures[key] = after

    def forget(self, *, now: datetime) -> None:
        with self._state.lock:
            for key in [key for key, failures in self._state.failures.items() if failures.until <= now]:
                del self._state.failures[key]
