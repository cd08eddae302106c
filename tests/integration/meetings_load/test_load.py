"""200 visits at once on one process: all that is said is heard, in its order and in time."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import attrs
import cattrs
import pytest

from integration.http.server import Installation, Server
from integration.meetings_load.people import Heard, Plan
from integration.meetings_load.usage import MEGABYTE, Usage, usage
from integration.meetings_load.visits import NOW, invited
from scale import scaled

TESTS: Final = Path(__file__).parents[2]
VISITS: Final = 200
SECONDS: Final = scaled(120, ci=20)
HEARD_WITHIN: Final = 0.5
"""Seconds, of 95 in 100 messages."""


def talked(plan: Plan) -> Heard:
    """What the people have heard, who are a process of their own: it is not the server that waits for them."""
    done = subprocess.run(
        [sys.executable, "-m", "integration.meetings_load.people"],
        input=json.dumps(attrs.asdict(plan)),
        env=os.environ | {"PYTHONPATH": str(TESTS)},
        stdout=subprocess.PIPE,
        text=True,
        timeout=plan.seconds + 200,
        check=True,
    )
    return cattrs.structure(json.loads(done.stdout), Heard)


def share(took: Sequence[float], hundredths: int) -> float:
    """So many in a hundred took no longer."""
    return sorted(took)[max(0, -(-len(took) * hundredths // 100) - 1)]


def told(name: str, took: Sequence[float]) -> str:
    p50, p95, most = (1000 * share(took, hundredths) for hundredths in (50, 95, 100))
    return f"{name}: {len(took)}, p50 {p50:.0f} ms, p95 {p95:.0f} ms, most {most:.0f} ms"


def report(heard: Heard, before: Usage, after: Usage, people: int) -> None:
    print(f"\n{people} people came within {heard.entering:.1f} s and talked for {heard.talking:.1f} s")
    print(f"{heard.said / heard.talking:.0f} messages a second; {told('all', [*heard.calls, *heard.candidates])}")
    print(told("descriptions", heard.calls))
    print(told("candidates", heard.candidates))
    used = (after.seconds - before.seconds) / (heard.entering + heard.talking)
    print(f"server: {used:.0%} of one core, entering included")
    megabytes = [one / MEGABYTE for one in (before.memory, after.memory, after.peak)]
    print("memory: {:.0f} MB before, {:.0f} MB after, {:.0f} MB at most".format(*megabytes), end="")
    print(f", {(after.peak - before.memory) / people / 1024:.0f} kB for each connection")


@pytest.mark.timeout(SECONDS + 280)
def test_two_hundred_visits_at_once_on_one_process_are_heard_in_time_in_order_and_without_loss(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    installation = Installation(tmp_path / "data")
    people = invited(installation, visits=VISITS)
    with Server(installation, logs=tmp_path / "logs", workers=1, at=NOW) as server:
        address = server.base_url.replace("http", "ws", 1)
        plan = Plan([attrs.evolve(one, url=address + one.url) for one in people], SECONDS)
        before = usage(server.process.pid)

        heard = talked(plan)

        after = usage(server.process.pid)
        log = server.log()
    with capsys.disabled():  # the figures are shown whatever comes of it
        report(heard, before, after, len(people))
    assert heard.closed == {}, log
    assert (heard.lost, heard.disordered) == (0, 0)
    assert heard.said == len(people) * (SECONDS + 1)
    assert share([*heard.calls, *heard.candidates], 95) <= HEARD_WITHIN
