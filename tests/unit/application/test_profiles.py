"""What people change of their own accounts, up to closing them."""

import attrs
import pytest

from telemed_core.domain.doctor import Doctor
from telemed_core.domain.patient import Patient
from telemed_core.domain.places import Cents
from telemed_core.domain.specialties import Specialty
from telemed_core.errors import BusyError, InvalidError, LiveAppointmentsError, NotFoundError, StaleVersionError
from telemed_core.testing.builders import a_reservation, an_administrator
from telemed_core.testing.contracts.suite import requested
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import Clinic


def test_what_is_changed_is_changed_and_the_rest_stays(clinic: Clinic, doctor: Doctor) -> None:
    changed = clinic.change_profile(actor=doctor, changes={"name": "Ana Sá", "price_cents": Cents(1)})
    assert changed == attrs.evolve(doctor, name="Ana Sá", price_cents=Cents(1), rev=doctor.rev + 1)
    assert clinic.stores.doctors.get(doctor.id) == changed
    assert clinic.stores.schedules.of(doctor.id).price_cents == 1


def test_the_change_is_made_to_what_the_account_is_now(clinic: Clinic, doctor: Doctor) -> None:
    clinic.change_profile(actor=doctor, changes={"name": "Ana Sá"})
    changed = clinic.change_profile(actor=doctor, changes={"specialties": (Specialty.UROLOGY,)})
    assert isinstance(changed, Doctor)
    assert (changed.name, changed.specialties) == ("Ana Sá", (Specialty.UROLOGY,))


def test_nothing_changed_writes_nothing(clinic: Clinic, patient: Patient) -> None:
    assert clinic.change_profile(actor=patient, changes={}) == patient
    assert clinic.change_profile(actor=patient, changes={"name": patient.name}) == patient


def test_an_administrator_has_a_profile_too(clinic: Clinic) -> None:
    administrator = an_administrator()
    clinic.stores.accounts.reserve(a_reservation(administrator))
    clinic.stores.accounts.add(administrator)
    changed = clinic.change_profile(actor=administrator, changes={"time_zone": "UTC"})
    assert (
        clinic.stores.accounts.get(administrator.id) == changed == attrs.evolve(administrator, time_zone="UTC", rev=2)
    )


def test_a_profile_that_would_not_be_valid_is_refused(clinic: Clinic, doctor: Doctor) -> None:
    with pytest.raises(InvalidError) as refused:
        clinic.change_profile(actor=doctor, changes={"specialties": ()})
    assert refused.value.fields[0].field == "specialties"
    assert clinic.stores.doctors.get(doctor.id) == doctor


def test_a_profile_that_others_keep_changing_is_decided_again_three_times(clinic: Clinic, patient: Patient) -> None:
    tries = []

    @attrs.frozen
    class Contended:
        """Accounts that somebody else is always first to change."""

        def get(self, _: object) -> Patient:
            return patient

        def update(self, before: object, after: object) -> None:
            tries.append(after)
            raise StaleVersionError

    contended = clinic.beside(accounts=Contended())
    with pytest.raises(BusyError):
        contended.change_profile(actor=patient, changes={"name": "Bia Reis"})
    assert len(tries) == 3


def test_a_closed_account_is_found_by_nobody_and_still_has_its_name(clinic: Clinic, patient: Patient) -> None:
    clinic.close_account(patient=patient)
    assert clinic.stores.accounts.find(patient.cpf) is None
    assert clinic.stores.accounts.find(patient.email) is None
    assert clinic.stores.patients.get(patient.id).closed_at == clinic.clock.now()
    assert clinic.stores.accounts.names((patient.id,)) == {patient.id: patient.name}


def test_an_account_with_an_appointment_to_come_is_not_closed(
    clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient
) -> None:
    asked = requested(clinic, doctor, patient)
    with pytest.raises(LiveAppointmentsError):
        clinic.close_account(patient=patient)
    assert clinic.stores.accounts.find(patient.cpf) == patient
    clock.set(asked.decision_deadline)
    clinic.close_account(patient=patient)
    assert clinic.stores.accounts.find(patient.cpf) is None


def test_a_closed_account_books_nothing(clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
    clinic.close_account(patient=patient)
    with pytest.raises(NotFoundError):
        requested(clinic, doctor, patient)


def test_whoever_comes_back_is_the_same_person_and_books_again(
    clinic: Clinic, doctor: Doctor, patient: Patient
) -> None:
    clinic.close_account(patient=patient)
    again = clinic.patient(2, cpf=patient.cpf, email=patient.email)
    assert again.person_id == patient.person_id
    assert requested(clinic, doctor, again).patient_id == again.id
