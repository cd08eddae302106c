"""What functions have in common that events call: how long there is for them, and what is told of what goes wrong."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final, Protocol, TypeVar

from entrypoints.logs import log_bug, log_failure
from entrypoints.settings import SettingsError
from telemed_core.errors import UnavailableError

Event = Mapping[str, Any]
T = TypeVar("T")

RESERVED: Final = 10_000
"""Milliseconds in which what is under way can end: nothing is begun in them."""


class Context(Protocol):
    """What Lambda tells of a call."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """After these the process is ended, whatever it does."""
        ...


class EventFailedError(Exception):
    """The event comes again, or is given up, as its source does it; what is said is logged, and repeats nothing."""


def guarded(handle: Callable[[Event, Context], T]) -> Callable[[Event, Context], T]:
    """The handler, of whose bugs our log alone is told: of what is raised Lambda writes down the text."""

    @wraps(handle)
    def handler(event: Event, context: Context) -> T:
        try:
            return handle(event, context)
        except (EventFailedError, SettingsError):
            raise
        except Exception as error:
            _log(error, "event", context)
            raise EventFailedError(type(error).__name__) from None

    return handler


def tried(what: str, act: Callable[[], object], context: Context) -> Exception | None:
    """Do it; what has become of it otherwise, which is in the log then."""
    try:
        act()
    except Exception as error:  # whatever it is, what does not need it goes on
        _log(error, what, context)
        return error
    return None


def time_for_more(context: Context, *, part: float = 1) -> Callable[[], bool]:
    """Tells whether something may be begun yet, until this part of what is left now is used up."""
    left = context.get_remaining_time_in_millis()
    # A function that has little time begins something all the same.
    kept = max(left * (1 - part), min(RESERVED, left / 2))
    return lambda: context.get_remaining_time_in_millis() > kept


def repeated(act: Callable[..., int], more: Callable[[], bool]) -> int:
    """Do one after the other, as long as there is one and time for it; how many."""
    total = 0
    while more() and (done := act(limit=1)):
        total += done
    return total


def _log(error: Exception, what: str, context: Context) -> None:
    if isinstance(error, UnavailableError):
        log_failure(f"{what}: {error.code}")
    else:
        log_bug(error, request_id=context.aws_request_id)
