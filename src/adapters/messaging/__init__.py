"""Announcements over SNS and SQS: published to a FIFO topic, which fills a FIFO queue that the notifier empties."""

from adapters.messaging.bootstrap import Addresses, make_topics
from adapters.messaging.records import handle_records
from adapters.messaging.sns import open_sns
from adapters.messaging.sqs import open_sqs
from adapters.messaging.topics import TOPICS, Topics

__all__ = ["TOPICS", "Addresses", "Topics", "handle_records", "make_topics", "open_sns", "open_sqs"]
