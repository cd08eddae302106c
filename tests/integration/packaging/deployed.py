"""The zips on the emulator of AWS, joined to their sources as a deployment joins them."""

import base64
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import attrs
import boto3

from adapters.dynamodb.tables import Tables
from entrypoints.container import Container, open_container
from entrypoints.container.bootstrapping import bootstrap
from entrypoints.settings import load_settings
from integration.emulator.ministack import ACCOUNT, REGION, Ministack

PREFIX: Final = "telemed-"
OF_THE_API: Final = ("agenda", "booking", "decisions")
SECONDS: Final = 30
"""That a function has."""
PATIENCE: Final = 90

T = TypeVar("T")


@attrs.frozen
class Told:
    """What the gateway answered."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


@attrs.frozen
class Deployment:
    """All functions behind their sources, and the parts that a server beside them would have.

    Attributes:
        environment: the variables that all have.
        url: of the gateway.
    """

    emulator: Ministack
    environment: Mapping[str, str]
    container: Container
    url: str

    @classmethod
    def of(cls, zips: Mapping[str, Path], emulator: Ministack, *, database_url: str) -> Self:
        """Make what a deployment makes."""
        environment = {
            "TELEMED_PROFILE": "aws",
            "TELEMED_AWS_ENDPOINT_URL": emulator.endpoint_url,
            "TELEMED_CHIME_REGION": REGION,
            "TELEMED_DATABASE_URL": database_url,
            # A deployment leaves the queue to the functions.
            **{name: value for name, value in _bootstrapped(emulator).items() if name != "TELEMED_QUEUE_URL"},
            **{f"TELEMED_{name}": _a_key(name) for name in ("SECRET", "PEPPER", "DATA_KEY")},
        }
        for name, path in zips.items():
            _make_function(emulator, name, path, environment)
        _join_sources(emulator)
        container = open_container(load_settings(environment), migrate=False)
        return cls(emulator, environment, container, _make_gateway(emulator))

    def close(self) -> None:
        self.container.close()

    def ask(self, method: str, url: str, body: Any = None, *, token: str | None = None, **headers: str) -> Told:
        """The gateway's answer."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        if body is not None:
            sent["Content-Type"] = "application/json"
        data = None if body is None else json.dumps(body).encode()
        # It is this test's own server.
        request = urllib.request.Request(self.url + url, data=data, headers=sent, method=method)  # noqa: S310
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=PATIENCE) as answer:
                return Told(answer.status, _lower(answer.headers), answer.read())
        except urllib.error.HTTPError as refused:
            return Told(refused.code, _lower(refused.headers), refused.read())

    def invoke(self, name: str, event: Any) -> tuple[str | None, Any]:
        """How a function failed, if it did, and what it answered."""
        told = self.client("lambda").invoke(FunctionName=PREFIX + name, Payload=json.dumps(event).encode())
        return told.get("FunctionError"), json.loads(told["Payload"].read())

    def client(self, service: str) -> Any:
        return client(self.emulator, service)

    def said(self) -> dict[str, str]:
        """The log of each function that has one."""
        logs = self.client("logs")
        beginning = f"/aws/lambda/{PREFIX}"
        groups = [one["logGroupName"] for one in logs.describe_log_groups(logGroupNamePrefix=beginning)["logGroups"]]
        return {
            name.removeprefix(beginning): "\n".join(
                one["message"] for one in logs.filter_log_events(logGroupName=name, limit=1000)["events"]
            )
            for name in groups
        }

    def leave_stream_alone(self) -> None:
        """From now on the starter hears of nothing."""
        functions = self.client("lambda")
        (mapping,) = functions.list_event_source_mappings(FunctionName=f"{PREFIX}saga-starter")["EventSourceMappings"]
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)


def eventually(look: Callable[[], T], *, within: float = PATIENCE) -> T:
    """What is seen at last, once it is something."""
    until = time.monotonic() + within
    while not (seen := look()) and time.monotonic() < until:
        time.sleep(0.2)
    return seen


def client(emulator: Ministack, service: str) -> Any:
    return boto3.client(service, region_name=REGION, endpoint_url=emulator.endpoint_url)


def _a_key(name: str) -> str:
    return base64.b64encode(name.ljust(32, "-").encode()).decode()


def _bootstrapped(emulator: Ministack) -> Mapping[str, str]:
    # Settings of the profile say where everything is, which is not known yet.
    known = {
        "TELEMED_PROFILE": "memory",
        "TELEMED_AWS_ENDPOINT_URL": emulator.endpoint_url,
        "TELEMED_AWS_PREFIX": PREFIX,
    }
    return bootstrap(load_settings(known))


def _arn(name: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{PREFIX}{name}"


def _make_function(emulator: Ministack, name: str, path: Path, environment: Mapping[str, str]) -> None:
    made = client(emulator, "lambda").create_function(
        FunctionName=PREFIX + name,
        Runtime=f"python{sys.version_info.major}.{sys.version_info.minor}",
        Role=f"arn:aws:iam::{ACCOUNT}:role/{PREFIX}{name}",
        Handler=f"entrypoints.lambdas.{name.replace('-', '_')}.handler",
        Code={"ZipFile": path.read_bytes()},
        Timeout=SECONDS,
        MemorySize=512,
        # Lambda sets it; this emulator does not, and lets others do so.
        Environment={"Variables": {**environment, "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"}},
    )
    assert made["FunctionArn"] == _arn(name)


def _join_sources(emulator: Ministack) -> None:
    """The starter reads the table's stream, the notifier the queue, and the sweep runs once in a minute."""
    table = client(emulator, "dynamodb").describe_table(TableName=Tables.named(PREFIX).scheduling.name)["Table"]
    functions = client(emulator, "lambda")
    functions.create_event_source_mapping(
        FunctionName=PREFIX + "saga-starter",
        EventSourceArn=table["LatestStreamArn"],
        StartingPosition="TRIM_HORIZON",
        BatchSize=10,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    functions.create_event_source_mapping(
        FunctionName=PREFIX + "notifier",
        EventSourceArn=f"arn:aws:sqs:{REGION}:{ACCOUNT}:{PREFIX}notices.fifo",
        BatchSize=10,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    events = client(emulator, "events")
    events.put_rule(Name=f"{PREFIX}sweep", ScheduleExpression="rate(1 minute)")
    events.put_targets(Rule=f"{PREFIX}sweep", Targets=[{"Id": "sweep", "Arn": _arn("sweep")}])


def _make_gateway(emulator: Ministack) -> str:
    """An HTTP API with a route for each operation of the families; its address."""
    gateway = client(emulator, "apigatewayv2")
    api = gateway.create_api(Name=PREFIX + "api", ProtocolType="HTTP")["ApiId"]
    for name in OF_THE_API:
        integration = gateway.create_integration(
            ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=_arn(name), PayloadFormatVersion="2.0"
        )["IntegrationId"]
        for key in _route_keys(name):
            gateway.create_route(ApiId=api, RouteKey=key, Target=f"integrations/{integration}")
    gateway.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    return f"{emulator.endpoint_url}/_aws/execute-api/{api}"


def _route_keys(name: str) -> Sequence[str]:
    module = import_module(f"entrypoints.lambdas.{name}")
    return [f"{method} {route.path}" for route in module.ROUTES for method in route.operations]


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
