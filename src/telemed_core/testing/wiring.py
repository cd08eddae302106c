"""A whole clinic over any stores: every use case, wired, and people who have registered."""

from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final

import attrs

from telemed_core.application.agendas import BlockTime, CancelBlocked, ListBlocks, RemoveBlock, ReplaceAgenda
from telemed_core.application.auditing import RepairLedger, VerifyLedger
from telemed_core.application.booking import (
    AgreeToReschedule,
    CancelAppointment,
    DeclineReschedule,
    RequestAppointment,
    RescheduleAppointment,
)
from telemed_core.application.deciding import AcceptAppointment, RefuseAppointment
from telemed_core.application.profiles import ChangeProfile, CloseAccount
from telemed_core.application.reading import (
    ListDoctors,
    ListRegistrations,
    ListSlots,
    RecallBlock,
    RecallVerification,
    ShowAgenda,
)
from telemed_core.application.reading_appointments import (
    DescribeAppointments,
    ListAppointments,
    RecallAppointment,
    ShowAppointment,
)
from telemed_core.application.registration import CreateAdministrator, Enrolment, RegisterDoctor, RegisterPatient
from telemed_core.application.sweeping import Sweep
from telemed_core.application.verification import VerifyDoctor
from telemed_core.domain.agenda import Agenda
from telemed_core.domain.commit import Command, Idempotency
from telemed_core.domain.doctor import Decision, Doctor, DoctorStatus
from telemed_core.domain.ids import CommandId
from telemed_core.domain.patient import Patient
from telemed_core.ports.storage import Stores
from telemed_core.ports.system import Clock, Ids
from telemed_core.testing.builders import MONDAY, a_doctor, a_patient, a_reservation, an_agenda
from telemed_core.testing.doubles import SeededIds, SettableClock
from telemed_core.testing.visits import Visits

EVERY_DAY: Final = an_agenda()


@attrs.frozen
class Clinic(Visits):
    """All use cases over one technology's stores, as one process has them."""

    def beside(self, *, clock: Clock | None = None, **stores: Any) -> "Clinic":
        """Another process over the same data: with another clock, or with some of the stores in its own way."""
        return attrs.evolve(self, clock=clock or self.clock, stores=attrs.evolve(self.stores, **stores))

    def doctor(
        self, number: int = 1, *, agenda: Agenda | None = EVERY_DAY, approved: bool = True, **facts: Any
    ) -> Doctor:
        """Doctor ``number``, registered, approved and receiving at any hour, if nothing else is said."""
        built = a_doctor(number, status=DoctorStatus.PENDING, **facts)
        person = self.stores.accounts.reserve(a_reservation(built))
        doctor = attrs.evolve(built, person_id=person)
        self.stores.accounts.add(doctor)
        if agenda is not None:
            edit = self.stores.schedules.of(doctor.id).with_agenda(agenda, version=0)
            self.stores.schedules.apply(edit, command=self.command())
        if approved:
            verification = doctor.verify(Decision.APPROVE, why=None)
            self.stores.doctors.apply(verification, command=self.command())
            doctor = verification.after
        return doctor

    def patient(self, number: int = 1, **facts: Any) -> Patient:
        """Patient ``number``, registered."""
        built = a_patient(number, **facts)
        patient = attrs.evolve(built, person_id=self.stores.accounts.reserve(a_reservation(built)))
        self.stores.accounts.add(patient)
        return patient

    def command(self, idempotency: Idempotency | None = None, *, at: datetime | None = None) -> Command:
        """One run of a command, now if nothing else is said."""
        return Command(CommandId(self.ids.new()), at or self.clock.now(), idempotency)

    def noon(self, days: int = 1) -> datetime:
        """A start that the agenda of every day offers, so many days ahead."""
        return (self.clock.now() + timedelta(days=days)).replace(hour=12, minute=0, second=0, microsecond=0)

    @cached_property
    def request_appointment(self) -> RequestAppointment:
        return RequestAppointment(self.stores.schedules, self.committing, self.ids, self.most_pending)

    @cached_property
    def cancel_appointment(self) -> CancelAppointment:
        return CancelAppointment(self.stores.appointments, self.committing)

    @cached_property
    def reschedule_appointment(self) -> RescheduleAppointment:
        return RescheduleAppointment(self.stores.appointments, self.stores.schedules, self.committing, self.ids)

    @cached_property
    def agree_to_reschedule(self) -> AgreeToReschedule:
        return AgreeToReschedule(self.stores.appointments, self.committing)

    @cached_property
    def decline_reschedule(self) -> DeclineReschedule:
        return DeclineReschedule(self.stores.appointments, self.committing)

    @cached_property
    def accept_appointment(self) -> AcceptAppointment:
        return AcceptAppointment(self.stores.appointments, self.committing)

    @cached_property
    def refuse_appointment(self) -> RefuseAppointment:
        return RefuseAppointment(self.stores.appointments, self.committing)

    @cached_property
    def replace_agenda(self) -> ReplaceAgenda:
        return ReplaceAgenda(self.stores.schedules, self.commands)

    @cached_property
    def cancel_blocked(self) -> CancelBlocked:
        return CancelBlocked(self.stores.schedules, self.stores.appointments, self.committing)

    @cached_property
    def block_time(self) -> BlockTime:
        return BlockTime(self.stores.schedules, self.commands, self.cancel_blocked, self.ids)

    @cached_property
    def remove_block(self) -> RemoveBlock:
        return RemoveBlock(self.stores.schedules, self.commands)

    @cached_property
    def list_blocks(self) -> ListBlocks:
        return ListBlocks(self.stores.schedules, self.clock)

    @cached_property
    def verify_doctor(self) -> VerifyDoctor:
        return VerifyDoctor(self.stores.doctors, self.commands)

    @cached_property
    def enrolment(self) -> Enrolment:
        return Enrolment(self.stores.accounts, self.identity, self.ids, self.clock, self.inline_sagas)

    @cached_property
    def register_doctor(self) -> RegisterDoctor:
        return RegisterDoctor(self.enrolment, self.ids, self.clock)

    @cached_property
    def register_patient(self) -> RegisterPatient:
        return RegisterPatient(self.enrolment, self.ids, self.clock)

    @cached_property
    def create_administrator(self) -> CreateAdministrator:
        return CreateAdministrator(self.enrolment, self.ids)

    @cached_property
    def list_doctors(self) -> ListDoctors:
        return ListDoctors(self.stores.doctors)

    @cached_property
    def list_registrations(self) -> ListRegistrations:
        return ListRegistrations(self.stores.doctors)

    @cached_property
    def recall_verification(self) -> RecallVerification:
        return RecallVerification(self.stores.doctors)

    @cached_property
    def recall_block(self) -> RecallBlock:
        return RecallBlock(self.stores.schedules)

    @cached_property
    def change_profile(self) -> ChangeProfile:
        return ChangeProfile(self.stores.accounts, self.commands)

    @cached_property
    def close_account(self) -> CloseAccount:
        return CloseAccount(self.stores.accounts, self.stores.patients, self.stores.appointments, self.commands)

    @cached_property
    def list_slots(self) -> ListSlots:
        return ListSlots(self.stores.schedules, self.stores.appointments, self.clock)

    @cached_property
    def show_agenda(self) -> ShowAgenda:
        return ShowAgenda(self.stores.schedules)

    @cached_property
    def show_appointment(self) -> ShowAppointment:
        return ShowAppointment(self.stores.appointments, self.clock)

    @cached_property
    def list_appointments(self) -> ListAppointments:
        return ListAppointments(self.stores.appointments, self.clock)

    @cached_property
    def recall_appointment(self) -> RecallAppointment:
        return RecallAppointment(self.stores.appointments)

    @cached_property
    def describe_appointments(self) -> DescribeAppointments:
        return DescribeAppointments(self.stores.accounts, self.stores.texts)

    @cached_property
    def sweep(self) -> Sweep:
        return Sweep(self.stores.appointments, self.cancel_blocked, self.stores.attempts, self.clock, self.ids)

    @cached_property
    def verify_ledger(self) -> VerifyLedger:
        return VerifyLedger(self.stores.ledger)

    @cached_property
    def repair_ledger(self) -> RepairLedger:
        return RepairLedger(self.stores.ledger)


def a_clinic(stores: Stores, clock: Clock | None = None, ids: Ids | None = None) -> Clinic:
    """A clinic over these stores, on a Monday noon if nothing else is said."""
    return Clinic(stores, clock or SettableClock(MONDAY), ids or SeededIds())
