"""The log of sagas in SQL: one row per saga, one conditional write per transition."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

import attrs
from sqlalchemy import Connection, bindparam, insert, select, text, tuple_, update

from adapters.sql.records import write_texts
from adapters.sql.saga_rows import load, read_row, start_sagas, write_entry
from adapters.sql.tables import INTERVENTIONS, PUBLISHED, SAGAS, Instant
from adapters.sql.transactions import Database
from telemed_core.domain.ids import Id, SagaId
from telemed_core.domain.instants import EPOCH, SKEW
from telemed_core.domain.sagas import LEASE, Intervention, Phase, PublishedMark, SagaEntry, SagaRow, SagaStart, Verb
from telemed_core.domain.texts import Text
from telemed_core.errors import FencedError, NotFoundError, StaleVersionError
from telemed_core.ports.services import Sealing

_NOW: Final = bindparam("now", type_=Instant)
_DUE: Final = (
    select(SAGAS.c.id)
    .where(
        SAGAS.c.due_at <= _NOW,
        SAGAS.c.lease_until.is_(None)
        | (SAGAS.c.lease_until <= _NOW)
        | (SAGAS.c.lease_until > bindparam("no_lease", type_=Instant)),
    )
    .order_by(SAGAS.c.due_at, SAGAS.c.id)
    .limit(bindparam("most"))
)
_TAKEN: Final = _DUE.with_for_update(skip_locked=True).cte("taken")
_CLAIM: Final = (
    update(SAGAS)
    .where(SAGAS.c.id.in_(select(_TAKEN.c.id)))
    .values(
        fence=SAGAS.c.fence + 1,
        claims=SAGAS.c.claims + 1,
        owner=bindparam("claimed_by"),
        lease_until=bindparam("until", type_=Instant),
    )
    .returning(SAGAS)
)
_RENEW: Final = (
    update(SAGAS)
    .where(
        SAGAS.c.id == bindparam("of"),
        SAGAS.c.seq == bindparam("seq_before"),
        SAGAS.c.fence == bindparam("fence_before"),
    )
    .values(owner=bindparam("held_by"), lease_until=bindparam("until", type_=Instant))
)
_OWNERS: Final = select(SAGAS.c.owner).where(SAGAS.c.owner.is_not(None)).distinct()
_FREE: Final = (
    update(SAGAS).where(SAGAS.c.owner.in_(bindparam("owners", expanding=True))).values(owner=None, lease_until=None)
)
_PUBLISHED: Final = select(PUBLISHED.c.seq).where(PUBLISHED.c.subject == bindparam("subject"))
_FIRST_MARK: Final = text("INSERT INTO published (subject, seq) VALUES (:of, :seq) ON CONFLICT DO NOTHING")
_MOVE_MARK: Final = update(PUBLISHED).where(
    PUBLISHED.c.subject == bindparam("of"), PUBLISHED.c.seq == bindparam("seq_before")
)
_INTERVENTIONS: Final = (
    select(INTERVENTIONS).where(INTERVENTIONS.c.saga_id == bindparam("saga_id")).order_by(INTERVENTIONS.c.seq)
)
_INTERVENE: Final = insert(INTERVENTIONS)
_LIST: Final = select(SAGAS).order_by(SAGAS.c.started_at.desc(), SAGAS.c.id.desc())


@attrs.frozen
class SqlSagaLog:
    """Sagas in SQL."""

    _database: Database
    _sealing: Sealing

    def claim(self, owner: str, /, *, now: datetime, limit: int) -> Sequence[SagaRow]:
        asked = {"now": now, "no_lease": now + LEASE + SKEW, "most": limit}
        # Looking costs no turn to write: most of the time there is nothing.
        if not self._database.read(lambda connection: connection.execute(_DUE, {**asked, "most": 1}).all()):
            return []

        taking = {**asked, "claimed_by": owner, "until": now + LEASE}

        def work(connection: Connection) -> list[SagaRow]:
            return [load(row) for row in connection.execute(_CLAIM, taking)]

        return sorted(self._database.write(work), key=lambda row: (row.due_at or EPOCH, row.id))

    def append(
        self, entry: SagaEntry, /, *, starting: Collection[SagaStart] = (), mark: PublishedMark | None = None
    ) -> SagaRow:
        def work(connection: Connection) -> SagaRow:
            if write_entry(connection, entry):
                if mark is not None:
                    _move_mark(connection, mark)
                start_sagas(connection, starting, at=entry.at)
            return entry.after

        return self._database.write(work)

    def renew(self, row: SagaRow, /, *, now: datetime) -> SagaRow:
        renewed = attrs.evolve(row, lease_until=now + LEASE)
        asked = {"of": row.id, "seq_before": row.seq, "fence_before": row.fence, "held_by": row.owner}

        def work(connection: Connection) -> SagaRow:
            if not connection.execute(_RENEW, {**asked, "until": renewed.lease_until}).rowcount:
                raise FencedError
            return renewed

        return self._database.write(work)

    def owners(self) -> Collection[str]:
        return self._database.read(lambda connection: {*connection.execute(_OWNERS).scalars()})

    def free(self, owners: Collection[str], /) -> int:
        asked = {"owners": [*owners]}
        return self._database.write(lambda connection: connection.execute(_FREE, asked).rowcount)

    def published(self, subject: Id, /) -> int:
        asked = {"subject": subject}
        return self._database.read(lambda connection: connection.execute(_PUBLISHED, asked).scalar()) or 0

    def get(self, saga_id: SagaId, /) -> tuple[SagaRow, Sequence[Intervention]]:
        def work(connection: Connection) -> tuple[SagaRow, Sequence[Intervention]]:
            row = read_row(connection, saga_id)
            if row is None:
                raise NotFoundError
            made = connection.execute(_INTERVENTIONS, {"saga_id": saga_id})
            return row, tuple(
                Intervention(saga_id=saga_id, seq=one.seq, at=one.at, by=one.by, verb=Verb(one.verb)) for one in made
            )

        return self._database.read_at_once(work)

    def list(
        self,
        *,
        name: str | None = None,
        phases: Collection[Phase] = (),
        subject: Id | None = None,
        after: tuple[datetime, SagaId] | None = None,
        limit: int,
    ) -> Sequence[SagaRow]:
        statement = _LIST.limit(limit)
        if name is not None:
            statement = statement.where(SAGAS.c.name == name)
        if phases:
            statement = statement.where(SAGAS.c.phase.in_([phase.value for phase in phases]))
        if subject is not None:
            statement = statement.where(SAGAS.c.subject == subject)
        if after is not None:
            statement = statement.where(tuple_(SAGAS.c.started_at, SAGAS.c.id) < after)
        return self._database.read(lambda connection: [load(row) for row in connection.execute(statement)])

    def intervene(self, entry: SagaEntry, intervention: Intervention, reason: Text, /) -> SagaRow:
        left = attrs.evolve(entry.after, fence=entry.before.fence + 1)

        def work(connection: Connection) -> SagaRow:
            if write_entry(connection, entry, fence=left.fence):
                row = {"saga_id": intervention.saga_id, "seq": intervention.seq, "at": intervention.at}
                connection.execute(_INTERVENE, {**row, "by": intervention.by, "verb": intervention.verb.value})
                write_texts(connection, self._sealing, [reason])
            return left

        return self._database.write(work)


def _move_mark(connection: Connection, mark: PublishedMark) -> None:
    statement = _MOVE_MARK if mark.before else _FIRST_MARK
    asked = {"of": mark.subject, "seq": mark.after, "seq_before": mark.before}
    if not mark.before:
        del asked["seq_before"]
    if not connection.execute(statement, asked).rowcount:
        raise StaleVersionError
