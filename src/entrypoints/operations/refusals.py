"""Every way in which an operation can be refused, as responses of the OpenAPI document."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from entrypoints.failures import Problem, status_of
from entrypoints.operations.answering import INTERNAL, KEY_HEADER, PROBLEM, body_too_large
from entrypoints.operations.components import SCHEMAS, Json
from entrypoints.operations.operation import SIGNED_IN, Operation
from telemed_core.errors import (
    BusyError,
    FieldError,
    ForbiddenError,
    IdempotencyKeyReusedError,
    InvalidCursorError,
    InvalidError,
    JoinWindowClosedError,
    NotFoundError,
    TelemedError,
    TooManyRequestsError,
    UnauthenticatedError,
    UnavailableError,
)
from telemed_core.messages.problems import JoinWindowClosedProblemView, ProblemView, problem_view
from telemed_core.messages.queries import PageQuery

REQUEST_ID: Final[Json] = {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}}
HEADERS: Final[Json] = {
    "X-Request-Id": {"description": "Names this answer in our logs.", "required": True, "schema": {"type": "string"}},
    "WWW-Authenticate": {"description": "How to sign in.", "required": True, "schema": {"type": "string"}},
    "Retry-After": {
        "description": "In how many seconds to try again.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "Retry-After-Busy": {
        "description": "In how many seconds to try again, where that is known.",
        "schema": {"type": "integer", "minimum": 1},
    },
}

_HEADER_OF: Final[Mapping[int, tuple[str, str]]] = {
    401: ("WWW-Authenticate", "WWW-Authenticate"),
    429: ("Retry-After", "Retry-After"),
    503: ("Retry-After", "Retry-After-Busy"),
}
_FIELD_OF: Final[Mapping[str, FieldError]] = {
    "invalid_request": FieldError("name", "is required"),
    "invalid_cursor": FieldError("cursor", InvalidCursorError.text),
    "overlapping_windows": FieldError("weekly", "Two windows overlap."),
    "idempotency_key_reused": FieldError(KEY_HEADER, IdempotencyKeyReusedError.text),
}
_TRANSPORT: Final = (
    Problem(408, "request_timeout", "The body was not there in time."),
    body_too_large(),
)
_SHAPE_OF: Final[Mapping[str, type[ProblemView]]] = {JoinWindowClosedError.code: JoinWindowClosedProblemView}
"""The refusals that say more than the others."""

_AN_OPENING: Final = datetime(2026, 6, 1, 14, 50, tzinfo=UTC)


def refusals_of(operation: Operation) -> list[Problem]:
    """Each with its status and code, and with what it may say."""
    found = [*map(_as_problem, _errors(operation)), INTERNAL]
    if operation.method != "GET":
        found += _TRANSPORT
    return found


def responses_of(refusals: Iterable[Problem]) -> Json:
    """A response for every status, with the codes that it can have."""
    by_status: dict[int, dict[str, Problem]] = defaultdict(dict)
    for refusal in refusals:
        by_status[refusal.status].setdefault(refusal.code, refusal)
    return {str(status): _response(status, sorted(by_status[status])) for status in sorted(by_status)}


def shapes_of(refusals: Iterable[Problem]) -> list[type[ProblemView]]:
    """What refusals look like: all of them, and those that say more."""
    codes = {refusal.code for refusal in refusals}
    return [ProblemView, *(shape for code, shape in _SHAPE_OF.items() if code in codes)]


def examples_of(refusals: Iterable[Problem]) -> Json:
    """A body for every code."""
    by_code = {refusal.code: refusal for refusal in refusals}
    return {
        code: {
            "summary": by_code[code].detail,
            "value": problem_view(**by_code[code]._asdict()).model_dump(mode="json"),
        }
        for code in sorted(by_code)
    }


def shared(documents: Iterable[Json]) -> Json:
    """The responses that are written more than once, by a name of their own; operations then refer to them."""
    counted: dict[str, list[Json]] = defaultdict(list)
    for responses in documents:
        for status, response in responses.items():
            if "content" in response and PROBLEM in response["content"]:
                codes = response["content"][PROBLEM]["examples"]
                counted[f"{status}-{'-'.join(codes)}"].append(responses)
    found: Json = {}
    for name in sorted(counted):
        if len(counted[name]) > 1:
            status = name.partition("-")[0]
            found[name] = counted[name][0][status]
            for responses in counted[name]:
                responses[status] = {"$ref": f"#/components/responses/{name}"}
    return found


def _errors(operation: Operation) -> Iterator[type[TelemedError]]:
    yield from (InvalidError, TooManyRequestsError, UnavailableError, BusyError)
    if operation.roles is not None:
        yield UnauthenticatedError
        if operation.roles != SIGNED_IN:
            yield ForbiddenError
    if "{" in operation.path:
        yield NotFoundError
    if operation.query and issubclass(operation.query, PageQuery):
        yield InvalidCursorError
    if operation.replay:
        yield IdempotencyKeyReusedError
    yield from operation.refusals


def _as_problem(kind: type[TelemedError]) -> Problem:
    fields = (_FIELD_OF.get(kind.code, FieldError("start", kind.text)),) if issubclass(kind, InvalidError) else ()
    opens_at = _AN_OPENING if issubclass(kind, JoinWindowClosedError) else None
    return Problem(status_of(kind), kind.code, kind.text, fields, opens_at)


def _shape(code: str) -> Json:
    name = _SHAPE_OF[code].__name__.removesuffix("View")
    return {"if": {"properties": {"code": {"const": code}}}, "then": {"$ref": f"{SCHEMAS}{name}"}}


def _response(status: int, codes: list[str]) -> Json:
    headers = dict(REQUEST_ID)
    if status in _HEADER_OF:
        name, header = _HEADER_OF[status]
        headers[name] = {"$ref": f"#/components/headers/{header}"}
    return {
        "description": " or ".join(f"`{code}`" for code in codes),
        "headers": headers,
        "content": {
            PROBLEM: {
                "schema": {
                    "allOf": [
                        {"$ref": f"{SCHEMAS}Problem"},
                        {"properties": {"status": {"const": status}, "code": {"enum": codes}}},
                        *(_shape(code) for code in codes if code in _SHAPE_OF),
                    ]
                },
                "examples": {code: {"$ref": f"#/components/examples/{code}"} for code in codes},
            }
        },
    }
