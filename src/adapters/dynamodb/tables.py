"""The tables and indexes on DynamoDB, written once: tests, the adapter and the infrastructure make theirs from here."""

from typing import Any, Final, Literal, Self

import attrs

PARTITION_KEY: Final = "PK"
SORT_KEY: Final = "SK"
EXPIRES: Final = "expires"
"""The attribute that says, in seconds since 1970, when an item may be collected."""

Projection = Literal["ALL", "KEYS_ONLY"]


@attrs.frozen
class Index:
    """A sparse secondary index: an item is in it while it has the index's two attributes."""

    name: str
    projection: Projection

    @property
    def partition_key(self) -> str:
        return f"{self.name}{PARTITION_KEY}"

    @property
    def sort_key(self) -> str:
        return f"{self.name}{SORT_KEY}"


BY_PATIENT: Final = Index("GSI1", "ALL")
"""Appointments of a patient, by start and id; and all sagas."""
BY_DOCTOR: Final = Index("GSI2", "ALL")
"""Appointments of a doctor, by start and id; and the sagas of a subject, and a doctor's ratings."""
WORK: Final = Index("GSI3", "KEYS_ONLY")
"""What time or a saga is still to change: by shard, then by due instant and id."""
HELD: Final = Index("GSI4", "KEYS_ONLY")
"""Sagas that are somebody's, by their owners."""


@attrs.frozen
class Table:
    """One table of string keys, on demand.

    Attributes:
        expires: the attribute by which garbage of the past is collected, in seconds since 1970.
        streamed: whether new items are to be seen on a stream.
    """

    name: str
    indexes: tuple[Index, ...] = ()
    expires: str | None = None
    streamed: bool = False

    def creation(self) -> dict[str, Any]:
        """What ``CreateTable`` takes."""
        keys = [(PARTITION_KEY, SORT_KEY), *((index.partition_key, index.sort_key) for index in self.indexes)]
        wanted: dict[str, Any] = {
            "TableName": self.name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for pair in keys for key in pair],
            "KeySchema": _key_schema(PARTITION_KEY, SORT_KEY),
        }
        if self.indexes:
            wanted["GlobalSecondaryIndexes"] = [
                {
                    "IndexName": index.name,
                    "KeySchema": _key_schema(index.partition_key, index.sort_key),
                    "Projection": {"ProjectionType": index.projection},
                }
                for index in self.indexes
            ]
        if self.streamed:
            wanted["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
        return wanted

    def time_to_live(self) -> dict[str, Any] | None:
        """What ``UpdateTimeToLive`` takes; ``None``: nothing expires."""
        if self.expires is None:
            return None
        return {
            "TableName": self.name,
            "TimeToLiveSpecification": {"Enabled": True, "AttributeName": self.expires},
        }


def _key_schema(partition_key: str, sort_key: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": partition_key, "KeyType": "HASH"},
        {"AttributeName": sort_key, "KeyType": "RANGE"},
    ]


@attrs.frozen
class Tables:
    """The four tables, apart because their readers and their keys of encryption are.

    Attributes:
        scheduling: ledger, appointments, events, schedules, counters, sagas, receipts.
        accounts: persons, profiles, blind indexes, sessions, lock-outs.
        directory: doctor cards and search projections, all of it public.
        clinical: texts, notes, grants.
    """

    scheduling: Table
    accounts: Table
    directory: Table
    clinical: Table

    @classmethod
    def named(cls, prefix: str) -> Self:
        """The tables of one installation."""
        return cls(
            # Of its items receipts alone expire: a slot is freed by a commit and by nothing else.
            scheduling=Table(
                f"{prefix}scheduling", (BY_PATIENT, BY_DOCTOR, WORK, HELD), expires=EXPIRES, streamed=True
            ),
            # Of its items sessions and failed attempts do.
            accounts=Table(f"{prefix}accounts", expires=EXPIRES),
            directory=Table(f"{prefix}directory"),
            clinical=Table(f"{prefix}clinical"),
        )

    @property
    def all(self) -> tuple[Table, ...]:
        return self.scheduling, self.accounts, self.directory, self.clinical


TABLES: Final = Tables.named("")
"""The tables by their plain names."""
