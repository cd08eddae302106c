"""The function of the scheduling table's stream: sagas that have begun are begun to be run."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from entrypoints.container.sagas import SagaParts
from entrypoints.lambdas.events import Context, Event, guarded, repeated, time_for_more, tried
from entrypoints.lambdas.starting import parts_of, warm_up
from telemed_core.domain.ids import SagaId
from telemed_core.errors import UnavailableError

More = Callable[[], bool]


@guarded
def handler(event: Event, context: Context) -> dict[str, Any]:
    """Begin an execution for each new saga, or run what is due; the first record that is left, which comes again.

    With it comes all that is behind it in the stream: what is begun twice is begun once. What breaks for another reason
    than a service that does not answer is told to the log, and does not hold up what is behind it: the sweep finds it.
    """
    parts, more = parts_of(SagaParts), time_for_more(context)
    for number, begin in _tasks(parts, parts.sagas_begun()(event["Records"]), more):
        if not more() or isinstance(tried("saga starter", begin, context), UnavailableError):
            return {"batchItemFailures": [{"itemIdentifier": number}]}
    return {"batchItemFailures": []}


def _tasks(parts: SagaParts, begun: Mapping[str, SagaId], more: More) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is to be done, each with the record from which the stream is to go on where it is not."""
    if parts.settings().saga_engine == "step_functions":
        yield from ((number, partial(parts.start_saga(), saga_id)) for number, saga_id in begun.items())
    elif begun:
        # New ones are due; so may others be, and whoever looks runs those as well.
        yield next(iter(begun)), lambda: repeated(parts.run_sagas(), more)


def warm() -> None:
    """Make what events need, where Lambda is making this process."""
    warm_up(
        SagaParts,
        lambda parts: (
            parts.sagas_begun(),
            parts.start_saga() if parts.settings().saga_engine == "step_functions" else parts.run_sagas(),
        ),
    )


warm()
