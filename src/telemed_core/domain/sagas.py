"""Sagas as they are kept: what starts one, how far it has come, and the row that says so."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import attrs

from telemed_core.domain.ids import Id, SagaId
from telemed_core.domain.instants import EPOCH

LEASE: Final = timedelta(seconds=10)
"""How long a runner has a saga to itself without writing; it is renewed when half of it is left."""

MOST_CLAIMS: Final = 5
"""How many claims in a row may end without an entry; then the saga is quarantined before anything runs."""


class Phase(StrEnum):
    """Where a saga stands; the last three are not run."""

    FORWARD = "forward"
    RESOLVING = "resolving"
    COMPENSATING = "compensating"
    QUARANTINED = "quarantined"
    COMPLETED = "completed"
    COMPENSATED = "compensated"

    @property
    def ended(self) -> bool:
        return self in {Phase.COMPLETED, Phase.COMPENSATED}

    @property
    def runs(self) -> bool:
        return self in {Phase.FORWARD, Phase.RESOLVING, Phase.COMPENSATING}


@attrs.frozen(kw_only=True)
class Progress:
    """How far a saga has come.

    Attributes:
        step: the index of the step that is next, or to be undone next; -1: all is undone.
        attempt: 1 for the first try of that step in this phase.
        error: the code of the last outcome that was no success.
        stuck_in: the phase in which it was quarantined; ``None``: it is not.
    """

    phase: Phase = Phase.FORWARD
    step: int = 0
    attempt: int = 1
    error: str | None = None
    stuck_in: Phase | None = None


@attrs.frozen
class SagaStart:
    """The saga that carries on from a commit; it names its subject and holds ids only.

    Attributes:
        due_at: when it is to run; ``None``: at once.
    """

    id: SagaId
    name: str
    subject: Id
    due_at: datetime | None = None


@attrs.frozen(kw_only=True)
class SagaRow:
    """One saga in the log.

    Attributes:
        version, digest: of the definition it was started with.
        seq: rises by one with every entry.
        fence: rises by one with every claim; an entry of an earlier fence is refused.
        claims: how often it was claimed since its last entry.
        owner: the process that runs it; ``None``: nobody does.
        lease_until: until when it is the owner's; set while there is an owner, and then only.
        due_at: when it is to run next, ``EPOCH``: at once; ``None``: it is not to be run.
        started_at, changed_at: by the clock of whoever wrote it.
    """

    id: SagaId
    name: str
    subject: Id
    version: int
    digest: str
    progress: Progress
    seq: int = 0
    fence: int = 0
    claims: int = 0
    owner: str | None = None
    lease_until: datetime | None = None
    due_at: datetime | None = EPOCH
    started_at: datetime
    changed_at: datetime


@attrs.frozen(kw_only=True)
class SagaEntry:
    """One transition: the log takes it only where ``seq`` and ``fence`` are still those of ``before``.

    Attributes:
        wait: how long until the saga is to run again; zero: it goes on at once, and stays its owner's if it has one.
        at: when it is written; a lease that is kept lasts from then on.
    """

    before: SagaRow
    progress: Progress
    wait: timedelta = timedelta(0)
    at: datetime

    @property
    def after(self) -> SagaRow:
        """The row that the entry leaves."""
        goes_on = self.progress.phase.runs
        kept = goes_on and not self.wait and self.before.owner is not None
        return attrs.evolve(
            self.before,
            progress=self.progress,
            seq=self.before.seq + 1,
            claims=0,
            owner=self.before.owner if kept else None,
            lease_until=self.at + LEASE if kept else None,
            due_at=_due(self.before, goes_on=goes_on, wait=self.wait, at=self.at),
            changed_at=self.at,
        )


def _due(before: SagaRow, *, goes_on: bool, wait: timedelta, at: datetime) -> datetime | None:
    if not goes_on:
        return None
    due = before.due_at or EPOCH
    return max(at + wait, due) if wait else due


@attrs.frozen
class PublishedMark:
    """Events of a subject up to ``after`` have been published; written only where ``before`` was the last one."""

    subject: Id
    before: int
    after: int


class Verb(StrEnum):
    """What an operator can do with a saga."""

    RETRY = "retry"
    COMPENSATE = "compensate"
    RESOLVE = "resolve"


@attrs.frozen(kw_only=True)
class Intervention:
    """What an operator did with a saga: the reason is a text under (saga id, ``seq``)."""

    saga_id: SagaId
    seq: int
    at: datetime
    by: str
    verb: Verb
