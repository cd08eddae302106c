"""The log as a process reaches it: what it answers may be lost, and what it takes is checked."""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final, TypeVar

import attrs

from integration.simulator.processes import Process
from integration.simulator.world import ViolatedError, World
from telemed_core.domain.ids import Id, SagaId
from telemed_core.domain.instants import SKEW
from telemed_core.domain.sagas import (
    LEASE,
    MOST_CLAIMS,
    Intervention,
    Phase,
    PublishedMark,
    SagaEntry,
    SagaRow,
    SagaStart,
)
from telemed_core.domain.texts import Text
from telemed_core.errors import FencedError, StaleVersionError, UnavailableError
from telemed_core.ports.sagas import SagaLog
from telemed_core.saga.deciding import Outcome, Refused, Uncertain

T = TypeVar("T")

GIVEN_UP: Final = frozenset({Phase.RESOLVING, Phase.COMPENSATING, Phase.COMPENSATED})


@attrs.frozen
class WatchedLog:
    """A log for one process, over the log of all."""

    _log: SagaLog
    _world: World
    _process: Process

    def claim(self, owner: str, /, *, now: datetime, limit: int) -> Sequence[SagaRow]:
        def claim() -> Sequence[SagaRow]:
            before = dict(self._world.rows)
            claimed = self._log.claim(owner, now=now, limit=limit)
            for row in claimed:
                self._process.note(f"claims {row.id} at {row.progress.step}, fence {row.fence}")
                _check_claim(before[row.id], now=now)
            return claimed

        self._reached("claim")
        return self._answered("claim", claim)

    def append(
        self, entry: SagaEntry, /, *, starting: Collection[SagaStart] = (), mark: PublishedMark | None = None
    ) -> SagaRow:
        return self.commit(entry, lambda: None, starting=starting, mark=mark)

    def commit(
        self,
        entry: SagaEntry,
        effect: Callable[[], None],
        *,
        starting: Collection[SagaStart] = (),
        mark: PublishedMark | None = None,
    ) -> SagaRow:
        """Write the entry and have the effect, in one transaction."""

        answer = self._process.answers.get(entry.before.id)

        def commit() -> SagaRow:
            marked, fence = self._log.published(mark.subject) if mark else 0, self._world.rows[entry.before.id].fence
            try:
                row = self._log.append(entry, starting=starting, mark=mark)
            except FencedError:
                self._process.note(f"is fenced from {entry.before.id}")
                raise
            if entry.before.fence < fence:
                raise ViolatedError(f"{row.id}: a fenced runner has written")
            effect()
            self._process.note(f"writes {row.id}: {_shown(row)}")
            if mark and self._log.published(mark.subject) <= marked:
                raise ViolatedError(f"{mark.subject}: the mark has gone back")
            self._check_entry(entry, answer)
            self._world.check(row.id)
            return row

        self._reached("append")
        if self._process.weather.strikes(0.02, now=self._process.timeline.now):
            self._process.note("append: it is late")
            self._process.timeline.arrive(self._process.timeline.chance.uniform(0, 20), lambda: _if_it_may(commit))
            raise UnavailableError
        return self._answered("append", commit)

    def renew(self, row: SagaRow, /, *, now: datetime) -> SagaRow:
        self._reached("renew")
        return self._answered("renew", lambda: self._log.renew(row, now=now))

    def owners(self) -> Collection[str]:
        return self._log.owners()

    def free(self, owners: Collection[str], /) -> int:
        freed = self._log.free(owners)
        self._process.note(f"frees {freed}")
        return freed

    def published(self, subject: Id, /) -> int:
        self._reached("published")
        return self._log.published(subject)

    def get(self, saga_id: SagaId, /) -> tuple[SagaRow, Sequence[Intervention]]:
        self._process.wait(0.01)
        return self._log.get(saga_id)

    def list(
        self,
        *,
        name: str | None = None,
        phases: Collection[Phase] = (),
        subject: Id | None = None,
        after: tuple[datetime, SagaId] | None = None,
        limit: int,
    ) -> Sequence[SagaRow]:
        self._process.wait(0.01)
        return self._log.list(name=name, phases=phases, subject=subject, after=after, limit=limit)

    def intervene(self, entry: SagaEntry, intervention: Intervention, reason: Text, /) -> SagaRow:
        self._process.wait(0.01)
        row = self._log.intervene(entry, intervention, reason)
        self._process.note(f"does {intervention.verb} with {row.id}: {_shown(row)}")
        self._world.seen_to(row.id)
        self._world.check(row.id)
        return row

    def _reached(self, what: str) -> None:
        """Be on the way to the log, which may be down."""
        self._process.wait(self._process.timeline.chance.uniform(0.0005, 0.005))
        self._process.point(f"before {what}")
        if self._process.weather.strikes(0.01, now=self._process.timeline.now):
            self._process.note(f"{what}: the log is down")
            raise UnavailableError

    def _answered(self, what: str, act: Callable[[], T]) -> T:
        """Do it; whether the process lives to hear of it is another matter."""
        answer = act()
        self._process.wait(self._process.timeline.chance.uniform(0.0005, 0.005))
        self._process.point(f"after {what}")
        if self._process.weather.strikes(0.01, now=self._process.timeline.now):
            self._process.note(f"{what}: the answer is lost")
            raise UnavailableError
        return answer

    def _check_entry(self, entry: SagaEntry, answer: Outcome | None) -> None:
        """See that nothing is given up for a bug, and that nobody is asked before the budget is spent."""
        before, phase = entry.before, entry.progress.phase
        if before.progress.phase is Phase.FORWARD and phase in GIVEN_UP and not isinstance(answer, Refused | Uncertain):
            raise ViolatedError(f"{before.id}: given up, and not for an answer")
        if phase is Phase.QUARANTINED and before.claims <= MOST_CLAIMS:
            step = self._world.sagas[before.id].steps[before.progress.step]
            budget = step.retry if before.progress.phase is Phase.FORWARD else step.undo_retry
            if self._world.asked[before.id][step.name, before.progress.phase] < budget.attempts:
                raise ViolatedError(f"{before.id}: quarantined before its budget was spent")


def _if_it_may(commit: Callable[[], object]) -> None:
    with suppress(FencedError, StaleVersionError):
        commit()


def _check_claim(before: SagaRow, *, now: datetime) -> None:
    """See that it was due, and nobody's."""
    if before.due_at is None or before.due_at > now:
        raise ViolatedError(f"{before.id}: claimed before it was due")
    if before.lease_until is not None and now < before.lease_until <= now + LEASE + SKEW:
        raise ViolatedError(f"{before.id}: claimed while it was {before.owner}'s")


def _shown(row: SagaRow) -> str:
    progress = row.progress
    error = f", {progress.error}" if progress.error else ""
    return f"{progress.phase} {progress.step}, try {progress.attempt}{error}"
