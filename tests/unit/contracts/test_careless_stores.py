"""The stateful clinic notices a store that forgets a part of what it was told."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import attrs
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from adapters.memory import open_memory
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import Command, Commit
from telemed_core.ports.storage import Appointments, Stores
from telemed_core.testing.clinic import clinic_machine


@attrs.frozen
class Careless:
    """Appointments that commit something else than they were told."""

    _real: Appointments
    _spoil: Callable[[Commit], Commit]

    def apply(self, commit: Commit, /, *, command: Command) -> Appointment:
        return self._real.apply(self._spoil(commit), command=command)

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)


@attrs.frozen
class Blind:
    """Appointments that never tell what is busy."""

    _real: Appointments

    def busy(self, *_: object, **__: object) -> Sequence[range]:
        return ()

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)


def without_freeing(commit: Commit) -> Commit:
    return attrs.evolve(commit, claims=tuple(claim for claim in commit.claims if claim.after is not None))


def without_claiming(commit: Commit) -> Commit:
    return attrs.evolve(commit, claims=())


def without_counting(commit: Commit) -> Commit:
    """Only what would be refused is counted: the clinic's own probe still works."""
    return attrs.evolve(commit, quotas=commit.quotas if commit.after.id == "nowhere" else ())


def with_another_buffer(commit: Commit) -> Commit:
    *others, own = commit.appointments
    after = attrs.evolve(own.after, buffer=own.after.buffer + timedelta(minutes=5))
    return attrs.evolve(commit, appointments=(*others, attrs.evolve(own, after=after)))


def notices(open_stores: Callable[[], Stores]) -> bool:
    machine = clinic_machine(open_stores)
    few = settings(
        max_examples=40,
        stateful_step_count=30,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    try:
        run_state_machine_as_test(machine, settings=few)
    except AssertionError:
        return True
    return False


@pytest.mark.parametrize("spoil", [without_freeing, without_claiming, without_counting, with_another_buffer])
def test_a_commit_that_is_not_written_as_it_was_decided_is_noticed(spoil: Callable[[Commit], Commit]) -> None:
    def open_careless() -> Stores:
        stores = open_memory()
        careless = Careless(stores.appointments, spoil)
        return attrs.evolve(stores, appointments=careless)  # the rest of the port is the real one's

    assert notices(open_careless)


def test_a_list_of_starts_that_are_taken_is_noticed() -> None:
    def open_blind() -> Stores:
        stores = open_memory()
        return attrs.evolve(stores, appointments=Blind(stores.appointments))

    assert notices(open_blind)
