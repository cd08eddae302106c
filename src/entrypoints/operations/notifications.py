"""What people are told: the inbox, and the delivery log with what was given up."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from entrypoints.operations.operation import ADMINISTRATORS, SIGNED_IN, Call, Operation
from entrypoints.operations.pages import page_of
from telemed_core.application.notifying import TellableNotice
from telemed_core.domain.notices import Notice, NoticeId
from telemed_core.errors import InvalidTransitionError
from telemed_core.messages.notices import (
    DeliveriesQuery,
    DeliveryView,
    NoticesQuery,
    NoticeView,
    delivery_view,
    notice_view,
)
from telemed_core.messages.views import Page, View


def _behind(after: Sequence[Any] | None) -> tuple[datetime, int, NoticeId] | None:
    return None if after is None else (datetime.fromisoformat(after[0]), int(after[1]), NoticeId(after[2]))


def _position(notice: Notice) -> Sequence[str | int]:
    return [notice.at.isoformat(), notice.seq, notice.id]


def _list(call: Call[None, NoticesQuery]) -> View:
    def read(after: Sequence[Any] | None, limit: int) -> Sequence[TellableNotice]:
        return call.container.list_notices()(reader=call.actor, after=_behind(after), limit=limit)

    return page_of(
        call,
        read,
        position=lambda one: _position(one.notice),
        view=lambda found: [notice_view(one.notice, title=one.title, body=one.body) for one in found],
    )


def _read(call: Call[None, None]) -> None:
    call.container.read_notice()(notice_id=NoticeId(call.ids["id"]), reader=call.actor)


def _list_deliveries(call: Call[None, DeliveriesQuery]) -> View:
    def read(after: Sequence[Any] | None, limit: int) -> Sequence[Notice]:
        return call.container.list_deliveries()(
            viewer=call.actor,
            statuses=call.query.status,
            channel=call.query.channel,
            appointment_id=call.query.appointment_id,
            after=_behind(after),
            limit=limit,
        )

    return page_of(call, read, position=_position, view=lambda found: [delivery_view(one) for one in found])


def _replay(call: Call[None, None]) -> View:
    return delivery_view(call.container.replay_notice()(notice_id=NoticeId(call.ids["id"]), actor=call.actor))


OPERATIONS: Final = (
    Operation(
        name="list_notices",
        method="GET",
        path="/v1/notifications",
        about="One's own notices, newest first, in one's language and time zone.",
        tag="notifications",
        roles=SIGNED_IN,
        query=NoticesQuery,
        view=Page[NoticeView],
        act=_list,
    ),
    Operation(
        name="read_notice",
        method="POST",
        path="/v1/notifications/{id}/read",
        about="Mark a notice as read; again, it stays read since the first time.",
        tag="notifications",
        roles=SIGNED_IN,
        status=204,
        act=_read,
    ),
    Operation(
        name="list_deliveries",
        method="GET",
        path="/v1/admin/notifications",
        about="Every notice on its way: through which channel, how often it was tried, and what went wrong last.",
        tag="administration",
        roles=ADMINISTRATORS,
        query=DeliveriesQuery,
        view=Page[DeliveryView],
        act=_list_deliveries,
    ),
    Operation(
        name="replay_notice",
        method="POST",
        path="/v1/admin/notifications/{id}/replay",
        about="Try a delivery again that was given up.",
        tag="administration",
        roles=ADMINISTRATORS,
        view=DeliveryView,
        refusals=(InvalidTransitionError,),
        act=_replay,
    ),
)
