"""The bodies of answers: absent values are ``null``, instants are UTC with ``Z`` and whole seconds, rounded down."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, PlainSerializer

from telemed_core.domain.accounts import Account, Administrator
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import AppointmentId
from telemed_core.domain.patient import Patient
from telemed_core.domain.places import GeoPoint
from telemed_core.errors import FieldError


def instant_text(instant: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


Instant = Annotated[datetime, PlainSerializer(instant_text, return_type=str)]

T = TypeVar("T")


class View(BaseModel):
    """A body."""

    model_config = ConfigDict(frozen=True)


class Point(View):
    """A place in degrees."""

    lat: float
    lon: float


class RatingSummary(View):
    """What patients think, on average."""

    average: float | None
    count: int


class DoctorCardView(View):
    """A doctor among others that were searched for."""

    id: str
    name: str
    crm: str
    specialties: tuple[str, ...]
    rating: RatingSummary
    distance_km: float | None
    price_cents: int
    next_free: Instant | None


class DoctorView(View):
    """A doctor, as everyone who is signed in sees one."""

    id: str
    name: str
    crm: str
    specialties: tuple[str, ...]
    location: Point
    address: str | None
    time_zone: str
    price_cents: int
    rating: RatingSummary
    next_free: Instant | None


class OwnDoctorView(DoctorView):
    """A doctor, as that doctor and administrators do."""

    role: Literal["doctor"]
    status: str
    email: str
    cpf: str
    language: str


class VerifiedDoctorView(OwnDoctorView):
    """After a decision: with the ids of the appointments that are still to come."""

    affected: tuple[str, ...]


class ConsentView(View):
    """A consent, and when it was given."""

    kind: str
    at: Instant


class PatientView(View):
    """A patient, as that patient sees it."""

    id: str
    role: Literal["patient"]
    name: str
    cpf: str
    email: str
    birth_date: str
    time_zone: str
    location: Point | None
    language: str
    consents: tuple[ConsentView, ...]


class AdministratorView(View):
    """An administrator, as that administrator sees it."""

    id: str
    role: Literal["administrator"]
    email: str
    time_zone: str
    language: str


class Page(View, Generic[T]):
    """One page of a list."""

    items: tuple[T, ...]
    next_cursor: str | None


class FieldProblem(View):
    """One wrong field, by its dotted path."""

    field: str
    message: str


class ProblemView(View):
    """A refusal (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: tuple[FieldProblem, ...] | None


def doctor_view(doctor: Doctor) -> DoctorView:
    """What everyone who is signed in may know."""
    return DoctorView(**_public(doctor))


def doctor_card_view(doctor: Doctor) -> DoctorCardView:
    """What a list of search results says."""
    facts = _public(doctor)
    return DoctorCardView(
        **{name: facts[name] for name in DoctorCardView.model_fields if name in facts}, distance_km=None
    )


def own_doctor_view(doctor: Doctor) -> OwnDoctorView:
    """What the doctor and administrators may know."""
    return OwnDoctorView(**_public(doctor), **_own(doctor))


def verified_doctor_view(doctor: Doctor, affected: Iterable[AppointmentId]) -> VerifiedDoctorView:
    """What an administrator reads after a decision."""
    return VerifiedDoctorView(**_public(doctor), **_own(doctor), affected=tuple(affected))


def account_view(account: Account) -> View:
    """An account, to its owner."""
    if isinstance(account, Doctor):
        return own_doctor_view(account)
    if isinstance(account, Administrator):
        return AdministratorView(
            id=account.id,
            role="administrator",
            email=str(account.email),
            time_zone=account.time_zone,
            language=account.language,
        )
    return patient_view(account)


def patient_view(patient: Patient) -> PatientView:
    """A patient, to that patient."""
    return PatientView(
        id=patient.id,
        role="patient",
        name=patient.name,
        cpf=patient.cpf.digits,
        email=str(patient.email),
        birth_date=patient.birth_date.isoformat(),
        time_zone=patient.time_zone,
        location=_point(patient.location),
        language=patient.language,
        consents=tuple(ConsentView(kind=consent.kind, at=consent.at) for consent in patient.consents),
    )


def problem_view(*, status: int, code: str, detail: str, fields: Iterable[FieldError] = ()) -> ProblemView:
    """A refusal's body; ``errors`` is null where no field is wrong."""
    errors = tuple(FieldProblem(field=name, message=text) for name, text in fields)
    return ProblemView(
        type=f"urn:telemed:problem:{code}",
        title=code.replace("_", " ").capitalize(),
        status=status,
        detail=detail,
        code=code,
        errors=errors or None,
    )


def _public(doctor: Doctor) -> dict[str, Any]:
    return {
        "id": doctor.id,
        "name": doctor.name,
        "crm": str(doctor.crm),
        "specialties": tuple(doctor.specialties),
        "location": _point(doctor.location),
        "address": doctor.address,
        "time_zone": doctor.time_zone,
        "price_cents": doctor.price_cents,
        "rating": RatingSummary(average=None, count=0),
        "next_free": None,
    }


def _own(doctor: Doctor) -> dict[str, Any]:
    return {
        "role": "doctor",
        "status": doctor.status,
        "email": str(doctor.email),
        "cpf": doctor.cpf.digits,
        "language": doctor.language,
    }


def _point(point: GeoPoint | None) -> Point | None:
    return None if point is None else Point(lat=point.lat, lon=point.lon)
