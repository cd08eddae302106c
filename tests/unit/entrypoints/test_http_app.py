"""The FastAPI app: every operation is found under its path, and what is not there is refused as a problem."""

import asyncio
import json
import logging
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from dependency_injector import providers
from fastapi import FastAPI

from entrypoints.http.app import make_app
from entrypoints.http.transport import Transport
from entrypoints.logs import LOG, JsonLines
from entrypoints.operations.all_operations import OPERATIONS
from telemed_core.testing.builders import an_email
from unit.entrypoints.api import Clinic, a_clinic, patient_body

SETTINGS = {"TELEMED_BACKGROUND": "off"}


@pytest.fixture
def clinic() -> Iterator[Clinic]:
    with a_clinic(**SETTINGS) as made:
        yield made


@pytest.fixture
def app(clinic: Clinic) -> FastAPI:
    return make_app(clinic.container)


def send(app: FastAPI, method: str, path: str, **request: Any) -> httpx.Response:
    async def exchange() -> httpx.Response:
        transport = httpx.ASGITransport(app, client=("203.0.113.9", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, **request)

    return asyncio.run(exchange())


def test_every_operation_is_answered_under_its_path(app: FastAPI) -> None:
    for operation in OPERATIONS:
        response = send(app, operation.method, re.sub(r"\{\w+\}", "nothing", operation.path))
        assert response.headers["content-type"] in {"application/json", "application/problem+json"}
        expected = {404} if "{secret}" in operation.path else {200, 401, 422}
        assert response.status_code in expected, (operation.name, response.text)


def test_what_the_api_answers_is_what_is_sent(app: FastAPI, clinic: Clinic) -> None:
    response = send(app, "POST", "/v1/patients", json=patient_body())
    assert response.status_code == 201
    token = clinic.sign_in(str(an_email(1)))
    own = send(app, "GET", "/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert own.content == response.content == clinic.call("GET", "/v1/me", token=token).raw
    assert send(app, "POST", "/v1/auth/logout", headers={"Authorization": f"Bearer {token}"}).content == b""


def test_the_address_of_a_calendar_is_in_no_line_of_the_log(app: FastAPI, clinic: Clinic) -> None:
    _, token = clinic.patient()
    path = urlsplit(clinic.call("GET", "/v1/calendar", token=token).body["url"]).path
    lines: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(JsonLines().format(record))

    def broken(*, secret: str) -> bytes:
        raise RuntimeError(secret)

    kept = Kept()
    LOG.addHandler(kept)
    LOG.setLevel(logging.INFO)
    try:
        served: Any = Transport(app, secure=True)
        statuses = [send(served, "GET", path).status_code]
        clinic.container.read_feed.override(providers.Object(broken))
        statuses.append(send(served, "GET", path).status_code)
    finally:
        LOG.removeHandler(kept)
    assert statuses == [200, 500]
    assert len(lines) == 3
    assert path not in "".join(lines)
    assert path.rpartition("/")[2].removesuffix(".ics") not in "".join(lines)
    assert {json.loads(line).get("route") for line in lines} == {"/v1/calendar/{secret}.ics", None}


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/nothing", "/v1/me/", "/v1/appointments/a/b", "/v1/doctors/a%2Fb/slots"]
)
def test_a_path_that_is_not_there_is_a_problem(app: FastAPI, path: str) -> None:
    response = send(app, "GET", path)
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert response.headers["content-type"] == "application/problem+json"


def test_a_method_that_is_not_there_names_those_that_are(app: FastAPI) -> None:
    for method in ("PUT", "OPTIONS", "HEAD", "TRACE"):
        response = send(app, method, "/v1/me")
        assert response.status_code == 405
        assert {one.strip() for one in response.headers["allow"].split(",")} == {"GET", "PATCH", "DELETE"}
    assert send(app, "PUT", "/v1/me").json()["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        ("0", "198.51.100.7", "203.0.113.9"),
        ("1", "198.51.100.6, 198.51.100.7", "198.51.100.7"),
        ("2", "198.51.100.5,198.51.100.6 , 198.51.100.7", "198.51.100.6"),
        ("2", "198.51.100.7", "203.0.113.9"),
        ("1", None, "203.0.113.9"),
    ],
)
def test_the_client_is_who_our_outermost_proxy_saw(proxies: str, forwarded: str | None, address: str) -> None:
    with a_clinic(TELEMED_TRUSTED_PROXIES=proxies, TELEMED_REQUESTS_PER_MINUTE="1", **SETTINGS) as clinic:
        app = make_app(clinic.container)

        async def exchange(client: tuple[str, int], headers: dict[str, str]) -> int:
            transport = httpx.ASGITransport(app, client=client)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as one:
                return (await one.get("/v1/specialties", headers=headers)).status_code

        async def both() -> tuple[int, int]:
            headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
            first = await exchange(("203.0.113.9", 1), headers)
            # The same address, seen another way: it has used up its one request.
            proxied = {"X-Forwarded-For": ", ".join([address] * max(1, int(proxies)))}
            return first, await exchange((address, 1), proxied)

        assert asyncio.run(both()) == (200, 429)
