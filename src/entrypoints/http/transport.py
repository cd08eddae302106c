"""What every answer has and every body is held to, whichever app answers: an ASGI layer around it."""

import asyncio
from time import perf_counter
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from entrypoints.failures import Problem
from entrypoints.http.sockets import Socket
from entrypoints.logs import log_access, log_bug
from entrypoints.operations.answering import INTERNAL, body_too_large, problem_answer
from entrypoints.operations.exchange import new_request_id, shown_method, standing_headers
from entrypoints.operations.operation import Headers
from telemed_core.messages.parsing import MOST_BYTES

PATIENCE: Final = 20.0
DRAINED: Final = 16
"""After a refusal this many times what is allowed is still read, and dropped: a client that only sends gets to read."""

Header = tuple[bytes, bytes]

_CLOSE: Final[Header] = (b"connection", b"close")


class Transport:
    """Request ids, headers, limits of bodies, bugs without text, and the access log, around an app.

    Of a WebSocket it keeps the log, and closes it where the app has failed.

    Args:
        secure: people reach it by https, and must not do so otherwise.
        most_bytes: a longer body is refused.
        patience: seconds within which a body must be there.
    """

    def __init__(self, app: ASGIApp, *, secure: bool, most_bytes: int = MOST_BYTES, patience: float = PATIENCE) -> None:
        self._app = app
        self._defaults = _encoded(standing_headers(secure=secure))
        self._most_bytes = most_bytes
        self._patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._with_socket(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = perf_counter()
        answer = _Answer(send, self._defaults)
        try:
            length = _announced(scope)
            if length == 0:
                await self._app(scope, receive, answer)
            else:
                await self._with_body(scope, receive, answer, length)
            if answer.failed:
                await answer.refuse(INTERNAL)
        except _ClientGoneError:
            pass
        except Exception as error:
            log_bug(error, request_id=answer.request_id)
            if answer.status is None:
                await answer.refuse(INTERNAL)
            elif not answer.ended:
                # The server closes the connection, and the client sees that the answer is not whole.
                raise UnfinishedAnswerError from None
        finally:
            log_access(
                request_id=answer.request_id,
                method=shown_method(scope["method"]),
                route=_route(scope),
                status=answer.status,
                ms=(perf_counter() - begun) * 1000,
            )

    async def _with_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = perf_counter()
        socket = Socket(receive, send)
        try:
            await self._app(scope, socket.receive, socket.send)
        except Exception as error:
            log_bug(error, request_id=socket.request_id)
            if not socket.ended:
                await socket.send({"type": "websocket.close", "code": _BUG})
        finally:
            log_access(
                request_id=socket.request_id,
                method="WEBSOCKET",
                route=_route(scope),
                status=socket.status,
                ms=(perf_counter() - begun) * 1000,
            )

    async def _with_body(self, scope: Scope, receive: Receive, answer: "_Answer", length: int | None) -> None:
        until = asyncio.get_running_loop().time() + self._patience
        try:
            if length is not None and length > self._most_bytes:
                raise _TooLargeError
            async with asyncio.timeout_at(until):
                body = await self._whole(receive)
        except _TooLargeError:
            await answer.refuse(body_too_large(self._most_bytes), _CLOSE)
            await self._drain(receive, until)
        except TimeoutError:
            text = f"The body was not there within {self._patience:g} seconds."
            await answer.refuse(Problem(408, "request_timeout", text), _CLOSE)
        else:
            await self._app(scope, _replaying(body, receive), answer)

    async def _whole(self, receive: Receive) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while True:
            chunk, more = await _next_chunk(receive)
            size += len(chunk)
            if size > self._most_bytes:
                raise _TooLargeError
            chunks.append(chunk)
            if not more:
                return b"".join(chunks)

    async def _drain(self, receive: Receive, until: float) -> None:
        left = DRAINED * self._most_bytes
        try:
            async with asyncio.timeout_at(until):
                more = True
                while more and left > 0:
                    chunk, more = await _next_chunk(receive)
                    left -= len(chunk)
        except TimeoutError:
            return


_BUG: Final = 1011


class UnfinishedAnswerError(Exception):
    """An app failed in the middle of its answer."""


class _TooLargeError(Exception):
    pass


class _ClientGoneError(Exception):
    pass


class _Answer:
    """The app's ``send``: completes the headers, and keeps back whatever the app has to say of a failure of its own."""

    __slots__ = ("_defaults", "_send", "ended", "failed", "request_id", "status")

    def __init__(self, send: Send, defaults: tuple[Header, ...]) -> None:
        self._send = send
        self._defaults = defaults
        self.request_id = new_request_id()
        self.status: int | None = None
        self.failed = False
        self.ended = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if message["status"] == 500:
                self.failed = True
            else:
                await self._start(message)
        elif not self.failed:
            self.ended = not message.get("more_body", False)
            await self._send(message)

    async def refuse(self, refusal: Problem, *more: Header) -> None:
        """Answer with a problem."""
        told = problem_answer(refusal)
        headers = [*_encoded(told.headers), (b"content-length", b"%d" % len(told.body)), *more]
        await self._start({"type": "http.response.start", "status": told.status, "headers": headers})
        self.ended = True
        await self._send({"type": "http.response.body", "body": told.body})

    async def _start(self, message: Message) -> None:
        self.status = message["status"]
        headers: list[Any] = [*message.get("headers", ()), (b"x-request-id", self.request_id.encode())]
        told = {name for name, _ in headers}
        headers += [header for header in self._defaults if header[0] not in told]
        await self._send({**message, "headers": headers})


def _encoded(headers: Headers) -> tuple[Header, ...]:
    return tuple((name.lower().encode(), value.encode()) for name, value in headers.items())


def _route(scope: Scope) -> str | None:
    """The template of the path; none, where there is nothing."""
    return getattr(scope.get("route"), "path", None)


def _announced(scope: Scope) -> int | None:
    """How long the body says it is; 0: there is none, ``None``: it does not say."""
    for name, value in scope["headers"]:
        if name == b"transfer-encoding":
            return None
        if name == b"content-length":
            return int(value)
    return 0


async def _next_chunk(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise _ClientGoneError
    return message.get("body", b""), message.get("more_body", False)


def _replaying(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that hands out the whole body first."""
    waiting = [body]

    async def replay() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replay
