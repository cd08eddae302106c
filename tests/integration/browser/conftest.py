"""A served clinic of two workers, visits whose time has come, and people who come to them with a browser."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Final

import attrs
import pytest
from playwright.sync_api import Browser, Page

from integration.browser.chromium import chromium
from integration.browser.side import BrowserSide
from integration.http.people import Person, administrator, doctor, patient
from integration.http.server import Installation, Server

START: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)
NOW: Final = START - timedelta(minutes=5)

ALLOWED: Final = ("camera", "microphone", "local-network-access")
"""With a camera come this machine's addresses as they are; and a page that a test has put there is a stranger's."""


@attrs.frozen
class Visit:
    """A confirmed appointment that may be joined, and its two sides."""

    id: str
    patient: Person
    doctor: Person


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("clinic")
    with Server(Installation(folder / "data"), logs=folder / "logs", workers=2, at=NOW) as started:
        yield started


@pytest.fixture(scope="module")
def book(server: Server) -> Callable[[], Visit]:
    """Makes another visit, each of a patient and a doctor of its own."""
    root, numbers = administrator(server), count(1)

    def booked() -> Visit:
        number = next(numbers)
        one, other = patient(server, number), doctor(server, number, approved_by=root)
        asked = one.client.post("/v1/appointments", {"doctor_id": other.id, "start": START.isoformat()}).expect(201)
        other.client.post(f"/v1/appointments/{asked['id']}/accept", {"rev": asked["rev"]}).expect(200)
        return Visit(asked["id"], one, other)

    return booked


@pytest.fixture
def visit(book: Callable[[], Visit]) -> Visit:
    return book()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def open_side(browser: Browser, server: Server, tmp_path: Path) -> Iterator[Callable[[Person], BrowserSide]]:
    """Opens the page of somebody, in a browser that shares nothing with the others."""
    opened: list[Page] = []

    def side(person: Person) -> BrowserSide:
        page = browser.new_context(permissions=ALLOWED).new_page()
        opened.append(page)
        return BrowserSide(page, person=person, base_url=server.base_url)

    yield side
    for page in opened:
        page.context.close()
