"""Making tables: those that are missing, and waiting until all of them are there."""

from collections.abc import Mapping
from typing import Any

import pytest

from adapters.aws.failures import AwsError
from adapters.dynamodb.bootstrap import READY_WITHIN, make_tables
from adapters.dynamodb.tables import TABLES
from telemed_core.errors import UnavailableError

NAMES = tuple(table.name for table in TABLES.all)
EXPIRING = [table.name for table in TABLES.all if table.expires]


class Service:
    """As much of DynamoDB as makes tables, each of which becomes active once it has been looked at so many times."""

    def __init__(self, *there: str, looks: int = 0, unknown: int = 0, late_index: int = 0) -> None:
        self.there, self.looks, self.unknown, self.late_index = list(there), looks, unknown, late_index
        self.expiring: list[str] = []
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def make(self) -> tuple[str, ...]:
        return make_tables(self, TABLES, seconds=lambda: self.now, sleep=self.sleep)

    def __call__(self, operation: str, request: Mapping[str, Any], /) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = getattr(self, f"_{operation}")(request["TableName"], request)
        return answer

    def _CreateTable(self, name: str, request: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802 # the API's own name
        if name in self.there:
            raise AwsError("dynamodb", "CreateTable", "ResourceInUseException", 400)
        assert request in [table.creation() for table in TABLES.all]
        self.there.append(name)
        return {}

    def _DescribeTable(self, name: str, _: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802
        if self.unknown:
            self.unknown -= 1
            error = UnavailableError()
            error.__cause__ = AwsError("dynamodb", "DescribeTable", "ResourceNotFoundException", 400)
            raise error
        waiting, self.looks = self.looks > 0, max(0, self.looks - 1)
        lagging, self.late_index = self.late_index > 0, max(0, self.late_index - 1)
        indexes = [{"IndexStatus": "CREATING" if lagging else "ACTIVE"}]
        return {"Table": {"TableStatus": "CREATING" if waiting else "ACTIVE", "GlobalSecondaryIndexes": indexes}}

    def _DescribeTimeToLive(self, name: str, _: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED" if name in self.expiring else "DISABLED"}}

    def _UpdateTimeToLive(self, name: str, request: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802
        assert name not in self.expiring, "to switch it on again is an error"
        assert request in [table.time_to_live() for table in TABLES.all]
        self.expiring.append(name)
        return {}


def test_all_tables_are_made_and_expire_as_they_are_defined() -> None:
    service = Service()
    assert service.make() == NAMES
    assert tuple(service.there) == NAMES
    assert service.expiring == EXPIRING


def test_only_what_is_missing_is_made_and_what_is_on_stays_on() -> None:
    service = Service("accounts")
    assert service.make() == ("scheduling", "directory", "clinical")
    assert service.make() == ()
    assert service.expiring == EXPIRING


@pytest.mark.parametrize("slow", ["looks", "unknown", "late_index"])
def test_it_waits_until_tables_and_their_indexes_can_be_used(slow: str) -> None:
    service = Service(**{slow: 3})
    assert service.make() == NAMES
    assert service.now > 0


def test_a_table_that_does_not_become_active_in_time_is_an_outage() -> None:
    service = Service(looks=100_000)
    with pytest.raises(UnavailableError):
        service.make()
    assert READY_WITHIN <= service.now < READY_WITHIN + 1


def test_what_else_goes_wrong_is_told() -> None:
    class Refusing(Service):
        def __call__(self, operation: str, request: Mapping[str, Any], /) -> Mapping[str, Any]:
            if operation == self.broken:
                raise self.failure
            return super().__call__(operation, request)

        broken, failure = "CreateTable", Exception()

    service = Refusing()
    service.failure = AwsError("dynamodb", "CreateTable", "ValidationException", 400)
    with pytest.raises(AwsError):
        service.make()
    service.broken, service.failure = "DescribeTable", UnavailableError()
    with pytest.raises(UnavailableError):
        service.make()
    assert service.now == 0
