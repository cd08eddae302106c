"""The function of whoever is asked: requests and proposals are answered."""

from typing import Final

from entrypoints.container.booking import BookingParts
from entrypoints.lambdas.api_gateway import Answer, Event, gateway_to, routes_of
from entrypoints.lambdas.starting import warm_up
from entrypoints.operations import appointments

ROUTES: Final = routes_of(
    appointments.OPERATIONS,
    "accept_appointment",
    "refuse_appointment",
    "agree_to_reschedule",
    "decline_reschedule",
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
            parts.accept_appointment(),
            parts.refuse_appointment(),
            parts.agree_to_reschedule(),
            parts.decline_reschedule(),
            parts.describe_appointments(),
        ),
    )


warm()
