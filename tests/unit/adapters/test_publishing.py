"""Announcements that stay in the process, and mails that do."""

import pytest

from adapters.mailbox import Mailbox, NoMailServer
from adapters.publishing import MemoryPublisher, open_in_process
from telemed_core.domain.notices import Announcement, NoticeId
from telemed_core.errors import UnavailableError
from telemed_core.ports.notices import Mail
from telemed_core.testing.builders import a_notice


def test_what_is_published_in_process_has_been_handed_on_in_order() -> None:
    handed: list[Announcement] = []
    announcements = [a_notice(number).about for number in (2, 1, 3)]
    open_in_process(handed.extend).publish(announcements)
    assert handed == announcements


def test_a_memory_publisher_keeps_what_it_is_given_in_order() -> None:
    publisher = MemoryPublisher()
    first, second = a_notice(1).about, a_notice(2).about
    publisher.publish([first])
    publisher.publish([second, first])
    assert publisher.published == [first, second, first]


def test_a_mailbox_keeps_its_mails_in_order_and_to_itself() -> None:
    mailbox = Mailbox()
    mails = [
        Mail(id=NoticeId(f"notice-{one}"), to="a@example.com", subject="x", body="y", language="en") for one in "ab"
    ]
    for mail in mails:
        mailbox.send(mail)
    assert mailbox.mails == mails
    assert "example.com" not in repr(mailbox)


def test_without_a_mail_server_no_mail_leaves() -> None:
    mail = Mail(id=NoticeId("notice-1"), to="a@example.com", subject="x", body="y", language="en")
    with pytest.raises(UnavailableError):
        NoMailServer().send(mail)
