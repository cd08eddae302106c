"""What memory keeps for later, beside what its ports tell."""

from typing import Any

from adapters.memory import open_memory
from telemed_core.testing.wiring import a_clinic


def test_a_closed_account_is_carried_on_by_its_saga() -> None:
    clinic = a_clinic(open_memory())
    closure = clinic.patient().close(now=clinic.clock.now())
    accounts: Any = clinic.stores.accounts
    assert list(accounts._state.sagas) == []
    clinic.stores.accounts.close(closure)
    assert accounts._state.sagas == {closure.saga.id: closure.saga}
