"""What announcements travel through, as it is defined and as it is made where it is missing."""

import json
from collections.abc import Mapping
from typing import Any

import attrs
import pytest

from adapters.messaging import TOPICS, Addresses, Topics, make_topics
from adapters.messaging.topics import MOST_RECEIPTS, filled_by
from integration.aws.messaging_fakes import check
from telemed_core.errors import UnavailableError

ARN = "arn:aws:{}:sa-east-1:000000000000:"


@attrs.define
class Service:
    """As much of SNS and SQS as makes topics and queues, and refuses to make what is there otherwise."""

    queues: dict[str, dict[str, str]] = attrs.field(factory=dict)
    topics: dict[str, dict[str, str]] = attrs.field(factory=dict)
    subscriptions: list[dict[str, Any]] = attrs.field(factory=list)
    asked: list[str] = attrs.field(factory=list)

    def sqs(self, operation: str, request: Mapping[str, Any], /) -> Mapping[str, Any]:
        check("sqs", operation, request)
        self.asked.append(operation)
        if operation == "CreateQueue":
            there = self.queues.setdefault(request["QueueName"], dict(request["Attributes"]))
            assert request["Attributes"].items() <= there.items()
            return {"QueueUrl": f"https://sqs/{request['QueueName']}"}
        attributes = self.queues[request["QueueUrl"].removeprefix("https://sqs/")]
        if operation == "GetQueueAttributes":
            return {"Attributes": {"QueueArn": ARN.format("sqs") + request["QueueUrl"].removeprefix("https://sqs/")}}
        assert operation == "SetQueueAttributes"
        assert "FifoQueue" not in request["Attributes"], "what a queue is cannot be changed"
        attributes.update(request["Attributes"])
        return {}

    def sns(self, operation: str, request: Mapping[str, Any], /) -> Mapping[str, Any]:
        check("sns", operation, request)
        self.asked.append(operation)
        answer: Mapping[str, Any] = getattr(self, f"_{operation}")(request)
        return answer

    def _CreateTopic(self, request: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802 # the API's own name
        there = self.topics.setdefault(request["Name"], dict(request["Attributes"]))
        assert request["Attributes"].items() <= there.items()
        return {"TopicArn": ARN.format("sns") + request["Name"]}

    def _SetTopicAttributes(self, request: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802
        assert request["AttributeName"] != "FifoTopic", "what a topic is cannot be changed"
        self.topics[request["TopicArn"].rpartition(":")[2]][request["AttributeName"]] = request["AttributeValue"]
        return {}

    def _ListSubscriptionsByTopic(self, request: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802
        at = int(request.get("NextToken", 0))
        page = {"Subscriptions": self.subscriptions[at : at + 1]}
        return page | ({"NextToken": str(at + 1)} if at + 1 < len(self.subscriptions) else {})

    def _Subscribe(self, request: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802
        arn = f"{request['TopicArn']}:{len(self.subscriptions)}"
        self.subscriptions.append({**request, "Attributes": {**request["Attributes"]}, "SubscriptionArn": arn})
        return {"SubscriptionArn": arn}

    def _SetSubscriptionAttributes(self, request: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802
        (found,) = [one for one in self.subscriptions if one["SubscriptionArn"] == request["SubscriptionArn"]]
        found["Attributes"][request["AttributeName"]] = request["AttributeValue"]
        return {}

    def make(self, topics: Topics = TOPICS) -> Addresses:
        return make_topics(self.sns, self.sqs, topics)


def policies(attributes: Mapping[str, str]) -> dict[str, Any]:
    return {name: json.loads(value) for name, value in attributes.items() if value.startswith("{")}


def test_all_is_made_as_it_is_defined_and_joined() -> None:
    service = Service()
    made = service.make()
    topic, queue, dead = (TOPICS.announcements, TOPICS.notices, TOPICS.dead)
    assert made == Addresses(ARN.format("sns") + topic.name, f"https://sqs/{queue.name}", f"https://sqs/{dead.name}")
    queue_arn, dead_arn = ARN.format("sqs") + queue.name, ARN.format("sqs") + dead.name
    assert service.topics == {topic.name: topic.attributes()}
    assert service.queues == {
        queue.name: {**queue.attributes(), **TOPICS.redrive(dead_arn), **filled_by(queue_arn, made.topic_arn)},
        dead.name: {**dead.attributes(), **TOPICS.takes_from(queue_arn), **filled_by(dead_arn, made.topic_arn)},
    }
    (subscription,) = service.subscriptions
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("sqs", queue_arn)
    assert subscription["Attributes"]["RawMessageDelivery"] == "true"
    assert policies(subscription["Attributes"]) == {
        "FilterPolicy": {"version": ["1"]},
        "RedrivePolicy": {"deadLetterTargetArn": dead_arn},
    }


def test_names_are_those_of_fifo_things_and_of_one_installation() -> None:
    topics = Topics.named("clinic-")
    names = (topics.announcements.name, topics.notices.name, topics.dead.name)
    assert names == ("clinic-announcements.fifo", "clinic-notices.fifo", "clinic-notices-dead.fifo")
    for attributes in (topics.notices.attributes(), topics.dead.attributes()):
        assert attributes["FifoQueue"] == "true"
        # High throughput, which SQS wants both for.
        assert (attributes["DeduplicationScope"], attributes["FifoThroughputLimit"]) == (
            "messageGroup",
            "perMessageGroupId",
        )
    assert topics.announcements.attributes()["FifoTopic"] == "true"


def test_the_queue_is_filled_by_the_topic_alone_and_its_dead_have_a_queue_of_their_own() -> None:
    service = Service()
    made = service.make()
    queue = policies(service.queues[TOPICS.notices.name])
    assert queue["RedrivePolicy"]["maxReceiveCount"] == MOST_RECEIPTS
    for name in (TOPICS.notices.name, TOPICS.dead.name):
        (statement,) = policies(service.queues[name])["Policy"]["Statement"]
        assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": made.topic_arn}}
        assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
        assert statement["Resource"].endswith(f":{name}")
    dead = policies(service.queues[TOPICS.dead.name])
    assert dead["RedriveAllowPolicy"]["sourceQueueArns"] == [ARN.format("sqs") + TOPICS.notices.name]
    assert "RedrivePolicy" not in dead


def test_making_it_again_makes_nothing_new_and_sets_what_was_changed() -> None:
    service = Service()
    first = service.make()
    wanted = (service.queues[TOPICS.notices.name].copy(), service.subscriptions[0]["Attributes"].copy())
    service.queues[TOPICS.notices.name]["VisibilityTimeout"] = "1"
    service.subscriptions[0]["Attributes"]["RawMessageDelivery"] = "false"
    other = {"Endpoint": "https://elsewhere", "SubscriptionArn": "other", "Attributes": {}}
    service.subscriptions.insert(0, other)
    service.asked.clear()
    assert service.make() == first
    assert "Subscribe" not in service.asked
    assert (service.queues[TOPICS.notices.name], service.subscriptions[1]["Attributes"]) == wanted
    assert (len(service.queues), len(service.topics), len(service.subscriptions)) == (2, 1, 2)
    assert other["Attributes"] == {}


def test_an_outage_is_told() -> None:
    def down(_: str, __: Mapping[str, Any], /) -> Mapping[str, Any]:
        raise UnavailableError

    with pytest.raises(UnavailableError):
        make_topics(down, down)
