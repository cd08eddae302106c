"""Field types of requests: strict shapes, read by the domain's own parsers, wrong ones named and never echoed."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict

from telemed_core.domain.agenda import Weekday
from telemed_core.domain.doctor import Decision
from telemed_core.domain.ids import DoctorId, Id, ProposalId
from telemed_core.domain.instants import TimeZone, parse_date, parse_instant
from telemed_core.domain.patient import ConsentKind
from telemed_core.domain.people import Cpf, Crm, EmailAddress, Language, Password, person_name
from telemed_core.domain.places import GeoPoint, cents
from telemed_core.domain.specialties import Specialty
from telemed_core.domain.texts import clean, reason
from telemed_core.errors import FieldError, InvalidError

T = TypeVar("T")

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


CpfField = Annotated[Cpf, text_as(Cpf.parse)]
CrmField = Annotated[Crm, text_as(Crm.parse)]
EmailField = Annotated[EmailAddress, text_as(EmailAddress.parse)]
PasswordField = Annotated[Password, text_as(Password.parse)]
NameField = Annotated[str, text_as(person_name)]
AddressField = Annotated[str, text_as(lambda text: clean(text, field="", least=3, most=ADDRESS_MOST))]
ZoneField = Annotated[TimeZone, text_as(TimeZone)]
LanguageField = Annotated[Language, text_as(Language.parse)]
SpecialtyField = Annotated[Specialty, text_as(Specialty.parse)]
ConsentField = Annotated[ConsentKind, text_as(ConsentKind.parse)]
DecisionField = Annotated[Decision, text_as(Decision.parse)]
WeekdayField = Annotated[Weekday, text_as(Weekday.parse)]
InstantField = Annotated[datetime, text_as(lambda text: parse_instant(text, field=""))]
DateField = Annotated[date, text_as(lambda text: parse_date(text, field=""))]
ReasonField = Annotated[str, text_as(reason)]
RemarkField = Annotated[str, text_as(lambda text: reason(text, least=0))]
DoctorIdField = Annotated[DoctorId, text_as(DoctorId)]
ProposalIdField = Annotated[ProposalId, text_as(ProposalId)]
IdField = Annotated[Id, text_as(Id)]
TextField = Annotated[str, text_as(str)]
WholeField = Annotated[int, BeforeValidator(_whole)]
NumberField = Annotated[float, BeforeValidator(_number)]
FlagField = Annotated[bool, BeforeValidator(_flag)]
CentsField = Annotated[int, BeforeValidator(lambda value: cents(_whole(value), field=""))]


class Request(BaseModel):
    """A body: unknown fields are refused, values are the domain's."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, hide_input_in_errors=True)


class Location(Request):
    """A place in degrees."""

    lat: NumberField
    lon: NumberField

    def to_point(self) -> GeoPoint:
        """The point.

        Raises:
            InvalidError: beyond 90 or 180 degrees, naming ``location.lat`` or ``location.lon``.
        """
        return GeoPoint.parse(self.lat, self.lon)


def collect(found: list[FieldError], read: Callable[[], T], under: str) -> T | None:
    """What ``read`` gives; where it refuses, its fields join ``found`` and stand under ``under``."""
    try:
        return read()
    except InvalidError as error:
        found += error.under(under).fields if under else error.fields
        return None
