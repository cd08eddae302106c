"""What administrators see of sagas, and what they can do with one that has come to a stop."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import attrs

from telemed_core.domain.accounts import Account, Administrator
from telemed_core.domain.ids import Id, SagaId
from telemed_core.domain.sagas import Intervention, Phase, Progress, SagaEntry, SagaRow, Verb
from telemed_core.domain.texts import Text, TextKey
from telemed_core.domain.texts import reason as text_of
from telemed_core.errors import FencedError, ForbiddenError, InvalidTransitionError
from telemed_core.ports.sagas import SagaLog
from telemed_core.ports.storage import Texts
from telemed_core.ports.system import Clock
from telemed_core.saga.deciding import compensated_from, resolved, retried
from telemed_core.saga.definition import Saga
from telemed_core.saga.sagas import Registry


@attrs.frozen
class SagaStory:
    """A saga with all that is known of it.

    Attributes:
        saga: its definition; ``None``: there is none of its version and digest here.
        reasons: what operators gave as their reasons, by saga and the ``seq`` of the intervention.
    """

    row: SagaRow
    saga: Saga | None
    interventions: Sequence[Intervention]
    reasons: Mapping[TextKey, str] = attrs.field(repr=False)


def _check(actor: Account) -> None:
    if not isinstance(actor, Administrator):
        raise ForbiddenError


@attrs.frozen
class ListSagas:
    """Sagas, last started first.

    Raises:
        ForbiddenError: the actor is no administrator.
    """

    _log: SagaLog

    def __call__(
        self,
        *,
        actor: Account,
        name: str | None = None,
        phases: Collection[Phase] = (),
        subject: Id | None = None,
        after: tuple[datetime, SagaId] | None = None,
        limit: int = 20,
    ) -> Sequence[SagaRow]:
        _check(actor)
        return self._log.list(name=name, phases=phases, subject=subject, after=after, limit=limit)


@attrs.frozen
class ShowSaga:
    """One saga, step by step.

    Raises:
        ForbiddenError: the actor is no administrator.
        NotFoundError: there is none.
    """

    _log: SagaLog
    _texts: Texts
    _registry: Registry

    def __call__(self, *, saga_id: SagaId, actor: Account) -> SagaStory:
        _check(actor)
        row, interventions = self._log.get(saga_id)
        reasons = self._texts.read({TextKey(saga_id, one.seq) for one in interventions}) if interventions else {}
        return SagaStory(row, self._registry.find(row), interventions, reasons)


@attrs.frozen
class _Operator:
    """Moves a quarantined saga on; what is done is kept, by whom and why.

    Raises:
        ForbiddenError: the actor is no administrator.
        NotFoundError: there is none.
        InvalidTransitionError: it is not quarantined, its definition is not known here, or it cannot go there.
        InvalidError: the reason has not 3–500 characters.
    """

    _log: SagaLog
    _registry: Registry
    _clock: Clock

    def _move(self, verb: Verb, saga_id: SagaId, reason: str, actor: Account) -> SagaRow:
        _check(actor)
        row, _ = self._log.get(saga_id)
        seq, now = row.seq + 1, self._clock.now()
        text = Text(TextKey(saga_id, seq), text_of(reason))
        progress = _moved(verb, self._registry.find(row), row)
        if progress is None:
            raise _cannot()
        entry = SagaEntry(before=row, progress=progress, at=now)
        intervention = Intervention(saga_id=saga_id, seq=seq, at=now, by=actor.id, verb=verb)
        try:
            return self._log.intervene(entry, intervention, text)
        except FencedError:
            # Another administrator was quicker.
            raise _cannot() from None


def _moved(verb: Verb, saga: Saga | None, row: SagaRow) -> Progress | None:
    if saga is None or row.progress.phase is not Phase.QUARANTINED:
        return None
    match verb:
        case Verb.RETRY:
            return retried(row.progress)
        case Verb.COMPENSATE:
            return compensated_from(saga, row.progress)
        case _:
            return resolved(saga, row.id, row.progress)


def _cannot() -> InvalidTransitionError:
    return InvalidTransitionError("The saga is not quarantined, or cannot go there.")


@attrs.frozen
class RetrySaga(_Operator):
    """Try again where it has come to a stop, with a new budget."""

    def __call__(self, *, saga_id: SagaId, reason: str, actor: Account) -> SagaRow:
        return self._move(Verb.RETRY, saga_id, reason, actor)


@attrs.frozen
class CompensateSaga(_Operator):
    """Undo what it has done; only before its pivot."""

    def __call__(self, *, saga_id: SagaId, reason: str, actor: Account) -> SagaRow:
        return self._move(Verb.COMPENSATE, saga_id, reason, actor)


@attrs.frozen
class ResolveSaga(_Operator):
    """Say that the call at which it has come to a stop was done by hand, of a pivot: that it is committed."""

    def __call__(self, *, saga_id: SagaId, reason: str, actor: Account) -> SagaRow:
        return self._move(Verb.RESOLVE, saga_id, reason, actor)
