"""The bodies of requests, by the operation they belong to."""

from datetime import timedelta

from pydantic import Field, model_validator

from telemed_core.domain.agenda import Agenda, DateRule, WeeklyWindow, Window
from telemed_core.domain.instants import Interval
from telemed_core.domain.people import Language
from telemed_core.domain.places import Cents, GeoPoint
from telemed_core.errors import InvalidError
from telemed_core.messages.fields import (
    AddressField,
    BufferField,
    CentsField,
    ClockField,
    ConsentField,
    ConsultationField,
    CpfField,
    CrmField,
    DateField,
    DecisionField,
    DoctorIdField,
    EmailField,
    Flag,
    HorizonField,
    InstantField,
    LanguageField,
    Location,
    NameField,
    NoticeField,
    PasswordField,
    ProposalIdField,
    ReasonField,
    RemarkField,
    Request,
    SpecialtiesField,
    WeekdayField,
    Whole,
    ZoneField,
)


class DoctorRegistration(Request):
    """``POST /v1/doctors``."""

    name: NameField
    crm: CrmField
    email: EmailField
    cpf: CpfField
    password: PasswordField
    specialties: SpecialtiesField
    location: Location
    address: AddressField | None = None
    time_zone: ZoneField
    price_cents: CentsField
    language: LanguageField = Language.PORTUGUESE

    def to_price(self) -> Cents:
        """The price of one consultation."""
        return Cents(self.price_cents)


class PatientRegistration(Request):
    """``POST /v1/patients``."""

    name: NameField
    cpf: CpfField
    email: EmailField
    password: PasswordField
    birth_date: DateField
    time_zone: ZoneField
    location: Location | None = None
    language: LanguageField = Language.PORTUGUESE
    consents: tuple[ConsentField, ...] = Field(
        max_length=10, json_schema_extra={"minItems": 2, "maxItems": 2, "uniqueItems": True}
    )

    def to_point(self) -> GeoPoint | None:
        """Where the patient lives, if that was said."""
        return self.location.to_point() if self.location else None


class VerificationDecision(Request):
    """``POST /v1/doctors/{id}/verification``."""

    decision: DecisionField
    reason: ReasonField | None = None


class WeeklyRule(Request):
    """One weekly window, in local ``HH:MM``."""

    weekday: WeekdayField
    start: ClockField
    end: ClockField

    @model_validator(mode="after")
    def _whole(self) -> "WeeklyRule":
        self.to_window()
        return self

    def to_window(self) -> WeeklyWindow:
        """The window."""
        return WeeklyWindow(self.weekday, Window.parse(self.start, self.end))


class DateEntry(Request):
    """One local date: closed, or a window in place of the weekly ones."""

    date: DateField
    closed: Flag = False
    start: ClockField | None = None
    end: ClockField | None = None

    @model_validator(mode="after")
    def _whole(self) -> "DateEntry":
        self.to_rule()
        return self

    def to_rule(self) -> DateRule:
        """The rule.

        Raises:
            InvalidError: neither closed nor a whole window, or both.
        """
        if self.closed:
            if self.start is not None or self.end is not None:
                raise InvalidError("closed", "stands without start and end")
            return DateRule(self.date)
        if self.start is None or self.end is None:
            raise InvalidError("start" if self.start is None else "end", "is required where the date is not closed")
        return DateRule(self.date, Window.parse(self.start, self.end))


class AgendaReplacement(Request):
    """``PUT /v1/agenda``."""

    time_zone: ZoneField
    consultation_minutes: ConsultationField = 50
    buffer_minutes: BufferField = 10
    min_notice_minutes: NoticeField = 120
    horizon_days: HorizonField = 60
    weekly: tuple[WeeklyRule, ...] = Field((), max_length=200)
    dates: tuple[DateEntry, ...] = Field((), max_length=800)

    @model_validator(mode="after")
    def _whole(self) -> "AgendaReplacement":
        self.to_agenda()
        return self

    def to_agenda(self) -> Agenda:
        """The agenda.

        Raises:
            InvalidError: consultation and buffer are too long together.
            OverlappingWindowsError: two windows overlap.
        """
        return Agenda(
            time_zone=self.time_zone,
            consultation=timedelta(minutes=self.consultation_minutes),
            buffer=timedelta(minutes=self.buffer_minutes),
            min_notice=timedelta(minutes=self.min_notice_minutes),
            horizon=timedelta(days=self.horizon_days),
            weekly=tuple(rule.to_window() for rule in self.weekly),
            dates=tuple(entry.to_rule() for entry in self.dates),
        )


class BlockCreation(Request):
    """``POST /v1/agenda/blocks``."""

    start: InstantField
    end: InstantField
    reason: RemarkField | None = None
    cancel_appointments: Flag = False

    @model_validator(mode="after")
    def _whole(self) -> "BlockCreation":
        self.to_interval()
        return self

    def to_interval(self) -> Interval:
        """The time that is blocked.

        Raises:
            InvalidError: the end is not after the start.
        """
        return Interval(self.start, self.end)


class AppointmentRequest(Request):
    """``POST /v1/appointments``."""

    doctor_id: DoctorIdField
    start: InstantField
    reason: RemarkField | None = None


class Acceptance(Request):
    """``POST /v1/appointments/{id}/accept``: the revision that the doctor saw."""

    rev: Whole


class Refusal(Request):
    """``POST /v1/appointments/{id}/refuse``."""

    reason: RemarkField | None = None


class Cancellation(Request):
    """``POST /v1/appointments/{id}/cancel``."""

    reason: ReasonField


class Rescheduling(Request):
    """``POST /v1/appointments/{id}/reschedule``."""

    start: InstantField


class ProposalAnswer(Request):
    """``POST /v1/appointments/{id}/proposal/accept`` and ``/decline``."""

    proposal_id: ProposalIdField
