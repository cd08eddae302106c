"""Whatever happens to mail: appointments do not notice, nothing is lost, and order is kept."""

from collections.abc import Callable
from datetime import timedelta
from threading import Thread

import attrs
import pytest

from integration.notifications.mail_server import Dies, MailServer
from integration.notifications.post import Post
from telemed_core.application.notifying import MOST_ATTEMPTS, ReplayNotice
from telemed_core.domain.events import Side
from telemed_core.domain.ids import AppointmentId
from telemed_core.domain.notices import Announcement, Channel, DeliveryStatus, EventId, Kind
from telemed_core.domain.status import Status
from telemed_core.testing.builders import an_administrator

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
K = Kind

DOCTORS = [K.REQUESTED, K.CONFIRMED, K.PROPOSED, K.AGREED, K.CANCELLED]
PATIENTS = [K.CONFIRMED, K.AGREED, K.CANCELLED]


def a_life(post: Post) -> Status:
    """Five changes within an hour, and what has become of the appointment."""
    appointment = post.ask()
    post.wait(10 * MINUTE, every=MINUTE)
    post.clinic.accept_appointment(appointment_id=appointment.id, rev=appointment.rev, doctor=post.doctor)
    post.wait(10 * MINUTE, every=MINUTE)
    proposed = post.move(appointment, by=post.patient, days=5)
    post.wait(10 * MINUTE, every=MINUTE)
    agreed = post.agree(proposed, by=post.doctor)
    post.wait(10 * MINUTE, every=MINUTE)
    return post.cancel(agreed, by=post.patient).status


def statuses(post: Post, channel: Channel = Channel.EMAIL) -> set[DeliveryStatus]:
    return {one.status for one in post.log() if one.channel is channel and one.kind is not K.APPROVED}


def test_after_an_hour_without_a_mail_server_everything_arrives_in_order(post: Post) -> None:
    post.server.stop()
    assert a_life(post) is Status.CANCELLED
    post.wait(20 * MINUTE, every=MINUTE)
    assert post.server.received == []
    assert statuses(post) == {DeliveryStatus.PENDING}
    assert statuses(post, Channel.IN_APP) == {DeliveryStatus.DELIVERED}
    assert [kind for kind in post.told(post.doctor) if kind is not K.APPROVED] == [K.REQUESTED, K.PROPOSED, K.CANCELLED]
    post.server.start()
    post.wait(HOUR + 20 * MINUTE, every=MINUTE)
    assert post.mailed(post.doctor) == DOCTORS
    assert post.mailed(post.patient) == PATIENTS
    assert statuses(post) == {DeliveryStatus.DELIVERED}
    assert (post.dead, post.alarms) == ([], [])


def test_a_mail_server_that_never_comes_back_leaves_dead_letters_and_appointments_as_they_are(post: Post) -> None:
    post.server.stop()
    appointment = post.confirm(days=9)
    post.wait(14 * HOUR, every=20 * MINUTE)
    assert {
        (one.status, one.attempts) for one in post.log() if one.channel is Channel.EMAIL and one.kind is not K.APPROVED
    } >= {(DeliveryStatus.DEAD, MOST_ATTEMPTS)}
    assert post.clinic.stores.appointments.get(appointment.id).status is Status.CONFIRMED
    assert post.told(post.patient) == [K.CONFIRMED]
    post.server.start()
    replay = ReplayNotice(post.clinic.stores.notices)
    for dead in post.log():
        if dead.status is DeliveryStatus.DEAD:
            replay(notice_id=dead.id, actor=an_administrator())
    post.wait(2 * HOUR, every=10 * MINUTE)
    assert post.mailed(post.doctor) == [K.REQUESTED, K.CONFIRMED]
    assert post.mailed(post.patient) == [K.CONFIRMED]


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
def test_a_server_that_says_not_now_is_asked_again(post: Post, stage: str) -> None:
    post.server.answer = lambda at, _: "451 4.7.1 Greylisted, somebody@example.com" if at == stage else None
    post.ask()
    post.settle()
    (email,) = [one for one in post.log() if one.channel is Channel.EMAIL and one.kind is K.REQUESTED]
    assert (email.status, email.attempts, email.last_error) == (DeliveryStatus.PENDING, 1, "dependency_unavailable")
    post.server.answer = lambda _at, _text: None
    post.wait(MINUTE, every=10 * timedelta(seconds=1))
    assert post.mailed(post.doctor) == [K.REQUESTED]


@pytest.mark.parametrize("stage", ["RCPT", "DATA"])
def test_a_server_that_says_never_is_not_asked_again_and_others_do_not_wait(post: Post, stage: str) -> None:
    no = "550 5.1.1 doctor.1@example.com is unknown"
    refused: dict[str, Callable[[str], bool]] = {
        "RCPT": lambda text: text == post.doctor.email.address,
        "DATA": lambda text: "Nova consulta" in text,
    }
    post.server.answer = lambda at, text: no if at == stage and refused[stage](text) else None
    post.confirm()
    post.settle()
    assert post.mailed(post.patient) == [K.CONFIRMED]
    dead = {one.kind: one.last_error for one in post.dead}
    assert dead == ({K.REQUESTED: "undeliverable"} | ({K.CONFIRMED: "undeliverable"} if stage == "RCPT" else {}))
    assert all("example.com" not in repr(one) for one in post.dead)


def test_a_server_that_takes_a_mail_and_dies_is_sent_the_same_mail_again(post: Post) -> None:
    post.server.dies = Dies.WITHOUT_AN_ANSWER
    post.ask()
    post.settle()
    assert post.mailed(post.doctor) == [K.REQUESTED]
    assert statuses(post) == {DeliveryStatus.PENDING}
    post.server.dies = Dies.NEVER
    post.wait(MINUTE, every=timedelta(seconds=10))
    first, second = post.mails(post.doctor)
    assert first.message["Message-ID"] == second.message["Message-ID"]
    assert first.text == second.text
    assert statuses(post) == {DeliveryStatus.DELIVERED}


def test_a_server_that_answers_and_dies_is_not_sent_it_again(post: Post) -> None:
    post.server.dies = Dies.AFTER_THE_ANSWER
    post.ask()
    post.wait(2 * HOUR, every=10 * MINUTE)
    assert post.mailed(post.doctor) == [K.REQUESTED]
    assert statuses(post) == {DeliveryStatus.DELIVERED}


def test_a_poison_event_is_set_aside_and_can_be_tried_anew(post: Post) -> None:
    appointment = post.confirm()
    poison = Announcement(
        id=EventId(f"{appointment.id}.2.poison"),
        kind=K.AGREED,  # without the sequence that an invitation needs
        at=post.clock.now(),
        seq=2,
        subject=AppointmentId(appointment.id),
        by=Side.DOCTOR,
        doctor_id=post.doctor.id,
        patient_id=post.patient.id,
        start=appointment.visit.start,
        end=appointment.visit.end,
    )
    post.publisher.publish([poison])
    post.settle()
    post.cancel(appointment, by=post.doctor)
    post.settle()
    assert post.mailed(post.patient) == [K.CONFIRMED, K.CANCELLED]
    assert post.mailed(post.doctor) == [K.REQUESTED, K.CONFIRMED, K.CANCELLED]
    assert {(one.kind, one.last_error) for one in post.dead} == {(K.AGREED, "broken:KeyError")}
    assert len(post.inbox(post.patient)) == 3
    assert post.clinic.stores.appointments.get(appointment.id).status is Status.CANCELLED

    # What was wrong with it is mended: here, the row.
    mended = attrs.evolve(poison, facts={"sequence": "0"})
    notices = post.clinic.stores.notices
    for dead in post.dead:
        assert notices.settle(notices.get(dead.id), attrs.evolve(notices.get(dead.id), about=mended))
        ReplayNotice(notices)(notice_id=dead.id, actor=an_administrator())
    post.settle()
    assert post.mailed(post.patient) == [K.CONFIRMED, K.CANCELLED, K.AGREED]
    assert statuses(post) == {DeliveryStatus.DELIVERED}


def test_two_processes_deliver_each_mail_once(post: Post) -> None:
    for days in range(3, 6):
        post.confirm(days=days)
    while post.run_sagas():
        pass
    other = attrs.evolve(post)
    threads = [Thread(target=one.deliver) for one in (post, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    post.settle()
    assert sorted(post.mailed(post.doctor)) == sorted([K.REQUESTED, K.CONFIRMED] * 3)
    assert post.mailed(post.patient) == [K.CONFIRMED] * 3


def test_an_account_that_was_closed_is_sent_nothing_any_more(post: Post, server: MailServer) -> None:
    server.stop()
    asked = post.ask()
    post.clinic.refuse_appointment(appointment_id=asked.id, reason=None, doctor=post.doctor)
    post.settle()
    post.clinic.close_account(patient=post.patient)
    server.start()
    post.wait(2 * HOUR, every=10 * MINUTE)
    assert post.mails(post.patient) == []
    assert {one.status for one in post.log() if one.reader == post.patient.id and one.channel is Channel.EMAIL} == {
        DeliveryStatus.DROPPED
    }
