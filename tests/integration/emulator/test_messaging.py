"""Announcements over SNS and SQS on the emulator: the port's promises, repeats, faults, poison and several readers."""

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Lock
from typing import Any

import pytest

from adapters.aws.calling import open_call
from adapters.aws.retrying import MOST_TRIES
from adapters.messaging import Topics, handle_records, make_topics
from adapters.messaging.topics import MOST_RECEIPTS, VISIBILITY
from integration.emulator.faulty import Fault, Faulty
from integration.emulator.messaging import Travel, down, travelling
from integration.emulator.ministack import REGION, Ministack
from telemed_core.domain.notices import Announcement, Kind
from telemed_core.errors import UnavailableError
from telemed_core.messages.published import published
from telemed_core.ports.notices import Publisher
from telemed_core.testing.contracts import PublisherContract
from telemed_core.testing.contracts.publishing import Failing, HandedOn, an_announcement, first_of_each, mixed

_NUMBERS = count(1)
PUBLISH, RECEIVE, DELETE = "PublishBatch", "ReceiveMessage", "DeleteMessageBatch"


def opened(service: str, endpoint_url: str) -> Faulty:
    return Faulty(open_call(service, region=REGION, endpoint_url=endpoint_url, connections=8), service)


@pytest.fixture
def travel(endpoint_url: str) -> Travel:
    topics = Topics.named(f"m{next(_NUMBERS)}-")
    return travelling(opened("sns", endpoint_url), opened("sqs", endpoint_url), topics)


class TestSnsAndSqs(PublisherContract):
    @pytest.fixture
    def publisher(self, travel: Travel) -> Publisher:
        return travel.publisher

    @pytest.fixture
    def handed_on(self, travel: Travel) -> HandedOn:
        return travel.handed_on

    @pytest.fixture(params=["not reached", "taken in part"])
    def failing(self, travel: Travel, request: pytest.FixtureRequest) -> Failing:
        return travel.fail_after if request.param == "not reached" else travel.fail_partly_after


def test_twenty_five_over_three_subjects_arrive_once_in_order_in_nine_calls(travel: Travel) -> None:
    told = mixed(25, "visit-1", "visit-2", "doctor-1")
    travel.publisher.publish(told)
    assert travel.sns.sent == {PUBLISH: 9}
    assert travel.drain() == 25
    assert first_of_each(travel.came) == first_of_each(told)
    # Three batches, and nobody else to ask; each is received and deleted.
    assert travel.sqs.sent == {RECEIVE: 4, DELETE: 3}


def test_a_second_publication_within_five_minutes_is_dropped(travel: Travel) -> None:
    for _ in range(3):
        travel.publisher.publish(mixed(6, "visit-1", "visit-2"))
    assert travel.count() == 6


@pytest.mark.parametrize(
    "fault", [Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.BROKEN, Fault.DELIVERED_TWICE, Fault.THROTTLED]
)
@pytest.mark.parametrize("call", [1, 2, 3])
def test_whatever_is_lost_or_throttled_on_the_way_each_event_arrives_once(
    travel: Travel, fault: Fault, call: int
) -> None:
    travel.sns.plan(PUBLISH, fault, after=call - 1)
    told = mixed(6, "visit-1", "visit-2")
    travel.publisher.publish(told)
    assert travel.sns.happened == {fault: 1}
    assert [*travel.handed_on()] == told


@pytest.mark.parametrize("fault", [Fault.EXPIRED_CREDENTIALS, Fault.NO_CONNECTION])
def test_what_cannot_be_overcome_is_told_at_once(travel: Travel, fault: Fault) -> None:
    travel.sns.plan(PUBLISH, fault, after=1)
    with pytest.raises(UnavailableError):
        travel.publisher.publish(mixed(6, "visit-1", "visit-2"))
    assert travel.sns.sent == {PUBLISH: 2}
    assert travel.count() == 2


def test_a_topic_or_a_queue_that_is_not_there_is_an_outage(travel: Travel) -> None:
    travel.sns("DeleteTopic", {"TopicArn": travel.at.topic_arn})
    travel.sqs("DeleteQueue", {"QueueUrl": travel.at.queue_url})
    with pytest.raises(UnavailableError):
        travel.publisher.publish([an_announcement()])
    with pytest.raises(UnavailableError):
        travel.consumer()(wait=0)


def test_throttling_of_a_part_keeps_the_order_and_to_the_end_is_told(travel: Travel) -> None:
    told = mixed(12, "visit-1", "visit-2", "doctor-1")
    travel.parts.refuse = lambda entry, times: entry["MessageGroupId"] == "visit-2" and times <= 2
    travel.publisher.publish(told)
    assert travel.sns.sent == {PUBLISH: 8}, "each batch, and what is left of it when it is taken"
    assert first_of_each(travel.handed_on()) == first_of_each(told)

    later = [an_announcement(seq, subject=subject) for seq in (9, 10) for subject in ("visit-1", "visit-2")]
    travel.parts.refuse = lambda entry, times: '"visit-2.9"' in entry["Message"] and times <= MOST_TRIES
    with pytest.raises(UnavailableError):
        travel.publisher.publish(later)
    assert travel.count() == 1
    travel.publisher.publish(later)
    assert first_of_each(travel.handed_on()) == first_of_each([*told, *later])


def test_the_order_holds_when_something_is_received_again(travel: Travel) -> None:
    travel.hurried = True
    told = mixed(12, "visit-1", "visit-2")
    failures = iter([None, down, None, None, down, down, None, down])

    def breaks(one: Announcement) -> None:
        if next(failures, None):
            down(one)

    travel.breaks = breaks
    travel.publisher.publish(told)
    consumer = travel.consumer()
    for _ in range(10):
        consumer(wait=0)
    assert first_of_each(travel.came) == first_of_each(told)
    assert len(travel.came) == 12
    assert [error.__class__ for _, error in travel.told] == [UnavailableError] * 4
    assert travel.count() == 0


def test_what_failed_is_not_received_before_its_pause_is_over_and_neither_is_what_is_behind_it(travel: Travel) -> None:
    travel.breaks = down
    travel.publisher.publish([*mixed(2, "visit-1"), an_announcement(1, subject="visit-2")])
    started = time.monotonic()
    assert travel.consumer()(wait=0) == 0
    travel.breaks = lambda _: None
    assert travel.drain() == 0
    while not travel.consumer()(wait=1):
        assert time.monotonic() < started + 10
    assert time.monotonic() > started + 1.9
    travel.drain()
    assert {subject: [one.seq for one in came] for subject, came in first_of_each(travel.came).items()} == {
        "visit-1": [1, 2],
        "visit-2": [1],
    }


@pytest.mark.parametrize("fault", [Fault.LOST_AFTER, Fault.LOST_BEFORE, Fault.THROTTLED, Fault.DELIVERED_TWICE])
def test_deletions_are_repeated_until_they_are_known(travel: Travel, fault: Fault) -> None:
    told = mixed(4, "visit-1", "visit-2")
    travel.publisher.publish(told)
    travel.sqs.plan(DELETE, fault)
    assert travel.drain() == 4
    assert ([*travel.came], travel.count()) == (told, 0)


def test_what_was_received_and_lost_comes_again_when_the_queue_says(travel: Travel) -> None:
    visible = {"QueueUrl": travel.at.queue_url, "Attributes": {"VisibilityTimeout": "1"}}
    travel.sqs("SetQueueAttributes", visible)
    told = mixed(2, "visit-1")
    travel.publisher.publish(told)
    travel.sqs.plan(RECEIVE, Fault.LOST_AFTER)
    # On AWS the same attempt gets the same messages; the emulator keeps them back.
    assert travel.consumer()(wait=0) == 0
    time.sleep(1.1)
    assert [*travel.handed_on()] == told


@pytest.mark.parametrize("poison", ["malformed", "broken"])
def test_poison_is_a_dead_letter_at_last_and_holds_up_its_own_subject_alone(travel: Travel, poison: str) -> None:
    travel.hurried = poison == "broken"
    broken = published(an_announcement(1)).decode()
    body = broken if poison == "broken" else "<not an event>"

    def breaks(one: Announcement) -> None:
        if poison == "broken" and one.id == "visit-1.1":
            raise ValueError("a bug")

    travel.breaks = breaks
    travel.put(body, group="visit-1", known="poison")
    others = [an_announcement(2), an_announcement(1, subject="visit-2"), an_announcement(3)]
    travel.publisher.publish(others)
    consumer = travel.consumer()
    assert consumer(wait=0) == 1
    assert travel.came == [others[1]]
    for _ in range(MOST_RECEIPTS):
        consumer(wait=0)
    assert first_of_each(travel.came) == first_of_each(others)
    assert (travel.count(), travel.dead()) == (0, [body])
    assert len(travel.told) == MOST_RECEIPTS
    assert "not an event" not in str(travel.told)


def test_two_consumers_hand_on_everything_once_and_in_order(travel: Travel) -> None:
    told = mixed(60, *(f"visit-{n}" for n in range(1, 7)))
    travel.publisher.publish(told)
    at_work, overlaps, turn = set[str](), list[str](), Lock()
    came: list[tuple[int, Announcement]] = []

    def reads(number: int) -> Callable[[Sequence[Announcement]], None]:
        def notify(announcements: Sequence[Announcement]) -> None:
            (one,) = announcements
            with turn:
                overlaps.extend([one.id] if one.subject in at_work else [])
                at_work.add(one.subject)
            time.sleep(0.005)
            with turn:
                at_work.discard(one.subject)
                came.append((number, one))

        return notify

    with ThreadPoolExecutor(2) as pool:
        # Whoever finds nothing may have come while the other one held all.
        list(pool.map(lambda number: [travel.drain(reads(number)) for _ in range(20)], (1, 2)))
    assert (overlaps, travel.count()) == ([], 0)
    assert len(came) == 60
    assert first_of_each(one for _, one in came) == first_of_each(told)


def test_another_subscriber_chooses_by_kind_and_another_version_never_reaches_the_notifier(
    travel: Travel, client: Callable[[str], Any]
) -> None:
    sqs, sns = client("sqs"), client("sns")
    url = sqs.create_queue(QueueName=f"other{next(_NUMBERS)}.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    chosen = {"RawMessageDelivery": "true", "FilterPolicy": json.dumps({"kind": ["cancelled", "refused"]})}
    sns.subscribe(TopicArn=travel.at.topic_arn, Protocol="sqs", Endpoint=arn, Attributes=chosen)
    kinds = [Kind.REQUESTED, Kind.CONFIRMED, Kind.CANCELLED]
    travel.publisher.publish([an_announcement(seq, kind=kind) for seq, kind in enumerate(kinds, 1)])
    newer = {
        "version": {"DataType": "String", "StringValue": "2"},
        "kind": {"DataType": "String", "StringValue": "moved"},
    }
    terms = {"MessageGroupId": "visit-1", "MessageDeduplicationId": "newer", "MessageAttributes": newer}
    sns.publish(TopicArn=travel.at.topic_arn, Message="{}", **terms)
    others = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    assert [json.loads(one["Body"])["kind"] for one in others] == ["cancelled"]
    assert [one.kind for one in travel.handed_on()] == kinds
    assert (travel.count(), travel.told) == (0, [])


def test_the_records_that_lambda_gets_are_handled_alike(travel: Travel, client: Callable[[str], Any]) -> None:
    told = mixed(6, "visit-1", "visit-2")
    travel.publisher.publish(told)
    received = client("sqs").receive_message(
        QueueUrl=travel.at.queue_url, MaxNumberOfMessages=10, AttributeNames=["All"], VisibilityTimeout=VISIBILITY
    )["Messages"]
    records = [
        {"messageId": one["MessageId"], "body": one["Body"], "attributes": one["Attributes"]} for one in received
    ]

    def breaks(one: Announcement) -> None:
        if one.id == "visit-2.2":
            down(one)

    travel.breaks = breaks
    failures = handle_records(records, travel.notify)
    assert travel.came == [told[0], told[1], told[2], told[4]]
    assert failures == [{"itemIdentifier": received[number]["MessageId"]} for number in (3, 5)]


def test_where_rights_are_enforced_the_topic_may_fill_the_queue_and_nobody_else(credentials: None) -> None:
    with Ministack(auth=True) as server:
        sns, sqs = opened("sns", server.endpoint_url), opened("sqs", server.endpoint_url)
        travel = travelling(sns, sqs, Topics.named(""))
        travel.publisher.publish(mixed(3, "visit-1"))
        assert [*travel.handed_on()] == mixed(3, "visit-1")
        stranger = sns("CreateTopic", {"Name": "stranger.fifo", "Attributes": {"FifoTopic": "true"}})["TopicArn"]
        wanted = travel.topics.subscription(
            stranger, travel.at.topic_arn.replace("sns", "sqs").replace("announcements", "notices"), ""
        )
        sns("Subscribe", {**wanted, "Attributes": {"RawMessageDelivery": "true"}})
        terms = {"MessageGroupId": "visit-1", "MessageDeduplicationId": "x"}
        sns("Publish", {"TopicArn": stranger, "Message": published(an_announcement(9)).decode(), **terms})
        assert travel.count() == 0


def test_making_what_is_there_changes_nothing(travel: Travel) -> None:
    travel.publisher.publish([an_announcement()])
    assert make_topics(travel.sns, travel.sqs, travel.topics) == travel.at
    travel.publisher.publish([an_announcement(2)])
    assert [one.seq for one in travel.handed_on()] == [1, 2]
