"""Registration: reserved, made and added; or undone."""

from datetime import date
from typing import Any

import pytest

from telemed_core.domain.doctor import Decision, DoctorStatus
from telemed_core.domain.patient import ConsentKind
from telemed_core.domain.people import Password
from telemed_core.errors import (
    AlreadyRegisteredError,
    ForbiddenError,
    InvalidError,
    InvalidTransitionError,
    NotFoundError,
    UnavailableError,
)
from telemed_core.testing.builders import SAO_PAULO, a_doctor, a_password, a_patient, an_administrator
from telemed_core.testing.contracts.suite import requested
from telemed_core.testing.faults import After, Before, Faulty
from telemed_core.testing.wiring import Clinic

COMMON = Password("password1234")


def a_doctors(**changed: Any) -> dict[str, Any]:
    model = a_doctor()
    fields = ("name", "crm", "email", "cpf", "specialties", "location", "address", "time_zone", "price_cents")
    return {name: getattr(model, name) for name in fields} | {"password": a_password()} | changed


def a_patients(**changed: Any) -> dict[str, Any]:
    model = a_patient()
    facts = {name: getattr(model, name) for name in ("name", "cpf", "email", "time_zone")}
    rest = {"born": date(1980, 2, 29), "location": SAO_PAULO, "consented": tuple(ConsentKind)}
    return facts | rest | {"password": a_password()} | changed


def test_a_doctor_registers_and_waits_for_verification(clinic: Clinic) -> None:
    doctor = clinic.register_doctor(**a_doctors())
    assert doctor.status is DoctorStatus.PENDING
    assert clinic.stores.accounts.find(doctor.crm) == doctor
    assert clinic.identity.check(doctor.id, a_password())
    assert not clinic.stores.schedules.of(doctor.id).bookable


def test_a_patient_registers_and_is_the_same_person_as_the_doctor_of_that_cpf(clinic: Clinic) -> None:
    doctor = clinic.register_doctor(**a_doctors())
    patient = clinic.register_patient(**a_patients(cpf=doctor.cpf))
    assert patient.person_id == doctor.person_id
    assert clinic.stores.accounts.find(patient.email) == patient
    assert [consent.at for consent in patient.consents] == [clinic.clock.now()] * 2


def test_an_administrator_is_created(clinic: Clinic) -> None:
    model = an_administrator()
    made = clinic.create_administrator(email=model.email, password=a_password(), time_zone=model.time_zone)
    assert clinic.stores.accounts.find(model.email) == made


def test_who_is_registered_is_not_registered_again(clinic: Clinic) -> None:
    clinic.register_patient(**a_patients())
    with pytest.raises(AlreadyRegisteredError):
        clinic.register_patient(**a_patients())


@pytest.mark.parametrize("wrong", [{"born": date(1899, 1, 1)}, {"consented": ()}])
def test_a_wrong_patient_reserves_nothing(clinic: Clinic, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidError):
        clinic.register_patient(**a_patients(**wrong))
    assert clinic.register_patient(**a_patients()).rev == 1


def test_a_refused_password_undoes_the_reservation(clinic: Clinic) -> None:
    with pytest.raises(InvalidError) as refused:
        clinic.register_patient(**a_patients(password=COMMON))
    assert refused.value.fields[0].field == "password"
    patient = clinic.register_patient(**a_patients())
    assert clinic.identity.check(patient.id, a_password())


@pytest.mark.parametrize("fault", [Before(UnavailableError()), After(UnavailableError())])
def test_a_failure_while_the_account_is_added_is_left_to_the_saga(clinic: Clinic, fault: Before | After) -> None:
    beside = clinic.beside(accounts=Faulty(clinic.stores.accounts, {"add": [fault]}).port)
    with pytest.raises(UnavailableError):
        beside.register_patient(**a_patients())
    with pytest.raises(AlreadyRegisteredError):
        clinic.register_patient(**a_patients())
    assert (clinic.stores.accounts.find(a_patient().cpf) is None) == isinstance(fault, Before)


def test_a_doctor_of_all_names_is_verified_by_an_administrator_alone(clinic: Clinic) -> None:
    doctor, patient = clinic.doctor(approved=False), clinic.patient()
    for actor in (doctor, patient):
        with pytest.raises(ForbiddenError):
            clinic.verify_doctor(doctor_id=doctor.id, decision=Decision.APPROVE, reason=None, actor=actor)
    approved, affected = clinic.verify_doctor(
        doctor_id=doctor.id, decision=Decision.APPROVE, reason=None, actor=an_administrator()
    )
    assert (approved.status, list(affected)) == (DoctorStatus.APPROVED, [])
    asked = requested(clinic, approved, patient)
    suspended, affected = clinic.verify_doctor(
        doctor_id=doctor.id, decision=Decision.SUSPEND, reason="expired", actor=an_administrator()
    )
    assert (suspended.status, list(affected)) == (DoctorStatus.SUSPENDED, [asked.id])
    with pytest.raises(NotFoundError):
        requested(clinic, approved, clinic.patient(2), days=2)
    with pytest.raises(InvalidTransitionError):
        clinic.verify_doctor(doctor_id=doctor.id, decision=Decision.REJECT, reason="x" * 9, actor=an_administrator())
