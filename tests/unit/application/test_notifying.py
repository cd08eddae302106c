"""Notices, from the announcement to the inbox and the mailbox, whatever fails on the way."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import attrs
import pytest

from adapters.mailbox import Mailbox
from telemed_core.application.notifying import (
    FIRST_WAIT,
    LONGEST_WAIT,
    MOST_ATTEMPTS,
    UNSETTLED,
    DeliverNotices,
    ListDeliveries,
    ListNotices,
    Notify,
    ReadNotice,
    ReplayNotice,
    pause,
)
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.events import Side
from telemed_core.domain.ids import AccountId, AppointmentId
from telemed_core.domain.notices import Announcement, Channel, DeliveryStatus, EventId, Kind, Notice, NoticeId
from telemed_core.domain.patient import Patient
from telemed_core.domain.people import Language, Role
from telemed_core.errors import (
    ForbiddenError,
    InvalidTransitionError,
    NotFoundError,
    UnavailableError,
    UndeliverableError,
)
from telemed_core.ports.notices import CalendarEntry, CalendarMethod, CalendarStatus, Mail
from telemed_core.testing.builders import MONDAY, a_password, an_administrator
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import Clinic

URL = "https://clinic.example"
ADMINISTRATOR = an_administrator()


@attrs.define
class Server:
    """A mailbox behind a server that says no as long as ``refuses`` does."""

    mailbox: Mailbox = attrs.field(factory=Mailbox)
    refuses: Callable[[Mail], Exception | None] = lambda _: None

    def send(self, mail: Mail, /) -> None:
        error = self.refuses(mail)
        if error is not None:
            raise error
        self.mailbox.send(mail)

    @property
    def mails(self) -> list[Mail]:
        return self.mailbox.mails


@attrs.frozen
class WrittenCalendars:
    """``Calendars`` that keep what they are to write."""

    written: list[tuple[CalendarEntry, CalendarMethod]] = attrs.field(factory=list)

    def write(self, entries: Sequence[CalendarEntry], /, *, method: CalendarMethod, name: str | None = None) -> bytes:
        self.written.extend((one, method) for one in entries)
        return b"a calendar"


@attrs.frozen
class Post:
    """What the tests of this module need, over one clinic."""

    clinic: Clinic
    clock: SettableClock
    doctor: Doctor
    patient: Patient
    server: Server = attrs.field(factory=Server)
    calendars: WrittenCalendars = attrs.field(factory=WrittenCalendars)
    alarms: list[Notice] = attrs.field(factory=list)

    def about(
        self, kind: Kind, seq: int = 1, *, by: Side = Side.SYSTEM, on: str = "appointment-1", **facts: str
    ) -> Announcement:
        start = MONDAY + timedelta(days=9)
        return Announcement(
            id=EventId(f"{on}.{seq}"),
            kind=kind,
            at=MONDAY + timedelta(seconds=seq),
            seq=seq,
            subject=AppointmentId(on),
            by=by,
            doctor_id=self.doctor.id,
            patient_id=self.patient.id,
            start=start,
            end=start + timedelta(minutes=50),
            facts=facts,
        )

    def announce(self, *announcements: Announcement, email: bool = True) -> None:
        Notify(self.clinic.stores.notices, email)(announcements)

    def deliver(self, **how: int) -> int:
        return DeliverNotices(
            self.clinic.stores.notices,
            self.clinic.stores.accounts,
            self.clinic.identity,
            self.server,
            self.calendars,
            self.clock,
            URL,
            self.alarms.append,
        )(**how)

    def sent(self) -> list[tuple[str, str]]:
        return [(mail.to, mail.subject.removeprefix("Health&Med - ")) for mail in self.server.mails]

    def log(self, channel: Channel | None = Channel.EMAIL) -> list[Notice]:
        """Oldest first."""
        return [*reversed(self.clinic.stores.notices.log(channel=channel, limit=100))]

    def only(self) -> Notice:
        (notice,) = self.log()
        return notice


@pytest.fixture
def post(clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient) -> Post:
    return Post(clinic, clock, doctor, patient)


def down(_: Mail) -> Exception:
    return UnavailableError()


# What becomes of an announcement.


def test_an_announcement_is_in_the_inbox_and_on_its_way_by_mail(post: Post) -> None:
    post.announce(post.about(Kind.EXPIRED))
    assert {(one.reader, one.channel, one.status) for one in post.log(None)} == {
        (reader, channel, status)
        for reader in (post.doctor.id, post.patient.id)
        for channel, status in ((Channel.IN_APP, DeliveryStatus.DELIVERED), (Channel.EMAIL, DeliveryStatus.PENDING))
    }


def test_an_announcement_that_comes_again_changes_nothing(post: Post) -> None:
    about = post.about(Kind.EXPIRED)
    post.announce(about)
    post.deliver()
    before = post.log(None)
    post.announce(about, about)
    assert post.deliver() == 0
    assert post.log(None) == before
    assert len(post.sent()) == 2


def test_without_a_mail_server_there_is_the_inbox_alone(post: Post) -> None:
    post.announce(post.about(Kind.CONFIRMED, by=Side.DOCTOR, sequence="0"), email=False)
    assert [(one.reader, one.channel) for one in post.log(None)] == [(post.patient.id, Channel.IN_APP)]


def test_who_acted_gets_the_invitation_by_mail_and_nothing_in_the_inbox(post: Post) -> None:
    post.announce(post.about(Kind.CONFIRMED, by=Side.DOCTOR, sequence="0"))
    assert {(one.reader, one.channel) for one in post.log(None)} == {
        (post.patient.id, Channel.IN_APP),
        (post.patient.id, Channel.EMAIL),
        (post.doctor.id, Channel.EMAIL),
    }


def test_what_concerns_nobody_leaves_nothing(post: Post) -> None:
    post.announce(post.about(Kind.JOINED, by=Side.DOCTOR))
    assert post.log(None) == []


# E-mails.


def test_emails_leave_in_the_readers_language_under_the_notices_id(post: Post) -> None:
    english = attrs.evolve(post.patient, language=Language.ENGLISH, rev=2)
    post.clinic.stores.accounts.update(post.patient, english)
    post.announce(post.about(Kind.REFUSED, by=Side.DOCTOR))
    assert post.deliver() == 1
    (mail,) = post.server.mails
    assert (mail.to, mail.language, mail.subject) == (
        post.patient.email.address,
        "en",
        "Health&Med - Appointment request refused",
    )
    assert mail.body.startswith(f"Hello, {post.patient.name}! Dr. {post.doctor.name} is not available")
    assert (mail.id, mail.calendar, mail.method) == (post.only().id, None, None)
    assert (post.only().status, post.only().attempts, post.only().due_at) == (DeliveryStatus.DELIVERED, 1, None)


def test_the_calendar_goes_with_what_calendars_are_to_know(post: Post) -> None:
    post.announce(
        post.about(Kind.CONFIRMED, 2, by=Side.DOCTOR, sequence="0"),
        post.about(Kind.AGREED, 4, by=Side.PATIENT, sequence="1"),
        post.about(Kind.CANCELLED, 5, by=Side.PATIENT, sequence="2", late="false"),
    )
    assert post.deliver() == 6
    assert {mail.calendar for mail in post.server.mails} == {b"a calendar"}
    for reader in (post.doctor, post.patient):
        entries = [
            (method, entry.status, entry.sequence, entry.uid, entry.url)
            for entry, method in post.calendars.written
            if entry.attendee == reader.email.address
        ]
        url = f"{URL}/appointments/appointment-1/visit"
        assert entries == [
            (CalendarMethod.REQUEST, CalendarStatus.CONFIRMED, 0, "appointment-1@telemed", url),
            (CalendarMethod.REQUEST, CalendarStatus.CONFIRMED, 1, "appointment-1@telemed", url),
            (CalendarMethod.CANCEL, CalendarStatus.CANCELLED, 2, "appointment-1@telemed", None),
        ]
    assert [mail.method for mail in post.server.mails if mail.to == post.patient.email.address] == [
        CalendarMethod.REQUEST,
        CalendarMethod.REQUEST,
        CalendarMethod.CANCEL,
    ]


def test_emails_about_one_appointment_leave_in_order(post: Post) -> None:
    post.announce(
        post.about(
            Kind.PROPOSED, 3, by=Side.PATIENT, proposed_start="2026-06-11T13:30:00Z", expires_at="2026-06-03T12:00:00Z"
        )
    )
    post.announce(post.about(Kind.DECLINED, 4, by=Side.PATIENT))
    post.announce(post.about(Kind.LAPSED, 5))
    post.server.refuses = lambda mail: UnavailableError() if "proposto" in mail.subject else None
    post.deliver()
    assert [to for to, _ in post.sent()] == []
    post.server.refuses = lambda _: None
    post.clock.advance(FIRST_WAIT)
    post.deliver()
    mine = [subject for to, subject in post.sent() if to == post.doctor.email.address]
    assert mine == [
        "Novo horário proposto",
        "Proposta de novo horário encerrada",
        "Proposta de novo horário sem efeito",
    ]


def test_a_server_that_is_down_is_not_asked_for_every_mail(post: Post) -> None:
    asked: list[Mail] = []
    post.server.refuses = lambda mail: asked.append(mail) or UnavailableError()  # type: ignore[func-returns-value]
    post.announce(*(post.about(Kind.EXPIRED, on=f"appointment-{number}") for number in range(5)))
    assert post.deliver() == 1
    assert len(asked) == 1


def test_only_so_many_are_tried_in_one_go(post: Post) -> None:
    post.announce(*(post.about(Kind.EXPIRED, on=f"appointment-{number}") for number in range(5)))
    assert [post.deliver(limit=6), post.deliver(limit=6), post.deliver(limit=6)] == [6, 4, 0]


def test_a_mail_that_could_not_leave_waits_longer_each_time_and_is_given_up_in_the_end(post: Post) -> None:
    post.server.refuses = down
    post.announce(post.about(Kind.REFUSED, by=Side.DOCTOR))
    waits: list[timedelta] = []
    while (notice := post.only()).status is DeliveryStatus.PENDING:
        assert notice.due_at is not None
        post.clock.set(max(notice.due_at, post.clock.now()))
        assert post.deliver() == 1
        assert post.only().last_error == "dependency_unavailable"
        due_at = post.only().due_at
        waits.extend([due_at - post.clock.now()] if due_at else [])
    assert (notice.status, notice.attempts, notice.due_at) == (DeliveryStatus.DEAD, MOST_ATTEMPTS, None)
    assert len(waits) == MOST_ATTEMPTS - 1
    for number, wait in enumerate(waits):
        whole = min(LONGEST_WAIT, FIRST_WAIT * 2**number)
        assert whole / 2 <= wait <= whole
    assert post.alarms == [post.only()]


def test_before_it_is_due_again_nothing_is_tried(post: Post) -> None:
    post.server.refuses = down
    post.announce(post.about(Kind.REFUSED, by=Side.DOCTOR))
    post.deliver()
    post.server.refuses = lambda _: None
    assert post.deliver() == 0
    post.clock.advance(FIRST_WAIT)
    assert post.deliver() == 1
    assert (post.only().status, post.only().attempts, post.only().last_error) == (DeliveryStatus.DELIVERED, 2, None)


def test_pauses_are_the_same_in_every_run_and_differ_between_notices() -> None:
    pauses = {pause(NoticeId(f"notice-{number}"), 3) for number in range(20)}
    assert len(pauses) == 20
    assert all(FIRST_WAIT * 2 <= one <= FIRST_WAIT * 4 for one in pauses)
    assert pause(NoticeId("notice-1"), 16) <= LONGEST_WAIT
    assert pause(NoticeId("notice-1"), 3) == timedelta(microseconds=70_452_810)


def test_a_mail_that_the_server_will_never_take_is_dead_at_once_and_holds_nothing_up(post: Post) -> None:
    post.server.refuses = lambda mail: UndeliverableError() if "expirado" in mail.subject else None
    post.announce(post.about(Kind.EXPIRED, 1), post.about(Kind.REMINDER, 2))
    assert post.deliver() == 4
    assert {subject for _, subject in post.sent()} == {"Lembrete de consulta"}
    dead = [one for one in post.log() if one.status is DeliveryStatus.DEAD]
    assert {(one.reader, one.last_error) for one in dead} == {
        (post.doctor.id, "undeliverable"),
        (post.patient.id, "undeliverable"),
    }
    assert {one.id for one in post.alarms} == {one.id for one in dead}


def test_a_notice_that_breaks_what_tells_it_is_set_aside_and_holds_nothing_up(post: Post) -> None:
    poison = post.about(Kind.CANCELLED, 1, by=Side.PATIENT)  # without the facts of its kind
    post.announce(poison, post.about(Kind.REMINDER, 2))
    assert post.deliver() == 4
    assert {subject for _, subject in post.sent()} == {"Lembrete de consulta"}
    dead = [one for one in post.log() if one.status is DeliveryStatus.DEAD]
    assert [one.last_error for one in dead] == ["broken:KeyError"] * 2
    assert len(post.alarms) == 2


def test_a_dead_notice_is_tried_anew_when_an_administrator_says_so(post: Post) -> None:
    post.server.refuses = lambda _: UndeliverableError()
    post.announce(post.about(Kind.REFUSED, by=Side.DOCTOR))
    post.deliver()
    post.server.refuses = lambda _: None
    assert post.deliver() == 0
    replay = ReplayNotice(post.clinic.stores.notices)
    again = replay(notice_id=post.only().id, actor=ADMINISTRATOR)
    assert (again.status, again.attempts) == (DeliveryStatus.PENDING, 0)
    assert post.deliver() == 1
    assert len(post.sent()) == 1
    with pytest.raises(InvalidTransitionError):
        replay(notice_id=again.id, actor=ADMINISTRATOR)


def test_a_replay_that_another_was_quicker_with_is_none(post: Post) -> None:
    post.server.refuses = lambda _: UndeliverableError()
    post.announce(post.about(Kind.REFUSED, by=Side.DOCTOR))
    post.deliver()
    dead = post.only()

    @attrs.frozen
    class Late:
        """Answers what has been replayed meanwhile."""

        def get(self, _: NoticeId, /) -> Notice:
            return dead

        def settle(self, before: Notice, after: Notice, /) -> bool:
            return post.clinic.stores.notices.settle(before, after)

    ReplayNotice(post.clinic.stores.notices)(notice_id=dead.id, actor=ADMINISTRATOR)
    with pytest.raises(InvalidTransitionError):
        ReplayNotice(Late())(notice_id=dead.id, actor=ADMINISTRATOR)


def test_a_reader_who_has_left_is_sent_nothing(post: Post) -> None:
    post.announce(post.about(Kind.REFUSED, by=Side.DOCTOR))
    post.clinic.close_account(patient=post.patient)
    assert post.deliver() == 1
    assert (post.sent(), post.only().status, post.only().due_at) == ([], DeliveryStatus.DROPPED, None)
    assert post.alarms == []


def test_a_reader_who_does_not_exist_is_sent_nothing(post: Post) -> None:
    about = post.about(Kind.EXPIRED)
    post.clinic.stores.notices.add([Notice.of(about, reader=AccountId("nobody"), channel=Channel.EMAIL)])
    assert post.deliver() == 1
    assert (post.sent(), post.only().status) == ([], DeliveryStatus.DROPPED)


def test_a_store_that_does_not_answer_is_waited_for(post: Post) -> None:
    class Silent:
        def get(self, _: AccountId, /) -> Doctor:
            raise UnavailableError

    post.announce(post.about(Kind.REFUSED, by=Side.DOCTOR))
    deliver = DeliverNotices(
        post.clinic.stores.notices, Silent(), post.clinic.identity, post.server, post.calendars, post.clock, URL
    )
    assert deliver() == 1
    assert (post.only().status, post.only().last_error) == (DeliveryStatus.PENDING, "dependency_unavailable")


def test_a_process_that_died_in_an_attempt_is_taken_over_from_after_a_while(post: Post) -> None:
    post.announce(post.about(Kind.REFUSED, by=Side.DOCTOR))
    now = post.clock.now()
    assert len(post.clinic.stores.notices.take(now=now, again_at=now + UNSETTLED, limit=1)) == 1
    assert post.deliver() == 0
    post.clock.advance(UNSETTLED)
    assert post.deliver() == 1
    assert (post.only().status, post.only().attempts) == (DeliveryStatus.DELIVERED, 2)


def test_an_attempt_that_ends_after_another_has_begun_writes_nothing(post: Post) -> None:
    def slow(_: Mail) -> Exception:
        post.clock.advance(UNSETTLED)
        taken(post.clock.now())
        return UndeliverableError()

    def taken(now: datetime) -> None:
        post.clinic.stores.notices.take(now=now, again_at=now + UNSETTLED, limit=1)

    post.server.refuses = slow
    post.announce(post.about(Kind.REFUSED, by=Side.DOCTOR))
    post.deliver(limit=1)
    assert (post.only().status, post.only().attempts) == (DeliveryStatus.PENDING, 2)
    assert post.alarms == []


def test_attempts_that_never_end_are_given_up_before_the_next(post: Post) -> None:
    post.announce(post.about(Kind.REFUSED, by=Side.DOCTOR))
    for _ in range(MOST_ATTEMPTS):
        now = post.clock.now()
        post.clinic.stores.notices.take(now=now, again_at=now + UNSETTLED, limit=1)
        post.clock.advance(UNSETTLED)
    assert post.deliver() == 1
    assert (post.sent(), post.only().status, post.only().last_error) == ([], DeliveryStatus.DEAD, "abandoned")


# A new password.


def about_password(post: Post) -> Notice:
    about = attrs.evolve(
        post.about(Kind.PASSWORD_RESET), subject=post.patient.id, doctor_id=None, patient_id=None, start=None, end=None
    )
    return Notice.of(about, reader=post.patient.id, channel=Channel.EMAIL)


def test_the_mail_about_a_new_password_leads_to_where_it_is_set(post: Post) -> None:
    post.clinic.identity.create(post.patient.id, a_password("the old password of it"), role=Role.PATIENT)
    post.clinic.stores.notices.add([about_password(post)])
    assert post.deliver() == 1
    (mail,) = post.server.mails
    link, _, token = mail.body.rpartition(": ")[2].strip().partition("#token=")
    assert link == f"{URL}/reset"
    post.clinic.identity.reset(token, a_password("another good password"), now=post.clock.now())
    assert post.clinic.identity.check(post.patient.id, a_password("another good password"))
    assert token not in repr(mail)
    assert token not in mail.subject


def test_without_a_password_there_is_none_to_set_anew(post: Post) -> None:
    post.clinic.stores.notices.add([about_password(post)])
    assert post.deliver() == 1
    assert (post.sent(), post.only().status) == ([], DeliveryStatus.DROPPED)


# The inbox and the delivery log.


def test_the_inbox_is_told_newest_first_with_one_read_of_names(post: Post) -> None:
    reads: list[frozenset[AccountId]] = []

    class Counted:
        def names(self, people: Sequence[AccountId], /) -> object:
            reads.append(frozenset(people))
            return post.clinic.stores.accounts.names(people)

    post.announce(*(post.about(Kind.REFUSED, number, by=Side.DOCTOR) for number in range(1, 6)))
    notices = ListNotices(post.clinic.stores.notices, Counted())
    first = notices(reader=post.patient, limit=3)
    assert [one.notice.seq for one in first] == [5, 4, 3]
    assert reads == [{post.doctor.id, post.patient.id}]
    assert (first[0].title, first[0].body.partition(":")[0]) == (
        "Pedido de consulta recusado",
        f"Dr(a). {post.doctor.name} não pode atender no horário pedido",
    )
    last = first[-1].notice
    assert [one.notice.seq for one in notices(reader=post.patient, after=(last.at, last.seq, last.id))] == [2, 1]
    assert post.doctor.name not in repr(first)


def test_an_empty_inbox_reads_no_names(post: Post) -> None:
    assert ListNotices(post.clinic.stores.notices, None)(reader=post.doctor) == []


def test_one_notice_that_cannot_be_told_does_not_hide_the_others(post: Post) -> None:
    post.announce(post.about(Kind.CANCELLED, 1, by=Side.PATIENT), post.about(Kind.REMINDER, 2))
    inbox = ListNotices(post.clinic.stores.notices, post.clinic.stores.accounts)(reader=post.doctor)
    assert [one.title for one in inbox] == ["Lembrete de consulta", "Novidade"]


def test_a_notice_is_read_by_its_reader_alone(post: Post) -> None:
    post.announce(post.about(Kind.REFUSED, by=Side.DOCTOR))
    (inside,) = post.log(Channel.IN_APP)
    read = ReadNotice(post.clinic.stores.notices, post.clock)
    with pytest.raises(NotFoundError):
        read(notice_id=inside.id, reader=post.doctor)
    read(notice_id=inside.id, reader=post.patient)
    assert post.log(Channel.IN_APP)[0].read_at == MONDAY


def test_administrators_alone_see_the_delivery_log_and_replay(post: Post) -> None:
    post.announce(post.about(Kind.REFUSED, 1, by=Side.DOCTOR), post.about(Kind.COMPLETED, 2, on="appointment-2"))
    listed = ListDeliveries(post.clinic.stores.notices)
    assert [one.seq for one in listed(viewer=ADMINISTRATOR, channel=Channel.EMAIL)] == [2, 1]
    assert len(listed(viewer=ADMINISTRATOR, statuses={DeliveryStatus.PENDING}, limit=1)) == 1
    assert {
        one.appointment_id for one in listed(viewer=ADMINISTRATOR, appointment_id=AppointmentId("appointment-2"))
    } == {"appointment-2"}
    newest = listed(viewer=ADMINISTRATOR, channel=Channel.EMAIL)[0]
    after = (newest.at, newest.seq, newest.id)
    assert [one.seq for one in listed(viewer=ADMINISTRATOR, channel=Channel.EMAIL, after=after)] == [1]
    for other in (post.doctor, post.patient):
        with pytest.raises(ForbiddenError):
            listed(viewer=other)
        with pytest.raises(ForbiddenError):
            ReplayNotice(post.clinic.stores.notices)(notice_id=newest.id, actor=other)
    with pytest.raises(NotFoundError):
        ReplayNotice(post.clinic.stores.notices)(notice_id=NoticeId("unknown"), actor=ADMINISTRATOR)
