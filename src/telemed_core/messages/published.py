"""Announcements as other programs get them: a versioned event with a JSON Schema, ids, instants and codes only."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

from telemed_core.domain.announcing import FACTS
from telemed_core.domain.events import Absent, Side
from telemed_core.domain.ids import Id, PatientId
from telemed_core.domain.instants import parse_instant
from telemed_core.domain.notices import PUBLISHED, REGISTRATIONS, Announcement, EventId, Kind
from telemed_core.errors import InvalidError
from telemed_core.messages import schemas
from telemed_core.messages.fields import DoctorIdField, InstantField, text_as
from telemed_core.messages.parsing import parse, parse_json

VERSION: Final = 1


def _version(value: Any) -> int:
    if type(value) is not int or value != VERSION:
        raise InvalidError("", "is not a version that is read here")
    return value


def _kind(text: str) -> Kind:
    if text not in PUBLISHED:
        raise InvalidError("", "is not a kind of this version")
    return Kind(text)


def _side(text: str) -> Side:
    if text not in set(Side):
        raise InvalidError("", "must be patient, doctor or system")
    return Side(text)


def _instant(text: str) -> None:
    parse_instant(text, field="")


def _one_of(*choices: str) -> Callable[[str], None]:
    def check(text: str) -> None:
        if text not in choices:
            raise InvalidError("", "must be one of " + ", ".join(choices))

    return check


def _count(text: str) -> None:
    if not (text.isascii() and text.isdecimal() and len(text) <= 6):
        raise InvalidError("", "must be a small whole number")


_CHECKS: Final[Mapping[str, Callable[[str], None]]] = {
    "decision_deadline": _instant,
    "proposed_start": _instant,
    "proposed_end": _instant,
    "expires_at": _instant,
    "sequence": _count,
    "late": _one_of("true", "false"),
    "absent": _one_of(*Absent),
}


def _facts(facts: dict[str, str]) -> dict[str, str]:
    """Those of this version; what a later one adds is not read."""
    known = {name: text for name, text in facts.items() if name in _CHECKS}
    for name, text in known.items():
        try:
            _CHECKS[name](text)
        except InvalidError as error:
            raise error.under(name) from None
    return known


_FACTS: Final = schemas.said(
    "object",
    "What else the kind needs: " + "; ".join(f"{kind}: {', '.join(sorted(names))}" for kind, names in FACTS.items()),
    properties={name: {"type": "string"} for name in sorted(_CHECKS)},
)


def _precisely(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


_Instant = Annotated[InstantField, PlainSerializer(_precisely, return_type=str)]


class PublishedEvent(BaseModel):
    """One committed change, version 1; further fields are not read, another version is refused."""

    model_config = ConfigDict(
        frozen=True, arbitrary_types_allowed=True, hide_input_in_errors=True, title="PublishedEventV1"
    )

    version: Annotated[int, BeforeValidator(_version), schemas.said("integer", const=VERSION)]
    id: Annotated[EventId, text_as(EventId), schemas.ID]
    kind: Annotated[Kind, text_as(_kind), schemas.said("string", enum=[*PUBLISHED])]
    at: _Instant
    seq: Annotated[int, Field(strict=True, ge=1, lt=2**31)]
    subject: Annotated[Id, text_as(Id), schemas.ID]
    by: Annotated[Side, text_as(_side), schemas.said("string", enum=[*Side])]
    doctor_id: DoctorIdField
    patient_id: Annotated[PatientId, text_as(PatientId), schemas.ID] | None
    start: _Instant | None
    end: _Instant | None
    facts: Annotated[dict[str, str], AfterValidator(_facts), _FACTS]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """Whatever its kind needs is there."""
        if self.kind not in REGISTRATIONS:
            for name in ("patient_id", "start", "end"):
                if getattr(self, name) is None:
                    raise InvalidError(name, "is required for this kind")
        for name in sorted(FACTS.get(self.kind, frozenset()) - self.facts.keys()):
            raise InvalidError(f"facts.{name}", "is required for this kind")
        return self

    def announcement(self) -> Announcement:
        """What it announces."""
        return Announcement(**{name: getattr(self, name) for name in type(self).model_fields if name != "version"})


def published(announcement: Announcement) -> bytes:
    """The announcement as JSON.

    Raises:
        InvalidError: it is not one that is published.
    """
    instants = {name: getattr(announcement, name) for name in ("at", "start", "end")}
    data = {name: getattr(announcement, name) for name in PublishedEvent.model_fields if name != "version"}
    written = {name: None if instant is None else _precisely(instant) for name, instant in instants.items()}
    return parse(PublishedEvent, {"version": VERSION, **data, **written}).model_dump_json().encode()


def read_published(raw: bytes) -> Announcement:
    """The announcement in a published event.

    Raises:
        InvalidError: it is not JSON, of another version, or lacks what its kind needs.
    """
    return parse_json(PublishedEvent, raw).announcement()


def published_schema() -> dict[str, Any]:
    """The JSON Schema of a published event."""
    return PublishedEvent.model_json_schema()
