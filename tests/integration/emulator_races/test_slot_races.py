"""Two hundred patients ask for one slot at once: of a server of the API, and of the booking function in Lambda.

Once as the emulator has it, and once as DynamoDB does: there transactions that meet are refused, and come again.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Barrier

import attrs
import pytest

from adapters.aws.calling import Call, open_call
from adapters.dynamodb.bootstrap import make_tables
from adapters.dynamodb.tables import Tables
from integration.emulator.ministack import REGION, Ministack
from integration.emulator_races.front import Front
from integration.http.people import Person
from integration.http.server import Answer, Installation, Server
from integration.http_races.conftest import Clinic, all_at_once, assert_clean, opened
from unit.entrypoints.lambdas.events import Told, request_event

RACERS = 200
FUNCTIONS = 4
TESTS = Path(__file__).parents[2]
DAYS = {"server": 2, "functions": 3}
"""How many days ahead the slot is that they race for."""


@attrs.frozen
class Arena:
    """A clinic whose calls to DynamoDB pass a front."""

    front: Front
    clinic: Clinic

    @property
    def installation(self) -> Installation:
        return self.clinic.server.installation

    def slot(self, days: int) -> datetime:
        return datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=days)


@pytest.fixture(scope="module", params=[False, True], ids=["in turn", "with conflicts"])
def arena(
    emulator: Ministack, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Arena]:
    folder = tmp_path_factory.mktemp("arena")
    prefix = f"races-{request.param}-"
    with pytest.MonkeyPatch.context() as patch, Front(emulator.endpoint_url, conflicts=request.param) as front:
        patch.setenv("AWS_REGION", REGION)
        make_tables(open_call("dynamodb", connections=1, endpoint_url=emulator.endpoint_url), Tables.named(prefix))
        settings = {"TELEMED_BACKGROUND": "off", "TELEMED_THREADS": str(RACERS // FUNCTIONS)}
        installation = Installation.on_dynamodb(folder / "data", front.endpoint_url, prefix=prefix, **settings)
        with Server(installation, logs=folder / "logs", workers=2) as server:
            yield Arena(front, opened(server, doctors=1, patients=RACERS))
            assert_clean(server)
            server.stop()


def body(arena: Arena, days: int) -> dict[str, str]:
    (doctor,) = arena.clinic.doctors
    return {"doctor_id": doctor.id, "start": arena.slot(days).isoformat()}


def judge(arena: Arena, race: str, answers: Sequence[tuple[int, str]]) -> None:
    """One has it, and the others are told that it is taken."""
    front, told = arena.front, Counter(answers)
    print(f"{race}: {dict(told)}; {dict(front.sent)}; refused: {dict(front.refused)}")
    # Nobody is busy, however often transactions meet: who was refused for that reads, and sees that it is taken.
    assert told == {(201, ""): 1, (409, "slot_taken"): RACERS - 1}
    assert front.sent["TransactWriteItems"] - front.refused["TransactionConflict"] <= RACERS
    assert_clean(arena.clinic.server)
    (doctor,) = arena.clinic.doctors
    listed = doctor.client.get("/v1/appointments", limit=100).expect(200)["items"]
    start = arena.slot(DAYS[race])
    assert sum(datetime.fromisoformat(one["start"]) == start for one in listed) == 1


def test_of_a_server_of_two_processes_one_gets_it(arena: Arena) -> None:
    asked = body(arena, DAYS["server"])
    arena.front.forget()

    def ask(patient: Person) -> Answer:
        return patient.client.post("/v1/appointments", asked)

    answers = all_at_once(
        *(partial(ask, patient) for patient in arena.clinic.patients),
        ready=[patient.client.connect for patient in arena.clinic.patients],
    )
    judge(arena, "server", [(answer.status, answer.code) for answer in answers])


def test_of_four_processes_of_the_booking_function_one_gets_it(arena: Arena) -> None:
    asked = json.dumps(body(arena, DAYS["functions"])).encode()
    events = [
        request_event(
            "POST",
            "/v1/appointments",
            headers=[("authorization", f"Bearer {patient.client.token}"), ("content-type", "application/json")],
            body=asked,
        )
        for patient in arena.clinic.patients
    ]
    path = os.pathsep.join([str(TESTS.parent / "src"), str(TESTS)])
    with ExitStack() as running:
        processes = [
            running.enter_context(
                subprocess.Popen(
                    [sys.executable, Path(__file__).parent / "racing_function.py"],
                    env=arena.installation.environment(PYTHONPATH=path),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                )
            )
            for _ in range(FUNCTIONS)
        ]
        for number, process in enumerate(processes):
            tell(process, json.dumps(events[number::FUNCTIONS]))
        assert [heard(process) for process in processes] == ["ready\n"] * FUNCTIONS
        arena.front.forget()
        for process in processes:
            tell(process, "go")
        answers = [Told.by(answer) for process in processes for answer in json.loads(heard(process))]
    judge(arena, "functions", [(one.status, str(one.body.get("code", ""))) for one in answers])


def tell(process: "subprocess.Popen[str]", line: str) -> None:
    assert process.stdin
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


def heard(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline()


def test_who_looks_and_then_writes_books_the_slot_for_several(arena: Arena, call: Call) -> None:
    """The same race, lost: else the others might have won it for want of racers."""
    table, together = f"looked-at-{id(arena)}", Barrier(RACERS)
    call("CreateTable", attrs.evolve(Tables.named("").directory, name=table).creation())
    through = open_call("dynamodb", connections=RACERS, endpoint_url=arena.front.endpoint_url)
    slot = {"PK": {"S": "D#1"}, "SK": {"S": "slot"}}

    def look() -> bool:
        return "Item" in through("GetItem", {"TableName": table, "Key": slot, "ConsistentRead": True})

    def book(patient: Person) -> bool:
        # Everybody has a connection before they race.
        look()
        together.wait(timeout=60)
        if look():
            return False
        through("PutItem", {"TableName": table, "Item": {**slot, "of": {"S": patient.id}}})
        return True

    with ThreadPoolExecutor(RACERS) as pool:
        booked = sum(pool.map(book, arena.clinic.patients))
    print(f"looked at first: {booked} of {RACERS} were told that it is theirs")
    assert booked > 1
