"""Requests down to their bytes, answers down to theirs, and the one shape that every refusal has."""

import http.client
import json
import re
import time
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from integration.http.server import Client, Unanswered

Header = tuple[str, str | bytes]

PROBLEM: Final = "application/problem+json"
ITS_OWN: Final = frozenset({"x-request-id", "date"})
"""What differs between two answers that tell nothing apart."""


class Reply(NamedTuple):
    """What came back, byte for byte."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Of a problem, its code; else nothing."""
        return str(self.json["code"]) if self.header("content-type") == PROBLEM else ""

    def header(self, name: str) -> str | None:
        """The value of the header that stands once; ``None``: it does not stand."""
        found = [value for known, value in self.headers if known == name.lower()]
        assert len(found) < 2, f"{name} stands {len(found)} times"
        return found[0] if found else None

    def telling(self) -> tuple[int, frozenset[tuple[str, str]], bytes]:
        """All of it that somebody could tell two answers apart by."""
        return self.status, frozenset(one for one in self.headers if one[0] not in ITS_OWN), self.body


def send(
    client: Client,
    method: str,
    target: str,
    body: bytes | str | None = None,
    headers: Iterable[Header] = (),
    *,
    token: str | None = None,
) -> Reply:
    """One request exactly as it is told here; ``token``: in place of the client's own, ``""`` sends none.

    Raises:
        Unanswered: there was no answer.
    """
    try:
        connection = client.connect()
        connection.putrequest(method, target, skip_accept_encoding=True)
        bearer = client.token if token is None else token
        if bearer:
            connection.putheader("Authorization", f"Bearer {bearer}")
        for name, value in headers:
            connection.putheader(name, value)
        content = body.encode() if isinstance(body, str) else body
        if content is not None:
            connection.putheader("Content-Type", "application/json")
            connection.putheader("Content-Length", str(len(content)))
        connection.endheaders(content)
        response = connection.getresponse()
        raw = response.read()
    except (OSError, http.client.HTTPException) as error:
        client.close()
        raise Unanswered(f"{method} {target[:80]}: {type(error).__name__}") from None
    if response.will_close:
        client.close()
    named = tuple((name.lower(), value) for name, value in response.getheaders())
    return Reply(response.status, named, raw)


def check_problem(reply: Reply, status: int, code: str | None = None, *, field: str | None = None) -> None:
    """The refusal has this status and code, names this field and no other, and has the shape of the contract.

    Args:
        field: or one within it, or the body as a whole.
    """
    assert reply.status == status, (reply.status, reply.body[:500])
    assert reply.header("content-type") == PROBLEM
    assert reply.header("x-request-id")
    problem = reply.json
    more = {"opens_at"} if problem.get("code") == "join_window_closed" else set()
    assert set(problem) == {"type", "title", "status", "detail", "code", "errors"} | more
    assert code in {None, problem["code"]}, problem
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", problem["code"])
    assert (problem["type"], problem["status"]) == (f"urn:telemed:problem:{problem['code']}", status)
    assert problem["title"]
    assert problem["detail"]
    assert (problem["errors"] is None) == (status != 422), problem
    assert problem["errors"] != []
    for error in problem["errors"] or ():
        assert set(error) == {"field", "message"}
        assert error["message"]
        if field:
            assert error["field"] in {field, "body"} or error["field"].startswith(f"{field}."), problem


def until_answered(client: Client, method: str, target: str, body: str, headers: Iterable[Header] = ()) -> Reply:
    """The answer once the server has had time for it."""
    until = time.monotonic() + 30
    while True:
        reply = send(client, method, target, body, headers)
        if reply.status != 503 or time.monotonic() > until:
            return reply
        time.sleep(0.05)
