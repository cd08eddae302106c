"""The client that the guide shows does what the guide says: it is run as it stands there."""

from collections.abc import Callable, Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, Page

from integration.browser.conftest import ALLOWED, Visit
from integration.browser.side import documented_client
from integration.http.people import Person
from integration.http.server import Server

SEEN_WITHIN: Final = 30_000
PAGE: Final = """<!doctype html><video autoplay playsinline muted></video><script type="module">
import { attend } from "./client.js";
window.enter = async (facts) => {
  const leaving = new AbortController();
  window.leave = () => leaving.abort();
  window.ended = "open";
  const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
  const show = (stream) => (document.querySelector("video").srcObject = stream);
  attend({
    ...facts, api: location.origin, accessToken: async () => facts.token, media, show, signal: leaving.signal,
  }).then((code) => (window.ended = String(code)), (why) => (window.ended = why.code ?? String(why)));
};
</script>"""
SEES: Final = "() => { const v = document.querySelector('video'); return v.srcObject && v.videoWidth && !v.paused; }"


@pytest.fixture
def page_of(browser: Browser, server: Server) -> Iterator[Callable[[Person, Visit], Page]]:
    """A page of somebody who has come to the visit by the documented client."""
    client = documented_client()
    opened: list[Page] = []

    def opening(person: Person, visit: Visit) -> Page:
        page = browser.new_context(permissions=ALLOWED).new_page()
        opened.append(page)
        page.route("**/try.html", lambda route: route.fulfill(body=PAGE, content_type="text/html"))
        page.route("**/client.js", lambda route: route.fulfill(body=client, content_type="text/javascript"))
        page.goto(f"{server.base_url}/try.html")
        enter(page, person, visit)
        return page

    yield opening
    for page in opened:
        page.context.close()


def enter(page: Page, person: Person, visit: Visit) -> None:
    page.wait_for_function("() => window.enter")
    facts = {
        "path": f"/v1/appointments/{visit.id}/join",
        "token": person.client.token,
        "calls": person is visit.doctor,
    }
    page.evaluate("(facts) => window.enter(facts)", facts)


def assert_sees(*pages: Page) -> None:
    for page in pages:
        page.wait_for_function(SEES, timeout=SEEN_WITHIN)
        shown = page.evaluate("() => document.querySelector('video').currentTime")
        page.wait_for_function(
            "(before) => document.querySelector('video').currentTime > before", arg=shown, timeout=SEEN_WITHIN
        )


def ends(page: Page) -> str:
    """The code with which the client has ended, once it has."""
    page.wait_for_function("() => window.ended !== 'open'", timeout=SEEN_WITHIN)
    return str(page.evaluate("() => window.ended"))


def test_both_see_each_other_again_after_a_new_page_and_until_the_visit_is_completed(
    visit: Visit, page_of: Callable[[Person, Visit], Page]
) -> None:
    hers, theirs = page_of(visit.patient, visit), page_of(visit.doctor, visit)
    assert_sees(hers, theirs)
    for page, person in ((hers, visit.patient), (theirs, visit.doctor)):
        page.reload()
        enter(page, person, visit)
        assert_sees(hers, theirs)

    visit.doctor.client.post(f"/v1/appointments/{visit.id}/complete").expect(200)

    assert (ends(hers), ends(theirs)) == ("4410", "4410")


def test_a_second_window_takes_over_and_the_first_stays_away(
    visit: Visit, page_of: Callable[[Person, Visit], Page]
) -> None:
    theirs, first = page_of(visit.doctor, visit), page_of(visit.patient, visit)
    assert_sees(theirs, first)

    second = page_of(visit.patient, visit)

    assert ends(first) == "4409"
    assert_sees(theirs, second)
    second.evaluate("() => window.leave()")
    assert ends(second) in {"1000", "1005"}
    theirs.wait_for_function("() => document.querySelector('video').srcObject === null", timeout=SEEN_WITHIN)


def test_who_may_not_join_is_told_why(visit: Visit, page_of: Callable[[Person, Visit], Page]) -> None:
    visit.patient.client.post(f"/v1/appointments/{visit.id}/cancel", {"reason": "not today"}).expect(200)

    assert ends(page_of(visit.patient, visit)) == "invalid_transition"
