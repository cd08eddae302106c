"""The contract of ``Schedules``."""

from datetime import timedelta

import attrs
import pytest

from telemed_core.domain.commit import Idempotency
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import BlockId, DoctorId
from telemed_core.domain.instants import Interval
from telemed_core.domain.patient import Patient
from telemed_core.domain.receipts import ReplayedCommand
from telemed_core.errors import NotFoundError, ScheduleChangedError
from telemed_core.ports.storage import Stores
from telemed_core.testing.builders import an_agenda
from telemed_core.testing.contracts.suite import Suite, confirmed, picture, requested
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import Clinic

DAY = timedelta(days=1)


class SchedulesContract(Suite):
    """Agendas and blocks under one revision."""

    def test_an_unknown_doctor_has_no_schedule(self, stores: Stores) -> None:
        with pytest.raises(NotFoundError):
            stores.schedules.of(DoctorId("nobody"))
        assert stores.schedules.known(DoctorId("nobody")) is None

    def test_what_is_known_of_a_schedule_is_one_that_there_was(self, clinic: Clinic, doctor: Doctor) -> None:
        were = [clinic.stores.schedules.of(doctor.id)]
        for agenda in (an_agenda("08:00-10:00"), an_agenda("10:00-12:00", consultation=20)):
            edit = were[-1].with_agenda(agenda, version=were[-1].agenda_version)
            clinic.stores.schedules.apply(edit, command=clinic.command())
            were.append(edit.after)
            known = clinic.stores.schedules.known(doctor.id)
            assert known is None or known in were
        assert clinic.stores.schedules.of(doctor.id) == were[-1]

    def test_the_edit_last_applied_is_got_whole(self, clinic: Clinic, doctor: Doctor) -> None:
        agenda = an_agenda("22:00-06:00", time_zone="Asia/Kathmandu", consultation=25, buffer=5)
        before = clinic.stores.schedules.of(doctor.id)
        edit = before.with_agenda(agenda, version=before.agenda_version)
        clinic.stores.schedules.apply(edit, command=clinic.command())
        assert clinic.stores.schedules.of(doctor.id) == edit.after
        blocked = edit.after.with_block(
            BlockId("b-1"), Interval.lasting(clinic.noon(), DAY), why="away", cancelling=False, now=clinic.clock.now()
        )
        clinic.stores.schedules.apply(blocked, command=clinic.command())
        assert clinic.stores.schedules.of(doctor.id) == blocked.after
        assert clinic.stores.schedules.of(doctor.id).agenda_version == edit.after.rev

    def test_an_edit_of_what_has_changed_is_refused_and_changes_nothing(self, clinic: Clinic, doctor: Doctor) -> None:
        before = clinic.stores.schedules.of(doctor.id)
        first = before.with_agenda(an_agenda("08:00-10:00"), version=before.agenda_version)
        second = before.with_agenda(an_agenda("10:00-12:00"), version=before.agenda_version)
        clinic.stores.schedules.apply(first, command=clinic.command())
        with pytest.raises(ScheduleChangedError):
            clinic.stores.schedules.apply(second, command=clinic.command())
        assert clinic.stores.schedules.of(doctor.id) == first.after

    def test_no_booking_decided_before_an_edit_commits_after_it(
        self, clinic: Clinic, doctor: Doctor, patient: Patient
    ) -> None:
        from telemed_core.domain.appointment import Appointment
        from telemed_core.domain.ids import AppointmentId

        commit = Appointment.request(
            AppointmentId("a-1"),
            patient=patient,
            schedule=clinic.stores.schedules.of(doctor.id),
            start=clinic.noon(),
            why=None,
            most_pending=3,
            now=clinic.clock.now(),
        )
        clinic.replace_agenda(agenda=an_agenda("00:00-06:00"), version=2, doctor=doctor)
        with pytest.raises(ScheduleChangedError):
            clinic.stores.appointments.apply(commit, command=clinic.command())
        with pytest.raises(NotFoundError):
            clinic.stores.appointments.get(AppointmentId("a-1"))

    def test_an_agenda_names_the_live_appointments_it_no_longer_covers_and_moves_none(
        self, clinic: Clinic, doctor: Doctor, patient: Patient
    ) -> None:
        later, sooner = (requested(clinic, doctor, patient, days=days) for days in (3, 2))
        gone = requested(clinic, doctor, patient, days=4)
        clinic.cancel_appointment(appointment_id=gone.id, reason="not needed", actor=patient)
        before = picture(clinic.stores)
        _, affected = clinic.replace_agenda(agenda=an_agenda("08:00-10:00"), version=2, doctor=doctor)
        assert list(affected) == [sooner.id, later.id]
        assert picture(clinic.stores) == before
        _, affected = clinic.replace_agenda(agenda=an_agenda("11:00-13:00", buffer=0), version=4, doctor=doctor)
        assert list(affected) == []

    def test_appointments_that_time_has_ended_are_not_affected(
        self, clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient
    ) -> None:
        requested(clinic, doctor, patient, days=9)
        clock.advance(timedelta(hours=25))
        _, affected = clinic.replace_agenda(agenda=an_agenda("08:00-10:00"), version=2, doctor=doctor)
        assert list(affected) == []

    def test_a_block_names_what_it_overlaps_and_is_remembered_with_it(
        self, clinic: Clinic, doctor: Doctor, patient: Patient
    ) -> None:
        asked = requested(clinic, doctor, patient)
        requested(clinic, doctor, patient, days=2)
        touching = Interval(asked.visit.end, asked.visit.end + DAY / 24)
        _, none = clinic.block_time(interval=touching, doctor=doctor)
        assert list(none) == []
        over = Interval.lasting(asked.visit.end - timedelta(seconds=1), DAY / 24)
        block, affected = clinic.block_time(interval=over, doctor=doctor)
        assert list(affected) == [asked.id]
        clinic.remove_block(block_id=block.id, doctor=doctor)
        interval, then = clinic.stores.schedules.block_of(block.id)
        assert (interval, list(then)) == (over, [asked.id])

    def test_a_block_that_never_was_is_not_found(self, clinic: Clinic, doctor: Doctor) -> None:
        with pytest.raises(NotFoundError):
            clinic.stores.schedules.block_of(BlockId("none"))
        with pytest.raises(NotFoundError):
            clinic.remove_block(block_id=BlockId("none"), doctor=doctor)

    def test_a_cancelling_block_records_what_is_to_be_cancelled_until_it_is_done(
        self, clinic: Clinic, doctor: Doctor, patient: Patient
    ) -> None:
        asked, other = requested(clinic, doctor, patient), confirmed(clinic, doctor, patient, days=2)
        schedule = clinic.stores.schedules.of(doctor.id)
        edit = schedule.with_block(
            BlockId("b-1"),
            Interval.lasting(clinic.noon(), 2 * DAY),
            why="away",
            cancelling=True,
            now=clinic.clock.now(),
        )
        clinic.stores.schedules.apply(edit, command=clinic.command())
        waiting = clinic.stores.schedules.cancellations(limit=9)
        assert {one.appointment_id for one in waiting} == {asked.id, other.id}
        assert {(one.block_id, one.doctor_id, one.reason) for one in waiting} == {
            (BlockId("b-1"), doctor.id, edit.block and edit.block.reason)
        }
        assert len(clinic.stores.schedules.cancellations(limit=1)) == 1
        assert list(clinic.stores.schedules.cancellations(block_id=BlockId("b-2"), limit=9)) == []
        assert clinic.cancel_blocked(block_id=BlockId("b-1")) == 2
        assert list(clinic.stores.schedules.cancellations(limit=9)) == []
        clinic.stores.schedules.cancelled(waiting[0])
        left = clinic.stores.appointments.get(asked.id)
        assert (left.status, left.cancelled_by) == ("cancelled", "doctor")
        assert clinic.stores.texts.read([left.cancel_reason] if left.cancel_reason else []) == {
            left.cancel_reason: "away"
        }

    def test_a_block_without_cancelling_records_nothing(self, clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
        requested(clinic, doctor, patient)
        clinic.block_time(interval=Interval.lasting(clinic.noon(), DAY), doctor=doctor)
        assert list(clinic.stores.schedules.cancellations(limit=9)) == []

    def test_a_repeated_edit_is_replayed_and_a_refused_one_leaves_no_receipt(
        self, clinic: Clinic, doctor: Doctor
    ) -> None:
        key = Idempotency(doctor.id, "key", "print")
        schedule = clinic.stores.schedules.of(doctor.id)
        edit = schedule.with_agenda(an_agenda("08:00-10:00"), version=schedule.agenda_version)
        clinic.stores.schedules.apply(edit, command=clinic.command(key))
        with pytest.raises(ReplayedCommand) as replayed:
            clinic.stores.schedules.apply(edit, command=clinic.command(key))
        assert (replayed.value.receipt.subject, replayed.value.receipt.rev) == (doctor.id, edit.after.rev)
        other = attrs.evolve(key, key="other")
        with pytest.raises(ScheduleChangedError):
            clinic.stores.schedules.apply(edit, command=clinic.command(other))
        assert clinic.stores.receipts.find(other, now=clinic.clock.now()) is None
