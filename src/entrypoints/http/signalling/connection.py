"""One WebSocket of somebody who comes to a meeting: what it may send, and what is sent to it."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from enum import IntEnum
from typing import Any, Final

import attrs
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from telemed_core.domain.signals import MOST_KEPT, SignalKind
from telemed_core.errors import InvalidError
from telemed_core.messages.signalling import LONGEST_DATA, LONGEST_FRAME, parse_hello, parse_signal

MOST_UNSENT: Final = MOST_KEPT + 64
"""Messages: all that may wait for somebody who comes, and what is said while these are sent."""


class Close(IntEnum):
    """Why a connection is closed, by the code that its client sees."""

    BINARY = 1003
    NO_MESSAGE = 1007
    TOO_LONG = 1009
    TRY_AGAIN = 1013
    NO_TOKEN = 4401
    OTHER_MEETING = 4404
    REPLACED = 4409
    OVER = 4410
    TOO_FAST = 4429


class Ended(Exception):
    """The connection is to be closed; without a code, its client has gone."""

    def __init__(self, code: Close | None) -> None:
        self.code = code
        super().__init__()


@attrs.frozen(kw_only=True)
class Limits:
    """What a connection is held to.

    Attributes:
        hello_seconds: within which it must have said whose it is.
        burst: messages that it may send at once.
        per_second: messages that it may send for ever.
        unsent: messages that may wait until it has read those before.
        goodbye_seconds: within which it has to take why it is closed; then it is dropped without a word.
    """

    hello_seconds: float = 5.0
    burst: int = 60
    per_second: float = 10.0
    unsent: int = MOST_UNSENT
    goodbye_seconds: float = 1.0


@attrs.define
class Bucket:
    """So many at once, and then so many in a second."""

    _most: int
    _per_second: float
    _clock: Callable[[], float] = time.monotonic
    _left: float = attrs.field(init=False)
    _at: float = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._left, self._at = self._most, self._clock()

    def take(self) -> bool:
        """Take one; whether there was one."""
        now = self._clock()
        self._left, self._at = min(self._most, self._left + (now - self._at) * self._per_second), now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Connection:
    """A WebSocket that was accepted.

    What is told to it waits in a row of its own: nobody ever waits for a client that does not read.
    """

    def __init__(self, websocket: WebSocket, limits: Limits) -> None:
        self._websocket = websocket
        self._limits = limits
        self._bucket = Bucket(limits.burst, limits.per_second)
        self._unsent: asyncio.Queue[str] = asyncio.Queue(limits.unsent)
        self._ended: asyncio.Future[Close] = asyncio.get_running_loop().create_future()

    async def hello(self) -> str:
        """The token of its first message.

        Raises:
            Ended: it was none, or late.
        """
        try:
            async with asyncio.timeout(self._limits.hello_seconds):
                return parse_hello(await self._text())
        except (TimeoutError, InvalidError):
            raise Ended(Close.NO_TOKEN) from None

    async def message(self) -> tuple[SignalKind, str]:
        """The next message, and its data as JSON.

        Raises:
            Ended: it was none that may be sent.
        """
        text = await self._text()
        if not self._bucket.take():
            raise Ended(Close.TOO_FAST)
        try:
            kind, data = parse_signal(text)
        except InvalidError:
            raise Ended(Close.NO_MESSAGE) from None
        if len(data.encode()) > LONGEST_DATA:
            raise Ended(Close.TOO_LONG)
        return kind, data

    async def _text(self) -> str:
        received = await self._websocket.receive()
        if received["type"] == "websocket.disconnect":
            raise Ended(None)
        text: str | None = received.get("text")
        if text is None:
            raise Ended(Close.BINARY)
        # The server itself drops a client that sends more than 16 MiB at once, before anything of it is seen here.
        if len(text) > LONGEST_FRAME or len(text.encode(errors="surrogatepass")) > LONGEST_FRAME:
            raise Ended(Close.TOO_LONG)
        return text

    def tell(self, text: str) -> None:
        """Send it when it is its turn; a client that does not read what it is sent has to come again."""
        try:
            self._unsent.put_nowait(text)
        except asyncio.QueueFull:
            self.end(Close.TRY_AGAIN)

    def end(self, code: Close) -> None:
        """Close it; of several reasons the first is told."""
        if not self._ended.done():
            self._ended.set_result(code)

    async def run(self, listening: Coroutine[Any, Any, None]) -> None:
        """Listen, and send what is told, until the connection is to end.

        Raises:
            Ended: always, unless there is a bug.
        """
        # A send to a client that has gone may never return: it is broken off when listening says so.
        tasks = [asyncio.create_task(listening), asyncio.create_task(self._send())]
        try:
            first: list[asyncio.Future[Any]] = [*tasks, self._ended]
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in tasks:
            if not task.cancelled():
                task.result()
        raise Ended(self._ended.result())

    async def _send(self) -> None:
        try:
            while True:
                await self._websocket.send_text(await self._unsent.get())
        except WebSocketDisconnect:
            raise Ended(None) from None

    async def close(self, code: Close) -> None:
        """Tell the client why, if it is still there and hears it in time."""
        states = {self._websocket.client_state, self._websocket.application_state}
        if states != {WebSocketState.CONNECTED}:
            return
        try:
            async with asyncio.timeout(self._limits.goodbye_seconds):
                await self._websocket.close(code)
        except (TimeoutError, WebSocketDisconnect):
            return
