"""The contract of ``Appointments.list``: settled, filtered, ordered and paged."""

from datetime import timedelta

import attrs

from telemed_core.domain.appointment import Appointment
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.instants import Interval
from telemed_core.domain.patient import Patient
from telemed_core.domain.status import Status
from telemed_core.testing.contracts.suite import Suite, confirmed, requested
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import Clinic


class ListsContract(Suite):
    """Lists show what each appointment is at ``now``."""

    def test_each_account_lists_its_own_by_start(self, clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
        other, elsewhere = clinic.patient(2), clinic.doctor(2)
        mine = [requested(clinic, doctor, patient, days=days) for days in (3, 1)]
        theirs = requested(clinic, doctor, other, days=2)
        away = requested(clinic, elsewhere, patient, days=2)
        now, listed = clinic.clock.now(), clinic.stores.appointments.list
        assert [one.id for one in listed(patient.id, limit=9, now=now)] == [mine[1].id, away.id, mine[0].id]
        assert [one.id for one in listed(doctor.id, limit=9, now=now)] == [mine[1].id, theirs.id, mine[0].id]
        assert [one.id for one in listed(elsewhere.id, limit=9, now=now)] == [away.id]
        assert listed(other.id, limit=9, now=now)[0] == attrs.evolve(theirs, history=None)

    def test_pages_joined_are_the_whole_list(self, clinic: Clinic, doctor: Doctor) -> None:
        patients = [clinic.patient(number) for number in range(1, 4)]
        for number in range(9):
            requested(clinic, doctor, patients[number % 3], days=number + 1)
        now, listed = clinic.clock.now(), clinic.stores.appointments.list
        whole = list(listed(doctor.id, limit=99, now=now))
        assert len(whole) == 9
        paged: list[Appointment] = []
        after = None
        while page := listed(doctor.id, after=after, limit=2, now=now):
            assert len(page) <= 2
            paged += page
            after = (page[-1].visit.start, page[-1].id)
        assert paged == whole

    def test_starts_are_filtered_from_inclusive_to_exclusive(
        self, clinic: Clinic, doctor: Doctor, patient: Patient
    ) -> None:
        first, second, third = (requested(clinic, doctor, patient, days=days) for days in (1, 2, 3))
        within = Interval(first.visit.start, third.visit.start)
        found = clinic.stores.appointments.list(patient.id, starting=within, limit=9, now=clinic.clock.now())
        assert [one.id for one in found] == [first.id, second.id]

    def test_the_status_filter_sees_the_settled_state(
        self, clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient
    ) -> None:
        kept = confirmed(clinic, doctor, patient, days=9)
        missed = confirmed(clinic, doctor, patient, days=1)
        overdue = requested(clinic, doctor, patient, days=5)
        clock.advance(timedelta(days=2))
        fresh = requested(clinic, doctor, patient, days=3)
        written = requested(clinic, doctor, patient, days=4)
        clinic.refuse_appointment(appointment_id=written.id, doctor=doctor)
        expected = {
            (Status.CONFIRMED,): [kept.id],
            (Status.NO_SHOW,): [missed.id],
            (Status.EXPIRED,): [overdue.id],
            (Status.REQUESTED,): [fresh.id],
            (Status.REFUSED, Status.EXPIRED): [overdue.id, written.id],
            (Status.IN_PROGRESS,): [],
        }
        for statuses, ids in expected.items():
            found = clinic.stores.appointments.list(doctor.id, statuses=statuses, limit=9, now=clock.now())
            assert sorted(one.id for one in found) == sorted(ids)
            assert all(one.status in statuses for one in found)

    def test_a_page_is_full_although_much_is_filtered_out(
        self, clinic: Clinic, clock: SettableClock, doctor: Doctor
    ) -> None:
        patients = [clinic.patient(number) for number in range(1, 9)]
        for number in range(24):
            requested(clinic, doctor, patients[number % 8], days=number + 2)
        clock.advance(timedelta(days=1))
        last = [confirmed(clinic, doctor, patients[0], days=days) for days in (40, 41)]
        found = clinic.stores.appointments.list(doctor.id, statuses=[Status.CONFIRMED], limit=2, now=clock.now())
        assert [one.id for one in found] == [one.id for one in last]
