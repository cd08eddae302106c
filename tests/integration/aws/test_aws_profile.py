"""The parts of a process on AWS: which adapter stands behind each port, and what is asked of it when."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.aws import calling
from adapters.chime import ChimeMeetingRooms
from adapters.cognito.identity import CognitoIdentity
from adapters.dynamodb.appointments import DynamoAppointments
from adapters.memory import open_memory
from adapters.messaging.sns import SnsPublisher
from adapters.messaging.sqs import SqsConsumer
from adapters.step_functions.handling import Step
from adapters.step_functions.starting import Start
from entrypoints.container import Container, open_container, storing
from entrypoints.settings import SettingsError, load_settings
from telemed_core.errors import UnauthenticatedError, UnavailableError
from unit.entrypoints.test_aws_settings import AWS

HERE = {"TELEMED_AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
"""Nobody answers there."""


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    calling._session.cache_clear()
    yield
    calling._session.cache_clear()


def on_aws(**changed: str | None) -> Container:
    variables = AWS | HERE | {f"TELEMED_{name.upper()}": value for name, value in changed.items()}
    return open_container(load_settings({name: value for name, value in variables.items() if value is not None}))


def test_each_port_has_its_service_of_aws() -> None:
    container = on_aws()
    assert type(container.appointments()) is DynamoAppointments
    assert type(container.publisher()) is SnsPublisher
    assert type(container.take_announcements()) is SqsConsumer
    assert type(container.identity()) is CognitoIdentity
    assert type(container.meeting_rooms()) is ChimeMeetingRooms
    assert type(container.start_saga()) is Start
    assert type(container.saga_step()) is Step
    container.close()


def test_tables_topic_queue_and_pool_are_those_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str, Any]] = []

    def open_call(service: str, **_: Any) -> Any:
        def call(operation: str, request: Any) -> Any:
            asked.append((service, operation, request))
            raise UnavailableError

        return call

    monkeypatch.setattr("adapters.aws.calling.open_call", open_call)
    container = on_aws(aws_prefix="clinic-")
    for act in (container.stores().check, container.take_announcements()):
        with pytest.raises(UnavailableError):
            act()
    told = {service: request for service, _, request in asked}
    assert told["dynamodb"]["TableName"] == "clinic-scheduling"
    assert told["sqs"]["QueueUrl"] == AWS["TELEMED_QUEUE_URL"]


def test_no_database_is_opened_before_a_notice_is_looked_at(tmp_path: Path) -> None:
    wanted = ("SECRET", "PEPPER", "DATA_KEY", "USER_POOL_ID", "USER_POOL_CLIENT_ID")
    chosen = {f"TELEMED_{name}": AWS[f"TELEMED_{name}"] for name in wanted}
    chosen |= {"TELEMED_STORE": "dynamodb", "TELEMED_IDENTITY": "cognito"}
    settings = load_settings(chosen | HERE, data=tmp_path / "data")
    container = open_container(settings)
    container.request_appointment()
    container.notify()
    assert not (tmp_path / "data" / "telemed.db").exists()
    now = container.clock().now()
    assert container.notices().take(now=now, again_at=now, limit=1) == []
    with sqlite3.connect(tmp_path / "data" / "telemed.db") as database:
        assert database.execute("SELECT count(*) FROM notices").fetchall() == [(0,)]
    container.close()


def test_a_function_leaves_the_database_at_the_version_it_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def open_sql(*_: Any, migrate: bool, **__: Any) -> Any:
        asked.append(migrate)
        return open_memory()

    monkeypatch.setattr("adapters.sql.open_sql", open_sql)
    for migrate in (True, False):
        open_container(load_settings({}, data=tmp_path), migrate=migrate).stores()
    assert asked == [True, False]


def test_where_executions_run_sagas_a_commit_wakes_nobody_here() -> None:
    on_functions, embedded = on_aws(), on_aws(saga_engine="embedded", state_machines=None)
    for container in (on_functions, embedded):
        container.committed()()
    assert (on_functions.wake().is_set(), embedded.wake().is_set()) == (False, True)


def test_tokens_are_those_of_the_pool_and_without_its_keys_nobody_is_known() -> None:
    container = on_aws()
    with pytest.raises(UnauthenticatedError):
        container.tokens().verify("x.y.z", now=container.clock().now())
    header = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ"
    with pytest.raises(UnavailableError):
        container.tokens().verify(f"{header}.e30.c2ln", now=container.clock().now())


def test_a_region_has_to_be_known_and_is_asked_for_by_name() -> None:
    with pytest.raises(SettingsError, match=r"^AWS_REGION: Say in which region of AWS it is"):
        on_aws(aws_endpoint_url=None).stores()


def test_as_many_calls_run_at_once_as_there_are_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[tuple[str, int]] = []
    monkeypatch.setattr(
        "adapters.aws.calling.open_call",
        lambda service, *, connections, **_: opened.append((service, connections)),
    )
    container = on_aws(threads="5")
    storing.open_call(container.settings(), "sns")
    assert opened == [("sns", 5 + storing.BESIDE_REQUESTS)]
