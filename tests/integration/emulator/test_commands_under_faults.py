"""Every command on appointments, with one fault at each of its calls in turn: done once, and answered as without it."""

from collections.abc import Callable
from typing import Any

import pytest

from adapters.aws.calling import Call
from adapters.aws.retrying import Patience
from adapters.dynamodb.access import Dynamo
from adapters.dynamodb.opening import open_dynamodb
from adapters.memory import open_memory
from integration.emulator.faulty import Fault, Faulty
from integration.emulator.fresh_tables import new_tables
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import Idempotency
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.patient import Patient
from telemed_core.ports.services import Sealing
from telemed_core.testing.contracts.suite import assert_clean, confirmed, picture, requested
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import Clinic, a_clinic

FAULTS = (Fault.CONFLICT, Fault.THROTTLED, Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.BROKEN, Fault.DELIVERED_TWICE)

Command = Callable[[], Any]


class Scene:
    """One doctor, one patient, and what is between them, the same each time it is set up: ids and clock are fixed."""

    def __init__(self, call: Call, sealing: Sealing) -> None:
        self.faulty = Faulty(call)
        dynamo = Dynamo(self.faulty, new_tables(call), Patience(sleep=lambda _: None))
        self.clinic: Clinic = a_clinic(open_dynamodb(dynamo, sealing=sealing, notices=open_memory().notices))
        self.doctor: Doctor = self.clinic.doctor()
        self.patient: Patient = self.clinic.patient()

    def key(self) -> Idempotency:
        return Idempotency(self.patient.id, "the key", "print")

    def to(self, time: Any) -> None:
        assert isinstance(self.clinic.clock, SettableClock)
        self.clinic.clock.set(time)

    def asked(self) -> Appointment:
        return requested(self.clinic, self.doctor, self.patient, days=3)

    def visit(self) -> Appointment:
        return confirmed(self.clinic, self.doctor, self.patient, days=3)

    def of(self, one: Appointment) -> dict[str, Any]:
        return {"appointment_id": one.id, "idempotency": self.key()}


def request(scene: Scene) -> Command:
    return lambda: scene.clinic.request_appointment(
        doctor_id=scene.doctor.id,
        start=scene.clinic.noon(3),
        patient=scene.patient,
        reason="a cough",
        idempotency=scene.key(),
    )


def take_over(scene: Scene) -> Command:
    due = requested(scene.clinic, scene.doctor, scene.clinic.patient(2), days=3)
    scene.to(due.decision_deadline)
    return lambda: scene.clinic.request_appointment(
        doctor_id=scene.doctor.id, start=due.visit.start, patient=scene.patient, idempotency=scene.key()
    )


def accept(scene: Scene) -> Command:
    one = scene.asked()
    return lambda: scene.clinic.accept_appointment(**scene.of(one), rev=1, doctor=scene.doctor)


def refuse(scene: Scene) -> Command:
    one = scene.asked()
    return lambda: scene.clinic.refuse_appointment(**scene.of(one), doctor=scene.doctor, reason="away")


def cancel(scene: Scene) -> Command:
    one = scene.visit()
    return lambda: scene.clinic.cancel_appointment(**scene.of(one), reason="better", actor=scene.patient)


def move(scene: Scene) -> Command:
    one = scene.asked()
    return lambda: scene.clinic.reschedule_appointment(**scene.of(one), start=scene.clinic.noon(4), actor=scene.patient)


def propose(scene: Scene) -> Command:
    one = scene.visit()
    return lambda: scene.clinic.reschedule_appointment(**scene.of(one), start=scene.clinic.noon(4), actor=scene.doctor)


def _offered(scene: Scene) -> dict[str, Any]:
    one = propose(scene)()
    # The proposal was made under the key that the answer goes by.
    key = Idempotency(scene.patient.id, "another key", "print")
    return {"appointment_id": one.id, "proposal_id": one.proposal.id, "actor": scene.patient, "idempotency": key}


def agree(scene: Scene) -> Command:
    offered = _offered(scene)
    return lambda: scene.clinic.agree_to_reschedule(**offered)


def decline(scene: Scene) -> Command:
    offered = _offered(scene)
    return lambda: scene.clinic.decline_reschedule(**offered)


def complete(scene: Scene) -> Command:
    one = scene.visit()
    scene.to(one.visit.start)
    for actor in (scene.patient, scene.doctor):
        scene.clinic.join_visit(appointment_id=one.id, actor=actor)
    return lambda: scene.clinic.complete_visit(**scene.of(one), doctor=scene.doctor)


def sweep(scene: Scene) -> Command:
    one = scene.asked()
    scene.to(one.decision_deadline)
    return lambda: (scene.clinic.sweep(), scene.clinic.stores.appointments.get(one.id))[1]


COMMANDS = (request, take_over, accept, refuse, cancel, move, propose, agree, decline, complete, sweep)


@pytest.mark.parametrize("prepare", COMMANDS, ids=lambda prepare: prepare.__name__)
def test_one_fault_at_any_call_of_a_command_changes_neither_its_answer_nor_what_it_leaves(
    call: Call, sealing: Sealing, prepare: Callable[[Scene], Command]
) -> None:
    quiet = Scene(call, sealing)
    command = prepare(quiet)
    quiet.faulty.forget()
    answer = command()
    calls = dict(quiet.faulty.sent)
    left = picture(quiet.clinic.stores, answer)
    faults = 0
    for operation, count in calls.items():
        for nth in range(count):
            for fault in FAULTS:
                scene = Scene(call, sealing)
                command = prepare(scene)
                scene.faulty.forget()
                scene.faulty.plan(operation, fault, after=nth)
                assert command() == answer
                assert scene.faulty.happened == {fault: 1}
                assert picture(scene.clinic.stores, answer) == left
                assert_clean(scene.clinic.stores)
                faults += 1
    print(f"{prepare.__name__}: {faults} faults at {calls}")
