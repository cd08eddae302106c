"""The emulator itself: reached from here alone, it forgets when told, enforces rights where asked, and always ends."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from adapters.aws.calling import open_call
from adapters.dynamodb.access import Dynamo
from adapters.dynamodb.actions import key
from adapters.dynamodb.bootstrap import make_tables
from adapters.dynamodb.tables import TABLES
from integration.emulator.ministack import CREDENTIALS, REGION, Ministack
from telemed_core.errors import UnavailableError

ROOT = Path(__file__).parents[3]
STARTED = """
import sys, time
from integration.emulator.ministack import Ministack
print(Ministack().port, flush=True)
time.sleep(60)
"""


def answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=2).close()
    except OSError:
        return False
    return True


def test_no_other_address_than_the_loopbacks_own_reaches_it(emulator: Ministack) -> None:
    assert answers("127.0.0.1", emulator.port)
    # Who listens on all addresses answers on this one too.
    assert not answers("127.0.0.2", emulator.port)


def test_it_forgets_everything_when_it_is_told_to(credentials: None) -> None:
    with Ministack() as server:
        call = open_call("dynamodb", region=REGION, endpoint_url=server.endpoint_url, connections=1)
        assert make_tables(call, TABLES) == tuple(table.name for table in TABLES.all)
        assert make_tables(call, TABLES) == ()
        server.reset()
        assert call("ListTables", {})["TableNames"] == []


def test_it_ends_with_the_process_that_started_it_even_if_that_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTED],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])},
    ) as process:
        assert process.stdout
        port = int(process.stdout.readline())
        assert answers("127.0.0.1", port)
        process.send_signal(signal.SIGKILL)
    until = time.monotonic() + 20
    while answers("127.0.0.1", port):
        assert time.monotonic() < until, "it is still there"
        time.sleep(0.05)


@pytest.fixture
def guarded(credentials: None) -> Iterator[Ministack]:
    with Ministack(auth=True) as server:
        yield server


def test_where_rights_are_enforced_one_without_any_is_told_of_an_outage_and_not_of_a_bug(
    guarded: Ministack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def client(service: str) -> Any:
        return boto3.client(service, region_name=REGION, endpoint_url=guarded.endpoint_url)

    def opened() -> Dynamo:
        # What a session has found as credentials it keeps.
        forget()
        return Dynamo(open_call("dynamodb", region=REGION, endpoint_url=guarded.endpoint_url, connections=1))

    forget: Callable[[], None] = sys.modules["adapters.aws.calling"]._session.cache_clear
    owner = opened()
    make_tables(owner._call, TABLES)
    assert owner.get(TABLES.accounts, key("A#1", "M")) is None

    client("iam").create_user(UserName="nobody")
    made = client("iam").create_access_key(UserName="nobody")["AccessKey"]
    for name, part in zip(CREDENTIALS, ("AccessKeyId", "SecretAccessKey"), strict=True):
        monkeypatch.setenv(name, made[part])
    with pytest.raises(UnavailableError) as told:
        opened().get(TABLES.accounts, key("A#1", "M"))
    assert "AccessDenied" in str(told.value.__cause__)
    forget()
