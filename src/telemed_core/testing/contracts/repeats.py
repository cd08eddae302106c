"""The contract of repeats: a command is carried out once, however often it is sent."""

from datetime import timedelta

import attrs
import pytest

from telemed_core.domain.commit import Idempotency
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.patient import Patient
from telemed_core.domain.receipts import ReplayedCommand
from telemed_core.errors import IdempotencyKeyReusedError, SlotTakenError, UnavailableError
from telemed_core.testing.contracts.refusals import asking
from telemed_core.testing.contracts.suite import Suite, assert_clean, picture, requested
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.faults import After, Faulty
from telemed_core.testing.wiring import Clinic


class RepeatsContract(Suite):
    """Receipts, and commits whose answer was lost."""

    def test_a_repeat_under_the_same_key_changes_nothing_and_names_what_was_left(
        self, clinic: Clinic, doctor: Doctor, patient: Patient
    ) -> None:
        key = Idempotency(patient.id, "key", "print")
        commit, command = asking(clinic, doctor, patient), clinic.command(key)
        asked = clinic.stores.appointments.apply(commit, command=command)
        before = picture(clinic.stores)
        with pytest.raises(ReplayedCommand) as replayed:
            clinic.stores.appointments.apply(
                asking(clinic, doctor, patient, days=2, id="a-other"), command=clinic.command(key)
            )
        receipt = replayed.value.receipt
        assert (receipt.subject, receipt.rev, receipt.command_id) == (asked.id, 1, command.id)
        assert (receipt.idempotency, receipt.at) == (key, command.at)
        assert picture(clinic.stores) == before

    def test_a_key_is_its_users_own(self, clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
        other = clinic.patient(2)
        for days, user in ((1, patient), (2, other)):
            key = Idempotency(user.id, "key", "print")
            clinic.request_appointment(doctor_id=doctor.id, start=clinic.noon(days), patient=user, idempotency=key)
        assert len(clinic.list_appointments(actor=doctor)) == 2

    def test_something_else_under_the_key_is_refused(self, clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
        key = Idempotency(patient.id, "key", "print")
        clinic.stores.appointments.apply(asking(clinic, doctor, patient), command=clinic.command(key))
        with pytest.raises(IdempotencyKeyReusedError):
            clinic.stores.appointments.apply(
                asking(clinic, doctor, patient, days=2, id="a-other"),
                command=clinic.command(attrs.evolve(key, fingerprint="other")),
            )

    def test_a_receipt_counts_for_a_day_and_is_then_replaced(
        self, clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient
    ) -> None:
        key = Idempotency(patient.id, "key", "print")
        begun = clock.now()
        clinic.stores.appointments.apply(asking(clinic, doctor, patient), command=clinic.command(key))
        last = begun + timedelta(hours=24) - timedelta(microseconds=1)
        assert clinic.stores.receipts.find(key, now=last) is not None
        assert clinic.stores.receipts.find(key, now=begun + timedelta(hours=24)) is None
        clock.advance(timedelta(hours=24))
        new = asking(clinic, doctor, patient, days=2, id="a-other")
        later = attrs.evolve(key, fingerprint="other")
        clinic.stores.appointments.apply(new, command=clinic.command(later))
        receipt = clinic.stores.receipts.find(key, now=clock.now())
        assert receipt is not None
        assert (receipt.subject, receipt.idempotency) == (new.after.id, later)

    def test_an_unknown_key_has_no_receipt(self, clinic: Clinic, patient: Patient) -> None:
        assert clinic.stores.receipts.find(Idempotency(patient.id, "none", "print"), now=clinic.clock.now()) is None

    def test_a_refused_command_leaves_no_receipt_and_is_tried_again(
        self, clinic: Clinic, doctor: Doctor, patient: Patient
    ) -> None:
        held = requested(clinic, doctor, patient)
        other = clinic.patient(2)
        key = Idempotency(other.id, "key", "print")
        with pytest.raises(SlotTakenError):
            clinic.request_appointment(doctor_id=doctor.id, start=held.visit.start, patient=other, idempotency=key)
        assert clinic.stores.receipts.find(key, now=clinic.clock.now()) is None
        clinic.refuse_appointment(appointment_id=held.id, doctor=doctor)
        again = clinic.request_appointment(doctor_id=doctor.id, start=held.visit.start, patient=other, idempotency=key)
        assert again.patient_id == other.id

    def test_a_repeat_that_would_now_be_refused_is_answered_as_it_was(
        self, clinic: Clinic, doctor: Doctor, patient: Patient
    ) -> None:
        asked = requested(clinic, doctor, patient)
        key = Idempotency(doctor.id, "key", "print")
        first = clinic.accept_appointment(appointment_id=asked.id, rev=1, doctor=doctor, idempotency=key)
        clinic.cancel_appointment(appointment_id=asked.id, reason="not needed", actor=patient)
        with pytest.raises(ReplayedCommand) as replayed:
            clinic.accept_appointment(appointment_id=asked.id, rev=1, doctor=doctor, idempotency=key)
        assert clinic.recall_appointment(replayed.value.receipt) == first

    def test_a_lost_answer_and_a_retry_make_one_appointment(
        self, clinic: Clinic, doctor: Doctor, patient: Patient
    ) -> None:
        faulty = Faulty(clinic.stores.appointments, plan={"apply": [After(UnavailableError())]})
        beside = clinic.beside(appointments=faulty.port)
        key = Idempotency(patient.id, "key", "print")
        with pytest.raises(ReplayedCommand):
            beside.request_appointment(doctor_id=doctor.id, start=clinic.noon(), patient=patient, idempotency=key)
        with pytest.raises(ReplayedCommand) as replayed:
            clinic.request_appointment(doctor_id=doctor.id, start=clinic.noon(), patient=patient, idempotency=key)
        assert [one.id for one in clinic.list_appointments(actor=patient)] == [replayed.value.receipt.subject]
        assert_clean(clinic.stores)

    def test_the_same_command_applied_again_gives_its_first_outcome(
        self, clinic: Clinic, doctor: Doctor, patient: Patient
    ) -> None:
        commit, command = asking(clinic, doctor, patient), clinic.command()
        first = clinic.stores.appointments.apply(commit, command=command)
        before = picture(clinic.stores)
        assert clinic.stores.appointments.apply(commit, command=command) == first
        assert picture(clinic.stores) == before
