"""Whoever calls the API, with whatever input: it answers as its OpenAPI document says."""

from collections import Counter
from collections.abc import Mapping

import pytest

from entrypoints.operations.all_operations import OPERATIONS
from integration.fuzzing.casts import ROLES
from integration.fuzzing.runs import SEED, Run


def test_every_operation_is_called_by_everyone_and_answers_somebody_with_a_success(
    runs: Mapping[str, Run], capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        print(f"\nseed {SEED}; again with: TELEMED_FUZZING_SEED={SEED} pytest tests/integration/fuzzing")
        print(*(f"{run.role} {run.seconds:.0f} s" for run in runs.values()), sep=", ")
        print(_table(runs))
    names = {operation.name for operation in OPERATIONS}
    assert [names - run.answers.keys() for run in runs.values()] == [set()] * len(ROLES)
    succeeded = {operation for run in runs.values() for operation, found in run.answers.items() if _succeeds(found)}
    assert names - succeeded == set()


@pytest.mark.parametrize("role", ROLES)
def test_no_answer_contradicts_the_document(runs: Mapping[str, Run], role: str) -> None:
    assert not runs[role].failed, runs[role].output


def _succeeds(statuses: Mapping[int, int]) -> bool:
    return any(200 <= status < 300 for status in statuses)


def _table(runs: Mapping[str, Run]) -> str:
    """Of each operation: how often it was called, who got a success, and how often it answered what."""
    lines = []
    for name in (operation.name for operation in OPERATIONS):
        seen: Counter[int] = Counter()
        for run in runs.values():
            seen.update(run.answers.get(name, {}))
        letters = "".join(role[0] if _succeeds(runs[role].answers.get(name, {})) else "-" for role in runs)
        statuses = " · ".join(f"{status} × {number}" for status, number in sorted(seen.items()))
        lines.append(f"{name:<24}{seen.total():>6}  {letters}  {statuses}")
    return "\n".join(lines)
