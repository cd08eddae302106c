"""How mails are handed to a server: under TLS where it can be had, with a password only there, and never for long."""

import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from time import monotonic
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters import smtp
from adapters.smtp import open_smtp
from integration.notifications.mail_server import MailServer
from telemed_core.domain.notices import NoticeId
from telemed_core.errors import TelemedError, UnavailableError, UndeliverableError
from telemed_core.ports.notices import CalendarMethod, Mail

SENDER = "no-reply@clinic.example"
MAIL = Mail(
    id=NoticeId("notice-1"),
    to="bruno@example.com",
    subject="Health&Med - Consulta confirmada",
    body="Olá!\n.\nIsto continua.",
    language="pt-BR",
    calendar=b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
    method=CalendarMethod.REQUEST,
)
PASSWORD = ("clinic", "s3cret/@:")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 127.0.0.1, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine trusts that certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


@pytest.fixture
def running() -> Iterator[list[MailServer]]:
    servers: list[MailServer] = []
    yield servers
    for server in servers:
        server.stop()


def started(running: list[MailServer], server: MailServer) -> MailServer:
    running.append(server.start())
    return server


def with_password(url: str, password: str = PASSWORD[1]) -> str:
    return url.replace("://", f"://{PASSWORD[0]}:{quote(password, safe='')}@")


def test_a_mail_arrives_as_it_was_written(server: MailServer) -> None:
    open_smtp(server.url, SENDER).send(MAIL)
    (mail,) = server.received
    assert (mail.to, mail.notice_id, mail.text) == (MAIL.to, MAIL.id, MAIL.body)
    assert mail.calendar == "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"


def test_encryption_is_used_where_it_is_offered_whoever_signed_the_certificate(
    running: list[MailServer], tls: ssl.SSLContext
) -> None:
    server = started(running, MailServer(tls=tls))
    encrypted: list[bool] = []
    server.answer = lambda stage, _: encrypted.append(server._connections[-1].session.ssl is not None)
    open_smtp(server.url, SENDER).send(MAIL)
    assert len(server.received) == 1
    assert set(encrypted) == {True}


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("implicit", [False, True])
def test_with_a_password_one_signs_in_under_tls(running: list[MailServer], tls: ssl.SSLContext, implicit: bool) -> None:
    server = started(running, MailServer(tls=tls, implicit=implicit, password=PASSWORD))
    open_smtp(with_password(server.url), SENDER).send(MAIL)
    assert len(server.received) == 1
    assert server.seen == ["clinic over TLS"]


@pytest.mark.parametrize("implicit", [False, True])
def test_a_password_is_not_said_to_a_server_whose_certificate_is_not_good(
    running: list[MailServer], tls: ssl.SSLContext, implicit: bool
) -> None:
    server = started(running, MailServer(tls=tls, implicit=implicit, password=PASSWORD))
    with pytest.raises(UnavailableError):
        open_smtp(with_password(server.url), SENDER).send(MAIL)
    assert (server.seen, server.received) == ([], [])


def test_a_password_is_not_said_where_nothing_is_encrypted(running: list[MailServer]) -> None:
    server = started(running, MailServer(password=PASSWORD, careless=True))
    with pytest.raises(UnavailableError):
        open_smtp(with_password(server.url), SENDER).send(MAIL)
    assert (server.seen, server.received) == ([], [])


@pytest.mark.usefixtures("trusted")
def test_a_wrong_password_is_a_fault_of_the_clinics_and_not_of_the_mail(
    running: list[MailServer], tls: ssl.SSLContext
) -> None:
    server = started(running, MailServer(tls=tls, password=PASSWORD))
    with pytest.raises(UnavailableError):
        open_smtp(with_password(server.url, password="wrong"), SENDER).send(MAIL)
    assert server.received == []


@pytest.mark.parametrize(
    ("stage", "answer", "kind"),
    [
        ("RCPT", "550 5.1.1 bruno@example.com is nobody", UndeliverableError),
        ("RCPT", "450 4.2.0 bruno@example.com has gone out", UnavailableError),
        ("RCPT", "421 4.3.2 going down", UnavailableError),
        ("DATA", "554 5.7.1 no, bruno@example.com", UndeliverableError),
        ("DATA", "452 4.3.1 full", UnavailableError),
        ("DATA", "421 4.3.2 going down", UnavailableError),
        ("MAIL", "550 5.7.1 not from you", UnavailableError),
        ("MAIL", "421 4.3.2 going down", UnavailableError),
    ],
)
def test_what_a_server_says_is_for_good_is_told_apart_from_what_may_pass(
    server: MailServer, stage: str, answer: str, kind: type[TelemedError]
) -> None:
    server.answer = lambda at, _: answer if at == stage else None
    with pytest.raises(TelemedError) as refused:
        open_smtp(server.url, SENDER).send(MAIL)
    assert type(refused.value) is kind
    assert server.received == []
    # The server's words repeat the address; nobody is to log them.
    assert "bruno" not in repr(refused.value)
    assert refused.value.__suppress_context__


def test_where_nobody_listens_it_is_unavailable(server: MailServer) -> None:
    mailer = open_smtp(server.url, SENDER)
    server.stop()
    with pytest.raises(UnavailableError):
        mailer.send(MAIL)


def test_a_host_that_does_not_exist_is_unavailable() -> None:
    with pytest.raises(UnavailableError):
        open_smtp("smtp://mail.invalid", SENDER).send(MAIL)
    with pytest.raises(UnavailableError):
        open_smtp(f"smtp://{'a' * 70}.example", SENDER).send(MAIL)


@pytest.mark.parametrize("speaks", [b"", b"220 hello\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff" * 9000])
def test_what_listens_and_is_no_mail_server_is_not_waited_for_long(
    monkeypatch: pytest.MonkeyPatch, speaks: bytes
) -> None:
    assert smtp.TIMEOUT_SECONDS <= 10
    monkeypatch.setattr(smtp, "TIMEOUT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        begun = monotonic()

        def talk() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(speaks)
                done.wait(5)

        done = threading.Event()
        talking = threading.Thread(target=talk)
        talking.start()
        with pytest.raises(UnavailableError):
            open_smtp(f"smtp://127.0.0.1:{listening.getsockname()[1]}", SENDER).send(MAIL)
        assert monotonic() - begun < 4
        done.set()
        talking.join()
