"""What must not be in mails, calendars and logs is not there (A24), and what is typed stays text (A22)."""

import logging

import attrs
import pytest

from adapters.calendars import open_calendars
from integration.notifications.post import REASON, SENDER, URL, Post
from telemed_core.application.calendars import OpenFeed, ReadFeed
from telemed_core.application.resetting import AskReset, ResetPassword
from telemed_core.domain.notices import Kind
from telemed_core.errors import InvalidError
from telemed_core.testing.builders import a_password


def everything(post: Post) -> None:
    appointment = post.confirm()
    proposed = post.move(appointment, by=post.doctor, days=5)
    post.cancel(post.agree(proposed, by=post.patient), by=post.patient)
    post.clinic.refuse_appointment(appointment_id=post.ask(days=7).id, reason=REASON, doctor=post.doctor)
    post.confirm(days=8)
    post.settle()


def test_nothing_that_was_typed_is_in_mails_or_calendars_and_no_address_but_the_readers_own(
    post: Post, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    everything(post)
    assert len(post.server.received) >= 8
    people = (post.doctor, post.patient)
    secrets = [REASON, *(person.cpf.digits for person in people)]
    addresses = {person.id: person.email.address for person in people}
    names = [person.name for person in people]
    for mail in post.server.received:
        parts = [str(part.get_payload(decode=True), "utf-8") for part in mail.message.walk() if not part.is_multipart()]
        whole = "\n".join([*map(str, mail.message.values()), *parts]).replace("\r\n ", "")
        assert not [secret for secret in secrets if secret in whole]
        assert not [address for address in addresses.values() if address in whole and address != mail.to]
        assert not [name for name in names if name in mail.message["Subject"]]
        assert mail.to not in mail.message["Subject"]
        assert mail.to not in mail.text
    stores = post.clinic.stores
    for person in people:
        secret = OpenFeed(stores.feeds, post.clinic.ids)(account=person)
        read = ReadFeed(stores.feeds, stores.accounts, stores.appointments, open_calendars(SENDER), post.clock, URL)
        calendar = read(secret=secret).decode().replace("\r\n ", "")
        assert not [one for one in (*secrets, *addresses.values(), secret) if one in calendar]
    logged = repr(post.log())
    assert not [one for one in (*secrets, *addresses.values(), *names) if one in logged]
    assert capfd.readouterr() == ("", "")
    # The test's own mail server speaks of addresses; ours does not speak at all.
    ours = [record.getMessage() for record in caplog.records if record.name not in {"mail.log", "asyncio"}]
    assert not [one for one in (*secrets, *addresses.values(), *names) for line in ours if one in line]


def test_a_name_full_of_markup_and_line_breaks_stays_a_name(post: Post) -> None:
    evil = post.clinic.patient(5, name="<b>Eve</b>\u2028BEGIN:VEVENT; {when} Bcc: eve@example.org")
    there = attrs.evolve(post, patient=evil)
    there.confirm()
    there.settle()
    for mail in there.mails(post.doctor):
        assert mail.message["Bcc"] is None
        assert "Eve" not in mail.message["Subject"]
        assert mail.message.get_content_type() in {"text/plain", "multipart/mixed"}
        assert "<b>Eve</b>" in mail.text
        if mail.calendar:
            assert mail.calendar.splitlines().count("BEGIN:VEVENT") == 1


def test_a_forgotten_password_is_set_anew_by_the_mail_and_by_nothing_else(post: Post) -> None:
    stores, identity = post.clinic.stores, post.clinic.identity
    ask = AskReset(stores.accounts, stores.notices, post.clock, email=True)
    for login in (post.patient.cpf.digits, str(post.patient.email), "nobody@example.com"):
        ask(login=login)
    post.settle()
    assert [mail.to for mail in post.server.received] == [post.patient.email.address]
    (mail,) = post.mails(post.patient)
    assert post.mailed(post.patient) == [Kind.PASSWORD_RESET]
    assert mail.message["Subject"] == "Health&Med - Nova senha"
    address, _, token = mail.text.rpartition(": ")[2].strip().partition("#token=")
    assert address == f"{URL}/reset"
    assert token
    assert token not in repr(post.log())
    reset = ResetPassword(identity, post.clock)
    reset(token=token, password=a_password("quite another password"))
    assert identity.check(post.patient.id, a_password("quite another password"))
    with pytest.raises(InvalidError):
        reset(token=token, password=a_password("quite another password"))
    assert post.told(post.patient) == []
