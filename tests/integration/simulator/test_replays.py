"""A seed shows the same run to the byte, in every process, and what is wrong is told with the command that shows it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from integration.simulator.__main__ import main
from integration.simulator.mutants import MUTANTS
from integration.simulator.simulation import simulate

ROOT = Path(__file__).parents[3]
SEEDS = range(40)


def _replayed(command: list[str], *, hash_seed: int) -> bytes:
    env = {**os.environ, "PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": "src:tests"}
    return subprocess.run([sys.executable, *command], cwd=ROOT, env=env, capture_output=True, check=True).stdout


@pytest.mark.parametrize("options", [[], ["--impatient"]], ids=["large budgets", "small budgets"])
def test_the_trace_of_a_seed_is_the_same_whatever_the_hash_seed(options: list[str]) -> None:
    seeds = [word for seed in SEEDS for word in ("--seed", str(seed))]
    command = ["-m", "integration.simulator", *options, *seeds]
    shown = {_replayed(command, hash_seed=hash_seed) for hash_seed in (0, 1, 4242)}
    assert len(shown) == 1
    assert shown.pop().count(b"nothing is wrong") == len(SEEDS)


def test_the_command_that_is_told_shows_that_very_run() -> None:
    result = simulate(7, impatient=True)
    *environment, program, module, name, option, seed, impatient = result.replay.split()
    assert (environment, program) == (["PYTHONPATH=src:tests"], "python")
    shown = _replayed([module, name, option, seed, impatient], hash_seed=0).decode()
    assert shown.startswith("\n".join(result.trace))


def test_different_seeds_show_different_runs() -> None:
    assert len({simulate(seed).trace for seed in SEEDS}) == len(SEEDS)


def test_a_violated_seed_fails_and_shows_how_it_came_to_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    MUTANTS["a timeout is taken for success"](monkeypatch)
    violated = next(result for seed in range(100) if (result := simulate(seed)).violation)
    assert main(["--seed", str(violated.seed)]) == 1
    shown = capsys.readouterr().out
    assert shown.startswith("\n".join(violated.trace))
    assert f"seed {violated.seed}: {violated.violation}" in shown


def test_a_bug_is_told_with_its_seed_and_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def bug(*_: object, **__: object) -> None:
        raise LookupError("lost")

    monkeypatch.setattr("telemed_core.saga.driving.decide", bug)
    result = simulate(1)
    assert result.violation == "LookupError: lost"
    assert any("in bug" in line for line in result.trace)
