"""Contention is waited out for as long as patience lasts; then the answer is ``busy``, and nothing is written."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest

from adapters.sql import open_sql
from telemed_core.errors import BusyError
from telemed_core.ports.services import Sealing
from telemed_core.testing.contracts.refusals import asking
from telemed_core.testing.contracts.suite import picture
from telemed_core.testing.wiring import a_clinic

SHORT = timedelta(milliseconds=300)


@contextmanager
def locked(url: str) -> Iterator[Callable[[], None]]:
    """Somebody else holds what a writer needs, until the given function is called."""
    if url.startswith("sqlite"):
        file = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False)
        file.execute("BEGIN IMMEDIATE")
        yield file.rollback
        file.close()
    else:
        with psycopg.connect(url) as connection:
            connection.execute("LOCK TABLE claims IN ACCESS EXCLUSIVE MODE")
            yield connection.rollback


def test_what_is_locked_too_long_is_busy_and_nothing_is_written(url: str, sealing: Sealing) -> None:
    stores = open_sql(url, sealing=sealing, patience=SHORT)
    clinic = a_clinic(stores)
    doctor, patient = clinic.doctor(), clinic.patient()
    commit, command = asking(clinic, doctor, patient), clinic.command()
    before = picture(stores)
    with locked(url):
        begun = time.monotonic()
        with pytest.raises(BusyError):
            stores.appointments.apply(commit, command=command)
        assert SHORT.total_seconds() * 0.9 < time.monotonic() - begun < 5
    assert picture(stores) == before
    assert stores.appointments.apply(commit, command=command) == commit.after
    stores.close()


def test_what_is_locked_for_a_moment_is_waited_for(url: str, sealing: Sealing) -> None:
    stores = open_sql(url, sealing=sealing)
    clinic = a_clinic(stores)
    doctor, patient = clinic.doctor(), clinic.patient()
    with locked(url) as unlock:
        threading.Timer(0.3, unlock).start()
        begun = time.monotonic()
        clinic.request_appointment(doctor_id=doctor.id, start=clinic.noon(), patient=patient)
        assert time.monotonic() - begun > 0.25
    assert len(clinic.list_appointments(actor=patient)) == 1
    stores.close()


def test_deadlocked_commits_are_run_again(fresh_postgres_url: str, sealing: Sealing) -> None:
    stores = open_sql(fresh_postgres_url, sealing=sealing, patience=timedelta(seconds=10))
    clinic = a_clinic(stores)
    doctor, patient = clinic.doctor(), clinic.patient()
    with psycopg.connect(fresh_postgres_url) as other, ThreadPoolExecutor(1) as pool:
        other.execute("SET deadlock_timeout = '60s'")
        other.execute("LOCK TABLE claims IN ACCESS EXCLUSIVE MODE")
        asked = pool.submit(
            lambda: clinic.request_appointment(doctor_id=doctor.id, start=clinic.noon(), patient=patient)
        )
        while not _someone_waits(fresh_postgres_url):
            time.sleep(0.02)
        # Ours holds the quota and waits for the claims: it is the one that finds the deadlock, and gives way.
        other.execute("UPDATE quotas SET pending = pending")
        other.rollback()
        assert asked.result(timeout=30).rev == 1
    assert len(clinic.list_appointments(actor=patient)) == 1
    stores.close()


def _someone_waits(url: str) -> bool:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
    return found is not None and found[0] > 0


def test_threads_of_one_process_take_turns(url: str, sealing: Sealing) -> None:
    stores = open_sql(url, sealing=sealing, pool_size=4)
    clinic = a_clinic(stores)
    with ThreadPoolExecutor(24) as pool:
        patients = list(pool.map(clinic.patient, range(1, 61)))
    assert len({stores.patients.get(one.id).person_id for one in patients}) == 60
    stores.close()
