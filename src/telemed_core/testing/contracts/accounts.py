"""The contract of ``Accounts`` up to an account that is there."""

from datetime import timedelta

import attrs
import pytest

from telemed_core.domain.ids import AccountId, PersonId, SagaId
from telemed_core.domain.people import Cpf
from telemed_core.domain.sagas import LEASE, Phase, SagaRow
from telemed_core.errors import AlreadyRegisteredError, ConflictError, FencedError, NotFoundError
from telemed_core.ports.storage import Stores
from telemed_core.testing.builders import (
    MONDAY,
    a_cpf,
    a_crm,
    a_doctor,
    a_patient,
    a_reservation,
    an_administrator,
    an_email,
)
from telemed_core.testing.contracts.races import ROUNDS, at_once
from telemed_core.testing.contracts.sagas import INSTANT, moved
from telemed_core.testing.contracts.suite import Suite
from telemed_core.testing.wiring import Clinic


class AccountsContract(Suite):
    """Reserve, then add or release; find and get."""

    def test_an_added_account_is_got_and_found_by_each_of_its_logins(self, stores: Stores) -> None:
        for account, logins in (
            (a_doctor(), (a_doctor().crm,)),
            (a_patient(), (a_patient().cpf, a_patient().email)),
            (an_administrator(), (an_administrator().email,)),
        ):
            stores.accounts.reserve(a_reservation(account))
            stores.accounts.add(account)
            assert stores.accounts.get(account.id) == account
            assert [stores.accounts.find(login) for login in logins] == [account] * len(logins)

    def test_a_doctor_does_not_sign_in_by_cpf_or_email(self, stores: Stores) -> None:
        doctor = a_doctor()
        stores.accounts.reserve(a_reservation(doctor))
        stores.accounts.add(doctor)
        assert stores.accounts.find(doctor.cpf) is None
        assert stores.accounts.find(doctor.email) is None

    def test_every_field_of_a_profile_comes_back(self, stores: Stores) -> None:
        doctor = a_doctor(address="Rua das Flores, 12", name="Ângela de Sá")
        patient = a_patient(location=doctor.location)
        for account in (doctor, patient):
            stores.accounts.reserve(a_reservation(account))
            stores.accounts.add(account)
        assert attrs.asdict(stores.doctors.get(doctor.id)) == attrs.asdict(doctor)
        assert attrs.asdict(stores.patients.get(patient.id)) == attrs.asdict(patient)

    def test_a_reserved_account_is_not_found_before_it_is_added(self, stores: Stores) -> None:
        patient = a_patient()
        stores.accounts.reserve(a_reservation(patient))
        assert stores.accounts.find(patient.cpf) is None
        with pytest.raises(NotFoundError):
            stores.accounts.get(patient.id)

    def test_reserving_again_for_the_same_account_gives_the_same_answer(self, stores: Stores) -> None:
        reservation = a_reservation(a_patient())
        first = stores.accounts.reserve(reservation)
        again = stores.accounts.reserve(attrs.evolve(reservation, person_id=PersonId("another")))
        assert again == first == reservation.person_id

    def test_one_cpf_is_one_person_in_both_roles(self, stores: Stores) -> None:
        doctor = a_doctor()
        patient = a_patient(cpf=doctor.cpf)
        first = stores.accounts.reserve(a_reservation(doctor))
        assert stores.accounts.reserve(a_reservation(patient)) == first

    @pytest.mark.parametrize("same", ["cpf", "crm", "email"])
    def test_each_login_of_a_doctor_is_one_doctors(self, stores: Stores, same: str) -> None:
        first, second = a_doctor(1), a_doctor(2)
        stores.accounts.reserve(a_reservation(first))
        with pytest.raises(AlreadyRegisteredError):
            stores.accounts.reserve(a_reservation(attrs.evolve(second, **{same: getattr(first, same)})))

    def test_a_refused_reservation_reserves_nothing(self, stores: Stores) -> None:
        stores.accounts.reserve(a_reservation(a_doctor(1)))
        with pytest.raises(AlreadyRegisteredError):
            stores.accounts.reserve(a_reservation(a_doctor(2, crm=a_crm(1))))
        stores.accounts.reserve(a_reservation(a_doctor(3, cpf=a_doctor(2).cpf, email=a_doctor(2).email)))

    def test_an_email_is_one_patients_or_one_administrators(self, stores: Stores) -> None:
        stores.accounts.reserve(a_reservation(a_patient()))
        with pytest.raises(AlreadyRegisteredError):
            stores.accounts.reserve(a_reservation(an_administrator(email=a_patient().email)))

    def test_a_doctor_and_a_patient_may_share_an_email(self, stores: Stores) -> None:
        stores.accounts.reserve(a_reservation(a_doctor(email=an_email(7))))
        stores.accounts.reserve(a_reservation(a_patient(email=an_email(7))))

    def test_released_logins_are_free_again(self, stores: Stores) -> None:
        first = a_patient(1)
        stores.accounts.reserve(a_reservation(first))
        for _ in range(2):
            assert stores.accounts.release(first.id) is False
        again = a_patient(2, cpf=first.cpf, email=first.email)
        stores.accounts.reserve(a_reservation(again))
        with pytest.raises(ConflictError):
            stores.accounts.add(first)
        assert stores.accounts.release(first.id) is False
        stores.accounts.add(again)
        assert stores.accounts.find(first.cpf) == again

    def test_releasing_what_was_added_or_never_reserved_changes_nothing(self, stores: Stores) -> None:
        patient = a_patient()
        stores.accounts.reserve(a_reservation(patient))
        stores.accounts.add(patient)
        assert stores.accounts.release(patient.id) is True
        assert stores.accounts.release(AccountId("nobody")) is False
        assert stores.accounts.find(patient.cpf) == patient

    def test_adding_again_changes_nothing(self, clinic: Clinic) -> None:
        doctor = clinic.doctor()
        before = clinic.stores.schedules.of(doctor.id)
        clinic.stores.accounts.add(a_doctor())
        assert clinic.stores.schedules.of(doctor.id) == before
        assert clinic.stores.accounts.get(doctor.id) == doctor

    def test_what_is_not_reserved_is_not_added(self, stores: Stores) -> None:
        with pytest.raises(ConflictError):
            stores.accounts.add(a_patient())

    def test_an_unknown_login_is_none_and_an_unknown_id_not_found(self, stores: Stores) -> None:
        assert stores.accounts.find(Cpf.parse("529.982.247-25")) is None
        with pytest.raises(NotFoundError):
            stores.accounts.get(AccountId("nobody"))

    def test_a_patient_is_no_doctor_and_a_doctor_no_patient(self, clinic: Clinic) -> None:
        doctor, patient = clinic.doctor(), clinic.patient()
        with pytest.raises(NotFoundError):
            clinic.stores.doctors.get(patient.id)  # type: ignore[arg-type] # what is tested
        with pytest.raises(NotFoundError):
            clinic.stores.patients.get(doctor.id)  # type: ignore[arg-type] # what is tested

    def test_names_come_in_one_read_and_unknown_ids_are_left_out(self, clinic: Clinic) -> None:
        doctor, patient = clinic.doctor(), clinic.patient()
        asked = (doctor.id, patient.id, AccountId("nobody"))
        assert clinic.stores.accounts.names(asked) == {doctor.id: doctor.name, patient.id: patient.name}
        assert clinic.stores.accounts.names(()) == {}

    def test_a_new_doctor_has_the_default_agenda_and_cannot_be_booked(self, clinic: Clinic) -> None:
        doctor = clinic.doctor(agenda=None, approved=False, time_zone="America/Manaus")
        schedule = clinic.stores.schedules.of(doctor.id)
        assert (schedule.rev, schedule.agenda_version, schedule.bookable) == (1, 0, False)
        assert (schedule.agenda.time_zone, schedule.agenda.weekly) == ("America/Manaus", ())
        assert (schedule.person_id, schedule.email) == (doctor.person_id, doctor.email)
        assert schedule.price_cents == doctor.price_cents

    def test_a_cpf_of_another_is_not_this_ones(self, stores: Stores) -> None:
        stores.accounts.reserve(a_reservation(a_patient()))
        stores.accounts.add(a_patient())
        assert stores.accounts.find(a_cpf(999_999_990)) is None


class RegistrationsContract(Suite):
    """The steps of a registration, each with its entry in the log."""

    def test_an_account_is_added_together_with_its_entry(self, stores: Stores) -> None:
        entry = moved(reserved(stores), phase=Phase.COMPLETED, step=3, at=MONDAY + INSTANT)
        for _ in range(2):
            stores.accounts.add(a_patient(), entry=entry)
            assert stores.accounts.find(a_patient().cpf) == a_patient()
            assert stores.sagas.get(entry.before.id) == (entry.after, ())

    def test_reserving_again_leaves_the_saga_as_it_has_gone_on(self, stores: Stores) -> None:
        row = stores.sagas.append(moved(reserved(stores), attempt=2))
        stores.accounts.reserve(a_reservation(a_patient()))
        assert stores.sagas.get(row.id) == (row, ())

    def test_an_account_that_is_added_without_an_entry_leaves_a_saga_that_has_completed(self, stores: Stores) -> None:
        before = reserved(stores)
        stores.accounts.add(a_patient())
        row, _ = stores.sagas.get(before.id)
        assert (row.progress.phase, row.due_at, row.owner) == (Phase.COMPLETED, None, None)
        assert list(stores.sagas.claim("here", now=MONDAY + timedelta(days=1), limit=9)) == []
        with pytest.raises(FencedError):
            stores.sagas.append(moved(before, attempt=2))

    @pytest.mark.parametrize("since", ["another entry", "another claim"])
    def test_what_is_fenced_adds_and_releases_nothing(self, stores: Stores, since: str) -> None:
        before = reserved(stores)
        if since == "another entry":
            stores.sagas.append(moved(before, attempt=2))
        else:
            stores.sagas.claim("here", now=MONDAY + LEASE, limit=9)
        left = stores.sagas.get(before.id)
        for entry in (moved(before, step=3), moved(before, phase=Phase.COMPENSATED, step=-1)):
            with pytest.raises(FencedError):
                stores.accounts.add(a_patient(), entry=entry)
            with pytest.raises(FencedError):
                stores.accounts.release(a_patient().id, entry=entry)
        assert stores.accounts.find(a_patient().cpf) is None
        assert stores.sagas.get(before.id) == left
        with pytest.raises(AlreadyRegisteredError):
            stores.accounts.reserve(a_reservation(a_patient(2, cpf=a_patient().cpf)))
        stores.accounts.add(a_patient())
        assert stores.accounts.find(a_patient().cpf) == a_patient()

    def test_logins_are_released_together_with_the_entry(self, stores: Stores) -> None:
        entry = moved(reserved(stores), phase=Phase.COMPENSATED, step=-1)
        for _ in range(2):
            assert stores.accounts.release(a_patient().id, entry=entry) is False
            assert stores.sagas.get(entry.before.id) == (entry.after, ())
        stores.accounts.reserve(a_reservation(a_patient(2, cpf=a_patient().cpf, email=a_patient().email)))
        assert stores.accounts.release(a_patient().id, entry=entry) is False
        stores.accounts.add(a_patient(2, cpf=a_patient().cpf, email=a_patient().email))

    def test_logins_released_before_are_released_with_an_entry_too(self, stores: Stores) -> None:
        before = reserved(stores)
        stores.accounts.release(a_patient().id)
        assert stores.sagas.get(before.id) == (before, ())
        entry = moved(before, phase=Phase.COMPENSATED, step=-1)
        assert stores.accounts.release(a_patient().id, entry=entry) is False
        assert stores.sagas.get(before.id) == (entry.after, ())

    def test_what_was_added_is_not_released_and_no_entry_is_written(self, stores: Stores) -> None:
        added = moved(reserved(stores), step=3)
        stores.accounts.add(a_patient(), entry=added)
        assert stores.accounts.release(a_patient().id, entry=moved(added.after, attempt=2)) is True
        assert stores.sagas.get(added.before.id) == (added.after, ())
        assert stores.accounts.find(a_patient().cpf) == a_patient()

    def test_what_was_added_is_not_added_again_by_another_entry(self, stores: Stores) -> None:
        added = moved(reserved(stores), step=3)
        for entry in (added, moved(added.before, attempt=2), moved(added.after, attempt=2)):
            stores.accounts.add(a_patient(), entry=entry)
            assert stores.sagas.get(added.before.id) == (added.after, ())

    def test_of_adding_and_releasing_at_once_one_wins(self, stores: Stores) -> None:
        for number in range(1, ROUNDS + 1):
            row, patient = reserved(stores, number), a_patient(number)
            added, released = moved(row, step=3), moved(row, phase=Phase.COMPENSATED, step=-1)
            at_once(
                [
                    lambda: stores.accounts.add(patient, entry=added),  # noqa: B023 # run before the loop goes on
                    lambda: stores.accounts.release(patient.id, entry=released),  # noqa: B023 # the same
                ]
            )
            won = added if stores.accounts.find(patient.cpf) else released
            assert stores.sagas.get(row.id) == (won.after, ())


def reserved(stores: Stores, number: int = 1) -> SagaRow:
    """The saga of patient number ``number``, whose logins are reserved."""
    reservation = a_reservation(a_patient(number))
    stores.accounts.reserve(reservation)
    return stores.sagas.get(SagaId(reservation.saga.id))[0]
