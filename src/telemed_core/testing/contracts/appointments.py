"""The contract of ``Appointments``: what a commit leaves, and that time moves nothing behind its back."""

from datetime import timedelta

import attrs
import pytest

from telemed_core.domain.appointment import Appointment
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.events import Side
from telemed_core.domain.ids import AppointmentId
from telemed_core.domain.instants import CELL, Interval
from telemed_core.domain.patient import Patient
from telemed_core.domain.status import Status
from telemed_core.errors import NotFoundError, StaleRevisionError
from telemed_core.ports.storage import Stores
from telemed_core.testing.contracts.suite import Suite, assert_clean, confirmed, picture, requested
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import Clinic

HOUR = timedelta(hours=1)


class AppointmentsContract(Suite):
    """Commits are written whole, and read back to the last field."""

    def test_an_unknown_appointment_is_not_found(self, stores: Stores) -> None:
        with pytest.raises(NotFoundError):
            stores.appointments.get(AppointmentId("none"))

    def test_apply_answers_what_is_then_got(self, clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
        asked = requested(clinic, doctor, patient, reason="a cough")
        assert clinic.stores.appointments.get(asked.id) == asked
        assert asked.history is not None and len(asked.history) == 1

    def test_stored_events_fold_to_the_stored_state_through_a_whole_life(
        self, clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient
    ) -> None:
        lives = [self._met(clinic, clock, doctor, patient), *self._ended(clinic, clock, doctor, patient)]
        for appointment in lives:
            stored = clinic.stores.appointments.get(appointment.id)
            assert stored.history is not None
            assert [event.seq for event in stored.history] == list(range(1, stored.rev + 1))
            assert attrs.asdict(Appointment.fold(stored.history)) == attrs.asdict(stored)
            (listed,) = clinic.stores.appointments.many([stored.id])
            assert listed == attrs.evolve(stored, history=None)
        assert_clean(clinic.stores)

    def _met(self, clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient) -> Appointment:
        asked = requested(clinic, doctor, patient, days=2, reason="a cough")
        clinic.reschedule_appointment(appointment_id=asked.id, start=clinic.noon(3), actor=patient)
        clinic.accept_appointment(appointment_id=asked.id, rev=2, doctor=doctor)
        for start, agreed in ((clinic.noon(4), False), (clinic.noon(3) + HOUR, True)):
            offered = clinic.reschedule_appointment(appointment_id=asked.id, start=start, actor=doctor)
            assert clinic.stores.appointments.get(asked.id) == offered
            assert offered.proposal is not None
            answer = clinic.agree_to_reschedule if agreed else clinic.decline_reschedule
            answer(appointment_id=asked.id, proposal_id=offered.proposal.id, actor=patient)
        clock.set(clinic.noon(3) + HOUR)
        clinic.join_visit(appointment_id=asked.id, actor=patient)
        clinic.join_visit(appointment_id=asked.id, actor=doctor)
        return clinic.complete_visit(appointment_id=asked.id, doctor=doctor)

    def _ended(self, clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient) -> tuple[Appointment, ...]:
        refused = requested(clinic, doctor, patient, days=2)
        clinic.refuse_appointment(appointment_id=refused.id, doctor=doctor, reason="on holiday")
        cancelled = confirmed(clinic, doctor, patient, days=3)
        clinic.cancel_appointment(appointment_id=cancelled.id, reason="feeling better", actor=patient)
        lapsed = confirmed(clinic, doctor, patient, days=4)
        clinic.reschedule_appointment(appointment_id=lapsed.id, start=clinic.noon(5), actor=patient)
        expired = requested(clinic, doctor, patient, days=6)
        clock.advance(timedelta(days=5))
        clinic.sweep()
        return refused, cancelled, lapsed, expired

    def test_many_come_by_id_without_history_and_unknown_ids_are_left_out(
        self, clinic: Clinic, doctor: Doctor, patient: Patient
    ) -> None:
        asked = sorted((requested(clinic, doctor, patient, days=days) for days in (1, 2, 3)), key=lambda one: one.id)
        found = clinic.stores.appointments.many([AppointmentId("none"), *(one.id for one in reversed(asked))])
        assert list(found) == [attrs.evolve(one, history=None) for one in asked]
        assert list(clinic.stores.appointments.many([])) == []

    def test_an_appointment_owns_its_cells_while_it_lives_and_frees_them_once(
        self, clinic: Clinic, doctor: Doctor, patient: Patient
    ) -> None:
        asked = requested(clinic, doctor, patient)
        page = clinic.stores.ledger.read([doctor.person_id, patient.person_id])
        assert page.claims == {
            doctor.person_id: dict.fromkeys(asked.cells(Side.DOCTOR), asked.id),
            patient.person_id: dict.fromkeys(asked.cells(Side.PATIENT), asked.id),
        }
        clinic.refuse_appointment(appointment_id=asked.id, doctor=doctor)
        again = requested(clinic, doctor, patient)
        with pytest.raises(StaleRevisionError):
            clinic.stores.appointments.apply(
                asked.refuse(by=doctor.id, why=None, now=clinic.clock.now()), command=clinic.command()
            )
        held = clinic.stores.ledger.read([doctor.person_id]).claims[doctor.person_id]
        assert set(held.values()) == {again.id}
        assert_clean(clinic.stores)

    def test_both_times_of_a_proposal_are_held_until_it_closes(
        self, clinic: Clinic, doctor: Doctor, patient: Patient
    ) -> None:
        visit = confirmed(clinic, doctor, patient, days=1)
        for start in (clinic.noon(2), clinic.noon(1) + HOUR):
            offered = clinic.reschedule_appointment(appointment_id=visit.id, start=start, actor=doctor)
            assert_clean(clinic.stores)
            for taken in (clinic.noon(1), start):
                assert (
                    taken
                    not in clinic.list_slots(doctor_id=doctor.id, within=Interval.lasting(taken, HOUR), viewer=patient)[
                        1
                    ]
                )
            assert offered.proposal is not None
            clinic.decline_reschedule(appointment_id=visit.id, proposal_id=offered.proposal.id, actor=doctor)
            assert_clean(clinic.stores)

    def test_busy_is_what_is_still_owned_at_that_instant_in_runs(
        self, clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient
    ) -> None:
        asked, kept = requested(clinic, doctor, patient, days=2), confirmed(clinic, doctor, patient, days=3)
        span, now = Interval(clinic.noon(1), clinic.noon(5)), clock.now()
        busy = clinic.stores.appointments.busy
        both = sorted(asked.cells(Side.DOCTOR)), sorted(kept.cells(Side.DOCTOR))
        assert [list(run) for run in busy(doctor.person_id, span, now=now)] == list(both)
        assert [list(run) for run in busy(patient.person_id, span, now=now)] == [
            sorted(one.cells(Side.PATIENT)) for one in (asked, kept)
        ]
        assert [list(run) for run in busy(doctor.person_id, span, now=now + 24 * HOUR)] == [both[1]]
        inside = Interval(asked.visit.start + 2 * CELL, asked.visit.start + 4 * CELL)
        assert [list(run) for run in busy(doctor.person_id, inside, now=now)] == [both[0][2:4]]

    def test_a_lapsed_proposal_is_not_busy_and_its_visit_is(
        self, clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient
    ) -> None:
        visit = confirmed(clinic, doctor, patient, days=3)
        clinic.reschedule_appointment(appointment_id=visit.id, start=clinic.noon(3) + HOUR, actor=doctor)
        now, span = clock.now() + 24 * HOUR, Interval(clinic.noon(3), clinic.noon(4))
        runs = clinic.stores.appointments.busy(doctor.person_id, span, now=now)
        assert [list(run) for run in runs] == [sorted(visit.cells(Side.DOCTOR))]

    def test_what_is_due_comes_most_overdue_first_and_of_one_patient_where_asked(
        self, clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient
    ) -> None:
        later = requested(clinic, doctor, patient, days=3)
        other = clinic.patient(2)
        sooner = requested(clinic, doctor, other, days=2)
        clock.advance(timedelta(minutes=1))
        fresh = requested(clinic, doctor, patient, days=4)
        due, at = clinic.stores.appointments.due, later.decision_deadline
        assert list(due(now=at - timedelta(microseconds=1), limit=9)) == []
        assert {one.id for one in due(now=at, limit=9)} == {later.id, sooner.id}
        assert [one.id for one in due(now=at, patient=patient.id, limit=9)] == [later.id]
        assert [one.id for one in due(now=fresh.decision_deadline, limit=9)][-1] == fresh.id
        assert len(due(now=fresh.decision_deadline, limit=2)) == 2
        assert all(one.history is None and one.status is Status.REQUESTED for one in due(now=at, limit=9))

    def test_reading_writes_nothing(
        self, clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient
    ) -> None:
        asked = requested(clinic, doctor, patient)
        before = picture(clinic.stores)
        clock.advance(timedelta(days=2))
        assert clinic.show_appointment(appointment_id=asked.id, actor=patient).status is Status.EXPIRED
        assert [one.status for one in clinic.list_appointments(actor=doctor)] == [Status.EXPIRED]
        assert picture(clinic.stores) == before

    def test_texts_come_back_to_the_letter_and_unknown_keys_are_left_out(
        self, clinic: Clinic, doctor: Doctor, patient: Patient
    ) -> None:
        said = "Dor no peito — “forte”\nà noite 🫀"
        asked = requested(clinic, doctor, patient, reason=said)
        silent = requested(clinic, doctor, patient, days=2)
        assert asked.reason is not None
        assert silent.reason is None
        unknown = attrs.evolve(asked.reason, seq=99)
        assert clinic.stores.texts.read([asked.reason, unknown]) == {asked.reason: said}
        assert clinic.stores.texts.read([]) == {}
