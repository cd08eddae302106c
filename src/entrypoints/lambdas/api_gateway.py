"""Requests as an HTTP API of API Gateway hands them on (payload format 2.0), answered by a family of operations."""

import re
from base64 import b64decode
from collections.abc import Collection, Mapping, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, Self, cast
from urllib.parse import parse_qsl

import attrs
from dependency_injector.providers import ThreadSafeSingleton as Once

from entrypoints.container.ground import Ground
from entrypoints.lambdas.starting import parts_of
from entrypoints.logs import log_access, log_bug
from entrypoints.operations.answering import (
    INTERNAL,
    NO_SUCH_OPERATION,
    Api,
    body_too_large,
    method_answer,
    problem_answer,
)
from entrypoints.operations.exchange import (
    client_address,
    is_secure,
    new_request_id,
    shown_method,
    standing_headers,
)
from entrypoints.operations.operation import Headers, Incoming, Operation, Outgoing
from telemed_core.messages.parsing import MOST_BYTES

if TYPE_CHECKING:
    from entrypoints.container import Container

Event = Mapping[str, Any]
Answer = dict[str, Any]

_UNNAMED: Final = "$default"
"""The stage whose name does not stand before paths."""


@attrs.frozen
class Route:
    """A path of the API, as one family sees it.

    Attributes:
        path: with parameters in braces.
        operations: by method, those that are carried out here.
        allowed: every method that the API has under this path.
    """

    path: str
    operations: Mapping[str, Operation]
    allowed: Collection[str]
    pattern: re.Pattern[str] = attrs.field(
        init=False, repr=False, default=attrs.Factory(lambda self: _pattern(self.path), takes_self=True)
    )


def routes_of(known: Sequence[Operation], *names: str) -> tuple[Route, ...]:
    """The paths of the operations that are called so.

    Args:
        known: the API's operations under these paths, also those that are carried out elsewhere.
    """
    family = [one for one in known if one.name in names]
    assert {one.name for one in family} == {*names}  # noqa: S101 # what is called so must be there
    return tuple(
        Route(
            path,
            {one.method: one for one in family if one.path == path},
            [one.method for one in known if one.path == path],
        )
        for path in dict.fromkeys(one.path for one in family)
    )


def gateway_to(kind: type[Ground], routes: Sequence[Route]) -> Once["ApiGateway"]:
    """The answers of this process's parts, which are of that kind, made by the first call."""
    return Once(lambda: ApiGateway.over(parts_of(kind), routes))


@attrs.frozen
class ApiGateway:
    """Answers events byte for byte as the whole API does; what another family carries out is not found here."""

    _api: Api
    _routes: Sequence[Route]
    _standing: Headers
    _trusted_proxies: int

    @classmethod
    def over(cls, parts: Ground, routes: Sequence[Route]) -> Self:
        """With these parts, as their settings say.

        Operations are written for all parts that there are; these have what the operations of the routes ask for.
        """
        settings = parts.settings()
        return cls(
            Api(cast("Container", parts)),
            routes,
            standing_headers(secure=is_secure(settings)),
            settings.trusted_proxies,
        )

    def __call__(self, event: Event) -> Answer:
        """What the gateway is to send back; of a bug the log alone is told."""
        begun = perf_counter()
        request_id = new_request_id()
        method, route = "", None
        try:
            method, path, body = event["requestContext"]["http"]["method"], _path(event), _body(event)
            # As where a server reads the body: before anybody asks what it is for.
            if len(body) > MOST_BYTES:
                outgoing = problem_answer(body_too_large())
            else:
                route, ids = self._found(path)
                outgoing = self._answer(route, event, method, path=path, ids=ids, body=body)
        except Exception as error:
            log_bug(error, request_id=request_id)
            outgoing = problem_answer(INTERNAL)
        log_access(
            request_id=request_id,
            method=shown_method(method),
            route=None if route is None else route.path,
            status=outgoing.status,
            ms=(perf_counter() - begun) * 1000,
        )
        own = {name.lower(): value for name, value in outgoing.headers.items()}
        return {
            "statusCode": outgoing.status,
            "headers": {**self._standing, **own, "x-request-id": request_id},
            "body": outgoing.body.decode(),
            "isBase64Encoded": False,
        }

    def _found(self, path: str) -> tuple[Route | None, Mapping[str, str]]:
        for route in self._routes:
            if matched := route.pattern.match(path):
                return route, matched.groupdict()
        return None, {}

    def _answer(
        self, route: Route | None, event: Event, method: str, *, path: str, ids: Mapping[str, str], body: bytes
    ) -> Outgoing:
        if route is not None and method not in route.allowed:
            return method_answer(route.allowed)
        if route is None or method not in route.operations:
            return problem_answer(NO_SUCH_OPERATION)
        headers = {name.lower(): [value] for name, value in event.get("headers", {}).items()}
        incoming = Incoming(
            path=path,
            ids=ids,
            query=parse_qsl(event.get("rawQueryString", ""), keep_blank_values=True),
            headers=headers,
            body=body,
            address=client_address(
                event["requestContext"]["http"]["sourceIp"],
                headers.get("x-forwarded-for", ()),
                trusted_proxies=self._trusted_proxies,
            ),
        )
        return self._api.answer(route.operations[method], incoming)


def _path(event: Event) -> str:
    """Without the stage's name.

    The gateway has decoded all of it but ``%25``, and in none of our paths there is a percent sign.
    """
    path: str = event["rawPath"]
    stage = event["requestContext"].get("stage", _UNNAMED)
    named = stage != _UNNAMED and path.startswith(f"/{stage}/")
    return path.removeprefix(f"/{stage}") if named else path


def _body(event: Event) -> bytes:
    """As it was sent: a text of which a part is no text stays one that cannot be read."""
    body: str = event.get("body") or ""
    return b64decode(body) if event.get("isBase64Encoded") else body.encode("utf-8", "surrogatepass")


def _pattern(path: str) -> re.Pattern[str]:
    """What the paths are like of which this is the template, as the API's router reads it."""
    parts = re.split(r"\{(\w+)\}", path)
    read = [f"(?P<{part}>[^/]+)" if place % 2 else re.escape(part) for place, part in enumerate(parts)]
    return re.compile("".join(read) + "$")
