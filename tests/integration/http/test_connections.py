"""Connections to the database: there is one for every thread that may ask for one at the same time."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import attrs
import httpx
import pytest
from dependency_injector import providers
from sqlalchemy import Engine

from entrypoints.background import Background
from entrypoints.container import Container, open_container
from entrypoints.http.app import make_app
from entrypoints.http.signalling.hub import THREADS, Hub
from entrypoints.settings import load_settings
from integration.http.server import _secrets
from telemed_core.domain.ids import MeetingId

REQUESTS = 3
SOON = 10.0


@attrs.define
class Waiting:
    """Threads that ask for a connection keep the first that they get, until all of them are let go."""

    asked: set[int] = attrs.field(factory=set)
    got: set[int] = attrs.field(factory=set)
    go: threading.Event = attrs.field(factory=threading.Event)

    async def until(self, asking: int) -> None:
        async with asyncio.timeout(SOON):
            while len(self.asked) < asking:
                await asyncio.sleep(0.01)
        # One more than there may be would ask by now; and who was given one has it.
        await asyncio.sleep(0.3)


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Waiting]:
    waiting, connect = Waiting(), Engine.connect

    def held(engine: Engine) -> Any:
        if waiting.go.is_set():
            return connect(engine)
        waiting.asked.add(threading.get_ident())
        connection = connect(engine)
        waiting.got.add(threading.get_ident())
        waiting.go.wait(SOON)
        return connection

    monkeypatch.setattr(Engine, "connect", held)
    yield waiting
    waiting.go.set()


@pytest.fixture
def container(fresh_postgres_url: str) -> Iterator[Container]:
    """Of a process with all its jobs: it sends e-mails, and empties a queue too."""
    container = open_container(
        load_settings(
            _secrets(),
            database_url=fresh_postgres_url,
            threads=str(REQUESTS),
            smtp_url="smtp://127.0.0.1:9",
            events="sns",
            topic_arn="arn:aws:sns:sa-east-1:123456789012:telemed-announcements.fifo",
            queue_url="http://127.0.0.1:9/123456789012/telemed-announcements.fifo",
        )
    )
    stores = container.stores()

    def take(**_: Any) -> int:
        stores.check()
        return 0

    # As where there was a message: what it tells of is read.
    container.take_announcements.override(providers.Object(take))
    yield container
    container.close()


def test_every_thread_of_a_worker_has_a_connection_while_all_others_have_theirs(
    container: Container, waiting: Waiting
) -> None:
    background = Background(container)
    try:
        asyncio.run(everybody_asks(container, background, waiting))
    finally:
        background.stop()


async def everybody_asks(container: Container, background: Background, waiting: Waiting) -> None:
    """Requests, readiness, signalling and the background, each by more calls than it has threads."""
    hub, signals = Hub(container), container.signals()
    transport = httpx.ASGITransport(make_app(container), client=("203.0.113.9", 1))

    def read() -> object:
        return signals.read({MeetingId("m"): 0})

    background.start()
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        requests = [
            asyncio.create_task(client.get(path))
            for path in (*["/v1/calendar/unknown.ics"] * 2 * REQUESTS, *["/readyz"] * 2)
        ]
        signalling = [asyncio.create_task(within(read)) for within in (hub._in_threads, hub._aside) for _ in range(12)]
        try:
            threads = REQUESTS + 1 + THREADS + 2 + len(background._jobs)
            await waiting.until(threads)
            assert len(background._jobs) == 4
            assert (len(waiting.asked), len(waiting.got)) == (threads, threads)
        finally:
            waiting.go.set()
            await asyncio.gather(*requests, *signalling)
    assert {task.result().status_code for task in requests} == {200, 404}
