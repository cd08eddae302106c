"""What a deployment of functions has around them, played on the emulator: their sources, and what they call."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, Self

import attrs
import boto3

from adapters.aws.calling import Call, open_call
from adapters.dynamodb.bootstrap import make_tables
from adapters.dynamodb.saga_stream import sagas_begun
from adapters.dynamodb.tables import Tables
from adapters.messaging import Addresses, Topics, make_topics
from adapters.step_functions import StateMachines, make_state_machines
from integration.emulator.fresh_tables import new_prefix
from integration.emulator.ministack import REGION
from integration.emulator.states_engine import ROLE, Engine, Work
from integration.http.server import Installation
from integration.lambdas.runtime_api import Function
from integration.lambdas.sources import as_lambda_has_it
from telemed_core.domain.ids import SagaId
from telemed_core.domain.sagas import SagaRow
from telemed_core.saga.sagas import REGISTRY, SAGAS
from unit.entrypoints.lambdas.events import Told, request_event

SMALL: Final = 10
"""So many messages a function gets at once."""
FEW_ROUNDS: Final = 20


class _Alike(dict[str, Work]):
    """Whose saga it is does not matter."""

    def __init__(self, work: Work) -> None:
        super().__init__()
        self._work = work

    def __missing__(self, _: str) -> Work:
        return self._work


@attrs.define
class Deployment:
    """Functions, each in a process of its own that is made when it is first called, and what calls them.

    Attributes:
        told: settings that all of them have beside those of the installation.
    """

    engine: Engine
    installation: Installation
    machines: StateMachines
    at: Addresses
    folder: Path
    _closing: ExitStack = attrs.field(factory=ExitStack)
    _functions: dict[str, Function] = attrs.field(factory=dict)
    _shards: dict[str, str] = attrs.field(factory=dict)

    @classmethod
    def on(cls, engine: Engine, call_states: Call, folder: Path, **settings: str) -> Self:
        """A new one."""
        prefix, url = new_prefix(), engine.server.endpoint_url

        def call(service: str) -> Call:
            return open_call(service, region=REGION, endpoint_url=url, connections=4)

        make_tables(call("dynamodb"), Tables.named(prefix))
        machines = make_state_machines(call_states, resource=engine.activity, role_arn=ROLE, prefix=prefix)
        at = make_topics(call("sns"), call("sqs"), Topics.named(prefix))
        installation = Installation.on_dynamodb(
            folder / "data",
            url,
            prefix=prefix,
            AWS_REGION=REGION,
            TELEMED_EVENTS="sns",
            TELEMED_TOPIC_ARN=at.topic_arn,
            TELEMED_SAGA_ENGINE="step_functions",
            TELEMED_STATE_MACHINES=machines.arn_prefix,
            **settings,
        )
        return cls(engine, installation, machines, at, folder)

    def environment(self, **more: str) -> dict[str, str]:
        """All that its functions are told."""
        told = self.installation.environment(**more)
        return {"PATH": os.defpath, **{name: told[name] for name in told if name.startswith(("AWS_", "TELEMED_"))}}

    def function(self, module: str) -> Function:
        if module not in self._functions:
            made = self._closing.enter_context(Function(module, self.environment(), self.folder))
            self._functions[module] = made
        return self._functions[module]

    def ask(self, module: str, method: str, url: str, *, by: str, body: Any = None) -> Told:
        """What a function answers to a request of somebody who is signed in."""
        sent = b"" if body is None else json.dumps(body).encode()
        event = request_event(method, url, headers=[("Authorization", f"Bearer {by}")], body=sent)
        return Told.by(self.function(module).invoke(event))

    def streamed(self) -> list[Any]:
        """What the stream of the scheduling table has, that was not read before."""
        streams = self.client("dynamodbstreams")
        table = Tables.named(self.installation.settings["TELEMED_AWS_PREFIX"]).scheduling.name
        arn = streams.list_streams(TableName=table)["Streams"][0]["StreamArn"]
        found: list[Any] = []
        for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
            of = shard["ShardId"]
            if of not in self._shards:
                begin = {"StreamArn": arn, "ShardId": of, "ShardIteratorType": "TRIM_HORIZON"}
                self._shards[of] = streams.get_shard_iterator(**begin)["ShardIterator"]
            while True:
                page = streams.get_records(ShardIterator=self._shards[of])
                self._shards[of] = page["NextShardIterator"]
                if not page["Records"]:
                    break
                found += map(as_lambda_has_it, page["Records"])
        return found

    def start_sagas(self, records: Sequence[Any]) -> list[SagaId]:
        """Hand records of the stream to the starter; the sagas that have begun in them."""
        assert self.function("saga_starter").invoke({"Records": records}) == {"batchItemFailures": []}
        return [*sagas_begun(records).values()]

    def execution(self, row: SagaRow) -> str:
        saga = REGISTRY.find(row)
        assert saga
        return self.engine.execution(self.machines.of(saga), row.id)

    def executions(self) -> int:
        """How many there have been."""
        machines = [self.machines.of(saga) for saga in SAGAS]
        states = self.client("stepfunctions")
        return sum(len(states.list_executions(stateMachineArn=one)["executions"]) for one in machines)

    def empty_queue(self) -> list[Any]:
        """Hand what is in the queue to the notifier until nothing is; what it was handed."""
        sqs = self.client("sqs")
        handed: list[Any] = []
        for _ in range(FEW_ROUNDS):
            request = {"QueueUrl": self.at.queue_url, "MaxNumberOfMessages": SMALL, "AttributeNames": ["All"]}
            messages = sqs.receive_message(**request).get("Messages", [])
            if not messages:
                return handed
            records = [_record(one) for one in messages]
            failures = self.function("notifier").invoke({"Records": records})
            assert failures == {"batchItemFailures": []}
            for one in messages:
                sqs.delete_message(QueueUrl=self.at.queue_url, ReceiptHandle=one["ReceiptHandle"])
            handed += records
        raise AssertionError("it does not become empty")

    def client(self, service: str) -> Any:
        return boto3.client(service, region_name=REGION, endpoint_url=self.engine.server.endpoint_url)

    @contextmanager
    def working(self, work: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> Iterator[None]:
        """Let the tasks of executions be done so."""
        before = self.engine.work
        self.engine.work = _Alike(work)
        yield
        self.engine.work = before

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()


def _record(message: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:sa-east-1:000000000000:notices.fifo",
        "awsRegion": REGION,
    }
