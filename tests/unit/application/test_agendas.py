"""Agendas and blocks: live appointments stand, or are cancelled one by one, also after a crash."""

from datetime import timedelta

import pytest

from telemed_core.domain.commit import Idempotency
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.instants import Interval
from telemed_core.domain.patient import Patient
from telemed_core.domain.receipts import ReplayedCommand
from telemed_core.domain.status import Status
from telemed_core.errors import InvalidError, NotFoundError, StaleVersionError, UnavailableError
from telemed_core.testing.builders import an_agenda
from telemed_core.testing.contracts.suite import assert_clean, confirmed, requested
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.faults import After, Before, Faulty
from telemed_core.testing.wiring import Clinic

HOUR = timedelta(hours=1)


def week(clinic: Clinic) -> Interval:
    return Interval.lasting(clinic.clock.now(), timedelta(days=7))


def test_an_agenda_is_replaced_by_whoever_saw_the_present_one(clinic: Clinic, doctor: Doctor) -> None:
    shown = clinic.show_agenda(doctor=doctor)
    schedule, affected = clinic.replace_agenda(
        agenda=an_agenda("08:00-12:00"), version=shown.agenda_version, doctor=doctor
    )
    assert (clinic.show_agenda(doctor=doctor), list(affected)) == (schedule, [])
    with pytest.raises(StaleVersionError):
        clinic.replace_agenda(agenda=an_agenda(), version=shown.agenda_version, doctor=doctor)


def test_a_block_that_cancels_answers_when_all_are_cancelled(
    clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient
) -> None:
    asked, kept = requested(clinic, doctor, patient, days=1), confirmed(clinic, doctor, patient, days=2)
    block, affected = clinic.block_time(interval=week(clinic), doctor=doctor, reason="away", cancel_appointments=True)
    assert list(affected) == [asked.id, kept.id]
    left = [clinic.show_appointment(appointment_id=one, actor=patient) for one in affected]
    assert {one.status for one in left} == {Status.CANCELLED}
    assert set(clinic.describe_appointments(left).texts.values()) == {"away"}
    assert clinic.list_blocks(doctor=doctor) == (block,) or clinic.list_blocks(doctor=doctor)[0].id == block.id
    assert_clean(clinic.stores)
    clock.set(block.interval.end)
    assert clinic.list_blocks(doctor=doctor) == ()


def test_a_block_under_way_leaves_what_has_begun(
    clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient
) -> None:
    begun = confirmed(clinic, doctor, patient, days=1)
    clock.set(begun.visit.start)
    _, affected = clinic.block_time(interval=week(clinic), doctor=doctor, cancel_appointments=True)
    assert list(affected) == [begun.id]
    assert clinic.show_appointment(appointment_id=begun.id, actor=doctor).status is Status.CONFIRMED
    assert list(clinic.stores.schedules.cancellations(limit=9)) == []


def test_the_sweep_finishes_what_a_crash_left(clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
    asked = [requested(clinic, doctor, patient, days=days) for days in (1, 2, 3)]
    crash = Faulty(clinic.stores.schedules, {"cancelled": [After(UnavailableError())]})
    beside = clinic.beside(schedules=crash.port)
    with pytest.raises(UnavailableError):
        beside.block_time(interval=week(clinic), doctor=doctor, cancel_appointments=True)
    swept = clinic.sweep()
    assert (swept.settled, swept.cancelled) == (0, 2)
    assert {clinic.stores.appointments.get(one.id).status for one in asked} == {Status.CANCELLED}
    assert clinic.sweep().cancelled == 0


def test_what_was_cancelled_before_the_crash_is_not_cancelled_again(
    clinic: Clinic, doctor: Doctor, patient: Patient
) -> None:
    asked = requested(clinic, doctor, patient)
    crash = Faulty(clinic.stores.schedules, {"cancelled": [Before(UnavailableError())]})
    with pytest.raises(UnavailableError):
        clinic.beside(schedules=crash.port).block_time(interval=week(clinic), doctor=doctor, cancel_appointments=True)
    assert clinic.sweep().cancelled == 0
    assert clinic.stores.appointments.get(asked.id).rev == 2


def test_a_repeated_block_is_made_once(clinic: Clinic, doctor: Doctor) -> None:
    key = Idempotency(doctor.id, "key", "print")
    block, _ = clinic.block_time(interval=week(clinic), doctor=doctor, idempotency=key)
    with pytest.raises(ReplayedCommand) as replayed:
        clinic.block_time(interval=week(clinic), doctor=doctor, idempotency=key)
    assert replayed.value.receipt.subject == block.id
    assert len(clinic.list_blocks(doctor=doctor)) == 1


def test_a_block_that_is_over_is_refused_and_one_that_is_not_there_not_found(clinic: Clinic, doctor: Doctor) -> None:
    past = Interval(clinic.clock.now() - HOUR, clinic.clock.now())
    with pytest.raises(InvalidError):
        clinic.block_time(interval=past, doctor=doctor)
    block, _ = clinic.block_time(interval=week(clinic), doctor=doctor)
    clinic.remove_block(block_id=block.id, doctor=doctor)
    with pytest.raises(NotFoundError):
        clinic.remove_block(block_id=block.id, doctor=doctor)


def test_removed_blocks_give_the_starts_back(clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
    def listed() -> int:
        return len(clinic.list_slots(doctor_id=doctor.id, within=week(clinic), viewer=patient)[1])

    before = listed()
    block, _ = clinic.block_time(interval=Interval.lasting(clinic.noon(), 3 * HOUR), doctor=doctor)
    assert listed() == before - 3
    clinic.remove_block(block_id=block.id, doctor=doctor)
    assert listed() == before
