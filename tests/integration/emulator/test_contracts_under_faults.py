"""What the ports of appointments promise holds while every single call to DynamoDB goes wrong once, in every way."""

from collections import Counter
from collections.abc import Collection, Mapping
from threading import local
from typing import Any

import pytest

from adapters.aws.calling import Call
from adapters.aws.retrying import Patience
from adapters.dynamodb.access import Dynamo
from adapters.dynamodb.opening import open_dynamodb
from adapters.dynamodb.tables import Tables
from adapters.memory import open_memory
from integration.emulator.faulty import Fault, Faulty
from telemed_core.ports.services import Sealing
from telemed_core.ports.storage import Stores
from telemed_core.testing.contracts import (
    AppointmentsContract,
    LedgerContract,
    ListsContract,
    RacesContract,
    RefusalsContract,
    RepeatsContract,
)

REPEATED = {"TransactWriteItems", "GetItem", "BatchGetItem", "Query", "Scan"}
"""Operations that are repeated whatever they ask; of a single conditional write the outcome may stay unknown."""
FAULTS = (Fault.CONFLICT, Fault.THROTTLED, Fault.LOST_BEFORE, Fault.LOST_AFTER)


class EachOnce:
    """A ``Call`` of which every first try goes wrong, and the second does not."""

    def __init__(self, call: Call, fault: Fault, operations: Collection[str] = REPEATED) -> None:
        self._call, self._fault, self._operations = call, fault, operations
        self._tried = local()
        self.happened: Counter[str] = Counter()

    def __call__(self, operation: str, request: Mapping[str, Any], /) -> Mapping[str, Any]:
        first = operation in self._operations and not getattr(self._tried, operation, False)
        setattr(self._tried, operation, first)
        if not first:
            return self._call(operation, request)
        self.happened[operation] += 1
        one = Faulty(self._call)
        one.plan(operation, self._fault)
        return one(operation, request)


@pytest.fixture(params=FAULTS, ids=lambda fault: fault.name)
def every_call_once(request: pytest.FixtureRequest, call: Call) -> EachOnce:
    return EachOnce(call, request.param)


class UnderFaults:
    @pytest.fixture
    def stores(self, every_call_once: EachOnce, tables: Tables, sealing: Sealing) -> Stores:
        dynamo = Dynamo(every_call_once, tables, Patience(sleep=lambda _: None))
        return open_dynamodb(dynamo, sealing=sealing, notices=open_memory().notices)

    @pytest.fixture(autouse=True)
    def something_went_wrong(self, every_call_once: EachOnce, stores: Stores) -> Any:
        yield
        assert every_call_once.happened


class TestAppointments(UnderFaults, AppointmentsContract):
    """Commits, and what is read of them."""


class TestLists(UnderFaults, ListsContract):
    """Lists."""


class TestRefusals(UnderFaults, RefusalsContract):
    """Refusals, in their order."""


class TestRepeats(UnderFaults, RepeatsContract):
    """Repeats, and answers that were lost."""


class TestLedger(UnderFaults, LedgerContract):
    """The ledger and its repair."""


class TestRaces(UnderFaults, RacesContract):
    """Races."""
