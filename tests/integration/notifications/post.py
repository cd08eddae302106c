"""A clinic with everything that tells people what has happened in it, down to the mail server."""

from collections.abc import Callable
from datetime import timedelta
from functools import cached_property

import attrs

from adapters.calendars import open_calendars
from adapters.publishing import InProcessPublisher
from adapters.smtp import open_smtp
from integration.notifications.mail_server import MailServer, Received
from telemed_core.application.notifying import DeliverNotices, ListNotices, Notify, TellableNotice
from telemed_core.domain.accounts import Account
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.notices import Kind, Notice
from telemed_core.domain.patient import Patient
from telemed_core.domain.sagas import SagaRow
from telemed_core.saga.participants import participants
from telemed_core.saga.running import RunSagas
from telemed_core.saga.sagas import REGISTRY
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import Clinic

URL = "https://clinic.example"
SENDER = "no-reply@clinic.example"
REASON = "MARKER-REASON"


@attrs.frozen
class Post:
    """One clinic, a doctor and a patient, and their mailboxes; ``eager``: what follows from a step follows at once."""

    clinic: Clinic
    clock: SettableClock
    server: MailServer
    doctor: Doctor
    patient: Patient
    alarms: list[SagaRow] = attrs.field(factory=list)
    dead: list[Notice] = attrs.field(factory=list)
    eager: bool = False

    @cached_property
    def publisher(self) -> InProcessPublisher:
        return InProcessPublisher(Notify(self.clinic.stores.notices, True))

    @cached_property
    def run_sagas(self) -> RunSagas:
        stores = self.clinic.stores
        answering = participants(
            appointments=stores.appointments,
            doctors=stores.doctors,
            accounts=stores.accounts,
            identity=self.clinic.identity,
            feeds=stores.feeds,
            log=stores.sagas,
            publisher=self.publisher,
            meetings=stores.meetings,
            rooms=self.clinic.rooms,
            clock=self.clock,
        )
        return RunSagas(stores.sagas, REGISTRY, answering, self.clock, "here:1:0", self.alarms.append)

    @cached_property
    def deliver(self) -> DeliverNotices:
        stores = self.clinic.stores
        return DeliverNotices(
            stores.notices,
            stores.accounts,
            self.clinic.identity,
            open_smtp(self.server.url, SENDER),
            open_calendars(SENDER),
            self.clock,
            URL,
            self.dead.append,
        )

    def settle(self) -> None:
        """Do all that is due by now."""
        self.clinic.sweep()
        while self.run_sagas() or self.deliver():
            pass

    def wait(self, length: timedelta, *, every: timedelta) -> None:
        """Let time pass, doing what falls due as it does."""
        until = self.clock.now() + length
        while self.clock.now() < until:
            self.clock.set(min(until, self.clock.now() + every))
            self.settle()

    # What the two of them do.

    def ask(self, *, days: int = 3) -> Appointment:
        return self._done(
            self.clinic.request_appointment(
                doctor_id=self.doctor.id, start=self.clinic.noon(days), patient=self.patient, reason=REASON
            )
        )

    def confirm(self, *, days: int = 3) -> Appointment:
        asked = self.ask(days=days)
        return self._done(self.clinic.accept_appointment(appointment_id=asked.id, rev=asked.rev, doctor=self.doctor))

    def move(self, appointment: Appointment, *, by: Doctor | Patient, days: int) -> Appointment:
        start = self.clinic.noon(days)
        return self._done(self.clinic.reschedule_appointment(appointment_id=appointment.id, start=start, actor=by))

    def agree(self, appointment: Appointment, *, by: Doctor | Patient) -> Appointment:
        assert appointment.proposal is not None
        proposal_id = appointment.proposal.id
        return self._done(
            self.clinic.agree_to_reschedule(appointment_id=appointment.id, proposal_id=proposal_id, actor=by)
        )

    def decline(self, appointment: Appointment, *, by: Doctor | Patient) -> Appointment:
        assert appointment.proposal is not None
        proposal_id = appointment.proposal.id
        return self._done(
            self.clinic.decline_reschedule(appointment_id=appointment.id, proposal_id=proposal_id, actor=by)
        )

    def cancel(self, appointment: Appointment, *, by: Doctor | Patient) -> Appointment:
        return self._done(self.clinic.cancel_appointment(appointment_id=appointment.id, reason=REASON, actor=by))

    def _done(self, appointment: Appointment) -> Appointment:
        if self.eager:
            self.settle()
        return appointment

    # What they get.

    def mails(self, reader: Account) -> list[Received]:
        """What has come to the reader's mailbox, in order of arrival."""
        return [mail for mail in self.server.received if mail.to == reader.email.address]

    def mailed(self, reader: Account) -> list[Kind]:
        return [self.clinic.stores.notices.get(mail.notice_id).kind for mail in self.mails(reader)]

    def inbox(self, reader: Account) -> list[TellableNotice]:
        """Oldest first."""
        listed = ListNotices(self.clinic.stores.notices, self.clinic.stores.accounts)(reader=reader, limit=100)
        return [*reversed(listed)]

    def told(self, reader: Account) -> list[Kind]:
        return [one.notice.kind for one in self.inbox(reader)]

    def log(self) -> list[Notice]:
        return [*self.clinic.stores.notices.log(limit=500)]


Script = Callable[[Post], None]
