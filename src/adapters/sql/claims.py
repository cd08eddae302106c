"""Everyone's time: the statements on the table ``claims``, whose key makes an overlap impossible."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import Connection, TextClause, text

from telemed_core.domain.commit import ClaimChange
from telemed_core.domain.ids import AppointmentId, PersonId

Row = tuple[str, int, str | None]
"""A person, a cell, and whose it is to be."""

# Rows arrive as one JSON text, so that every statement is the same text however many they are.
_ROWS: Final = {
    "sqlite": "(SELECT json_extract(value, '$[0]') AS person_id, json_extract(value, '$[1]') AS cell,"
    " json_extract(value, '$[2]') AS appointment_id FROM json_each(:rows))",
    "postgresql": "(SELECT value ->> 0 AS person_id, CAST(value ->> 1 AS integer) AS cell,"
    " value ->> 2 AS appointment_id FROM json_array_elements(CAST(:rows AS json)))",
}


def _on_rows(statement: str) -> dict[str, TextClause]:
    return {dialect: text(statement.format(rows=rows)) for dialect, rows in _ROWS.items()}


_FREE: Final = _on_rows(
    "DELETE FROM claims WHERE (person_id, cell, appointment_id) IN"
    " (SELECT person_id, cell, appointment_id FROM {rows} AS held)"
)
_TAKE: Final = _on_rows(
    "INSERT INTO claims (person_id, cell, appointment_id)"
    " SELECT person_id, cell, appointment_id FROM {rows} AS wanted WHERE true ON CONFLICT DO NOTHING"
)
_HELD: Final = _on_rows(
    "SELECT claims.person_id, claims.cell, claims.appointment_id FROM {rows} AS asked"
    " JOIN claims ON claims.person_id = asked.person_id AND claims.cell = asked.cell"
)


def move(connection: Connection, changes: Sequence[ClaimChange]) -> bool:
    """Free, then take; whether every cell was its owner's before. If not, the transaction is to be rolled back."""
    freed = [(one.person_id, cell, one.before) for one in changes if one.before is not None for cell in one.cells]
    taken = [(one.person_id, cell, one.after) for one in changes if one.after is not None for cell in one.cells]
    return _all_done(connection, _FREE, freed) and _all_done(connection, _TAKE, taken)


def others(connection: Connection, changes: Iterable[ClaimChange]) -> dict[PersonId, set[AppointmentId]]:
    """Each person of whom a cell is not its ``before``'s, with the owners of such cells."""
    expected = {(one.person_id, cell): one.before for one in changes for cell in one.cells}
    held = {
        (person, cell): owner
        for person, cell, owner in _run(connection, _HELD, [(person, cell, None) for person, cell in expected])
    }
    found: dict[PersonId, set[AppointmentId]] = {}
    for key, before in expected.items():
        owner = held.get(key)
        if owner != before:
            found.setdefault(key[0], set()).update(() if owner is None else (AppointmentId(owner),))
    return found


def _all_done(connection: Connection, statements: dict[str, TextClause], rows: Sequence[Row]) -> bool:
    return not rows or _run(connection, statements, sorted(rows)).rowcount == len(rows)


def _run(connection: Connection, statements: dict[str, TextClause], rows: Sequence[Row]) -> Any:
    return connection.execute(statements[connection.dialect.name], {"rows": orjson.dumps(rows).decode()})
