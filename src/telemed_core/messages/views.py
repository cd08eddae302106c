"""The bodies of answers: absent values are ``null``, instants are UTC with ``Z`` and whole seconds, rounded down."""

from datetime import UTC, datetime
from typing import Annotated, Final, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, PlainSerializer

from telemed_core.messages import schemas

_TO_THE_SECOND: Final = len("2026-06-01T15:00:00")


def instant_text(instant: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return instant.astimezone(UTC).isoformat(timespec="seconds")[:_TO_THE_SECOND] + "Z"


Instant = Annotated[datetime, PlainSerializer(instant_text, return_type=str), schemas.UTC_INSTANT]
IdText = Annotated[str, schemas.ID]
ZoneText = Annotated[str, schemas.ZONE]
DateText = Annotated[str, schemas.DATE]
NumberOfCents = Annotated[int, schemas.CENTS]

T = TypeVar("T")


class View(BaseModel):
    """A body."""

    # As with requests, each is built when it is first used.
    model_config = ConfigDict(frozen=True, defer_build=True)


class Page(View, Generic[T]):
    """One page of a list."""

    items: tuple[T, ...]
    next_cursor: Annotated[str, schemas.CURSOR] | None


class HealthView(View):
    """The process answers, or is ready to."""

    status: Literal["ok"]
