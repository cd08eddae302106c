"""The server: workers of granian on one listening socket, that end with the process that started them."""

import errno
import multiprocessing
import os
import resource
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from http.client import HTTPConnection, HTTPException
from importlib import import_module
from typing import Any, Final

import attrs
from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LOGGING_CONFIG, LogLevels
from granian.server.mp import MPServer
from starlette.types import ASGIApp

from entrypoints.logs import open_log

APP: Final = "entrypoints.http.app:app"
WAITING: Final = 2048
"""Connections: waiting to be accepted, and open in each worker. A slow client holds one, and nothing else."""

FILES: Final = 8192
HEADER_SECONDS: Final = 15
HEADER_BYTES: Final = 64 * 1024
STOPPING_SECONDS: Final = 5
ORPHANS_SECONDS: Final = 2.0
READY_EVERY: Final = 0.05
ANSWERED_WITHIN: Final = 10.0
KEEPALIVE: Final = {"TCP_KEEPIDLE": 20, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 50_000}
"""A client that has vanished is noticed within a minute, by its silence or by what it does not take any more."""

_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 # where to find oneself when one listens everywhere


class CannotListenError(Exception):
    """The address is another's, or none of this machine's."""


class WorkersFailedError(Exception):
    """Workers end as soon as they have started."""


@attrs.frozen
class Address:
    """Where a server listens."""

    host: str
    port: int
    listening: socket.socket = attrs.field(repr=False, eq=False)

    @property
    def url(self) -> str:
        return f"http://{_bracketed(self.host)}:{self.port}"

    @property
    def reachable(self) -> tuple[str, int]:
        """Host and port by which this machine reaches it."""
        return _EVERYWHERE.get(self.host, self.host), self.port

    @property
    def reachable_url(self) -> str:
        """The URL by which this machine reaches it."""
        host, port = self.reachable
        return f"http://{_bracketed(host)}:{port}"


def listen(host: str, port: int) -> Address:
    """Take the port, 0 for a free one; workers of a killed server are given time to end.

    It is never shared: of two servers one is refused, however they were started.

    Raises:
        CannotListenError: it cannot be had.
    """
    until = time.monotonic() + ORPHANS_SECONDS
    while True:
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listening = socket.create_server((host, port), family=family, backlog=WAITING)
        except OSError as error:
            if error.errno == errno.EADDRINUSE and time.monotonic() < until:
                time.sleep(0.1)
                continue
            # Of an address that is no number the name service says what is wrong, in numbers below zero.
            reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
            raise CannotListenError(f"cannot listen on {host}:{port}: {reason}") from None
        except OverflowError:
            raise CannotListenError(f"cannot listen on {host}:{port}: no such port") from None
        listening.settimeout(0)
        _keep_alive(listening)
        return Address(host, listening.getsockname()[1], listening)


def serve(
    address: Address,
    *,
    workers: int,
    ready: Callable[[], None],
    app: str = APP,
    header_seconds: int = HEADER_SECONDS,
) -> None:
    """Serve until SIGTERM or SIGINT; requests that run then are answered.

    Args:
        address: where, already taken.
        ready: called once, in a thread, when ``GET /healthz`` is answered with 200.
        app: ``module:name`` of a function without arguments that makes a worker's app.
        header_seconds: within which the head of a request must be there, also on an open connection.

    Raises:
        WorkersFailedError: they cannot run.
    """
    # A forked worker would hold copies of this process's locks and files, and of its lifeline to other workers.
    multiprocessing.set_start_method("spawn", force=True)
    _allow_files()
    server = _Server(
        app,
        address=address.host,
        port=address.port,
        interface=Interfaces.ASGI,
        workers=workers,
        http=HTTPModes.http1,
        # It holds a frame to 16 MiB, and drops the connection beyond; what an app allows is the app's.
        websockets=True,
        backlog=WAITING,
        backpressure=WAITING,
        http1_settings=HTTP1Settings(header_read_timeout=header_seconds * 1000, max_buffer_size=HEADER_BYTES),
        log_level=LogLevels.error,
        log_dictconfig=_granians_log(),
        respawn_failed_workers=True,
        workers_kill_timeout=STOPPING_SECONDS,
    )
    server.listening = address.listening
    ended = threading.Event()
    threading.Thread(target=_announce, args=(address, ready, ended), daemon=True).start()
    try:
        server.serve(target_loader=partial(load_app, app), wrap_loader=False)
    except SystemExit as end:
        if end.code:
            raise WorkersFailedError("the workers end as soon as they have started") from None
    finally:
        ended.set()


def load_app(app: str) -> ASGIApp:
    """A worker's app; the worker ends at once when its parent has ended, however that was."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    open_log()
    module, _, name = app.partition(":")
    made: ASGIApp = getattr(import_module(module), name)()
    return made


class _Server(MPServer):
    """Granian with one socket for all workers, as it does where ports cannot be shared.

    On Linux it would open one for each: two servers could share a port unnoticed, and what waits for a worker that
    dies would be lost.
    """

    listening: socket.socket

    def _init_shared_socket(self) -> None:
        descriptor = self.listening.fileno()
        # What it has for systems other than Linux; neither its annotations nor its stubs follow.
        holder: Any = SocketHolder
        unix = False
        shared = holder(descriptor, unix, self.backlog)
        vars(self).update(_sso=self.listening, _sfd=descriptor, _shd=shared)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _announce(address: Address, ready: Callable[[], None], ended: threading.Event) -> None:
    while not ended.wait(READY_EVERY):
        connection = HTTPConnection(*address.reachable, timeout=ANSWERED_WITHIN)
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                ready()
                return
        except (OSError, HTTPException):
            continue
        finally:
            connection.close()


def _keep_alive(listening: socket.socket) -> None:
    """Ask for signs of life; the connections that are accepted on it do as it does."""
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE.items():
        option = getattr(socket, name, None)
        if option is not None:  # not every system has them all
            listening.setsockopt(socket.IPPROTO_TCP, option, value)


def _allow_files() -> None:
    """A connection is a file: allow as many as we take, if we may."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if most == resource.RLIM_INFINITY else min(FILES, most)
    if allowed != resource.RLIM_INFINITY and allowed < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _granians_log() -> dict[str, Any]:
    """Standard output is ours."""
    its_own: Any = LOGGING_CONFIG["handlers"]
    return {"handlers": {name: {**how, "stream": "ext://sys.stderr"} for name, how in its_own.items()}}


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
