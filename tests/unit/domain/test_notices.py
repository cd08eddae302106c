"""Who is told, who gets an e-mail, and that a notice is the same one however often it is made."""

from datetime import timedelta

import attrs
import pytest

from telemed_core.domain.events import Side
from telemed_core.domain.ids import AppointmentId, DoctorId, PatientId
from telemed_core.domain.instants import EPOCH
from telemed_core.domain.notices import (
    Announcement,
    Channel,
    DeliveryStatus,
    EventId,
    Kind,
    Notice,
    readers,
    recipients,
)
from telemed_core.testing.builders import MONDAY

DOCTOR, PATIENT = DoctorId("doctor-1"), PatientId("patient-1")
P, D, S = Side.PATIENT, Side.DOCTOR, Side.SYSTEM

# Kind, who acted, who is told, who gets an e-mail.
TABLE = [
    (Kind.REQUESTED, P, "d", "d"),
    (Kind.MOVED, P, "d", "d"),
    (Kind.CONFIRMED, D, "p", "dp"),
    (Kind.REFUSED, D, "p", "p"),
    (Kind.EXPIRED, S, "dp", "dp"),
    (Kind.PROPOSED, P, "d", "d"),
    (Kind.PROPOSED, D, "p", "p"),
    (Kind.AGREED, P, "d", "dp"),
    (Kind.AGREED, D, "p", "dp"),
    (Kind.DECLINED, P, "d", "d"),
    (Kind.DECLINED, D, "p", "p"),
    (Kind.LAPSED, S, "dp", "dp"),
    (Kind.CANCELLED, P, "d", "dp"),
    (Kind.CANCELLED, D, "p", "dp"),
    (Kind.JOINED, P, "", ""),
    (Kind.JOINED, D, "", ""),
    (Kind.STARTED, S, "", ""),
    (Kind.COMPLETED, D, "p", "p"),
    (Kind.COMPLETED, S, "p", "p"),
    (Kind.NO_SHOW, S, "dp", "dp"),
    (Kind.NO_SHOW, D, "p", "p"),
    (Kind.NO_SHOW, P, "d", "d"),
    (Kind.REMINDER, S, "dp", "dp"),
]


def announced(kind: Kind, by: Side) -> Announcement:
    return Announcement(
        id=EventId("appointment-1.3"),
        kind=kind,
        at=MONDAY,
        seq=3,
        subject=AppointmentId("appointment-1"),
        by=by,
        doctor_id=DOCTOR,
        patient_id=PATIENT,
        start=MONDAY,
        end=MONDAY + timedelta(minutes=50),
    )


def people(letters: str) -> list[str]:
    return [{"d": DOCTOR, "p": PATIENT}[letter] for letter in letters]


@pytest.mark.parametrize(("kind", "by", "told", "mailed"), TABLE)
def test_whoever_is_concerned_is_told_and_who_acted_is_not(kind: Kind, by: Side, told: str, mailed: str) -> None:
    assert list(readers(announced(kind, by))) == people(told)
    assert list(recipients(announced(kind, by))) == people(mailed)


@pytest.mark.parametrize("kind", [Kind.APPROVED, Kind.REJECTED, Kind.SUSPENDED])
def test_a_decision_on_a_registration_is_told_to_that_doctor(kind: Kind) -> None:
    decision = attrs.evolve(announced(kind, S), patient_id=None, start=None, end=None)
    assert list(readers(decision)) == list(recipients(decision)) == [DOCTOR]


@pytest.mark.parametrize("kind", Kind)
def test_an_announcement_about_nobody_is_told_to_nobody(kind: Kind) -> None:
    nobodys = attrs.evolve(announced(kind, S), doctor_id=None, patient_id=None)
    assert [*readers(nobodys), *recipients(nobodys)] == []


def test_a_notice_is_the_same_one_however_often_it_is_made() -> None:
    about = announced(Kind.CONFIRMED, D)
    made = {Notice.of(about, reader=reader, channel=way).id for reader in (DOCTOR, PATIENT) for way in Channel}
    assert len(made) == 4
    other = Notice.of(attrs.evolve(about, id=EventId("appointment-1.4")), reader=PATIENT, channel=Channel.EMAIL)
    assert other.id not in made
    assert Notice.of(about, reader=PATIENT, channel=Channel.EMAIL) == Notice.of(
        about, reader=PATIENT, channel=Channel.EMAIL
    )


def test_a_notice_in_the_inbox_has_arrived_and_an_email_waits_to_leave_at_once() -> None:
    about = announced(Kind.CONFIRMED, D)
    inside = Notice.of(about, reader=PATIENT, channel=Channel.IN_APP)
    assert (inside.status, inside.due_at, inside.read_at) == (DeliveryStatus.DELIVERED, None, None)
    email = Notice.of(about, reader=PATIENT, channel=Channel.EMAIL)
    assert (email.status, email.due_at, email.attempts) == (DeliveryStatus.PENDING, EPOCH, 0)


def test_a_notice_says_which_appointment_it_is_about_if_it_is_about_one() -> None:
    about = announced(Kind.CONFIRMED, D)
    notice = Notice.of(about, reader=PATIENT, channel=Channel.EMAIL)
    assert (notice.appointment_id, notice.subject, notice.seq, notice.at) == (
        "appointment-1",
        "appointment-1",
        3,
        MONDAY,
    )
    approved = attrs.evolve(about, kind=Kind.APPROVED, subject=DOCTOR, start=None, end=None)
    assert Notice.of(approved, reader=DOCTOR, channel=Channel.EMAIL).appointment_id is None
