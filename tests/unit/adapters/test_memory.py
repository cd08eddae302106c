"""What the stores in memory keep where no port tells of it."""

from datetime import timedelta
from typing import Any

import attrs

from adapters.memory import open_memory
from telemed_core.domain.sagas import Phase, SagaEntry
from telemed_core.testing.builders import MONDAY
from telemed_core.testing.wiring import a_clinic


def test_only_sagas_that_are_to_be_run_are_looked_at_by_who_claims() -> None:
    clinic = a_clinic(open_memory())
    patient = clinic.patient()
    log: Any = clinic.stores.sagas
    assert list(log._state.waiting) == []
    closure = patient.close(now=MONDAY)
    clinic.stores.accounts.close(closure)
    assert list(log._state.waiting) == [closure.saga.id]
    (row,) = log.claim("here", now=MONDAY + timedelta(days=1), limit=9)
    assert log._state.waiting == {row.id: row}
    log.append(SagaEntry(before=row, progress=attrs.evolve(row.progress, phase=Phase.COMPLETED), at=MONDAY))
    assert log._state.waiting == {}
