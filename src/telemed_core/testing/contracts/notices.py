"""The contract of ``Notices``."""

from datetime import timedelta
from typing import Any

import attrs
import pytest

from telemed_core.domain.ids import AccountId, AppointmentId, Id
from telemed_core.domain.instants import EPOCH
from telemed_core.domain.notices import Channel, DeliveryStatus, Notice, NoticeId
from telemed_core.errors import NotFoundError
from telemed_core.ports.storage import Stores
from telemed_core.testing.builders import MONDAY, a_notice
from telemed_core.testing.contracts.races import ROUNDS, at_once
from telemed_core.testing.contracts.suite import Suite

INSTANT = timedelta(microseconds=1)
LEASE = timedelta(minutes=5)
AGAIN = MONDAY + LEASE
READER = AccountId("patient-1")


def an_email(number: int = 1, **facts: Any) -> Notice:
    """Notice number ``number``, to be sent by e-mail; each about an appointment of its own, if nothing else is said."""
    return a_notice(number, channel=Channel.EMAIL, **{"subject": f"appointment-{number}", **facts})


def kept(stores: Stores, *notices: Notice) -> tuple[Notice, ...]:
    """These notices, all of them new."""
    assert stores.notices.add(notices) == len(notices)
    return notices


def taken(stores: Stores, *, now: Any = MONDAY, again_at: Any = AGAIN, limit: int = 9) -> list[str]:
    """The numbers of the e-mails that are taken now."""
    found = stores.notices.take(now=now, again_at=again_at, limit=limit)
    return [one.id.removeprefix("notice-") for one in found]


def settled(stores: Stores, notice_id: NoticeId, status: DeliveryStatus, due_at: Any = None) -> Notice:
    """The notice, as it is left by that outcome."""
    before = stores.notices.get(notice_id)
    after = attrs.evolve(before, status=status, due_at=due_at)
    assert stores.notices.settle(before, after)
    return after


class NoticesContract(Suite):
    """Inbox and delivery log."""

    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"appointment_id": None, "status": DeliveryStatus.DEAD, "due_at": None, "last_error": "unavailable"},
            {"attempts": 3, "due_at": MONDAY + INSTANT, "read_at": MONDAY - INSTANT},
        ],
        ids=["new", "dead", "read"],
    )
    def test_every_field_of_a_notice_comes_back(self, stores: Stores, changes: dict[str, Any]) -> None:
        (notice,) = kept(stores, attrs.evolve(an_email(), **changes))
        assert attrs.asdict(stores.notices.get(notice.id)) == attrs.asdict(notice)

    def test_an_announcement_that_concerns_nobody_of_a_visit_comes_back(self, stores: Stores) -> None:
        notice = an_email()
        none: dict[str, Any] = {"doctor_id": None, "patient_id": None, "start": None, "end": None, "facts": {}}
        (notice,) = kept(stores, attrs.evolve(notice, about=attrs.evolve(notice.about, **none)))
        assert stores.notices.get(notice.id) == notice

    def test_an_unknown_notice_is_not_found(self, stores: Stores) -> None:
        with pytest.raises(NotFoundError):
            stores.notices.get(NoticeId("unknown"))

    def test_a_notice_is_kept_once_per_event_reader_and_channel(self, stores: Stores) -> None:
        (first,) = kept(stores, a_notice(1, event="one"))
        again = [attrs.evolve(first, id=NoticeId(one), seq=9, read_at=MONDAY) for one in (first.id, "another")]
        others = [
            a_notice(2, event="two"),
            a_notice(3, event="one", reader="doctor-1"),
            a_notice(4, event="one", channel=Channel.EMAIL),
        ]
        assert stores.notices.add([*again, *others]) == 3
        assert stores.notices.get(first.id) == first
        assert stores.notices.add([first, *others]) == 0
        assert stores.notices.add([]) == 0
        assert [stores.notices.get(one.id) for one in (first, *others)] == [first, *others]
        assert len(stores.notices.log(limit=9)) == 4

    def test_the_same_notice_twice_at_once_is_one(self, stores: Stores) -> None:
        assert stores.notices.add([a_notice(1), a_notice(1)]) == 1
        for number in range(2, 2 + ROUNDS):
            two = [a_notice(number), an_email(number, event=f"event-{number}")]
            two[1] = attrs.evolve(two[1], id=NoticeId(f"mail-{number}"))
            answers = at_once([lambda: stores.notices.add(two)] * 6)  # noqa: B023 # run before the loop goes on
            assert sorted(answers) == [0, 0, 0, 0, 0, 2]
        assert len(stores.notices.log(limit=99)) == 1 + 2 * ROUNDS

    def test_the_inbox_is_the_readers_own_newest_first_in_pages(self, stores: Stores) -> None:
        at = (MONDAY, MONDAY + INSTANT, MONDAY, MONDAY, MONDAY - timedelta(days=400))
        seqs = (2, 1, 1, 2, 9)
        kept(
            stores,
            *(a_notice(number, at=at[number], seq=seqs[number]) for number in range(5)),
            a_notice(5, reader="patient-2"),
            an_email(6),
        )
        inbox = stores.notices.inbox(READER, limit=9)
        assert [one.id for one in inbox] == ["notice-1", "notice-3", "notice-0", "notice-2", "notice-4"]
        for place, one in enumerate(inbox, 1):
            page = stores.notices.inbox(READER, after=(one.at, one.seq, one.id), limit=2)
            assert list(page) == list(inbox[place : place + 2])
        assert list(stores.notices.inbox(AccountId("nobody"), limit=9)) == []

    def test_a_notice_is_read_once_and_by_its_reader(self, stores: Stores) -> None:
        notice, mail = kept(stores, a_notice(1), an_email(2))
        for notice_id, reader in (
            (notice.id, AccountId("patient-2")),
            (mail.id, READER),
            (NoticeId("unknown"), READER),
        ):
            with pytest.raises(NotFoundError):
                stores.notices.read(notice_id, reader=reader, now=MONDAY)
        assert [stores.notices.get(one.id) for one in (notice, mail)] == [notice, mail]
        for later in (timedelta(0), timedelta(hours=1)):
            stores.notices.read(notice.id, reader=READER, now=MONDAY + INSTANT + later)
            assert stores.notices.get(notice.id) == attrs.evolve(notice, read_at=MONDAY + INSTANT)
        assert list(stores.notices.inbox(READER, limit=9)) == [attrs.evolve(notice, read_at=MONDAY + INSTANT)]

    def test_pending_emails_are_taken_oldest_first(self, stores: Stores) -> None:
        ages = (2, 1, 3)
        kept(stores, *(an_email(number, at=MONDAY - age * INSTANT) for number, age in enumerate(ages)), a_notice(9))
        for number, status in enumerate((DeliveryStatus.DELIVERED, DeliveryStatus.DEAD, DeliveryStatus.DROPPED), 3):
            kept(stores, an_email(number, status=status))
        assert taken(stores, limit=2) == ["2", "0"]
        assert taken(stores, limit=2) == ["1"]
        assert taken(stores) == []

    def test_a_taken_email_has_one_attempt_more_and_is_due_again_later(self, stores: Stores) -> None:
        (mail,) = kept(stores, an_email())
        for attempts in (1, 2):
            now, again_at = MONDAY + (attempts - 1) * LEASE, MONDAY + attempts * LEASE
            (one,) = stores.notices.take(now=now, again_at=again_at, limit=9)
            assert one == attrs.evolve(mail, attempts=attempts, due_at=again_at)
            assert stores.notices.get(mail.id) == one
            assert taken(stores, now=again_at - INSTANT) == []

    def test_of_one_reader_and_subject_the_first_goes_before_the_others(self, stores: Stores) -> None:
        kept(
            stores,
            an_email(1, subject="one", seq=2, at=MONDAY - INSTANT),
            an_email(2, subject="one", seq=1),
            an_email(3, subject="one", seq=3),
            an_email(4, subject="two", seq=4),
            an_email(5, subject="one", seq=5, reader="doctor-1"),
        )
        assert sorted(taken(stores)) == ["2", "4", "5"]
        settled(stores, NoticeId("notice-2"), DeliveryStatus.PENDING, due_at=AGAIN)
        assert taken(stores) == []
        assert taken(stores, now=AGAIN - INSTANT) == []
        settled(stores, NoticeId("notice-2"), DeliveryStatus.DELIVERED)
        assert taken(stores) == ["1"]
        settled(stores, NoticeId("notice-1"), DeliveryStatus.DEAD)
        assert taken(stores) == ["3"]

    def test_of_many_that_take_at_once_each_email_is_taken_by_one(self, stores: Stores) -> None:
        for number in range(ROUNDS):
            mails = kept(stores, *(an_email(12 * number + one) for one in range(12)))
            answers = at_once([lambda: taken(stores, limit=4) for _ in range(6)])
            rest = taken(stores, limit=99)
            found = sorted(int(one) for answer in [*answers, rest] for one in answer)
            assert found == [12 * number + one for one in range(12)]
            assert {stores.notices.get(one.id).attempts for one in mails} == {1}
            for one in mails:
                settled(stores, one.id, DeliveryStatus.DELIVERED)

    def test_of_one_subject_one_email_is_taken_however_many_take_at_once(self, stores: Stores) -> None:
        for number in range(ROUNDS):
            kept(stores, *(an_email(4 * number + seq, subject=f"subject-{number}", seq=seq) for seq in range(4)))
            answers = at_once([lambda: taken(stores, limit=2)] * 6)
            assert sorted(answers) == [[], [], [], [], [], [f"{4 * number}"]]

    def test_a_delivery_is_settled_where_it_is_as_it_was(self, stores: Stores) -> None:
        kept(stores, an_email(1), an_email(2))
        (before, _) = stores.notices.take(now=MONDAY, again_at=AGAIN, limit=9)
        for status, changes in (
            (DeliveryStatus.PENDING, {"due_at": AGAIN + INSTANT, "last_error": "unavailable"}),
            (DeliveryStatus.DEAD, {"due_at": None, "last_error": "undeliverable"}),
            (DeliveryStatus.PENDING, {"due_at": EPOCH, "attempts": 0}),
            (DeliveryStatus.DELIVERED, {"due_at": None, "last_error": None}),
        ):
            after = attrs.evolve(before, status=status, **changes)
            assert stores.notices.settle(before, after)
            assert stores.notices.get(before.id) == after
            assert not stores.notices.settle(before, after)
            assert not stores.notices.settle(attrs.evolve(after, attempts=9), before)
            assert stores.notices.get(before.id) == after
            before = after
        assert not stores.notices.settle(attrs.evolve(before, id=NoticeId("unknown")), before)
        assert stores.notices.get(NoticeId("notice-2")).status is DeliveryStatus.PENDING

    def test_who_took_it_again_later_settles_it_and_the_first_does_not(self, stores: Stores) -> None:
        kept(stores, an_email())
        (late,) = stores.notices.take(now=MONDAY, again_at=AGAIN, limit=9)
        (present,) = stores.notices.take(now=AGAIN, again_at=AGAIN + timedelta(minutes=5), limit=9)
        assert not stores.notices.settle(late, attrs.evolve(late, status=DeliveryStatus.DEAD, due_at=None))
        assert stores.notices.settle(present, attrs.evolve(present, status=DeliveryStatus.DELIVERED, due_at=None))

    def test_the_log_is_everybodys_newest_first_in_pages(self, stores: Stores) -> None:
        kept(
            stores,
            a_notice(0),
            a_notice(1, at=MONDAY + INSTANT, reader="doctor-1"),
            an_email(2, seq=2),
            an_email(3, at=MONDAY - INSTANT, seq=9),
        )
        log = stores.notices.log(limit=9)
        assert [one.id[-1] for one in log] == ["1", "2", "0", "3"]
        for place, one in enumerate(log, 1):
            page = stores.notices.log(after=(one.at, one.seq, one.id), limit=2)
            assert list(page) == list(log[place : place + 2])

    def test_each_filter_of_the_log_leaves_out_the_others(self, stores: Stores) -> None:
        kept(
            stores,
            a_notice(0),
            an_email(1, subject="appointment-1"),
            an_email(2, subject="appointment-2", status=DeliveryStatus.DEAD),
            an_email(3, subject="appointment-1", status=DeliveryStatus.DROPPED),
            attrs.evolve(an_email(4, subject="doctor-1"), appointment_id=None),
        )

        def numbers(**filters: Any) -> list[str]:
            return [one.id[-1] for one in stores.notices.log(**filters, limit=9)]

        assert numbers(channel=Channel.IN_APP) == ["0"]
        assert numbers(statuses=[DeliveryStatus.DEAD]) == ["2"]
        assert numbers(statuses={DeliveryStatus.DEAD, DeliveryStatus.PENDING}) == ["4", "2", "1"]
        assert numbers(appointment_id=AppointmentId("appointment-1")) == ["3", "1", "0"]
        both = {"appointment_id": AppointmentId("appointment-1"), "channel": Channel.EMAIL}
        assert numbers(**both, statuses=[DeliveryStatus.DROPPED]) == ["3"]
        assert numbers(appointment_id=AppointmentId("doctor-1")) == []
        assert Id("doctor-1") == stores.notices.get(NoticeId("notice-4")).subject
