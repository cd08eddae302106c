"""The function of time: the doctor's agenda and blocks, and the starts that are free."""

from typing import Final

from entrypoints.container.agendas import AgendaParts
from entrypoints.lambdas.api_gateway import Answer, Event, gateway_to, routes_of
from entrypoints.lambdas.starting import warm_up
from entrypoints.operations import agendas
from entrypoints.operations.slots import LIST_SLOTS

ROUTES: Final = routes_of(
    (*agendas.OPERATIONS, LIST_SLOTS),
    LIST_SLOTS.name,
    *(one.name for one in agendas.OPERATIONS),
)
gateway: Final = gateway_to(AgendaParts, ROUTES)


def handler(event: Event, _: object) -> Answer:
    """Answer one request."""
    return gateway()(event)


def warm() -> None:
    """Make what requests need, where Lambda is making this process."""
    warm_up(
        AgendaParts,
        lambda parts: (
            gateway(),
            parts.authenticate(),
            parts.show_agenda(),
            parts.replace_agenda(),
            parts.block_time(),
            parts.remove_block(),
            parts.list_blocks(),
            parts.list_slots(),
        ),
    )


warm()
