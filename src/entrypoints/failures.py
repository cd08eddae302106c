"""What each kind of refusal is, to a web client and to a shell; kinds are mapped, never leaves."""

from typing import Final

import attrs

from telemed_core.errors import (
    ConflictError,
    FieldError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    TelemedError,
    UnavailableError,
)

_STATUS: Final = {
    InvalidError: 422,
    ForbiddenError: 403,
    NotFoundError: 404,
    ConflictError: 409,
    UnavailableError: 503,
}

_EXCEPTIONS: Final = {"stale_version": 412}
"""The few codes whose status is not that of their kind."""

REFUSED: Final = 1
USAGE: Final = 2
FAILED: Final = 3


@attrs.frozen
class Failure:
    """A refusal as it is shown.

    Attributes:
        status: the HTTP status.
        exit_code: of a command: 1 refused, 3 a dependency failed.
        fields: what is wrong where, for invalid input.
    """

    status: int
    exit_code: int
    code: str
    title: str
    detail: str
    fields: tuple[FieldError, ...] = ()


def failure(error: TelemedError) -> Failure:
    """How the refusal is shown."""
    kind = next(kind for kind in _STATUS if isinstance(error, kind))
    return Failure(
        status=_EXCEPTIONS.get(error.code, _STATUS[kind]),
        exit_code=FAILED if kind is UnavailableError else REFUSED,
        code=error.code,
        title=error.text,
        detail=error.detail,
        fields=error.fields if isinstance(error, InvalidError) else (),
    )
