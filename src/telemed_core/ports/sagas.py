"""Where sagas are kept and shared out, and how a use case runs one that is not past its pivot."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from telemed_core.domain.ids import Id, SagaId
from telemed_core.domain.sagas import Intervention, Phase, PublishedMark, SagaEntry, SagaRow, SagaStart
from telemed_core.domain.texts import Text


class SagaLog(Protocol):
    """One row per saga, one conditional write per transition; rows come with the commits that start them.

    Time is for liveness only: who may write is decided by ``seq`` and ``fence``.
    """

    def claim(self, owner: str, /, *, now: datetime, limit: int) -> Sequence[SagaRow]:
        """Take up to ``limit`` sagas that are due and nobody's, most overdue first, for a lease of 10 s.

        Each has ``fence`` and ``claims`` raised by one, and no two calls take the same. A lease that ends later than
        a lease can (plus 5 minutes of skew) was made by another clock, and counts as ended.
        """
        ...

    def append(
        self, entry: SagaEntry, /, *, starting: Collection[SagaStart] = (), mark: PublishedMark | None = None
    ) -> SagaRow:
        """Write the entry, with the sagas it starts and the mark it moves, whole or not at all.

        Answers ``entry.after``. Writing the same entry again whose answer was lost gives its first outcome. Sagas that
        are there already are not started again.

        Raises:
            FencedError: ``seq`` or ``fence`` is not that of ``entry.before`` any more.
            StaleVersionError: the mark is not at ``mark.before``.
        """
        ...

    def renew(self, row: SagaRow, /, *, now: datetime) -> SagaRow:
        """Lease it for 10 s more, ``seq`` and ``fence`` as they are.

        Raises:
            FencedError: ``seq`` or ``fence`` is not the row's any more.
        """
        ...

    def owners(self) -> Collection[str]:
        """Everybody who holds a lease, ended or not."""
        ...

    def free(self, owners: Collection[str], /) -> int:
        """End the leases of these owners, who do not run any more; how many there were."""
        ...

    def published(self, subject: Id, /) -> int:
        """The seq up to which that subject's events have been published; 0: none has been."""
        ...

    def get(self, saga_id: SagaId, /) -> tuple[SagaRow, Sequence[Intervention]]:
        """The saga, and what operators have done with it, oldest first.

        Raises:
            NotFoundError: there is none.
        """
        ...

    def list(
        self,
        *,
        name: str | None = None,
        phases: Collection[Phase] = (),
        subject: Id | None = None,
        after: tuple[datetime, SagaId] | None = None,
        limit: int,
    ) -> Sequence[SagaRow]:
        """Up to ``limit`` sagas by (started_at, id), descending, those behind ``after``."""
        ...

    def intervene(self, entry: SagaEntry, intervention: Intervention, reason: Text, /) -> SagaRow:
        """Write an operator's entry with its reason; the fence rises by one too, so that whoever runs it is fenced.

        Raises:
            FencedError: ``seq`` or ``fence`` is not that of ``entry.before`` any more.
        """
        ...


class InlineSagas(Protocol):
    """Runs a saga from within the use case that has started it."""

    def run(self, start: SagaStart, work: Mapping[str, Callable[[SagaEntry | None], None]], /, *, at: datetime) -> None:
        """Carry the saga, just recorded, to its end, for at most 5 s.

        Args:
            work: by operation, what only this use case can do (it has the password and the profile); a local step is
                given the entry to commit together with its effect, others ``None``.
            at: the instant with which the saga was recorded.

        Raises:
            TelemedError: what a refused step raised; the saga has been undone then, or is being undone behind.
            BusyError: it is not past its pivot by then; it is undone behind.
        """
        ...
