"""Doctors, patients and administrators as they are answered, and what doctors can be."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from telemed_core.domain.accounts import Account, Administrator
from telemed_core.domain.doctor import Doctor, DoctorStatus
from telemed_core.domain.ids import AppointmentId
from telemed_core.domain.patient import ConsentKind, Patient
from telemed_core.domain.people import Language
from telemed_core.domain.places import GeoPoint
from telemed_core.domain.ratings import UNRATED, RatingSum
from telemed_core.domain.specialties import Specialty
from telemed_core.messages import schemas
from telemed_core.messages.views import DateText, IdText, Instant, NumberOfCents, View, ZoneText

CrmText = Annotated[str, schemas.CRM]
CpfText = Annotated[str, schemas.OWN_CPF]
EmailText = Annotated[str, schemas.OWN_EMAIL]


class Point(View):
    """A place in degrees."""

    lat: Annotated[float, schemas.LATITUDE]
    lon: Annotated[float, schemas.LONGITUDE]


class RatingSummary(View):
    """What patients think, on average."""

    average: Annotated[float, schemas.AVERAGE] | None
    count: Annotated[int, schemas.COUNT]


class DoctorCardView(View):
    """A doctor among others that were searched for."""

    id: IdText
    name: str
    crm: CrmText
    specialties: tuple[Specialty, ...]
    rating: RatingSummary
    distance_km: Annotated[float, schemas.DISTANCE] | None
    price_cents: NumberOfCents
    next_free: Instant | None


class DoctorView(View):
    """A doctor, as everyone who is signed in sees one."""

    id: IdText
    name: str
    crm: CrmText
    specialties: tuple[Specialty, ...]
    location: Point
    address: str | None
    time_zone: ZoneText
    price_cents: NumberOfCents
    rating: RatingSummary
    next_free: Instant | None


class OwnDoctorView(DoctorView):
    """A doctor, as that doctor and administrators do."""

    role: Literal["doctor"]
    status: DoctorStatus
    email: EmailText
    cpf: CpfText
    language: Language


class VerifiedDoctorView(OwnDoctorView):
    """After a decision: with the ids of the appointments that are still to come."""

    affected: tuple[IdText, ...]


class ConsentView(View):
    """A consent, and when it was given."""

    kind: ConsentKind
    at: Instant


class PatientView(View):
    """A patient, as that patient sees it."""

    id: IdText
    role: Literal["patient"]
    name: str
    cpf: CpfText
    email: EmailText
    birth_date: DateText
    time_zone: ZoneText
    location: Point | None
    language: Language
    consents: tuple[ConsentView, ...]


class AdministratorView(View):
    """An administrator, as that administrator sees it."""

    id: IdText
    role: Literal["administrator"]
    email: EmailText
    time_zone: ZoneText
    language: Language


class NamedSpecialtyView(View):
    """A specialty, and its name in the reader's language."""

    code: Specialty
    name: str


class SpecialtiesView(View):
    """All specialties, by code."""

    items: tuple[NamedSpecialtyView, ...]


def doctor_view(doctor: Doctor, rating: RatingSum) -> DoctorView:
    """What everyone who is signed in may know."""
    return DoctorView(**_public(doctor, rating))


def doctor_card_view(doctor: Doctor, rating: RatingSum) -> DoctorCardView:
    """What a list of search results says."""
    facts = _public(doctor, rating)
    return DoctorCardView(
        **{name: facts[name] for name in DoctorCardView.model_fields if name in facts}, distance_km=None
    )


def own_doctor_view(doctor: Doctor, rating: RatingSum) -> OwnDoctorView:
    """What the doctor and administrators may know."""
    return OwnDoctorView(**_public(doctor, rating), **_own(doctor))


def verified_doctor_view(doctor: Doctor, rating: RatingSum, affected: Iterable[AppointmentId]) -> VerifiedDoctorView:
    """What an administrator reads after a decision."""
    return VerifiedDoctorView(**_public(doctor, rating), **_own(doctor), affected=tuple(affected))


def account_view(account: Account, rating: RatingSum = UNRATED) -> View:
    """An account, to its owner; of a doctor with that ``rating``."""
    if isinstance(account, Doctor):
        return own_doctor_view(account, rating)
    if isinstance(account, Administrator):
        return AdministratorView(
            id=account.id,
            role="administrator",
            email=str(account.email),
            time_zone=account.time_zone,
            language=account.language,
        )
    return patient_view(account)


def specialties_view(language: Language) -> SpecialtiesView:
    """The specialties, in that language."""
    return SpecialtiesView(items=tuple(NamedSpecialtyView(code=one, name=one.named(language)) for one in Specialty))


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


def _public(doctor: Doctor, rating: RatingSum) -> dict[str, Any]:
    return {
        "id": doctor.id,
        "name": doctor.name,
        "crm": str(doctor.crm),
        "specialties": tuple(doctor.specialties),
        "location": _point(doctor.location),
        "address": doctor.address,
        "time_zone": doctor.time_zone,
        "price_cents": doctor.price_cents,
        "rating": RatingSummary(average=rating.average, count=rating.count),
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
