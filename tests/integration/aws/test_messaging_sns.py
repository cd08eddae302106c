"""Publishing to a FIFO topic: in order within a subject, whatever it takes of a batch and whatever answers are lost."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.aws.failures import AwsError, LostAnswerError
from adapters.aws.retrying import MOST_TRIES
from adapters.messaging.sns import open_sns
from integration.aws.messaging_fakes import NO_RIGHT, THROTTLED, TOPIC, Failed, FakeTopic, lost, seqs
from telemed_core.domain.notices import Kind
from telemed_core.errors import BusyError, InvalidError, UnavailableError
from telemed_core.messages.published import VERSION, published
from telemed_core.ports.notices import Publisher
from telemed_core.testing.contracts.publishing import an_announcement, first_of_each, mixed


def publisher_to(topic: FakeTopic) -> Publisher:
    return open_sns(topic, TOPIC, patience=topic.queue.time.patience())


def sent(topic: FakeTopic) -> list[list[str]]:
    """The subjects of each batch."""
    return [[entry["MessageGroupId"] for entry in batch] for batch in topic.batches]


def test_a_message_is_the_published_event_in_the_group_of_its_subject_with_what_filters_choose_by() -> None:
    topic = FakeTopic()
    announcement = an_announcement(3, kind=Kind.CANCELLED)
    publisher_to(topic).publish([announcement])
    ((entry,),) = topic.batches
    assert entry["Message"].encode() == published(announcement)
    assert entry["MessageGroupId"] == "visit-1"
    assert entry["MessageAttributes"] == {
        "kind": {"DataType": "String", "StringValue": "cancelled"},
        "version": {"DataType": "String", "StringValue": str(VERSION)},
    }


def test_the_same_event_is_known_again_and_another_is_not_however_long_ids_are() -> None:
    topic = FakeTopic()
    long = ["a" * 60 + ".1", "a" * 60 + ".2"]
    told = [attrs.evolve(an_announcement(1), id=type(an_announcement().id)(one)) for one in (*long, long[0])]
    publisher_to(topic).publish(told)
    first, other, again = [entry["MessageDeduplicationId"] for batch in topic.batches for entry in batch]
    assert first == again != other
    assert len(first) <= 128
    assert first.isalnum()


def test_a_batch_has_ten_at_most_and_of_one_subject_one() -> None:
    topic = FakeTopic()
    publisher = publisher_to(topic)
    publisher.publish(mixed(25, *(f"visit-{n}" for n in range(1, 26))))
    assert [len(batch) for batch in topic.batches] == [10, 10, 5]
    topic.batches.clear()
    publisher.publish(
        [*mixed(2, "visit-31"), *mixed(2, "visit-32", "visit-31")[:1], an_announcement(subject="visit-33")]
    )
    assert sent(topic) == [["visit-31"], ["visit-31", "visit-32", "visit-33"]]


def test_twenty_five_over_three_subjects_arrive_in_order_of_each() -> None:
    topic = FakeTopic()
    publisher_to(topic).publish(mixed(25, "visit-1", "visit-2", "visit-3"))
    assert [seqs(topic.queue, f"visit-{n}") for n in (1, 2, 3)] == [[*range(1, 10)], [*range(1, 9)], [*range(1, 9)]]
    assert len(topic.batches) == 9


def test_nothing_published_is_nothing_sent() -> None:
    topic = FakeTopic()
    publisher_to(topic).publish([])
    assert topic.batches == []


@pytest.mark.parametrize("silent", [False, True])
def test_of_a_batch_only_what_was_not_taken_is_sent_again_and_before_anything_else(*, silent: bool) -> None:
    topic = FakeTopic(fails=lambda number, _: THROTTLED if number in {2, 4} else None, silent=silent)
    publisher_to(topic).publish(mixed(6, "visit-1", "visit-2", "visit-3"))
    assert sent(topic) == [
        ["visit-1", "visit-2", "visit-3"],
        ["visit-2"],
        ["visit-2"],
        ["visit-1", "visit-2", "visit-3"],
    ]
    assert [seqs(topic.queue, f"visit-{n}") for n in (1, 2, 3)] == [[1, 2]] * 3


def test_a_part_that_is_refused_to_the_end_is_told_and_nothing_behind_it_is_sent() -> None:
    topic = FakeTopic(fails=lambda _, entry: THROTTLED if entry["MessageGroupId"] == "visit-2" else None)
    publisher = publisher_to(topic)
    with pytest.raises(UnavailableError) as told:
        publisher.publish(mixed(4, "visit-1", "visit-2"))
    assert not isinstance(told.value, BusyError)
    assert str(told.value.__cause__) == "sns PublishBatch: ThrottledException"
    assert len(topic.batches) <= MOST_TRIES
    assert (seqs(topic.queue, "visit-1"), seqs(topic.queue, "visit-2")) == ([1], [])
    topic.fails = lambda _number, _entry: None
    publisher.publish(mixed(4, "visit-1", "visit-2"))
    assert (seqs(topic.queue, "visit-1"), seqs(topic.queue, "visit-2")) == ([1, 2], [1, 2])


def test_a_part_that_is_refused_for_good_is_an_outage_at_once() -> None:
    topic = FakeTopic(fails=lambda number, _: NO_RIGHT if number == 1 else THROTTLED)
    with pytest.raises(UnavailableError) as told:
        publisher_to(topic).publish(mixed(2, "visit-1", "visit-2"))
    assert type(told.value) is UnavailableError
    assert str(told.value.__cause__) == "sns PublishBatch: KMSAccessDenied"
    assert len(topic.batches) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_is_asked_for_again_and_each_event_arrives_once(when: str) -> None:
    topic = FakeTopic(breaks=lost(when, 1, 3))
    publisher_to(topic).publish(mixed(4, "visit-1", "visit-2"))
    assert sent(topic) == [["visit-1", "visit-2"]] * 4
    assert [seqs(topic.queue, f"visit-{n}") for n in (1, 2)] == [[1, 2]] * 2


def test_throttling_to_the_end_does_not_say_that_nothing_was_done() -> None:
    def breaks(number: int, _: str) -> None:
        if number > 1:
            raise BusyError

    topic = FakeTopic(breaks=breaks)
    with pytest.raises(UnavailableError) as told:
        publisher_to(topic).publish(mixed(2, "visit-1"))
    assert not isinstance(told.value, BusyError)
    assert seqs(topic.queue, "visit-1") == [1]


def test_what_cannot_be_published_is_found_before_anything_is_sent() -> None:
    topic = FakeTopic()
    with pytest.raises(InvalidError):
        publisher_to(topic).publish([an_announcement(1), attrs.evolve(an_announcement(2), kind=Kind.PASSWORD_RESET)])
    assert topic.batches == []


def test_a_request_that_sns_does_not_take_is_a_bug() -> None:
    def breaks(_: int, __: str) -> None:
        raise AwsError("sns", "PublishBatch", "InvalidParameter", 400)

    with pytest.raises(AwsError):
        publisher_to(FakeTopic(breaks=breaks)).publish([an_announcement()])


@attrs.define
class Weather:
    """What goes wrong, drawn from a list and then over."""

    drawn: Iterator[str]

    def fails(self, _: int, __: Mapping[str, Any]) -> Failed | None:
        return {"throttled": THROTTLED, "refused": NO_RIGHT}.get(next(self.drawn, "well"))

    def breaks(self, _: int, when: str) -> None:
        if next(self.drawn, "well") == "lost":
            raise LostAnswerError from AwsError("sns", "PublishBatch", when)


@given(
    subjects=st.lists(st.sampled_from("abc"), max_size=14),
    drawn=st.lists(st.sampled_from(["well", "well", "throttled", "refused", "lost"]), max_size=80),
    waits=st.lists(st.sampled_from([0.0, 400.0]), min_size=100, max_size=100),
)
def test_whatever_goes_wrong_publishing_all_again_ends_in_order(
    subjects: list[str], drawn: list[str], waits: list[float]
) -> None:
    counts: dict[str, int] = {}
    told = []
    for subject in subjects:
        counts[subject] = counts.get(subject, 0) + 1
        told.append(an_announcement(counts[subject], subject=subject))
    weather = Weather(iter(drawn))
    topic = FakeTopic(fails=weather.fails, breaks=weather.breaks)
    publisher = publisher_to(topic)
    for wait in waits:
        try:
            publisher.publish(told)
            break
        except UnavailableError:
            # After more than five minutes what was taken comes again.
            topic.queue.time.sleep(wait)
    by_seq = {(one.subject, one.seq): one for one in told}
    came = [by_seq[json.loads(one.body)["subject"], json.loads(one.body)["seq"]] for one in topic.queue.messages]
    assert first_of_each(came) == first_of_each(told)
