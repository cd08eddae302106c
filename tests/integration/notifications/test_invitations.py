"""What calendars make of the mails and the feeds of an appointment's life, read by another library."""

from typing import Any

import pytest
import vobject

from adapters.calendars import open_calendars
from integration.notifications.post import SENDER, URL, Post
from telemed_core.application.calendars import AppointmentCalendar, OpenFeed, ReadFeed, RevokeFeed
from telemed_core.domain.accounts import Account
from telemed_core.errors import NotFoundError


def invitations(post: Post, reader: Account) -> list[Any]:
    found = [mail.calendar for mail in post.mails(reader)]
    return [vobject.readOne(calendar) for calendar in found if calendar]


def feed(post: Post, reader: Account) -> Any:
    stores = post.clinic.stores
    calendars = open_calendars(SENDER)
    secret = OpenFeed(stores.feeds, post.clinic.ids)(account=reader)
    read = ReadFeed(stores.feeds, stores.accounts, stores.appointments, calendars, post.clock, URL)
    return vobject.readOne(read(secret=secret).decode())


def test_invitations_have_one_uid_a_rising_sequence_and_a_cancellation_at_the_end(post: Post) -> None:
    confirmed = post.confirm()
    proposed = post.move(confirmed, by=post.doctor, days=5)
    agreed = post.agree(proposed, by=post.patient)
    again = post.agree(post.move(agreed, by=post.patient, days=6), by=post.doctor)
    post.cancel(again, by=post.patient)
    post.settle()
    for reader in (post.doctor, post.patient):
        calendars = invitations(post, reader)
        events = [calendar.vevent for calendar in calendars]
        assert [calendar.method.value for calendar in calendars] == ["REQUEST", "REQUEST", "REQUEST", "CANCEL"]
        assert [event.sequence.value for event in events] == ["0", "1", "2", "3"]
        assert [event.status.value for event in events] == ["CONFIRMED", "CONFIRMED", "CONFIRMED", "CANCELLED"]
        assert {event.uid.value for event in events} == {f"{confirmed.id}@telemed"}
        assert [event.dtstart.value for event in events] == [
            confirmed.visit.start,
            agreed.visit.start,
            again.visit.start,
            again.visit.start,
        ]
        assert {event.organizer.value for event in events} == {f"mailto:{SENDER}"}
        assert {event.attendee.value for event in events} == {f"mailto:{reader.email.address}"}
        assert [getattr(event, "url", None) and event.url.value for event in events] == [
            *[f"{URL}/appointments/{confirmed.id}/visit"] * 3,
            None,
        ]


def test_invitations_name_the_other_side(post: Post) -> None:
    post.confirm()
    post.settle()
    assert invitations(post, post.patient)[0].vevent.summary.value == "Consulta com Dr(a). Ana Lima"
    assert invitations(post, post.doctor)[0].vevent.summary.value == "Consulta – Bruno Reis"


def test_the_mail_says_with_which_method_its_calendar_is_meant(post: Post) -> None:
    post.cancel(post.confirm(), by=post.doctor)
    post.settle()
    methods = []
    for mail in post.mails(post.patient):
        for part in mail.message.walk():
            if part.get_content_type() == "text/calendar":
                methods.append(part.get_param("method"))
    assert methods == ["REQUEST", "CANCEL"]


def test_a_feed_follows_its_appointments_until_it_is_revoked(post: Post) -> None:
    asked = post.ask()
    seen = [feed(post, post.patient).vevent]
    post.clinic.accept_appointment(appointment_id=asked.id, rev=asked.rev, doctor=post.doctor)
    seen.append(feed(post, post.patient).vevent)
    post.agree(post.move(asked, by=post.doctor, days=5), by=post.patient)
    seen.append(feed(post, post.patient).vevent)
    post.cancel(asked, by=post.patient)
    seen.append(feed(post, post.patient).vevent)
    assert {event.uid.value for event in seen} == {f"{asked.id}@telemed"}
    assert [(event.sequence.value, event.status.value) for event in seen] == [
        ("0", "TENTATIVE"),
        ("0", "CONFIRMED"),
        ("1", "CONFIRMED"),
        ("2", "CANCELLED"),
    ]
    stores = post.clinic.stores
    secret = OpenFeed(stores.feeds, post.clinic.ids)(account=post.patient)
    RevokeFeed(stores.feeds)(account=post.patient)
    read = ReadFeed(stores.feeds, stores.accounts, stores.appointments, open_calendars(SENDER), post.clock, URL)
    with pytest.raises(NotFoundError):
        read(secret=secret)


def test_an_appointments_file_has_the_uid_of_its_invitations(post: Post) -> None:
    confirmed = post.confirm()
    post.settle()
    stores = post.clinic.stores
    write = AppointmentCalendar(stores.appointments, stores.accounts, open_calendars(SENDER), post.clock, URL)
    event = vobject.readOne(write(appointment_id=confirmed.id, actor=post.patient).decode()).vevent
    invited = invitations(post, post.patient)[0].vevent
    for name in ("uid", "sequence", "dtstart", "dtend", "summary", "url", "last_modified"):
        assert getattr(event, name).value == getattr(invited, name).value
    assert "attendee" not in event.contents
