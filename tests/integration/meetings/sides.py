"""One side of a visit as a program that connects to a server."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Self

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from integration.http.server import Server
from integration.meetings.visits import Way

HEARD_WITHIN: Final = 10.0
THERE: Final = {"type": "peer", "present": True}
GONE: Final = {"type": "peer", "present": False}


class Side:
    """Somebody who is connected, and was let in if it has said hello."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    def send(self, **message: Any) -> None:
        self.socket.send(json.dumps(message))

    def hears(self, *, within: float = HEARD_WITHIN) -> Any:
        """The next message."""
        return json.loads(self.socket.recv(timeout=within))

    def hears_nothing(self, *, within: float = 0.7) -> bool:
        """Whether nothing comes in that time."""
        try:
            self.socket.recv(timeout=within)
        except TimeoutError:
            return True
        return False

    def closed(self, *, within: float = HEARD_WITHIN) -> int:
        """The code that it is closed with, whatever is said before."""
        until = time.monotonic() + within
        try:
            while True:
                self.socket.recv(timeout=until - time.monotonic())
        except ConnectionClosed as error:
            return error.rcvd.code if error.rcvd else 1006

    def first(self, *, within: float = HEARD_WITHIN) -> Any:
        """The next message, or the code that it is closed with before that."""
        try:
            return self.hears(within=within)
        except ConnectionClosed as error:
            return error.rcvd.code if error.rcvd else 1006

    def reset(self) -> None:
        """Vanish without a word."""
        self.socket.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


@contextmanager
def connected(server: Server, path: str) -> Iterator[Side]:
    """Somebody who has not said yet who they are."""
    with connect(f"ws://{server.base_url.removeprefix('http://')}{path}", compression=None, max_size=None) as socket:
        yield Side(socket)


@contextmanager
def entered(server: Server, way: Way) -> Iterator[Side]:
    """Somebody who has said whose way it is."""
    with connected(server, way.path) as side:
        side.send(type="hello", token=way.token)
        yield side


@contextmanager
def met(one: Server, other: Server, ways: tuple[Way, ...]) -> Iterator[tuple[Side, Side]]:
    """Both sides of a visit, on these servers; they know of each other."""
    with entered(one, ways[0]) as first:
        assert first.hears() == GONE
        with entered(other, ways[1]) as second:
            assert second.hears() == THERE
            assert first.hears() == THERE
            yield first, second


def refused(server: Server, path: str) -> int:
    """The status with which a WebSocket is refused there."""
    try:
        with connected(server, path):
            return 101
    except InvalidStatus as error:
        return error.response.status_code
