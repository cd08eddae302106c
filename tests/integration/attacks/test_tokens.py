"""A11: no token but a good one in one good header counts, and which of its faults it has is not told."""

import base64
import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from attack_tokens import by_rsa, good_claims, hostile_tokens, public_jwk, token
from integration.attacks.clinic import Beside, Clinic
from integration.attacks.raw import Header, Reply, check_problem, send
from integration.http.people import PASSWORD, Person
from integration.http.server import Client

ISSUER, CLIENT_ID = "urn:telemed:issuer", "telemed"


@pytest.fixture(scope="module")
def today(clinic: Clinic) -> Iterator[Beside]:
    """The clinic by the machine's own clock: under another one, tokens of the future are let through."""
    with Beside(clinic) as server:
        yield server


@pytest.fixture(scope="module")
def victim(clinic: Clinic, today: Beside) -> Person:
    """Whose tokens are wanted."""
    return today.there(clinic.patient())


@pytest.fixture(scope="module")
def issuer_key(clinic: Clinic) -> bytes:
    """The issuer's own key, which no attacker has."""
    return (clinic.server.installation.data / "secrets" / "issuer_key").read_bytes()


def _facts(victim: Person) -> dict[str, str]:
    return {"issuer": ISSUER, "client_id": CLIENT_ID, "username": victim.id, "session_id": _session_of(victim)}


def _session_of(victim: Person) -> str:
    assert victim.client.token
    claims = victim.client.token.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(claims + "=="))["origin_jti"])


def _on_the_wire(client: Client, value: str) -> int:
    """The status after a request whose header has whatever the value is, control characters included."""
    with socket.create_connection(client.server.address, timeout=10) as connection:
        said = f"GET /v1/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {value}\r\n\r\n"
        connection.sendall(said.encode())
        return int(connection.makefile("rb").readline().split()[1])


def test_a11_a_token_as_ours_are_is_good(victim: Person, issuer_key: bytes) -> None:
    kid = public_jwk(issuer_key)["kid"]
    served = victim.client.get("/.well-known/jwks.json").expect(200)["keys"]
    assert kid in {one["kid"] for one in served}
    claims = good_claims(**_facts(victim), now=datetime.now(UTC))
    good = token({"alg": "RS256", "kid": kid, "typ": "JWT"}, claims, by_rsa(issuer_key))
    assert send(victim.client, "GET", "/v1/me", token=good).status == 200


def test_a11_each_of_38_hostile_tokens_is_refused_in_the_same_words(
    today: Beside, victim: Person, issuer_key: bytes
) -> None:
    kid = public_jwk(issuer_key)["kid"]
    signed = victim.client.tokens(victim.login, PASSWORD).expect(200)
    tried = hostile_tokens(
        private_key_pem=issuer_key,
        kid=kid,
        **_facts(victim),
        now=datetime.now(UTC),
        refresh_token=signed["refresh_token"],
    )
    assert len(tried) == 38
    told = set()
    for name, hostile in tried:
        if not hostile.isprintable():
            # A header cannot carry it: what follows a line break is a folded line, which is no part of HTTP any more.
            assert _on_the_wire(today.nobody, f"{hostile.replace(chr(10), chr(13) + chr(10))} x") in {400, 401}, name
            continue
        reply = send(today.nobody, "GET", "/v1/me", token=hostile)
        check_problem(reply, 401, "unauthenticated")
        told.add(reply.telling())
    told.add(send(today.nobody, "GET", "/v1/me").telling())
    assert len(told) == 1
    headers = dict(next(iter(told))[1])
    assert headers["www-authenticate"] == "Bearer"


def _with(client: Client, *headers: Header) -> Reply:
    return send(client, "GET", "/v1/me", None, headers, token="")


def test_a11_the_scheme_is_bearer_in_any_case(victim: Person) -> None:
    good = victim.client.token
    for scheme in ("Bearer", "bearer", "BEARER", "bEaReR"):
        assert _with(victim.client, ("Authorization", f"{scheme} {good}")).status == 200
    for spaces in ("  ", "   "):
        assert _with(victim.client, ("Authorization", f"Bearer{spaces}{good}")).status == 200


def test_a11_another_header_than_one_of_bearer_and_one_token_is_refused(victim: Person) -> None:
    good = victim.client.token or ""
    values: list[str | bytes] = [
        "",
        "Bearer",
        "Bearer ",
        good,
        f"Basic {good}",
        f"DPoP {good}",
        f"Token {good}",
        f"Bearer{good}",
        f"Bearer\t{good}",
        f"Bearer {good} {good}",
        f"Bearer {good},",
        f"Bearer {good}, Bearer {good}",
        f"Bearer Bearer {good}",
        f'Bearer "{good}"',
        f"Bearer token={good}",
        f"Bearer {good}%00",
        f"Bearer {good[:-1]}",
        f"Bearer .{good}",
        f"Bearer {good}.",
        b"Bearer \xff" + good.encode(),
        f"Bearer {good}é".encode(),
        f"Bearer {good.replace('.', '․')}".encode(),
        f"Bearer {good}{'A' * 9216}",
        f"Bearer {' ' * 9216}{good}",
        "Bearer " + "A" * 9216,
        "Bearer " + "." * 9216,
        "Bearer " + ".".join("A" * 2700 for _ in range(3)),
    ]
    for value in values:
        found = _with(victim.client, ("Authorization", value))
        check_problem(found, 401, "unauthenticated")
        assert found.header("www-authenticate") == "Bearer"


def test_a11_two_headers_are_refused_though_both_are_good(victim: Person) -> None:
    good = f"Bearer {victim.client.token}"
    for one, other in ((good, good), (good, "Bearer x"), ("Bearer x", good), (good, "Basic eDp4"), (good, "")):
        check_problem(_with(victim.client, ("Authorization", one), ("authorization", other)), 401, "unauthenticated")


def test_a11_routes_that_need_nobody_ask_for_no_token(victim: Person) -> None:
    for path in ("/healthz", "/v1/specialties", "/.well-known/jwks.json"):
        assert send(victim.client, "GET", path, token="not.a.token").status == 200


def test_a11_the_key_set_has_nothing_private(victim: Person) -> None:
    for key in victim.client.get("/.well-known/jwks.json").expect(200)["keys"]:
        assert set(key) == {"kty", "kid", "alg", "use", "n", "e"}
