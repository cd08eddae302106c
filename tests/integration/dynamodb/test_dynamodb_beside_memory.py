"""The DynamoDB plan beside the store in memory: the same commits, and each is written or refused by both alike."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

import pytest

from telemed_core.application.booking import Participant
from telemed_core.application.visiting import Joined
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import Idempotency
from telemed_core.domain.receipts import ReplayedCommand
from telemed_core.errors import TelemedError
from telemed_core.ports.storage import Stores
from telemed_core.testing.builders import an_agenda
from telemed_core.testing.contracts import AppointmentsContract, RefusalsContract, RepeatsContract
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.faults import Faulty, Twice
from telemed_core.testing.wiring import Clinic, a_clinic
from unit.adapters.dynamodb_planned import Seen, open_planned

AGENDAS = (
    an_agenda("00:00-24:00", min_notice=0),
    an_agenda("01:30-01:30", consultation=235, buffer=5, min_notice=0),
    an_agenda("00:00-24:00", consultation=25, buffer=5, min_notice=0),
)


def at_random(stores: Stores, chance: Random, *, steps: int) -> None:
    """Two doctors and four patients, one a doctor too, who all want the same hours; some calls are delivered twice."""
    clock = SettableClock(a_clinic(stores).clock.now())
    quiet = a_clinic(stores, clock)
    doubled = Faulty(stores.appointments, {"apply": [Twice()] * 9 * steps})
    twice = quiet.beside(appointments=doubled.port)
    doctors = [quiet.doctor(number) for number in (1, 2)]
    patients = [quiet.patient(number) for number in (1, 2, 3)]
    patients.append(quiet.patient(4, cpf=doctors[1].cpf))
    known: list[Appointment] = []
    for step in range(steps):
        clock.advance(timedelta(minutes=chance.choice([0, 0, 0, 10, 60, 400])))
        asked = (
            Idempotency(patients[0].id, f"key-{chance.randrange(step + 1)}", "print") if chance.random() < 0.3 else None
        )
        doctor, patient = chance.choice(doctors), chance.choice(patients)
        start = clock.now().replace(minute=0, second=0, microsecond=0) + chance.randrange(60) * timedelta(minutes=30)
        if chance.random() < 0.05:
            version = stores.schedules.of(doctor.id).agenda_version
            quiet.replace_agenda(agenda=chance.choice(AGENDAS), version=version, doctor=doctor)
        clinic = twice if chance.random() < 0.2 else quiet
        one = chance.choice(known[-8:]) if known else None
        if one is None or chance.random() < 0.5:
            act: Callable[[], Any] = partial(
                clinic.request_appointment,
                doctor_id=doctor.id,
                start=start,
                patient=patient,
                reason="a reason",
                idempotency=asked,
            )
        else:
            act = chance.choice(_commands(clinic, stores.appointments.get(one.id), start, chance, asked))
        try:
            left = act()
        except (TelemedError, ReplayedCommand):
            continue
        if isinstance(left, Joined):
            left = left.appointment
        if isinstance(left, Appointment):
            known.append(left)


def _commands(
    clinic: Clinic, one: Appointment, start: datetime, chance: Random, asked: Idempotency | None
) -> list[Callable[[], Any]]:
    doctor = clinic.stores.doctors.get(one.doctor_id)
    sides: list[Participant] = [doctor, clinic.stores.patients.get(one.patient_id)]
    actor = chance.choice(sides)
    keyed: dict[str, Any] = {"appointment_id": one.id, "idempotency": asked}
    answer: dict[str, Any] = {**keyed, "actor": actor, "proposal_id": one.proposal and one.proposal.id}
    return [
        partial(clinic.accept_appointment, **keyed, rev=one.rev, doctor=doctor),
        partial(clinic.refuse_appointment, **keyed, doctor=doctor, reason="a reason"),
        partial(clinic.cancel_appointment, **keyed, reason="a reason", actor=actor),
        partial(clinic.reschedule_appointment, **keyed, start=start, actor=actor),
        partial(clinic.join_visit, appointment_id=one.id, actor=actor),
        partial(clinic.declare_absence, **keyed, actor=actor),
        partial(clinic.complete_visit, **keyed, doctor=doctor),
        partial(clinic.agree_to_reschedule, **answer),
        partial(clinic.decline_reschedule, **answer),
    ]


@pytest.mark.parametrize("seed", range(3))
def test_a_busy_clinic_is_written_and_refused_by_the_plan_as_by_memory(seed: int) -> None:
    seen = Seen()
    at_random(open_planned(seen), Random(seed), steps=500)
    print(seen)
    assert seen.outcomes["written"] >= 100
    assert {"repeated", "ReplayedCommand", "SlotTakenError", "PatientBusyError", "TooManyPendingError"} <= (
        seen.outcomes.keys()
    )
    assert seen.most_appointments >= 3, "nothing much was taken over"


class Planned:
    @pytest.fixture
    def stores(self) -> Stores:
        return open_planned(Seen())


class TestAppointments(Planned, AppointmentsContract):
    """Every commit of the contract is planned and compared as well."""


class TestRefusals(Planned, RefusalsContract):
    """Every refusal of the contract is told by the plan as well."""


class TestRepeats(Planned, RepeatsContract):
    """Every repeat of the contract is recognised by the plan as well."""
