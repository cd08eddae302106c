"""A17: no time is given twice, none that is not offered, and nobody holds more than three unanswered requests."""

import json
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from integration.attacks.clinic import NOW, Clinic, instant, pages
from integration.attacks.raw import Reply, check_problem, send
from integration.http.people import Person
from scale import scaled

BOOKING = "/v1/appointments"
MOST_PENDING = 3
HALF = timedelta(minutes=30)

Try = tuple[Person, str, dict[str, Any]]


@pytest.fixture(scope="module")
def half_past(clinic: Clinic) -> Person:
    """A doctor who receives at half past every hour."""
    windows = [
        {"weekday": day, "start": "00:30", "end": "23:30"}
        for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    ]
    return clinic.doctor(weekly=windows)


def _book(person: Person, doctor: Person, start: Any) -> Reply:
    return _tried((person, BOOKING, {"doctor_id": doctor.id, "start": instant(start)}))


def _tried(one: Try) -> Reply:
    person, path, body = one
    return send(person.client, "POST", path, json.dumps(body))


def _at_once(tries: Sequence[Try]) -> Counter[str]:
    """What each was answered: the status of a success, the code of a refusal; ``busy`` ones ask again."""

    def until_told(one: Try) -> str:
        while True:
            reply = _tried(one)
            if reply.status != 503:
                return reply.code or str(reply.status)

    with ThreadPoolExecutor(len(tries)) as pool:
        return Counter(pool.map(until_told, tries))


def _wishes(people: Sequence[Person], doctor: Person, start: Any) -> list[Try]:
    return [(person, BOOKING, {"doctor_id": doctor.id, "start": instant(start)}) for person in people]


def test_a17_of_many_who_want_one_time_one_gets_it(clinic: Clinic) -> None:
    for _ in range(scaled(10, ci=2)):
        people = clinic.patients(20)
        start = clinic.start()
        assert _at_once(_wishes(people, clinic.ana, start)) == {"201": 1, "slot_taken": 19}
        assert sum(1 for person in people for _ in pages(person, BOOKING)) == 1


def test_a17_one_patient_at_two_doctors_at_once_gets_one_time(clinic: Clinic, half_past: Person) -> None:
    for other, later in ((clinic.bruno, timedelta()), (half_past, HALF), (half_past, -HALF)):
        person, start = clinic.patient(), clinic.start()
        tries = _wishes([person], clinic.ana, start) + _wishes([person], other, start + later)
        assert _at_once(tries * 4) == {"201": 1, "patient_busy": 7}
        assert len(list(pages(person, BOOKING))) == 1


def test_a17_visits_of_one_patient_do_not_overlap_but_may_touch(clinic: Clinic, half_past: Person) -> None:
    person = clinic.patient()
    before, start, after = (clinic.start() for _ in range(3))
    clinic.confirmed(person, clinic.ana, start)
    for later in (HALF, -HALF):
        check_problem(_book(person, half_past, start + later), 409, "patient_busy")
    for touching in (before, after):
        assert _book(person, clinic.bruno, touching).status == 201


def test_a17_a_fourth_unanswered_request_is_refused(clinic: Clinic) -> None:
    person = clinic.patient()
    made = [clinic.requested(person, doctor) for doctor in (clinic.ana, clinic.bruno, clinic.ana)]
    for doctor in (clinic.ana, clinic.bruno):
        check_problem(_book(person, doctor, clinic.start()), 409, "too_many_pending")
    clinic.ana.client.post(f"{BOOKING}/{made[0]['id']}/accept", {"rev": made[0]["rev"]}).expect(200)
    assert _book(person, clinic.ana, clinic.start()).status == 201
    check_problem(_book(person, clinic.ana, clinic.start()), 409, "too_many_pending")


def test_a17_times_are_not_hoarded_in_parallel_either(clinic: Clinic) -> None:
    for _ in range(scaled(10, ci=2)):
        person = clinic.patient()
        tries = [one for _ in range(10) for one in _wishes([person], clinic.ana, clinic.start())]
        assert _at_once(tries) == {"201": MOST_PENDING, "too_many_pending": 10 - MOST_PENDING}
        assert len(list(pages(person, BOOKING))) == MOST_PENDING


def test_a17_a_request_that_is_moved_holds_one_time_only(clinic: Clinic) -> None:
    person, other = clinic.patients(2)
    made = clinic.requested(person, clinic.ana)
    first, second = clinic.start(), clinic.start()
    path = f"{BOOKING}/{made['id']}/reschedule"
    tries = [(person, path, {"start": instant(start)}) for start in (first, second)]
    told = _at_once(tries * 3)
    # Each move that came in time was a success; a move to where it stood already was refused.
    assert set(told) <= {"200", "slot_not_offered"}
    left = person.client.get(f"{BOOKING}/{made['id']}").expect(200)["start"]
    assert left in {instant(first), instant(second)}
    free = second if left == instant(first) else first
    assert _book(other, clinic.ana, free).status == 201
    check_problem(_book(clinic.patient(), clinic.ana, first if free == second else second), 409, "slot_taken")


def test_a17_the_past_is_not_booked(clinic: Clinic) -> None:
    person = clinic.patient()
    for start in (NOW, NOW - timedelta(hours=1), NOW - timedelta(days=300), NOW.replace(year=1999)):
        check_problem(_book(person, clinic.ana, start), 422, "too_soon", field="start")
    check_problem(_book(person, clinic.ana, NOW + timedelta(days=367)), 422, "beyond_horizon", field="start")
    check_problem(_book(person, clinic.ana, NOW.replace(year=2199)), 422, "beyond_horizon", field="start")
    made = clinic.requested(person, clinic.ana)
    path = f"{BOOKING}/{made['id']}/reschedule"
    check_problem(_tried((person, path, {"start": instant(NOW)})), 422, "too_soon", field="start")


def test_a17_only_starts_of_the_grid_are_booked(clinic: Clinic, half_past: Person) -> None:
    person, start = clinic.patient(), clinic.start()
    for later in (timedelta(seconds=1), timedelta(minutes=5), HALF, timedelta(minutes=59)):
        check_problem(_book(person, clinic.ana, start + later), 422, "slot_not_offered", field="start")
    # What one doctor offers is none of another's.
    check_problem(_book(person, half_past, start), 422, "slot_not_offered", field="start")
    offset = {"doctor_id": clinic.ana.id, "start": f"{start:%Y-%m-%dT%H:%M:%S}.5Z"}
    check_problem(_tried((person, BOOKING, offset)), 422, field="start")
    assert _book(person, half_past, start + HALF).status == 201
    assert len(list(pages(person, BOOKING))) == 1


def test_a17_a_blocked_time_is_not_booked(clinic: Clinic) -> None:
    person, start, after = clinic.patient(), clinic.start(), clinic.start()
    block = {"start": instant(start + timedelta(minutes=49)), "end": instant(start + timedelta(minutes=55))}
    clinic.ana.client.post("/v1/agenda/blocks", block).expect(201)
    check_problem(_book(person, clinic.ana, start), 422, "slot_not_offered", field="start")
    assert _book(person, clinic.ana, after).status == 201


def test_a17_a_proposal_takes_no_time_of_others(clinic: Clinic) -> None:
    one, other = clinic.patients(2)
    own, theirs = clinic.confirmed(one, clinic.ana), clinic.confirmed(other, clinic.ana)
    path = f"{BOOKING}/{own['id']}/reschedule"
    for person in (one, clinic.ana):
        check_problem(_tried((person, path, {"start": theirs["start"]})), 409, "slot_taken")
    elsewhere = clinic.confirmed(one, clinic.bruno)
    check_problem(_tried((one, path, {"start": elsewhere["start"]})), 409, "patient_busy")
    open_at = clinic.start()
    assert _tried((one, path, {"start": instant(open_at)})).status == 200
    for start in (open_at, own["start"]):
        wish = {"doctor_id": clinic.ana.id, "start": start if isinstance(start, str) else instant(start)}
        check_problem(_tried((other, BOOKING, wish)), 409, "slot_taken")


def test_a17_of_accept_refuse_and_cancel_at_once_one_is_done(clinic: Clinic) -> None:
    for _ in range(scaled(20, ci=3)):
        person = clinic.patient()
        made = clinic.requested(person, clinic.ana)
        path = f"{BOOKING}/{made['id']}"
        told = _at_once(
            [
                (clinic.ana, f"{path}/accept", {"rev": made["rev"]}),
                (clinic.ana, f"{path}/refuse", {}),
                (person, f"{path}/cancel", {"reason": "not needed"}),
            ]
        )
        left = person.client.get(path).expect(200)
        events = [entry["event"] for entry in left["history"]]
        # A visit that was accepted first could be cancelled after it.
        assert events in (
            ["requested", "refused"],
            ["requested", "cancelled"],
            ["requested", "confirmed"],
            ["requested", "confirmed", "cancelled"],
        )
        assert told["200"] == len(events) - 1
        assert left["rev"] == len(events)
