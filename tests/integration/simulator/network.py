"""Calls to other machines: lost, late, doubled, unanswered, refused by an outage or by a bug."""

from collections.abc import Callable
from typing import Final

from integration.simulator.processes import Process
from telemed_core.saga.deciding import Broken, Ok, Outcome, Uncertain

LATEST: Final = 100.0
"""For how many seconds a request may be on its way, long after its caller has given up."""


def carry(process: Process, what: str, *, timeout: float, serve: Callable[[], Outcome]) -> Outcome:
    """Let a call arrive, or not, once or twice, now or later, and its answer return or not."""
    timeline, chance = process.timeline, process.timeline.chance

    def arrive() -> Outcome:
        answer = serve()
        timeline.note("network", f"{what} arrives: {shown(answer)}")
        return answer

    def unanswered(how: str) -> Outcome:
        process.note(f"{what}: {how}")
        process.wait(timeout)
        return Uncertain(how)

    process.point(f"before {what}")
    if not process.weather.reaches(what.partition(".")[0], now=timeline.now):
        process.wait(0.05)
        return Uncertain("unavailable")
    fate = process.weather.fate(now=timeline.now)
    if fate < 0.05:
        return unanswered("lost")
    if fate < 0.11:
        arrive()
        return unanswered("its answer is lost")
    if fate < 0.17:
        timeline.arrive(chance.uniform(0, LATEST), arrive)
        return unanswered("late")
    if fate < 0.21:
        process.wait(0.05)
        return Uncertain("unavailable")
    if fate < 0.24:
        if chance.random() < 0.5:
            arrive()
        return Broken("bug")
    if fate < 0.30:
        timeline.arrive(chance.uniform(0, LATEST / 2), arrive)
    process.wait(chance.uniform(0.005, 0.05))
    answer = arrive()
    process.wait(chance.uniform(0.005, 0.05))
    process.point(f"after {what}")
    return answer


def shown(outcome: Outcome) -> str:
    """The outcome in a word or two."""
    detail = outcome.value if isinstance(outcome, Ok) else outcome.code
    return type(outcome).__name__.lower() + (f" {detail}" if detail else "")
