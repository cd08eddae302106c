"""One saga of every definition: how it comes about, and what there is to be seen when it has ended."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from signal import SIGKILL, Signals
from typing import Any, Final

import attrs

from adapters.sealing import open_sealing
from adapters.sql import open_sql
from adapters.system import RandomIds, is_gone, this_process
from adapters.webrtc import open_webrtc
from integration.saga_crashes.breaking import Breaking, BreakingInline, BreakingLog, BreakingNotices, Work
from telemed_core.application.registration import CreateAdministrator, Enrolment, RegisterDoctor, RegisterPatient
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.doctor import Decision
from telemed_core.domain.ids import DoctorId, PatientId
from telemed_core.domain.instants import TimeZone
from telemed_core.domain.patient import ConsentKind
from telemed_core.domain.people import Language
from telemed_core.domain.places import Cents
from telemed_core.domain.specialties import Specialty
from telemed_core.errors import ConflictError
from telemed_core.ports.storage import Stores
from telemed_core.testing.builders import (
    SAO_PAULO,
    a_cpf,
    a_crm,
    a_password,
    an_administrator,
    an_email,
)
from telemed_core.testing.doubles import COMMON_PASSWORDS, SettableClock
from telemed_core.testing.wiring import Clinic

HOUR: Final = timedelta(hours=1)
ZONE: Final = TimeZone("America/Sao_Paulo")


def open_stores(url: str) -> Stores:
    return open_sql(url, sealing=open_sealing(pepper=b"p" * 32, data_key=b"d" * 32), migrate=False)


class Cast:
    """One process of the clinic, and the people of run ``number`` in it."""

    def __init__(
        self,
        stores: Stores,
        notes: Path,
        *,
        number: int,
        now: datetime,
        armed: bool = True,
        owner: str | None = None,
        at: int | None = None,
        by: Signals = SIGKILL,
    ) -> None:
        self.number = number
        self.breaking = Breaking(notes, armed=armed, at=at, by=by)
        self.clock = SettableClock(now)
        seen = attrs.evolve(
            stores,
            sagas=BreakingLog(stores.sagas, self.breaking),
            notices=BreakingNotices(stores.notices, self.breaking),
        )
        self.clinic = Clinic(
            seen,
            self.clock,
            RandomIds(),
            most_pending=100_000,
            owner=owner or this_process(),
            gone=lambda one: owner is None and is_gone(one),
            rooms=open_webrtc(keys=[b"m" * 32], ice_servers=(), signals=stores.signals),
        )
        for name, real in self.clinic.participants.items():
            self.clinic.participants[name] = self.breaking.participant(real)
        self.doctor_id, self.patient_id = DoctorId("doctor-1"), PatientId("patient-1")

    def run_sagas(self) -> int:
        """Until nothing is due; how often one was run."""
        driven = 0
        while more := self.clinic.run_sagas():
            driven += more
        return driven

    def settle(self) -> None:
        """Write down what time has made, and end what follows from it."""
        self.clinic.sweep()
        self.run_sagas()

    def asked(self) -> Appointment:
        left = self.request()
        self.run_sagas()
        return left

    def request(self) -> Appointment:
        patient = self.clinic.stores.patients.get(self.patient_id)
        return self.clinic.request_appointment(doctor_id=self.doctor_id, start=self.clinic.noon(3), patient=patient)

    def accept(self, asked: Appointment) -> Appointment:
        doctor = self.clinic.stores.doctors.get(self.doctor_id)
        return self.clinic.accept_appointment(appointment_id=asked.id, rev=asked.rev, doctor=doctor)

    def accepted(self) -> Appointment:
        left = self.accept(self.asked())
        self.run_sagas()
        return left

    def reschedule(self, appointment: Appointment) -> Appointment:
        patient = self.clinic.stores.patients.get(self.patient_id)
        start = appointment.visit.start + 24 * HOUR
        return self.clinic.reschedule_appointment(appointment_id=appointment.id, start=start, actor=patient)

    def proposed(self) -> Appointment:
        left = self.reschedule(self.accepted())
        self.run_sagas()
        return left

    def late(self, appointment: Appointment, *, by: timedelta = timedelta()) -> Appointment:
        """The same when its time has come."""
        assert appointment.due_at
        self.clock.set(appointment.due_at + by)
        return appointment

    def begun(self, *, early: timedelta = timedelta()) -> Appointment:
        """A visit for which the doctor has come, in its room."""
        left = self.accepted()
        self.clock.set(left.visit.start - early)
        self.run_sagas()
        doctor = self.clinic.stores.doctors.get(self.doctor_id)
        return self.clinic.join_visit(appointment_id=left.id, actor=doctor).appointment

    def in_progress(self) -> Appointment:
        patient = self.clinic.stores.patients.get(self.patient_id)
        return self.clinic.join_visit(appointment_id=self.begun().id, actor=patient).appointment

    def registering(self, refusing: Work) -> Enrolment:
        clinic = self.clinic
        inline = BreakingInline(clinic.inline_sagas, self.breaking, refusing)
        return Enrolment(clinic.stores.accounts, clinic.identity, clinic.ids, clinic.clock, inline)


Act = Callable[[Cast, Any], object]


@attrs.frozen(kw_only=True)
class Scene:
    """One saga: what comes before it, and the command that starts it; both are given in the process that breaks off.

    Attributes:
        saga: the name of its definition.
        fails: it is refused, and has to leave nothing.
    """

    saga: str
    act: Act
    before: Callable[[Cast], Any] = lambda _: None
    fails: bool = False

    @property
    def registers(self) -> bool:
        return self.saga.startswith("register_")


def _doctor(act: Callable[..., object], **facts: Any) -> Act:
    return lambda cast, appointment: act(
        cast.clinic, appointment_id=appointment.id, doctor=cast.clinic.stores.doctors.get(cast.doctor_id), **facts
    )


def _agreeing(cast: Cast, appointment: Appointment, *, agree: bool) -> object:
    assert appointment.proposal
    use_case = cast.clinic.agree_to_reschedule if agree else cast.clinic.decline_reschedule
    doctor = cast.clinic.stores.doctors.get(cast.doctor_id)
    return use_case(appointment_id=appointment.id, proposal_id=appointment.proposal.id, actor=doctor)


def _cancelling(cast: Cast, appointment: Appointment) -> object:
    patient = cast.clinic.stores.patients.get(cast.patient_id)
    return cast.clinic.cancel_appointment(appointment_id=appointment.id, reason="cannot come", actor=patient)


def _absent(cast: Cast) -> Appointment:
    left = cast.begun()
    cast.clock.advance(HOUR / 4)
    return left


def _day_before(cast: Cast) -> None:
    cast.clock.set(cast.accepted().visit.start - 24 * HOUR)


def _leaver(cast: Cast) -> Any:
    patient = cast.clinic.patient(1000 + cast.number)
    cast.clinic.open_feed(account=patient)
    return patient


def _refuse(_: object) -> None:
    raise ConflictError


def _register_doctor(cast: Cast, _: object) -> object:
    number = 1000 + cast.number
    return RegisterDoctor(cast.registering({}), cast.clinic.ids, cast.clock)(
        name="Caio Nunes",
        crm=a_crm(number),
        email=an_email(number, of="registering"),
        cpf=a_cpf(300_000_000 + number),
        password=a_password(),
        specialties=(Specialty.CARDIOLOGY,),
        location=SAO_PAULO,
        address=None,
        time_zone=ZONE,
        price_cents=Cents(100),
    )


def _register_patient(cast: Cast, *, password: str | None = None, refusing: Mapping[str, Any] | None = None) -> object:
    number = 1000 + cast.number
    return RegisterPatient(cast.registering(refusing or {}), cast.clinic.ids, cast.clock)(
        name="Dora Melo",
        cpf=a_cpf(400_000_000 + number),
        email=an_email(number, of="registering"),
        password=a_password(password) if password else a_password(),
        born=date(1990, 1, 1),
        time_zone=ZONE,
        location=None,
        consented=tuple(ConsentKind),
    )


def _register_administrator(cast: Cast, _: object) -> object:
    return CreateAdministrator(cast.registering({}), cast.clinic.ids)(
        email=an_email(1000 + cast.number, of="registering"),
        password=a_password(),
        time_zone=ZONE,
        language=Language.ENGLISH,
    )


def _verify(cast: Cast, doctor: Any) -> object:
    return cast.clinic.verify_doctor(
        doctor_id=doctor.id, decision=Decision.APPROVE, reason=None, actor=an_administrator()
    )


SCENES: Final = {
    "request": Scene(saga="request", act=lambda cast, _: cast.request()),
    "move": Scene(saga="move", before=Cast.asked, act=Cast.reschedule),
    "accept": Scene(saga="accept", before=Cast.asked, act=Cast.accept),
    "refuse": Scene(
        saga="refuse", before=Cast.asked, act=_doctor(lambda clinic, **facts: clinic.refuse_appointment(**facts))
    ),
    "expire": Scene(
        saga="expire", before=lambda cast: cast.late(cast.asked()), act=lambda cast, _: cast.clinic.sweep()
    ),
    "cancel": Scene(saga="cancel", before=Cast.accepted, act=_cancelling),
    "cancel while one waits": Scene(saga="cancel", before=lambda cast: cast.begun(early=HOUR / 10), act=_cancelling),
    "propose": Scene(saga="propose", before=Cast.accepted, act=Cast.reschedule),
    "agree": Scene(saga="agree", before=Cast.proposed, act=lambda cast, offered: _agreeing(cast, offered, agree=True)),
    "decline": Scene(
        saga="decline", before=Cast.proposed, act=lambda cast, offered: _agreeing(cast, offered, agree=False)
    ),
    "lapse": Scene(
        saga="lapse", before=lambda cast: cast.late(cast.proposed()), act=lambda cast, _: cast.clinic.sweep()
    ),
    "complete": Scene(
        saga="complete",
        before=Cast.in_progress,
        act=_doctor(lambda clinic, **facts: clinic.complete_visit(**facts)),
    ),
    "complete by time": Scene(
        saga="complete",
        before=lambda cast: cast.late(cast.in_progress()),
        act=lambda cast, _: cast.clinic.sweep(),
    ),
    "no_show": Scene(
        saga="no_show",
        before=_absent,
        act=lambda cast, visit: cast.clinic.declare_absence(
            appointment_id=visit.id, actor=cast.clinic.stores.doctors.get(cast.doctor_id)
        ),
    ),
    "verification": Scene(
        saga="verification",
        before=lambda cast: cast.clinic.doctor(1000 + cast.number, approved=False, agenda=None),
        act=_verify,
    ),
    "close account": Scene(
        saga="close_account",
        before=_leaver,
        act=lambda cast, patient: cast.clinic.close_account(patient=patient),
    ),
    "remind": Scene(saga="remind", before=_day_before, act=lambda _, __: None),
    "register doctor": Scene(saga="register_doctor", act=_register_doctor),
    "register patient": Scene(saga="register_patient", act=lambda cast, _: _register_patient(cast)),
    "register administrator": Scene(saga="register_administrator", act=_register_administrator),
    "identity refused": Scene(
        saga="register_patient",
        act=lambda cast, _: _register_patient(cast, password=min(COMMON_PASSWORDS)),
        fails=True,
    ),
    "profile refused": Scene(
        saga="register_patient",
        act=lambda cast, _: _register_patient(cast, refusing={"create_profile": _refuse}),
        fails=True,
    ),
}
