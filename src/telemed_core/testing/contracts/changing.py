"""The contract of ``Accounts`` where an account changes, and where it is closed."""

from datetime import timedelta
from typing import Any

import attrs
import pytest

from telemed_core.domain.accounts import Account
from telemed_core.domain.doctor import Decision, Doctor
from telemed_core.domain.ids import PatientId
from telemed_core.domain.instants import TimeZone
from telemed_core.domain.patient import Patient
from telemed_core.domain.people import Language
from telemed_core.domain.places import Cents, GeoPoint
from telemed_core.domain.specialties import Specialty
from telemed_core.errors import (
    LiveAppointmentsError,
    NotFoundError,
    ScheduleChangedError,
    StaleVersionError,
)
from telemed_core.ports.storage import Stores
from telemed_core.testing.builders import MONDAY, a_patient, a_reservation, an_administrator
from telemed_core.testing.contracts.races import ROUNDS, at_once
from telemed_core.testing.contracts.refusals import asking
from telemed_core.testing.contracts.sessions import has_ended, signed_in
from telemed_core.testing.contracts.suite import Suite, assert_clean, requested
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import Clinic


def changed(account: Any, **changes: Any) -> Any:
    """The account with these changes, one ``rev`` on."""
    return attrs.evolve(account, rev=account.rev + 1, **changes)


def logins_of(patient: Patient, stores: Stores) -> list[Account | None]:
    """Whom each of the patient's logins finds."""
    return [stores.accounts.find(login) for login in (patient.cpf, patient.email)]


class ProfilesContract(Suite):
    """Changed profiles."""

    def test_a_changed_profile_is_got_found_and_named(self, clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
        stores, administrator = clinic.stores, an_administrator()
        stores.accounts.reserve(a_reservation(administrator))
        stores.accounts.add(administrator)
        common = {"time_zone": TimeZone("America/Manaus"), "language": Language.ENGLISH}
        named = {"name": "Íris Sá", "location": GeoPoint(1.5, -2.5), **common}
        for account, login, changes in (
            (doctor, doctor.crm, {**named, "address": "Rua das Flores, 12"}),
            (patient, patient.email, named),
            (administrator, administrator.email, common),
        ):
            after = changed(account, **changes)
            stores.accounts.update(account, after)
            assert attrs.asdict(stores.accounts.get(account.id)) == attrs.asdict(after)
            assert stores.accounts.find(login) == after
        assert stores.accounts.names((doctor.id, patient.id)) == {doctor.id: "Íris Sá", patient.id: "Íris Sá"}

    def test_the_directory_finds_a_doctor_by_what_the_profile_says_now(self, clinic: Clinic) -> None:
        before = clinic.doctor(name="Ana Lima", specialties=(Specialty.CARDIOLOGY, Specialty.PEDIATRICS))
        other = clinic.doctor(2, name="Ana Reis")
        after = changed(before, name="Ângela Lima", specialties=(Specialty.PEDIATRICS, Specialty.DERMATOLOGY))
        clinic.stores.accounts.update(before, after)
        listed = clinic.stores.doctors.list
        assert [list(listed(name=name, limit=9)) for name in ("ana", "angela", "lima")] == [[other], [after], [after]]
        assert [list(listed(specialty=one, limit=9)) for one in (*before.specialties, *after.specialties)] == [
            [other],
            [after],
            [after],
            [after],
        ]
        clinic.stores.accounts.update(after, changed(after, name=before.name, specialties=before.specialties))
        assert len(listed(name="ana", specialty=Specialty.CARDIOLOGY, limit=9)) == 2

    def test_a_changed_price_is_the_schedules_and_raises_its_rev_alone(self, clinic: Clinic, doctor: Doctor) -> None:
        before = clinic.stores.schedules.of(doctor.id)
        after = changed(doctor, price_cents=Cents(31_000))
        clinic.stores.accounts.update(doctor, after)
        priced = attrs.evolve(before, price_cents=Cents(31_000), rev=before.rev + 1)
        assert clinic.stores.schedules.of(doctor.id) == priced
        clinic.stores.accounts.update(after, changed(after, name="Íris Sá", time_zone=TimeZone("Europe/Lisbon")))
        assert clinic.stores.schedules.of(doctor.id) == priced

    def test_a_booking_at_the_price_before_is_decided_again(
        self, clinic: Clinic, doctor: Doctor, patient: Patient
    ) -> None:
        commit = asking(clinic, doctor, patient)
        clinic.stores.accounts.update(doctor, changed(doctor, price_cents=Cents(31_000)))
        with pytest.raises(ScheduleChangedError):
            clinic.stores.appointments.apply(commit, command=clinic.command())
        assert requested(clinic, doctor, patient).price_cents == 31_000

    def test_writing_again_what_was_written_changes_nothing(self, clinic: Clinic, doctor: Doctor) -> None:
        after = changed(doctor, price_cents=Cents(31_000), name="Íris Sá")
        clinic.stores.accounts.update(doctor, after)
        schedule = clinic.stores.schedules.of(doctor.id)
        clinic.stores.accounts.update(doctor, after)
        assert clinic.stores.accounts.get(doctor.id) == after
        assert clinic.stores.schedules.of(doctor.id) == schedule

    def test_what_has_changed_since_is_stale_and_nothing_changes(self, clinic: Clinic, doctor: Doctor) -> None:
        stores = clinic.stores
        suspension = doctor.verify(Decision.SUSPEND, why="expired")
        stores.doctors.apply(suspension, command=clinic.command())
        schedule = stores.schedules.of(doctor.id)
        with pytest.raises(StaleVersionError):
            stores.accounts.update(doctor, changed(doctor, price_cents=Cents(31_000), name="Íris Sá"))
        assert stores.accounts.get(doctor.id) == suspension.after
        assert stores.schedules.of(doctor.id) == schedule
        assert list(stores.doctors.list(name="iris", limit=9)) == []

    def test_an_unknown_account_is_stale(self, stores: Stores) -> None:
        with pytest.raises(StaleVersionError):
            stores.accounts.update(a_patient(), changed(a_patient()))

    def test_a_closed_account_is_stale(self, clinic: Clinic, patient: Patient) -> None:
        closure = patient.close(now=MONDAY)
        clinic.stores.accounts.close(closure)
        for before in (patient, closure.after):
            with pytest.raises(StaleVersionError):
                clinic.stores.accounts.update(before, changed(before, name="Íris Sá"))
        assert clinic.stores.accounts.get(patient.id) == closure.after

    def test_of_many_changes_at_once_one_wins(self, clinic: Clinic, doctor: Doctor) -> None:
        for number in range(ROUNDS):
            before, schedule = clinic.stores.doctors.get(doctor.id), clinic.stores.schedules.of(doctor.id)
            afters = [changed(before, price_cents=Cents(1_000 * (8 * number + one))) for one in range(8)]
            answers = at_once([lambda one=one: clinic.stores.accounts.update(before, one) for one in afters])  # type: ignore[misc] # noqa: B023 # run before the loop goes on
            (winner,) = (after for after, answer in zip(afters, answers, strict=True) if answer is None)
            assert {type(answer) for answer in answers if answer is not None} == {StaleVersionError}
            assert clinic.stores.doctors.get(doctor.id) == winner
            priced = attrs.evolve(schedule, price_cents=winner.price_cents, rev=schedule.rev + 1)
            assert clinic.stores.schedules.of(doctor.id) == priced


class ClosingContract(Suite):
    """Closed accounts."""

    def test_a_closed_account_is_read_and_nobody_signs_in_to_it(self, clinic: Clinic, patient: Patient) -> None:
        stores, session = clinic.stores, signed_in(clinic, patient.id, 1)
        other = clinic.patient(2)
        others = signed_in(clinic, other.id, 2)
        closure = patient.close(now=MONDAY)
        stores.accounts.close(closure)
        assert stores.accounts.get(patient.id) == closure.after
        assert closure.after.closed_at == MONDAY
        assert stores.accounts.names((patient.id,)) == {patient.id: patient.name}
        assert logins_of(patient, stores) == [None, None]
        assert stores.credentials.get(patient.id) is None
        assert (has_ended(stores, session), has_ended(stores, others)) == (True, False)
        assert logins_of(other, stores) == [other, other]

    def test_no_new_live_appointment_is_made_for_it(self, clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
        commit = asking(clinic, doctor, patient)
        clinic.stores.accounts.close(patient.close(now=MONDAY))
        with pytest.raises(NotFoundError):
            clinic.stores.appointments.apply(commit, command=clinic.command())
        assert_clean(clinic.stores)

    def test_the_person_registers_anew_and_is_the_same(self, clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
        closure = patient.close(now=MONDAY)
        clinic.stores.accounts.close(closure)
        again = a_patient(2, cpf=patient.cpf, email=patient.email)
        assert clinic.stores.accounts.reserve(a_reservation(again)) == patient.person_id
        again = attrs.evolve(again, person_id=patient.person_id)
        clinic.stores.accounts.add(again)
        assert logins_of(again, clinic.stores) == [again, again]
        assert clinic.stores.accounts.get(patient.id) == closure.after
        assert requested(clinic, doctor, again).patient_id == again.id

    def test_closing_again_changes_nothing(self, clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
        closure = patient.close(now=MONDAY)
        clinic.stores.accounts.close(closure)
        again = a_patient(2, cpf=patient.cpf, email=patient.email, person_id=patient.person_id)
        clinic.stores.accounts.reserve(a_reservation(again))
        clinic.stores.accounts.add(again)
        later = MONDAY + timedelta(days=1)
        for repeat in (closure, patient.close(now=later), closure.after.close(now=later)):
            clinic.stores.accounts.close(repeat)
        assert clinic.stores.accounts.get(patient.id) == closure.after
        assert logins_of(again, clinic.stores) == [again, again]
        assert requested(clinic, doctor, again).patient_id == again.id

    def test_adding_a_closed_account_again_does_not_open_it(
        self, clinic: Clinic, doctor: Doctor, patient: Patient
    ) -> None:
        closure, commit = patient.close(now=MONDAY), asking(clinic, doctor, patient)
        clinic.stores.accounts.close(closure)
        clinic.stores.accounts.add(patient)
        assert clinic.stores.accounts.get(patient.id) == closure.after
        with pytest.raises(NotFoundError):
            clinic.stores.appointments.apply(commit, command=clinic.command())

    def test_an_account_with_live_appointments_is_not_closed_also_where_time_has_ended_them(
        self, clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient
    ) -> None:
        stores, session = clinic.stores, signed_in(clinic, patient.id, 1)
        requested(clinic, doctor, patient)
        clock.advance(timedelta(days=30))
        closure = patient.close(now=clock.now())
        with pytest.raises(LiveAppointmentsError):
            stores.accounts.close(closure)
        assert stores.accounts.get(patient.id) == patient
        assert logins_of(patient, stores) == [patient, patient]
        assert stores.sessions.account_of(session.id, patient.id) == patient
        later = requested(clinic, doctor, patient)
        clinic.refuse_appointment(appointment_id=later.id, doctor=doctor)
        clinic.sweep()
        stores.accounts.close(closure)
        assert stores.accounts.get(patient.id) == closure.after

    def test_what_has_changed_since_is_stale_and_stays_open(self, clinic: Clinic, patient: Patient) -> None:
        after = changed(patient, name="Íris Sá")
        clinic.stores.accounts.update(patient, after)
        with pytest.raises(StaleVersionError):
            clinic.stores.accounts.close(patient.close(now=MONDAY))
        assert logins_of(patient, clinic.stores) == [after, after]

    def test_an_unknown_account_is_stale(self, stores: Stores) -> None:
        with pytest.raises(StaleVersionError):
            stores.accounts.close(a_patient().close(now=MONDAY))

    def test_of_a_closing_and_a_request_at_once_one_wins(self, clinic: Clinic, doctor: Doctor) -> None:
        for number in range(1, ROUNDS + 1):
            patient = clinic.patient(number)
            asked, closed = at_once(
                [
                    lambda: requested(clinic, doctor, patient, days=number),  # noqa: B023 # run before the loop goes on
                    lambda: clinic.stores.accounts.close(patient.close(now=MONDAY)),  # noqa: B023 # the same
                ]
            )
            assert (type(asked), type(closed)) in {
                (NotFoundError, type(None)),
                (type(asked), LiveAppointmentsError),
            }
            live = clinic.stores.appointments.list(patient.id, limit=9, now=clinic.clock.now())
            assert len(live) == (closed is not None)
            assert_clean(clinic.stores)

    def test_what_the_record_has_no_need_of_is_erased(self, clinic: Clinic, doctor: Doctor) -> None:
        stores, patient, other = clinic.stores, clinic.patient(location=doctor.location), clinic.patient(2)
        closure = patient.close(now=MONDAY)
        stores.accounts.close(closure)
        for _ in range(2):
            stores.accounts.anonymise(patient.id)
            assert attrs.asdict(stores.patients.get(patient.id)) == attrs.asdict(closure.after.anonymised())
            assert stores.accounts.get(patient.id) == closure.after.anonymised()
        stores.accounts.close(closure)
        assert stores.accounts.get(patient.id) == closure.after.anonymised()
        assert stores.accounts.names((patient.id,)) == {patient.id: patient.name}
        assert stores.accounts.get(other.id) == other

    def test_an_account_that_is_open_or_unknown_is_not_anonymised(self, clinic: Clinic, patient: Patient) -> None:
        clinic.stores.accounts.anonymise(patient.id)
        clinic.stores.accounts.anonymise(PatientId("nobody"))
        assert clinic.stores.accounts.get(patient.id) == patient
        assert logins_of(patient, clinic.stores) == [patient, patient]
