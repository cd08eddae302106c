"""From bytes and data to requests: one error that names every wrong field."""

import json
from collections.abc import Iterable
from typing import Any, TypeAlias, TypeVar, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from telemed_core.errors import FieldError, InvalidError

MOST_BYTES = 1024 * 1024
DEEPEST = 32

M = TypeVar("M", bound=BaseModel)
Json: TypeAlias = "dict[str, Json] | list[Json] | str | float | bool | None"

_SHAPES = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this request",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "dict_type": "must be an object",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "too_long": "has too many entries",
    "too_short": "has too few entries",
}


def parse(model: type[M], data: object) -> M:
    """The request that the data are.

    Raises:
        InvalidError: with every wrong field by its dotted path; the input is not echoed.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        whole = [cause for detail in details if isinstance(cause := _cause(detail), InvalidError)]
        if len(details) == 1 and whole and type(whole[0]) is not InvalidError:
            raise type(whole[0]).of(_fields(details[0])) from None
        raise InvalidError.of(field for detail in details for field in _fields(detail)) from None


def parse_json(model: type[M], raw: bytes) -> M:
    """The request in a JSON body.

    Raises:
        InvalidError: naming ``body`` for what is not JSON (NaN, duplicate keys, depth beyond 32, over 1 MiB included).
    """
    return parse(model, load_json(raw))


def parse_query(model: type[M], pairs: Iterable[tuple[str, str]]) -> M:
    """The request in the parameters of a URL; only a field that holds several values comes more than once.

    Raises:
        InvalidError: naming every wrong parameter.
    """
    many = {field.alias or name for name, field in model.model_fields.items() if get_origin(field.annotation) is tuple}
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        given.setdefault(name, []).append(value)
    twice = [_name(name) for name, values in given.items() if len(values) > 1 and name not in many]
    if twice:
        raise InvalidError.of(FieldError(name, "is given more than once") for name in twice)
    return parse(model, {name: values if name in many else values[0] for name, values in given.items()})


def load_json(raw: bytes) -> Json:
    """The data of a strict JSON text.

    Raises:
        InvalidError: naming ``body``.
    """
    if len(raw) > MOST_BYTES:
        raise InvalidError("body", "is larger than 1 MiB")
    try:
        data: Json = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
        _check(data, DEEPEST)
    except (ValueError, RecursionError):
        raise InvalidError("body", "is not JSON that can be read here") from None
    return data


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(name)


def _check(data: Json, depth: int) -> None:
    """No deeper than that, and text that can be encoded."""
    if depth == 0:
        raise ValueError("too deep")
    if isinstance(data, str):
        data.encode()
    elif isinstance(data, dict):
        for key, value in data.items():
            key.encode()
            _check(value, depth - 1)
    elif isinstance(data, list):
        for value in data:
            _check(value, depth - 1)


def _cause(detail: ErrorDetails) -> object:
    return detail.get("ctx", {}).get("error")


def _fields(detail: ErrorDetails) -> list[FieldError]:
    path = ".".join(_name(part) for part in detail["loc"])
    cause = _cause(detail)
    if isinstance(cause, InvalidError):
        return [FieldError(".".join(filter(None, (path, name))) or "body", text) for name, text in cause.fields]
    return [FieldError(path or "body", _SHAPES.get(detail["type"], "is not valid"))]


def _name(part: int | str) -> str:
    """A part of the path; of an unknown field only what a name may be made of."""
    text = str(part)
    return text if (text.isidentifier() and text.isascii() and len(text) <= 64) or text.isdecimal() else "?"
