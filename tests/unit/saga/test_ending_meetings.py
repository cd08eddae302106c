"""A visit that is over has its room ended, after everybody was told, and whatever the provider of rooms does."""

from collections.abc import Callable
from datetime import timedelta

import attrs
import pytest

from adapters.memory.sagas import MemorySagaLog
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import SagaId
from telemed_core.domain.meetings import Meeting
from telemed_core.domain.notices import Kind
from telemed_core.domain.patient import Patient
from telemed_core.domain.sagas import Phase, Progress, SagaStart
from telemed_core.domain.status import Status
from telemed_core.saga.deciding import Finish, Ok, decide
from telemed_core.saga.driving import Asked
from telemed_core.saga.sagas import SAGAS
from telemed_core.testing.contracts.suite import requested
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.rooms import ControlledRooms
from telemed_core.testing.wiring import Clinic
from unit.saga.looking import accepted, phases

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def rooms(clinic: Clinic) -> ControlledRooms:
    assert isinstance(clinic.rooms, ControlledRooms)
    return clinic.rooms


@pytest.fixture
def met(clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient) -> Meeting:
    """The meeting of a visit to which the patient has come."""
    appointment = accepted(clinic, requested(clinic, doctor, patient), doctor)
    clock.set(appointment.visit.start - 10 * MINUTE)
    clinic.join_visit(appointment_id=appointment.id, actor=patient)
    clinic.run_sagas()
    meeting = clinic.stores.meetings.of(appointment.id)
    assert meeting is not None
    return meeting


def _ended_by_both(clinic: Clinic, met: Meeting, doctor: Doctor, patient: Patient) -> None:
    clinic.join_visit(appointment_id=met.appointment_id, actor=doctor)
    clinic.complete_visit(appointment_id=met.appointment_id, doctor=doctor)


def _ended_by_time(clinic: Clinic, met: Meeting, doctor: Doctor, patient: Patient) -> None:
    clinic.join_visit(appointment_id=met.appointment_id, actor=doctor)
    clinic.pause(2 * HOUR)
    clinic.sweep()


def _ended_in_vain(clinic: Clinic, met: Meeting, doctor: Doctor, patient: Patient) -> None:
    clinic.pause(HOUR / 2)
    clinic.declare_absence(appointment_id=met.appointment_id, actor=patient)


def _nobody_else_came(clinic: Clinic, met: Meeting, doctor: Doctor, patient: Patient) -> None:
    clinic.pause(2 * HOUR)
    clinic.sweep()


def _ended_before_it_began(clinic: Clinic, met: Meeting, doctor: Doctor, patient: Patient) -> None:
    clinic.cancel_appointment(appointment_id=met.appointment_id, reason="ill", actor=doctor)


@pytest.mark.parametrize(
    ("ending", "kind"),
    [
        (_ended_by_both, Kind.COMPLETED),
        (_ended_by_time, Kind.COMPLETED),
        (_ended_in_vain, Kind.NO_SHOW),
        (_nobody_else_came, Kind.NO_SHOW),
        (_ended_before_it_began, Kind.CANCELLED),
    ],
)
def test_a_visit_that_is_over_has_its_room_ended(
    clinic: Clinic,
    rooms: ControlledRooms,
    met: Meeting,
    doctor: Doctor,
    patient: Patient,
    ending: Callable[[Clinic, Meeting, Doctor, Patient], None],
    kind: Kind,
) -> None:
    ending(clinic, met, doctor, patient)
    assert rooms.find(met)
    clinic.run_sagas()
    assert rooms.find(met) is None
    assert rooms.ended == [met.id]
    assert clinic.publisher.published[-1].kind is kind
    assert set(phases(clinic).values()) == {Phase.COMPLETED}


def test_where_nobody_came_there_is_no_room_to_end(
    clinic: Clinic, rooms: ControlledRooms, doctor: Doctor, patient: Patient
) -> None:
    asked_for, refused = (requested(clinic, doctor, patient, days=days) for days in (2, 3))
    clinic.refuse_appointment(appointment_id=refused.id, doctor=doctor)
    clinic.pause(2 * DAY)
    clinic.sweep()
    clinic.run_sagas()
    assert rooms.ended == []
    assert {row.name for row in clinic.log.list(limit=99)} >= {"refuse", "expire"}
    assert set(phases(clinic).values()) == {Phase.COMPLETED}
    assert clinic.stores.appointments.get(asked_for.id).status is Status.EXPIRED


def test_everybody_is_told_of_the_end_while_the_provider_of_rooms_is_silent(
    clinic: Clinic, rooms: ControlledRooms, met: Meeting, patient: Patient
) -> None:
    clinic.cancel_appointment(appointment_id=met.appointment_id, reason="ill", actor=patient)
    rooms.down = True
    clinic.run_sagas()
    assert clinic.publisher.published[-1].kind is Kind.CANCELLED
    [row] = [row for row in clinic.log.list(limit=99) if not row.progress.phase.ended and row.name == "cancel"]
    assert (row.version, row.progress.step, row.progress.error) == (2, 2, "dependency_unavailable")
    assert row.due_at is not None
    assert row.due_at > clinic.clock.now()
    rooms.down = False
    clinic.pause(row.due_at - clinic.clock.now())
    assert clinic.run_sagas() == 1
    assert rooms.ended == [met.id]
    assert clinic.log.get(row.id)[0].progress.phase is Phase.COMPLETED


def test_ending_a_meeting_again_is_as_ending_it_once(
    clinic: Clinic, rooms: ControlledRooms, met: Meeting, patient: Patient
) -> None:
    left = clinic.cancel_appointment(appointment_id=met.appointment_id, reason="ill", actor=patient)
    clinic.run_sagas()
    rooms.die(met.id)
    row = attrs.evolve(clinic.log.get(SagaId(f"{left.id}.{left.rev}"))[0], progress=Progress(step=2))
    saga = clinic.registry.find(row)
    assert saga is not None
    call = decide(saga, row.id, row.progress)
    assert not isinstance(call, Finish)
    assert call.operation == "end_meeting"
    for _ in range(2):
        assert clinic.participants["end_meeting"](Asked(row=row, call=call, entry=None)) == Ok()


def test_a_saga_begun_before_there_were_meetings_ends_as_it_was_begun(
    clinic: Clinic, rooms: ControlledRooms, met: Meeting, patient: Patient
) -> None:
    left = clinic.cancel_appointment(appointment_id=met.appointment_id, reason="ill", actor=patient)
    row = clinic.log.get(SagaId(f"{left.id}.{left.rev}"))[0]
    [first] = [saga for saga in SAGAS if (saga.name, saga.version) == ("cancel", 1)]
    log = clinic.stores.sagas
    assert isinstance(log, MemorySagaLog)
    log._state.keep(first.begin(SagaStart(row.id, row.name, row.subject), at=row.started_at))
    clinic.run_sagas()
    done = clinic.log.get(row.id)[0]
    assert (done.version, done.progress) == (1, Progress(phase=Phase.COMPLETED, step=2))
    assert clinic.publisher.published[-1].kind is Kind.CANCELLED
    assert rooms.ended == []
