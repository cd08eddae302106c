"""The contract of ``Doctors``."""

from datetime import timedelta

import attrs
import pytest

from telemed_core.domain.commit import Idempotency
from telemed_core.domain.doctor import Decision, Doctor, DoctorStatus
from telemed_core.domain.ids import DoctorId
from telemed_core.domain.instants import EPOCH
from telemed_core.domain.patient import Patient
from telemed_core.domain.receipts import ReplayedCommand
from telemed_core.domain.specialties import Specialty
from telemed_core.errors import NotFoundError, StaleVersionError
from telemed_core.ports.storage import Stores
from telemed_core.testing.builders import MONDAY
from telemed_core.testing.contracts.suite import Suite, requested
from telemed_core.testing.wiring import Clinic


class DoctorsContract(Suite):
    """The directory, and decisions on registrations."""

    def test_an_unknown_doctor_is_not_found(self, stores: Stores) -> None:
        with pytest.raises(NotFoundError):
            stores.doctors.get(DoctorId("nobody"))

    def test_doctors_are_listed_by_id_after_a_given_one(self, clinic: Clinic) -> None:
        doctors = sorted((clinic.doctor(number) for number in range(1, 6)), key=lambda one: one.id)
        assert list(clinic.stores.doctors.list(limit=10)) == doctors
        assert list(clinic.stores.doctors.list(limit=2)) == doctors[:2]
        assert list(clinic.stores.doctors.list(after=doctors[1].id, limit=2)) == doctors[2:4]

    def test_doctors_are_listed_by_status_and_specialty(self, clinic: Clinic) -> None:
        both = clinic.doctor(1, specialties=(Specialty.CARDIOLOGY, Specialty.PEDIATRICS))
        heart = clinic.doctor(2)
        waiting = clinic.doctor(3, approved=False)
        listed = clinic.stores.doctors.list
        assert list(listed(status=DoctorStatus.PENDING, limit=9)) == [waiting]
        assert list(listed(status=DoctorStatus.APPROVED, specialty=Specialty.CARDIOLOGY, limit=9)) == [both, heart]
        assert list(listed(specialty=Specialty.PEDIATRICS, limit=9)) == [both]

    @pytest.mark.parametrize("name", ["ângela", "ANGELA", "ang", "sá ân", "de sa", "  angela   "])
    def test_each_word_of_a_name_is_a_prefix_without_case_and_accents(self, clinic: Clinic, name: str) -> None:
        found = clinic.doctor(1, name="Ângela de Sá")
        clinic.doctor(2, name="Bruno Rangel")
        assert list(clinic.stores.doctors.list(name=name, limit=9)) == [found]

    @pytest.mark.parametrize("name", ["gela", "angela x", "%", "_ngela", "angela bruno"])
    def test_a_name_that_is_no_prefix_finds_nobody(self, clinic: Clinic, name: str) -> None:
        clinic.doctor(1, name="Ângela de Sá")
        assert list(clinic.stores.doctors.list(name=name, limit=9)) == []

    def test_a_name_whose_letters_unfold_into_many_is_kept_and_found(self, clinic: Clinic) -> None:
        kilometre = "\u3316"  # one letter that unfolds into six
        found = clinic.doctor(1, name="Li" + kilometre * 118)
        assert list(clinic.stores.doctors.list(name="li", limit=9)) == [found]
        assert list(clinic.stores.doctors.list(name="li" + kilometre * 90, limit=9)) == [found]

    def test_a_decision_opens_and_closes_the_schedule(self, clinic: Clinic) -> None:
        doctor = clinic.doctor(approved=False)
        before = clinic.stores.schedules.of(doctor.id)
        for decision, why, bookable in ((Decision.APPROVE, None, True), (Decision.SUSPEND, "expired", False)):
            verification = clinic.stores.doctors.get(doctor.id).verify(decision, why=why)
            clinic.stores.doctors.apply(verification, command=clinic.command())
            after = clinic.stores.schedules.of(doctor.id)
            assert clinic.stores.doctors.get(doctor.id) == verification.after
            assert after == attrs.evolve(before, bookable=bookable, rev=before.rev + 1)
            before = after
        assert list(clinic.stores.texts.read([verification.texts[0].key]).values()) == ["expired"]

    def test_a_decision_names_the_live_appointments_by_start(
        self, clinic: Clinic, doctor: Doctor, patient: Patient
    ) -> None:
        later = requested(clinic, doctor, patient, days=3)
        sooner = requested(clinic, doctor, patient, days=2)
        ended = requested(clinic, doctor, patient, days=4)
        clinic.refuse_appointment(appointment_id=ended.id, doctor=doctor)
        suspension = doctor.verify(Decision.SUSPEND, why="expired")
        assert list(clinic.stores.doctors.apply(suspension, command=clinic.command())) == [sooner.id, later.id]

    def test_a_decision_on_what_has_changed_is_stale_and_changes_nothing(self, clinic: Clinic, doctor: Doctor) -> None:
        suspension = doctor.verify(Decision.SUSPEND, why="expired")
        clinic.stores.doctors.apply(suspension, command=clinic.command())
        before = clinic.stores.schedules.of(doctor.id)
        with pytest.raises(StaleVersionError):
            clinic.stores.doctors.apply(suspension, command=clinic.command())
        assert clinic.stores.schedules.of(doctor.id) == before

    def test_a_repeated_decision_is_replayed(self, clinic: Clinic, doctor: Doctor) -> None:
        suspension = doctor.verify(Decision.SUSPEND, why="expired")
        key = Idempotency(doctor.id, "key", "print")
        clinic.stores.doctors.apply(suspension, command=clinic.command(key))
        with pytest.raises(ReplayedCommand) as replayed:
            clinic.stores.doctors.apply(suspension, command=clinic.command(key))
        assert (replayed.value.receipt.subject, replayed.value.receipt.rev) == (doctor.id, suspension.after.rev)

    def test_the_queue_begins_with_who_registered_last(self, clinic: Clinic) -> None:
        instants = (MONDAY, MONDAY + timedelta(microseconds=1), MONDAY, MONDAY - timedelta(days=400), EPOCH, MONDAY)
        doctors = [clinic.doctor(number, registered_at=at) for number, at in enumerate(instants, 1)]
        queue = [doctors[place] for place in (1, 0, 2, 5, 3, 4)]
        queued = clinic.stores.doctors.queue
        assert list(queued(limit=9)) == queue
        assert list(queued(limit=2)) == queue[:2]
        for place, doctor in enumerate(queue, 1):
            assert list(queued(after=(doctor.registered_at, doctor.id), limit=2)) == queue[place : place + 2]

    def test_the_queue_of_one_status_leaves_out_the_others(self, clinic: Clinic) -> None:
        waiting = [clinic.doctor(number, approved=False) for number in (1, 2, 4)]
        approved = clinic.doctor(3)
        queued = clinic.stores.doctors.queue
        assert list(queued(status=DoctorStatus.PENDING, limit=9)) == waiting
        behind = (waiting[0].registered_at, waiting[0].id)
        assert list(queued(status=DoctorStatus.PENDING, after=behind, limit=1)) == [waiting[1]]
        assert list(queued(status=DoctorStatus.APPROVED, limit=9)) == [approved]
        assert list(queued(status=DoctorStatus.SUSPENDED, limit=9)) == []

    def test_a_decision_is_told_as_it_was_whatever_happened_since(
        self, clinic: Clinic, doctor: Doctor, patient: Patient
    ) -> None:
        asked = requested(clinic, doctor, patient)
        suspension = doctor.verify(Decision.SUSPEND, why="expired")
        clinic.stores.doctors.apply(suspension, command=clinic.command())
        approval = suspension.after.verify(Decision.APPROVE, why=None)
        clinic.refuse_appointment(appointment_id=asked.id, doctor=suspension.after)
        clinic.stores.doctors.apply(approval, command=clinic.command())
        renamed = attrs.evolve(approval.after, name="Íris Sá", rev=approval.after.rev + 1)
        clinic.stores.accounts.update(approval.after, renamed)
        told = [clinic.stores.doctors.verified(doctor.id, one.after.rev) for one in (suspension, approval)]
        assert [(one, list(ids)) for one, ids in told] == [(suspension.after, [asked.id]), (approval.after, [])]
        assert clinic.stores.doctors.get(doctor.id) == renamed

    def test_what_no_decision_made_is_not_found(self, clinic: Clinic, doctor: Doctor) -> None:
        renamed = attrs.evolve(doctor, name="Íris Sá", rev=doctor.rev + 1)
        clinic.stores.accounts.update(doctor, renamed)
        for doctor_id, rev in ((doctor.id, 1), (doctor.id, renamed.rev), (DoctorId("nobody"), 2)):
            with pytest.raises(NotFoundError):
                clinic.stores.doctors.verified(doctor_id, rev)

    def test_decisions_are_told_in_order_from_a_revision_on(self, clinic: Clinic) -> None:
        doctors, doctor, other = clinic.stores.doctors, clinic.doctor(), clinic.doctor(2)
        approved = doctors.get(doctor.id)
        suspension = approved.verify(Decision.SUSPEND, why="expired")
        doctors.apply(suspension, command=clinic.command())
        renamed = attrs.evolve(suspension.after, name="Íris Sá", rev=suspension.after.rev + 1)
        clinic.stores.accounts.update(suspension.after, renamed)
        approval = renamed.verify(Decision.APPROVE, why=None)
        doctors.apply(approval, command=clinic.command())
        decided = [approved, suspension.after, approval.after]
        assert [one.rev for one in decided] == [2, 3, 5]
        told = [list(doctors.decisions(doctor.id, after=after)) for after in range(6)]
        assert told == [decided, decided, decided[1:], decided[2:], decided[2:], []]
        assert list(doctors.decisions(other.id, after=0)) == [other]
        assert list(doctors.decisions(DoctorId("nobody"), after=0)) == []
