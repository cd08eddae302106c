"""The transport, called as a server calls it: what every answer has, and what a body is held to."""

import asyncio
import json
import logging
import re
from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import pytest
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from entrypoints.http.transport import Transport, UnfinishedAnswerError
from entrypoints.logs import LOG, JsonLines, open_log

MARK = "maria@example.org"
WHOLE: Message = {"type": "http.request", "body": b"", "more_body": False}
GONE: Message = {"type": "http.disconnect"}

Header = tuple[bytes, bytes]


def part(body: bytes, *, more: bool = True) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


@attrs.define
class Answered:
    """What the transport sent."""

    messages: list[Message] = attrs.Factory(list)

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        pairs = [(name.decode(), value.decode()) for name, value in self.messages[0]["headers"]]
        assert len(pairs) == len(dict(pairs))
        return dict(pairs)

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.messages[1:])

    @property
    def problem(self) -> dict[str, Any]:
        assert self.headers["content-type"] == "application/problem+json"
        found: dict[str, Any] = json.loads(self.body)
        return found


def answering(*messages: Message) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    return app


def start(status: int = 200, *headers: Header) -> Message:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def end(body: bytes = b"") -> Message:
    return {"type": "http.response.body", "body": body}


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers the body that it gets."""
    message = await receive()
    assert not message["more_body"]
    await send(start())
    await send(end(message["body"]))


def ask(
    app: ASGIApp,
    *,
    method: str = "GET",
    headers: Sequence[Header] = (),
    received: Sequence[Message] = (WHOLE,),
    secure: bool = False,
    **limits: Any,
) -> Answered:
    """One request; after what is received comes nothing more."""
    answered = Answered()
    waiting = received if isinstance(received, list) else list(received)

    async def receive() -> Message:
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop(0)

    async def send(message: Message) -> None:
        answered.messages.append(message)

    scope = {"type": "http", "method": method, "path": f"/v1/{MARK}", "query_string": MARK.encode(), "headers": headers}
    asyncio.run(Transport(app, secure=secure, **limits)(scope, receive, send))
    return answered


@pytest.fixture
def logged() -> Iterator[list[dict[str, Any]]]:
    """What is logged, a line each."""
    lines: list[dict[str, Any]] = []
    formatter = JsonLines()

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            text = formatter.format(record)
            assert MARK not in text
            lines.append(json.loads(text))

    kept = Kept()
    LOG.addHandler(kept)
    level = LOG.level
    LOG.setLevel(logging.INFO)
    yield lines
    LOG.setLevel(level)
    LOG.removeHandler(kept)


def test_every_answer_has_a_request_id_of_our_own() -> None:
    asked = [(b"x-request-id", b"mine")]
    ids = {ask(answering(start(), end()), headers=asked).headers["x-request-id"] for _ in range(50)}
    assert len(ids) == 50
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in ids)


def test_every_answer_is_kept_from_being_stored_sniffed_framed_or_followed() -> None:
    headers = ask(answering(start(), end())).headers
    del headers["x-request-id"]
    assert headers == {
        "cache-control": "no-store",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
    }


def test_where_people_come_by_https_they_are_told_to_stay_there() -> None:
    assert ask(answering(start(), end()), secure=True).headers["strict-transport-security"] == "max-age=31536000"


def test_an_answer_may_bring_its_own_policy_and_may_be_stored_if_it_says_so() -> None:
    own = [(b"content-security-policy", b"default-src 'self'"), (b"cache-control", b"max-age=60")]
    headers = ask(answering(start(200, *own), end())).headers
    assert headers["content-security-policy"] == "default-src 'self'"
    assert headers["cache-control"] == "max-age=60"
    assert headers["x-frame-options"] == "DENY"


def test_an_app_gets_the_body_whole() -> None:
    answered = ask(
        echo, headers=[(b"content-length", b"4")], received=[part(b"ab"), part(b"c"), part(b"d", more=False)]
    )
    assert answered.body == b"abcd"


def test_an_app_that_waits_on_hears_of_the_client_leaving() -> None:
    heard: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        heard.extend([(await receive())["type"], (await receive())["type"]])
        await echo(scope, answering_whole, send)

    async def answering_whole() -> Message:
        return WHOLE

    ask(app, headers=[(b"content-length", b"1")], received=[part(b"a", more=False), GONE])
    assert heard == ["http.request", "http.disconnect"]


def test_a_body_that_says_it_is_too_long_is_refused_before_any_of_it_is_there() -> None:
    answered = ask(echo, headers=[(b"content-length", b"11")], received=[], most_bytes=10, patience=0.02)
    assert (answered.status, answered.problem["code"]) == (413, "body_too_large")
    assert answered.headers["connection"] == "close"
    assert answered.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("says", [[(b"transfer-encoding", b"chunked")], [(b"content-length", b"10")]])
def test_a_body_is_counted_while_it_is_read_whatever_it_says(says: list[Header]) -> None:
    fitting = ask(echo, headers=says, received=[part(b"a" * 6), part(b"a" * 4, more=False)], most_bytes=10)
    assert fitting.status == 200
    longer = ask(echo, headers=says, received=[part(b"a" * 6), part(b"a" * 5), part(b"", more=False)], most_bytes=10)
    assert (longer.status, longer.problem["code"]) == (413, "body_too_large")


def test_what_follows_a_refused_body_is_dropped_but_not_for_ever() -> None:
    read = 0

    class Endless(list[Message]):
        """Ten bytes more, whenever it is asked."""

        def pop(self, _: Any = 0) -> Message:
            nonlocal read
            read += 1
            return part(b"a" * 10)

    answered = ask(echo, headers=[(b"transfer-encoding", b"chunked")], received=Endless([WHOLE]), most_bytes=10)
    assert answered.status == 413
    assert read == 2 + 16


def test_a_body_that_does_not_come_is_given_up_and_the_connection_closed() -> None:
    answered = ask(echo, headers=[(b"content-length", b"4")], received=[part(b"ab")], patience=0.02)
    assert (answered.status, answered.problem["code"]) == (408, "request_timeout")
    assert answered.headers["connection"] == "close"


def test_of_a_client_that_leaves_in_the_middle_of_its_body_the_app_hears_nothing(logged: list[dict[str, Any]]) -> None:
    answered = ask(echo, headers=[(b"content-length", b"4")], received=[part(b"ab"), GONE])
    assert answered.messages == []
    assert [line["status"] for line in logged] == [None]


def test_a_bug_is_an_answer_without_text_and_a_line_without_it(logged: list[dict[str, Any]]) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            raise KeyError(MARK)
        except KeyError as error:
            raise ValueError(MARK) from error

    answered = ask(app)

    assert answered.status == 500
    assert answered.problem == {
        "type": "urn:telemed:problem:internal",
        "title": "Internal",
        "status": 500,
        "detail": "Something went wrong on our side.",
        "code": "internal",
        "errors": None,
    }
    bug, access = logged
    assert [one["type"] for one in bug["errors"]] == ["ValueError", "KeyError"]
    assert __file__ in bug["errors"][0]["frames"][-1]
    assert bug["request_id"] == access["request_id"] == answered.headers["x-request-id"]
    assert access["status"] == 500


def test_what_an_app_says_of_its_own_failure_is_not_passed_on() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(500, (b"content-type", b"text/plain")))
        await send(end(MARK.encode()))
        raise ValueError(MARK)

    assert ask(app).problem["code"] == "internal"
    said = ask(answering(start(500), end(MARK.encode())))
    assert (said.problem["code"], len(said.messages)) == ("internal", 2)


def test_a_failure_in_the_middle_of_an_answer_ends_the_connection_and_after_it_does_not() -> None:
    async def halfway(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise ValueError(MARK)

    with pytest.raises(UnfinishedAnswerError) as broken:
        ask(halfway)
    assert broken.value.__suppress_context__

    async def afterwards(scope: Scope, receive: Receive, send: Send) -> None:
        await answering(start(), end(b"whole"))(scope, receive, send)
        raise ValueError(MARK)

    assert ask(afterwards).body == b"whole"


def test_a_request_is_a_line_with_the_template_of_its_path_and_nothing_that_was_typed(
    logged: list[dict[str, Any]],
) -> None:
    @attrs.frozen
    class Route:
        path: str

    async def routed(scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"] = Route("/v1/doctors/{id}")
        await answering(start(404), end())(scope, receive, send)

    answered = ask(routed, headers=[(b"authorization", MARK.encode())])
    ask(answering(start(), end()), method=MARK)

    known, unknown = logged
    assert known.pop("at").endswith("Z")
    assert known.pop("ms") >= 0
    assert known == {
        "request_id": answered.headers["x-request-id"],
        "method": "GET",
        "route": "/v1/doctors/{id}",
        "status": 404,
    }
    assert (unknown["method"], unknown["route"]) == ("OTHER", None)


def test_the_lifespan_passes_as_it_is() -> None:
    passed: list[Any] = []

    async def app(*arguments: Any) -> None:
        passed.extend(arguments)

    given = ({"type": "lifespan"}, object(), object())
    asyncio.run(Transport(app, secure=True)(*given))
    assert passed == [*given]


def socket(app: ASGIApp, *received: Message) -> list[Message]:
    """What is sent over a WebSocket on which that is received."""
    waiting, sent = list(received), []

    async def receive() -> Message:
        return waiting.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": f"/v1/{MARK}", "query_string": MARK.encode(), "headers": []}
    asyncio.run(Transport(app, secure=True)(scope, receive, send))
    return sent


def test_a_websocket_has_an_id_and_a_line_with_the_code_that_ended_it_first(logged: list[dict[str, Any]]) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"] = Route("/v1/{word}", answering())
        await send({"type": "websocket.accept", "subprotocol": None, "headers": [(b"a", b"b")]})
        await receive()
        await send({"type": "websocket.close", "code": 4410})

    accepted, closed = socket(app, {"type": "websocket.disconnect", "code": 1001})
    assert closed["code"] == 4410
    (line,) = logged
    assert dict(accepted["headers"]) == {b"a": b"b", b"x-request-id": line["request_id"].encode()}
    assert (line["method"], line["route"], line["status"]) == ("WEBSOCKET", "/v1/{word}", 1001)


def test_a_bug_closes_a_websocket_that_is_open_and_no_other(logged: list[dict[str, Any]]) -> None:
    def failing_after(*messages: Message) -> ASGIApp:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await answering(*messages)(scope, receive, send)
            raise RuntimeError(MARK)

        return app

    accept, close = {"type": "websocket.accept"}, {"type": "websocket.close", "code": 4410}
    assert [message.get("code") for message in socket(failing_after(accept))] == [None, 1011]
    assert [message.get("code") for message in socket(failing_after(accept, close))] == [None, 4410]
    assert [message["type"] for message in socket(failing_after())] == ["websocket.close"]
    assert [line["status"] for line in logged if "status" in line] == [1011, 4410, 403]
    assert [line["what"] for line in logged if "what" in line] == ["bug"] * 3


def test_the_log_is_json_lines_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    handlers, level, propagate = list(LOG.handlers), LOG.level, LOG.propagate
    try:
        open_log()
        open_log()
        ask(answering(start(204), end()))
        LOG.warning("of %s", "another library")
        LOG.handlers[-1].flush()
    finally:
        LOG.handlers, LOG.propagate = handlers, propagate
        LOG.setLevel(level)
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line.get("status") for line in told] == [204, None]
    assert told[1]["what"] == "of another library"
