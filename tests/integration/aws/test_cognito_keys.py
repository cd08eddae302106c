"""A pool's keys come over HTTPS, from one address, in bounds; and tokens count by them as by our own."""

import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import attrs
import pytest

from adapters.cognito.keys import LONGEST, issuer_of, jwks_url, open_jwks
from adapters.tokens import KeySet, open_verifier
from attack_tokens import by_rsa, good_claims, hostile_tokens, new_key, public_jwk, token
from telemed_core.domain.ids import AccountId, SessionId
from telemed_core.domain.sessions import Claims
from telemed_core.errors import InvalidError, UnauthenticatedError, UnavailableError
from telemed_core.ports.services import Tokens
from telemed_core.testing.builders import MONDAY

POOL_ID, CLIENT_ID = "sa-east-1_aBcDeF123", "client1"
ISSUER: Final = issuer_of(POOL_ID)
SUBJECT: Final = "9c3f8d1a-0000-4000-8000-000000000000"
"""Cognito's own name of the user."""
USER, SESSION = AccountId("0b2c9e5e-6a0e-4f0b-9d5c-6f0f3c2f1a77"), SessionId("5c7b1d0e-8f43-4b1c-9f3d-2a6b7c8d9e0f")
KEY: Final = new_key()
KID: Final = "kHJ+4a/Zz0y3v6t6c2l0d1e9c6b7a8f9e0d1c2b3a4U="
HEADER: Final = {"alg": "RS256", "kid": KID}
NOW: Final = int(MONDAY.timestamp())
CLAIMS: Final = {
    **good_claims(issuer=ISSUER, client_id=CLIENT_ID, username=USER, session_id=SESSION, now=MONDAY, subject=SUBJECT),
    "scope": "aws.cognito.signin.user.admin",
    "cognito:groups": ["administrator"],
    "event_id": "e",
}
HOSTILE: Final = dict(
    hostile_tokens(
        private_key_pem=KEY,
        kid=KID,
        issuer=ISSUER,
        client_id=CLIENT_ID,
        username=USER,
        session_id=SESSION,
        now=MONDAY,
        subject=SUBJECT,
    )
)
OF_ANOTHER: Final = "of another user than it names"
"""Cognito itself would have to write it: it signs no name but the user's. It finds no session of that user."""


@attrs.define
class Web:
    """A server that answers as it is told."""

    url: str
    status: int = 200
    body: bytes = attrs.field(factory=lambda: json.dumps({"keys": [public_jwk(KEY, kid=KID)]}).encode())
    location: str | None = None
    asked: list[str] = attrs.field(factory=list)


@pytest.fixture
def web() -> Iterator[Web]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the library's own name
            told.asked.append(self.path)
            self.send_response(told.status)
            self.send_header("Content-Length", str(len(told.body)))
            if told.location:
                self.send_header("Location", told.location)
            self.end_headers()
            self.wfile.write(told.body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told = Web(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield told
    server.shutdown()
    thread.join()
    server.server_close()


def verifier(fetch: Any, **changed: Any) -> Tokens:
    keys = KeySet(fetch, **changed)
    return open_verifier(keys, issuer=ISSUER, client_ids={CLIENT_ID}, subject_is_username=False)


@pytest.fixture
def tokens() -> Tokens:
    return verifier(lambda: {"keys": [public_jwk(KEY, kid=KID)]})


def saying(**members: Any) -> str:
    return token(HEADER, {**CLAIMS, **members}, by_rsa(KEY))


def test_a_pools_addresses_are_those_of_its_region() -> None:
    assert issuer_of(POOL_ID) == "https://cognito-idp.sa-east-1.amazonaws.com/sa-east-1_aBcDeF123"
    assert jwks_url(POOL_ID) == f"{ISSUER}/.well-known/jwks.json"
    for endpoint in ("http://127.0.0.1:4566", "http://127.0.0.1:4566/"):
        assert jwks_url(POOL_ID, endpoint_url=endpoint) == f"http://127.0.0.1:4566/{POOL_ID}/.well-known/jwks.json"


def test_a_token_of_cognitos_shape_counts_though_it_calls_the_user_otherwise(tokens: Tokens) -> None:
    assert tokens.verify(saying(), now=MONDAY) == Claims(USER, SESSION)


@pytest.mark.parametrize("name", [name for name in HOSTILE if name != OF_ANOTHER])
def test_a11_a_hostile_token_is_refused(tokens: Tokens, name: str) -> None:
    with pytest.raises(UnauthenticatedError) as refused:
        tokens.verify(HOSTILE[name], now=MONDAY)
    assert refused.value.args == UnauthenticatedError().args


def test_a11_a_token_that_names_another_user_says_that_other_one_whose_session_it_is_not(tokens: Tokens) -> None:
    assert len(HOSTILE) == 38
    assert tokens.verify(HOSTILE[OF_ANOTHER], now=MONDAY) == Claims(AccountId("another"), SESSION)


@pytest.mark.parametrize("subject", [None, 5, ["x"], True])
def test_a_token_without_a_subject_does_not_count(tokens: Tokens, subject: Any) -> None:
    with pytest.raises(UnauthenticatedError):
        tokens.verify(saying(sub=subject), now=MONDAY)
    without = {name: said for name, said in CLAIMS.items() if name != "sub"}
    with pytest.raises(UnauthenticatedError):
        tokens.verify(token(HEADER, without, by_rsa(KEY)), now=MONDAY)


@pytest.mark.parametrize(("ahead", "counts"), [(30, True), (31, False)])
def test_cognitos_clock_may_be_half_a_minute_ahead_or_behind(tokens: Tokens, ahead: int, counts: bool) -> None:
    early = saying(iat=NOW + ahead, exp=NOW + ahead + 900)
    late = saying(iat=NOW - ahead - 900 + 1, exp=NOW - ahead + 1)
    for one in (early, late):
        if counts:
            assert tokens.verify(one, now=MONDAY).username == USER
        else:
            with pytest.raises(UnauthenticatedError):
                tokens.verify(one, now=MONDAY)


def test_keys_are_fetched_from_the_pools_address(web: Web) -> None:
    fetch = open_jwks(jwks_url(POOL_ID, endpoint_url=web.url))
    assert verifier(fetch).verify(saying(), now=MONDAY) == Claims(USER, SESSION)
    assert web.asked == [f"/{POOL_ID}/.well-known/jwks.json"]


@pytest.mark.parametrize(
    "url", ["http://cognito-idp.sa-east-1.amazonaws.com/x", "file:///etc/passwd", "ftp://127.0.0.1/", "data:,{}", ""]
)
def test_keys_come_over_https_alone_or_from_this_machine(url: str) -> None:
    with pytest.raises(InvalidError):
        open_jwks(url)
    open_jwks(jwks_url(POOL_ID))


@pytest.mark.parametrize(
    "changed",
    [
        {"status": 500},
        {"status": 404},
        {"body": b"<html>"},
        {"body": b"[]"},
        {"body": b""},
        {"body": b"\xff\xfe"},
        {"body": b"[" * 50_000},
        {"body": b'{"keys": "' + b"x" * LONGEST + b'"}'},
        {"body": b'{"keys": []}' + b" " * LONGEST},
        {"status": 302, "location": "/elsewhere"},
        {"status": 302, "location": "file:///etc/passwd"},
    ],
    ids=str,
)
def test_an_answer_that_is_no_key_set_is_an_outage(web: Web, changed: Mapping[str, Any]) -> None:
    for name, value in changed.items():
        setattr(web, name, value)
    with pytest.raises(UnavailableError) as told:
        open_jwks(web.url)()
    assert len(web.asked) == 1
    assert told.value.__cause__ is None
    assert web.url not in str(told.value)


def test_a_server_that_does_not_answer_is_waited_for_no_longer_than_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        fetch = open_jwks(f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout=0.2)
        started = time.monotonic()
        with pytest.raises(UnavailableError):
            fetch()
        assert time.monotonic() - started < 5
    with pytest.raises(UnavailableError):
        fetch()


def test_a_server_that_speaks_no_http_is_an_outage() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"SSH-2.0-nothing\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(UnavailableError):
            open_jwks(f"http://127.0.0.1:{listener.getsockname()[1]}/")()
        thread.join()


def test_while_the_keys_cannot_be_had_the_old_ones_are_good_for_a_day(web: Web) -> None:
    seconds = 0.0
    tokens = verifier(open_jwks(web.url), seconds=lambda: seconds)
    assert tokens.verify(saying(), now=MONDAY).username == USER
    web.status = 503
    for seconds in (3599.0, 3600.0, 23 * 3600.0, 86399.0):  # noqa: B007 # the clock reads it
        assert tokens.verify(saying(), now=MONDAY).username == USER
    assert len(web.asked) == 4
    seconds = 86400.0
    with pytest.raises(UnavailableError):
        tokens.verify(saying(), now=MONDAY)
    web.status, seconds = 200, seconds + timedelta(seconds=30).total_seconds()
    assert tokens.verify(saying(), now=MONDAY).username == USER


def test_without_any_keys_it_is_an_outage_and_nobody_is_refused(web: Web) -> None:
    web.status = 503
    with pytest.raises(UnavailableError):
        verifier(open_jwks(web.url)).verify(saying(), now=MONDAY)
