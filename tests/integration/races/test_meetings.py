"""Everybody comes at once: they find one room, whether there has been none or it has just died."""

from collections.abc import Iterable
from functools import partial

import attrs
import pytest

from adapters.memory import open_memory
from adapters.system import RandomIds
from integration.races.conftest import Shared
from integration.races.visits import about_to_begin
from telemed_core.application.visiting import Joined
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import AppointmentId
from telemed_core.domain.meetings import Meeting, Room
from telemed_core.domain.patient import Patient
from telemed_core.ports.storage import Stores
from telemed_core.testing.contracts.races import at_once
from telemed_core.testing.rooms import ControlledRooms
from telemed_core.testing.wiring import Clinic, a_clinic

OF_EACH_SIDE = 10
PROCESSES = 5


def meeting_of(stores: Stores, visit: Appointment) -> Meeting:
    kept = stores.meetings.of(visit.id)
    assert kept is not None
    return kept


def assert_both_came_once(stores: Stores, visit: Appointment) -> None:
    history = stores.appointments.get(visit.id).history or ()
    assert [event.name for event in history] == ["requested", "confirmed", "joined", "joined", "started"]
    assert {event.by for event in history if event.name == "joined"} == {"doctor", "patient"}


def assert_one_way_each(ways: Iterable[tuple[str, str, str]]) -> str:
    """Each of the two always got one way into one room; which room."""
    found = {*ways}
    rooms, people, attendees = ({way[column] for way in found} for column in range(3))
    assert (len(found), len(people), len(attendees), len(rooms)) == (2, 2, 2, 1)
    return rooms.pop()


class EverAnother(ControlledRooms):
    """Rooms of a provider that does not know what it made for whom: it is for us to keep one."""

    def create(self, appointment_id: AppointmentId, /, *, generation: int) -> Room:
        return super().create(AppointmentId(f"{appointment_id}-{RandomIds().new()}"), generation=generation)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "memory":
        return open_memory()
    opened: Stores = request.getfixturevalue(f"open_fresh_{request.param}")()
    return opened


def all_join(clinic: Clinic, visit: Appointment, doctor: Doctor, patient: Patient) -> list[Joined]:
    """What threads get that come at once, of each side so many, each as a process of its own."""
    actors: list[Doctor | Patient] = [doctor, patient] * OF_EACH_SIDE
    joined = at_once([partial(clinic.beside().join_visit, appointment_id=visit.id, actor=actor) for actor in actors])
    assert [one for one in joined if not isinstance(one, Joined)] == []
    room = assert_one_way_each(
        (one.room.id, actor.id, one.attendee.id) for one, actor in zip(joined, actors, strict=True)
    )
    assert room == meeting_of(clinic.stores, visit).id
    for actor, one in zip(actors[:2], joined, strict=False):
        again = clinic.join_visit(appointment_id=visit.id, actor=actor)
        assert (again.room, again.attendee) == (one.room, one.attendee)
    return joined


@pytest.mark.parametrize("rooms", [ControlledRooms, EverAnother])
def test_20_threads_find_one_room_and_make_it_anew_once_where_it_has_died(
    stores: Stores, rooms: type[ControlledRooms]
) -> None:
    made = rooms()
    clinic = attrs.evolve(a_clinic(stores), rooms=made)
    doctor, patient = clinic.doctor(), clinic.patient()
    visit = about_to_begin(clinic, doctor, patient)
    for generation in (1, 2, 3):
        all_join(clinic, visit, doctor, patient)
        kept = meeting_of(stores, visit)
        assert kept.generation == generation
        assert isinstance(made, EverAnother) or len(made.created) == generation
        made.die(kept.id)
    assert_both_came_once(stores, visit)


def test_20_joins_in_several_processes_find_one_room_and_make_it_anew_once_where_it_has_died(shared: Shared) -> None:
    [doctor], [patient] = shared.doctors(1), shared.patients(1)
    visit = about_to_begin(shared.clinic, doctor, patient)
    facts = {"appointment": visit.id, "doctor": doctor.id, "patient": patient.id}
    met = []
    for generation in (1, 2):
        answers = shared.all_at_once("join", [{**facts, "times": OF_EACH_SIDE // PROCESSES}] * PROCESSES)
        assert sum(len(answer["ways"]) for answer in answers) == 2 * OF_EACH_SIDE
        ways = [*(way for answer in answers for way in answer["ways"] + answer["again"])]
        room = assert_one_way_each((room, actor, attendee) for actor, room, attendee in ways)
        kept = meeting_of(shared.stores, visit)
        assert (kept.id, kept.generation) == (room, generation)
        met.append(kept)
        shared.clinic.rooms.end(kept)
    assert met[0].id != met[1].id
    assert_both_came_once(shared.stores, visit)
    shared.check_clean()
