"""Every error has a stable code of its own, one of five kinds, and a text that tells nothing of what was typed."""

from collections.abc import Iterator

import pytest

from telemed_core import errors
from telemed_core.errors import (
    CellsHeldError,
    FieldError,
    InvalidError,
    JoinWindowClosedError,
    TelemedError,
    TooManyError,
)
from telemed_core.testing.builders import MONDAY

KINDS = (
    errors.InvalidError,
    errors.ForbiddenError,
    errors.NotFoundError,
    errors.ConflictError,
    errors.UnavailableError,
)

SHARED: set[type[TelemedError]] = {CellsHeldError, TooManyError}
"""What others are made of: never raised themselves."""


def descendants(kind: type[TelemedError]) -> Iterator[type[TelemedError]]:
    for child in kind.__subclasses__():
        yield child
        yield from descendants(child)


EVERY = sorted(
    {one for one in descendants(TelemedError) if one.__module__ == errors.__name__}, key=lambda one: one.__name__
)


@pytest.mark.parametrize("error", EVERY)
def test_an_error_is_of_one_kind_and_named_like_its_code(error: type[TelemedError]) -> None:
    assert sum(issubclass(error, kind) for kind in KINDS) == 1
    assert error.__name__.endswith("Error")
    if error not in {*KINDS, *SHARED}:
        words = "".join(f"_{char.lower()}" if char.isupper() else char for char in error.__name__)
        assert error.code == words.strip("_").removesuffix("_error")


def test_no_two_errors_share_a_code() -> None:
    codes = [error.code for error in EVERY if error not in SHARED]
    assert len(codes) == len(set(codes))
    assert {error.code for error in SHARED} == {errors.ConflictError.code}


@pytest.mark.parametrize("error", EVERY)
def test_a_text_is_one_or_two_sentences_without_placeholders(error: type[TelemedError]) -> None:
    assert error.text[0].isupper()
    assert error.text.endswith(".")
    assert not set("{}%<>") & set(error.text)


def test_an_error_tells_its_text_or_a_detail() -> None:
    assert str(errors.NotFoundError()) == errors.NotFoundError.text
    assert errors.NotFoundError("other").detail == "other"
    assert JoinWindowClosedError(MONDAY).opens_at == MONDAY
    assert CellsHeldError(["a", "b", "a"]).owners == {"a", "b"}


def test_a_wrong_field_is_told_by_its_path() -> None:
    error = errors.TooSoonError("start")
    assert error.fields == (FieldError("start", errors.TooSoonError.text),)
    assert error.under("body").fields[0].field == "body.start"
    assert InvalidError("", "wrong").under("body").fields[0].field == "body"
    assert isinstance(error, ValueError)


def test_several_wrong_fields_are_one_error() -> None:
    error = InvalidError.of([FieldError("a", "is wrong"), FieldError("b", "is too")])
    assert str(error) == "a: is wrong; b: is too"
    assert [field.field for field in error.under("x").fields] == ["x.a", "x.b"]
