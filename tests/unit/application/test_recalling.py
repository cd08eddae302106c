"""What a repeat under a key is answered: the thing as its command left it."""

import pytest

from telemed_core.domain.commit import Idempotency
from telemed_core.domain.doctor import Decision, Doctor, DoctorStatus
from telemed_core.domain.ids import AppointmentId
from telemed_core.domain.instants import Interval
from telemed_core.domain.patient import Patient
from telemed_core.domain.receipts import ReplayedCommand
from telemed_core.errors import IdempotencyKeyReusedError, LicenceInactiveError, NotFoundError
from telemed_core.testing.builders import an_administrator
from telemed_core.testing.contracts.suite import confirmed, requested
from telemed_core.testing.wiring import Clinic

ADMINISTRATOR = an_administrator()


def test_a_decision_is_recalled_as_it_left_the_doctor(clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
    asked = requested(clinic, doctor, patient)
    key = Idempotency(ADMINISTRATOR.id, "key", "suspend")

    def suspend() -> None:
        clinic.verify_doctor(
            doctor_id=doctor.id, decision=Decision.SUSPEND, reason="expired", actor=ADMINISTRATOR, idempotency=key
        )

    suspend()
    clinic.verify_doctor(doctor_id=doctor.id, decision=Decision.APPROVE, reason=None, actor=ADMINISTRATOR)
    clinic.cancel_appointment(appointment_id=asked.id, reason="not needed", actor=patient)
    with pytest.raises(ReplayedCommand) as replayed:
        suspend()
    suspended, affected = clinic.recall_verification(replayed.value.receipt)
    assert (suspended.id, suspended.status, [*affected]) == (doctor.id, DoctorStatus.SUSPENDED, [asked.id])


def test_a_block_is_recalled_as_it_was_made(clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
    visit = confirmed(clinic, doctor, patient)
    key = Idempotency(doctor.id, "key", "block")
    block, _ = clinic.block_time(interval=visit.visit, doctor=doctor, idempotency=key)
    clinic.remove_block(block_id=block.id, doctor=doctor)
    with pytest.raises(ReplayedCommand) as replayed:
        clinic.block_time(interval=visit.visit, doctor=doctor, idempotency=key)
    again, affected = clinic.recall_block(replayed.value.receipt)
    assert (again.id, again.interval, [*affected]) == (
        block.id,
        Interval(visit.visit.start, visit.visit.end),
        [visit.id],
    )


def test_under_a_used_key_what_is_not_found_or_not_allowed_stays_so(
    clinic: Clinic, doctor: Doctor, patient: Patient
) -> None:
    asked, other = requested(clinic, doctor, patient), requested(clinic, doctor, patient, days=2)

    def accept(appointment_id: AppointmentId, fingerprint: str) -> None:
        clinic.accept_appointment(
            appointment_id=appointment_id,
            rev=1,
            doctor=doctor,
            idempotency=Idempotency(doctor.id, "key", fingerprint),
        )

    accept(asked.id, "first")
    with pytest.raises(NotFoundError):
        accept(AppointmentId("nothing"), "second")
    with pytest.raises(IdempotencyKeyReusedError):
        accept(other.id, "second")
    with pytest.raises(IdempotencyKeyReusedError):
        accept(asked.id, "second")
    suspended, _ = clinic.verify_doctor(
        doctor_id=doctor.id, decision=Decision.SUSPEND, reason="expired", actor=ADMINISTRATOR
    )
    with pytest.raises(LicenceInactiveError):
        clinic.accept_appointment(
            appointment_id=other.id, rev=1, doctor=suspended, idempotency=Idempotency(doctor.id, "key", "second")
        )
    with pytest.raises(ReplayedCommand):
        accept(asked.id, "first")
