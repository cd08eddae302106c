"""Replays seeds, and shows what happens: ``PYTHONPATH=src:tests python -m integration.simulator --seed 17``."""

import argparse
import sys
from collections.abc import Sequence

from integration.simulator.simulation import simulate


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m integration.simulator", description=__doc__)
    parser.add_argument("--seed", type=int, action="append", required=True, dest="seeds", metavar="N")
    parser.add_argument("--impatient", action="store_true", help="with budgets so small that operators are needed")
    asked = parser.parse_args(arguments)
    results = [simulate(seed, impatient=asked.impatient) for seed in asked.seeds]
    for result in results:
        print(*result.trace, sep="\n")
        phases = ", ".join(f"{count} {phase}" for phase, count in sorted(result.phases.items()))
        print(f"seed {result.seed}: {result.violation or 'nothing is wrong'}; {result.happened} events, {phases}\n")
    return int(any(result.violation for result in results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
