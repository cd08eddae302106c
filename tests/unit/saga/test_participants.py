"""What the sagas of this system do, end to end on a clinic in memory, and under faults."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest

from telemed_core.domain.appointment import Appointment
from telemed_core.domain.doctor import Decision, Doctor
from telemed_core.domain.ids import SagaId
from telemed_core.domain.notices import Kind
from telemed_core.domain.patient import Patient
from telemed_core.domain.people import Role
from telemed_core.domain.sagas import LEASE, Phase, PublishedMark, SagaEntry
from telemed_core.errors import StaleVersionError, UnavailableError
from telemed_core.saga.deciding import Broken, Ok, Refused, Resolution, Uncertain, decide
from telemed_core.saga.driving import Asked
from telemed_core.saga.sagas import SAGAS
from telemed_core.testing.builders import a_password, a_patient, a_reservation, an_administrator
from telemed_core.testing.contracts.suite import requested
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.faults import After, Before, Faulty, Twice
from telemed_core.testing.wiring import Clinic
from unit.saga.looking import accepted, phases, published

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
PASSWORD = a_password()


def asked(clinic: Clinic, saga_id: str, **facts: Any) -> Asked:
    """What is asked next of that saga."""
    row = attrs.evolve(clinic.log.get(SagaId(saga_id))[0], **facts)
    saga = clinic.registry.find(row)
    assert saga is not None
    call = decide(saga, row.id, row.progress)
    progress = attrs.evolve(row.progress, step=row.progress.step + 1)
    return Asked(row=row, call=call, entry=SagaEntry(before=row, progress=progress, at=clinic.clock.now()))  # type: ignore[arg-type]


def test_every_call_of_every_saga_is_answered(clinic: Clinic) -> None:
    calls = {name for saga in SAGAS for step in saga.steps for name in (step.do, step.undo, step.resolve) if name}
    assert calls - set(clinic.participants) == {"co_committed"}
    assert set(clinic.participants) <= calls


def test_each_change_is_published_once_and_in_order(clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
    appointment = requested(clinic, doctor, patient)
    assert published(clinic) == []
    accepted(clinic, appointment, doctor)
    clinic.cancel_appointment(appointment_id=appointment.id, reason="ill", actor=patient)
    assert clinic.run_sagas() == 3
    assert published(clinic) == [(Kind.REQUESTED, 1), (Kind.CONFIRMED, 2), (Kind.CANCELLED, 3)]
    assert clinic.log.published(appointment.id) == 3
    assert set(phases(clinic).values()) == {Phase.COMPLETED}


def test_of_two_sagas_of_one_appointment_the_later_publishes_what_the_earlier_has_not(
    clinic: Clinic, doctor: Doctor, patient: Patient
) -> None:
    appointment = requested(clinic, doctor, patient)
    first = clinic.log.claim("dead", now=clinic.clock.now(), limit=1)
    assert [row.id for row in first] == [f"{appointment.id}.1"]
    accepted(clinic, appointment, doctor)
    assert clinic.run_sagas() == 1
    assert published(clinic) == [(Kind.REQUESTED, 1), (Kind.CONFIRMED, 2)]
    clinic.pause(LEASE)
    assert clinic.run_sagas() == 1
    assert len(published(clinic)) == 2
    assert set(phases(clinic).values()) == {Phase.COMPLETED}


def test_who_finds_its_mark_moved_reads_again(clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
    appointment = requested(clinic, doctor, patient)
    log = clinic.log

    class _Overtaken:
        """A log in which another saga of the appointment publishes between the reading of the mark and its moving."""

        times = 1

        def __getattr__(self, name: str) -> Any:
            return getattr(log, name)

        def append(self, entry: SagaEntry, *, mark: PublishedMark | None = None) -> Any:
            if mark is not None and self.times > 0:
                self.times -= 1
                raise StaleVersionError
            return log.append(entry, mark=mark)

    overtaken = _Overtaken()
    beside = clinic.beside(sagas=overtaken)
    assert beside.participants["publish_changes"](asked(clinic, f"{appointment.id}.1")) == Ok()
    assert log.published(appointment.id) == 1
    cancelled = clinic.cancel_appointment(appointment_id=appointment.id, reason="ill", actor=patient)
    overtaken.times = 99
    late = beside.participants["publish_changes"](asked(clinic, f"{cancelled.id}.2"))
    assert late == Uncertain("stale_version")
    assert log.published(appointment.id) == 1


@pytest.mark.parametrize("fault", [Before(UnavailableError()), After(UnavailableError()), Twice()])
def test_a_reader_sees_each_change_once_whatever_happens_to_its_publishing(
    clinic: Clinic, doctor: Doctor, patient: Patient, fault: Before | After | Twice
) -> None:
    appointment = requested(clinic, doctor, patient)
    beside = clinic.beside(notices=Faulty(clinic.stores.notices, {"add": [fault]}).port)
    beside.run_sagas()
    clinic.pause(LEASE)
    beside.run_sagas()
    inbox = clinic.list_notices(reader=doctor)
    assert [one.notice.kind for one in inbox if one.notice.subject == appointment.id] == [Kind.REQUESTED]
    assert set(phases(clinic).values()) == {Phase.COMPLETED}


def test_decisions_on_a_registration_are_told_each_at_its_instant(clinic: Clinic) -> None:
    doctor = clinic.doctor(approved=False)
    root, instants = an_administrator(), []
    for decision in (Decision.APPROVE, Decision.SUSPEND, Decision.APPROVE):
        clinic.verify_doctor(doctor_id=doctor.id, decision=decision, reason="because", actor=root)
        instants.append(clinic.clock.now())
        clinic.pause(HOUR)
    assert clinic.run_sagas() == 3
    told = clinic.publisher.published
    assert [(one.kind, one.seq) for one in told] == [(Kind.APPROVED, 2), (Kind.SUSPENDED, 3), (Kind.APPROVED, 4)]
    assert [one.at for one in told] == instants
    assert clinic.log.published(doctor.id) == 4


def reminders(clinic: Clinic) -> dict[str, datetime | None]:
    return {row.id: row.due_at for row in clinic.log.list(name="remind", limit=99)}


@pytest.mark.parametrize(
    ("before", "names"), [(25 * HOUR, ["24h", "1h"]), (24 * HOUR, ["1h"]), (2 * HOUR, ["1h"]), (HOUR, [])]
)
def test_reminders_are_set_that_are_still_ahead(
    clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient, before: timedelta, names: list[str]
) -> None:
    appointment = requested(clinic, doctor, patient, days=3)
    accepted(clinic, appointment, doctor)
    clock.set(appointment.visit.start - before)
    clinic.run_sagas()
    hours = {"24h": DAY, "1h": HOUR}
    assert reminders(clinic) == {f"{appointment.id}.2.{one}": appointment.visit.start - hours[one] for one in names}


def test_both_sides_are_reminded_a_day_and_an_hour_before(
    clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient
) -> None:
    appointment = accepted(clinic, requested(clinic, doctor, patient, days=3), doctor)
    clinic.run_sagas()
    clinic.publisher.published.clear()
    for ahead in (DAY, HOUR):
        clock.set(appointment.visit.start - ahead - timedelta(seconds=1))
        assert clinic.run_sagas() == 0
        clock.set(appointment.visit.start - ahead)
        assert clinic.run_sagas() == 1
    told = clinic.publisher.published
    assert [(one.id, one.kind, one.seq, one.at) for one in told] == [
        (f"{appointment.id}.2.{name}", Kind.REMINDER, 2, appointment.visit.start - ahead)
        for name, ahead in (("24h", DAY), ("1h", HOUR))
    ]
    for reader in (doctor, patient):
        kinds = [one.notice.kind for one in clinic.list_notices(reader=reader)]
        assert kinds.count(Kind.REMINDER) == 2


def _cancelled(clinic: Clinic, appointment: Appointment, doctor: Doctor, patient: Patient) -> None:
    clinic.cancel_appointment(appointment_id=appointment.id, reason="ill", actor=patient)


def _agreed(clinic: Clinic, appointment: Appointment, doctor: Doctor, patient: Patient) -> None:
    start = appointment.visit.start + 2 * DAY
    proposed = clinic.reschedule_appointment(appointment_id=appointment.id, start=start, actor=doctor)
    assert proposed.proposal is not None
    clinic.agree_to_reschedule(appointment_id=appointment.id, proposal_id=proposed.proposal.id, actor=patient)


def _proposed(clinic: Clinic, appointment: Appointment, doctor: Doctor, patient: Patient) -> None:
    start = appointment.visit.start + 2 * DAY
    clinic.reschedule_appointment(appointment_id=appointment.id, start=start, actor=doctor)


@pytest.mark.parametrize(("change", "reminded"), [(_cancelled, 0), (_agreed, 0), (_proposed, 1)])
def test_nobody_is_reminded_of_what_is_no_more(
    clinic: Clinic,
    clock: SettableClock,
    doctor: Doctor,
    patient: Patient,
    change: Callable[[Clinic, Appointment, Doctor, Patient], None],
    reminded: int,
) -> None:
    appointment = accepted(clinic, requested(clinic, doctor, patient, days=3), doctor)
    clinic.run_sagas()
    change(clinic, appointment, doctor, patient)
    clinic.run_sagas()
    clinic.publisher.published.clear()
    clock.set(appointment.visit.start - HOUR)
    clinic.run_sagas()
    assert [one.id for one in clinic.publisher.published if one.kind is Kind.REMINDER] == [
        f"{appointment.id}.2.{name}" for name in ("24h", "1h")[: 2 * reminded]
    ]


def test_a_visit_that_has_begun_is_not_reminded_of(
    clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient
) -> None:
    appointment = accepted(clinic, requested(clinic, doctor, patient, days=3), doctor)
    clinic.run_sagas()
    clinic.publisher.published.clear()
    clock.set(appointment.visit.start)
    assert clinic.run_sagas() == 2
    assert published(clinic) == []


def test_the_reminders_of_a_moved_visit_are_those_of_its_new_time(
    clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient
) -> None:
    appointment = accepted(clinic, requested(clinic, doctor, patient, days=3), doctor)
    _agreed(clinic, appointment, doctor, patient)
    clinic.run_sagas()
    moved = appointment.visit.start + 2 * DAY
    start = appointment.visit.start
    assert reminders(clinic) == {
        f"{appointment.id}.2.24h": start - DAY,
        f"{appointment.id}.2.1h": start - HOUR,
        f"{appointment.id}.4.24h": moved - DAY,
        f"{appointment.id}.4.1h": moved - HOUR,
    }
    clinic.publisher.published.clear()
    clock.set(moved - HOUR)
    clinic.run_sagas()
    assert {one.id for one in clinic.publisher.published} == {f"{appointment.id}.4.24h", f"{appointment.id}.4.1h"}
    assert {one.start for one in clinic.publisher.published} == {moved}


def unfinished(clinic: Clinic) -> Patient:
    patient = a_patient()
    clinic.stores.accounts.reserve(a_reservation(patient))
    return patient


def test_without_its_use_case_a_registration_goes_no_further(clinic: Clinic) -> None:
    patient = unfinished(clinic)
    for operation in ("create_identity", "create_profile"):
        assert clinic.participants[operation](asked(clinic, f"{patient.id}.0")) == Refused("not_by_itself")


def test_an_unfinished_registration_is_undone_by_whoever_finds_it(clinic: Clinic) -> None:
    patient = unfinished(clinic)
    clinic.identity.create(patient.id, PASSWORD, role=Role.PATIENT)
    assert clinic.run_sagas() == 0
    clinic.pause(LEASE)
    assert clinic.run_sagas() == 1
    row = clinic.log.get(SagaId(f"{patient.id}.0"))[0]
    assert (row.progress.phase, row.progress.error) == (Phase.COMPENSATED, "not_by_itself")
    assert not clinic.identity.check(patient.id, PASSWORD)
    clinic.stores.accounts.reserve(a_reservation(a_patient(2, cpf=patient.cpf, email=patient.email)))


@pytest.mark.parametrize("added", [False, True])
def test_a_pivot_is_resolved_by_whether_the_account_was_added(clinic: Clinic, added: bool) -> None:
    patient = unfinished(clinic)
    saga_id = f"{patient.id}.0"
    if added:
        clinic.stores.accounts.add(patient)
    resolved = clinic.participants["resolve_profile"](asked(clinic, saga_id))
    assert resolved == Ok(Resolution.COMMITTED if added else Resolution.ABORTED)


def test_an_account_that_was_added_is_never_undone(clinic: Clinic) -> None:
    patient = unfinished(clinic)
    clinic.stores.accounts.add(patient)
    assert clinic.participants["release_logins"](asked(clinic, f"{patient.id}.0")) == Broken("added")
    assert clinic.stores.accounts.find(patient.cpf) == patient
