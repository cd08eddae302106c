"""One action of a transaction: a conditional change or check of one item, and what it is for."""

from collections.abc import Mapping
from enum import IntEnum, auto
from typing import Any, Literal

import attrs

from adapters.dynamodb.tables import PARTITION_KEY, SORT_KEY

Value = Mapping[str, str | bytes | bool]
"""An attribute's value under the letter of its type, such as ``{"S": "text"}``."""

Item = Mapping[str, Value]

Operation = Literal["Put", "Update", "Delete", "ConditionCheck"]


class Purpose(IntEnum):
    """What an action guards or changes; where several are refused, the first of these is the answer."""

    RECEIPT = auto()
    EVENT = auto()
    ACCOUNT = auto()
    GUARD = auto()
    QUOTA = auto()
    APPOINTMENT = auto()
    CLAIMS = auto()
    SAGA = auto()
    TEXT = auto()


@attrs.frozen
class Action:
    """One action.

    Attributes:
        parameters: what the operation takes, keys in DynamoDB's own spelling.
    """

    purpose: Purpose
    operation: Operation
    parameters: Mapping[str, Any]

    @property
    def table(self) -> str:
        table: str = self.parameters["TableName"]
        return table

    @property
    def key(self) -> tuple[str, str]:
        """The item's two keys."""
        return pair(self.parameters["Item" if self.operation == "Put" else "Key"])

    def request(self) -> dict[str, Mapping[str, Any]]:
        """One of the ``TransactItems`` of ``TransactWriteItems``."""
        return {self.operation: self.parameters}


def text(value: str) -> Value:
    # A plain string: ids are strings of their own types, and requests are kept and compared.
    return {"S": str(value)}


def number(value: int) -> Value:
    return {"N": str(value)}


def flag(*, value: bool) -> Value:
    return {"BOOL": value}


def binary(value: bytes) -> Value:
    return {"B": value}


def key(partition: str, sort: str) -> Item:
    return {PARTITION_KEY: text(partition), SORT_KEY: text(sort)}


def pair(item: Item) -> tuple[str, str]:
    """Its two keys."""
    return str(item[PARTITION_KEY]["S"]), str(item[SORT_KEY]["S"])
