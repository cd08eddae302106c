"""Builders: valid things with good defaults, of which a test names only what matters to it."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Final

import attrs

from telemed_core.domain.accounts import Administrator, Reservation
from telemed_core.domain.agenda import DAY, Agenda, DateRule, Weekday, WeeklyWindow, Window
from telemed_core.domain.doctor import Doctor, DoctorStatus
from telemed_core.domain.events import Side
from telemed_core.domain.ids import (
    AccountId,
    AdministratorId,
    AppointmentId,
    DoctorId,
    Id,
    PatientId,
    PersonId,
    SagaId,
    SessionId,
)
from telemed_core.domain.instants import EPOCH, TimeZone
from telemed_core.domain.notices import Announcement, Channel, DeliveryStatus, EventId, Kind, Notice, NoticeId
from telemed_core.domain.patient import ConsentKind, Patient, consents
from telemed_core.domain.people import FEDERATIVE_UNITS, Cpf, Crm, EmailAddress, Language, Password, Role
from telemed_core.domain.places import Cents, GeoPoint
from telemed_core.domain.sagas import LEASE, SagaStart
from telemed_core.domain.schedule import Schedule
from telemed_core.domain.sessions import REFRESH_LIFE, Session
from telemed_core.domain.specialties import Specialty

MONDAY: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)
"""A noon at which nothing special happens: when builders say "now"."""

SAO_PAULO: Final = GeoPoint(-23.5505, -46.6333)


def a_cpf(number: int = 123_456_789) -> Cpf:
    """The valid CPF whose first nine digits are that number, not all of them equal."""
    nine = f"{number:09}"
    return Cpf.parse(nine + Cpf.check_digits(nine))


def a_crm(number: int = 123_456) -> Crm:
    """A valid CRM, its state following from its number, 1 to 9,999,999."""
    units = sorted(FEDERATIVE_UNITS)
    return Crm.parse(f"{number}-{units[number % len(units)]}")


def an_email(number: int = 1, *, of: str = "someone") -> EmailAddress:
    """A valid address; another for each number and name."""
    return EmailAddress.parse(f"{of}.{number}@example.com")


def a_password(text: str = "correct horse battery staple") -> Password:
    return Password.parse(text)


def a_doctor(
    number: int = 1,
    *,
    id: str | None = None,  # the attribute's own name
    person_id: str | None = None,
    rev: int = 1,
    name: str = "Ana Lima",
    cpf: Cpf | None = None,
    crm: Crm | None = None,
    email: EmailAddress | None = None,
    specialties: tuple[Specialty, ...] = (Specialty.CARDIOLOGY,),
    location: GeoPoint = SAO_PAULO,
    address: str | None = None,
    time_zone: str = "America/Sao_Paulo",
    price_cents: int = 25_000,
    language: Language = Language.PORTUGUESE,
    status: DoctorStatus = DoctorStatus.APPROVED,
    registered_at: datetime = MONDAY,
) -> Doctor:
    """Doctor number ``number``: what is not said differs between two numbers."""
    return Doctor(
        id=DoctorId(id or f"doctor-{number}"),
        person_id=PersonId(person_id or f"doctor-person-{number}"),
        rev=rev,
        name=name,
        cpf=cpf or a_cpf(100_000_000 + number),
        crm=crm or a_crm(number),
        email=email or an_email(number, of="doctor"),
        specialties=specialties,
        location=location,
        address=address,
        time_zone=TimeZone(time_zone),
        price_cents=Cents(price_cents),
        language=language,
        status=status,
        registered_at=registered_at,
    )


def a_patient(
    number: int = 1,
    *,
    id: str | None = None,  # the attribute's own name
    person_id: str | None = None,
    rev: int = 1,
    name: str = "Bruno Reis",
    cpf: Cpf | None = None,
    email: EmailAddress | None = None,
    birth_date: date = date(1980, 2, 29),
    time_zone: str = "America/Sao_Paulo",
    location: GeoPoint | None = None,
    language: Language = Language.PORTUGUESE,
    consented_at: datetime = MONDAY,
) -> Patient:
    """Patient number ``number``: what is not said differs between two numbers."""
    return Patient(
        id=PatientId(id or f"patient-{number}"),
        person_id=PersonId(person_id or f"patient-person-{number}"),
        rev=rev,
        name=name,
        cpf=cpf or a_cpf(200_000_000 + number),
        email=email or an_email(number, of="patient"),
        birth_date=birth_date,
        time_zone=TimeZone(time_zone),
        location=location,
        language=language,
        consents=consents(tuple(ConsentKind), at=consented_at),
    )


def an_administrator(
    number: int = 1, *, id: str | None = None, email: EmailAddress | None = None, time_zone: str = "America/Sao_Paulo"
) -> Administrator:
    return Administrator(
        id=AdministratorId(id or f"administrator-{number}"),
        email=email or an_email(number, of="administrator"),
        time_zone=TimeZone(time_zone),
    )


def a_session(
    number: int = 1,
    *,
    account_id: str = "user-1",
    password_rev: int = 1,
    generation: int = 1,
    expires_at: datetime = MONDAY + REFRESH_LIFE,
    graces: tuple[datetime, ...] = (),
) -> Session:
    """Session number ``number``, opened at ``MONDAY`` and not refreshed yet."""
    return Session(
        id=SessionId(f"session-{number}"),
        account_id=AccountId(account_id),
        password_rev=password_rev,
        generation=generation,
        expires_at=expires_at,
        graces=graces,
    )


def a_reservation(account: Doctor | Patient | Administrator, *, saga_id: str | None = None) -> Reservation:
    """The reservation that the account's registration begins with."""
    role, person_id = Role.ADMINISTRATOR, PersonId(f"person-of-{account.id}")
    if not isinstance(account, Administrator):
        role, person_id = Role.DOCTOR if isinstance(account, Doctor) else Role.PATIENT, account.person_id
    return Reservation(
        account_id=account.id,
        role=role,
        email=account.email,
        cpf=None if isinstance(account, Administrator) else account.cpf,
        crm=account.crm if isinstance(account, Doctor) else None,
        person_id=person_id,
        saga=SagaStart(SagaId(saga_id or f"{account.id}.0"), f"register_{role}", account.id, MONDAY + LEASE),
    )


def an_agenda(
    *windows: str,
    time_zone: str = "UTC",
    consultation: int = 50,
    buffer: int = 10,
    min_notice: int = 120,
    horizon: int = 60,
    weekdays: Iterable[Weekday] = tuple(Weekday),
    dates: tuple[DateRule, ...] = (),
) -> Agenda:
    """An agenda with windows such as ``"08:00-12:00"`` on these weekdays; none said: the whole day, every day.

    Lengths are in minutes, the horizon in days.
    """
    declared = [Window.parse(*window.split("-")) for window in windows] or [Window(0, DAY)]
    return Agenda(
        TimeZone(time_zone),
        consultation=timedelta(minutes=consultation),
        buffer=timedelta(minutes=buffer),
        min_notice=timedelta(minutes=min_notice),
        horizon=timedelta(days=horizon),
        weekly=tuple(WeeklyWindow(weekday, window) for weekday in weekdays for window in declared),
        dates=dates,
    )


def a_schedule(
    doctor: Doctor | None = None, *, agenda: Agenda | None = None, rev: int = 3, bookable: bool = True
) -> Schedule:
    """The schedule of a doctor who has been approved and has set an agenda."""
    return attrs.evolve(
        Schedule.first(doctor or a_doctor()),
        bookable=bookable,
        rev=rev,
        agenda=agenda or an_agenda(),
        agenda_version=rev,
    )


def a_saga(
    number: int = 1, *, name: str = "request", subject: str = "appointment-1", due_at: datetime | None = None
) -> SagaStart:
    """The start of saga number ``number``, due at once."""
    return SagaStart(SagaId(f"saga-{number}"), name, Id(subject), due_at)


def a_notice(
    number: int = 1,
    *,
    event: str | None = None,
    reader: str = "patient-1",
    channel: Channel = Channel.IN_APP,
    at: datetime = MONDAY,
    seq: int = 1,
    subject: str = "appointment-1",
    status: DeliveryStatus | None = None,
) -> Notice:
    """Notice number ``number``, that an appointment has been confirmed: delivered in the app, pending by e-mail."""
    announced = Announcement(
        id=EventId(event or f"event-{number}"),
        kind=Kind.CONFIRMED,
        at=at,
        seq=seq,
        subject=Id(subject),
        by=Side.DOCTOR,
        doctor_id=DoctorId("doctor-1"),
        patient_id=PatientId("patient-1"),
        start=at + timedelta(days=1),
        end=at + timedelta(days=1, minutes=50),
        facts={"language": "pt-BR", "was": "2026-06-02T12:00:00Z"},
    )
    standing = status or (DeliveryStatus.DELIVERED if channel is Channel.IN_APP else DeliveryStatus.PENDING)
    return Notice(
        id=NoticeId(f"notice-{number}"),
        event=announced.id,
        reader=AccountId(reader),
        channel=channel,
        kind=announced.kind,
        at=at,
        seq=seq,
        subject=announced.subject,
        appointment_id=AppointmentId(subject),
        about=announced,
        status=standing,
        due_at=EPOCH if standing is DeliveryStatus.PENDING else None,
    )
