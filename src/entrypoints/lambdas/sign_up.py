"""The function of the user pool: who may come into it, judged before there is a user."""

import os
from collections.abc import Callable, Mapping
from typing import Any, Final

from dependency_injector.providers import ThreadSafeSingleton as Once

from entrypoints.container.signing_in import SignUpRefusedError, open_judging
from entrypoints.lambdas.events import Context, Event, EventFailedError, guarded
from entrypoints.lambdas.starting import INITIALIZATION
from entrypoints.logs import open_log


def _open() -> Callable[[Event], Mapping[str, Any]]:
    """Without the parts of an installation: their settings name the pool, which cannot be made before this function."""
    open_log()
    return open_judging()


judge: Final[Once[Callable[[Event], Mapping[str, Any]]]] = Once(_open)
"""Called, it answers what judges sign-ups, made by the first call."""


@guarded
def handler(event: Event, _: Context) -> Mapping[str, Any]:
    """The event as it came.

    Raises:
        EventFailedError: there will be no user; Cognito tells whoever asked what it says.
    """
    try:
        return judge()(event)
    except SignUpRefusedError as refusal:
        raise EventFailedError(str(refusal)) from None


def warm() -> None:
    """Make what judges, where Lambda is making this process."""
    if INITIALIZATION in os.environ:
        judge()


warm()
