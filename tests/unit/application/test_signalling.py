"""Who gets a seat in a meeting, and which seats are of visits that are over."""

from datetime import timedelta

import attrs
import pytest

from telemed_core.application.signalling import EnterMeeting
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.doctor import Decision, Doctor
from telemed_core.domain.events import Side
from telemed_core.domain.ids import AccountId, AppointmentId, ConnectionId, MeetingId
from telemed_core.domain.meetings import AttendeeClaims
from telemed_core.domain.patient import Patient
from telemed_core.domain.signals import Seat
from telemed_core.errors import JoinWindowClosedError, NotFoundError, SeatLostError, UnauthenticatedError
from telemed_core.saga.running import TakeOver
from telemed_core.testing.builders import an_administrator
from telemed_core.testing.contracts.suite import confirmed
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.faults import Faulty
from telemed_core.testing.rooms import ControlledRooms
from telemed_core.testing.wiring import Clinic

MINUTE, TICK = timedelta(minutes=1), timedelta(microseconds=1)
OWNER = "here:1:0"


class PlainTokens:
    """Tokens that say what they are."""

    def verify(self, token: str, /) -> AttendeeClaims:
        if token.count("/") != 2:
            raise UnauthenticatedError
        appointment_id, meeting_id, account_id = token.split("/")
        return AttendeeClaims(AppointmentId(appointment_id), MeetingId(meeting_id), AccountId(account_id))


def entering(clinic: Clinic) -> EnterMeeting:
    stores = clinic.stores
    return EnterMeeting(
        PlainTokens(),
        stores.meetings,
        stores.appointments,
        stores.accounts,
        stores.signals,
        clinic.clock,
        clinic.ids,
        OWNER,
    )


@pytest.fixture
def visit(clinic: Clinic, clock: SettableClock, doctor: Doctor, patient: Patient) -> Appointment:
    """Both have joined."""
    visit = confirmed(clinic, doctor, patient)
    clock.set(visit.visit.start)
    for actor in (doctor, patient):
        clinic.join_visit(appointment_id=visit.id, actor=actor)
    return visit


def meeting_of(clinic: Clinic, visit: Appointment) -> MeetingId:
    kept = clinic.stores.meetings.of(visit.id)
    assert kept is not None
    return kept.id


def token(clinic: Clinic, visit: Appointment, account: Doctor | Patient) -> str:
    return f"{visit.id}/{meeting_of(clinic, visit)}/{account.id}"


def test_who_has_a_token_takes_the_seat_of_their_side(
    clinic: Clinic, visit: Appointment, doctor: Doctor, patient: Patient
) -> None:
    enter, meeting = entering(clinic), meeting_of(clinic, visit)
    seat, welcome = enter(meeting_id=meeting, token=token(clinic, visit, doctor))
    assert (seat.meeting_id, seat.appointment_id, seat.side) == (meeting, visit.id, Side.DOCTOR)
    assert not welcome.present
    other, welcome = enter(meeting_id=meeting, token=token(clinic, visit, patient))
    assert (other.side, welcome.present) == (Side.PATIENT, True)
    assert other.connection != seat.connection
    assert clinic.stores.signals.owners() == {OWNER}


def test_a_wrong_token_gets_no_seat(clinic: Clinic, visit: Appointment) -> None:
    with pytest.raises(UnauthenticatedError):
        entering(clinic)(meeting_id=meeting_of(clinic, visit), token="wrong")
    assert not clinic.stores.signals.owners()


def test_a_token_is_good_for_its_own_meeting_only(
    clinic: Clinic, clock: SettableClock, visit: Appointment, doctor: Doctor, patient: Patient
) -> None:
    mine = token(clinic, visit, patient)
    other = confirmed(clinic, doctor, patient, days=2)
    clock.set(other.visit.start)
    clinic.join_visit(appointment_id=other.id, actor=patient)
    enter = entering(clinic)
    unheard = f"{visit.id}/nothing/{patient.id}"
    foreign = f"{other.id}/{meeting_of(clinic, visit)}/{patient.id}"
    for meeting, held in (
        (meeting_of(clinic, other), mine),
        ("nothing", mine),
        ("nothing", unheard),
        (meeting_of(clinic, visit), foreign),
    ):
        with pytest.raises(NotFoundError):
            enter(meeting_id=meeting, token=held)
    assert not clinic.stores.signals.owners()


def test_a_token_of_a_visit_that_never_met_finds_nothing(
    clinic: Clinic, visit: Appointment, doctor: Doctor, patient: Patient
) -> None:
    unmet = confirmed(clinic, doctor, patient, days=2)
    with pytest.raises(NotFoundError):
        entering(clinic)(meeting_id="m", token=f"{unmet.id}/m/{patient.id}")


def test_the_token_of_a_room_that_died_finds_nothing_once_it_is_made_anew(
    clinic: Clinic, visit: Appointment, patient: Patient
) -> None:
    old, dead = token(clinic, visit, patient), meeting_of(clinic, visit)
    assert isinstance(clinic.rooms, ControlledRooms)
    clinic.rooms.die(dead)
    clinic.join_visit(appointment_id=visit.id, actor=patient)
    for meeting in (dead, meeting_of(clinic, visit)):
        with pytest.raises(NotFoundError):
            entering(clinic)(meeting_id=meeting, token=old)
    seat, _ = entering(clinic)(meeting_id=meeting_of(clinic, visit), token=token(clinic, visit, patient))
    assert seat.meeting_id != dead


def test_a_seat_is_taken_only_while_the_visit_is_open(
    clinic: Clinic, clock: SettableClock, visit: Appointment, patient: Patient
) -> None:
    meeting, held = meeting_of(clinic, visit), token(clinic, visit, patient)
    opens, closes = visit.visit.start - 10 * MINUTE, visit.visit.end + 10 * MINUTE
    for now in (opens - TICK, closes):
        clock.set(now)
        with pytest.raises(JoinWindowClosedError) as refused:
            entering(clinic)(meeting_id=meeting, token=held)
        assert refused.value.opens_at == opens
    for now in (opens, closes - TICK):
        clock.set(now)
        assert entering(clinic)(meeting_id=meeting, token=held)


def test_nobody_enters_a_completed_visit(clinic: Clinic, visit: Appointment, doctor: Doctor, patient: Patient) -> None:
    meeting, held = meeting_of(clinic, visit), token(clinic, visit, patient)
    clinic.complete_visit(appointment_id=visit.id, doctor=doctor)
    with pytest.raises(JoinWindowClosedError):
        entering(clinic)(meeting_id=meeting, token=held)


def test_a_suspended_doctor_does_not_enter_and_the_patient_does(
    clinic: Clinic, visit: Appointment, doctor: Doctor, patient: Patient
) -> None:
    clinic.verify_doctor(doctor_id=doctor.id, decision=Decision.SUSPEND, reason="expired", actor=an_administrator())
    meeting = meeting_of(clinic, visit)
    with pytest.raises(UnauthenticatedError):
        entering(clinic)(meeting_id=meeting, token=token(clinic, visit, doctor))
    assert entering(clinic)(meeting_id=meeting, token=token(clinic, visit, patient))


def test_a_meeting_that_was_closed_meanwhile_has_no_seats(clinic: Clinic, visit: Appointment, patient: Patient) -> None:
    meeting = meeting_of(clinic, visit)
    clinic.stores.signals.close(meeting)
    with pytest.raises(SeatLostError):
        entering(clinic)(meeting_id=meeting, token=token(clinic, visit, patient))


def a_seat(visit: Appointment, side: Side = Side.DOCTOR, connection: str = "c") -> Seat:
    return Seat(
        meeting_id=MeetingId(f"{visit.id}-1"),
        appointment_id=visit.id,
        side=side,
        connection=ConnectionId(connection),
    )


def test_seats_of_visits_that_are_over_are_found_in_one_read(
    clinic: Clinic, clock: SettableClock, visit: Appointment, doctor: Doctor, patient: Patient
) -> None:
    doctor_, patient_ = (a_seat(visit, side) for side in (Side.DOCTOR, Side.PATIENT))
    later = a_seat(confirmed(clinic, doctor, patient, days=2))
    unknown = attrs.evolve(later, appointment_id=AppointmentId("nothing"))
    counted = Faulty(clinic.stores.appointments, {})
    beside = clinic.beside(appointments=counted.port)
    assert beside.find_closed([doctor_, later, patient_, unknown]) == [later, unknown]
    assert counted.calls == ["many"]
    clock.set(visit.visit.end + 10 * MINUTE - TICK)
    assert clinic.find_closed([doctor_, patient_]) == []
    clock.advance(TICK)
    assert clinic.find_closed([doctor_, patient_]) == [doctor_, patient_]


def test_the_seats_of_a_completed_visit_are_found_at_once(clinic: Clinic, visit: Appointment, doctor: Doctor) -> None:
    seat = a_seat(visit)
    assert clinic.find_closed([seat]) == []
    clinic.complete_visit(appointment_id=visit.id, doctor=doctor)
    assert clinic.find_closed([seat]) == [seat]


def test_the_seats_of_processes_that_are_gone_are_freed(
    clinic: Clinic, visit: Appointment, doctor: Doctor, patient: Patient
) -> None:
    enter, meeting = entering(clinic), meeting_of(clinic, visit)
    enter(meeting_id=meeting, token=token(clinic, visit, doctor))
    attrs.evolve(enter, owner="here:2:0")(meeting_id=meeting, token=token(clinic, visit, patient))
    signals = clinic.stores.signals
    assert TakeOver(signals, OWNER, lambda owner: owner == OWNER)() == 0
    assert TakeOver(signals, "here:3:0", lambda owner: owner == OWNER)() == 1
    assert signals.owners() == {"here:2:0"}
    _, welcome = enter(meeting_id=meeting, token=token(clinic, visit, patient))
    assert not welcome.present
