"""When a visit is over nobody speaks in its meeting any more, whether anything goes on beside the servers or not."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import pytest

from integration.http.server import Server
from integration.meetings.conftest import Clinic
from integration.meetings.sides import GONE, entered, met
from integration.meetings.visits import START, Visit

OVER_WITHIN: Final = 3.0
STARTED_WITHIN: Final = 25
"""Seconds until a server has started and two people are in, on a machine that has other things to do."""

CLOSES: Final = START + timedelta(minutes=60)


def test_completing_it_closes_both_sides_on_both_processes(swept_or_not: Clinic) -> None:
    visit = swept_or_not.visits.make()
    with met(swept_or_not.one, swept_or_not.other, visit.ways) as (doctor, patient):
        swept_or_not.visits.complete(visit)
        begun = time.monotonic()
        assert (doctor.closed(within=OVER_WITHIN), patient.closed(within=OVER_WITHIN)) == (4410, 4410)
        print(f"\nclosed {time.monotonic() - begun:.2f} s after the visit was completed")
    refuses_everybody(swept_or_not, visit)


def test_cancelling_it_closes_who_waits_in_it(swept_or_not: Clinic) -> None:
    visit = swept_or_not.visits.make(joined=1)
    with entered(swept_or_not.one, visit.ways[0]) as doctor:
        assert doctor.hears() == GONE
        swept_or_not.visits.cancel(visit)
        assert doctor.closed(within=OVER_WITHIN) == 4410
    refuses_everybody(swept_or_not, visit)


def refuses_everybody(clinic: Clinic, visit: Visit) -> None:
    for server in (clinic.one, clinic.other):
        for way in visit.ways:
            with entered(server, way) as late:
                assert late.first() == 4410


def test_the_end_of_one_visit_is_nothing_to_another(swept_or_not: Clinic) -> None:
    ending, going_on = swept_or_not.visits.make(), swept_or_not.visits.make()
    with met(swept_or_not.one, swept_or_not.other, going_on.ways) as (doctor, patient):
        with entered(swept_or_not.one, ending.ways[0]) as other:
            swept_or_not.visits.complete(ending)
            assert other.closed(within=OVER_WITHIN) == 4410
        doctor.send(type="offer", data=1)
        assert patient.hears() == {"type": "offer", "data": 1}


@pytest.mark.parametrize("background", ["on", "off"])
def test_ten_minutes_after_its_end_it_is_over(
    clinic: Clinic, idle_clinic: Clinic, new_server: Callable[..., Server], background: str
) -> None:
    found = clinic if background == "on" else idle_clinic
    visit = found.visits.make()
    at = CLOSES - timedelta(seconds=STARTED_WITHIN)
    late = new_server(found.installation, at=at, TELEMED_BACKGROUND=background)
    begun = time.monotonic()
    with late, met(late, late, visit.ways) as (doctor, patient):
        assert time.monotonic() - begun < STARTED_WITHIN
        doctor.send(type="offer", data=1)
        assert patient.hears() == {"type": "offer", "data": 1}
        assert (doctor.closed(within=2 * STARTED_WITHIN), patient.closed(within=OVER_WITHIN)) == (4410, 4410)
        assert time.monotonic() - begun < STARTED_WITHIN + OVER_WITHIN
        with entered(late, visit.ways[0]) as again:
            assert again.first() == 4410


def test_before_it_opens_nobody_is_let_in(clinic: Clinic, new_server: Callable[..., Server]) -> None:
    visit = clinic.visits.make()
    at = START - timedelta(minutes=10, seconds=STARTED_WITHIN)
    with new_server(clinic.installation, at=at, TELEMED_BACKGROUND="off") as early:
        with entered(early, visit.ways[0]) as doctor:
            assert doctor.first() == 4410
        until = time.monotonic() + 2 * STARTED_WITHIN
        while time.monotonic() < until:
            with entered(early, visit.ways[0]) as doctor:
                if doctor.first() == GONE:
                    return
            time.sleep(0.5)
        pytest.fail("it never opens")
