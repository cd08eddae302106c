"""The stateful clinic on every store: 500 runs on memory, 50 on SQLite and Postgres; ten times that in deep runs."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from adapters.memory import open_memory
from scale import scaled
from telemed_core.ports.storage import Stores
from telemed_core.testing.clinic import clinic_machine


def run(open_stores: Callable[[], Stores], runs: int) -> None:
    opened: list[None] = []

    def counted() -> Stores:
        opened.append(None)
        return open_stores()

    # Found once, a failure is shrunk at leisure; runs are slow by nature, and derived from a fixed seed.
    run_state_machine_as_test(
        clinic_machine(counted),
        settings=settings(
            max_examples=runs,
            stateful_step_count=40,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
    assert len(opened) >= runs
    print(f"{len(opened)} runs")


@pytest.mark.timeout(3000)
@pytest.mark.xdist_group("clinic on memory")
def test_the_clinic_on_memory() -> None:
    run(open_memory, scaled(5000, ci=500))


@pytest.mark.timeout(3000)
@pytest.mark.xdist_group("clinic on sqlite")
def test_the_clinic_on_sqlite(open_fresh_sqlite: Callable[[], Stores]) -> None:
    run(open_fresh_sqlite, scaled(500, ci=50))


@pytest.mark.timeout(3000)
@pytest.mark.xdist_group("clinic on postgres")
def test_the_clinic_on_postgres(open_fresh_postgres: Callable[[], Stores]) -> None:
    run(open_fresh_postgres, scaled(500, ci=50))
