"""The log of sagas in memory."""

from collections.abc import Collection, Sequence
from datetime import datetime

import attrs

from adapters.memory.state import State
from telemed_core.domain.ids import Id, SagaId
from telemed_core.domain.instants import EPOCH, SKEW
from telemed_core.domain.sagas import LEASE, Intervention, Phase, PublishedMark, SagaEntry, SagaRow, SagaStart
from telemed_core.domain.texts import Text
from telemed_core.errors import NotFoundError, StaleVersionError


@attrs.frozen
class MemorySagaLog:
    """Sagas in memory."""

    _state: State

    def claim(self, owner: str, /, *, now: datetime, limit: int) -> Sequence[SagaRow]:
        with self._state.lock:
            due = [row for row in self._state.waiting.values() if _is_due(row, now=now) and not _is_held(row, now=now)]
            claimed = [_claimed(row, owner, now=now) for row in sorted(due, key=_by_due)[:limit]]
            for row in claimed:
                self._state.keep(row)
        return claimed

    def append(
        self, entry: SagaEntry, /, *, starting: Collection[SagaStart] = (), mark: PublishedMark | None = None
    ) -> SagaRow:
        state = self._state
        with state.lock:
            if state.was_written(entry):
                return entry.after
            if mark is not None:
                if state.published.get(mark.subject, 0) != mark.before:
                    raise StaleVersionError
                state.published[mark.subject] = mark.after
            state.keep(entry.after)
            for start in starting:
                state.start(start, at=entry.at)
        return entry.after

    def renew(self, row: SagaRow, /, *, now: datetime) -> SagaRow:
        with self._state.lock:
            renewed = attrs.evolve(self._state.held(row), owner=row.owner, lease_until=now + LEASE)
            self._state.keep(renewed)
        return renewed

    def owners(self) -> Collection[str]:
        with self._state.lock:
            return {row.owner for row in self._state.waiting.values() if row.owner is not None}

    def free(self, owners: Collection[str], /) -> int:
        with self._state.lock:
            freed = [row for row in self._state.waiting.values() if row.owner in owners]
            for row in freed:
                self._state.keep(attrs.evolve(row, owner=None, lease_until=None))
        return len(freed)

    def published(self, subject: Id, /) -> int:
        with self._state.lock:
            return self._state.published.get(subject, 0)

    def get(self, saga_id: SagaId, /) -> tuple[SagaRow, Sequence[Intervention]]:
        with self._state.lock:
            row = self._state.sagas.get(saga_id)
            if row is None:
                raise NotFoundError
            return row, tuple(self._state.interventions.get(saga_id, ()))

    def list(
        self,
        *,
        name: str | None = None,
        phases: Collection[Phase] = (),
        subject: Id | None = None,
        after: tuple[datetime, SagaId] | None = None,
        limit: int,
    ) -> Sequence[SagaRow]:
        with self._state.lock:
            rows = [*self._state.sagas.values()]
        found = (
            row
            for row in rows
            if name in {None, row.name}
            and (not phases or row.progress.phase in phases)
            and subject in {None, row.subject}
            and (after is None or _by_start(row) < after)
        )
        return sorted(found, key=_by_start, reverse=True)[:limit]

    def intervene(self, entry: SagaEntry, intervention: Intervention, reason: Text, /) -> SagaRow:
        state = self._state
        with state.lock:
            state.held(entry.before)
            row = attrs.evolve(entry.after, fence=entry.before.fence + 1)
            state.keep(row)
            state.interventions.setdefault(row.id, []).append(intervention)
            state.texts[reason.key] = reason.body
        return row


def _is_due(row: SagaRow, *, now: datetime) -> bool:
    return row.due_at is not None and row.due_at <= now


def _is_held(row: SagaRow, *, now: datetime) -> bool:
    return row.lease_until is not None and now < row.lease_until <= now + LEASE + SKEW


def _claimed(row: SagaRow, owner: str, *, now: datetime) -> SagaRow:
    return attrs.evolve(row, fence=row.fence + 1, claims=row.claims + 1, owner=owner, lease_until=now + LEASE)


def _by_due(row: SagaRow) -> tuple[datetime, SagaId]:
    return row.due_at or EPOCH, row.id


def _by_start(row: SagaRow) -> tuple[datetime, SagaId]:
    return row.started_at, row.id
