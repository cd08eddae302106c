"""No read of the journey goes through a whole table, however large it grows."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

from adapters.sql.tables import METADATA
from integration.sql.journey import a_day, read_everything
from telemed_core.ports.storage import Stores

SEEN_WHOLE = {
    # Without a filter, its rows are read in the order of its key, up to a limit.
    "doctors",
    # What waits to be cancelled is little, and is wanted in the order of its key, up to a limit.
    "block_cancellations",
}

# Lists without a filter are read in the order of one of these, up to a limit; the last ones hold what is running, only.
READ_IN_ORDER = ("ix_sagas_started", "ix_notices_log", "ix_sagas_owner", "ix_signals_owner")


@contextmanager
def statements_of(stores: Stores) -> Iterator[dict[str, tuple[Any, Engine]]]:
    """Each statement that is run on the stores meanwhile, with its last parameters."""
    engine: Engine = stores.appointments._database._here().engine  # type: ignore[attr-defined] # inside the adapter
    seen: dict[str, tuple[Any, Engine]] = {}

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
            seen[statement] = (parameters, engine)

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def plan(engine: Engine, statement: str, parameters: Any) -> str:
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        else:
            # The tables are too small for an index to be worth it: where there is one, it is taken all the same.
            connection.exec_driver_sql("SET enable_seqscan = off")
            rows = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
        return "\n".join(str(row[-1]) for row in rows)


def scanned(lines: str) -> set[str]:
    """The tables of ours that a plan goes through from end to end."""
    in_order = "|".join(READ_IN_ORDER)
    through = rf"^SCAN (\w+)(?! USING (?:COVERING )?INDEX (?:{in_order})$)|Seq Scan on (\w+)"
    found = re.findall(through, lines, re.MULTILINE)
    return {name for pair in found for name in pair if name in METADATA.tables}


def test_every_statement_finds_its_rows_by_an_index(stores: Stores) -> None:
    with statements_of(stores) as seen:
        read_everything(a_day(stores))
    assert len(seen) > 110
    for statement, (parameters, engine) in seen.items():
        assert scanned(plan(engine, statement, parameters)) <= SEEN_WHOLE, statement


def test_a_statement_without_an_index_is_seen_by_this(stores: Stores) -> None:
    a_day(stores)
    engine: Engine = stores.appointments._database._here().engine  # type: ignore[attr-defined] # inside the adapter
    statement = "SELECT body FROM appointments WHERE body = 'x'"
    assert scanned(plan(engine, statement, ())) == {"appointments"}


def test_the_queues_are_looked_through_by_indexes_that_hold_what_waits_only(stores: Stores) -> None:
    with statements_of(stores) as seen:
        a_day(stores)
    for table, index in (("sagas", "ix_sagas_due"), ("notices", "ix_notices_pending")):
        queued = [
            one for one in seen.items() if f"FROM {table}" in one[0] and "LIMIT" in one[0] and "due_at <=" in one[0]
        ]
        assert len(queued) == len(["looking", "taking"])
        for statement, (parameters, engine) in queued:
            assert index in plan(engine, statement, parameters), statement
