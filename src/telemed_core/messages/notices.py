"""What people are told, as they read it, and the log of its delivery, as administrators do."""

from typing import Annotated

from pydantic import Field

from telemed_core.domain.instants import EPOCH
from telemed_core.domain.notices import Channel, DeliveryStatus, Kind, Notice
from telemed_core.messages import schemas
from telemed_core.messages.fields import AppointmentIdField, one_of, text_as
from telemed_core.messages.queries import PageQuery
from telemed_core.messages.views import IdText, Instant, View

ChannelField = Annotated[Channel, text_as(one_of(Channel))]
DeliveryStatusField = Annotated[DeliveryStatus, text_as(one_of(DeliveryStatus))]


class NoticesQuery(PageQuery):
    """``GET /v1/notifications``."""


class DeliveriesQuery(PageQuery):
    """``GET /v1/admin/notifications``."""

    status: tuple[DeliveryStatusField, ...] = ()
    channel: ChannelField | None = None
    appointment_id: AppointmentIdField | None = None


class NoticeView(View):
    """One notice in its reader's language, times in the reader's zone."""

    id: IdText
    at: Instant
    kind: Kind
    appointment_id: IdText | None
    title: str
    body: str
    read_at: Instant | None


class DeliveryView(View):
    """One notice on its way to one reader through one channel; ``last_error`` is a code."""

    id: IdText
    event: IdText
    at: Instant
    kind: Kind
    channel: Channel
    reader_id: IdText
    appointment_id: IdText | None
    status: DeliveryStatus
    attempts: Annotated[int, schemas.COUNT]
    last_error: str | None
    due_at: Instant | None
    read_at: Instant | None


class CalendarView(View):
    """Where calendars find one's own visits; whoever has the address reads them."""

    url: Annotated[str, schemas.URL] = Field(repr=False)


def notice_view(notice: Notice, *, title: str, body: str) -> NoticeView:
    """A notice with its words."""
    return NoticeView(
        id=notice.id,
        at=notice.at,
        kind=notice.kind,
        appointment_id=notice.appointment_id,
        title=title,
        body=body,
        read_at=notice.read_at,
    )


def delivery_view(notice: Notice) -> DeliveryView:
    """How a notice fares; what is due at once is due since it was announced."""
    return DeliveryView(
        id=notice.id,
        event=notice.event,
        at=notice.at,
        kind=notice.kind,
        channel=notice.channel,
        reader_id=notice.reader,
        appointment_id=notice.appointment_id,
        status=notice.status,
        attempts=notice.attempts,
        last_error=notice.last_error,
        due_at=notice.at if notice.due_at == EPOCH else notice.due_at,
        read_at=notice.read_at,
    )
