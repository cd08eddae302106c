"""Transactions: contention is waited out, a lost answer looked into, and drivers' errors translated, all of it here."""

import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Lock
from typing import Final, NamedTuple, TypeVar

from sqlalchemy import URL, Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from adapters.sql.engine import connect_to
from telemed_core.errors import BusyError, UnavailableError

T = TypeVar("T")

MOST_TRIES: Final = 8
FIRST_PAUSE: Final = 0.02
LONGEST_PAUSE: Final = 0.5

_SQLITE_CONTENTION: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_SQLITE_FAILURES: Final = frozenset(
    {
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_READONLY,
    }
)
_POSTGRES_CONTENTION: Final = frozenset({"40001", "40P01", "55P03"})
_POSTGRES_FAILURES: Final = ("08", "25006", "53", "57", "58")
"""Beginnings: connection, read-only server, resources, intervention, the server's own system."""


class _AnswerLostError(Exception):  # a signal between the functions of this module
    """A COMMIT was sent, and whether it was carried out is not known."""


class _NoTurnError(Exception):  # a signal between the functions of this module
    """Other threads of this process have been writing all the while."""


class _Opened(NamedTuple):
    engine: Engine
    reader: Engine
    turn: Lock


class Database:
    """One database, for all threads of a process; after a fork, the child connects anew.

    ``patience``: how long contention is waited out, and a lost answer asked for.
    """

    def __init__(self, url: URL, *, pool_size: int, patience: timedelta) -> None:
        self._url = url
        self._pool_size = pool_size
        self._patience = patience
        self._opened: dict[int, _Opened] = {}
        self.sqlite = url.get_backend_name() == "sqlite"

    def _here(self) -> "_Opened":
        """What this process has opened.

        A parent's stays referenced: closing its connections from here would break them for the parent.
        """
        opened = self._opened.get(os.getpid())
        if opened is None:
            engine = connect_to(self._url, pool_size=self._pool_size, patience=self._patience)
            # SQLite's connections commit each statement by itself until they are told to begin.
            reader = engine if self.sqlite else engine.execution_options(isolation_level="AUTOCOMMIT")
            opened = self._opened.setdefault(os.getpid(), _Opened(engine, reader, Lock()))
        return opened

    def close(self) -> None:
        """Close this process's connections."""
        self._here().engine.dispose()

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run reads, each of which sees its own moment."""

        def act() -> T:
            with self._here().reader.connect() as connection:
                return work(connection)

        return self._patiently(act)

    def read_at_once(self, work: Callable[[Connection], T]) -> T:
        """Run reads that all see the same moment."""

        def act() -> T:
            with self._here().engine.connect() as connection:
                if self.sqlite:
                    connection.exec_driver_sql("BEGIN")
                else:
                    connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                return work(connection)

        return self._patiently(act)

    def write(
        self,
        work: Callable[[Connection], T],
        *,
        repeatable: bool = True,
        done: Callable[[Connection, T], bool] | None = None,
    ) -> T:
        """Run ``work`` in one transaction and commit it; what it raises rolls back.

        It is run again after contention. It is also run again where the answer to the COMMIT was lost, if it is
        ``repeatable``: it then finds what it has written itself, by its command's id, and answers the same. For work
        that cannot find out, ``done`` does: whether what an earlier run answered is there. It locks what it looks at,
        for a COMMIT whose answer was lost may still be on its way.
        """
        answered: list[T] = []

        def act() -> T:
            with self._writing() as connection:
                if answered and done is not None and done(connection, answered[-1]):
                    return answered[-1]
                result = work(connection)
                answered.append(result)
                try:
                    connection.commit()
                except DBAPIError as error:
                    # What the connection still holds goes with it.
                    connection.invalidate(error)
                    if _trouble(error) is UnavailableError:
                        raise _AnswerLostError from error
                    raise
                return result

        return self._patiently(act, repeatable=repeatable)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        here = self._here()
        if not self.sqlite:
            with here.engine.connect() as connection:
                yield connection
            return
        # Threads wait for each other, and only one of each process asks for the file's lock.
        if not here.turn.acquire(timeout=self._patience.total_seconds()):
            raise _NoTurnError
        try:
            with here.engine.connect() as connection:
                self._begin_immediately(connection)
                yield connection
        finally:
            here.turn.release()

    def _begin_immediately(self, connection: Connection) -> None:
        until = time.monotonic() + self._patience.total_seconds()
        while True:
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            except DBAPIError as error:
                if _trouble(error) is not BusyError or time.monotonic() > until:
                    raise
            else:
                return

    def _patiently(self, act: Callable[[], T], *, repeatable: bool = True) -> T:
        lost = False
        cause: Exception | None = None
        for _ in self._tries():
            try:
                return act()
            except _AnswerLostError as error:
                lost, cause = True, error
                if not repeatable:
                    break
            except _NoTurnError as error:
                cause = error
            except SQLAlchemyError as error:
                trouble = _trouble(error)
                if trouble is None:
                    raise
                cause = error
                if trouble is UnavailableError and not lost:
                    raise UnavailableError from error
        raise (UnavailableError if lost else BusyError) from cause

    def _tries(self) -> Iterator[int]:
        until = time.monotonic() + self._patience.total_seconds()
        for number in range(MOST_TRIES):
            if number:
                pause = random.uniform(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2**number))  # noqa: S311 # jitter, no secret
                if time.monotonic() + pause > until:
                    return
                time.sleep(pause)
            yield number


def _trouble(error: SQLAlchemyError) -> type[UnavailableError] | None:
    """``BusyError``: contention; ``UnavailableError``: the database does not answer; ``None``: a bug."""
    if isinstance(error, PoolTimeoutError):
        return BusyError
    if not isinstance(error, DBAPIError):
        return None
    if isinstance(error.orig, sqlite3.Error):
        code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
        if code in _SQLITE_CONTENTION:
            return BusyError
        return UnavailableError if code in _SQLITE_FAILURES else None
    state: str | None = getattr(error.orig, "sqlstate", None)
    if state in _POSTGRES_CONTENTION:
        return BusyError
    if error.connection_invalidated or (isinstance(error, OperationalError) and state is None):
        return UnavailableError
    return UnavailableError if state is not None and state.startswith(_POSTGRES_FAILURES) else None
