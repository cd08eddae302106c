"""The function of the queue of announcements: they become notices, and e-mails leave at once."""

from typing import Any

from entrypoints.container.notices import NoticeParts
from entrypoints.lambdas.events import Context, Event, guarded, repeated, time_for_more, tried
from entrypoints.lambdas.starting import parts_of, warm_up


@guarded
def handler(event: Event, context: Context) -> dict[str, Any]:
    """Hand on the records of the queue; those that come again, as it failed or is behind what did.

    E-mails that cannot leave are notices already: they hold back no record, and are tried again by the sweep.
    """
    parts, more = parts_of(NoticeParts), time_for_more(context)
    failures = parts.hand_on_records()(event["Records"])
    if parts.email():
        tried("mails", lambda: repeated(parts.deliver_notices(), more), context)
    return {"batchItemFailures": failures}


def warm() -> None:
    """Make what records need, where Lambda is making this process."""
    warm_up(NoticeParts, _make)


def _make(parts: NoticeParts) -> object:
    # The database of notices is opened when something of them is first asked for.
    return parts.hand_on_records(), parts.deliver_notices(), parts.notices().add


warm()
