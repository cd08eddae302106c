"""Makes topic, queues and subscription: for emulators and tests, which have no deployment of their own."""

import attrs

from adapters.aws.calling import Call
from adapters.messaging.topics import TOPICS, Queue, Topic, Topics, filled_by


@attrs.frozen
class Addresses:
    """Where what was made is."""

    topic_arn: str
    queue_url: str
    dead_letters_url: str


def make_topics(call_sns: Call, call_sqs: Call, topics: Topics = TOPICS) -> Addresses:
    """Make what is missing, set everything as it is defined, and answer where it is; making it again is the same.

    Raises:
        UnavailableError: SNS or SQS cannot be used.
    """
    dead_url, dead_arn = _queue(call_sqs, topics.dead)
    queue_url, queue_arn = _queue(call_sqs, topics.notices)
    topic_arn = _topic(call_sns, topics.announcements)
    _set(call_sqs, dead_url, topics.takes_from(queue_arn) | filled_by(dead_arn, topic_arn))
    _set(call_sqs, queue_url, topics.redrive(dead_arn) | filled_by(queue_arn, topic_arn))
    _subscribe(call_sns, topics.subscription(topic_arn, queue_arn, dead_arn))
    return Addresses(topic_arn, queue_url, dead_url)


def _queue(call: Call, queue: Queue) -> tuple[str, str]:
    """Its address and its name among all resources."""
    # One that is there with other attributes than are given here is refused.
    url = str(call("CreateQueue", {"QueueName": queue.name, "Attributes": {"FifoQueue": "true"}})["QueueUrl"])
    _set(call, url, {name: value for name, value in queue.attributes().items() if name != "FifoQueue"})
    told = call("GetQueueAttributes", {"QueueUrl": url, "AttributeNames": ["QueueArn"]})
    return url, str(told["Attributes"]["QueueArn"])


def _set(call: Call, url: str, attributes: dict[str, str]) -> None:
    call("SetQueueAttributes", {"QueueUrl": url, "Attributes": attributes})


def _topic(call: Call, topic: Topic) -> str:
    arn = str(call("CreateTopic", {"Name": topic.name, "Attributes": {"FifoTopic": "true"}})["TopicArn"])
    for name, value in topic.attributes().items():
        if name != "FifoTopic":
            call("SetTopicAttributes", {"TopicArn": arn, "AttributeName": name, "AttributeValue": value})
    return arn


def _subscribe(call: Call, wanted: dict[str, object]) -> None:
    """Subscribe, or set an older subscription of the queue as it is to be."""
    there = _subscription(call, str(wanted["TopicArn"]), str(wanted["Endpoint"]))
    if there is None:
        call("Subscribe", wanted)
        return
    attributes = wanted["Attributes"]
    assert isinstance(attributes, dict)  # noqa: S101 # as it is defined
    for name, value in attributes.items():
        call("SetSubscriptionAttributes", {"SubscriptionArn": there, "AttributeName": name, "AttributeValue": value})


def _subscription(call: Call, topic_arn: str, queue_arn: str) -> str | None:
    request = {"TopicArn": topic_arn}
    while True:
        page = call("ListSubscriptionsByTopic", request)
        for one in page.get("Subscriptions", ()):
            if one["Endpoint"] == queue_arn:
                return str(one["SubscriptionArn"])
        if not page.get("NextToken"):
            return None
        request = {"TopicArn": topic_arn, "NextToken": page["NextToken"]}
