"""Every refusal has a status and an exit code by its kind."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from entrypoints.failures import _EXCEPTIONS, exit_code, problem, status_of
from telemed_core.errors import (
    ConflictError,
    FieldError,
    ForbiddenError,
    InvalidCredentialsError,
    InvalidError,
    JoinWindowClosedError,
    NotFoundError,
    StaleVersionError,
    TelemedError,
    TooManyAttemptsError,
    TooManyError,
    TooManyRequestsError,
    UnauthenticatedError,
    UnavailableError,
    VersionRequiredError,
)

KINDS: dict[type[TelemedError], tuple[int, int]] = {
    InvalidError: (422, 1),
    ForbiddenError: (403, 1),
    NotFoundError: (404, 1),
    ConflictError: (409, 1),
    UnavailableError: (503, 3),
}
EXCEPTIONS: dict[type[TelemedError], int] = {
    InvalidCredentialsError: 401,
    UnauthenticatedError: 401,
    StaleVersionError: 412,
    VersionRequiredError: 428,
    TooManyAttemptsError: 429,
    TooManyRequestsError: 429,
}


def below(kind: type[TelemedError]) -> Iterator[type[TelemedError]]:
    for child in kind.__subclasses__():
        yield child
        yield from below(child)


ALL = sorted(set(below(TelemedError)), key=lambda kind: kind.__name__)


def one(kind: type[TelemedError]) -> TelemedError:
    arguments: tuple[Any, ...] = ()
    if issubclass(kind, InvalidError):
        arguments = ("field",)
    elif issubclass(kind, TooManyError):
        arguments = (timedelta(seconds=60),)
    elif kind is JoinWindowClosedError:
        arguments = (datetime(2026, 6, 1, tzinfo=UTC),)
    return kind(*arguments)


def test_there_are_five_kinds_and_nothing_beside_them() -> None:
    assert set(TelemedError.__subclasses__()) == set(KINDS)


@pytest.mark.parametrize("kind", ALL)
def test_every_error_is_shown_by_its_kind_but_for_the_listed_exceptions(kind: type[TelemedError]) -> None:
    error = one(kind)
    status, code = next(answer for parent, answer in KINDS.items() if issubclass(kind, parent))
    shown = problem(error)
    assert shown.status == status_of(kind) == EXCEPTIONS.get(kind, status)
    assert (shown.code, shown.detail) == (error.code, error.detail)
    assert exit_code(error) == code


def test_every_exception_is_one_of_the_errors() -> None:
    assert set(_EXCEPTIONS) == {kind.code for kind in EXCEPTIONS}


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [kind.code for kind in ALL if "code" in vars(kind)]
    assert len(set(codes)) == len(codes)
    assert "internal" not in codes


def test_wrong_input_says_where_and_other_refusals_do_not() -> None:
    fields = (FieldError("weekly.0.start", "must be a multiple of 5"), FieldError("name", "is too long"))
    assert problem(InvalidError.of(fields)).fields == fields
    assert problem(NotFoundError()).fields == ()


def test_a_refusal_says_from_when_on_a_visit_can_be_joined_and_no_other_does() -> None:
    opens_at = datetime(2026, 6, 1, tzinfo=UTC)
    assert {kind: problem(one(kind)).opens_at for kind in ALL} == dict.fromkeys(ALL) | {JoinWindowClosedError: opens_at}
