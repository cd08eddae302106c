"""A WebSocket as the transport sees it: how it begins and how it ends."""

import secrets
from typing import Final

from starlette.types import Message, Receive, Send

_NOT_ACCEPTED: Final = 403
"""What the server answers where a WebSocket is closed before it was accepted."""


class Socket:
    """What an app receives and sends over a WebSocket: notes how it ends.

    The request's id goes with the answer where the server lets headers through; granian 2.8 does not.
    """

    __slots__ = ("_accepted", "_receive", "_send", "ended", "request_id", "status")

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._accepted = False
        self.request_id = secrets.token_hex(16)
        self.status: int | None = None
        self.ended = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self._end(message.get("code"))
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "websocket.accept":
            self._accepted = True
            headers = [*message.get("headers", ()), (b"x-request-id", self.request_id.encode())]
            message = {**message, "headers": headers}
        elif message["type"] == "websocket.close":
            self._end(message.get("code") if self._accepted else _NOT_ACCEPTED)
        await self._send(message)

    def _end(self, status: int | None) -> None:
        if not self.ended:
            self.ended, self.status = True, status
