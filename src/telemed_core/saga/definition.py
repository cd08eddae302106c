"""What a saga is: named steps of three kinds, in a shape that can always be ended."""

from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

import attrs

from telemed_core.domain.instants import EPOCH
from telemed_core.domain.sagas import Progress, SagaRow, SagaStart


class Kind(StrEnum):
    """What can become of a step: it is undone, it decides, or it is tried until it is done."""

    COMPENSATABLE = "compensatable"
    PIVOT = "pivot"
    RETRIABLE = "retriable"


@attrs.frozen
class Retry:
    """How often a call is tried, and how long it waits in between: doubling from ``first`` to ``most``."""

    attempts: int = 4
    first: timedelta = timedelta(milliseconds=200)
    most: timedelta = timedelta(seconds=30)

    def wait(self, attempt: int, *, unit: float) -> timedelta:
        """The pause after that attempt, between its half and its whole by ``unit`` (0–1): equal jitter."""
        doubled: int = 2 ** min(attempt - 1, 32)
        whole = min(self.most, self.first * doubled)
        return whole * (0.5 + 0.5 * unit)


FOREVER = Retry(attempts=20, first=timedelta(seconds=1), most=timedelta(hours=1))
"""For what must be done in the end: four to eight hours until somebody is asked."""


@attrs.frozen(kw_only=True)
class Step:
    """One step; ``do``, ``undo`` and ``resolve`` are names of calls that participants answer.

    Attributes:
        undo: of a compensatable step; ``None``: it only reads.
        resolve: of the pivot: commit it, or make it impossible.
        local: its effect lies in the log's own store, and is committed together with the log's entry.
        timeout: how long a call may take.
    """

    name: str
    kind: Kind
    do: str
    undo: str | None = None
    resolve: str | None = None
    local: bool = False
    retry: Retry = Retry()
    undo_retry: Retry = FOREVER
    timeout: timedelta = timedelta(seconds=5)


_RANK = {Kind.COMPENSATABLE: 0, Kind.PIVOT: 1, Kind.RETRIABLE: 2}


@attrs.frozen
class Saga:
    """A saga: ``compensatable* pivot? retriable*``.

    Attributes:
        begun: how many steps the commit that records it has done.

    Raises:
        ValueError: the shape is another, a name stands twice, or a pivot cannot be resolved.
    """

    name: str
    version: int
    steps: tuple[Step, ...]
    begun: int = 0
    digest: str = attrs.field(init=False, eq=False)

    def __attrs_post_init__(self) -> None:
        ranks = [_RANK[step.kind] for step in self.steps]
        if ranks != sorted(ranks) or ranks.count(1) > 1:
            raise ValueError(f"{self.name}: must be compensatable*, at most one pivot, retriable*")
        if len({step.name for step in self.steps}) != len(self.steps):
            raise ValueError(f"{self.name}: a step's name stands twice")
        if not 0 <= self.begun <= len(self.steps) or not self.steps:
            raise ValueError(f"{self.name}: cannot have begun so far")
        for step in self.steps:
            if (step.kind is Kind.PIVOT) != (step.resolve is not None):
                raise ValueError(f"{self.name}: the pivot, and only it, is resolved, not so {step.name}")
            if step.undo is not None and step.kind is not Kind.COMPENSATABLE:
                raise ValueError(f"{self.name}: only a compensatable step is undone, not {step.name}")
        object.__setattr__(self, "digest", self._digest())

    def _digest(self) -> str:
        facts: list[object] = [self.name, self.version, self.begun]
        for step in self.steps:
            facts += [step.name, step.kind, step.do, step.undo, step.resolve, step.local, step.timeout.total_seconds()]
            for retry in (step.retry, step.undo_retry):
                facts += [retry.attempts, retry.first.total_seconds(), retry.most.total_seconds()]
        return sha256("|".join(map(str, facts)).encode()).hexdigest()[:12]

    @property
    def pivot(self) -> int | None:
        """The index of the pivot."""
        return next((index for index, step in enumerate(self.steps) if step.kind is Kind.PIVOT), None)

    def begin(self, start: SagaStart, *, at: datetime) -> SagaRow:
        """The row with which it starts."""
        return SagaRow(
            id=start.id,
            name=self.name,
            subject=start.subject,
            version=self.version,
            digest=self.digest,
            progress=Progress(step=self.begun),
            due_at=start.due_at or EPOCH,
            started_at=at,
            changed_at=at,
        )
