"""The people of a demonstration: made once, through the use cases, all with one password that everybody knows."""

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

import attrs

from entrypoints.container import Container
from telemed_core.domain.accounts import Administrator
from telemed_core.domain.agenda import Agenda, Weekday, WeeklyWindow, Window
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.doctor import Decision, Doctor, DoctorStatus
from telemed_core.domain.ids import AdministratorId
from telemed_core.domain.instants import Interval, TimeZone
from telemed_core.domain.patient import ConsentKind, Patient
from telemed_core.domain.people import Cpf, Crm, EmailAddress, Password, Role
from telemed_core.domain.places import Cents, GeoPoint
from telemed_core.domain.specialties import Specialty
from telemed_core.domain.status import Status
from telemed_core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError

PASSWORD: Final = "telemed demo 2026"  # noqa: S105 # published: it opens nothing but demonstrations

ADMINISTRATOR: Final = EmailAddress("admin@example.com")
_SAO_PAULO: Final = TimeZone("America/Sao_Paulo")
_SEEDING: Final = Administrator(id=AdministratorId("seeding"), email=ADMINISTRATOR, time_zone=_SAO_PAULO)
"""Who approves the doctors: the administrator comes last, so that a start that was broken off is made up for."""

_WORKDAYS: Final = tuple(Weekday)[:5]
_ALWAYS: Final = tuple(Weekday)


class Seeded(NamedTuple):
    """Somebody who can sign in."""

    role: Role
    name: str
    login: str


@attrs.frozen(kw_only=True)
class _Practice:
    """A doctor to be; without hours the registration waits for verification.

    Attributes:
        hours: days of the week, with a local start and end each.
    """

    name: str
    crm: Crm
    cpf: Cpf
    specialties: tuple[Specialty, ...]
    place: GeoPoint
    address: str
    time_zone: TimeZone = _SAO_PAULO
    price_cents: Cents
    notice: timedelta = timedelta(hours=2)
    hours: tuple[tuple[Iterable[Weekday], str, str], ...] = ()

    def agenda(self) -> Agenda:
        return Agenda(
            time_zone=self.time_zone,
            min_notice=self.notice,
            weekly=tuple(
                WeeklyWindow(day, Window.parse(start, end)) for days, start, end in self.hours for day in days
            ),
        )


@attrs.frozen(kw_only=True)
class _Person:
    """A patient to be."""

    name: str
    cpf: Cpf
    born: date
    place: GeoPoint
    time_zone: TimeZone = _SAO_PAULO


def _cpf(nine: str) -> Cpf:
    return Cpf(nine + Cpf.check_digits(nine))


_DOCTORS: Final = (
    _Practice(
        name="Helena Duarte",
        crm=Crm("100001", "SP"),
        cpf=_cpf("310000001"),
        specialties=(Specialty.CARDIOLOGY, Specialty.INTERNAL_MEDICINE),
        place=GeoPoint(-23.5614, -46.6559),
        address="Avenida Paulista, São Paulo",
        price_cents=Cents(45_000),
        hours=((_WORKDAYS, "08:00", "12:00"), (_WORKDAYS, "14:00", "18:00")),
    ),
    _Practice(
        name="Rafael Nogueira",
        crm=Crm("100002", "RJ"),
        cpf=_cpf("310000002"),
        specialties=(Specialty.DERMATOLOGY,),
        place=GeoPoint(-22.9711, -43.1822),
        address="Copacabana, Rio de Janeiro",
        price_cents=Cents(38_000),
        hours=(((Weekday.TUESDAY, Weekday.THURSDAY), "13:00", "19:00"),),
    ),
    _Practice(
        name="Marina Albuquerque",
        crm=Crm("100003", "PE"),
        cpf=_cpf("310000003"),
        specialties=(Specialty.PEDIATRICS,),
        place=GeoPoint(-8.0476, -34.8770),
        address="Boa Vista, Recife",
        time_zone=TimeZone("America/Recife"),
        price_cents=Cents(30_000),
        hours=((_WORKDAYS, "07:30", "11:30"),),
    ),
    _Practice(
        name="Tiago Figueiredo",
        crm=Crm("100004", "AM"),
        cpf=_cpf("310000004"),
        specialties=(Specialty.PSYCHIATRY,),
        place=GeoPoint(-3.1190, -60.0217),
        address="Centro, Manaus",
        time_zone=TimeZone("America/Manaus"),
        price_cents=Cents(42_000),
        hours=((_WORKDAYS[:4], "18:00", "22:00"), ((Weekday.SATURDAY,), "09:00", "13:00")),
    ),
    _Practice(
        name="Carolina Stein",
        crm=Crm("100005", "RS"),
        cpf=_cpf("310000005"),
        specialties=(Specialty.FAMILY_MEDICINE,),
        place=GeoPoint(-30.0346, -51.2177),
        address="Centro Histórico, Porto Alegre",
        price_cents=Cents(25_000),
        notice=timedelta(),
        hours=((_ALWAYS, "00:00", "24:00"),),
    ),
    _Practice(
        name="Bruno Carvalho",
        crm=Crm("100006", "MG"),
        cpf=_cpf("310000006"),
        specialties=(Specialty.NEUROLOGY,),
        place=GeoPoint(-19.9191, -43.9386),
        address="Savassi, Belo Horizonte",
        price_cents=Cents(40_000),
    ),
)

_ALWAYS_THERE: Final = next(one for one in _DOCTORS if any(days is _ALWAYS for days, _, _ in one.hours))
_OPEN: Final = (Status.CONFIRMED, Status.IN_PROGRESS)

_PATIENTS: Final = (
    _Person(
        name="Beatriz Rocha",
        cpf=_cpf("320000001"),
        born=date(1988, 4, 12),
        place=GeoPoint(-23.5505, -46.6333),
    ),
    _Person(
        name="João Pedro Lima",
        cpf=_cpf("320000002"),
        born=date(1975, 9, 30),
        place=GeoPoint(-8.0631, -34.8711),
        time_zone=TimeZone("America/Recife"),
    ),
    _Person(
        name="Luiza Martins",
        cpf=_cpf("320000003"),
        born=date(2001, 1, 23),
        place=GeoPoint(-30.0277, -51.2287),
    ),
)


def people() -> Sequence[Seeded]:
    """Everybody who can sign in after seeding."""
    return (
        Seeded(Role.ADMINISTRATOR, "Administrator", ADMINISTRATOR.address),
        *(
            Seeded(Role.DOCTOR, f"{one.name}{'' if one.hours else ' (not verified yet)'}", str(one.crm))
            for one in _DOCTORS
        ),
        *(Seeded(Role.PATIENT, one.name, _email(one.name).address) for one in _PATIENTS),
    )


def seed(container: Container) -> Sequence[Seeded]:
    """Make them, unless the administrator is there; answers them all."""
    if container.accounts().find(ADMINISTRATOR) is None:
        for practice in _DOCTORS:
            _seed_doctor(container, practice)
        for person in _PATIENTS:
            _seed_patient(container, person)
        container.create_administrator()(email=ADMINISTRATOR, password=Password(PASSWORD), time_zone=_SAO_PAULO)
    return people()


def hour_of(now: datetime) -> datetime:
    """When a visit begins that is open now: with the hour, as all visits of the doctor who receives at any hour."""
    return now.replace(minute=0, second=0, microsecond=0)


def seed_visit(container: Container, *, start: datetime) -> Appointment | None:
    """A confirmed visit of the last patient at that time, if both have time for it; made unless there is one.

    Args:
        container: its clock is some minutes before ``start``, and what it does is done there before a sweep can see it.
    """
    accounts = container.accounts()
    doctor, patient = accounts.find(_ALWAYS_THERE.crm), accounts.find(_PATIENTS[-1].cpf)
    if not (isinstance(doctor, Doctor) and isinstance(patient, Patient)):
        return None
    visits = container.list_appointments()(
        actor=patient, statuses=_OPEN, starting=Interval.lasting(start, timedelta(hours=1))
    )
    if visits:
        return visits[0]
    try:
        asked = container.request_appointment()(doctor_id=doctor.id, start=start, patient=patient)
        return container.accept_appointment()(appointment_id=asked.id, rev=asked.rev, doctor=doctor)
    except (ConflictError, ForbiddenError, InvalidError, NotFoundError):
        # Somebody has changed the agenda, has been here at that time, or has withdrawn the doctor's licence.
        return None


def _seed_doctor(container: Container, practice: _Practice) -> None:
    doctor = container.accounts().find(practice.crm)
    if not isinstance(doctor, Doctor):
        doctor = container.register_doctor()(
            name=practice.name,
            crm=practice.crm,
            email=_email(practice.name),
            cpf=practice.cpf,
            password=Password(PASSWORD),
            specialties=practice.specialties,
            location=practice.place,
            address=practice.address,
            time_zone=practice.time_zone,
            price_cents=practice.price_cents,
        )
    if not practice.hours:
        return
    version = container.show_agenda()(doctor=doctor).agenda_version
    container.replace_agenda()(agenda=practice.agenda(), version=version, doctor=doctor)
    if doctor.status is DoctorStatus.PENDING:
        container.verify_doctor()(doctor_id=doctor.id, decision=Decision.APPROVE, reason=None, actor=_SEEDING)


def _seed_patient(container: Container, person: _Person) -> None:
    if container.accounts().find(person.cpf) is None:
        container.register_patient()(
            name=person.name,
            cpf=person.cpf,
            email=_email(person.name),
            password=Password(PASSWORD),
            born=person.born,
            time_zone=person.time_zone,
            location=person.place,
            consented=tuple(ConsentKind),
        )


def _email(name: str) -> EmailAddress:
    """Made of the name, at a domain that is nobody's."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return EmailAddress.parse(f"{plain.lower().replace(' ', '.')}@example.com")
