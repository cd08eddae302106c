"""kill -9 at every boundary of every saga: before a call, after its effect, after its entry, and in between."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from integration.saga_crashes.conftest import Stage
from integration.saga_crashes.scenes import SCENES
from scale import DEEP
from telemed_core.domain.sagas import Phase
from telemed_core.saga.sagas import SAGAS

ROOMS = {"no_show": "ended", "complete": "ended", "complete by time": "ended", "cancel while one waits": "ended"}
"""What has become of the visit's room in the end, where there was one."""

UNDONE = {"there": False, "signs in": False, "logins are free": True}
RECOVERED_WITHIN = 1.0


def test_every_definition_is_killed() -> None:
    assert {scene.saga for scene in SCENES.values()} == {saga.name for saga in SAGAS}


@pytest.mark.parametrize("name", SCENES)
def test_a_saga_killed_anywhere_ends_as_if_nobody_had_died(
    stage: Stage, name: str, record_property: Callable[[str, object], None]
) -> None:
    scene = SCENES[name]
    assert stage.begin(name, at=None)["exit"] == 0
    whole = stage.seen(name)
    assert whole.phase == (Phase.COMPENSATED if scene.fails else Phase.COMPLETED)
    assert (whole.facts == UNDONE) == scene.fails
    assert whole.facts.get("unpublished", 0) == 0
    assert whole.facts.get("room", "none") == ROOMS.get(name, "none")
    assert whole.facts.get("user", "removed") == "removed"
    stage.clear()
    kills = repeated = 0
    slowest = 0.0
    for at, same_host in _places():
        told = stage.begin(name, at=at)
        if not told["killed"]:
            assert told["exit"] == 0
            stage.clear()
            break
        kills += 1
        recovered = stage.recover(same_host=same_host)
        seen = stage.seen(name)
        if scene.registers:
            # Nobody but its use case can finish it: it is whole or it is undone.
            assert (seen.phase, seen.facts) in [(whole.phase, whole.facts), (Phase.COMPENSATED, UNDONE)]
        else:
            assert seen == whole, f"killed at {at}"
        if same_host and not scene.registers:
            assert recovered["late"] == 0, "it was not finished at once"
            slowest = max(slowest, recovered["seconds"])
        assert stage.repeated(what="call", local=False) <= 1
        assert stage.repeated(what="effect", local=True) == 0
        repeated += stage.repeated(what="call", local=False)
        stage.clear()
    assert kills > 2
    assert slowest < RECOVERED_WITHIN
    record_property("kills", [kills, repeated, 0, slowest])


def _places() -> Iterator[tuple[int, bool]]:
    """Every boundary, and whether who finishes the saga is told that its process died, for it was on the same host."""
    for at in count():
        yield from ((at, same_host) for same_host in ((True, False) if DEEP else (at % 3 != 2,)))


def test_a_restarted_process_finishes_what_was_begun_within_a_second_of_being_ready(stage: Stage) -> None:
    for at in (1, 4):
        assert stage.begin("accept", at=at)["killed"]
        stage.restart()
        recovered = stage.recover(same_host=True)
        assert recovered["early"] >= 1
        assert recovered["late"] == 0
        assert recovered["seconds"] < RECOVERED_WITHIN
        stage.clear()


def test_a_process_elsewhere_waits_for_the_lease_and_no_longer(stage: Stage) -> None:
    assert stage.begin("accept", at=1)["killed"]
    recovered = stage.recover(same_host=False)
    assert recovered["early"] == 0
    assert recovered["late"] >= 1
    assert stage.seen("accept").phase is Phase.COMPLETED
    stage.clear()
