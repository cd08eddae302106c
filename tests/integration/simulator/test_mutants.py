"""The simulation notices every mistake that it is there for: tests of the tests."""

from collections.abc import Callable

import pytest

from integration.simulator.conftest import TOLD
from integration.simulator.mutants import MUTANTS
from integration.simulator.simulation import simulate

MOST_SEEDS = 1500
"""Within which each must be noticed, half of them impatient: every run of the tests tries more of the right one."""


@pytest.mark.parametrize("mistake", MUTANTS)
def test_the_simulation_notices_that(
    mistake: str, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    MUTANTS[mistake](monkeypatch)
    for number in range(MOST_SEEDS):
        result = simulate(number // 2, impatient=number % 2 == 1)
        if result.violation is not None:
            record_property(TOLD, f"mutant killed by run {number + 1:4}: {mistake} ({result.violation})")
            return
    pytest.fail(f"{MOST_SEEDS} runs have not noticed: {mistake}")


def test_there_are_as_many_mistakes_as_the_rules_have_sides() -> None:
    assert len(MUTANTS) >= 13
