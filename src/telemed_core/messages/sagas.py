"""Sagas as administrators read them, step by step, and what is sent to have one go on."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Literal

from telemed_core.domain.instants import EPOCH
from telemed_core.domain.sagas import Intervention, Phase, Progress, SagaRow, Verb
from telemed_core.domain.texts import TextKey
from telemed_core.messages import schemas
from telemed_core.messages.fields import AnyIdField, PhaseField, ReasonField, Request, SagaNameField
from telemed_core.messages.queries import PageQuery
from telemed_core.messages.views import IdText, Instant, View


class SagasQuery(PageQuery):
    """``GET /v1/admin/sagas``."""

    name: SagaNameField | None = None
    phase: tuple[PhaseField, ...] = ()
    subject: AnyIdField | None = None


class OperatorsReason(Request):
    """``POST /v1/admin/sagas/{id}/retry``, ``/compensate`` and ``/resolve``."""

    reason: ReasonField


class StepState(StrEnum):
    """How a step stands; ``undone``: nothing is left of it, whether it was ever done or not."""

    DONE = "done"
    CURRENT = "current"
    WAITING = "waiting"
    UNDONE = "undone"
    UNDOING = "undoing"


class StepView(View):
    """One step of a saga."""

    name: str
    kind: Literal["compensatable", "pivot", "retriable"]
    state: StepState


class InterventionView(View):
    """What an operator did, and why."""

    at: Instant
    verb: Verb
    by: IdText
    reason: str | None


class SagaView(View):
    """A saga; in lists ``steps`` and ``interventions`` are ``null``.

    ``steps`` is ``null`` also where the definition with which the saga was started is not known any more.
    """

    id: IdText
    name: str
    version: Annotated[int, schemas.VERSION]
    subject: IdText
    phase: Phase
    error: str | None
    attempt: Annotated[int, schemas.ATTEMPT]
    due_at: Instant | None
    owner: str | None
    started_at: Instant
    changed_at: Instant
    steps: tuple[StepView, ...] | None
    interventions: tuple[InterventionView, ...] | None


def saga_view(
    row: SagaRow,
    *,
    steps: Sequence[tuple[str, str]] | None = None,
    interventions: Sequence[Intervention] | None = None,
    reasons: Mapping[TextKey, str] | None = None,
) -> SagaView:
    """The saga; what is due at once is due since it was changed.

    Args:
        steps: name and kind of each step, in order.
        reasons: of the interventions, by saga and seq.
    """
    return SagaView(
        id=row.id,
        name=row.name,
        version=row.version,
        subject=row.subject,
        phase=row.progress.phase,
        error=row.progress.error,
        attempt=row.progress.attempt,
        due_at=row.changed_at if row.due_at == EPOCH else row.due_at,
        owner=row.owner,
        started_at=row.started_at,
        changed_at=row.changed_at,
        steps=None if steps is None else _steps(row.progress, steps),
        interventions=None if interventions is None else _interventions(interventions, reasons or {}),
    )


def _steps(progress: Progress, steps: Sequence[tuple[str, str]]) -> tuple[StepView, ...]:
    return tuple(
        StepView.model_validate({"name": name, "kind": kind, "state": _state(progress, index)})
        for index, (name, kind) in enumerate(steps)
    )


def _state(progress: Progress, index: int) -> StepState:
    back = (progress.stuck_in or progress.phase) in {Phase.COMPENSATING, Phase.COMPENSATED}
    if index < progress.step:
        return StepState.DONE
    if index == progress.step:
        return StepState.UNDOING if back else StepState.CURRENT
    return StepState.UNDONE if back else StepState.WAITING


def _interventions(found: Sequence[Intervention], reasons: Mapping[TextKey, str]) -> tuple[InterventionView, ...]:
    return tuple(
        InterventionView(at=one.at, verb=one.verb, by=one.by, reason=reasons.get(TextKey(one.saga_id, one.seq)))
        for one in found
    )
