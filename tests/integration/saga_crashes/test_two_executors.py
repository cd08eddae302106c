"""Two executors of one log: one stands still past its lease, the other goes on, and the first one comes back."""

from collections.abc import Callable
from itertools import count
from signal import SIGSTOP

import pytest

from integration.saga_crashes.conftest import Stage


@pytest.mark.parametrize("name", ["accept", "agree", "complete", "close account", "remind", "register patient"])
def test_who_comes_back_after_its_lease_is_fenced_and_does_nothing_twice(
    stage: Stage, name: str, record_property: Callable[[str, object], None]
) -> None:
    pauses = fenced = repeated = 0
    ends = set()
    for at in count():
        told = stage.begin(name, at=at, by=SIGSTOP)
        if not told["stands"]:
            assert told["exit"] == 0
            stage.clear()
            break
        pauses += 1
        recovered = stage.recover(same_host=False)
        left = stage.seen(name)
        assert stage.actor("go_on", child=told["child"]) == {"stands": False, "killed": False, "exit": 0}
        assert stage.seen(name) == left, f"it went on after it had stood still at {at}"
        assert recovered["early"] == 0 or recovered["late"] == 0
        assert stage.repeated(what="effect", local=True) == 0
        assert stage.repeated(what="call", local=False) <= 1
        ends.add(left.phase)
        fenced += stage.fenced()
        repeated += stage.repeated(what="call", local=False)
        stage.clear()
    assert pauses > 2
    assert fenced > 0
    assert ends <= {"completed", "compensated"}
    record_property("pauses", [pauses, repeated, fenced, 0.0])
