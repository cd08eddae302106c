"""One person's page in a browser: it comes to visits by the client that the guide shows, and tells what it sees."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page, WebSocketRoute

from integration.http.people import PASSWORD, Person

PAGE: Final = Path(__file__).with_name("visit.html")
GUIDE: Final = Path(__file__).parents[3] / "docs" / "meetings.md"
GOING_AWAY: Final = 1001
SEEN_WITHIN: Final = 30.0
"""Seconds until a picture moves: two browsers and a server share what cores there are."""


def documented_client() -> str:
    """The module that the guide shows, as it stands there."""
    shown: list[str] = re.findall(r"```js\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    # The guide shows another one for Chime, which is no client of ours.
    (client,) = (one for one in shown if "RTCPeerConnection" in one)
    return client


class BrowserSide:
    """A page that one person has open; what it logs as wrong is kept."""

    def __init__(self, page: Page, *, person: Person, base_url: str) -> None:
        self.page = page
        self.wrong: list[str] = []
        self._person = person
        self._socket: WebSocketRoute | None = None
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("console", lambda told: self.wrong.append(told.text) if told.type == "error" else None)
        client = documented_client()
        page.route(f"{base_url}/visit.html", lambda route: route.fulfill(path=PAGE))
        page.route(f"{base_url}/visit.js", lambda route: route.fulfill(body=client, content_type="text/javascript"))
        page.route_web_socket(f"{base_url.replace('http', 'ws', 1)}/**", self._pass_on)
        page.goto(f"{base_url}/visit.html")

    def enter(self, appointment_id: str) -> None:
        """Sign in, join and come into the meeting, as one does who fills in the form and presses the button."""
        for name, typed in (
            ("login", self._person.login),
            ("password", PASSWORD),
            ("appointment", appointment_id),
        ):
            self.page.fill(f"[name={name}]", typed)
        self.page.click("button")

    def _pass_on(self, socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        self._socket = socket

    def lose_the_meeting(self) -> None:
        """End its WebSocket as a server does that is told to end."""
        assert self._socket is not None
        self._socket.close(code=GOING_AWAY)

    def reload(self) -> None:
        """Begin anew with an empty page."""
        self.page.reload()

    def received(self) -> dict[str, Any]:
        """What the browser counts of what comes in, by ``video`` and ``audio``."""
        counted: dict[str, Any] = self.page.evaluate("received()")
        return counted

    def picture(self) -> str:
        """The pixels that are seen of the other side."""
        seen: str = self.page.evaluate("picture()")
        return seen

    def meeting_is(self, told: str) -> bool:
        """Whether the page tells that the meeting is ``open``, or by which code it has ended."""
        return self.page.locator("#closed").text_content() == told

    def until(self, true: Callable[[], object], *, within: float = SEEN_WITHIN) -> float:
        """Wait for it, while the page goes on; how many seconds it took."""
        began = time.monotonic()
        while not true():
            took = time.monotonic() - began
            assert took < within, (self.wrong, self.page.locator("p").text_content(), self.received())
            self.page.wait_for_timeout(50)
        return time.monotonic() - began

    def sees(self) -> bool:
        """Whether pictures come in."""
        return bool(self.received().get("video", {}).get("framesPerSecond"))

    def sees_another_than(self, stream: str) -> bool:
        """Whether what comes in is not that video any more, by the browser's name for it."""
        found: str = self.received().get("video", {}).get("id", stream)
        return found != stream

    def watch(self, *, seconds: float) -> tuple[dict[str, Any], dict[str, Any], set[str]]:
        """What has come in at the beginning and at the end, and the different pictures that were seen between."""
        before, pictures, until = self.received(), set[str](), time.monotonic() + seconds
        while time.monotonic() < until:
            pictures.add(self.picture())
            self.page.wait_for_timeout(100)
        return before, self.received(), pictures
