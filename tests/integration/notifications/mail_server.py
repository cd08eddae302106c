"""A real mail server on this machine, which can be stopped, can say no, and can die at the worst moment."""

import asyncio
import ssl
import threading
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from enum import StrEnum
from typing import Any, Self

import attrs
from aiosmtpd.smtp import SMTP, AuthResult

from telemed_core.domain.notices import NoticeId


class Dies(StrEnum):
    """When the server ends a connection without a word."""

    NEVER = "never"
    WITHOUT_AN_ANSWER = "having taken the mail, without an answer"
    AFTER_THE_ANSWER = "having answered that it has taken the mail"


@attrs.frozen
class Received:
    """A mail, and whose mailbox it went to."""

    to: str
    message: EmailMessage = attrs.field(repr=False)

    @property
    def notice_id(self) -> NoticeId:
        """Of the notice it was made from."""
        return NoticeId(self.message["Message-ID"].strip("<>").partition("@")[0])

    @property
    def text(self) -> str:
        body = self.message.get_body(("plain",))
        assert body is not None
        return str(body.get_content()).replace("\r\n", "\n").removesuffix("\n")

    @property
    def calendar(self) -> str | None:
        """The part that calendars read."""
        for part in self.message.walk():
            if part.get_content_type() == "text/calendar":
                return str(part.get_payload(decode=True), "utf-8")
        return None


@attrs.define
class MailServer:
    """Keeps what it is sent; ``answer`` tells what it says to a recipient, or to a text, instead of 250.

    Attributes:
        tls: the certificate; without one nothing is encrypted.
        implicit: whether it speaks TLS from the first byte on.
        password: the one that it wants; ``None``: none.
        careless: whether it asks for a password in the clear.
    """

    tls: ssl.SSLContext | None = None
    implicit: bool = False
    password: tuple[str, str] | None = None
    careless: bool = False
    dies: Dies = Dies.NEVER
    answer: Callable[[str, str], str | None] = lambda _stage, _text: None
    received: list[Received] = attrs.field(factory=list)
    seen: list[str] = attrs.field(factory=list)
    """Who signed in, and whether over TLS."""
    port: int = 0
    _loop: asyncio.AbstractEventLoop | None = None
    _thread: threading.Thread | None = None
    _server: asyncio.Server | None = None
    _connections: list[Any] = attrs.field(factory=list)

    @property
    def url(self) -> str:
        return f"{'smtps' if self.implicit else 'smtp'}://127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Take mails, on the same port as before."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def stop(self) -> None:
        """Be gone: connections are refused."""
        if self._loop is not None and self._thread is not None:
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._loop.close()
            self._loop = None

    async def _listen(self) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        context = self.tls if self.implicit else None
        return await loop.create_server(self._session, "127.0.0.1", self.port, ssl=context)

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        for session in self._connections:
            if session.transport is not None:
                session.transport.abort()
        self._connections.clear()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    def _session(self) -> SMTP:
        session = SMTP(
            self,
            hostname="mail.example",
            tls_context=None if self.implicit else self.tls,
            # The library does not know of TLS from the first byte on, and warns.
            auth_required=self.password is not None and not (self.implicit or self.careless),
            auth_require_tls=not (self.implicit or self.careless),
            authenticator=self._authenticate,
        )
        self._connections.append(session)
        return session

    def _authenticate(self, _server: Any, session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        said = (data.login.decode(), data.password.decode())
        self.seen.append(f"{said[0]} {'over TLS' if session.ssl is not None or self.implicit else 'in the clear'}")
        return AuthResult(success=said == self.password, handled=False)

    async def handle_MAIL(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802 # the library's name
        envelope.mail_from = address
        return self.answer("MAIL", address) or "250 OK"

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802 # the library's name
        refusal = self.answer("RCPT", address)
        if refusal is None:
            envelope.rcpt_tos.append(address)
        return refusal or "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 # the library's name
        message = message_from_bytes(envelope.content, policy=policy.default)
        refusal = self.answer("DATA", str(message["Subject"]))
        if refusal is not None:
            return refusal
        self.received.extend(Received(to, message) for to in envelope.rcpt_tos)
        if self.dies is Dies.WITHOUT_AN_ANSWER:
            server.transport.abort()
        return "250 OK"

    async def handle_QUIT(self, server: Any, _session: Any, _envelope: Any) -> str:  # noqa: N802 # the library's name
        if self.dies is Dies.AFTER_THE_ANSWER:
            server.transport.abort()
        return "221 Bye"
