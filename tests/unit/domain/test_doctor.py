"""A doctor's registration, from pending to approved and suspended."""

import pytest

from telemed_core.domain.doctor import Decision, DoctorStatus
from telemed_core.domain.specialties import Specialty
from telemed_core.errors import InvalidError, InvalidTransitionError, LicenceInactiveError
from telemed_core.testing.builders import a_doctor

NEXT = {
    (DoctorStatus.PENDING, Decision.APPROVE): DoctorStatus.APPROVED,
    (DoctorStatus.PENDING, Decision.REJECT): DoctorStatus.REJECTED,
    (DoctorStatus.APPROVED, Decision.SUSPEND): DoctorStatus.SUSPENDED,
    (DoctorStatus.REJECTED, Decision.APPROVE): DoctorStatus.APPROVED,
    (DoctorStatus.SUSPENDED, Decision.APPROVE): DoctorStatus.APPROVED,
}


@pytest.mark.parametrize("status", DoctorStatus)
@pytest.mark.parametrize("decision", Decision)
def test_a_decision_follows_from_where_the_registration_stands_or_is_refused(
    status: DoctorStatus, decision: Decision
) -> None:
    doctor = a_doctor(status=status, rev=4)
    if (status, decision) not in NEXT:
        with pytest.raises(InvalidTransitionError):
            doctor.verify(decision, why="a reason")
        return
    verification = doctor.verify(decision, why="a reason")
    assert verification.before == doctor
    assert (verification.after.status, verification.after.rev) == (NEXT[status, decision], 5)
    assert [(text.key.owner, text.key.seq, text.body) for text in verification.texts] == [(doctor.id, 5, "a reason")]
    assert (verification.saga.id, verification.saga.name, verification.saga.subject) == (
        f"{doctor.id}.5",
        "verification",
        doctor.id,
    )


def test_a_reason_is_required_but_for_approval() -> None:
    assert a_doctor(status=DoctorStatus.PENDING).verify(Decision.APPROVE, why=None).texts == ()
    for decision, status in ((Decision.REJECT, DoctorStatus.PENDING), (Decision.SUSPEND, DoctorStatus.APPROVED)):
        with pytest.raises(InvalidError) as refused:
            a_doctor(status=status).verify(decision, why=None)
        assert refused.value.fields[0].field == "reason"


@pytest.mark.parametrize("status", DoctorStatus)
def test_only_an_approved_doctor_has_a_licence(status: DoctorStatus) -> None:
    doctor = a_doctor(status=status)
    assert doctor.approved == (status is DoctorStatus.APPROVED)
    if doctor.approved:
        doctor.check_licence()
    else:
        with pytest.raises(LicenceInactiveError):
            doctor.check_licence()


@pytest.mark.parametrize("specialties", [(), (Specialty.UROLOGY, Specialty.UROLOGY)])
def test_a_doctor_has_at_least_one_specialty_and_each_once(specialties: tuple[Specialty, ...]) -> None:
    with pytest.raises(InvalidError) as refused:
        a_doctor(specialties=specialties)
    assert refused.value.fields[0].field == "specialties"


def test_a_doctor_is_printed_without_name_place_and_numbers() -> None:
    doctor = a_doctor(name="Ana Lima", address="Rua das Flores")
    shown = repr(doctor)
    for hidden in ("Ana", "Flores", doctor.cpf.digits, doctor.email.address, "-23.5"):
        assert hidden not in shown
