"""What columns and indexes are made of."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Dialect, MetaData, String, Text, TypeDecorator, text

from adapters.serialization import instant_of, microseconds

METADATA: Final = MetaData()


class Instant(TypeDecorator[datetime]):
    """An instant in UTC, kept as whole microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 # SQLAlchemy's
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 # as above
        return None if value is None else instant_of(value)


class Instants(TypeDecorator[tuple[datetime, ...]]):
    """Instants in UTC, as their microseconds with spaces between."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[datetime, ...] | None, dialect: Dialect) -> str | None:  # noqa: ARG002 # as above
        return None if value is None else " ".join(str(microseconds(one)) for one in value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[datetime, ...] | None:  # noqa: ARG002 # as above
        return None if value is None else tuple(instant_of(int(one)) for one in value.split())


# Text that is ordered by its bytes in every database, whatever its language.
KEY: Final = String(64).with_variant(String(64, collation="C"), "postgresql")
KEY_OF_ANY_LENGTH: Final = Text().with_variant(Text(collation="C"), "postgresql")


def where(condition: str) -> dict[str, Any]:
    return dict.fromkeys(("sqlite_where", "postgresql_where"), text(condition))


LIVE: Final = where("due_at IS NOT NULL")
