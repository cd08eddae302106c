"""A18, A27: no state of a visit is skipped, and nobody gets into a meeting but its two sides, while it is open."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from integration.attacks.clinic import NO_ID, NOW, Clinic
from integration.attacks.raw import Reply, check_problem, send
from integration.attacks.visits import (
    BEGUN,
    FOUR_HOURS,
    Visit,
    completed,
    held,
    in_progress,
    opening,
    soon,
    suspended,
    under_way,
)
from integration.http.people import Person

ANSWERS = {"join": None, "absence": {}, "complete": None, "rating": {"score": 5, "comment": "Took her time."}}
Make = Callable[[Clinic], Visit]


def _act(person: Person, action: str, id: str, body: Any = None, **headers: str) -> Reply:
    sent = ANSWERS[action] if body is None else body
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    target = f"/v1/appointments/{id}/{action}"
    return send(person.client, "POST", target, None if sent is None else json.dumps(sent), named)


def _appointment(make: Callable[[Clinic, Person, Person], dict[str, Any]]) -> Make:
    def made(clinic: Clinic) -> Visit:
        patient = clinic.patient()
        return Visit(make(clinic, patient, clinic.ana)["id"], patient, clinic.ana)

    return made


def _refused(clinic: Clinic, patient: Person, doctor: Person) -> dict[str, Any]:
    made = clinic.requested(patient, doctor)
    found: dict[str, Any] = doctor.client.post(f"/v1/appointments/{made['id']}/refuse", {}).expect(200)
    return found


def _missed(clinic: Clinic) -> Visit:
    visit = under_way(clinic, "patient")
    assert _act(visit.patient, "absence", visit.id).status == 200
    return visit


STATES: dict[str, Make] = {
    "requested": _appointment(lambda clinic, patient, doctor: clinic.requested(patient, doctor)),
    "refused": _appointment(_refused),
    "cancelled": _appointment(lambda clinic, patient, doctor: clinic.cancelled(patient, doctor)),
    "confirmed": _appointment(lambda clinic, patient, doctor: clinic.confirmed(patient, doctor)),
    "waited for": under_way,
    "in progress": in_progress,
    "completed": completed,
    "missed": _missed,
}
NOT_THERE = {"requested", "refused", "cancelled"}
WANTED: dict[str, dict[str, str]] = {
    "join": {
        **dict.fromkeys(NOT_THERE, "invalid_transition"),
        **dict.fromkeys(("confirmed", "completed", "missed"), "join_window_closed"),
    },
    "absence": {
        **dict.fromkeys((*NOT_THERE, "in progress", "completed", "missed"), "invalid_transition"),
        "confirmed": "too_early",
        "waited for": "not_present",
    },
    "complete": dict.fromkeys(STATES.keys() - {"in progress"}, "invalid_transition"),
    "rating": dict.fromkeys(STATES.keys() - {"completed"}, "invalid_transition"),
}
"""By what is tried, what it is answered in each state that has not come to it, or is beyond it."""


@pytest.mark.parametrize("state", STATES)
def test_a18_no_state_of_a_visit_is_skipped(clinic: Clinic, state: str) -> None:
    visit = STATES[state](clinic)
    before = visit.shown()
    for action, codes in WANTED.items():
        if state in codes:
            actors = {"complete": (visit.doctor,), "rating": (visit.patient,)}.get(action, visit.sides)
            for person in actors:
                check_problem(_act(person, action, visit.id), 409, codes[state])
    assert visit.shown() == before


def test_a18_a_visit_goes_from_one_state_to_the_next_and_never_back(clinic: Clinic) -> None:
    visit = under_way(clinic)
    for person, action, status in (
        (visit.patient, "join", "confirmed"),
        (visit.doctor, "join", "in_progress"),
        (visit.doctor, "complete", "completed"),
    ):
        assert _act(person, action, visit.id).status == 200
        assert visit.shown()["status"] == status
    assert _act(visit.patient, "rating", visit.id).status == 201
    for person, action, code in (
        (visit.patient, "join", "join_window_closed"),
        (visit.doctor, "join", "join_window_closed"),
        (visit.doctor, "absence", "invalid_transition"),
        (visit.doctor, "complete", "invalid_transition"),
        (visit.patient, "rating", "already_rated"),
    ):
        check_problem(_act(person, action, visit.id), 409, code)


def test_a18_of_many_ratings_in_parallel_one_counts(clinic: Clinic) -> None:
    visit = completed(clinic)
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda score: _act(visit.patient, "rating", visit.id, {"score": score}), [1, 5] * 8))
    counted = [reply for reply in replies if reply.status == 201]
    assert {reply.code for reply in replies if reply.status != 201} <= {"already_rated", "busy"}
    assert len(counted) == 1
    path = f"/v1/doctors/{visit.doctor.id}"
    rating = visit.patient.client.get(path).expect(200)["rating"]
    assert rating == {"average": counted[0].json["score"], "count": 1}
    assert visit.patient.client.get(f"{path}/ratings").expect(200)["items"] == [counted[0].json]


@pytest.mark.parametrize("make", [in_progress, completed, soon], ids=["in progress", "completed", "soon"])
def test_a27_a_third_person_cannot_tell_a_visit_from_one_that_does_not_exist(clinic: Clinic, make: Make) -> None:
    visit = make(clinic)
    before = visit.shown()
    for person, actions in ((clinic.patient(), ("join", "absence", "rating")), (clinic.bruno, ("join", "complete"))):
        for action in actions:
            found = _act(person, action, visit.id)
            check_problem(found, 404, "not_found")
            assert found.telling() == _act(person, action, NO_ID).telling()
    for action in ANSWERS:
        check_problem(_act(clinic.administrator, action, visit.id), 403, "forbidden")
        check_problem(_act(Person("nobody", "nobody", clinic.nobody), action, visit.id), 401, "unauthenticated")
    assert visit.shown() == before


def test_a27_who_comes_early_or_after_the_end_is_told_when_it_opens_and_gets_nothing(clinic: Clinic) -> None:
    start = clinic.start()
    patient = clinic.patient()
    early = Visit(clinic.confirmed(patient, clinic.ana, start)["id"], patient, clinic.ana)
    over = NOW - timedelta(hours=5)
    (late,) = held(clinic, clinic.patient(), clinic.doctor(), [over])
    for visit, opens_at in ((early, start), (late, over), (completed(clinic), BEGUN), (_missed(clinic), BEGUN)):
        for person in visit.sides:
            reply = _act(person, "join", visit.id)
            check_problem(reply, 409, "join_window_closed")
            assert reply.json["opens_at"] == opening(opens_at)
    assert early.shown()["history"][-1]["event"] == "confirmed"
    assert (late.shown()["status"], late.shown()["absent"]) == ("no_show", "both")


def test_a27_each_side_gets_its_own_way_in_and_again_the_same(clinic: Clinic) -> None:
    visit = soon(clinic)
    joined = {person.id: _act(person, "join", visit.id).json for person in visit.sides}
    one, other = joined.values()
    assert one["meeting"] == other["meeting"]
    assert one["meeting"]["signalling"] == f"/v1/meetings/{one['meeting']['id']}/signal"
    assert one["attendee"]["id"] != other["attendee"]["id"]
    assert one["attendee"]["token"] != other["attendee"]["token"]
    for person in visit.sides:
        assert _act(person, "join", visit.id).json == joined[person.id]
        assert _act(person.again(), "join", visit.id).json == joined[person.id]
    for secret in (one["attendee"]["token"], other["attendee"]["token"]):
        for path in ("", "/calendar.ics"):
            for person in visit.sides:
                assert secret not in send(person.client, "GET", visit.path + path).body.decode()
        check_problem(send(clinic.nobody, "GET", "/v1/me", token=secret), 401, "unauthenticated")


def test_a27_join_takes_no_key_and_reads_none(clinic: Clinic) -> None:
    visit, other = soon(clinic), soon(clinic)
    for one in (visit, other):
        for key in ("the-same-for-both", "k" * 129, ""):
            reply = _act(one.patient, "join", one.id, idempotency_key=key)
            assert (reply.status, reply.header("idempotency-replayed")) == (200, None)
    assert (
        _act(visit.patient, "join", visit.id).json["meeting"] != _act(other.patient, "join", other.id).json["meeting"]
    )


def test_a27_whoever_says_to_be_somebody_else_joins_as_themself(clinic: Clinic) -> None:
    visit = soon(clinic)
    plain = _act(visit.patient, "join", visit.id).json
    for body in ({"account_id": visit.doctor.id}, {"by": "doctor"}, {"role": "doctor", "attendee": {"id": "x"}}):
        assert _act(visit.patient, "join", visit.id, body).json == plain
    assert [one["event"] for one in visit.shown()["history"]].count("joined") == 1


def test_a08_a_suspended_doctor_neither_joins_nor_ends_a_visit(clinic: Clinic) -> None:
    (waited, going, early), elsewhere = (
        (under_way(clinic, "doctor"), in_progress(clinic), soon(clinic)),
        in_progress(clinic),
    )
    for visit in (waited, going, early):
        suspended(clinic, visit.doctor)
    for visit, action in ((waited, "join"), (waited, "absence"), (going, "join"), (going, "complete"), (early, "join")):
        before = visit.shown()
        check_problem(_act(visit.doctor, action, visit.id), 403, "licence_inactive")
        assert visit.shown() == before
    for action in ("join", "absence", "complete"):
        check_problem(_act(going.doctor, action, elsewhere.id), 404, "not_found")
    for visit in (waited, going, early):
        assert _act(visit.patient, "join", visit.id).status == 200


def test_a08_ratings_of_a_suspended_doctor_are_hidden_from_others(clinic: Clinic) -> None:
    visit = completed(clinic)
    assert _act(visit.patient, "rating", visit.id).status == 201
    suspended(clinic, visit.doctor)
    path = f"/v1/doctors/{visit.doctor.id}/ratings"
    for person in (visit.patient, clinic.bruno):
        found = send(person.client, "GET", path)
        check_problem(found, 404, "not_found")
        assert found.telling() == send(person.client, "GET", f"/v1/doctors/{NO_ID}/ratings").telling()
    for person in (visit.doctor, clinic.administrator):
        assert len(person.client.get(path).expect(200)["items"]) == 1


def test_a10_ratings_tell_of_no_patient_and_their_cursors_are_one_readers(clinic: Clinic) -> None:
    doctor = clinic.doctor(**FOUR_HOURS)
    people = clinic.patients(3)
    starts = [BEGUN - timedelta(weeks=week) for week in (1, 2, 3)]
    for person, start in zip(people, starts, strict=True):
        (visit,) = held(clinic, person, doctor, [start], ("patient", "doctor"), completed=True)
        assert _act(person, "rating", visit.id).status == 201
    path = f"/v1/doctors/{doctor.id}/ratings"
    reader = clinic.patient()
    first = reader.client.get(path, limit=1).expect(200)
    for person in people:
        assert person.id not in json.dumps(first)
        check_problem(send(person.client, "GET", f"{path}?cursor={first['next_cursor']}"), 422, "invalid_cursor")
    rest = reader.client.get(path, cursor=first["next_cursor"]).expect(200)["items"]
    assert [set(one) for one in (*first["items"], *rest)] == [{"score", "comment", "created_at"}] * 3
    for other in (f"/v1/doctors/{clinic.ana.id}/ratings", "/v1/doctors"):
        check_problem(send(reader.client, "GET", f"{other}?cursor={first['next_cursor']}"), 422, "invalid_cursor")


def test_a15_what_was_written_is_shown_as_text(clinic: Clinic) -> None:
    visit = completed(clinic)
    comment = "مع السلامة \N{PILE OF POO} <b>'\";--\nobrigado"
    assert _act(visit.patient, "rating", visit.id, {"score": 1, "comment": f" {comment} "}).json["comment"] == comment
    (shown,) = clinic.bruno.client.get(f"/v1/doctors/{visit.doctor.id}/ratings").expect(200)["items"]
    assert (shown["score"], shown["comment"]) == (1, comment)
