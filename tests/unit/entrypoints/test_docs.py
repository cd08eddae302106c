"""``/docs``: it is all served by us, and nothing of it is written into the page."""

import asyncio
import re
from urllib.parse import urljoin

import httpx
from starlette.routing import Router

from entrypoints.http.docs import docs_routes

DOCUMENT = {"openapi": "3.1.0", "info": {"title": "São", "version": "1"}, "paths": {}}


def get(*paths: str, method: str = "GET") -> list[httpx.Response]:
    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=Router(docs_routes(DOCUMENT)))
        async with httpx.AsyncClient(transport=transport, base_url="http://clinic.example") as client:
            return [await client.request(method, path) for path in paths]

    return asyncio.run(ask())


def test_the_document_is_served_as_it_was_given() -> None:
    (answer,) = get("/openapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == DOCUMENT


def test_the_page_loads_only_what_we_serve() -> None:
    (page,) = get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    addresses = [urljoin("/docs", one) for one in loaded if one != "data:,"]
    assert addresses == [
        "/docs/swagger-ui.css",
        "/docs/swagger-ui-bundle.js",
        "/docs/start.js",
        "/openapi.json",
    ]
    answers = get(*addresses)
    assert [answer.status_code for answer in answers] == [200] * 4
    assert [answer.headers["content-type"].partition(";")[0] for answer in answers] == [
        "text/css",
        "text/javascript",
        "text/javascript",
        "application/json",
    ]
    assert "SwaggerUIBundle" in answers[1].text
    assert 'url: "openapi.json"' in answers[2].text
    assert "validatorUrl: null" in answers[2].text


def test_the_page_may_load_from_us_alone_and_run_nothing_inline() -> None:
    (page,) = get("/docs")
    policy = dict(rule.split(" ", 1) for rule in page.headers["content-security-policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert not re.search(r"<script[^>]*>[^<]|<style|\son\w+=|\sstyle=", page.text)


def test_nothing_else_of_the_folders_is_served() -> None:
    answers = get("/docs/docs.html", "/docs/redoc.standalone.js", "/docs/favicon.png", "/docs/..%2fdocs.py")
    assert [answer.status_code for answer in answers] == [404] * 4


def test_the_pages_are_read_and_never_written() -> None:
    assert [answer.status_code for answer in get("/docs", "/openapi.json", method="POST")] == [405, 405]
