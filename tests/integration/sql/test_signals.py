"""Talk is cheap: few statements, one look for all meetings, nothing is unsealed in vain, and nobody waits in vain."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import psycopg
import pytest
from sqlalchemy import Engine, insert

from adapters.sql import open_sql
from adapters.sql.tables import SIGNALS
from integration.sql.talker import PROCESSES
from integration.sql.test_contention import SHORT, locked
from integration.sql.test_plans import plan, statements_of
from integration.sql.test_sagas import WRITING, seen_on, writes
from telemed_core.domain.ids import MeetingId
from telemed_core.domain.signals import MOST_KEPT, Signal
from telemed_core.errors import BusyError, SeatLostError, UnavailableError
from telemed_core.ports.services import Sealing
from telemed_core.ports.storage import Stores
from telemed_core.testing.contracts.ratings import a_rated
from telemed_core.testing.contracts.signals import (
    DOCTOR,
    MEETING,
    NEWER_DOCTOR,
    OTHER,
    OWNER,
    PATIENT,
    a_seat,
    entered,
    log_of,
    say,
    words,
)
from telemed_core.testing.wiring import a_clinic

SRC = Path(__file__).parents[3] / "src"
TALKER = Path(__file__).parent / "talker.py"
LOG = f"SELECT seq FROM signal_logs WHERE meeting_id = '{MEETING}' FOR UPDATE"
MEETINGS = [MeetingId(f"meeting-{number}") for number in range(1, 201)]


@attrs.frozen
class CountedSealing:
    """Counts what is unsealed."""

    _sealing: Sealing
    unsealed: list[str] = attrs.field(factory=list[str])

    def seal(self, plain: str, /, *, context: str) -> bytes:
        return self._sealing.seal(plain, context=context)

    def unseal(self, sealed: bytes, /, *, context: str) -> str:
        self.unsealed.append(context)
        return self._sealing.unseal(sealed, context=context)

    def index(self, space: str, value: str, /) -> str:
        return self._sealing.index(space, value)


def test_a_message_is_three_statements_and_one_transaction(stores: Stores) -> None:
    entered(stores, DOCTOR)
    with seen_on(stores) as seen:
        say(stores, DOCTOR, 1)
    assert (writes(seen), len(seen) - seen.count("BEGIN IMMEDIATE"), seen.count("COMMIT")) == (3, 4, 1)
    say(stores, DOCTOR, *range(2, MOST_KEPT + 2))
    with seen_on(stores) as seen:
        say(stores, DOCTOR, MOST_KEPT + 2)
    assert (writes(seen), seen.count("COMMIT")) == (4, 1)
    assert len(log_of(stores)) == MOST_KEPT + 1


def test_many_meetings_are_looked_through_by_one_read_that_costs_no_turn_to_write(stores: Stores) -> None:
    entered(stores, *(a_seat("d-1", meeting=one) for one in MEETINGS))
    with seen_on(stores) as seen:
        assert stores.signals.read(dict.fromkeys(MEETINGS, 1)) == {}
        assert len(stores.signals.read(dict.fromkeys(MEETINGS, 0))) == len(MEETINGS)
    assert [one for one in seen if one.startswith(WRITING) or one == "COMMIT"] == []
    assert len(seen) == len(["nothing new", "something new everywhere"])


def test_logs_are_looked_up_by_their_keys_however_many_there_are(stores: Stores) -> None:
    with statements_of(stores) as seen:
        assert stores.signals.read(dict.fromkeys(MEETINGS, 99)) == {}
    ((statement, (parameters, engine)),) = seen.items()
    row = {"side": "doctor", "connection_id": "d-1", "number": 1, "kind": "offer", "sealed": b"x" * 1000}
    with engine.begin() as connection:
        connection.execute(insert(SIGNALS), [{**row, "meeting_id": one, "seq": n} for one in MEETINGS for n in (1, 9)])
    with engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
        lines = "\n".join(str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {statement}", parameters))
    assert "SEARCH signals USING PRIMARY KEY" in lines or "Index Scan using signals_pkey" in lines, lines


def test_a_seat_is_found_by_an_index_that_holds_none_of_what_is_said(stores: Stores) -> None:
    entered(stores, DOCTOR)
    with statements_of(stores) as seen:
        say(stores, DOCTOR, 1)
        stores.signals.leave(DOCTOR)
    of_seats = [one for one in seen.items() if one[0].startswith("UPDATE signals ")]
    assert len(of_seats) == len(["say", "leave"])
    for statement, (parameters, engine) in of_seats:
        assert "ix_signals_presence" in plan(engine, statement, parameters), statement


def test_logs_are_read_while_somebody_writes(fresh_sqlite_url: str, sealing: Sealing) -> None:
    stores = open_sql(fresh_sqlite_url, sealing=sealing, patience=SHORT)
    entered(stores, DOCTOR)
    with locked(fresh_sqlite_url):
        assert words(log_of(stores)) == ["d-1 entered"]
        assert set(stores.signals.owners()) == {OWNER}
        for write in (
            lambda: say(stores, DOCTOR, 1),
            lambda: entered(stores, PATIENT),
            lambda: stores.signals.close(MEETING),
        ):
            with pytest.raises(BusyError):
                write()
    assert words(log_of(stores)) == ["d-1 entered"]
    stores.close()


def test_only_what_is_handed_out_is_unsealed(url: str, sealing: Sealing) -> None:
    counted = CountedSealing(sealing)
    stores = open_sql(url, sealing=counted)
    entered(stores, DOCTOR, PATIENT)
    say(stores, DOCTOR, 1, 2, 3)
    say(stores, PATIENT, 1)
    assert counted.unsealed == []
    assert words(log_of(stores, after=4)) == ["d-1:3", "p-1:1"]
    assert counted.unsealed == [f"signal/{MEETING}/doctor", f"signal/{MEETING}/patient"]
    stores.signals.leave(DOCTOR)
    assert entered(stores, NEWER_DOCTOR).waiting == ()
    assert log_of(stores, after=8) == []
    assert len(counted.unsealed) == 2
    stores.close()


def test_what_one_side_has_said_is_not_the_other_sides_nor_of_another_meeting(
    fresh_sqlite_url: str, sealing: Sealing
) -> None:
    stores = open_sql(fresh_sqlite_url, sealing=sealing)
    for meeting in (MEETING, OTHER):
        entered(stores, a_seat("d-1", meeting=meeting), a_seat("p-1", meeting=meeting))
        say(stores, a_seat("d-1", meeting=meeting), 1)
        say(stores, a_seat("p-1", meeting=meeting), 1)
    stores.close()
    for source, target in (("= 'patient'", "= 'doctor'"), ("= 'doctor' AND meeting_id <> :m", "= 'doctor'")):
        with pytest.raises(UnavailableError):
            moved(fresh_sqlite_url, sealing, source, target)


def moved(url: str, sealing: Sealing, source: str, target: str) -> None:
    """Put one sealed message in the place of another, and read."""
    stores = open_sql(url, sealing=sealing)
    engine: Engine = stores.appointments._database._here().engine  # type: ignore[attr-defined] # inside the adapter
    with engine.begin() as connection:
        found = f"SELECT sealed FROM signals WHERE sealed IS NOT NULL AND side {source}".replace(":m", f"'{MEETING}'")
        (sealed,) = connection.exec_driver_sql(found).first() or (b"",)
        change = (
            f"UPDATE signals SET sealed = ? WHERE sealed IS NOT NULL AND meeting_id = '{MEETING}' AND side {target}"
        )
        connection.exec_driver_sql(change, (sealed,))
    try:
        log_of(stores)
    finally:
        stores.close()


@contextmanager
def holding(url: str, statement: str) -> Iterator[psycopg.Connection[Any]]:
    """Somebody else has done that, and has not committed yet."""
    with psycopg.connect(url) as other:
        other.execute(statement.encode())
        yield other


def test_who_enters_waits_for_what_is_being_said_and_whoever_then_speaks_has_lost_the_seat(
    fresh_postgres_url: str, sealing: Sealing
) -> None:
    stores = open_sql(fresh_postgres_url, sealing=sealing)
    entered(stores, DOCTOR)
    with ThreadPoolExecutor(2) as pool:
        with holding(fresh_postgres_url, LOG) as other:
            entering = pool.submit(lambda: entered(stores, NEWER_DOCTOR))
            wait_for(fresh_postgres_url, 1)
            saying = pool.submit(lambda: say(stores, DOCTOR, 1))
            wait_for(fresh_postgres_url, 2)
            other.rollback()
        assert entering.result(timeout=30).seq == 2
        with pytest.raises(SeatLostError):
            saying.result(timeout=30)
    assert [(one.seq, one.connection) for one in log_of(stores)] == [(2, "d-2")]
    stores.close()


def test_who_leaves_while_seats_are_being_freed_is_not_counted(fresh_postgres_url: str, sealing: Sealing) -> None:
    stores = open_sql(fresh_postgres_url, sealing=sealing)
    entered(stores, DOCTOR, PATIENT)
    with ThreadPoolExecutor(1) as pool, holding(fresh_postgres_url, LOG) as other:
        freeing = pool.submit(lambda: stores.signals.free([OWNER]))
        wait_for(fresh_postgres_url, 1)
        other.execute("UPDATE signal_logs SET seq = 3")
        other.execute("UPDATE signals SET seq = 3, kind = 'left', owner = NULL WHERE side = 'doctor'")
        other.commit()
        assert freeing.result(timeout=30) == 1
    assert [(one.seq, one.connection) for one in log_of(stores)] == [(3, "d-1"), (4, "p-1")]
    stores.close()


def test_meetings_do_not_wait_for_each_other(fresh_postgres_url: str, sealing: Sealing) -> None:
    stores = open_sql(fresh_postgres_url, sealing=sealing, patience=SHORT)
    entered(stores, DOCTOR, PATIENT, a_seat("d-1", meeting=OTHER))
    with holding(fresh_postgres_url, LOG):
        say(stores, a_seat("d-1", meeting=OTHER), 1)
        assert words(log_of(stores, OTHER)) == ["d-1 entered", "d-1:1"]
        for write in (
            lambda: say(stores, DOCTOR, 1),
            lambda: stores.signals.leave(DOCTOR),
            lambda: stores.signals.free([OWNER]),
            lambda: stores.signals.close(MEETING),
        ):
            with pytest.raises(BusyError):
                write()
    assert words(log_of(stores)) == ["d-1 entered", "p-1 entered"]
    assert stores.signals.free([OWNER]) == 3
    stores.close()


def test_who_rates_waits_only_for_the_sum(fresh_postgres_url: str, sealing: Sealing) -> None:
    stores = open_sql(fresh_postgres_url, sealing=sealing, patience=SHORT)
    clinic = a_clinic(stores)
    doctor, other = clinic.doctor(), clinic.doctor(2)
    for number, whose in ((1, doctor), (2, other)):
        stores.ratings.add(a_rated(number, whose), command=clinic.command())
    held = f"SELECT total FROM rating_sums WHERE doctor_id = '{doctor.id}' FOR UPDATE"
    with holding(fresh_postgres_url, held):
        stores.ratings.add(a_rated(3, other), command=clinic.command())
        with pytest.raises(BusyError):
            stores.ratings.add(a_rated(4, doctor, comment="well"), command=clinic.command())
    assert [one.appointment_id for one in stores.ratings.list(doctor.id, limit=9)] == ["visit-1"]
    assert stores.texts.read([text.key for text in a_rated(4, doctor, comment="well").texts]) == {}
    stores.close()


def test_the_sum_is_the_last_that_is_written(stores: Stores) -> None:
    clinic = a_clinic(stores)
    doctor = clinic.doctor()
    with seen_on(stores) as seen:
        stores.ratings.add(a_rated(1, doctor, comment="well"), command=clinic.command())
    into = [one.split()[2] for one in seen if one.startswith("INSERT")]
    assert (into, seen.count("COMMIT")) == (["ratings", "texts", "rating_sums"], 1)


def wait_for(url: str, waiting: int) -> None:
    """Until so many wait for a lock."""
    until = time.monotonic() + 10
    with psycopg.connect(url, autocommit=True) as connection:
        while time.monotonic() < until:
            found = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            if (found.fetchone() or (0,))[0] >= waiting:
                return
            time.sleep(0.02)
    raise AssertionError


def start(url: str, process: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, TALKER, url, str(process)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(SRC)},
    )


def heard(stores: Stores, talking: Sequence["subprocess.Popen[str]"]) -> list[Signal]:
    """What somebody hears who reads on and on until all have spoken."""
    log: list[Signal] = []
    over = False
    while not over:
        over = all(process.poll() is not None for process in talking)
        log += log_of(stores, after=log[-1].seq if log else 0)
    return log


def test_processes_that_talk_at_once_are_heard_in_order_and_nothing_is_late(stores: Stores, url: str) -> None:
    talking = [start(url, process) for process in range(PROCESSES)]
    log = heard(stores, talking)
    answers = [process.communicate(timeout=60)[0] for process in talking]
    assert [process.returncode for process in talking] == [0] * PROCESSES
    said = {connection: most for answer in answers for connection, most in json.loads(answer).items()}
    seqs = [one.seq for one in log]
    assert seqs == sorted(set(seqs))
    assert {one.seq for one in log_of(stores)} <= {*seqs}, "nothing turned up behind what had been handed out"
    by_connection: dict[str, list[int]] = {}
    for one in log:
        if one.kind.said:
            connection, _, number = one.data.strip('"').rpartition(":")
            assert one.connection == connection
            by_connection.setdefault(connection, []).append(int(number))
    assert by_connection
    for connection, numbers in by_connection.items():
        assert numbers == sorted(set(numbers))
        assert numbers[-1] <= said[connection]
    presences = [(one.side, one.kind) for one in log_of(stores) if not one.kind.said]
    assert len(presences) == len({side for side, _ in presences}) == 2
