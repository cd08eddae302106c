"""Two people in two browsers see and hear each other, by nothing but the API."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from integration.browser.conftest import Visit
from integration.browser.side import BrowserSide
from integration.http.people import Person

OpenSide = Callable[[Person], BrowserSide]
OVER = "4410"


@pytest.fixture
def both(visit: Visit, open_side: OpenSide) -> tuple[BrowserSide, BrowserSide]:
    """Patient and doctor, who have come in that order and see each other."""
    sides = open_side(visit.patient), open_side(visit.doctor)
    for side in sides:
        side.enter(visit.id)
    assert_both_see(*sides)
    return sides


def assert_both_see(*sides: BrowserSide) -> None:
    for side in sides:
        side.until(side.sees)
    for side in sides:
        before, after, pictures = side.watch(seconds=1)
        video, audio = after["video"], after["audio"]
        assert video["framesDecoded"] > before["video"]["framesDecoded"]
        assert video["bytesReceived"] > before["video"]["bytesReceived"]
        assert video["framesPerSecond"] > 0
        assert min(video["frameWidth"], video["frameHeight"]) > 0
        assert audio["packetsReceived"] > before["audio"]["packetsReceived"]
        assert len(pictures) > 1, "the picture stands still"
        assert side.meeting_is("open")
        assert side.wrong == []


def test_two_people_see_each_others_moving_picture_and_hear_each_other(
    both: tuple[BrowserSide, BrowserSide], tmp_path: Path
) -> None:
    for name, side in zip(("patient", "doctor"), both, strict=True):
        video = side.received()["video"]
        print(f"{name}: {video['frameWidth']} × {video['frameHeight']}, {video['framesPerSecond']:.0f} frames a second")
        side.page.screenshot(path=tmp_path / f"{name}.png")


@pytest.mark.parametrize("number", [0, 1], ids=["patient", "doctor"])
def test_who_comes_back_with_a_new_page_sees_and_is_seen_again(
    visit: Visit, both: tuple[BrowserSide, BrowserSide], number: int
) -> None:
    here, there = both[number], both[1 - number]
    before = there.received()["video"]["id"]

    here.reload()
    here.enter(visit.id)
    there.until(partial(there.sees_another_than, before))

    assert_both_see(here, there)


@pytest.mark.parametrize("number", [0, 1], ids=["patient", "doctor"])
def test_who_loses_the_meeting_comes_back_by_themselves(both: tuple[BrowserSide, BrowserSide], number: int) -> None:
    before = [side.received()["video"]["id"] for side in both]

    both[number].lose_the_meeting()

    for side, known in zip(both, before, strict=True):
        side.until(partial(side.sees_another_than, known))
    assert_both_see(*both)


def test_when_the_doctor_completes_the_visit_both_are_told_that_it_is_over(
    visit: Visit, both: tuple[BrowserSide, BrowserSide]
) -> None:
    visit.doctor.client.post(f"/v1/appointments/{visit.id}/complete").expect(200)

    for side in both:
        side.until(partial(side.meeting_is, OVER))
        assert side.received() == {}
