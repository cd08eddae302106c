"""Emptying a FIFO queue: in order, deleted when done, later again when not, dead at last; and with answers lost."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.aws.calling import READ_TIMEOUT, Call
from adapters.aws.failures import LostAnswerError
from adapters.messaging.records import Fate
from adapters.messaging.sqs import LONGEST_PAUSE, SqsConsumer, open_sqs, pause
from adapters.messaging.topics import LONG_POLL, MOST_RECEIPTS
from integration.aws.messaging_fakes import QUEUE, THROTTLED, FakeQueue
from integration.aws.test_messaging_records import Reader
from telemed_core.domain.notices import Announcement
from telemed_core.errors import UnavailableError
from telemed_core.messages.published import published
from telemed_core.testing.contracts.publishing import an_announcement, first_of_each, mixed

DOWN = UnavailableError()


def filled(*about: Announcement) -> FakeQueue:
    queue = FakeQueue()
    for one in about:
        queue.put(one.subject, published(one).decode())
    return queue


def consumer_of(queue: FakeQueue, reader: Any, call: Call | None = None) -> SqsConsumer:
    return open_sqs(
        call or queue, QUEUE, reader, told=getattr(reader, "tell", lambda *_: None), patience=queue.time.patience()
    )


def operations(queue: FakeQueue) -> list[str]:
    return [operation for operation, _ in queue.asked]


@attrs.define
class Losing:
    """Loses the answers of these calls, each operation's counted from 1, before or after they are carried out."""

    queue: FakeQueue
    lost: set[tuple[str, int]]
    after: bool
    sent: dict[str, int] = attrs.field(factory=dict)

    def __call__(self, operation: str, request: Mapping[str, Any], /) -> Mapping[str, Any]:
        self.sent[operation] = number = self.sent.get(operation, 0) + 1
        if (operation, number) not in self.lost:
            return self.queue(operation, request)
        if self.after:
            self.queue(operation, request)
        raise LostAnswerError


def test_what_is_in_the_queue_is_handed_on_in_order_and_deleted() -> None:
    told = mixed(7, "visit-1", "visit-2")
    queue, reader = filled(*told), Reader()
    consumer = consumer_of(queue, reader)
    assert consumer() == 7
    assert (reader.came, queue.messages) == (told, [])
    assert operations(queue) == ["ReceiveMessage", "DeleteMessageBatch"]
    assert consumer(wait=0) == 0
    assert [request["WaitTimeSeconds"] for operation, request in queue.asked if operation == "ReceiveMessage"] == [2, 0]


def test_ten_are_taken_at_a_time() -> None:
    told = mixed(25, "visit-1", "visit-2", "visit-3")
    queue, reader = filled(*told), Reader()
    consumer = consumer_of(queue, reader)
    assert [consumer() for _ in range(4)] == [10, 10, 5, 0]
    assert reader.came == told


def test_whoever_waits_for_a_message_gives_up_before_the_answer_is_given_up() -> None:
    assert LONG_POLL < READ_TIMEOUT


def test_what_fails_comes_again_with_all_of_its_group_and_nothing_of_it_before() -> None:
    told = mixed(9, "visit-1", "visit-2", "doctor-1")
    queue, reader = filled(*told), Reader({"visit-2.2": DOWN})
    consumer = consumer_of(queue, reader)
    assert consumer() == 7
    assert [one.group for one in queue.messages] == ["visit-2", "visit-2"]
    assert reader.told == [("message-5", DOWN)]
    assert consumer() == 0
    queue.time.sleep(2)
    reader.breaks.clear()
    assert consumer() == 2
    assert first_of_each(reader.came) == first_of_each(told)
    assert queue.messages == []


def test_the_pauses_grow_and_an_outage_of_an_hour_is_outlasted() -> None:
    pauses = [pause(Fate.FAILED, receipts) for receipts in range(1, MOST_RECEIPTS)]
    assert pauses[:4] == [2, 4, 8, 16]
    assert pauses == sorted(pauses)
    assert max(pauses) == LONGEST_PAUSE
    assert sum(pauses) > 3600
    assert pause(Fate.FAILED, MOST_RECEIPTS) == 0
    assert pause(Fate.UNREADABLE, 1) == 0


@pytest.mark.parametrize("poison", ["nonsense", "broken"])
def test_poison_is_dead_at_last_and_what_is_behind_it_is_handed_on(poison: str) -> None:
    others = mixed(3, "visit-1")
    queue, reader = FakeQueue(), Reader({"visit-1.9": ValueError("a bug")})
    body = published(an_announcement(9)).decode() if poison == "broken" else poison
    queue.put("visit-1", body)
    for one in others:
        queue.put("visit-1", published(one).decode())
    consumer, rounds = consumer_of(queue, reader), 0
    while queue.messages and rounds < 3 * MOST_RECEIPTS:
        rounds += 1
        consumer()
        queue.time.sleep(LONGEST_PAUSE)
    assert reader.came == others
    assert [(one.body, one.receipts) for one in queue.dead] == [(body, MOST_RECEIPTS)]
    assert rounds == MOST_RECEIPTS + 1


def test_what_cannot_be_read_is_dead_without_a_pause() -> None:
    queue, reader = FakeQueue(), Reader()
    queue.put("visit-1", "nonsense")
    consumer = consumer_of(queue, reader)
    for _ in range(MOST_RECEIPTS + 1):
        consumer()
    assert (len(queue.dead), queue.messages, queue.time.now) == (1, [], 0.0)


def test_one_that_died_does_not_hold_up_what_comes_later() -> None:
    queue, reader = filled(an_announcement(1)), Reader({"visit-1.1": DOWN})
    consumer = consumer_of(queue, reader)
    for _ in range(MOST_RECEIPTS):
        consumer()
        queue.time.sleep(LONGEST_PAUSE)
    queue.put("visit-1", published(an_announcement(2)).decode())
    assert consumer() == 1
    assert (reader.came, len(queue.dead)) == ([an_announcement(2)], 1)


@pytest.mark.parametrize("after", [False, True])
def test_a_receipt_whose_answer_was_lost_is_asked_for_again_as_the_same_one(*, after: bool) -> None:
    queue, reader = filled(*mixed(2, "visit-1")), Reader()
    consumer = consumer_of(queue, reader, Losing(queue, {("ReceiveMessage", 1)}, after))
    consumer()
    attempts = [request["ReceiveRequestAttemptId"] for name, request in queue.asked if name == "ReceiveMessage"]
    assert len(set(attempts)) == 1
    consumer()
    assert queue.asked[-1][1]["ReceiveRequestAttemptId"] not in attempts


@pytest.mark.parametrize("after", [False, True])
def test_a_deletion_whose_answer_was_lost_is_asked_for_again(*, after: bool) -> None:
    told = mixed(4, "visit-1", "visit-2")
    queue, reader = filled(*told), Reader()
    assert consumer_of(queue, reader, Losing(queue, {("DeleteMessageBatch", 1)}, after))() == 4
    assert (queue.messages, reader.came) == ([], told)


def test_of_a_deletion_only_what_was_not_done_is_asked_for_again() -> None:
    told = mixed(4, "visit-1", "visit-2")
    queue, reader = filled(*told), Reader()
    refused: list[str] = []

    def fails(operation: str, message: Any) -> Mapping[str, Any] | None:
        if message.id == "message-2" and len(refused) < 2:
            refused.append(operation)
            return THROTTLED
        return None

    queue.fails = fails
    assert consumer_of(queue, reader)() == 4
    deletions = [len(request["Entries"]) for operation, request in queue.asked if operation == "DeleteMessageBatch"]
    assert (deletions, queue.messages) == ([4, 1, 1], [])


def test_what_cannot_be_deleted_is_told_and_comes_again() -> None:
    queue, reader = filled(an_announcement()), Reader()
    queue.fails = lambda _operation, _message: THROTTLED
    consumer = consumer_of(queue, reader)
    with pytest.raises(UnavailableError) as told:
        consumer()
    assert str(told.value.__cause__) == "sqs DeleteMessageBatch: ThrottledException"
    queue.fails = lambda _operation, _message: None
    queue.time.sleep(180)
    assert consumer() == 1
    assert (reader.came, queue.messages) == ([an_announcement()] * 2, [])


def test_what_another_has_received_meanwhile_is_left_to_it() -> None:
    queue = filled(an_announcement())
    first = Reader()
    second = consumer_of(queue, first)

    def slow(announcements: Sequence[Announcement]) -> None:
        queue.time.sleep(180)
        assert second() == 1
        first(announcements)

    assert consumer_of(queue, slow)() == 1
    assert first.came == [an_announcement()] * 2
    assert queue.messages == []


def test_where_it_cannot_be_said_when_something_comes_again_it_comes_when_the_queue_says() -> None:
    queue, reader = filled(an_announcement()), Reader({"visit-1.1": DOWN})
    losing = Losing(queue, {("ChangeMessageVisibilityBatch", 1)}, after=False)
    consumer = consumer_of(queue, reader, losing)
    assert consumer() == 0
    reader.breaks.clear()
    queue.time.sleep(179)
    assert consumer() == 0
    queue.time.sleep(1)
    assert consumer() == 1


def test_a_queue_that_is_not_there_is_an_outage() -> None:
    def gone(_: str, __: Mapping[str, Any], /) -> Mapping[str, Any]:
        raise UnavailableError

    with pytest.raises(UnavailableError):
        consumer_of(FakeQueue(), Reader(), gone)()


def test_neither_bodies_nor_receipts_are_in_what_is_printed() -> None:
    queue = filled(an_announcement())
    (message,) = consumer_of(queue, Reader())._received(0)
    assert "refused" not in repr(message)
    assert "receipt-1" not in repr(message)


@given(
    subjects=st.lists(st.sampled_from("abc"), max_size=16),
    # Fewer failures than it takes to be dead.
    drawn=st.lists(st.sampled_from(["well", "down", "undeleted", "slow"]), max_size=MOST_RECEIPTS - 2),
    consumers=st.lists(st.integers(0, 1), min_size=60, max_size=60),
)
def test_whatever_goes_wrong_every_subject_is_handed_on_whole_and_in_order_by_two_consumers(
    subjects: list[str], drawn: list[str], consumers: list[int]
) -> None:
    told = [an_announcement(subjects[:n].count(one) + 1, subject=one) for n, one in enumerate(subjects)]
    queue, weather = filled(*told), iter(drawn)
    came: list[Announcement] = []

    def notify(announcements: Sequence[Announcement]) -> None:
        now = next(weather, "well")
        if now == "down":
            raise UnavailableError
        if now == "slow":
            queue.time.sleep(200)
        came.extend(announcements)

    def fails(operation: str, _: Any) -> Mapping[str, Any] | None:
        return THROTTLED if operation == "DeleteMessageBatch" and next(weather, "well") == "undeleted" else None

    queue.fails = fails
    both = [consumer_of(queue, notify), consumer_of(queue, notify)]
    for number in consumers * 2:
        with suppress(UnavailableError):
            both[number]()
        queue.time.sleep(100)
    assert (queue.messages, queue.dead) == ([], [])
    assert first_of_each(came) == first_of_each(told)
