"""What follows from a change, step by step, and what administrators can do where it has come to a stop."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from entrypoints.operations.operation import ADMINISTRATORS, Call, Operation
from entrypoints.operations.pages import page_of
from telemed_core.domain.accounts import Administrator
from telemed_core.domain.ids import SagaId
from telemed_core.domain.sagas import SagaRow
from telemed_core.errors import InvalidTransitionError
from telemed_core.messages.sagas import OperatorsReason, SagasQuery, SagaView, saga_view
from telemed_core.messages.views import Page, View


def _administrator(call: Call[Any, Any]) -> Administrator:
    assert isinstance(call.actor, Administrator)  # noqa: S101 # the operations are for administrators
    return call.actor


def _id(call: Call[Any, Any]) -> SagaId:
    return SagaId(call.ids["id"])


def _list(call: Call[None, SagasQuery]) -> View:
    def read(after: Sequence[Any] | None, limit: int) -> Sequence[SagaRow]:
        return call.container.list_sagas()(
            actor=_administrator(call),
            name=call.query.name,
            phases=call.query.phase,
            subject=call.query.subject,
            after=None if after is None else (datetime.fromisoformat(after[0]), SagaId(after[1])),
            limit=limit,
        )

    return page_of(
        call,
        read,
        position=lambda one: [one.started_at.isoformat(), one.id],
        view=lambda found: [saga_view(one) for one in found],
    )


def _show(call: Call[Any, None]) -> View:
    story = call.container.show_saga()(saga_id=_id(call), actor=_administrator(call))
    return saga_view(
        story.row,
        steps=None if story.saga is None else [(step.name, step.kind) for step in story.saga.steps],
        interventions=story.interventions,
        reasons=story.reasons,
    )


def _retry(call: Call[OperatorsReason, None]) -> View:
    call.container.retry_saga()(saga_id=_id(call), reason=call.body.reason, actor=_administrator(call))
    return _show(call)


def _compensate(call: Call[OperatorsReason, None]) -> View:
    call.container.compensate_saga()(saga_id=_id(call), reason=call.body.reason, actor=_administrator(call))
    return _show(call)


def _resolve(call: Call[OperatorsReason, None]) -> View:
    call.container.resolve_saga()(saga_id=_id(call), reason=call.body.reason, actor=_administrator(call))
    return _show(call)


OPERATIONS: Final = (
    Operation(
        name="list_sagas",
        method="GET",
        path="/v1/admin/sagas",
        about="What is under way, waits or has ended, last started first.",
        tag="administration",
        roles=ADMINISTRATORS,
        query=SagasQuery,
        view=Page[SagaView],
        act=_list,
    ),
    Operation(
        name="show_saga",
        method="GET",
        path="/v1/admin/sagas/{id}",
        about="A saga, step by step, and what administrators have done with it.",
        tag="administration",
        roles=ADMINISTRATORS,
        view=SagaView,
        act=_show,
    ),
    Operation(
        name="retry_saga",
        method="POST",
        path="/v1/admin/sagas/{id}/retry",
        about="Have a quarantined saga try again where it has come to a stop.",
        tag="administration",
        roles=ADMINISTRATORS,
        body=OperatorsReason,
        view=SagaView,
        refusals=(InvalidTransitionError,),
        act=_retry,
    ),
    Operation(
        name="compensate_saga",
        method="POST",
        path="/v1/admin/sagas/{id}/compensate",
        about="Have a quarantined saga undo what it has done; only before its pivot.",
        tag="administration",
        roles=ADMINISTRATORS,
        body=OperatorsReason,
        view=SagaView,
        refusals=(InvalidTransitionError,),
        act=_compensate,
    ),
    Operation(
        name="resolve_saga",
        method="POST",
        path="/v1/admin/sagas/{id}/resolve",
        about="Say that the step at which a quarantined saga has come to a stop is done: it goes on after it.",
        tag="administration",
        roles=ADMINISTRATORS,
        body=OperatorsReason,
        view=SagaView,
        refusals=(InvalidTransitionError,),
        act=_resolve,
    ),
)
