"""How many round trips to DynamoDB each command takes: printed, and no more than the table of its costs says."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from adapters.dynamodb.access import Dynamo
from adapters.dynamodb.opening import open_dynamodb
from integration.emulator.faulty import Faulty
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import Idempotency
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.instants import Interval
from telemed_core.domain.patient import Patient
from telemed_core.domain.receipts import ReplayedCommand
from telemed_core.errors import SlotNotOfferedError, SlotTakenError
from telemed_core.ports.services import Sealing
from telemed_core.ports.storage import Stores
from telemed_core.testing.builders import an_agenda
from telemed_core.testing.contracts.suite import confirmed, requested
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import Clinic

WRITE = "TransactWriteItems"
DAY = timedelta(days=1)
WHOLE_READ = {"Query": 1}
"""An appointment and its events."""
SCHEDULE = {"Query": 1}
"""A schedule's newest revision."""


@pytest.fixture
def taken(faulty: Faulty) -> Callable[..., Any]:
    """Runs a command under a key, and checks what it has asked DynamoDB for."""

    def run(name: str, expected: dict[str, int], command: Callable[..., Any], **arguments: Any) -> Any:
        faulty.forget()
        left = command(**arguments)
        print(f"{name:<28}{', '.join(f'{count} {operation}' for operation, count in sorted(faulty.sent.items()))}")
        assert faulty.sent == expected
        return left

    return run


Taken = Callable[..., Any]


def keyed(account: Doctor | Patient, number: int = 1) -> Idempotency:
    return Idempotency(account.id, f"key-{number}", "print")


def test_asking_takes_one_write_and_one_read_where_the_rules_are_not_known_as_they_are(
    clinic: Clinic, stores: Stores, dynamo: Dynamo, sealing: Sealing, doctor: Doctor, patient: Patient, taken: Taken
) -> None:
    def asking(days: int) -> dict[str, Any]:
        key = keyed(patient, days)
        return {"doctor_id": doctor.id, "start": clinic.noon(days), "patient": patient, "idempotency": key}

    ask = clinic.request_appointment
    taken("request, nothing known", SCHEDULE | {WRITE: 1}, ask, **asking(1), reason="a cough")
    taken("request", {WRITE: 1}, ask, **asking(2), reason="a cough")
    elsewhere = open_dynamodb(dynamo, sealing=sealing, notices=stores.notices).schedules
    before = elsewhere.of(doctor.id)
    edit = before.with_agenda(an_agenda("11:00-15:00"), version=before.agenda_version)
    elsewhere.apply(edit, command=clinic.command())
    taken("request, rules changed", SCHEDULE | {WRITE: 2}, ask, **asking(3), reason="a cough")
    taken("request", {WRITE: 1}, ask, **asking(4) | {"patient": clinic.patient(2)}, reason="a cough")


def test_a_time_that_the_known_rules_do_not_offer_is_refused_by_the_present_ones(
    clinic: Clinic, stores: Stores, dynamo: Dynamo, sealing: Sealing, doctor: Doctor, patient: Patient, taken: Taken
) -> None:
    closed = stores.schedules.of(doctor.id)
    edit = closed.with_agenda(an_agenda("08:00-09:00"), version=closed.agenda_version)
    stores.schedules.apply(edit, command=clinic.command())
    with pytest.raises(SlotNotOfferedError):
        taken("", {}, clinic.request_appointment, doctor_id=doctor.id, start=clinic.noon(), patient=patient)
    elsewhere = open_dynamodb(dynamo, sealing=sealing, notices=stores.notices).schedules
    opened = edit.after.with_agenda(an_agenda(), version=edit.after.agenda_version)
    elsewhere.apply(opened, command=clinic.command())
    booking = {"doctor_id": doctor.id, "start": clinic.noon(), "patient": patient}
    taken("request, rules widened", SCHEDULE | {WRITE: 1}, clinic.request_appointment, **booking)


def test_every_answer_takes_one_write_and_one_read(
    clinic: Clinic, doctor: Doctor, patient: Patient, taken: Taken
) -> None:
    cost = WHOLE_READ | {WRITE: 1}

    def asked(days: int) -> dict[str, Any]:
        return {"appointment_id": requested(clinic, doctor, patient, days=days).id, "idempotency": keyed(doctor, days)}

    taken("accept", cost, clinic.accept_appointment, **asked(1), rev=1, doctor=doctor)
    taken("refuse", cost, clinic.refuse_appointment, **asked(2), doctor=doctor, reason="away")
    taken("cancel", cost, clinic.cancel_appointment, **asked(3), actor=patient, reason="better")


def test_what_happens_at_the_visit_takes_one_write_and_one_read(
    clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient, taken: Taken
) -> None:
    cost = WHOLE_READ | {WRITE: 1}
    met, missed = (confirmed(clinic, doctor, patient, days=days) for days in (1, 2))
    for visit in (met, missed):
        clock.set(visit.visit.start)
        clinic.join_visit(appointment_id=visit.id, actor=doctor)
        if visit is met:
            clinic.join_visit(appointment_id=met.id, actor=patient)
            done = {"appointment_id": met.id, "doctor": doctor, "idempotency": keyed(doctor)}
            taken("complete", cost, clinic.complete_visit, **done)
    clock.advance(timedelta(minutes=15))
    absent = {"appointment_id": missed.id, "actor": doctor, "idempotency": keyed(doctor, 2)}
    taken("declare an absence", cost, clinic.declare_absence, **absent)


def test_moving_and_proposing_take_one_write_and_one_read(
    clinic: Clinic, doctor: Doctor, patient: Patient, taken: Taken
) -> None:
    one = WHOLE_READ | {WRITE: 1}
    moved, visit = requested(clinic, doctor, patient, days=1), confirmed(clinic, doctor, patient, days=2)

    def moving(what: Appointment, days: int) -> dict[str, Any]:
        key = keyed(patient, days)
        return {"appointment_id": what.id, "start": clinic.noon(days), "actor": patient, "idempotency": key}

    taken("move", one, clinic.reschedule_appointment, **moving(moved, 3))
    for name, days in (("agree", 4), ("decline", 5)):
        offered = taken("propose", one, clinic.reschedule_appointment, **moving(visit, days))
        answer = clinic.agree_to_reschedule if name == "agree" else clinic.decline_reschedule
        asked = {"appointment_id": visit.id, "proposal_id": offered.proposal.id, "idempotency": keyed(doctor, days)}
        taken(name, one, answer, **asked, actor=doctor)


def test_taking_over_takes_a_second_write_and_one_read_more(
    clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient, taken: Taken
) -> None:
    due = requested(clinic, doctor, clinic.patient(2), days=3)
    clock.set(due.decision_deadline)
    left = taken(
        "take over one due claim",
        {"BatchGetItem": 1, WRITE: 2},
        clinic.request_appointment,
        doctor_id=doctor.id,
        start=due.visit.start,
        patient=patient,
        idempotency=keyed(patient),
    )
    assert left.visit == due.visit


def test_a_slot_that_is_taken_costs_one_look_at_its_owner(
    clinic: Clinic, doctor: Doctor, patient: Patient, taken: Taken
) -> None:
    held = requested(clinic, doctor, clinic.patient(2))

    def refused() -> None:
        with pytest.raises(SlotTakenError):
            clinic.request_appointment(doctor_id=doctor.id, start=held.visit.start, patient=patient)

    taken("a slot that is taken", {"BatchGetItem": 1, WRITE: 1}, refused)


def test_a_repeat_is_answered_from_its_receipt(clinic: Clinic, doctor: Doctor, patient: Patient, taken: Taken) -> None:
    asked = requested(clinic, doctor, patient)
    accepting = {"appointment_id": asked.id, "rev": 1, "doctor": doctor, "idempotency": keyed(doctor)}
    clinic.accept_appointment(**accepting)

    def repeated() -> None:
        with pytest.raises(ReplayedCommand):
            clinic.accept_appointment(**accepting)

    taken("a repeat", {"GetItem": 1} | WHOLE_READ, repeated)


def test_reading_takes_one_read(clinic: Clinic, doctor: Doctor, patient: Patient, taken: Taken) -> None:
    asked = requested(clinic, doctor, patient, reason="a cough")
    taken("show", WHOLE_READ, clinic.show_appointment, appointment_id=asked.id, actor=patient)
    taken("list", {"Query": 1}, clinic.list_appointments, actor=patient)
    assert asked.reason is not None
    taken("texts", {"BatchGetItem": 1}, lambda: clinic.stores.texts.read([asked.reason]))


def test_slots_of_14_days_take_the_schedule_one_query_and_one_look_at_each_owner(
    clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient, taken: Taken
) -> None:
    within = Interval.lasting(clinic.noon(), 14 * DAY)
    free = dict(Counter(SCHEDULE) + Counter({"Query": 1}))
    asked = {"doctor_id": doctor.id, "within": within}
    taken("slots, nothing booked", free, clinic.list_slots, **asked, viewer=doctor)
    for days in (1, 2, 3):
        confirmed(clinic, doctor, patient, days=days)
    booked = dict(Counter(free) + Counter({"BatchGetItem": 1}))
    taken("slots", booked, clinic.list_slots, **asked, viewer=doctor)
    taken("slots, owners known", free, clinic.list_slots, **asked, viewer=doctor)
    mine = dict(Counter(booked) + Counter({"Query": 1}))
    taken("slots for a patient", mine, clinic.list_slots, **asked, viewer=patient)
    clock.advance(DAY + timedelta(hours=2))
    taken("slots, owners due", booked | {"BatchGetItem": 2}, clinic.list_slots, **asked, viewer=doctor)
