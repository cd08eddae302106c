"""What lists are asked for, by the operation they belong to; every value is a string, as in a URL."""

from pydantic import Field, model_validator

from telemed_core.domain.instants import FIRST, LAST, Interval
from telemed_core.errors import InvalidError
from telemed_core.messages.fields import (
    AvailabilityField,
    CursorField,
    DoctorStatusField,
    InstantField,
    LimitField,
    NameWordsField,
    Request,
    SpecialtyField,
    StatusField,
)


class PageQuery(Request):
    """Which page of a list."""

    limit: LimitField = 20
    cursor: CursorField | None = None


class DoctorsQuery(PageQuery):
    """``GET /v1/doctors``."""

    specialty: SpecialtyField | None = None
    name: NameWordsField | None = None
    available: AvailabilityField | None = None


class DoctorQueueQuery(PageQuery):
    """``GET /v1/admin/doctors``."""

    status: DoctorStatusField | None = None


class SlotsQuery(Request):
    """``GET /v1/doctors/{id}/slots``: starts in ``[from, to)``."""

    begin: InstantField = Field(alias="from")
    to: InstantField

    @model_validator(mode="after")
    def _whole(self) -> "SlotsQuery":
        if self.to <= self.begin:
            raise InvalidError("to", "must be after from")
        return self

    def to_interval(self) -> Interval:
        """Where the starts lie."""
        return Interval(self.begin, self.to)


class BlocksQuery(PageQuery):
    """``GET /v1/agenda/blocks``."""


class AppointmentsQuery(PageQuery):
    """``GET /v1/appointments``: starts in ``[from, to)``, either of them open."""

    status: tuple[StatusField, ...] = ()
    begin: InstantField | None = Field(None, alias="from")
    to: InstantField | None = None

    @model_validator(mode="after")
    def _whole(self) -> "AppointmentsQuery":
        if self.begin and self.to and self.to <= self.begin:
            raise InvalidError("to", "must be after from")
        return self

    def to_interval(self) -> Interval | None:
        """Where the starts lie; ``None``: anywhere."""
        if self.begin is None and self.to is None:
            return None
        return Interval(self.begin or FIRST, self.to or LAST)
