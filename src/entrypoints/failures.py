"""What each kind of refusal is, to a web client and to a shell: kinds are mapped, never leaves."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from telemed_core.errors import (
    ConflictError,
    FieldError,
    ForbiddenError,
    InvalidError,
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

_EXCEPTIONS: Final = {"stale_version": 412}
"""The few codes whose status is not their kind's."""


class Problem(NamedTuple):
    """A refusal as it is shown; ``fields`` says what is wrong where, for invalid input."""

    status: int
    code: str
    detail: str
    fields: tuple[FieldError, ...] = ()


def problem(error: TelemedError) -> Problem:
    """How the refusal is shown."""
    status, _ = _of_its_kind(error)
    fields = error.fields if isinstance(error, InvalidError) else ()
    return Problem(_EXCEPTIONS.get(error.code, status), error.code, error.detail, fields)


def exit_code(error: TelemedError) -> int:
    """What a command ends with: 1 refused, 3 a dependency failed."""
    return _of_its_kind(error)[1]


def _of_its_kind(error: TelemedError) -> tuple[int, int]:
    return next(answer for kind, answer in _KINDS.items() if isinstance(error, kind))
