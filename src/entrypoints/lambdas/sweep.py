"""The function of the schedule: time's changes are written down, sagas that were left are run, e-mails leave."""

from collections.abc import Callable, Iterator
from typing import Final

from entrypoints.container.sweeping import SweepParts
from entrypoints.lambdas.events import Context, Event, EventFailedError, guarded, repeated, time_for_more, tried
from entrypoints.lambdas.starting import parts_of, warm_up

SAGAS_PART: Final = 2 / 3
"""Of the time that the sweep has left, as much as sagas may take: e-mails do not wait for the last of a thousand."""


@guarded
def handler(_: Event, context: Context) -> dict[str, int]:
    """Do what is due, as long as there is time; how much was done.

    Raises:
        EventFailedError: a part has failed. The others were done all the same, and the next sweep does what is left.
    """
    done: dict[str, int] = {}
    failed = [name for name, act in _jobs(parts_of(SweepParts), context, done) if tried(name, act, context)]
    if failed:
        raise EventFailedError(", ".join(failed))
    return done


def _jobs(parts: SweepParts, context: Context, done: dict[str, int]) -> Iterator[tuple[str, Callable[[], object]]]:
    """What there is to do, in order; each notes how much it was."""

    def sweep() -> None:
        swept = parts.sweep()()
        done.update(settled=swept.settled, cancelled=swept.cancelled)

    def run_sagas() -> None:
        done["sagas"] = repeated(parts.run_sagas(), time_for_more(context, part=SAGAS_PART))

    def deliver() -> None:
        done["mails"] = repeated(parts.deliver_notices(), time_for_more(context)) if parts.email() else 0

    yield from (("sweep", sweep), ("sagas", run_sagas), ("mails", deliver))


def warm() -> None:
    """Make what a sweep needs, where Lambda is making this process."""
    warm_up(SweepParts, _make)


def _make(parts: SweepParts) -> object:
    # The database of notices is opened when something of them is first asked for.
    return parts.sweep(), parts.run_sagas(), parts.email() and (parts.deliver_notices(), parts.notices().take)


warm()
