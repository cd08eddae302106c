"""iCalendar files: of one appointment, and a private feed that calendars subscribe to."""

from typing import Final

from entrypoints.operations.operation import ANYONE, PARTICIPANTS, SIGNED_IN, Call, File, Operation
from telemed_core.application.booking import participant
from telemed_core.domain.ids import AppointmentId
from telemed_core.messages.notices import CalendarView
from telemed_core.messages.views import View

CALENDAR: Final = "text/calendar; charset=utf-8"
FEED: Final = "/v1/calendar/{secret}.ics"


def _appointment(call: Call[None, None]) -> File:
    content = call.container.appointment_calendar()(
        appointment_id=AppointmentId(call.ids["id"]), actor=participant(call.actor)
    )
    return File(content, {"Content-Disposition": 'attachment; filename="appointment.ics"'})


def _open(call: Call[None, None]) -> View:
    secret = call.container.open_feed()(account=call.actor)
    return CalendarView(url=call.container.settings().public_url + FEED.format(secret=secret))


def _revoke(call: Call[None, None]) -> None:
    call.container.revoke_feed()(account=call.actor)


def _read(call: Call[None, None]) -> File:
    return File(call.container.read_feed()(secret=call.ids["secret"]))


OPERATIONS: Final = (
    Operation(
        name="show_appointment_calendar",
        method="GET",
        path="/v1/appointments/{id}/calendar.ics",
        about="One of one's own appointments as an iCalendar file (RFC 5545).",
        tag="calendar",
        roles=PARTICIPANTS,
        media_type=CALENDAR,
        answer_headers={"Content-Disposition": "the file's name"},
        act=_appointment,
    ),
    Operation(
        name="open_calendar",
        method="GET",
        path="/v1/calendar",
        about="The address of one's private calendar: whoever has it reads it, until it is revoked.",
        tag="calendar",
        roles=SIGNED_IN,
        view=CalendarView,
        act=_open,
    ),
    Operation(
        name="revoke_calendar",
        method="DELETE",
        path="/v1/calendar",
        about="Make the address of one's calendar useless; the next one is another.",
        tag="calendar",
        roles=SIGNED_IN,
        status=204,
        act=_revoke,
    ),
    Operation(
        name="read_calendar",
        method="GET",
        path=FEED,
        about="The calendar at that private address.",
        tag="calendar",
        roles=ANYONE,
        media_type=CALENDAR,
        act=_read,
    ),
)
