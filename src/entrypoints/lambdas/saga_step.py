"""The function of the state machines: one call of one saga."""

from typing import Any

from entrypoints.container.sagas import SagaParts
from entrypoints.lambdas.events import Context, Event, guarded
from entrypoints.lambdas.starting import parts_of, warm_up


@guarded
def handler(event: Event, _: Context) -> dict[str, Any]:
    """Do the task, and tell where the saga stands then; an outage is told as a wait: the engine repeats nothing."""
    return parts_of(SagaParts).saga_step()(event)


def warm() -> None:
    """Make what tasks need, where Lambda is making this process."""
    warm_up(SagaParts, lambda parts: parts.saga_step())


warm()
