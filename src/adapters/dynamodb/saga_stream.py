"""What the stream of the scheduling table tells of sagas: which have begun."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from adapters.dynamodb.saga_rows import row_key
from adapters.dynamodb.tables import PARTITION_KEY, SORT_KEY
from telemed_core.domain.ids import SagaId

_INSERT: Final = "INSERT"
_PREFIX: Final = "S#"

FILTER: Final[Mapping[str, Any]] = {
    "eventName": [_INSERT],
    "dynamodb": {"Keys": {PARTITION_KEY: {"S": [{"prefix": _PREFIX}]}, SORT_KEY: {"S": ["M"]}}},
}
"""The pattern by which Lambda picks these records out of the stream, so that no function is called for any other."""


def sagas_begun(records: Iterable[Mapping[str, Any]]) -> Mapping[str, SagaId]:
    """The sagas whose rows are new, by sequence number of their record, in order; all other records are passed over."""
    return {
        record["dynamodb"]["SequenceNumber"]: saga_id
        for record in records
        if record["eventName"] == _INSERT and (saga_id := _saga_of(record["dynamodb"]["Keys"])) is not None
    }


def _saga_of(keys: Mapping[str, Any]) -> SagaId | None:
    partition = str(keys[PARTITION_KEY]["S"])
    if not partition.startswith(_PREFIX):
        return None
    saga_id = SagaId(partition.removeprefix(_PREFIX))
    # What operators have done with a saga stands beside its row.
    return saga_id if row_key(saga_id) == keys else None
