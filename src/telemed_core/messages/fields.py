"""Field types of requests: strict shapes, read by the domain's own parsers, wrong ones named and never echoed."""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, TypeVar

import attrs
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from telemed_core.domain.agenda import Agenda, Weekday, minute_of_day
from telemed_core.domain.doctor import Decision, DoctorStatus
from telemed_core.domain.ids import AppointmentId, DoctorId, Id, ProposalId
from telemed_core.domain.instants import TimeZone, parse_date, parse_instant
from telemed_core.domain.patient import ConsentKind
from telemed_core.domain.people import Cpf, Crm, EmailAddress, Language, Password, person_name
from telemed_core.domain.places import GeoPoint, cents
from telemed_core.domain.ratings import SCORES
from telemed_core.domain.sagas import Phase
from telemed_core.domain.specialties import Specialty
from telemed_core.domain.status import Status
from telemed_core.domain.texts import clean, reason
from telemed_core.errors import InvalidCursorError, InvalidError
from telemed_core.messages import schemas

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


class Availability(StrEnum):
    """Whether doctors are found whatever they have free."""

    ANY = "any"


def text_as(read: Callable[[str], T]) -> BeforeValidator:
    """A JSON string, read by a parser of the domain."""

    def check(value: Any) -> T:
        if not isinstance(value, str):
            raise InvalidError("", "must be a string")
        try:
            return read(value)
        except InvalidError as error:
            raise type(error)("", error.fields[0].message) from None

    return BeforeValidator(check)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > schemas.BIGGEST:
        raise InvalidError("", "must be a whole number")
    return value


def _number(value: Any) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not -schemas.BIGGEST <= value <= schemas.BIGGEST
    ):
        raise InvalidError("", "must be a number")
    return float(value)


def _score(value: Any) -> int:
    score = _whole(value)
    if score not in SCORES:
        raise InvalidError("", f"must be a whole number from {min(SCORES)} to {max(SCORES)}")
    return score


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidError("", "must be true or false")
    return value


def one_of(choices: type[E]) -> Callable[[str], E]:
    """Reads one of the words."""

    def read(text: str) -> E:
        try:
            return choices(text)
        except ValueError:
            raise InvalidError("", "must be one of " + ", ".join(choices)) from None

    return read


def _taken(*, most: int) -> Callable[[str], str]:
    """As it is: nothing is trimmed or folded in what is compared, and what cannot be encoded is nobody's."""

    def read(text: str) -> str:
        if not 1 <= len(text) <= most:
            raise InvalidError("", f"must have 1 to {most} characters")
        if any("\ud800" <= char <= "\udfff" for char in text):
            raise InvalidError("", "has characters that cannot be used")
        return text

    return read


def _limit(text: str) -> int:
    if not _DIGITS(text) or not 1 <= int(text) <= schemas.MOST_PER_PAGE:
        raise InvalidError("", f"must be a whole number from 1 to {schemas.MOST_PER_PAGE}")
    return int(text)


def _cursor(text: str) -> str:
    if not 1 <= len(text) <= schemas.LONGEST_CURSOR or not all("!" <= char <= "~" for char in text):
        raise InvalidCursorError("", InvalidCursorError.text)
    return text


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


_DIGITS = re.compile(r"[1-9][0-9]{0,2}").fullmatch
_MINUTE = timedelta(minutes=1)
_SHORT = Agenda(TimeZone("UTC"), consultation=5 * _MINUTE, buffer=0 * _MINUTE)

Whole = Annotated[int, BeforeValidator(_whole), schemas.WHOLE]
Number = Annotated[float, BeforeValidator(_number), schemas.NUMBER]
Flag = Annotated[bool, BeforeValidator(_flag), WithJsonSchema({"type": "boolean"})]
CpfField = Annotated[Cpf, text_as(Cpf.parse), schemas.CPF]
CrmField = Annotated[Crm, text_as(Crm.parse), schemas.CRM]
EmailField = Annotated[EmailAddress, text_as(EmailAddress.parse), schemas.EMAIL]
PasswordField = Annotated[Password, text_as(Password.parse), schemas.PASSWORD]
LoginField = Annotated[str, text_as(_taken(most=254)), schemas.LOGIN]
TriedPasswordField = Annotated[str, text_as(_taken(most=128)), schemas.TRIED_PASSWORD]
ResetTokenField = Annotated[str, text_as(_taken(most=1024)), schemas.RESET_TOKEN]
RefreshTokenField = Annotated[str, text_as(_taken(most=4096)), schemas.REFRESH_TOKEN]
NameField = Annotated[str, text_as(person_name), schemas.NAME]
AddressField = Annotated[str, text_as(lambda text: clean(text, field="", least=3, most=200)), schemas.ADDRESS]
ZoneField = Annotated[TimeZone, text_as(TimeZone), schemas.ZONE]
LanguageField = Annotated[Language, text_as(Language.parse)]
SpecialtyField = Annotated[Specialty, text_as(Specialty.parse)]
SpecialtiesField = Annotated[
    tuple[SpecialtyField, ...],
    Field(max_length=10, json_schema_extra={"minItems": 1, "uniqueItems": True, "examples": [["cardiology"]]}),
    AfterValidator(_each_once),
]
ConsentField = Annotated[ConsentKind, text_as(ConsentKind.parse)]
DecisionField = Annotated[Decision, text_as(Decision.parse)]
DoctorStatusField = Annotated[DoctorStatus, text_as(one_of(DoctorStatus))]
PhaseField = Annotated[Phase, text_as(one_of(Phase))]
StatusField = Annotated[Status, text_as(one_of(Status))]
WeekdayField = Annotated[Weekday, text_as(Weekday.parse), schemas.WEEKDAY]
ClockField = Annotated[str, text_as(_clock), schemas.CLOCK]
InstantField = Annotated[datetime, text_as(lambda text: parse_instant(text, field="")), schemas.INSTANT]
DateField = Annotated[date, text_as(lambda text: parse_date(text, field="")), schemas.DATE]
ReasonField = Annotated[str, text_as(reason), schemas.REASON]
RemarkField = Annotated[str, text_as(lambda text: reason(text, least=0)), schemas.REMARK]
CommentField = Annotated[str, text_as(lambda text: reason(text, least=0)), schemas.COMMENT]
ScoreField = Annotated[int, BeforeValidator(_score), schemas.SCORE]
NameWordsField = Annotated[str, text_as(lambda text: clean(text, field="", least=1, most=120)), schemas.NAME_WORDS]
DoctorIdField = Annotated[DoctorId, text_as(DoctorId), schemas.ID]
AppointmentIdField = Annotated[AppointmentId, text_as(AppointmentId), schemas.ID]
AnyIdField = Annotated[Id, text_as(Id), schemas.ID]
SagaNameField = Annotated[str, text_as(Id), schemas.SAGA_NAME]
ProposalIdField = Annotated[ProposalId, text_as(ProposalId), schemas.ID]
CentsField = Annotated[int, BeforeValidator(lambda value: cents(_whole(value), field="")), schemas.CENTS]
LatitudeField = Annotated[Number, _degrees(lambda value: GeoPoint.parse(value, 0)), schemas.LATITUDE]
LongitudeField = Annotated[Number, _degrees(lambda value: GeoPoint.parse(0, value)), schemas.LONGITUDE]
ConsultationField = Annotated[Whole, _length("consultation", _MINUTE), schemas.CONSULTATION]
BufferField = Annotated[Whole, _length("buffer", _MINUTE), schemas.BUFFER]
NoticeField = Annotated[Whole, _length("min_notice", _MINUTE), schemas.NOTICE]
HorizonField = Annotated[Whole, _length("horizon", timedelta(days=1)), schemas.HORIZON]
AvailabilityField = Annotated[Availability, text_as(one_of(Availability))]
LimitField = Annotated[int, text_as(_limit), schemas.LIMIT]
CursorField = Annotated[str, text_as(_cursor), schemas.CURSOR]


class Request(BaseModel):
    """What is sent: unknown fields are refused, values are the domain's."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
        # Few of them are read in one process of a function: each is built when it is first used.
        defer_build=True,
    )


class Location(Request):
    """A place in degrees."""

    lat: LatitudeField
    lon: LongitudeField

    def to_point(self) -> GeoPoint:
        """The point."""
        return GeoPoint.parse(self.lat, self.lon)
