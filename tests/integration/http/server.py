"""The server as people start it, on an installation of its own, ended whatever happens; and a client of its API."""

import base64
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple, Self
from urllib.parse import quote, urlencode, urlsplit

import attrs
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from entrypoints.container import Container, open_container
from entrypoints.settings import load_settings

TELEMED: Final = Path(sys.executable).parent / "telemed"
READY_WITHIN: Final = 60.0
STOPPED_WITHIN: Final = 30.0
ANSWERED_WITHIN: Final = 60.0
PUBLIC_URL: Final = "https://clinic.example"
"""Said to every server, so that links do not depend on the port that it found."""

LISTENING: Final = re.compile(r"^listening on (http://\S+)$", re.MULTILINE)
WATCHDOG: Final = "cat; kill -s KILL -- -$0"
"""Waits until the test process has ended, however it did, then ends the group of the server."""

PROC: Final = Path("/proc")
ALONE_AT_MOST: Final = 2.0
"""Seconds that its children may be there when the first process has ended."""

IDLE_AT_MOST: Final = 3.0
"""Seconds after which a connection is opened anew: the server may have closed it meanwhile."""


@attrs.frozen
class Installation:
    """A data folder, and the settings that every process on it has."""

    data: Path
    settings: Mapping[str, str] = attrs.Factory(dict)

    @classmethod
    def on_postgres(cls, data: Path, url: str) -> Self:
        """One whose database is a server's, and whose secrets are configured."""
        return cls(data, {"TELEMED_DATABASE_URL": url, **_secrets()})

    @classmethod
    def on_dynamodb(cls, data: Path, endpoint_url: str, *, prefix: str, **more: str) -> Self:
        """One whose tables are there, under names that begin so; its notices are in the folder."""
        data.mkdir(parents=True, exist_ok=True)
        where = {"TELEMED_AWS_ENDPOINT_URL": endpoint_url, "TELEMED_AWS_PREFIX": prefix}
        return cls(data, {"TELEMED_STORE": "dynamodb", **where, **_secrets(), **more})

    def environment(self, **more: str) -> dict[str, str]:
        """What its processes are started with: nothing of ``TELEMED_`` but what is said."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TELEMED_")}
        return {**kept, "TELEMED_DATA": str(self.data), "TELEMED_PUBLIC_URL": PUBLIC_URL, **self.settings, **more}

    def run(self, *arguments: str, typed: str = "", **more: str) -> "subprocess.CompletedProcess[str]":
        """What ``telemed`` with these arguments has answered."""
        return subprocess.run(
            [TELEMED, *arguments],
            env=self.environment(**more),
            input=typed,
            capture_output=True,
            text=True,
            timeout=ANSWERED_WITHIN,
        )

    @contextmanager
    def container(self, *, at: datetime | None = None) -> Iterator[Container]:
        """Its parts in this very process."""
        settings = {name: value for name, value in self.environment().items() if name.startswith("TELEMED_")}
        container = open_container(load_settings(settings, at=at))
        try:
            yield container
        finally:
            container.close()

    @property
    def database_url(self) -> str:
        """Where its tables are."""
        return self.settings.get("TELEMED_DATABASE_URL", f"sqlite:///{self.data / 'telemed.db'}")


def _secrets() -> dict[str, str]:
    """Those that are configured where no folder keeps them."""
    key = base64.b64encode(bytes(range(32))).decode()
    named = dict.fromkeys(("TELEMED_SECRET", "TELEMED_PEPPER", "TELEMED_DATA_KEY"), key)
    return {**named, "TELEMED_ISSUER_KEY": _issuer_key()}


@cache
def _issuer_key() -> str:
    made = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    return made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


class Server:
    """``telemed serve`` in a process group of its own; used as a context, it is ended with it."""

    def __init__(
        self,
        installation: Installation,
        *,
        logs: Path,
        workers: int = 2,
        at: datetime | None = None,
        arguments: tuple[str, ...] = (),
        **settings: str,
    ) -> None:
        self.installation = installation
        self.workers = workers
        self.at = at
        self.base_url = ""
        self._logs = logs
        self._arguments = arguments
        self._settings = settings
        self.starts = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, at: datetime | None = None, **settings: str) -> Self:
        """Start it, or start it again, with another time or other settings; it listens when this returns."""
        assert self._process is None
        self.at = at or self.at
        self._settings |= settings
        self._logs.mkdir(parents=True, exist_ok=True)
        self.starts += 1
        self.output, self.errors = (self._logs / f"server-{self.starts}.{stream}" for stream in ("out", "err"))
        with self.output.open("wb") as output, self.errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [TELEMED, "serve", "--port", "0", "--workers", str(self.workers), *self._when(), *self._arguments],
                env=self.installation.environment(**self._settings),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,
            )
        self._watchdog = subprocess.Popen(
            ["sh", "-c", WATCHDOG, str(self._process.pid)], stdin=subprocess.PIPE, start_new_session=True
        )
        self.base_url = self._listening()
        return self

    def _when(self) -> tuple[str, ...]:
        return ("--at", self.at.isoformat()) if self.at else ()

    def _listening(self) -> str:
        until = time.monotonic() + READY_WITHIN
        while time.monotonic() < until:
            if found := LISTENING.search(self.output.read_text(encoding="utf-8")):
                return found[1]
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        self.close()
        raise AssertionError(f"it does not listen: {self.log()}")

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        """The one that was started; the others are its children."""
        assert self._process is not None
        return self._process

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens, or did last."""
        found = urlsplit(self.base_url)
        assert found.hostname
        assert found.port
        return found.hostname, found.port

    def log(self) -> str:
        """All that it has printed since it was started last."""
        return "".join(one.read_text(encoding="utf-8", errors="replace") for one in (self.output, self.errors))

    def client(self, token: str | None = None) -> "Client":
        """Somebody who talks to it, wherever it listens at that time."""
        return Client(self, token)

    def stop(self) -> None:
        """Ask it to end; it does so in time, as if all were well, and leaves nothing behind."""
        self.process.terminate()
        code = self.process.wait(timeout=STOPPED_WITHIN)
        gone = self.gone(within=ALONE_AT_MOST)
        self.close()
        assert (code, gone) == (0, True), self.log()

    def kill(self) -> None:
        """Kill it at once, the parent and all its children."""
        self.close()

    def kill_parent(self) -> None:
        """Kill the first process alone, as somebody does who looks for it by its name."""
        self.process.kill()
        self.process.wait()

    def gone(self, *, within: float) -> bool:
        """Whether all of its processes end within so many seconds."""
        until = time.monotonic() + within
        while alive := self._alive():
            if time.monotonic() > until:
                break
            time.sleep(0.02)
        return not alive

    def _alive(self) -> bool:
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return False
        return not PROC.is_dir() or any(_running(PROC, self.process.pid))

    def close(self) -> None:
        """End whatever is left of it."""
        if self._process is None:
            return
        self._watchdog.kill()
        self._watchdog.communicate()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def __enter__(self) -> Self:
        return self if self._process else self.start()

    def __exit__(self, *_: object) -> None:
        self.close()


def _running(proc: Path, group: int) -> Iterator[bool]:
    """Of each process of the group, whether it runs: a dead one may wait for a parent that never asks for it."""
    for stat in proc.glob("[0-9]*/stat"):
        try:
            state, _, found, *_ = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if found == str(group):
            yield state not in {"Z", "X"}


class Unanswered(Exception):
    """A request was sent, or was about to be, and no answer came."""


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    json: Any

    @property
    def code(self) -> str:
        """Of a problem, its code; else nothing."""
        return str(self.json.get("code", "")) if isinstance(self.json, dict) else ""

    @property
    def replayed(self) -> bool:
        """Whether nothing was done now."""
        return self.headers.get("idempotency-replayed") == "true"

    def expect(self, status: int) -> Any:
        """The body of an answer that has this status, or the test has failed."""
        assert self.status == status, (self.status, self.json)
        return self.json


def _read(raw: bytes, content_type: str) -> Any:
    """JSON as data, what is no JSON as text, nothing as ``None``."""
    if not raw:
        return None
    return json.loads(raw) if "json" in content_type else raw.decode()


class _Kept(http.client.HTTPConnection):
    """Closed when nobody has it any more: the thread that opened it has ended."""

    def __del__(self) -> None:
        self.close()


class Client:
    """JSON over one kept connection for each thread; with a token, somebody who is signed in."""

    def __init__(self, server: Server, token: str | None = None) -> None:
        self.server = server
        self.token = token
        self._own = threading.local()

    def sign_in(self, login: str, password: str) -> "Client":
        """Somebody who has signed in, once the server has had time for it."""
        return Client(self.server, self.tokens(login, password).expect(200)["access_token"])

    def tokens(self, login: str, password: str) -> Answer:
        """What signing in is answered with, once the server has had time for it."""
        until = time.monotonic() + ANSWERED_WITHIN
        while True:
            answer = self.post("/v1/auth/token", {"login": login, "password": password})
            if answer.status != 503 or time.monotonic() > until:
                return answer
            time.sleep(0.2)

    def get(self, path: str, **query: Any) -> Answer:
        asked = f"{quote(path)}?{urlencode(query, doseq=True)}" if query else quote(path)
        return self.send("GET", asked)

    def post(self, path: str, body: Any = None, *, key: str | None = None) -> Answer:
        return self.send("POST", path, body, {"Idempotency-Key": key} if key else {})

    def put(self, path: str, body: Any, *, if_match: str | None = None) -> Answer:
        return self.send("PUT", path, body, {"If-Match": if_match} if if_match else {})

    def patch(self, path: str, body: Any) -> Answer:
        return self.send("PATCH", path, body)

    def delete(self, path: str) -> Answer:
        return self.send("DELETE", path)

    def send(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer to one request, which is sent once.

        Raises:
            Unanswered: there was none.
        """
        sent = {"Accept": "application/json", **(headers or {})}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            sent["Content-Type"] = "application/json"
        content = None if body is None else json.dumps(body).encode()
        try:
            connection = self.connect()
            connection.request(method, path, content, sent)
            response = connection.getresponse()
            raw = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Unanswered(f"{method} {path}: {type(error).__name__}") from None
        self._own.used = time.monotonic()
        if response.will_close:
            self.close()
        named = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, named, _read(raw, named.get("content-type", "")))

    def connect(self) -> http.client.HTTPConnection:
        """This thread's connection, open."""
        known: http.client.HTTPConnection | None = getattr(self._own, "connection", None)
        if known and self._own.start == self.server.starts and time.monotonic() - self._own.used < IDLE_AT_MOST:
            return known
        self.close()
        made = _Kept(*self.server.address, timeout=ANSWERED_WITHIN)
        made.connect()
        self._own.connection, self._own.start, self._own.used = made, self.server.starts, time.monotonic()
        return made

    def close(self) -> None:
        """Close this thread's connection."""
        known: http.client.HTTPConnection | None = getattr(self._own, "connection", None)
        if known:
            known.close()
        self._own.connection = None
