"""Sagas under every kind of fault, in thousands of runs: a seed decides one, and shows it again."""

from collections import Counter
from collections.abc import Callable, Iterable

import attrs
import pytest

from integration.simulator.conftest import TOLD
from integration.simulator.simulation import simulate
from scale import scaled

SHARDS = 6
SEEDS = scaled(60_000) // SHARDS
IMPATIENT_SEEDS = scaled(30_000) // SHARDS

FAULTS = (
    "dies",
    "is stopped",
    ": lost",
    "answer is lost",
    ": late",
    "log is down",
    "it is late",
    "unavailable",
    "bug",
    "fenced",
    "frees",
)
"""What must happen to prove anything, in the words of the trace."""

INTERVENTIONS = ("alarm", "does retry", "does compensate", "does resolve")
"""What happens where budgets are small."""

KEPT = ((88, False), (15, False), (59, False), (32, False), (173, False), (5, True))
"""Seeds that show what few others do, and whether they are impatient; whoever mends a bug adds the one it was."""


@attrs.define
class Tally:
    """What many runs have shown."""

    seeds: int = 0
    happened: int = 0
    phases: Counter[str] = attrs.Factory(Counter)
    words: Counter[str] = attrs.Factory(Counter)
    violated: list[str] = attrs.Factory(list)

    def run(self, seeds: Iterable[int], *, impatient: bool) -> None:
        """Stops at the fifth violation: there is something to mend."""
        for seed in seeds:
            result = simulate(seed, impatient=impatient)
            self.seeds += 1
            self.happened += result.happened
            self.phases.update(result.phases)
            trace = "\n".join(result.trace)
            self.words.update({word: trace.count(word) for word in (*FAULTS, *INTERVENTIONS)})
            if result.violation:
                self.violated.append(f"{result.violation}: {result.replay}")
            if len(self.violated) == 5:
                return

    def __str__(self) -> str:
        ends = ", ".join(f"{count} {phase}" for phase, count in sorted(self.phases.items()))
        words = ", ".join(f"{word.strip(': ')} {count}" for word, count in self.words.items())
        return f"{self.seeds} seeds, {self.happened} events, {len(self.violated)} violations; sagas: {ends}; {words}"


def _judge(name: str, seeds: range, record: Callable[[str, object], None], *, impatient: bool) -> Tally:
    tally = Tally()
    tally.run(seeds, impatient=impatient)
    record(TOLD, f"{name}, {seeds}: {tally}")
    assert not tally.violated, "\n".join(["violated; to see how:", *tally.violated])
    assert all(tally.words[word] for word in FAULTS), tally.words
    return tally


@pytest.mark.parametrize("shard", range(SHARDS))
def test_every_saga_completes_with_all_effects_or_is_undone_with_none(
    shard: int, record_property: Callable[[str, object], None]
) -> None:
    seeds = range(shard * SEEDS, (shard + 1) * SEEDS)
    _judge("large budgets", seeds, record_property, impatient=False)


@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_quarantined_saga_has_the_effects_its_row_says_and_an_operator_ends_it(
    shard: int, record_property: Callable[[str, object], None]
) -> None:
    seeds = range(shard * IMPATIENT_SEEDS, (shard + 1) * IMPATIENT_SEEDS)
    tally = _judge("small budgets", seeds, record_property, impatient=True)
    assert all(tally.words[word] for word in INTERVENTIONS), tally.words


@pytest.mark.parametrize(("seed", "impatient"), KEPT)
def test_a_seed_that_has_shown_something_once_shows_nothing_wrong(seed: int, impatient: bool) -> None:
    result = simulate(seed, impatient=impatient)
    assert result.violation is None, result.replay
