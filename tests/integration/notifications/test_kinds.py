"""Each kind of change reaches the right inboxes and mailboxes: once, in order, and with the right words."""

from datetime import timedelta

import attrs
import pytest

from integration.notifications.post import REASON, Post, Script
from telemed_core.domain.announcing import announcements_of
from telemed_core.domain.doctor import Decision
from telemed_core.domain.ids import AppointmentId
from telemed_core.domain.notices import Channel, DeliveryStatus, Kind
from telemed_core.testing.builders import an_administrator

HOUR = timedelta(hours=1)


def asked(post: Post) -> None:
    post.ask()


def moved(post: Post) -> None:
    post.move(post.ask(), by=post.patient, days=4)


def confirmed(post: Post) -> None:
    post.confirm()


def refused(post: Post) -> None:
    post.clinic.refuse_appointment(appointment_id=post.ask().id, reason=REASON, doctor=post.doctor)


def expired(post: Post) -> None:
    post.ask()
    post.clock.advance(25 * HOUR)


def proposed_by_doctor(post: Post) -> None:
    post.move(post.confirm(), by=post.doctor, days=5)


def proposed_by_patient(post: Post) -> None:
    post.move(post.confirm(), by=post.patient, days=5)


def agreed_by_patient(post: Post) -> None:
    post.agree(post.move(post.confirm(), by=post.doctor, days=5), by=post.patient)


def agreed_by_doctor(post: Post) -> None:
    post.agree(post.move(post.confirm(), by=post.patient, days=5), by=post.doctor)


def declined_by_patient(post: Post) -> None:
    post.decline(post.move(post.confirm(), by=post.doctor, days=5), by=post.patient)


def withdrawn_by_doctor(post: Post) -> None:
    post.decline(post.move(post.confirm(), by=post.doctor, days=5), by=post.doctor)


def lapsed(post: Post) -> None:
    post.move(post.confirm(), by=post.doctor, days=5)
    post.clock.advance(25 * HOUR)


def cancelled_by_patient(post: Post) -> None:
    post.cancel(post.confirm(), by=post.patient)


def cancelled_by_doctor(post: Post) -> None:
    post.cancel(post.confirm(), by=post.doctor)


def request_cancelled(post: Post) -> None:
    post.cancel(post.ask(), by=post.patient)


def nobody_came(post: Post) -> None:
    appointment = post.confirm()
    post.clock.set(appointment.visit.end + HOUR)


def patient_did_not_come(post: Post) -> None:
    appointment = post.confirm()
    post.clock.set(appointment.visit.start)
    post.clinic.join_visit(appointment_id=appointment.id, actor=post.doctor)
    post.clock.advance(timedelta(minutes=15))
    post.clinic.declare_absence(appointment_id=appointment.id, actor=post.doctor)


def completed(post: Post) -> None:
    appointment = post.confirm()
    post.clock.set(appointment.visit.start)
    post.clinic.join_visit(appointment_id=appointment.id, actor=post.doctor)
    post.clinic.join_visit(appointment_id=appointment.id, actor=post.patient)
    post.clinic.complete_visit(appointment_id=appointment.id, doctor=post.doctor)


def completed_by_time(post: Post) -> None:
    appointment = post.confirm()
    post.clock.set(appointment.visit.start)
    post.clinic.join_visit(appointment_id=appointment.id, actor=post.doctor)
    post.clinic.join_visit(appointment_id=appointment.id, actor=post.patient)
    post.clock.set(appointment.visit.end + HOUR)


K = Kind
# What happens; then, in order, what the doctor's inbox has, the patient's, the doctor's mailbox, the patient's.
TABLE: list[tuple[Script, list[Kind], list[Kind], list[Kind], list[Kind]]] = [
    (asked, [K.REQUESTED], [], [K.REQUESTED], []),
    (moved, [K.REQUESTED, K.MOVED], [], [K.REQUESTED, K.MOVED], []),
    (confirmed, [K.REQUESTED], [K.CONFIRMED], [K.REQUESTED, K.CONFIRMED], [K.CONFIRMED]),
    (refused, [K.REQUESTED], [K.REFUSED], [K.REQUESTED], [K.REFUSED]),
    (expired, [K.REQUESTED, K.EXPIRED], [K.EXPIRED], [K.REQUESTED, K.EXPIRED], [K.EXPIRED]),
    (
        proposed_by_doctor,
        [K.REQUESTED],
        [K.CONFIRMED, K.PROPOSED],
        [K.REQUESTED, K.CONFIRMED],
        [K.CONFIRMED, K.PROPOSED],
    ),
    (
        proposed_by_patient,
        [K.REQUESTED, K.PROPOSED],
        [K.CONFIRMED],
        [K.REQUESTED, K.CONFIRMED, K.PROPOSED],
        [K.CONFIRMED],
    ),
    (
        agreed_by_patient,
        [K.REQUESTED, K.AGREED],
        [K.CONFIRMED, K.PROPOSED],
        [K.REQUESTED, K.CONFIRMED, K.AGREED],
        [K.CONFIRMED, K.PROPOSED, K.AGREED],
    ),
    (
        agreed_by_doctor,
        [K.REQUESTED, K.PROPOSED],
        [K.CONFIRMED, K.AGREED],
        [K.REQUESTED, K.CONFIRMED, K.PROPOSED, K.AGREED],
        [K.CONFIRMED, K.AGREED],
    ),
    (
        declined_by_patient,
        [K.REQUESTED, K.DECLINED],
        [K.CONFIRMED, K.PROPOSED],
        [K.REQUESTED, K.CONFIRMED, K.DECLINED],
        [K.CONFIRMED, K.PROPOSED],
    ),
    (
        withdrawn_by_doctor,
        [K.REQUESTED],
        [K.CONFIRMED, K.PROPOSED, K.DECLINED],
        [K.REQUESTED, K.CONFIRMED],
        [K.CONFIRMED, K.PROPOSED, K.DECLINED],
    ),
    (
        lapsed,
        [K.REQUESTED, K.LAPSED],
        [K.CONFIRMED, K.PROPOSED, K.LAPSED],
        [K.REQUESTED, K.CONFIRMED, K.LAPSED],
        [K.CONFIRMED, K.PROPOSED, K.LAPSED],
    ),
    (
        cancelled_by_patient,
        [K.REQUESTED, K.CANCELLED],
        [K.CONFIRMED],
        [K.REQUESTED, K.CONFIRMED, K.CANCELLED],
        [K.CONFIRMED, K.CANCELLED],
    ),
    (
        cancelled_by_doctor,
        [K.REQUESTED],
        [K.CONFIRMED, K.CANCELLED],
        [K.REQUESTED, K.CONFIRMED, K.CANCELLED],
        [K.CONFIRMED, K.CANCELLED],
    ),
    (request_cancelled, [K.REQUESTED, K.CANCELLED], [], [K.REQUESTED, K.CANCELLED], [K.CANCELLED]),
    (
        nobody_came,
        [K.REQUESTED, K.NO_SHOW],
        [K.CONFIRMED, K.NO_SHOW],
        [K.REQUESTED, K.CONFIRMED, K.NO_SHOW],
        [K.CONFIRMED, K.NO_SHOW],
    ),
    (
        patient_did_not_come,
        [K.REQUESTED],
        [K.CONFIRMED, K.NO_SHOW],
        [K.REQUESTED, K.CONFIRMED],
        [K.CONFIRMED, K.NO_SHOW],
    ),
    (
        completed,
        [K.REQUESTED],
        [K.CONFIRMED, K.COMPLETED],
        [K.REQUESTED, K.CONFIRMED],
        [K.CONFIRMED, K.COMPLETED],
    ),
    (
        completed_by_time,
        [K.REQUESTED],
        [K.CONFIRMED, K.COMPLETED],
        [K.REQUESTED, K.CONFIRMED],
        [K.CONFIRMED, K.COMPLETED],
    ),
]


def about_visits(kinds: list[Kind]) -> list[Kind]:
    return [kind for kind in kinds if kind not in {K.APPROVED, K.REMINDER}]


def check(post: Post, expected: tuple[list[Kind], list[Kind], list[Kind], list[Kind]]) -> None:
    assert about_visits(post.told(post.doctor)) == expected[0]
    assert about_visits(post.told(post.patient)) == expected[1]
    assert about_visits(post.mailed(post.doctor)) == expected[2]
    assert about_visits(post.mailed(post.patient)) == expected[3]
    assert {one.status for one in post.log()} == {DeliveryStatus.DELIVERED}
    assert (post.alarms, post.dead) == ([], [])


@pytest.mark.parametrize("eager", [False, True], ids=["in the end", "at once"])
@pytest.mark.parametrize(
    ("happens", "doctors", "patients", "to_doctor", "to_patient"), TABLE, ids=[row[0].__name__ for row in TABLE]
)
def test_each_kind_of_change_reaches_whom_it_concerns_once_and_in_order(
    post: Post,
    happens: Script,
    doctors: list[Kind],
    patients: list[Kind],
    to_doctor: list[Kind],
    to_patient: list[Kind],
    eager: bool,
) -> None:
    post = attrs.evolve(post, eager=eager)
    happens(post)
    post.settle()
    check(post, (doctors, patients, to_doctor, to_patient))
    # Published again, from the first event on, everybody has it already.
    subjects = {one.appointment_id for one in post.log() if one.appointment_id}
    for subject in subjects:
        appointment = post.clinic.stores.appointments.get(AppointmentId(subject))
        post.publisher.publish(announcements_of(appointment, after=0))
    post.settle()
    check(post, (doctors, patients, to_doctor, to_patient))


def test_the_table_has_every_kind_that_a_change_of_an_appointment_is() -> None:
    tabled = {kind for row in TABLE for kinds in row[1:] for kind in kinds}
    registrations = {K.APPROVED, K.REJECTED, K.SUSPENDED}
    assert tabled == set(Kind) - registrations - {K.JOINED, K.STARTED, K.REMINDER, K.PASSWORD_RESET}


def test_both_are_reminded_a_day_and_an_hour_before_the_visit(post: Post) -> None:
    appointment = post.confirm()
    start = appointment.visit.start
    post.settle()
    seen: list[tuple[timedelta, int, int]] = []
    while post.clock.now() < start - timedelta(minutes=30):
        before = (post.told(post.doctor).count(K.REMINDER), post.mailed(post.patient).count(K.REMINDER))
        post.clock.advance(timedelta(minutes=30))
        post.settle()
        after = (post.told(post.doctor).count(K.REMINDER), post.mailed(post.patient).count(K.REMINDER))
        if after != before:
            seen.append((start - post.clock.now(), *after))
    assert seen == [(24 * HOUR, 1, 1), (HOUR, 2, 2)]
    for reader in (post.doctor, post.patient):
        assert post.told(reader).count(K.REMINDER) == post.mailed(reader).count(K.REMINDER) == 2


def test_of_a_visit_that_was_moved_only_the_new_time_is_reminded_of(post: Post) -> None:
    proposed = post.move(post.confirm(days=3), by=post.doctor, days=6)
    agreed = post.agree(proposed, by=post.patient)
    post.wait(agreed.visit.start - post.clock.now() - timedelta(minutes=10), every=6 * HOUR)
    reminders = [one for one in post.inbox(post.patient) if one.notice.kind is K.REMINDER]
    assert [one.notice.at for one in reminders] == [agreed.visit.start - 24 * HOUR, agreed.visit.start - HOUR]
    assert all("07/06/2026 às 09:00" in one.body for one in reminders)


def test_of_a_visit_that_was_cancelled_nobody_is_reminded(post: Post) -> None:
    appointment = post.confirm()
    post.settle()
    post.cancel(appointment, by=post.patient)
    post.wait(timedelta(days=4), every=6 * HOUR)
    assert K.REMINDER not in post.told(post.doctor) + post.mailed(post.patient)


@pytest.mark.parametrize(
    ("decisions", "kinds"),
    [
        ([Decision.APPROVE], [K.APPROVED]),
        ([Decision.REJECT], [K.REJECTED]),
        ([Decision.APPROVE, Decision.SUSPEND, Decision.APPROVE], [K.APPROVED, K.SUSPENDED, K.APPROVED]),
    ],
)
def test_decisions_on_a_registration_reach_that_doctor_alone(
    post: Post, decisions: list[Decision], kinds: list[Kind]
) -> None:
    doctor = post.clinic.doctor(2, approved=False)
    for decision in decisions:
        post.clinic.verify_doctor(doctor_id=doctor.id, decision=decision, reason=REASON, actor=an_administrator())
    post.settle()
    assert (post.told(doctor), post.mailed(doctor)) == (kinds, kinds)
    assert post.server.received == post.mails(doctor)


def test_the_email_to_the_doctor_on_a_new_request_is_exactly_the_agreed_one(post: Post) -> None:
    post.ask()
    post.settle()
    (mail,) = post.mails(post.doctor)
    assert mail.message["Subject"] == "Health&Med - Nova consulta agendada"
    assert mail.text == (
        "Olá, Dr(a). Ana Lima! Você tem uma nova consulta marcada! Paciente: Bruno Reis. "
        "Data e horário: 04/06/2026 às 09:00 (America/Sao_Paulo, UTC-03:00)."
    )
    assert mail.message["From"] == "Health&Med <no-reply@clinic.example>"


def test_that_email_tells_the_time_in_the_doctors_own_zone(post: Post) -> None:
    manaus = post.clinic.doctor(3, name="Caio Sá", time_zone="America/Manaus")
    there = attrs.evolve(post, doctor=manaus, eager=True)
    there.settle()
    there.ask()
    there.settle()
    assert there.mails(manaus)[-1].text.endswith("Data e horário: 04/06/2026 às 08:00 (America/Manaus, UTC-04:00).")


def test_what_mailboxes_and_inboxes_say_is_the_same(post: Post) -> None:
    post.confirm()
    post.settle()
    (inside,) = post.inbox(post.patient)
    (mail,) = post.mails(post.patient)
    assert mail.message["Subject"] == f"Health&Med - {inside.title}"
    assert inside.body in mail.text
    assert {one.channel for one in post.log()} == set(Channel)
