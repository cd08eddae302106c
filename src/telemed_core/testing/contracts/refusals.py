"""The contract of refused commits: they change nothing, and say the first condition that failed."""

from collections.abc import Callable
from datetime import timedelta

import attrs
import pytest

from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import Commit, Idempotency, LicenceGuard, ScheduleGuard
from telemed_core.domain.doctor import Decision, Doctor
from telemed_core.domain.ids import AppointmentId
from telemed_core.domain.patient import Patient
from telemed_core.domain.receipts import ReplayedCommand
from telemed_core.errors import (
    CellsHeldError,
    IdempotencyKeyReusedError,
    LicenceInactiveError,
    NotFoundError,
    PatientBusyError,
    ScheduleChangedError,
    SlotTakenError,
    StaleRevisionError,
    TooManyPendingError,
)
from telemed_core.testing.builders import a_patient
from telemed_core.testing.contracts.suite import Suite, assert_clean, confirmed, picture, requested
from telemed_core.testing.counters import pending_of
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import Clinic


def asking(clinic: Clinic, doctor: Doctor, patient: Patient, *, days: int = 1, id: str = "a-new") -> Commit:
    """The commit of a request, not applied."""
    return Appointment.request(
        AppointmentId(id),
        patient=patient,
        schedule=clinic.stores.schedules.of(doctor.id),
        start=clinic.noon(days),
        why="a reason",
        most_pending=3,
        now=clinic.clock.now(),
    )


class RefusalsContract(Suite):
    """Every way in which a commit is refused."""

    @pytest.fixture
    def refused(self, clinic: Clinic) -> Callable[[Commit, type[Exception]], Exception]:
        """Applies a commit that must be refused, and checks that nothing at all has changed."""

        def apply(commit: Commit, error: type[Exception], key: Idempotency | None = None) -> Exception:
            before = picture(clinic.stores)
            with pytest.raises(error) as caught:
                clinic.stores.appointments.apply(commit, command=clinic.command(key))
            assert type(caught.value) is error
            assert picture(clinic.stores) == before
            assert clinic.stores.texts.read([text.key for text in commit.texts if text.key.seq == 99]) == {}
            return caught.value

        return apply

    def test_a_taken_slot_names_its_owner(
        self, clinic: Clinic, doctor: Doctor, patient: Patient, refused: Callable[..., CellsHeldError]
    ) -> None:
        held = requested(clinic, doctor, patient)
        commit = asking(clinic, doctor, clinic.patient(2))
        assert refused(commit, SlotTakenError).owners == {held.id}
        assert clinic.stores.texts.read([commit.texts[0].key]) == {}

    def test_a_busy_patient_comes_before_a_taken_slot_and_all_owners_are_named(
        self, clinic: Clinic, doctor: Doctor, patient: Patient, refused: Callable[..., CellsHeldError]
    ) -> None:
        other = clinic.doctor(2)
        mine = requested(clinic, other, patient)
        assert refused(asking(clinic, doctor, patient), PatientBusyError).owners == {mine.id}
        theirs = requested(clinic, doctor, clinic.patient(2))
        assert refused(asking(clinic, doctor, patient), PatientBusyError).owners == {mine.id, theirs.id}

    def test_one_overlapping_cell_is_enough(
        self, clinic: Clinic, doctor: Doctor, patient: Patient, refused: Callable[..., CellsHeldError]
    ) -> None:
        held = requested(clinic, doctor, patient)
        shifted = asking(clinic, doctor, clinic.patient(2))
        change = shifted.appointments[0]
        for minutes in (-55, -5, 5, 55):
            claims = tuple(
                attrs.evolve(claim, cells=tuple(cell + minutes // 5 for cell in claim.cells))
                for claim in shifted.claims
                if claim.person_id == doctor.person_id
            )
            commit = attrs.evolve(shifted, appointments=(change,), claims=claims)
            assert refused(commit, SlotTakenError).owners == {held.id}

    def test_a_doctor_who_is_a_patient_elsewhere_is_one_person(
        self, clinic: Clinic, doctor: Doctor, refused: Callable[..., CellsHeldError]
    ) -> None:
        as_patient = clinic.patient(9, cpf=doctor.cpf)
        assert as_patient.person_id == doctor.person_id
        elsewhere = requested(clinic, clinic.doctor(2), as_patient)
        assert refused(asking(clinic, doctor, clinic.patient(2)), SlotTakenError).owners == {elsewhere.id}

    def test_a_change_decided_on_an_old_revision_is_stale(
        self, clinic: Clinic, doctor: Doctor, patient: Patient, refused: Callable[..., Exception]
    ) -> None:
        asked = requested(clinic, doctor, patient)
        clinic.accept_appointment(appointment_id=asked.id, rev=1, doctor=doctor)
        now = clinic.clock.now()
        refused(asked.refuse(by=doctor.id, why="no", now=now), StaleRevisionError)
        refused(asked.cancel(by=patient.id, why="not needed", now=now), StaleRevisionError)

    def test_a_new_appointment_whose_id_exists_is_stale(
        self, clinic: Clinic, doctor: Doctor, patient: Patient, refused: Callable[..., Exception]
    ) -> None:
        asked = requested(clinic, doctor, patient)
        refused(asking(clinic, doctor, clinic.patient(2), days=2, id=asked.id), StaleRevisionError)

    def test_a_request_above_the_limit_is_refused_and_answers_lower_the_count(
        self, clinic: Clinic, doctor: Doctor, patient: Patient, refused: Callable[..., Exception]
    ) -> None:
        asked = [requested(clinic, doctor, patient, days=days) for days in (1, 2, 3)]
        refused(asking(clinic, doctor, patient, days=4), TooManyPendingError)
        clinic.accept_appointment(appointment_id=asked[0].id, rev=1, doctor=doctor)
        requested(clinic, doctor, patient, days=4)
        refused(asking(clinic, doctor, patient, days=5), TooManyPendingError)
        clinic.cancel_appointment(appointment_id=asked[0].id, reason="not needed", actor=patient)
        refused(asking(clinic, doctor, patient, days=5), TooManyPendingError)
        clinic.refuse_appointment(appointment_id=asked[1].id, doctor=doctor)
        requested(clinic, doctor, patient, days=5)

    def test_the_counter_is_the_number_of_unanswered_requests_through_every_change(
        self, clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient
    ) -> None:
        def counted() -> int:
            return pending_of(clinic.stores, patient)

        assert counted() == 0
        first, second, third = (requested(clinic, doctor, patient, days=days) for days in (5, 6, 7))
        assert counted() == 3
        clinic.reschedule_appointment(appointment_id=first.id, start=clinic.noon(8), actor=patient)
        assert counted() == 3
        clinic.accept_appointment(appointment_id=first.id, rev=2, doctor=doctor)
        assert counted() == 2
        clinic.cancel_appointment(appointment_id=first.id, reason="not needed", actor=patient)
        assert counted() == 2
        clinic.refuse_appointment(appointment_id=second.id, doctor=doctor)
        assert counted() == 1
        clock.set(third.decision_deadline)
        assert counted() == 1
        clinic.sweep()
        assert counted() == 0

    def test_a_schedule_that_has_changed_or_closed_refuses_bookings(
        self, clinic: Clinic, doctor: Doctor, patient: Patient, refused: Callable[..., Exception]
    ) -> None:
        commit = asking(clinic, doctor, patient)
        rev = clinic.stores.schedules.of(doctor.id).rev
        refused(attrs.evolve(commit, guards=(ScheduleGuard(doctor.id, rev + 1),)), ScheduleChangedError)
        clinic.stores.doctors.apply(doctor.verify(Decision.SUSPEND, why="expired"), command=clinic.command())
        refused(attrs.evolve(commit, guards=(ScheduleGuard(doctor.id, rev + 1),)), ScheduleChangedError)
        refused(attrs.evolve(commit, guards=(LicenceGuard(doctor.id),)), LicenceInactiveError)

    def test_the_first_condition_that_failed_is_told(
        self, clinic: Clinic, doctor: Doctor, patient: Patient, refused: Callable[..., Exception]
    ) -> None:
        key = Idempotency(patient.id, "key", "print")
        asked = clinic.request_appointment(doctor_id=doctor.id, start=clinic.noon(1), patient=patient, idempotency=key)
        for days in (2, 3):
            requested(clinic, doctor, patient, days=days)
        everything = asking(clinic, doctor, patient, days=1, id=asked.id)
        rev = clinic.stores.schedules.of(doctor.id).rev
        wrong = attrs.evolve(everything, guards=(ScheduleGuard(doctor.id, rev - 1),))
        refused(wrong, ReplayedCommand, key)
        refused(wrong, IdempotencyKeyReusedError, attrs.evolve(key, fingerprint="other"))
        refused(wrong, ScheduleChangedError)
        refused(everything, TooManyPendingError)
        unlimited = attrs.evolve(everything, quotas=())
        refused(unlimited, StaleRevisionError)
        new = attrs.evolve(asking(clinic, doctor, patient, days=1), quotas=())
        refused(new, PatientBusyError)
        refused(attrs.evolve(asking(clinic, doctor, clinic.patient(2)), quotas=()), SlotTakenError)

    def test_of_several_appointments_in_one_commit_one_stale_refuses_all(
        self, clinic: Clinic, doctor: Doctor, patient: Patient, refused: Callable[..., Exception]
    ) -> None:
        first, second = requested(clinic, doctor, patient, days=2), requested(clinic, doctor, patient, days=3)
        later = clinic.clock.now() + timedelta(hours=25)
        both = first.settle(now=later).then(second.settle(now=later))
        clinic.accept_appointment(appointment_id=second.id, rev=1, doctor=doctor)
        refused(both, StaleRevisionError)

    def test_a_takeover_is_one_commit_that_ends_the_owner_and_begins_the_new(
        self, clinic: Clinic, doctor: Doctor, patient: Patient
    ) -> None:
        old = requested(clinic, doctor, patient, days=3)
        later = clinic.clock.now() + timedelta(hours=25)
        fresh = asking(clinic, doctor, clinic.patient(2), days=3)
        whole = old.settle(now=later).then(fresh)
        assert clinic.stores.appointments.apply(whole, command=clinic.command()).id == fresh.after.id
        assert clinic.stores.appointments.get(old.id).status == "expired"
        assert_clean(clinic.stores)

    def test_one_who_holds_visits_only_is_not_limited(self, clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
        for days in range(1, 7):
            confirmed(clinic, doctor, patient, days=days)
        assert len(clinic.list_appointments(actor=patient)) == 6

    def test_who_has_no_patients_account_asks_for_nothing(
        self, clinic: Clinic, doctor: Doctor, refused: Callable[..., Exception]
    ) -> None:
        refused(asking(clinic, doctor, a_patient(7)), NotFoundError)
