"""Joining a visit: one room for both, a way in for each, and presence only with both."""

from collections.abc import Callable
from datetime import timedelta

import attrs
import pytest

from telemed_core.application.visiting import ROOMS_TRIED, MeetingRoom
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.doctor import Decision, Doctor
from telemed_core.domain.ids import AccountId, AppointmentId, MeetingId
from telemed_core.domain.meetings import Attendee, Meeting, Provider, Room
from telemed_core.domain.patient import Patient
from telemed_core.domain.status import Status
from telemed_core.errors import (
    BusyError,
    InvalidTransitionError,
    JoinWindowClosedError,
    LicenceInactiveError,
    NotFoundError,
    StaleRevisionError,
    TelemedError,
    UnavailableError,
)
from telemed_core.ports.meetings import MeetingRooms
from telemed_core.testing.builders import an_administrator
from telemed_core.testing.contracts.suite import confirmed, requested
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.faults import Before, Faulty
from telemed_core.testing.rooms import ControlledRooms
from telemed_core.testing.wiring import Clinic

MINUTE = timedelta(minutes=1)


@pytest.fixture
def rooms(clinic: Clinic) -> ControlledRooms:
    assert isinstance(clinic.rooms, ControlledRooms)
    return clinic.rooms


@pytest.fixture
def visit(clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient) -> Appointment:
    """A confirmed one whose time has come."""
    visit = confirmed(clinic, doctor, patient)
    clock.set(visit.visit.start)
    return visit


def kept(clinic: Clinic, visit: Appointment) -> Meeting:
    found = clinic.stores.meetings.of(visit.id)
    assert found is not None
    return found


def test_both_find_one_room_and_each_its_own_way_in(
    clinic: Clinic, rooms: ControlledRooms, visit: Appointment, doctor: Doctor, patient: Patient
) -> None:
    first = clinic.join_visit(appointment_id=visit.id, actor=patient)
    second = clinic.join_visit(appointment_id=visit.id, actor=doctor)
    assert first.room == second.room
    assert first.attendee.id != second.attendee.id
    assert rooms.created == [first.room]
    assert kept(clinic, visit) == Meeting(visit.id, 1, first.room.id)
    assert (first.appointment.status, second.appointment.status) == (Status.CONFIRMED, Status.IN_PROGRESS)


def test_coming_again_finds_the_same(
    clinic: Clinic, rooms: ControlledRooms, visit: Appointment, doctor: Doctor, patient: Patient
) -> None:
    for actor in (doctor, patient):
        clinic.join_visit(appointment_id=visit.id, actor=actor)
    for actor in (patient, doctor):
        once, again = (clinic.join_visit(appointment_id=visit.id, actor=actor) for _ in range(2))
        assert once == again
    assert len(rooms.created) == 1


def test_two_visits_have_two_rooms(
    clinic: Clinic, clock: SettableClock, visit: Appointment, doctor: Doctor, patient: Patient
) -> None:
    first = clinic.join_visit(appointment_id=visit.id, actor=doctor)
    other = confirmed(clinic, doctor, patient, days=2)
    clock.set(other.visit.start)
    second = clinic.join_visit(appointment_id=other.id, actor=doctor)
    assert first.room.id != second.room.id
    assert first.attendee.id != second.attendee.id


def test_without_a_room_nobody_is_present(
    clinic: Clinic, rooms: ControlledRooms, visit: Appointment, doctor: Doctor, patient: Patient
) -> None:
    rooms.down = True
    for actor in (doctor, patient):
        with pytest.raises(UnavailableError):
            clinic.join_visit(appointment_id=visit.id, actor=actor)
    assert clinic.stores.appointments.get(visit.id) == visit
    assert clinic.stores.meetings.of(visit.id) is None
    rooms.down = False
    assert clinic.join_visit(appointment_id=visit.id, actor=doctor).appointment.doctor_joined_at == clinic.clock.now()


def test_a_room_that_has_died_is_made_anew_once(
    clinic: Clinic, rooms: ControlledRooms, visit: Appointment, doctor: Doctor, patient: Patient
) -> None:
    first = clinic.join_visit(appointment_id=visit.id, actor=patient)
    rooms.die(first.room.id)
    second, third = (clinic.join_visit(appointment_id=visit.id, actor=actor) for actor in (patient, doctor))
    assert second.room == third.room != first.room
    assert second.attendee.id != first.attendee.id
    assert kept(clinic, visit) == Meeting(visit.id, 2, second.room.id)
    assert len(rooms.created) == 2
    assert second.appointment.patient_joined_at == first.appointment.patient_joined_at


def test_no_room_is_made_for_whom_it_is_not_open(
    clinic: Clinic, clock: SettableClock, rooms: ControlledRooms, doctor: Doctor, patient: Patient
) -> None:
    asked, visit = requested(clinic, doctor, patient, days=2), confirmed(clinic, doctor, patient)
    opens, closes = visit.visit.start - 10 * MINUTE, visit.visit.end + 10 * MINUTE

    def refused(error: type[TelemedError], one: Appointment, actor: Doctor | Patient) -> TelemedError:
        with pytest.raises(error) as found:
            clinic.join_visit(appointment_id=one.id, actor=actor)
        return found.value

    clock.set(opens - timedelta(microseconds=1))
    early = refused(JoinWindowClosedError, visit, patient)
    assert isinstance(early, JoinWindowClosedError)
    assert early.opens_at == opens
    clock.set(opens)
    refused(NotFoundError, visit, clinic.patient(2))
    refused(NotFoundError, visit, clinic.doctor(2))
    refused(InvalidTransitionError, asked, patient)
    clinic.verify_doctor(doctor_id=doctor.id, decision=Decision.SUSPEND, reason="expired", actor=an_administrator())
    refused(LicenceInactiveError, visit, clinic.stores.doctors.get(doctor.id))
    clock.set(closes)
    refused(JoinWindowClosedError, visit, patient)
    with pytest.raises(NotFoundError):
        clinic.join_visit(appointment_id=AppointmentId("nothing"), actor=patient)
    assert rooms.created == []
    assert clinic.stores.appointments.get(visit.id) == visit


def test_a_visit_that_ends_while_its_room_is_made_is_not_joined(
    clinic: Clinic, clock: SettableClock, visit: Appointment, doctor: Doctor, patient: Patient
) -> None:
    clinic.join_visit(appointment_id=visit.id, actor=patient)

    class Ending(ControlledRooms):
        def find(self, meeting: Meeting, /) -> Room | None:
            if clinic.stores.appointments.get(visit.id).status is Status.CONFIRMED:
                clock.advance(15 * MINUTE)
                clinic.declare_absence(appointment_id=visit.id, actor=patient)
            return clinic.rooms.find(meeting)

        def admit(self, meeting: Meeting, account_id: AccountId, /) -> Attendee:
            return clinic.rooms.admit(meeting, account_id)

    with pytest.raises(JoinWindowClosedError):
        attrs.evolve(clinic, rooms=Ending()).join_visit(appointment_id=visit.id, actor=doctor)
    assert clinic.stores.appointments.get(visit.id).doctor_joined_at is None


def test_a_join_that_is_decided_again_keeps_its_way_in(
    clinic: Clinic, rooms: ControlledRooms, visit: Appointment, patient: Patient
) -> None:
    counted = Faulty[MeetingRooms](rooms, {})
    overtaken = Faulty(clinic.stores.appointments, {"apply": [Before(StaleRevisionError())] * 2})
    beside = attrs.evolve(clinic.beside(appointments=overtaken.port), rooms=counted.port)
    joined = beside.join_visit(appointment_id=visit.id, actor=patient)
    assert joined.appointment.patient_joined_at == clinic.clock.now()
    assert counted.calls == ["create", "admit"]


@attrs.define
class Fading(ControlledRooms):
    """Rooms that die between being found and being entered, as often as it says."""

    times: int = 0

    def admit(self, meeting: Meeting, account_id: AccountId, /) -> Attendee:
        if self.times:
            self.times -= 1
            self.die(meeting.id)
        return super().admit(meeting, account_id)


def test_a_room_that_dies_before_it_is_entered_is_made_anew(
    clinic: Clinic, visit: Appointment, patient: Patient
) -> None:
    rooms = Fading(times=ROOMS_TRIED - 1)
    joined = attrs.evolve(clinic, rooms=rooms).join_visit(appointment_id=visit.id, actor=patient)
    assert kept(clinic, visit) == Meeting(visit.id, ROOMS_TRIED, joined.room.id)
    assert rooms.find(kept(clinic, visit)) == joined.room


def test_who_finds_nothing_but_dying_rooms_is_told_to_come_again_and_is_not_present(
    clinic: Clinic, visit: Appointment, patient: Patient
) -> None:
    rooms = Fading(times=ROOMS_TRIED)
    beside = attrs.evolve(clinic, rooms=rooms)
    with pytest.raises(BusyError):
        beside.join_visit(appointment_id=visit.id, actor=patient)
    assert len(rooms.created) == ROOMS_TRIED == 3
    assert clinic.stores.appointments.get(visit.id) == visit
    assert beside.join_visit(appointment_id=visit.id, actor=patient).appointment.patient_joined_at


class Named(ControlledRooms):
    """Rooms whose names tell who made them."""

    def open(self, meeting_id: MeetingId) -> Room:
        room = Room(provider=Provider.MEMORY, id=meeting_id)
        self._open[meeting_id] = room
        return room

    def create(self, appointment_id: AppointmentId, /, *, generation: int) -> Room:
        return self.open(MeetingId(f"mine-{generation}"))


@attrs.frozen
class Overtaken:
    """Meetings among which another's is kept first, as often as it is asked to keep one."""

    first: Callable[[Meeting], Meeting]
    of: Callable[[AppointmentId], Meeting | None]
    asked: list[Meeting] = attrs.field(factory=list)

    def put(self, meeting: Meeting, /) -> Meeting:
        self.asked.append(meeting)
        return self.first(meeting)


def test_who_comes_second_takes_the_room_that_is_kept(clinic: Clinic, visit: Appointment, patient: Patient) -> None:
    meetings, rooms = clinic.stores.meetings, Named()
    other = rooms.open(MeetingId("the-others"))
    overtaken = Overtaken(lambda one: meetings.put(attrs.evolve(one, id=other.id)), meetings.of)
    room, attendee = MeetingRoom(overtaken, rooms)(appointment_id=visit.id, account_id=patient.id)
    assert [one.id for one in overtaken.asked] == ["mine-1"]
    assert (room, kept(clinic, visit)) == (other, Meeting(visit.id, 1, other.id))
    assert attendee == rooms.admit(kept(clinic, visit), patient.id)


def test_who_always_comes_second_is_told_to_come_again(visit: Appointment, patient: Patient) -> None:
    overtaken = Overtaken(lambda one: attrs.evolve(one, id=MeetingId("another")), lambda _: None)
    with pytest.raises(BusyError):
        MeetingRoom(overtaken, Named())(appointment_id=visit.id, account_id=patient.id)
    assert len(overtaken.asked) == ROOMS_TRIED
