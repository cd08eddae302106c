"""Edits, blocks and decisions on DynamoDB: with bookings beside them, after crashes, and where answers are lost."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from threading import Barrier
from typing import Any

import attrs
import pytest

from adapters.aws.calling import Call
from adapters.aws.retrying import Patience
from adapters.dynamodb.access import Dynamo, Query
from adapters.dynamodb.items import head_key
from adapters.dynamodb.opening import open_dynamodb
from adapters.dynamodb.tables import WORK, Tables
from adapters.memory import open_memory
from integration.emulator.faulty import Fault, Faulty
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import Commit, Idempotency
from telemed_core.domain.doctor import Decision, Doctor
from telemed_core.domain.ids import AppointmentId, BlockId, DoctorId
from telemed_core.domain.instants import Interval
from telemed_core.domain.patient import Patient
from telemed_core.domain.receipts import RECEIPT_LIFE, ReplayedCommand
from telemed_core.domain.schedule import Schedule, ScheduleEdit
from telemed_core.errors import NotFoundError, ScheduleChangedError, StaleVersionError, UnavailableError
from telemed_core.ports.services import Sealing
from telemed_core.ports.storage import Stores
from telemed_core.testing.builders import an_agenda
from telemed_core.testing.contracts.suite import requested
from telemed_core.testing.wiring import Clinic

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
WRITE = "TransactWriteItems"
ROUNDS = 12
BOOKERS = 4


@pytest.fixture
def stores(faulty: Faulty, tables: Tables, sealing: Sealing) -> Stores:
    patient = Dynamo(faulty, tables, Patience(sleep=lambda _: None))
    return open_dynamodb(patient, sealing=sealing, notices=open_memory().notices)


def blocking(
    clinic: Clinic, doctor: Doctor, *, cancelling: bool = False, days: int = 1, block: str = "b-1"
) -> ScheduleEdit:
    """A block over the whole day of ``noon(days)``, decided now."""
    interval = Interval.lasting(clinic.noon(days) - 6 * HOUR, 12 * HOUR)
    schedule = clinic.stores.schedules.of(doctor.id)
    return schedule.with_block(BlockId(block), interval, why="away", cancelling=cancelling, now=clinic.clock.now())


def asking(clinic: Clinic, schedule: Schedule, patient: Patient, name: str, *, start: datetime) -> Commit:
    """A booking that is decided on that schedule, and not yet committed."""
    return Appointment.request(
        AppointmentId(name),
        patient=patient,
        schedule=schedule,
        start=start,
        why=None,
        most_pending=3,
        now=clinic.clock.now(),
    )


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """What each has answered or raised, all begun together."""
    together = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        together.wait()
        try:
            return act()
        except Exception as error:  # it is looked at
            return error

    with ThreadPoolExecutor(len(acts)) as pool:
        return [*pool.map(run, acts)]


def at_work(dynamo: Dynamo) -> int:
    return len([*dynamo.query(Query(table=dynamo.tables.scheduling, index=WORK, partition="BLOCKS"))])


def test_of_bookings_and_a_block_at_once_each_is_refused_or_named(clinic: Clinic, doctor: Doctor) -> None:
    schedules, appointments = clinic.stores.schedules, clinic.stores.appointments
    told: list[str] = []
    for number in range(1, ROUNDS + 1):
        edit = blocking(clinic, doctor, days=number, block=f"b-{number}")
        patients = [clinic.patient(number * BOOKERS + one) for one in range(BOOKERS)]
        commits = [
            asking(clinic, edit.before, patient, f"a-{number}-{one}", start=clinic.noon(number) + one * HOUR)
            for one, patient in enumerate(patients)
        ]
        affected, *booked = at_once(
            partial(schedules.apply, edit, command=clinic.command()),
            *(partial(appointments.apply, commit, command=clinic.command()) for commit in commits),
        )
        assert isinstance(affected, Sequence), affected
        there = [one.id for one in booked if isinstance(one, Appointment)]
        assert {type(one) for one in booked} <= {Appointment, ScheduleChangedError}
        assert list(affected) == there
        assert schedules.block_of(BlockId(f"b-{number}")) == (edit.block and edit.block.interval, affected)
        told += [type(one).__name__ for one in booked]
    print({name: told.count(name) for name in set(told)})
    assert "ScheduleChangedError" in told


def test_a_decision_refuses_or_names_the_bookings_beside_it(clinic: Clinic) -> None:
    for number in range(1, ROUNDS + 1):
        doctor, patient = clinic.doctor(number), clinic.patient(number)
        commit = asking(clinic, clinic.stores.schedules.of(doctor.id), patient, f"a-{number}", start=clinic.noon())
        suspension = doctor.verify(Decision.SUSPEND, why="expired")
        affected, booked = at_once(
            partial(clinic.stores.doctors.apply, suspension, command=clinic.command()),
            partial(clinic.stores.appointments.apply, commit, command=clinic.command()),
        )
        assert list(affected) == ([booked.id] if isinstance(booked, Appointment) else [])
        assert isinstance(booked, Appointment | ScheduleChangedError)
        assert clinic.stores.doctors.verified(doctor.id, suspension.after.rev) == (suspension.after, affected)


def test_of_many_edits_at_once_one_is_applied_and_nobody_reads_a_mixture(clinic: Clinic, doctor: Doctor) -> None:
    schedules = clinic.stores.schedules
    for number in range(1, ROUNDS + 1):
        before = schedules.of(doctor.id)
        agendas = [an_agenda(f"{one:02}:00-{one + 1:02}:00", consultation=5 * number) for one in range(6)]
        edits = [before.with_agenda(agenda, version=before.agenda_version) for agenda in agendas]
        *answers, read = at_once(
            *(partial(schedules.apply, edit, command=clinic.command()) for edit in edits),
            partial(clinic.beside(schedules=schedules).stores.schedules.of, doctor.id),
        )
        (winner,) = (edit for edit, answer in zip(edits, answers, strict=True) if not isinstance(answer, Exception))
        assert {type(one) for one in answers if isinstance(one, Exception)} == {ScheduleChangedError}
        assert schedules.of(doctor.id) == winner.after
        assert read in {before, winner.after}


def test_the_head_that_bookings_are_checked_by_is_the_bodys(clinic: Clinic, dynamo: Dynamo, doctor: Doctor) -> None:
    for decision, why in ((Decision.SUSPEND, "expired"), (Decision.APPROVE, None)):
        verification = clinic.stores.doctors.get(doctor.id).verify(decision, why=why)
        clinic.stores.doctors.apply(verification, command=clinic.command())
        head = dynamo.get(dynamo.tables.scheduling, head_key(doctor.id))
        schedule = clinic.stores.schedules.of(doctor.id)
        assert head
        assert (head["rev"]["N"], head["bookable"]["BOOL"]) == (str(schedule.rev), schedule.bookable)


def test_the_same_command_again_answers_what_it_has_answered(clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
    asked, command = requested(clinic, doctor, patient), clinic.command()
    edit = blocking(clinic, doctor)
    assert list(clinic.stores.schedules.apply(edit, command=command)) == [asked.id]
    clinic.refuse_appointment(appointment_id=asked.id, doctor=doctor)
    assert list(clinic.stores.schedules.apply(edit, command=command)) == [asked.id]
    with pytest.raises(ScheduleChangedError):
        clinic.stores.schedules.apply(edit, command=clinic.command())
    other, command = requested(clinic, doctor, patient, days=2), clinic.command()
    suspension = doctor.verify(Decision.SUSPEND, why="expired")
    assert list(clinic.stores.doctors.apply(suspension, command=command)) == [other.id]
    clinic.cancel_appointment(appointment_id=other.id, reason="better", actor=patient)
    assert list(clinic.stores.doctors.apply(suspension, command=command)) == [other.id]
    with pytest.raises(StaleVersionError):
        clinic.stores.doctors.apply(suspension, command=clinic.command())


def test_a_key_is_free_again_when_its_receipt_does_not_count_any_more(clinic: Clinic, doctor: Doctor) -> None:
    command = clinic.command(Idempotency(doctor.id, "key", "print"))
    clinic.stores.schedules.apply(blocking(clinic, doctor), command=command)
    for later, block in ((RECEIPT_LIFE - DAY / 24, "b-2"), (RECEIPT_LIFE, "b-3")):
        asked = attrs.evolve(clinic.command(command.idempotency), at=command.at + later)
        edit = blocking(clinic, doctor, days=3, block=block)
        if later < RECEIPT_LIFE:
            with pytest.raises(ReplayedCommand):
                clinic.stores.schedules.apply(edit, command=asked)
        else:
            clinic.stores.schedules.apply(edit, command=asked)
            assert clinic.stores.schedules.of(doctor.id) == edit.after


def test_an_agenda_again_by_its_command_is_no_conflict(clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
    asked, command = requested(clinic, doctor, patient), clinic.command()
    before = clinic.stores.schedules.of(doctor.id)
    edit = before.with_agenda(an_agenda("00:00-01:00"), version=before.agenda_version)
    for _ in range(2):
        assert list(clinic.stores.schedules.apply(edit, command=command)) == [asked.id]
    # Under another token than the first one's: it is told by the revision's own command.
    texted = attrs.evolve(edit, texts=blocking(clinic, doctor).texts)
    assert list(clinic.stores.schedules.apply(texted, command=command)) == [asked.id]


def test_a_block_whose_maker_dies_after_the_commit_is_finished_by_whoever_needs_it(
    clinic: Clinic, dynamo: Dynamo, faulty: Faulty, doctor: Doctor, patient: Patient
) -> None:
    asked, other = requested(clinic, doctor, patient), requested(clinic, doctor, patient, days=2)
    edit = blocking(clinic, doctor, cancelling=True)
    faulty.plan("UpdateItem", Fault.EXPIRED_CREDENTIALS)
    with pytest.raises(UnavailableError):
        clinic.stores.schedules.apply(edit, command=clinic.command())
    assert at_work(dynamo) == 1
    assert [one.appointment_id for one in clinic.stores.schedules.cancellations(limit=9)] == [asked.id]
    assert clinic.sweep().cancelled == 1
    assert (at_work(dynamo), list(clinic.stores.schedules.cancellations(limit=9))) == (0, [])
    assert list(clinic.stores.schedules.block_of(BlockId("b-1"))[1]) == [asked.id]
    assert clinic.stores.appointments.get(other.id).status.live


def test_a_decision_whose_maker_dies_after_the_commit_is_told_all_the_same(
    clinic: Clinic, faulty: Faulty, doctor: Doctor, patient: Patient
) -> None:
    asked, suspension = requested(clinic, doctor, patient), doctor.verify(Decision.SUSPEND, why="expired")
    faulty.plan("UpdateItem", Fault.EXPIRED_CREDENTIALS)
    with pytest.raises(UnavailableError):
        clinic.stores.doctors.apply(suspension, command=clinic.command())
    told = (suspension.after, (asked.id,))
    assert clinic.stores.doctors.verified(doctor.id, suspension.after.rev) == told
    clinic.refuse_appointment(appointment_id=asked.id, doctor=suspension.after)
    assert clinic.stores.doctors.verified(doctor.id, suspension.after.rev) == told


def test_a_block_leaves_the_work_also_where_its_last_worker_died(
    clinic: Clinic, dynamo: Dynamo, faulty: Faulty, doctor: Doctor, patient: Patient
) -> None:
    requested(clinic, doctor, patient)
    clinic.stores.schedules.apply(blocking(clinic, doctor, cancelling=True), command=clinic.command())
    (waiting,) = clinic.stores.schedules.cancellations(limit=9)
    faulty.plan("UpdateItem", Fault.EXPIRED_CREDENTIALS, after=1)
    with pytest.raises(UnavailableError):
        clinic.stores.schedules.cancelled(waiting)
    assert at_work(dynamo) == 1
    assert list(clinic.stores.schedules.cancellations(limit=9)) == []
    assert at_work(dynamo) == 0
    clinic.stores.schedules.cancelled(attrs.evolve(waiting, block_id=BlockId("unknown")))
    assert list(clinic.stores.schedules.cancellations(block_id=BlockId("unknown"), limit=9)) == []
    with pytest.raises(NotFoundError):
        clinic.stores.schedules.block_of(BlockId("unknown"))


def test_a_cancelling_block_that_affects_nobody_is_no_work(clinic: Clinic, dynamo: Dynamo, doctor: Doctor) -> None:
    clinic.stores.schedules.apply(blocking(clinic, doctor, cancelling=True), command=clinic.command())
    assert at_work(dynamo) == 0


def test_cancellations_of_several_blocks_come_up_to_a_limit(clinic: Clinic, doctor: Doctor, patient: Patient) -> None:
    asked = [requested(clinic, doctor, patient, days=days) for days in (1, 2)]
    for days in (1, 2):
        edit = blocking(clinic, doctor, cancelling=True, days=days, block=f"b-{days}")
        clinic.stores.schedules.apply(edit, command=clinic.command())
    waiting = clinic.stores.schedules.cancellations
    assert [len(waiting(limit=limit)) for limit in (0, 1, 9)] == [0, 1, 2]
    assert [one.appointment_id for one in waiting(block_id=BlockId("b-2"), limit=9)] == [asked[1].id]


def test_a_doctors_own_visits_as_a_patient_are_no_part_of_it(clinic: Clinic, doctor: Doctor) -> None:
    colleague = clinic.doctor(2)
    as_patient = clinic.patient(cpf=doctor.cpf)
    assert as_patient.person_id == doctor.person_id
    requested(clinic, colleague, as_patient)
    assert list(clinic.stores.schedules.apply(blocking(clinic, doctor), command=clinic.command())) == []


class InBetween:
    """A ``Call`` that does something else before its first call of an operation."""

    def __init__(self, call: Call, operation: str = WRITE) -> None:
        self._call, self._operation = call, operation
        self.first: Callable[[], object] | None = None

    def __call__(self, operation: str, request: Mapping[str, Any], /) -> Mapping[str, Any]:
        first, self.first = (self.first, None) if operation == self._operation else (None, self.first)
        if first is not None:
            first()
        return self._call(operation, request)


def test_a_decision_is_made_again_where_the_agenda_has_changed_meanwhile(
    clinic: Clinic, call: Call, tables: Tables, sealing: Sealing, doctor: Doctor
) -> None:
    between = InBetween(call)
    other = open_dynamodb(Dynamo(between, tables), sealing=sealing, notices=open_memory().notices)
    suspension = doctor.verify(Decision.SUSPEND, why="expired")
    edit = blocking(clinic, doctor)
    between.first = lambda: clinic.stores.schedules.apply(edit, command=clinic.command())
    assert list(other.doctors.apply(suspension, command=clinic.command())) == []
    assert clinic.stores.schedules.of(doctor.id) == edit.after.opened(bookable=False)
    assert clinic.stores.doctors.get(doctor.id) == suspension.after
    assert clinic.stores.sagas.get(suspension.saga.id)[0].subject == suspension.saga.subject


def test_who_is_late_with_what_was_affected_answers_what_is_kept(
    clinic: Clinic, call: Call, tables: Tables, sealing: Sealing, doctor: Doctor, patient: Patient
) -> None:
    between = InBetween(call, "UpdateItem")
    late = open_dynamodb(Dynamo(between, tables), sealing=sealing, notices=open_memory().notices)
    asked = [requested(clinic, doctor, patient, days=days) for days in (1, 2)]

    def cancelling_first() -> None:
        clinic.refuse_appointment(appointment_id=asked[0].id, doctor=doctor)
        assert list(clinic.stores.schedules.block_of(BlockId("b-1"))[1]) == []

    between.first = cancelling_first
    edit = blocking(clinic, doctor, cancelling=True)
    assert list(late.schedules.apply(edit, command=clinic.command())) == []
    assert list(late.schedules.cancellations(block_id=BlockId("b-1"), limit=9)) == []
    suspension = doctor.verify(Decision.SUSPEND, why="expired")

    def telling_first() -> None:
        clinic.cancel_appointment(appointment_id=asked[1].id, reason="better", actor=patient)
        assert list(clinic.stores.doctors.verified(doctor.id, suspension.after.rev)[1]) == []

    between.first = telling_first
    assert list(late.doctors.apply(suspension, command=clinic.command())) == []


def test_a_doctor_without_a_schedule_has_none_to_edit(clinic: Clinic, doctor: Doctor) -> None:
    edit = blocking(clinic, doctor)
    nobodys = attrs.evolve(edit, after=attrs.evolve(edit.after, doctor_id=DoctorId("nobody")))
    with pytest.raises(ScheduleChangedError):
        clinic.stores.schedules.apply(nobodys, command=clinic.command())
    with pytest.raises(NotFoundError):
        clinic.stores.schedules.of(DoctorId("nobody"))


def test_what_fits_is_found_behind_any_number_that_does_not(clinic: Clinic) -> None:
    waiting = [clinic.doctor(number, approved=False) for number in (1, 2, 4, 5)]
    approved = clinic.doctor(3)
    for found in (clinic.stores.doctors.list, clinic.stores.doctors.queue):
        assert list(found(status=approved.status, limit=1)) == [approved]
        assert len(found(status=waiting[0].status, limit=3)) == 3


def test_decisions_are_told_in_order_beyond_the_ninth_and_without_what_is_kept_beside_them(
    clinic: Clinic, doctor: Doctor
) -> None:
    clinic.stores.feeds.open(doctor.id, "secret")
    for _ in range(5):
        for decision, why in ((Decision.SUSPEND, "expired"), (Decision.APPROVE, None)):
            verification = clinic.stores.doctors.get(doctor.id).verify(decision, why=why)
            clinic.stores.doctors.apply(verification, command=clinic.command())
    told = clinic.stores.doctors.decisions(doctor.id, after=0)
    assert [one.rev for one in told] == [*range(2, 13)]


def test_lists_show_what_is_so_where_the_directory_was_read_before(
    clinic: Clinic, call: Call, tables: Tables, sealing: Sealing, doctor: Doctor
) -> None:
    suspension = doctor.verify(Decision.SUSPEND, why="expired")

    def late(operation: str, request: Mapping[str, Any], /) -> Mapping[str, Any]:
        if operation == "BatchGetItem" and clinic.stores.doctors.get(doctor.id) == doctor:
            clinic.stores.doctors.apply(suspension, command=clinic.command())
        return call(operation, request)

    listed = open_dynamodb(Dynamo(late, tables), sealing=sealing, notices=open_memory().notices).doctors
    assert list(listed.list(status=doctor.status, limit=9)) == []
    assert list(listed.queue(status=doctor.status, limit=9)) == []
    assert list(listed.list(status=suspension.after.status, limit=9)) == [suspension.after]


def test_how_many_round_trips_it_takes(clinic: Clinic, faulty: Faulty, doctor: Doctor, patient: Patient) -> None:
    requested(clinic, doctor, patient)
    schedules, doctors = clinic.stores.schedules, clinic.stores.doctors

    def counted(name: str, act: Callable[..., Any], *arguments: Any, **named: Any) -> dict[str, int]:
        faulty.forget()
        act(*arguments, **named)
        print(f"{name:<12}{', '.join(f'{count} {operation}' for operation, count in sorted(faulty.sent.items()))}")
        return dict(faulty.sent)

    affected = {"Query": 1, "BatchGetItem": 1}
    before = schedules.of(doctor.id)
    agenda = before.with_agenda(an_agenda("08:00-20:00"), version=before.agenda_version)
    assert counted("read", schedules.of, doctor.id) == {"Query": 1}
    assert counted("agenda", schedules.apply, agenda, command=clinic.command()) == {WRITE: 1, **affected}
    block = blocking(clinic, doctor)
    assert counted("block", schedules.apply, block, command=clinic.command()) == {WRITE: 1, **affected, "UpdateItem": 1}
    assert counted("replay", schedules.block_of, BlockId("b-1")) == {"GetItem": 1}
    unblock = block.after.without_block(BlockId("b-1"))
    assert counted("unblock", schedules.apply, unblock, command=clinic.command()) == {WRITE: 1}
    suspension = doctor.verify(Decision.SUSPEND, why="expired")
    decision = counted("decision", doctors.apply, suspension, command=clinic.command())
    assert decision == {WRITE: 1, "Query": 2, "BatchGetItem": 1, "UpdateItem": 1}
    told = counted("recall", doctors.verified, doctor.id, suspension.after.rev)
    assert told == {"BatchGetItem": 1}
    assert counted("list", doctors.list, limit=9) == {"Query": 1, "BatchGetItem": 1}
