"""From a request to its answer: who asks, what is asked, what is done, and how each refusal is shown."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import attrs
import orjson

from entrypoints.failures import Problem, problem
from entrypoints.operations.limits import RequestLimits
from entrypoints.operations.operation import Answer, Call, File, Incoming, Operation, Outgoing, role_of
from telemed_core.domain.accounts import Account
from telemed_core.domain.commit import Idempotency
from telemed_core.domain.ids import AccountId, Id, SessionId
from telemed_core.domain.people import Role
from telemed_core.domain.receipts import ReplayedCommand
from telemed_core.errors import (
    BusyError,
    ForbiddenError,
    InvalidCredentialsError,
    InvalidError,
    NotFoundError,
    TelemedError,
    TooManyError,
    UnauthenticatedError,
)
from telemed_core.messages.fields import Request
from telemed_core.messages.parsing import MOST_BYTES, Json, load_json, parse, parse_query
from telemed_core.messages.problems import problem_view
from telemed_core.messages.views import View

if TYPE_CHECKING:
    from entrypoints.container import Container

JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"
KEY_HEADER: Final = "Idempotency-Key"
REPLAYED_HEADER: Final = "Idempotency-Replayed"
LONGEST_KEY: Final = 128
LONGEST_AUTHORIZATION: Final = 8 * 1024

NO_SUCH_OPERATION: Final = Problem(404, NotFoundError.code, NotFoundError.text)
METHOD_NOT_ALLOWED: Final = Problem(405, "method_not_allowed", "This cannot be done here; Allow says what can.")
INTERNAL: Final = Problem(500, "internal", "Something went wrong on our side.")

_A_SECOND: Final = timedelta(seconds=1)


def body_too_large(most_bytes: int = MOST_BYTES) -> Problem:
    """How a body is refused that is longer than that."""
    return Problem(413, "body_too_large", f"A body has at most {most_bytes} bytes.")


class NoQuery(Request):
    """Of operations that have no query."""


def problem_answer(refusal: Problem, **headers: str) -> Outgoing:
    """A refusal, as problem+json (RFC 9457)."""
    view = problem_view(**refusal._asdict())
    return Outgoing(
        status=refusal.status,
        headers={"Content-Type": PROBLEM, **headers},
        body=view.model_dump_json().encode(),
    )


def method_answer(allowed: Iterable[str]) -> Outgoing:
    """How a method is refused that is none of those that a path has."""
    return problem_answer(METHOD_NOT_ALLOWED, Allow=", ".join(sorted(allowed)))


@attrs.frozen
class Api:
    """Answers calls of operations, in the order of refusals that the contract gives."""

    _container: "Container"
    _limits: RequestLimits = attrs.field(
        default=attrs.Factory(lambda self: RequestLimits.of(self._container.settings()), takes_self=True)
    )

    def answer(self, operation: Operation, incoming: Incoming) -> Outgoing:
        """What is sent back; a bug alone is raised."""
        if len(incoming.body) > MOST_BYTES:
            return problem_answer(body_too_large())
        try:
            call = self._read(operation, incoming)
            try:
                return _success(operation, operation.act(call))
            except ReplayedCommand as replayed:
                if operation.replay is None:
                    raise
                view = operation.replay(call, replayed.receipt)
                return _success(operation, Answer(view, {REPLAYED_HEADER: "true"}))
        except TelemedError as error:
            return problem_answer(problem(error), **_headers(error))

    def _read(self, operation: Operation, incoming: Incoming) -> Call[Request | None, Request]:
        self._limits.check(incoming.address)
        caller = None if operation.roles is None else self._caller(operation.roles, incoming)
        key = _idempotency_key(incoming) if operation.replay else None
        data, body = _body(operation, incoming.body, caller and role_of(caller[0]))
        query = parse_query(operation.query or NoQuery, incoming.query)
        _check_ids(incoming.ids.values())
        return Call(
            container=self._container,
            path=incoming.path,
            body=body,
            query=query,
            ids=incoming.ids,
            headers=incoming.headers,
            address=incoming.address,
            idempotency=None
            if not key or not caller
            else self._idempotency(caller[0].id, key, operation, incoming, data),
            caller=caller,
        )

    def _caller(self, roles: frozenset[Role], incoming: Incoming) -> tuple[Account, SessionId]:
        account, session_id = self._container.authenticate()(_token(incoming.headers.get("authorization", ())))
        if role_of(account) not in roles:
            raise ForbiddenError
        self._limits.check(account.id)
        return account, session_id

    def _idempotency(
        self, account_id: AccountId, key: str, operation: Operation, incoming: Incoming, data: Json
    ) -> Idempotency:
        asked = orjson.dumps([operation.method, incoming.path, data], option=orjson.OPT_SORT_KEYS).decode()
        return Idempotency(account_id, key, self._container.sealing().index("receipt", asked))


def _token(headers: Sequence[str]) -> str:
    """The token of the one ``Authorization`` header."""
    if len(headers) != 1 or len(headers[0]) > LONGEST_AUTHORIZATION:
        raise UnauthenticatedError
    scheme, _, token = headers[0].partition(" ")
    if scheme.lower() != "bearer":
        raise UnauthenticatedError
    return token.lstrip(" ")


def _idempotency_key(incoming: Incoming) -> str | None:
    keys = incoming.headers.get(KEY_HEADER.lower(), ())
    if not keys:
        return None
    if len(keys) > 1 or not 1 <= len(keys[0]) <= LONGEST_KEY or not all("!" <= char <= "~" for char in keys[0]):
        raise InvalidError(KEY_HEADER, "must be one value of 1 to 128 visible ASCII characters")
    return keys[0]


def _body(operation: Operation, raw: bytes, role: Role | None) -> tuple[Json, Request | None]:
    model = operation.body
    if isinstance(model, Mapping):
        model = None if role is None else model[role]
    if model is None:
        return None, None
    data = load_json(raw) if raw else {}
    return data, parse(model, data)


def _check_ids(ids: Iterable[str]) -> None:
    """What is no id is the id of nothing."""
    try:
        for one in ids:
            Id(one)
    except InvalidError:
        raise NotFoundError from None


def _success(operation: Operation, done: View | Answer | File | None) -> Outgoing:
    if isinstance(done, File):
        assert operation.media_type is not None  # noqa: S101 # an operation that answers a file says of what type
        headers = {"Content-Type": operation.media_type, **done.headers}
        return Outgoing(status=operation.status, headers=headers, body=done.content)
    answer = done if isinstance(done, Answer) else Answer(done)
    if answer.view is None:
        return Outgoing(status=operation.status, headers=answer.headers)
    return Outgoing(
        status=operation.status,
        headers={"Content-Type": JSON, **answer.headers},
        body=answer.view.model_dump_json().encode(),
    )


def _headers(error: TelemedError) -> dict[str, str]:
    match error:
        case UnauthenticatedError() | InvalidCredentialsError():
            return {"WWW-Authenticate": "Bearer"}
        case TooManyError():
            return {"Retry-After": str(max(1, math.ceil(error.retry_after / _A_SECOND)))}
        case BusyError():
            return {"Retry-After": "1"}
        case _:
            return {}
