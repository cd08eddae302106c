"""What each kind of refusal is, to a web client and to a shell: kinds are mapped, never leaves."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

from telemed_core.errors import (
    ConflictError,
    FieldError,
    ForbiddenError,
    InvalidError,
    JoinWindowClosedError,
    NotFoundError,
    TelemedError,
    UnavailableError,
)

REFUSED: Final = 1
MISUSED: Final = 2
FAILED: Final = 3

_KINDS: Final[Mapping[type[TelemedError], tuple[int, int]]] = {
    InvalidError: (422, REFUSED),
    ForbiddenError: (403, REFUSED),
    NotFoundError: (404, REFUSED),
    ConflictError: (409, REFUSED),
    UnavailableError: (503, FAILED),
}

_EXCEPTIONS: Final = {
    "invalid_credentials": 401,
    "unauthenticated": 401,
    "stale_version": 412,
    "version_required": 428,
    "too_many_attempts": 429,
    "too_many_requests": 429,
}
"""The few codes whose status is not their kind's."""


class Problem(NamedTuple):
    """A refusal as it is shown.

    Attributes:
        fields: what is wrong where, for invalid input.
        opens_at: from when on a visit can be joined, for whoever could not.
    """

    status: int
    code: str
    detail: str
    fields: tuple[FieldError, ...] = ()
    opens_at: datetime | None = None


def problem(error: TelemedError) -> Problem:
    """How the refusal is shown."""
    fields = error.fields if isinstance(error, InvalidError) else ()
    opens_at = error.opens_at if isinstance(error, JoinWindowClosedError) else None
    return Problem(status_of(type(error)), error.code, error.detail, fields, opens_at)


def status_of(kind: type[TelemedError]) -> int:
    """The HTTP status of every refusal of this kind."""
    return _EXCEPTIONS.get(kind.code, _of_its_kind(kind)[0])


def exit_code(error: TelemedError) -> int:
    """What a command ends with: 1 refused, 3 a dependency failed."""
    return _of_its_kind(type(error))[1]


def _of_its_kind(leaf: type[TelemedError]) -> tuple[int, int]:
    return next(answer for kind, answer in _KINDS.items() if issubclass(leaf, kind))
