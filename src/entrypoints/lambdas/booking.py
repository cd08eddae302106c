"""The function of whoever books: appointments are asked for, moved and given up."""

from typing import Final

from entrypoints.container.booking import BookingParts
from entrypoints.lambdas.api_gateway import Answer, Event, gateway_to, routes_of
from entrypoints.lambdas.starting import warm_up
from entrypoints.operations import appointments

ROUTES: Final = routes_of(
    appointments.OPERATIONS,
    "request_appointment",
    "cancel_appointment",
    "reschedule_appointment",
)
gateway: Final = gateway_to(BookingParts, ROUTES)


def handler(event: Event, _: object) -> Answer:
    """Answer one request."""
    return gateway()(event)


def warm() -> None:
    """Make what requests need, where Lambda is making this process."""
    warm_up(
        BookingParts,
        lambda parts: (
            gateway(),
            parts.authenticate(),
            parts.request_appointment(),
            parts.cancel_appointment(),
            parts.reschedule_appointment(),
            parts.describe_appointments(),
        ),
    )


warm()
