"""Visits on Chime: who may come finds one meeting and a way of their own, and for nobody else is it even asked."""

from datetime import timedelta
from functools import partial

import attrs
import pytest

from adapters.chime import ChimeMeetingRooms, open_chime
from adapters.memory import open_memory
from integration.emulator.chime_fixtures import CONNECTIONS, REGION, chime, chime_url
from integration.emulator.chime_played import Chime, Trouble
from telemed_core.application.visiting import Joined
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.doctor import Decision, Doctor
from telemed_core.domain.ids import AppointmentId
from telemed_core.domain.meetings import Meeting, Provider
from telemed_core.domain.patient import Patient
from telemed_core.domain.status import Status
from telemed_core.errors import (
    InvalidTransitionError,
    JoinWindowClosedError,
    LicenceInactiveError,
    NotFoundError,
    TelemedError,
    UnavailableError,
)
from telemed_core.testing.builders import an_administrator
from telemed_core.testing.contracts.races import at_once
from telemed_core.testing.contracts.suite import confirmed, requested
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import Clinic, a_clinic

__all__ = ["chime", "chime_url"]

OF_EACH_SIDE = 10
MINUTE = timedelta(minutes=1)


@pytest.fixture
def rooms(chime_url: str) -> ChimeMeetingRooms:
    return open_chime(media_region=REGION, connections=CONNECTIONS, endpoint_url=chime_url)


@pytest.fixture
def clinic(rooms: ChimeMeetingRooms) -> Clinic:
    return attrs.evolve(a_clinic(open_memory()), rooms=rooms)


@pytest.fixture
def visit(clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient) -> Appointment:
    """A confirmed one whose time has come."""
    visit = confirmed(clinic, doctor, patient)
    clock.set(visit.visit.start)
    return visit


def all_join(clinic: Clinic, visit: Appointment, doctor: Doctor, patient: Patient) -> dict[str, set[str]]:
    """Twenty at once, of each side ten: the attendee ids that each person got, in one meeting."""
    actors: list[Doctor | Patient] = [doctor, patient] * OF_EACH_SIDE
    joined = at_once([partial(clinic.beside().join_visit, appointment_id=visit.id, actor=actor) for actor in actors])
    assert [one for one in joined if not isinstance(one, Joined)] == []
    assert {one.room.provider for one in joined} == {Provider.CHIME}
    assert len({one.room.id for one in joined}) == 1
    for actor, one in zip(actors, joined, strict=True):
        assert one.attendee.details["ExternalUserId"] == actor.id
    return {
        actor.id: {one.attendee.details["JoinToken"] for who, one in zip(actors, joined, strict=True) if who is actor}
        for actor in (doctor, patient)
    }


@pytest.mark.parametrize("takes", [0, 0.05], ids=["at once", "in a while"])
@pytest.mark.parametrize("remembers", [True, False], ids=["remembers", "forgets"])
def test_twenty_at_once_find_one_meeting_and_each_person_their_own_way_in_and_again_when_it_has_died(
    chime: Chime, clinic: Clinic, visit: Appointment, doctor: Doctor, patient: Patient, takes: float, remembers: bool
) -> None:
    chime.takes, chime.remembers = takes, remembers
    for generation in (1, 2):
        tokens = all_join(clinic, visit, doctor, patient)
        assert [len(own) for own in tokens.values()] == [1, 1]
        assert not tokens[doctor.id] & tokens[patient.id]
        (meeting_id,) = chime.meetings
        assert clinic.stores.meetings.of(visit.id) == Meeting(visit.id, generation, meeting_id)
        assert sorted(chime.attendees(meeting_id)) == sorted([doctor.id, patient.id])
        chime.die(meeting_id)
    assert clinic.stores.appointments.get(visit.id).status is Status.IN_PROGRESS


def test_coming_again_finds_the_same_with_two_calls(
    chime: Chime, clinic: Clinic, visit: Appointment, doctor: Doctor
) -> None:
    first = clinic.join_visit(appointment_id=visit.id, actor=doctor)
    assert chime.counts == {"CreateMeeting": 1, "CreateAttendee": 1}
    again = clinic.join_visit(appointment_id=visit.id, actor=doctor)
    assert (again.room, again.attendee) == (first.room, first.attendee)
    assert chime.counts == {"CreateMeeting": 1, "GetMeeting": 1, "CreateAttendee": 2}


def test_a_meeting_that_died_before_it_was_kept_is_replaced(
    chime: Chime, rooms: ChimeMeetingRooms, clinic: Clinic, visit: Appointment, doctor: Doctor
) -> None:
    rooms.create(visit.id, generation=1)
    chime.end_all()
    joined = clinic.join_visit(appointment_id=visit.id, actor=doctor)
    assert chime.meetings == [joined.room.id]
    assert clinic.stores.meetings.of(visit.id) == Meeting(visit.id, 2, joined.room.id)


def test_for_whom_it_is_not_open_chime_is_not_asked(
    chime: Chime, clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient
) -> None:
    asked, visit = requested(clinic, doctor, patient, days=2), confirmed(clinic, doctor, patient)
    opens, closes = visit.visit.start - 10 * MINUTE, visit.visit.end + 10 * MINUTE

    def refused(error: type[TelemedError], appointment_id: AppointmentId, actor: Doctor | Patient) -> None:
        with pytest.raises(error):
            clinic.join_visit(appointment_id=appointment_id, actor=actor)

    clock.set(opens - timedelta(microseconds=1))
    refused(JoinWindowClosedError, visit.id, patient)
    clock.set(opens)
    refused(NotFoundError, visit.id, clinic.patient(2))
    refused(NotFoundError, visit.id, clinic.doctor(2))
    refused(NotFoundError, AppointmentId("nothing"), patient)
    refused(InvalidTransitionError, asked.id, patient)
    clinic.verify_doctor(doctor_id=doctor.id, decision=Decision.SUSPEND, reason="expired", actor=an_administrator())
    refused(LicenceInactiveError, visit.id, clinic.stores.doctors.get(doctor.id))
    clock.set(closes)
    refused(JoinWindowClosedError, visit.id, patient)
    assert (chime.asked, chime.meetings) == ([], [])
    assert clinic.stores.appointments.get(visit.id) == visit


@pytest.mark.parametrize("operation", ["CreateMeeting", "CreateAttendee"])
@pytest.mark.parametrize("code", ["ForbiddenException", "LimitExceededException", "ExpiredTokenException"])
def test_without_a_way_in_nobody_is_present_and_later_they_are(
    chime: Chime, clinic: Clinic, visit: Appointment, doctor: Doctor, operation: str, code: str
) -> None:
    chime.plan(operation, Trouble(code))
    with pytest.raises(UnavailableError) as told:
        clinic.join_visit(appointment_id=visit.id, actor=doctor)
    assert told.value.code == "dependency_unavailable"
    assert clinic.stores.appointments.get(visit.id) == visit
    assert clinic.join_visit(appointment_id=visit.id, actor=doctor).appointment.doctor_joined_at == clinic.clock.now()
    assert len(chime.meetings) == 1


def test_a_visit_that_ends_ends_its_meeting(
    chime: Chime, clinic: Clinic, clock: SettableClock, visit: Appointment, doctor: Doctor, patient: Patient
) -> None:
    for actor in (doctor, patient):
        clinic.join_visit(appointment_id=visit.id, actor=actor)
    assert len(chime.meetings) == 1
    clinic.complete_visit(appointment_id=visit.id, doctor=doctor)
    clinic.run_sagas()
    assert chime.meetings == []
    assert chime.counts["DeleteMeeting"] == 1


def test_chime_is_told_ids_and_nothing_of_anybody(
    chime: Chime, clinic: Clinic, visit: Appointment, doctor: Doctor, patient: Patient
) -> None:
    for actor in (doctor, patient):
        clinic.join_visit(appointment_id=visit.id, actor=actor)
    told = {value for one in chime.asked for value in one.members.values()}
    (meeting_id,) = chime.meetings
    assert told == {f"{visit.id}-1", visit.id, REGION, meeting_id, doctor.id, patient.id}
