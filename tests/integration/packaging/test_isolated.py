"""Each zip is complete: with the standard library alone its handler is imported, and answers an event."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from integration.lambdas.sources import queue_record, row_keys, scheduled, sign_up_event, stream_record
from integration.packaging.conftest import FAMILIES
from integration.packaging.isolated import Ran, run_isolated
from unit.entrypoints.lambdas.events import request_event

_KEY: Final = base64.b64encode(bytes(range(32))).decode()
_NOBODY: Final = "http://127.0.0.1:9"
"""Where nothing answers."""
ID: Final = "00000000000040008000000000000001"

MEMORY: Final = {"TELEMED_PROFILE": "memory"}
AWS: Final = {
    "TELEMED_PROFILE": "aws",
    "TELEMED_AWS_ENDPOINT_URL": _NOBODY,
    "TELEMED_CHIME_REGION": "sa-east-1",
    "TELEMED_TOPIC_ARN": "arn:aws:sns:sa-east-1:000000000000:telemed-changes.fifo",
    "TELEMED_USER_POOL_ID": "sa-east-1_Example01",
    "TELEMED_USER_POOL_CLIENT_ID": "0123456789abcdefghijklmnop",
    "TELEMED_STATE_MACHINES": "arn:aws:states:sa-east-1:000000000000:stateMachine:telemed-",
    "TELEMED_DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:9/nothing",
    "TELEMED_SECRET": _KEY,
    "TELEMED_PEPPER": _KEY,
    "TELEMED_DATA_KEY": _KEY,
    "AWS_REGION": "sa-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}
WARM: Final = {"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"}

Unpack = Callable[[str], Path]


def _run(unpacked: Unpack, name: str, *events: Any, **environment: str) -> Ran:
    ran = run_isolated(unpacked(name), f"entrypoints.lambdas.{name.replace('-', '_')}", events, environment)
    assert ran.strangers == []
    assert ran.compiled_here == []
    return ran


@pytest.mark.parametrize(
    ("name", "method", "path"),
    [
        ("agenda", "GET", "/v1/agenda"),
        ("booking", "POST", "/v1/appointments"),
        ("decisions", "POST", f"/v1/appointments/{ID}/accept"),
    ],
)
def test_a_function_of_the_api_answers_requests(unpacked: Unpack, name: str, method: str, path: str) -> None:
    stranger = [("authorization", "Bearer no.such.token")]
    events = [
        request_event(method, path),
        request_event(method, path, headers=stranger),
        request_event("GET", "/v1/no"),
    ]
    ran = _run(unpacked, name, *events, **MEMORY)
    told = [one["answered"] for one in ran.answers]
    assert [one["statusCode"] for one in told] == [401, 401, 404]
    assert [json.loads(one["body"])["code"] for one in told] == ["unauthenticated", "unauthenticated", "not_found"]
    assert len([line for line in ran.log.splitlines() if '"status":401' in line]) == 2


def test_a_function_of_the_api_is_made_where_nothing_answers_yet(unpacked: Unpack) -> None:
    ran = _run(unpacked, "booking", request_event("POST", "/v1/appointments"), **AWS, **WARM)
    assert [one["answered"]["statusCode"] for one in ran.answers] == [401]


def test_the_starter_leaves_a_record_that_it_could_not_begin(unpacked: Unpack) -> None:
    record = stream_record(7, row_keys(ID))
    ran = _run(unpacked, "saga-starter", {"Records": []}, {"Records": [record]}, **AWS, **WARM)
    number = record["dynamodb"]["SequenceNumber"]
    assert [one["answered"] for one in ran.answers] == [
        {"batchItemFailures": []},
        {"batchItemFailures": [{"itemIdentifier": number}]},
    ]


def test_a_step_tells_of_an_outage_as_a_wait(unpacked: Unpack) -> None:
    ran = _run(unpacked, "saga-step", {"saga": ID, "seq": 1, "at": "1"}, **AWS, **WARM)
    (told,) = (one["answered"] for one in ran.answers)
    assert (told["next"], told["saga"]) == ("wait", ID)


def test_the_notifier_gives_back_what_it_could_not_hand_on(unpacked: Unpack) -> None:
    record = queue_record(1, "{}", group=ID)
    ran = _run(unpacked, "notifier", {"Records": []}, {"Records": [record]}, **AWS, **WARM)
    assert [one["answered"]["batchItemFailures"] for one in ran.answers] == [
        [],
        [{"itemIdentifier": record["messageId"]}],
    ]


def test_the_sweep_does_what_is_due(unpacked: Unpack) -> None:
    ran = _run(unpacked, "sweep", scheduled(), **MEMORY)
    assert ran.answers == [{"answered": {"settled": 0, "cancelled": 0, "sagas": 0, "mails": 0}}]


def test_the_sweep_names_each_part_that_failed_where_nothing_answers(unpacked: Unpack) -> None:
    server = {"TELEMED_SMTP_URL": "smtp://127.0.0.1:9", "TELEMED_MAIL_FROM": "clinic@clinic.example"}
    ran = _run(unpacked, "sweep", scheduled(), **AWS, **WARM, **server)
    assert ran.answers == [{"raised": "EventFailedError", "said": "sweep, sagas, mails"}]


def test_the_pools_function_lets_our_own_in_and_nobody_else(unpacked: Unpack) -> None:
    ours, other = sign_up_event(ID), sign_up_event(ID, source="PreSignUp_SignUp")
    ran = _run(unpacked, "sign-up", ours, other, **WARM)
    assert ran.answers[0] == {"answered": ours}
    assert ran.answers[1] == {"raised": "EventFailedError", "said": "nobody signs up here by themselves"}


@pytest.mark.parametrize("name", FAMILIES)
def test_importing_a_handler_loads_little(unpacked: Unpack, name: str) -> None:
    """What is loaded is from the zip, already compiled; of its modules most wait until something asks for them."""
    ran = _run(unpacked, name)
    print(f"{name}: {ran.loaded} modules")
    assert 0 < ran.loaded < 420
