"""Rows of the saga log, as every transaction writes them that starts a saga or moves one on."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import attrs
from sqlalchemy import Connection, Row, bindparam, select, text, update

from adapters.sql.tables import SAGAS, Instant
from telemed_core.domain.ids import Id, SagaId
from telemed_core.domain.sagas import Phase, Progress, SagaEntry, SagaRow, SagaStart
from telemed_core.errors import FencedError
from telemed_core.saga.sagas import REGISTRY

_COLUMNS: Final = tuple(column.name for column in SAGAS.columns)
_NEVER_CHANGED: Final = frozenset({"id", "name", "subject", "version", "digest", "started_at"})
_INSTANTS: Final = ("lease_until", "due_at", "started_at", "changed_at")
_START: Final = text(
    f"INSERT INTO sagas ({', '.join(_COLUMNS)}) VALUES ({', '.join(f':{name}' for name in _COLUMNS)})"  # noqa: S608 # our own names
    " ON CONFLICT DO NOTHING"
).bindparams(*(bindparam(name, type_=Instant) for name in _INSTANTS))
_GET: Final = select(SAGAS).where(SAGAS.c.id == bindparam("saga_id"))
_WRITE: Final = update(SAGAS).where(
    SAGAS.c.id == bindparam("of"), SAGAS.c.seq == bindparam("seq_before"), SAGAS.c.fence == bindparam("fence_before")
)
_COMPLETE: Final = (
    update(SAGAS)
    .where(SAGAS.c.id == bindparam("of"), SAGAS.c.due_at.is_not(None))
    .values(phase=Phase.COMPLETED.value, seq=SAGAS.c.seq + 1, claims=0, owner=None, lease_until=None, due_at=None)
)


def start_sagas(connection: Connection, sagas: Iterable[SagaStart], *, at: datetime) -> None:
    """Record sagas that are to carry on, but for those that are there already."""
    rows = [_values(REGISTRY.begin(start, at=at)) for start in sagas]
    if rows:
        connection.execute(_START, rows)


def write_entry(connection: Connection, entry: SagaEntry, *, fence: int | None = None) -> bool:
    """Move the saga on; whether this call did it, and not an earlier one of the same entry whose answer was lost.

    Args:
        fence: what it is afterwards; ``None``: as it was.

    Raises:
        FencedError: somebody else did.
    """
    after = entry.after if fence is None else attrs.evolve(entry.after, fence=fence)
    changed = {name: value for name, value in _values(after).items() if name not in _NEVER_CHANGED}
    asked = {"of": after.id, "seq_before": entry.before.seq, "fence_before": entry.before.fence}
    if connection.execute(_WRITE, {**changed, **asked}).rowcount:
        return True
    if read_row(connection, after.id) != after:
        raise FencedError
    return False


def complete(connection: Connection, saga_id: SagaId) -> None:
    """Record that nothing is left to do."""
    connection.execute(_COMPLETE, {"of": saga_id})


def read_row(connection: Connection, saga_id: SagaId) -> SagaRow | None:
    """The saga; ``None``: there is none."""
    row = connection.execute(_GET, {"saga_id": saga_id}).one_or_none()
    return None if row is None else load(row)


def load(row: Row[Any]) -> SagaRow:
    """The saga in a row of the table."""
    return SagaRow(
        id=SagaId(row.id),
        name=row.name,
        subject=Id(row.subject),
        version=row.version,
        digest=row.digest,
        progress=Progress(
            phase=Phase(row.phase),
            step=row.step,
            attempt=row.attempt,
            error=row.error,
            stuck_in=None if row.stuck_in is None else Phase(row.stuck_in),
        ),
        seq=row.seq,
        fence=row.fence,
        claims=row.claims,
        owner=row.owner,
        lease_until=row.lease_until,
        due_at=row.due_at,
        started_at=row.started_at,
        changed_at=row.changed_at,
    )


def _values(row: SagaRow) -> dict[str, Any]:
    progress = row.progress
    return {
        **{name: getattr(row, name) for name in _COLUMNS if hasattr(row, name)},
        "phase": progress.phase.value,
        "step": progress.step,
        "attempt": progress.attempt,
        "error": progress.error,
        "stuck_in": None if progress.stuck_in is None else progress.stuck_in.value,
    }
