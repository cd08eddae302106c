"""A short run of the stateful clinic on memory; the long ones are among the integration tests."""

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from adapters.memory import open_memory
from telemed_core.testing.clinic import clinic_machine


def test_the_clinic_on_memory() -> None:
    machine = clinic_machine(open_memory)
    chosen = settings(
        max_examples=10,
        stateful_step_count=40,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    run_state_machine_as_test(machine, settings=chosen)
