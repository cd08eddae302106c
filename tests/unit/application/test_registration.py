"""Registration: reserved, made and added; or undone."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import attrs
import pytest

from telemed_core.domain.doctor import Decision, DoctorStatus
from telemed_core.domain.patient import ConsentKind
from telemed_core.domain.people import Password, Role
from telemed_core.domain.sagas import LEASE, Phase, SagaRow
from telemed_core.errors import (
    AlreadyRegisteredError,
    BusyError,
    ForbiddenError,
    InvalidError,
    InvalidTransitionError,
    NotFoundError,
    UnavailableError,
)
from telemed_core.testing.builders import SAO_PAULO, a_doctor, a_password, a_patient, an_administrator
from telemed_core.testing.contracts.suite import requested
from telemed_core.testing.faults import After, Before, Faulty, Twice
from telemed_core.testing.wiring import Clinic
from unit.saga.stage import Killed

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


def test_an_identity_is_told_the_role_of_each_user(clinic: Clinic) -> None:
    told = []

    class _Listening:
        def create(self, *arguments: Any, role: Role) -> None:
            told.append((arguments[0], role))
            clinic.identity.create(*arguments, role=role)

    beside, model = attrs.evolve(clinic, identity=_Listening()), an_administrator()
    doctor, patient = beside.register_doctor(**a_doctors()), beside.register_patient(**a_patients())
    other = beside.create_administrator(email=model.email, password=a_password(), time_zone=model.time_zone)
    assert told == [(doctor.id, Role.DOCTOR), (patient.id, Role.PATIENT), (other.id, Role.ADMINISTRATOR)]


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


def the_saga(clinic: Clinic) -> SagaRow:
    (row,) = clinic.log.list(name="register_patient", limit=2)
    return row


def test_a_registration_is_a_saga_that_has_completed_when_it_answers(clinic: Clinic) -> None:
    patient = clinic.register_patient(**a_patients())
    row = the_saga(clinic)
    assert (row.subject, row.progress.phase, row.seq, row.owner, row.due_at) == (
        patient.id,
        Phase.COMPLETED,
        2,
        None,
        None,
    )


def test_a_refused_password_leaves_a_saga_that_is_compensated_whole(clinic: Clinic) -> None:
    with pytest.raises(InvalidError):
        clinic.register_patient(**a_patients(password=COMMON))
    row = the_saga(clinic)
    assert (row.progress.phase, row.progress.error, row.due_at) == (Phase.COMPENSATED, "invalid_request", None)
    assert clinic.alarms == []


def test_what_is_wrong_with_a_doctor_reserves_nothing(clinic: Clinic) -> None:
    with pytest.raises(InvalidError):
        clinic.register_doctor(**a_doctors(specialties=()))
    assert clinic.log.list(limit=1) == []
    assert clinic.register_doctor(**a_doctors()).rev == 1


@pytest.mark.parametrize("fault", [Before(UnavailableError()), After(UnavailableError()), Twice()])
@pytest.mark.parametrize("port", ["add", "create"])
def test_a_failure_on_the_way_is_tried_again(clinic: Clinic, port: str, fault: Before | After | Twice) -> None:
    beside = clinic.beside(accounts=Faulty(clinic.stores.accounts, {port: [fault]}).port)
    beside = attrs.evolve(beside, identity=Faulty(clinic.identity, {port: [fault]}).port)
    patient = beside.register_patient(**a_patients())
    assert clinic.stores.accounts.find(patient.cpf) == patient
    assert clinic.identity.check(patient.id, a_password())
    assert the_saga(clinic).progress.phase is Phase.COMPLETED


def test_an_identity_that_stays_away_undoes_the_registration(clinic: Clinic) -> None:
    error = BusyError("hashing")
    beside = attrs.evolve(clinic, identity=Faulty(clinic.identity, {"create": [Before(error)] * 9}).port)
    with pytest.raises(BusyError) as raised:
        beside.register_patient(**a_patients())
    assert raised.value is error
    assert the_saga(clinic).progress.phase is Phase.COMPENSATED
    assert clinic.register_patient(**a_patients()).rev == 1


@pytest.mark.parametrize("fault", [Before, After])
def test_a_store_that_stays_away_at_the_pivot_is_not_guessed_about(
    clinic: Clinic, fault: Callable[[Exception], Before | After]
) -> None:
    plan = {"add": [Before(UnavailableError())] * 9, "release": [fault(UnavailableError())] * 2}
    beside = clinic.beside(accounts=Faulty(clinic.stores.accounts, plan).port)
    with pytest.raises((UnavailableError, BusyError)):
        beside.register_patient(**a_patients())
    clinic.pause(timedelta(minutes=1))
    clinic.run_sagas()
    assert the_saga(clinic).progress.phase is Phase.COMPENSATED
    assert clinic.register_patient(**a_patients()).rev == 1


@pytest.mark.parametrize(("store", "method"), [("accounts", "reserve"), ("accounts", "add"), ("sagas", "append")])
@pytest.mark.parametrize("fault", [Before, After])
def test_a_process_that_dies_on_the_way_leaves_all_or_nothing(
    clinic: Clinic, store: str, method: str, fault: Callable[[Any], Before | After]
) -> None:
    plan = {method: [fault(Killed())]}
    beside = clinic.beside(**{store: Faulty(getattr(clinic.stores, store), plan).port})
    with pytest.raises(Killed):
        beside.register_patient(**a_patients())
    clinic.pause(LEASE)
    clinic.run_sagas()
    patient = clinic.stores.accounts.find(a_patient().cpf)
    assert (patient is not None) == (method == "add" and fault is After)
    assert all(row.progress.phase.ended for row in clinic.log.list(limit=9))
    if patient is None:
        assert clinic.register_patient(**a_patients()).rev == 1
    else:
        assert clinic.identity.check(patient.id, a_password())


def test_until_its_lease_is_over_a_registration_is_nobody_elses(clinic: Clinic) -> None:
    beside = clinic.beside(accounts=Faulty(clinic.stores.accounts, {"add": [Before(Killed())]}).port)
    with pytest.raises(Killed):
        beside.register_patient(**a_patients())
    clinic.pause(LEASE - timedelta(microseconds=1))
    assert clinic.run_sagas() == 0
    with pytest.raises(AlreadyRegisteredError):
        clinic.register_patient(**a_patients())
    clinic.pause(timedelta(microseconds=1))
    assert clinic.run_sagas() == 1
    assert clinic.register_patient(**a_patients()).rev == 1


def test_an_identity_that_takes_too_long_is_busy_and_undone_behind(clinic: Clinic) -> None:
    class _Slow:
        def create(self, *arguments: Any, role: Role) -> None:
            clinic.pause(timedelta(seconds=6))
            clinic.identity.create(*arguments, role=role)

    with pytest.raises(BusyError):
        attrs.evolve(clinic, identity=_Slow()).register_patient(**a_patients())
    assert clinic.stores.accounts.find(a_patient().cpf) is None
    clinic.pause(LEASE)
    clinic.run_sagas()
    assert the_saga(clinic).progress.phase is Phase.COMPENSATED
    assert clinic.register_patient(**a_patients()).rev == 1


def test_whose_identity_is_removed_meanwhile_is_busy_and_may_register_again(clinic: Clinic) -> None:
    class _Sleeping:
        """An identity that is asked for when another process has undone the registration."""

        def create(self, *arguments: Any, role: Role) -> None:
            clinic.pause(LEASE)
            assert clinic.run_sagas() == 1
            clinic.identity.create(*arguments, role=role)

    with pytest.raises(BusyError):
        attrs.evolve(clinic, identity=_Sleeping()).register_patient(**a_patients())
    assert the_saga(clinic).progress.phase is Phase.COMPENSATED
    assert clinic.register_patient(**a_patients()).rev == 1


def test_who_sleeps_past_the_lease_adds_nothing_any_more(clinic: Clinic) -> None:
    class _Sleeping:
        """Accounts whose ``add`` comes when another process has undone the registration."""

        def __getattr__(self, name: str) -> Any:
            return getattr(clinic.stores.accounts, name)

        def add(self, account: Any, *, entry: Any) -> None:
            clinic.pause(LEASE)
            assert clinic.run_sagas() == 1
            clinic.stores.accounts.add(account, entry=entry)

    with pytest.raises(BusyError):
        clinic.beside(accounts=_Sleeping()).register_patient(**a_patients())
    assert the_saga(clinic).progress.phase is Phase.COMPENSATED
    assert clinic.stores.accounts.find(a_patient().cpf) is None
    assert clinic.register_patient(**a_patients()).rev == 1


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
