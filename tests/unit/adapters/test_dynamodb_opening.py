"""The stores of a table are opened as they are asked for."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import attrs
import pytest

import adapters
from adapters.aws.calling import Call
from adapters.dynamodb.access import Dynamo
from adapters.dynamodb.opening import open_dynamodb
from adapters.dynamodb.tables import Tables
from adapters.memory import open_memory
from adapters.sealing import open_sealing
from telemed_core.errors import UnavailableError
from telemed_core.ports.storage import Stores

SEALING = open_sealing(pepper=b"p" * 32, data_key=b"d" * 32)


def table_that_answers(answer: Any = None) -> Dynamo:
    def call(_: str, __: Any, /) -> Any:
        return answer or {}

    return Dynamo(cast("Call", call), Tables.named("t-"))


def test_they_are_all_stores_that_there_are_each_opened_once() -> None:
    notices = open_memory().notices
    later = open_dynamodb(table_that_answers(), sealing=SEALING, notices=notices)
    for field in attrs.fields(Stores):
        if field.name not in {"check", "close"}:
            assert getattr(later, field.name) is getattr(later, field.name)
    assert later.notices is notices


def test_with_some_of_them_in_another_way_the_others_stay_as_they_are() -> None:
    later = open_dynamodb(table_that_answers(), sealing=SEALING, notices=open_memory().notices)
    sagas = open_memory().sagas
    other = attrs.evolve(later, sagas=sagas)
    assert other.sagas is sagas
    assert other.doctors is later.doctors
    with pytest.raises(AttributeError):
        later.nothing_such  # type: ignore[attr-defined] # noqa: B018


def test_a_check_looks_also_where_the_notices_are() -> None:
    def broken() -> None:
        raise UnavailableError

    notices = open_memory().notices
    open_dynamodb(table_that_answers(), sealing=SEALING, notices=notices).check()
    with pytest.raises(UnavailableError):
        open_dynamodb(table_that_answers(), sealing=SEALING, notices=notices, beside=broken).check()


def test_whoever_asks_for_one_store_loads_no_other() -> None:
    program = """if True:
        import json, sys
        from adapters.dynamodb.opening import open_dynamodb
        open_dynamodb(None, sealing=None, notices=None).sessions
        print(json.dumps(sorted(sys.modules)))
    """
    src = Path(adapters.__file__).parents[1]
    ran = subprocess.run([sys.executable, "-c", program], cwd=src, capture_output=True, text=True, check=True)
    loaded = {name.rpartition(".")[2] for name in json.loads(ran.stdout) if name.startswith("adapters.dynamodb.")}
    assert "signing_in" in loaded
    assert not loaded & {"appointments", "feeds", "ledger", "meetings", "ratings", "sagas", "schedules", "signals"}
