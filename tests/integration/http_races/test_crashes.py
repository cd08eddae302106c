"""A server that is killed under load: what it answered is there, what it did not answer is done once, nothing twice."""

import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from sqlalchemy import create_engine, text

from integration.http.server import Answer, Client, Installation, Server
from integration.http_races.conftest import NOW, Clinic, assert_clean, opened
from integration.http_races.load import Asked, Load
from scale import scaled

KILLS = scaled(20, ci=5)
PARENT_ALONE = 2
"""The turn in which the first process alone is killed."""

CLIENTS = 8
DOCTORS = 4
PATIENTS_EACH = 2
DAYS = 40
GONE_WITHIN = 15.0


@pytest.fixture
def clinic(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with Server(installation, logs=tmp_path_factory.mktemp("logs"), workers=2, at=NOW) as server:
        yield opened(server, doctors=DOCTORS, patients=CLIENTS * PATIENTS_EACH)


def test_a_server_killed_under_load_loses_nothing_that_it_answered_and_doubles_nothing(clinic: Clinic) -> None:
    server = clinic.server
    loads = [
        Load(number, doctors=clinic.doctors, patients=clinic.patients[number::CLIENTS], now=NOW, days=DAYS)
        for number in range(CLIENTS)
    ]
    chance = random.Random(3)
    answered = lost = done = 0
    for turn in range(KILLS):
        before = [len(load.asked) for load in loads]
        run_until_killed(server, loads, seconds=chance.uniform(0.4, 1.5), parent_alone=turn == PARENT_ALONE)
        new = [asked for load, known in zip(loads, before, strict=True) for asked in load.asked[known:]]
        server.start()
        assert_there([asked for asked in new if asked.left])
        for load in loads:
            last = load.asked[-1]
            if last.answer is None:
                answer = repeated(last)
                load.settle(last, answer)
                lost += 1
                done += answer.replayed
        answered += len(new)
    answered -= lost
    print(f"{KILLS} kills: {answered} answered, {lost} lost, of which {done} had been done")
    assert answered > 10 * KILLS
    assert lost >= KILLS, "it was not under load"
    succeeded = [asked for load in loads for asked in load.asked if asked.left]
    assert_there(succeeded)
    assert_answered_as_before(succeeded)
    assert_nothing_doubled(clinic, succeeded)
    server.stop()
    assert_clean(server)


def run_until_killed(server: Server, loads: Sequence[Load], *, seconds: float, parent_alone: bool) -> None:
    with ThreadPoolExecutor(len(loads)) as pool:
        running = [pool.submit(load.run) for load in loads]
        try:
            time.sleep(seconds)
            if parent_alone:
                server.kill_parent()
                assert server.gone(within=GONE_WITHIN), "workers outlive the server"
        finally:
            server.kill()
            for load in loads:
                load.stopped.set()
        for one in running:
            one.result(timeout=60)


def repeated(asked: Asked) -> Answer:
    """What it is answered under the same key; sent once more it is the same, and nothing is done."""
    answer = asked.send()
    if answer.status in {200, 201}:
        again = asked.send()
        assert (again.status, again.replayed, again.json) == (answer.status, True, answer.json)
    return answer


def assert_there(succeeded: Sequence[Asked]) -> None:
    """Every success that was told is in the history of what is there now, or is all of it."""
    last: dict[str, Asked] = {}
    for asked in sorted(succeeded, key=lambda one: one.left["rev"]):
        last[asked.left["id"]] = asked
    for appointment_id, asked in last.items():
        found = asked.who.client.get(f"/v1/appointments/{appointment_id}").expect(200)
        told = asked.left
        assert found["rev"] >= told["rev"], "what was answered is lost"
        assert found["history"][: told["rev"]] == told["history"]
        assert found["rev"] > told["rev"] or found == told


def assert_answered_as_before(succeeded: Sequence[Asked]) -> None:
    """Whatever happened since, a key is answered as it was at first."""
    for asked in succeeded[::5]:
        answer = asked.send()
        assert asked.answer
        assert (answer.status, answer.replayed, answer.json) == (asked.answer.status, True, asked.answer.json)


def assert_nothing_doubled(clinic: Clinic, succeeded: Sequence[Asked]) -> None:
    booked = [asked.left["id"] for asked in succeeded if asked.path == "/v1/appointments"]
    assert len(booked) == len(set(booked))
    commands = {(asked.who.id, asked.key) for asked in succeeded}
    engine = create_engine(clinic.server.installation.database_url)
    with engine.connect() as connection:
        stored = connection.execute(text("SELECT id FROM appointments")).scalars().all()
        receipts = connection.execute(text("SELECT account_id, key FROM receipts")).all()
        events = connection.execute(text("SELECT count(*) FROM events")).scalar_one()
    engine.dispose()
    assert sorted(stored) == sorted(booked)
    assert commands == {(account_id, key) for account_id, key in receipts}
    assert events == len(commands)
    for person in (*clinic.doctors, *clinic.patients):
        starts = sorted(one["start"] for one in _live(person.client))
        assert all(one < other for one, other in pairwise(starts)), "two visits at one time"


def _live(client: Client) -> Iterator[dict[str, str]]:
    cursor: dict[str, str] = {}
    while True:
        page = client.get("/v1/appointments", status=["requested", "confirmed"], limit=100, **cursor).expect(200)
        yield from page["items"]
        if page["next_cursor"] is None:
            return
        cursor = {"cursor": page["next_cursor"]}
