"""E-mail through a mail server (SMTP), one connection for each."""

import contextlib
import smtplib
import ssl
from collections.abc import Iterable, Iterator
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from typing import Final
from urllib.parse import unquote, urlsplit

import attrs

from telemed_core.errors import InvalidError, TelemedError, UnavailableError, UndeliverableError
from telemed_core.ports.notices import Mail, Mailer

TIMEOUT_SECONDS: Final = 10
"""How long each answer of the server is waited for."""

_PORTS: Final = {"smtp": 25, "smtps": 465}
_SUBMISSION: Final = 587
"""The port where one says a user and a password, if none is said."""

_CLINIC: Final = "Health&Med"


@attrs.frozen
class Server:
    """Where the mail server is, and who is to sign in to it.

    Attributes:
        tls: whether the connection begins with TLS; else STARTTLS is used where it is offered.
    """

    host: str
    port: int
    tls: bool
    user: str | None = None
    password: str | None = attrs.field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> "Server":
        """Read ``smtp://[user:password@]host[:port]`` or ``smtps://…``, user and password percent-encoded.

        Raises:
            InvalidError: it is another address; it is not echoed.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise InvalidError("smtp_url", "is not an address") from None
        if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
            raise InvalidError("smtp_url", "must be smtp://[user:password@]host[:port], or smtps://…")
        if (parts.username is None) != (parts.password is None):
            raise InvalidError("smtp_url", "must have both user and password, or neither")
        signs_in = parts.username is not None and parts.scheme == "smtp"
        return cls(
            host=parts.hostname,
            port=port or (_SUBMISSION if signs_in else _PORTS[parts.scheme]),
            tls=parts.scheme == "smtps",
            user=None if parts.username is None else unquote(parts.username),
            password=None if parts.password is None else unquote(parts.password),
        )


@attrs.frozen
class SmtpMailer:
    """A ``Mailer`` by SMTP.

    Where there is a password, it is only said under TLS to a server whose certificate is good. Where there is none,
    STARTTLS is used as it is offered, without a look at the certificate: who could forge it could hide the offer too.

    Attributes:
        sender: the address that mails come from.
    """

    _server: Server
    _sender: str

    def send(self, mail: Mail, /) -> None:
        message = letter(mail, sender=self._sender)
        with self._connected() as smtp:
            try:
                smtp.sendmail(self._sender, [mail.to], message.as_bytes())
            except smtplib.SMTPRecipientsRefused as refused:
                raise _refusal(code for code, _ in refused.recipients.values()) from None
            except smtplib.SMTPDataError as refused:
                raise _refusal([refused.smtp_code]) from None

    @contextlib.contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        """A connection that mails can be sent by; errors carry nothing that the server said: it repeats addresses."""
        smtp = None
        try:
            smtp = self._connect()
            yield smtp
        except (OSError, smtplib.SMTPException, UnicodeError):
            raise UnavailableError from None
        finally:
            if smtp is not None:
                # What was taken stays taken, however the server ends it.
                with contextlib.suppress(OSError, smtplib.SMTPException):
                    smtp.quit()
                smtp.close()

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        # Its own name is not looked up: that takes seconds where there is no name server.
        name = self._sender.rpartition("@")[2]
        if server.tls:
            context = ssl.create_default_context()
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, name, timeout=TIMEOUT_SECONDS, context=context
            )
        else:
            smtp = smtplib.SMTP(server.host, server.port, name, timeout=TIMEOUT_SECONDS)
        try:
            self._secure(smtp)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _secure(self, smtp: smtplib.SMTP) -> None:
        server = self._server
        smtp.ehlo_or_helo_if_needed()
        if not server.tls and (server.user is not None or smtp.has_extn("starttls")):
            smtp.starttls(context=_unchecked() if server.user is None else ssl.create_default_context())
            smtp.ehlo_or_helo_if_needed()
        if server.user is not None:
            smtp.login(server.user, server.password or "")


def _unchecked() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _refusal(codes: Iterable[int]) -> TelemedError:
    """Of a mail that the server has not taken: only what begins with 5 is for good."""
    return UndeliverableError() if all(500 <= code <= 599 for code in codes) else UnavailableError()


def letter(mail: Mail, *, sender: str) -> EmailMessage:
    """The mail as it is sent: plain text, and with a calendar also that, once to be read and once to be kept.

    Raises:
        UndeliverableError: the address is none.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(_CLINIC, addr_spec=sender)
    message["To"] = _address(mail.to)
    message["Subject"] = " ".join(mail.subject.split())
    message["Date"] = formatdate(usegmt=True)
    message["Message-ID"] = f"<{mail.id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.body, charset="utf-8", cte="quoted-printable")
    if mail.calendar is not None:
        params = {"charset": "utf-8", "method": str(mail.method or "")}
        message.add_alternative(mail.calendar, maintype="text", subtype="calendar", cte="base64", params=params)
        message.add_attachment(mail.calendar, maintype="application", subtype="ics", filename="telemed.ics")
    # Last: setting the content forgets what was said of another.
    message["Content-Language"] = mail.language
    return message


def _address(text: str) -> Address:
    """One address, and nothing that could pass for a header."""
    try:
        address = Address(addr_spec=text)
    except (ValueError, IndexError, HeaderParseError):
        raise UndeliverableError from None
    if not text.isascii() or address.addr_spec != text:
        raise UndeliverableError
    return address


def open_smtp(url: str, sender: str) -> Mailer:
    """Send e-mails by the server at ``smtp://[user:password@]host[:port]`` or ``smtps://…``.

    Args:
        url: of the server; user and password percent-encoded.
        sender: the address they come from.

    Raises:
        InvalidError: one of them is none.
    """
    server = Server.parse(url)
    try:
        _address(sender)
    except UndeliverableError:
        raise InvalidError("mail_from", "must be an e-mail address") from None
    return SmtpMailer(server, sender)
