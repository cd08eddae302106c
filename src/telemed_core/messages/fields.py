"""Field types of requests: strict shapes, read by the domain's own parsers, wrong ones named and never echoed."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, TypeVar

import attrs
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from telemed_core.domain.agenda import Agenda, Weekday, minute_of_day
from telemed_core.domain.doctor import Decision, DoctorStatus
from telemed_core.domain.ids import DoctorId, ProposalId
from telemed_core.domain.instants import TimeZone, parse_date, parse_instant
from telemed_core.domain.patient import ConsentKind
from telemed_core.domain.people import Cpf, Crm, EmailAddress, Language, Password, person_name
from telemed_core.domain.places import GeoPoint, cents
from telemed_core.domain.specialties import Specialty
from telemed_core.domain.status import Status
from telemed_core.domain.texts import clean, reason
from telemed_core.errors import InvalidError

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

ADDRESS_MOST = 200
BIGGEST = 10**8


def text_as(read: Callable[[str], T]) -> BeforeValidator:
    """A JSON string, read by a parser of the domain."""

    def check(value: Any) -> T:
        if not isinstance(value, str):
            raise InvalidError("", "must be a string")
        try:
            return read(value)
        except InvalidError as error:
            raise InvalidError("", error.fields[0].message) from None

    return BeforeValidator(check)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > BIGGEST:
        raise InvalidError("", "must be a whole number")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -BIGGEST <= value <= BIGGEST:
        raise InvalidError("", "must be a number")
    return float(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidError("", "must be true or false")
    return value


def _one_of(choices: type[E]) -> Callable[[str], E]:
    def read(text: str) -> E:
        try:
            return choices(text)
        except ValueError:
            raise InvalidError("", "must be one of " + ", ".join(choices)) from None

    return read


def _clock(text: str) -> str:
    minute_of_day(text, field="")
    return text


def _length(name: str, unit: timedelta) -> AfterValidator:
    """One of an agenda's lengths, judged by itself."""

    def check(value: int) -> int:
        length: dict[str, Any] = {name: value * unit}
        try:
            attrs.evolve(_SHORT, **length)
        except InvalidError as error:
            raise InvalidError("", error.fields[0].message) from None
        return value

    return AfterValidator(check)


def _degrees(to_point: Callable[[float], GeoPoint]) -> AfterValidator:
    def check(value: float) -> float:
        try:
            to_point(value)
        except InvalidError as error:
            raise InvalidError("", error.fields[0].message) from None
        return value

    return AfterValidator(check)


def _each_once(codes: tuple[Specialty, ...]) -> tuple[Specialty, ...]:
    if not codes or len(set(codes)) < len(codes):
        raise InvalidError("", "must name at least one specialty, each once")
    return codes


_MINUTE = timedelta(minutes=1)
_SHORT = Agenda(TimeZone("UTC"), consultation=5 * _MINUTE, buffer=0 * _MINUTE)

Whole = Annotated[int, BeforeValidator(_whole)]
Number = Annotated[float, BeforeValidator(_number)]
Flag = Annotated[bool, BeforeValidator(_flag)]
CpfField = Annotated[Cpf, text_as(Cpf.parse)]
CrmField = Annotated[Crm, text_as(Crm.parse)]
EmailField = Annotated[EmailAddress, text_as(EmailAddress.parse)]
PasswordField = Annotated[Password, text_as(Password.parse)]
NameField = Annotated[str, text_as(person_name)]
AddressField = Annotated[str, text_as(lambda text: clean(text, field="", least=3, most=ADDRESS_MOST))]
ZoneField = Annotated[TimeZone, text_as(TimeZone)]
LanguageField = Annotated[Language, text_as(Language.parse)]
SpecialtyField = Annotated[Specialty, text_as(Specialty.parse)]
SpecialtiesField = Annotated[tuple[SpecialtyField, ...], Field(max_length=10), AfterValidator(_each_once)]
ConsentField = Annotated[ConsentKind, text_as(ConsentKind.parse)]
DecisionField = Annotated[Decision, text_as(Decision.parse)]
DoctorStatusField = Annotated[DoctorStatus, text_as(_one_of(DoctorStatus))]
StatusField = Annotated[Status, text_as(_one_of(Status))]
WeekdayField = Annotated[Weekday, text_as(Weekday.parse)]
ClockField = Annotated[str, text_as(_clock)]
InstantField = Annotated[datetime, text_as(lambda text: parse_instant(text, field=""))]
DateField = Annotated[date, text_as(lambda text: parse_date(text, field=""))]
ReasonField = Annotated[str, text_as(reason)]
RemarkField = Annotated[str, text_as(lambda text: reason(text, least=0))]
NameWordsField = Annotated[str, text_as(lambda text: clean(text, field="", least=1, most=120))]
DoctorIdField = Annotated[DoctorId, text_as(DoctorId)]
ProposalIdField = Annotated[ProposalId, text_as(ProposalId)]
CentsField = Annotated[int, BeforeValidator(lambda value: cents(_whole(value), field=""))]
LatitudeField = Annotated[Number, _degrees(lambda value: GeoPoint.parse(value, 0))]
LongitudeField = Annotated[Number, _degrees(lambda value: GeoPoint.parse(0, value))]
ConsultationField = Annotated[Whole, _length("consultation", _MINUTE)]
BufferField = Annotated[Whole, _length("buffer", _MINUTE)]
NoticeField = Annotated[Whole, _length("min_notice", _MINUTE)]
HorizonField = Annotated[Whole, _length("horizon", timedelta(days=1))]


class Request(BaseModel):
    """A body: unknown fields are refused, values are the domain's."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, hide_input_in_errors=True)


class Location(Request):
    """A place in degrees."""

    lat: LatitudeField
    lon: LongitudeField

    def to_point(self) -> GeoPoint:
        """The point."""
        return GeoPoint.parse(self.lat, self.lon)
