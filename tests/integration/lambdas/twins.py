"""Two equal clinics: requests go to the whole API of the one, and to the functions of the other, if they are theirs."""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from types import ModuleType
from typing import Any, Final
from urllib.parse import unquote

import attrs
from dependency_injector import providers
from starlette.types import ASGIApp, Message

from entrypoints.container import Container, open_container
from entrypoints.container.ground import Ground
from entrypoints.http.app import make_app
from entrypoints.http.transport import Transport
from entrypoints.lambdas import agenda, booking, decisions, starting
from entrypoints.operations.exchange import is_secure
from entrypoints.settings import load_settings
from telemed_core.testing.builders import a_password, an_email
from telemed_core.testing.doubles import MemoryTokens, SeededIds, SettableClock
from unit.entrypoints.api import AGENDA, MONDAY, PASSWORD, ZONE, doctor_body, patient_body, with_fast_passwords
from unit.entrypoints.lambdas.events import Told, request_event

FAMILIES: Final[tuple[ModuleType, ...]] = (agenda, booking, decisions)
ADDRESS: Final = "203.0.113.9"
OF_ITS_OWN: Final = frozenset({"x-request-id", "content-length", "connection"})
"""Headers that are no part of what is said: each answer has its own name; the gateway does lengths and connections."""

Header = tuple[str, str]


def family_of(method: str, path: str) -> ModuleType | None:
    """The function to which a deployment leads this request."""
    for module in FAMILIES:
        for route in module.ROUTES:
            if route.pattern.match(path) and method in route.operations:
                return module
    return None


@attrs.define
class Person:
    """Somebody who is signed in."""

    id: str
    login: str
    token: str


@attrs.define
class Twins:
    """Both clinics; each request is made to both, and their answers are compared.

    Attributes:
        seen: of what the functions have answered the operations' names, with status and code.
    """

    containers: tuple[Container, Container]
    apps: tuple[ASGIApp, ASGIApp]
    clock: SettableClock
    seen: set[tuple[str, int, str | None]] = attrs.Factory(set)
    _drawn: int = 0

    def ask(
        self,
        method: str,
        url: str,
        body: Any = None,
        *,
        by: Person | None = None,
        headers: Sequence[Header] = (),
        raw: bytes | None = None,
        to: ModuleType | None = None,
        encoded: bool = False,
    ) -> Told:
        """The answer, which is one and the same.

        Args:
            to: the function that is asked whatever the path is; else the one that a deployment leads it to, if any.
            encoded: the function gets the body in base64.
        """
        sent = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        all_headers = [*headers, *([("Authorization", f"Bearer {by.token}")] if by else [])]
        path = url.partition("?")[0]
        whole = over_http(self.apps[0], method, url, headers=all_headers, body=sent)
        module = to or family_of(method, unquote(path))
        if module is None:
            part = over_http(self.apps[1], method, url, headers=all_headers, body=sent)
        else:
            event = request_event(method, url, headers=all_headers, body=sent, address=ADDRESS, encoded=encoded)
            part = Told.by(module.handler(event, None))
            self._note(module, method, unquote(path), part)
        assert_same(whole, part)
        return part

    def sign_in(self, login: str) -> str:
        """An access token; after a quarter of an hour it is none any more."""
        told = self.ask("POST", "/v1/auth/token", {"login": login, "password": PASSWORD})
        assert told.status == 200, told.raw
        found: str = told.body["access_token"]
        return found

    def later(self, length: timedelta, *people: Person) -> None:
        """Let time pass, and these people sign in again."""
        self.clock.advance(length)
        for one in people:
            one.token = self.sign_in(one.login)

    def administrator(self) -> Person:
        email = an_email(1, of="administrator")
        made = [
            one.create_administrator()(email=email, password=a_password(), time_zone=ZONE) for one in self.containers
        ]
        assert made[0].id == made[1].id
        return Person(made[0].id, str(email), self.sign_in(str(email)))

    def doctor(self, *, approved_by: Person | None, **facts: Any) -> Person:
        """A doctor; where somebody approves, one who receives at every hour."""
        body = {**doctor_body(self._number()), **facts}
        registered = self.ask("POST", "/v1/doctors", body)
        assert registered.status == 201, registered.raw
        made = Person(registered.body["id"], body["crm"], self.sign_in(body["crm"]))
        if approved_by:
            decision = {"decision": "approve"}
            approved = self.ask("POST", f"/v1/doctors/{made.id}/verification", decision, by=approved_by)
            etag = self.ask("GET", "/v1/agenda", by=made).headers["etag"]
            replaced = self.ask("PUT", "/v1/agenda", AGENDA, by=made, headers=[("If-Match", etag)])
            assert (approved.status, replaced.status) == (200, 200)
        return made

    def patient(self, **facts: Any) -> Person:
        body = {**patient_body(self._number()), **facts}
        registered = self.ask("POST", "/v1/patients", body)
        assert registered.status == 201, registered.raw
        return Person(registered.body["id"], body["email"], self.sign_in(body["email"]))

    def _number(self) -> int:
        self._drawn += 1
        return self._drawn

    def _note(self, module: ModuleType, method: str, path: str, told: Told) -> None:
        for route in module.ROUTES:
            if route.pattern.match(path) and method in route.operations:
                problem = told.headers.get("content-type") == "application/problem+json"
                self.seen.add((route.operations[method].name, told.status, told.code if problem else None))


class Part:
    """Of all parts those that a family has: what its operations ask for beside them is not there."""

    def __init__(self, whole: Container, kind: type[Ground]) -> None:
        self._whole, self._kind = whole, kind

    def __getattr__(self, name: str) -> Any:
        if name not in self._kind.providers:
            raise AttributeError(name)
        return getattr(self._whole, name)


@contextmanager
def twins(first: Mapping[str, str], second: Mapping[str, str] | None = None) -> Iterator[Twins]:
    """Two clinics of these settings, on one clock, that draw the same ids."""
    clock = SettableClock(MONDAY)
    with ExitStack() as closing:
        containers = [_opened(environment, clock) for environment in (first, first if second is None else second)]
        for container in containers:
            closing.callback(container.close)
        apps = [Transport(make_app(container), secure=is_secure(container.settings())) for container in containers]
        closing.enter_context(starting.container.override(providers.Callable(Part, containers[1])))
        for module in FAMILIES:
            module.gateway.reset()
            closing.callback(module.gateway.reset)
        yield Twins((containers[0], containers[1]), (apps[0], apps[1]), clock)


def _opened(environment: Mapping[str, str], clock: SettableClock) -> Container:
    container = open_container(load_settings({"TELEMED_BACKGROUND": "off", **environment}), clock=clock)
    container.ids.override(providers.Object(SeededIds()))
    container.tokens.override(providers.Object(MemoryTokens()))
    return with_fast_passwords(container)


def over_http(app: ASGIApp, method: str, url: str, *, headers: Sequence[Header], body: bytes) -> Told:
    """One request, as a server hands it to the app."""
    path, _, query = url.partition("?")
    length = [("Content-Length", str(len(body)))] if body else []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in [*headers, *length]],
        "client": (ADDRESS, 1),
        "server": ("127.0.0.1", 80),
    }
    sent: list[Message] = []
    chunks = [body]

    async def receive() -> Message:
        if not chunks:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": chunks.pop(), "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    start, *parts = sent
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
    assert len(dict(pairs)) == len(pairs)
    return Told(start["status"], dict(pairs), b"".join(part.get("body", b"") for part in parts))


def assert_same(whole: Told, part: Told) -> None:
    """Status, body and headers are equal, byte for byte; each answer has a name of its own."""
    assert (part.status, part.raw) == (whole.status, whole.raw)
    shown = [{name: value for name, value in one.headers.items() if name not in OF_ITS_OWN} for one in (whole, part)]
    assert shown[0] == shown[1]
    names = [one.headers["x-request-id"] for one in (whole, part)]
    assert all(re.fullmatch("[0-9a-f]{32}", name) for name in names)
    assert names[0] != names[1]
