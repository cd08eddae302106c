"""E-mails as they are written down, and the address of the server that takes them."""

from email import message_from_bytes, policy
from email.message import EmailMessage

import attrs
import pytest

from adapters.smtp import Server, letter, open_smtp
from telemed_core.domain.notices import NoticeId
from telemed_core.errors import InvalidError, UndeliverableError
from telemed_core.ports.notices import CalendarMethod, Mail

SENDER = "no-reply@clinic.example"
CALENDAR = "BEGIN:VCALENDAR\r\nSUMMARY:João\r\nEND:VCALENDAR\r\n".encode()

MAIL = Mail(
    id=NoticeId("notice-1"),
    to="bruno@example.com",
    subject="Health&Med - Novo horário proposto",
    body="Olá, João! " + "Uma linha muito longa. " * 60,
    language="pt-BR",
)


def read(mail: Mail) -> EmailMessage:
    """What another reads in it."""
    return message_from_bytes(letter(mail, sender=SENDER).as_bytes(), policy=policy.default)


def test_a_letter_says_from_whom_it_is_and_that_nobody_wrote_it() -> None:
    message = read(MAIL)
    assert {name: message[name] for name in ("From", "To", "Subject", "Message-ID", "Auto-Submitted")} == {
        "From": "Health&Med <no-reply@clinic.example>",
        "To": "bruno@example.com",
        "Subject": "Health&Med - Novo horário proposto",
        "Message-ID": "<notice-1@clinic.example>",
        "Auto-Submitted": "auto-generated",
    }
    assert (message["Content-Language"], message["Date"].datetime.utcoffset().total_seconds()) == ("pt-BR", 0)
    assert (message.get_content_type(), message.get_content_charset()) == ("text/plain", "utf-8")
    assert message.get_content().splitlines() == [MAIL.body]


def test_a_letter_is_plain_ascii_in_lines_that_every_server_takes() -> None:
    raw = letter(attrs.evolve(MAIL, calendar=CALENDAR, method=CalendarMethod.REQUEST), sender=SENDER).as_bytes()
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 78
    assert raw.count(b"\n") == raw.count(b"\r\n")


@pytest.mark.parametrize("method", [CalendarMethod.REQUEST, CalendarMethod.CANCEL])
def test_a_calendar_is_there_to_be_read_and_to_be_kept(method: CalendarMethod) -> None:
    message = read(attrs.evolve(MAIL, calendar=CALENDAR, method=method))
    assert message.get_content_type() == "multipart/mixed"
    assert message["Content-Language"] == "pt-BR"
    plain, calendar, kept = [part for part in message.walk() if not part.is_multipart()]
    assert plain.get_content().splitlines() == [MAIL.body]
    assert calendar.get_content_type() == "text/calendar"
    assert (calendar.get_param("method"), calendar.get_content_charset()) == (method, "utf-8")
    assert calendar.get_payload(decode=True) == kept.get_payload(decode=True) == CALENDAR
    assert (kept.get_filename(), kept.get_content_disposition()) == ("telemed.ics", "attachment")


@pytest.mark.parametrize("breaks", ["\r\n", "\n", "\r", "\u2028", "\x85", "\x0b", "\0"])
def test_nothing_in_a_subject_or_a_text_can_become_a_header(breaks: str) -> None:
    evil = f"x{breaks}Bcc: eve@example.org{breaks}{breaks}<b>hello</b>"
    message = read(attrs.evolve(MAIL, subject=evil, body=evil))
    assert message["Bcc"] is None
    assert "Bcc: eve@example.org" in message["Subject"]
    assert message.get_content_type() == "text/plain"


@pytest.mark.parametrize(
    "address",
    [
        "bruno@example.com\r\nBcc: eve@example.org",
        "bruno@example.com\nBcc: eve@example.org",
        "bruno@example.com, eve@example.org",
        "Bruno <bruno@example.com>",
        "bruno@example.com>",
        "bruno",
        "",
        " ",
        "joão@example.com",
        "bruno@exámple.com",
        "bruno(eve)@example.com",
        "bruno@example.com ",
        "bruno@example.com\u2028",
    ],
)
def test_what_is_no_address_is_sent_nothing(address: str) -> None:
    with pytest.raises(UndeliverableError):
        letter(attrs.evolve(MAIL, to=address), sender=SENDER)


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://localhost", Server("localhost", 25, tls=False)),
        ("smtp://mail.example:2525/", Server("mail.example", 2525, tls=False)),
        ("smtp://[::1]:26", Server("::1", 26, tls=False)),
        ("smtp://ana:p%40ss%2Fword@mail.example", Server("mail.example", 587, False, "ana", "p@ss/word")),
        ("smtps://ana:secret@mail.example", Server("mail.example", 465, True, "ana", "secret")),
        ("smtps://mail.example:4650", Server("mail.example", 4650, tls=True)),
    ],
)
def test_the_address_of_a_server_says_where_how_and_as_whom(url: str, server: Server) -> None:
    assert Server.parse(url) == server


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost",
        "http://localhost",
        "smtp://",
        "smtp://:25",
        "smtp://host:99999",
        "smtp://host:port",
        "smtp://host/path",
        "smtp://host?x=1",
        "smtp://host#x",
        "smtp://ana@host",
        "smtp://[::1",
    ],
)
def test_what_is_no_address_of_a_server_is_refused_and_not_echoed(url: str) -> None:
    with pytest.raises(InvalidError) as refused:
        open_smtp(url, SENDER)
    assert [name for name, _ in refused.value.fields] == ["smtp_url"]
    assert not any(part in str(refused.value) for part in ("ana", "99999", "path", "localhost"))


@pytest.mark.parametrize("sender", ["", "nobody", "a@b\r\nX: y"])
def test_a_sender_has_an_address(sender: str) -> None:
    with pytest.raises(InvalidError) as refused:
        open_smtp("smtp://localhost", sender)
    assert [name for name, _ in refused.value.fields] == ["mail_from"]


def test_a_password_does_not_show_itself() -> None:
    assert "hunter" not in repr(open_smtp("smtp://ana:hunter2@localhost", SENDER))
