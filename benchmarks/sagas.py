"""What a saga of six steps costs on each log, its participants doing nothing, beside the least statements for it."""

import re
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import count, islice
from pathlib import Path
from statistics import median
from typing import Any, Final

import attrs
import psycopg
from sqlalchemy import event, insert

from adapters.memory.sagas import MemorySagaLog
from adapters.memory.state import State
from adapters.sealing import open_sealing
from adapters.sql import migrate
from adapters.sql.engine import parse_url
from adapters.sql.saga_rows import _values
from adapters.sql.sagas import SqlSagaLog
from adapters.sql.tables import SAGAS
from adapters.sql.transactions import Database
from adapters.system import SystemClock
from integration.postgres import PostgresServer
from telemed_core.domain.ids import Id, SagaId
from telemed_core.domain.instants import EPOCH
from telemed_core.domain.sagas import LEASE, SagaEntry, SagaRow, SagaStart
from telemed_core.ports.sagas import SagaLog
from telemed_core.saga.deciding import Ok, apply
from telemed_core.saga.definition import Kind, Saga, Step
from telemed_core.saga.running import RunSagas
from telemed_core.saga.sagas import Registry

ROUNDS: Final = 7
BATCH: Final = 100

BOOK: Final = Saga(
    "book",
    1,
    (
        *(Step(name=f"reserve_{name}", kind=Kind.COMPENSATABLE, do="do", undo="do") for name in "abc"),
        Step(name="confirm", kind=Kind.PIVOT, do="do", resolve="do"),
        *(Step(name=f"tell_{name}", kind=Kind.RETRIABLE, do="do") for name in "ab"),
    ),
)
REGISTRY: Final = Registry.of([BOOK])
STEPS: Final = len(BOOK.steps)
CLOCK: Final = SystemClock()
NORMAL: Final = "PRAGMA synchronous=NORMAL"
FULL: Final = "PRAGMA synchronous=FULL"

COLUMNS: Final = [column.name for column in SAGAS.columns]
INSERT: Final = f"INSERT INTO sagas ({', '.join(COLUMNS)}) VALUES ({', '.join(f':{name}' for name in COLUMNS)})"
CHANGING: Final = [name for name in COLUMNS if name not in {"id", "name", "subject", "version", "digest", "started_at"}]
CLAIM: Final = (
    "UPDATE sagas SET fence = fence + 1, claims = claims + 1, owner = 'bare', lease_until = :now + 10000000 WHERE id ="
    " (SELECT id FROM sagas WHERE due_at <= :now AND (lease_until IS NULL OR lease_until <= :now"
    " OR lease_until > :now + 310000000) ORDER BY due_at, id LIMIT 1 {lock}) RETURNING *"
)
WRITE: Final = (
    f"UPDATE sagas SET {', '.join(f'{name} = :{name}' for name in CHANGING)}"
    " WHERE id = :id AND seq = :seq - 1 AND fence = :fence"
)


@attrs.define
class Cost:
    """Of each saga, by round, in microseconds: of this process's CPU, and of the clock on the wall."""

    cpu: list[float] = attrs.Factory(list)
    wall: list[float] = attrs.Factory(list)

    def add(self, run: Callable[[], object]) -> None:
        """Let one more batch run."""
        cpu, wall = time.process_time(), time.perf_counter()
        run()
        self.wall.append((time.perf_counter() - wall) / BATCH * 1e6)
        self.cpu.append((time.process_time() - cpu) / BATCH * 1e6)

    def show(self, name: str, floor: "Cost | None" = None) -> None:
        ratio = f"{median(self.cpu) / median(floor.cpu):8.2f}" if floor else "       –"
        steps = STEPS / median(self.wall) * 1e6
        print(f"{name:<58}{median(self.cpu):10.1f}{min(self.cpu):10.1f}{max(self.cpu):10.1f}{ratio}{steps:10.0f}")


@attrs.define
class CountingLog:
    """Counts what is written."""

    _log: SagaLog
    writes: int = 0

    def __getattr__(self, name: str) -> Any:
        self.writes += name in {"claim", "append", "renew"}
        return getattr(self._log, name)


def due_rows() -> Iterator[SagaRow]:
    """Sagas that have just been started, without end."""
    for number in count():
        saga_id = SagaId(f"saga-{number:06}")
        yield REGISTRY.begin(SagaStart(saga_id, BOOK.name, Id(saga_id)), at=CLOCK.now())


def ours(log: SagaLog, put: Callable[[list[SagaRow]], object]) -> Cost:
    """Through the runner, on a log into which the rows are put."""
    run = RunSagas(log, REGISTRY, {"do": lambda _: Ok()}, CLOCK, "host:1:1", lambda _: None)
    rows, cost = due_rows(), Cost()
    for _ in range(ROUNDS):
        put([*islice(rows, BATCH)])
        cost.add(lambda: run(limit=BATCH))
    assert run() == 0
    return cost


def on_memory() -> tuple[Cost, float]:
    """What it costs there, and how often the log is written for each saga."""
    state = State()

    def put(rows: list[SagaRow]) -> None:
        for row in rows:
            state.keep(row)

    counting: Any = CountingLog(MemorySagaLog(state))
    ours(counting, put)
    state.sagas.clear()
    # The last claim has found nothing, and written nothing.
    return ours(MemorySagaLog(state), put), (counting.writes - 1) / ROUNDS / BATCH


def on_sql(url: str, *, pragma: str | None) -> Cost:
    """On our log in a migrated database."""
    database = Database(parse_url(url), pool_size=1, patience=LEASE)
    engine = database._here().engine
    if pragma:
        # After the adapter's own, which says FULL.
        event.listen(engine, "connect", lambda connection, _: connection.execute(pragma))

    def put(rows: list[SagaRow]) -> None:
        with engine.begin() as connection:
            connection.execute(insert(SAGAS), [_values(row) for row in rows])

    try:
        return ours(SqlSagaLog(database, open_sealing(pepper=b"p" * 32, data_key=b"d" * 32)), put)
    finally:
        database.close()


def entries(row: SagaRow) -> Iterator[SagaRow]:
    """The row after each of its steps."""
    now = CLOCK.now()
    row = attrs.evolve(row, fence=1, claims=1, owner="bare", lease_until=now + LEASE)
    while row.progress.phase.runs:
        progress, _ = apply(BOOK, row.id, row.progress, Ok())
        row = SagaEntry(before=row, progress=progress, at=now).after
        yield row


def stored(row: SagaRow) -> dict[str, Any]:
    """The row as the driver takes it."""
    return {
        name: _microseconds(value) if isinstance(value, datetime) else value for name, value in _values(row).items()
    }


def _microseconds(instant: datetime) -> int:
    return int((instant - EPOCH).total_seconds() * 1e6)


def bare(url: str, *, pragma: str | None) -> Cost:
    """The least statements that keep a saga, through the driver, with values that are there already."""
    connection: Any
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        connection.execute(pragma or FULL)
        begin, lock, marks = "BEGIN IMMEDIATE", "", r":\1"
    else:
        connection = psycopg.connect(url.replace("+psycopg", ""), autocommit=True)
        begin, lock, marks = "BEGIN", "FOR UPDATE SKIP LOCKED", r"%(\1)s"
    statements = (INSERT, CLAIM.format(lock=lock), WRITE)
    put, claim, write = (re.sub(r":(\w+)", marks, statement) for statement in statements)

    def run(sagas: list[list[dict[str, Any]]]) -> None:
        for written in sagas:
            now = {"now": _microseconds(CLOCK.now())}
            connection.execute(begin)
            connection.execute(claim, now).fetchone()
            connection.execute("COMMIT")
            for values in written:
                connection.execute(begin)
                connection.execute(write, values)
                connection.execute("COMMIT")

    rows, cost = due_rows(), Cost()
    for _ in range(ROUNDS):
        started = [*islice(rows, BATCH)]
        connection.execute(begin)
        for row in started:
            connection.execute(put, stored(row))
        connection.execute("COMMIT")
        sagas = [[stored(after) for after in entries(row)] for row in started]
        cost.add(lambda sagas=sagas: run(sagas))  # type: ignore[misc]
    assert connection.execute("SELECT count(*) FROM sagas WHERE phase <> 'completed'").fetchone() == (0,)
    connection.close()
    return cost


def beside_floor(name: str, make_url: Callable[[], str], *, pragma: str | None = None) -> None:
    """Ours and the bare driver, each on a migrated database of its own."""
    floor = bare(make_url(), pragma=pragma)
    on_sql(make_url(), pragma=pragma).show(f"6-step saga on {name}", floor)
    floor.show("  the least statements in the bare driver", floor)


def main() -> None:
    print(f"\n{'CPU microseconds per saga':<58}{'median':>10}{'least':>10}{'most':>10}{'ratio':>8}{'steps/s':>10}")
    cost, writes = on_memory()
    cost.show(f"6-step saga on memory, {writes:g} conditional writes")
    with tempfile.TemporaryDirectory() as folder:
        numbers = count()

        def new_file() -> str:
            url = f"sqlite:///{Path(folder) / f'{next(numbers)}.db'}"
            migrate(url)
            return url

        beside_floor("SQLite (WAL, NORMAL)", new_file, pragma=NORMAL)
        beside_floor("SQLite (WAL, FULL)", new_file)
    with PostgresServer(durable=True) as server:
        beside_floor("Postgres (durable)", lambda: server.url(server.create()))


if __name__ == "__main__":
    main()
