"""The statements of one request, without the domain: through SQLAlchemy Core, and through the bare driver."""

import re
import sqlite3
import time
from collections.abc import Callable
from typing import Any

import psycopg
from sqlalchemy import create_engine, event, text

TABLES = (
    "CREATE TABLE schedules (doctor_id TEXT PRIMARY KEY, rev INTEGER, bookable INTEGER, body TEXT)",
    "CREATE TABLE quotas (person_id TEXT PRIMARY KEY, pending INTEGER, live INTEGER)",
    "CREATE TABLE appointments (id TEXT PRIMARY KEY, doctor_id TEXT, patient_id TEXT, starts_at INTEGER, body TEXT)",
    "CREATE TABLE claims (person_id TEXT, cell INTEGER, appointment_id TEXT, PRIMARY KEY (person_id, cell))",
    "CREATE TABLE events (appointment_id TEXT, seq INTEGER, body TEXT, PRIMARY KEY (appointment_id, seq))",
    "CREATE TABLE sagas (id TEXT PRIMARY KEY, name TEXT, subject TEXT, version INTEGER, digest TEXT, phase TEXT,"
    " step INTEGER, attempt INTEGER, seq INTEGER, fence INTEGER, claims INTEGER, due_at INTEGER, started_at INTEGER,"
    " changed_at INTEGER)",
    "INSERT INTO schedules VALUES ('d', 1, 1, '{}')",
)
READ = "SELECT rev, bookable, body FROM schedules WHERE doctor_id = 'd'"
BODY = "x" * 600
WRITES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("SELECT rev, bookable FROM schedules WHERE doctor_id = 'd'", ()),
    ("UPDATE quotas SET pending = pending + 1, live = live + 1 WHERE person_id = :p AND pending < 3", ("p",)),
    ("INSERT INTO appointments VALUES (:a, 'd', :p, :n, :b)", ("a", "p", "n", "b")),
    ("INSERT INTO claims VALUES ('d', :n, :a), (:p, :n, :a) ON CONFLICT DO NOTHING", ("n", "a", "p")),
    ("INSERT INTO events VALUES (:a, 1, :b)", ("a", "b")),
    ("INSERT INTO sagas VALUES (:a, 'request', :a, 1, 'digest', 'forward', 1, 1, 0, 0, 0, 0, :n, :n)", ("a", "n")),
)


def _timed(rounds: int, batch: int, book: Callable[[dict[str, Any]], None]) -> list[float]:
    found, number = [], 0
    for _ in range(rounds):
        begun = time.perf_counter()
        for _ in range(batch):
            number += 1
            book({"a": f"a{number}", "p": f"p{number // 3}", "n": number, "b": BODY})
        found.append((time.perf_counter() - begun) / batch * 1e6)
    return found


def _people(rounds: int, batch: int) -> list[str]:
    return [f"INSERT INTO quotas VALUES ('p{number}', 0, 0)" for number in range(rounds * batch // 3 + 1)]


def core_statements(url: str, rounds: int, batch: int) -> list[float]:
    """Microseconds per request through SQLAlchemy Core on an empty database, by round."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def _(connection: sqlite3.Connection, __: object) -> None:
            connection.isolation_level = None
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")

        @event.listens_for(engine, "begin")
        def _(connection: Any) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    with engine.begin() as connection:
        for statement in (*TABLES, *_people(rounds, batch)):
            connection.exec_driver_sql(statement)
    read, writes = text(READ), [(text(statement), names) for statement, names in WRITES]
    reading = engine.execution_options(isolation_level="AUTOCOMMIT")

    def book(values: dict[str, Any]) -> None:
        with reading.connect() as connection:
            connection.execute(read).one()
        with engine.begin() as connection:
            for statement, names in writes:
                connection.execute(statement, {name: values[name] for name in names})

    found = _timed(rounds, batch, book)
    engine.dispose()
    return found


def bare_driver(url: str, rounds: int, batch: int) -> list[float]:
    """Microseconds per request through sqlite3 or psycopg on an empty database, by round."""
    connection: Any
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        begin, writes = "BEGIN IMMEDIATE", WRITES
    else:
        connection = psycopg.connect(url.replace("+psycopg", ""), autocommit=True)
        begin, writes = "BEGIN", tuple((re.sub(r":(\w)", r"%(\1)s", statement), names) for statement, names in WRITES)
    for statement in (*TABLES, *_people(rounds, batch)):
        connection.execute(statement)

    def book(values: dict[str, Any]) -> None:
        connection.execute(READ).fetchone()
        connection.execute(begin)
        for statement, names in writes:
            connection.execute(statement, {name: values[name] for name in names})
        connection.execute("COMMIT")

    found = _timed(rounds, batch, book)
    connection.close()
    return found
