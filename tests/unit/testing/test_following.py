"""A clinic under test carries on from its changes: people are told, by inbox, mail and calendar."""

from datetime import timedelta

import attrs

from adapters.memory import open_memory
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import SagaId
from telemed_core.domain.notices import Channel, DeliveryStatus, Kind
from telemed_core.domain.patient import Patient
from telemed_core.domain.people import Role
from telemed_core.domain.sagas import LEASE
from telemed_core.errors import UndeliverableError
from telemed_core.ports.notices import CalendarMethod
from telemed_core.testing.builders import MONDAY, a_password, an_administrator
from telemed_core.testing.contracts.suite import confirmed
from telemed_core.testing.doubles import SettableClock, SkewedClock
from telemed_core.testing.faults import Before, Faulty
from telemed_core.testing.wiring import Clinic, a_clinic

ROOT = an_administrator()


def test_a_change_reaches_inbox_and_mailbox(clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
    appointment = confirmed(clinic, doctor, patient)
    assert clinic.mailbox.mails == []
    assert clinic.run_sagas() == 3
    assert clinic.deliver_notices() == 4
    assert sorted(mail.to for mail in clinic.mailbox.mails) == sorted(
        [doctor.email.address] * 3 + [patient.email.address]
    )
    invitations = [mail for mail in clinic.mailbox.mails if mail.method is CalendarMethod.REQUEST]
    assert {mail.to for mail in invitations} == {doctor.email.address, patient.email.address}
    assert all(mail.calendar and mail.calendar.startswith(b"REQUEST\n\n") for mail in invitations)
    (told,) = clinic.list_notices(reader=patient)
    assert (told.notice.kind, told.notice.appointment_id, told.notice.read_at) == (
        Kind.CONFIRMED,
        appointment.id,
        None,
    )
    clinic.read_notice(notice_id=told.notice.id, reader=patient)
    assert clinic.list_notices(reader=patient)[0].notice.read_at == MONDAY


def test_without_a_mail_server_people_are_told_in_the_application_alone(
    clinic: Clinic, doctor: Doctor, patient: Patient
) -> None:
    beside = attrs.evolve(clinic, email=False)
    confirmed(beside, doctor, patient)
    beside.run_sagas()
    assert {one.channel for one in beside.list_deliveries(viewer=ROOT)} == {Channel.IN_APP}


def test_a_dead_mail_is_replayed(clinic: Clinic, patient: Patient) -> None:
    clinic.identity.create(patient.id, a_password(), role=Role.PATIENT)
    clinic.ask_reset(login=patient.email.address)
    refusing = Faulty(clinic.mailbox, {"send": [Before(UndeliverableError())]}).port
    attrs.evolve(clinic, mailbox=refusing).deliver_notices()
    (dead,) = clinic.list_deliveries(viewer=ROOT, statuses={DeliveryStatus.DEAD})
    clinic.replay_notice(notice_id=dead.id, actor=ROOT)
    assert clinic.deliver_notices() == 1
    (mail,) = clinic.mailbox.mails
    token = mail.body.partition("#token=")[2].split()[0]
    clinic.reset_password(token=token, password=a_password("another horse battery staple"))
    assert clinic.identity.check(patient.id, a_password("another horse battery staple"))


def test_a_feed_is_opened_read_and_revoked(clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
    appointment = confirmed(clinic, doctor, patient)
    secret = clinic.open_feed(account=patient)
    feed, file = (
        clinic.read_feed(secret=secret),
        clinic.appointment_calendar(appointment_id=appointment.id, actor=patient),
    )
    assert appointment.id.encode() in feed
    assert file.startswith(b"PUBLISH\n\n")
    clinic.revoke_feed(account=patient)
    assert clinic.stores.feeds.find(secret) is None


def test_sagas_of_the_dead_are_taken_over(clinic: Clinic, doctor: Doctor) -> None:
    saga = SagaId(f"{doctor.id}.2")
    assert [row.id for row in clinic.log.claim("dead:1", now=MONDAY, limit=9)] == [saga]
    assert (clinic.take_over(), clinic.run_sagas()) == (0, 0)
    beside = attrs.evolve(clinic, gone=lambda owner: owner == "dead:1")
    assert (beside.take_over(), beside.run_sagas()) == (1, 1)


def test_only_a_tests_own_clock_is_moved_by_pauses(clinic: Clinic) -> None:
    clock = SettableClock(MONDAY)
    for one in (clock, SkewedClock(clock, timedelta(0))):
        a_clinic(open_memory(), one).pause(LEASE)
    assert clock.now() == MONDAY + LEASE
