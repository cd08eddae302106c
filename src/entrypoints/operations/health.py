"""Whether the system is there, and whether what it stands on answers."""

from typing import Final

from entrypoints.operations.operation import ANYONE, Call, Operation
from telemed_core.errors import UnavailableError
from telemed_core.messages.views import HealthView, View


def _alive(_: Call[None, None]) -> View:
    return HealthView(status="ok")


def _ready(call: Call[None, None]) -> View:
    try:
        call.container.stores().check()
    except UnavailableError:
        raise UnavailableError("stores: they do not answer") from None
    return HealthView(status="ok")


ALIVE: Final = Operation(
    name="healthz",
    method="GET",
    path="/healthz",
    about="The process is there.",
    tag="health",
    roles=ANYONE,
    view=HealthView,
    act=_alive,
)
READY: Final = Operation(
    name="readyz",
    method="GET",
    path="/readyz",
    about="What the process stands on answers; if not, what does not is named.",
    tag="health",
    roles=ANYONE,
    view=HealthView,
    refusals=(UnavailableError,),
    act=_ready,
)
OPERATIONS: Final = (ALIVE, READY)
