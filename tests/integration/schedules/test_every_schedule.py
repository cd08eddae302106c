"""Three commands at once and one fault anywhere: every schedule, call by call, of the use cases as they are."""

from collections.abc import Callable, Sequence
from functools import cache, partial

import pytest

from integration.schedules.broken import BUGS
from integration.schedules.exploring import End, explore
from integration.schedules.judging import judge
from integration.schedules.scenes import DEEDS, STARTS, Deed, Start, casts, named
from scale import scaled

FAULTS = scaled(2, ci=1)


@cache
def start_of(name: str) -> Start:
    begin, _ = STARTS[name]
    return begin()


def deeds(*names: str) -> list[Deed]:
    return [DEEDS[name] for name in names]


SETS = [
    pytest.param(name, cast, id=f"{name}: {named(cast)}")
    for name, (_, names) in STARTS.items()
    for cast in casts(names)
]


@pytest.mark.parametrize(("start", "cast"), SETS)
def test_no_schedule_of_three_commands_with_a_fault_breaks_an_invariant(
    start: str, cast: Sequence[Deed], record_property: Callable[[str, object], None]
) -> None:
    begin = start_of(start)
    explored = explore(begin, cast, partial(judge, begin, cast), faults=FAULTS)
    assert explored.schedules >= explored.runs > 1
    record_property("explored", [explored.schedules, explored.runs, explored.ends])


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_is_found(bug: str) -> None:
    begin, cast = start_of("free"), deeds("request", "request by another", "cancel")
    if bug == "the last writer wins":
        begin, cast = start_of("requested"), deeds("accept", "cancel", "refuse")
    with pytest.raises(AssertionError) as found:
        explore(begin, cast, partial(judge, begin, cast), spoil=BUGS[bug])
    assert [note for note in found.value.__notes__ if note.startswith("schedule: ")]


@pytest.mark.parametrize("bug", ["the saga is recorded by a second write", "a lost answer is taken for success"])
def test_these_bugs_are_not_found_without_a_fault(bug: str) -> None:
    begin, cast = start_of("free"), deeds("request", "request by another", "cancel")
    assert explore(begin, cast, partial(judge, begin, cast), spoil=BUGS[bug], faults=0).schedules > 1


@pytest.mark.parametrize(
    ("start", "names", "faults"),
    [("requested", ("accept", "cancel"), 1), ("requested", ("accept", "refuse", "expire"), 0)],
)
def test_running_every_schedule_to_its_end_finds_the_same_ends(start: str, names: Sequence[str], faults: int) -> None:
    begin, cast = start_of(start), deeds(*names)

    def ends(*, merging: bool) -> tuple[int, set[object]]:
        found: set[object] = set()

        def keep(end: End) -> None:
            found.add((end.told, tuple(map(tuple, end.state.events.values())), frozenset(end.state.sagas)))

        return explore(begin, cast, keep, faults=faults, merging=merging).schedules, found

    every, merged = ends(merging=False), ends(merging=True)
    assert every == merged
    assert every[0] > len(every[1]) > 2
