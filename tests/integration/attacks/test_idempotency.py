"""A16: under one key a command is done once, for its user; a repeat tells what it left, whatever happened since."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from integration.attacks.clinic import Beside, Clinic, instant, pages
from integration.attacks.raw import Header, Reply, check_problem, send
from integration.attacks.visits import completed, in_progress, under_way
from integration.http.people import Person
from scale import scaled

REPLAYED = "idempotency-replayed"
BOOKING = "/v1/appointments"


def _key() -> str:
    return f"key-{uuid4().hex}"


def _post(person: Person, path: str, body: Any, *keys: str | bytes) -> Reply:
    headers: list[Header] = [("Idempotency-Key", key) for key in keys]
    return send(person.client, "POST", path, json.dumps(body), headers)


def _wish(clinic: Clinic) -> dict[str, Any]:
    return {"doctor_id": clinic.ana.id, "start": instant(clinic.start()), "reason": "a cough"}


def _check_replay(replay: Reply, first: Reply) -> None:
    assert (replay.status, replay.body) == (first.status, first.body)
    assert (first.header(REPLAYED), replay.header(REPLAYED)) == (None, "true")


def _number(person: Person) -> int:
    return len(list(pages(person, BOOKING, limit=100)))


def test_a16_a_repeat_does_nothing_and_is_answered_as_the_first_time(clinic: Clinic) -> None:
    person, wish, key = clinic.patient(), _wish(clinic), _key()
    first = _post(person, BOOKING, wish, key)
    assert first.status == 201
    for _ in range(3):
        _check_replay(_post(person, BOOKING, wish, key), first)
    assert _number(person) == 1


def test_a16_the_answer_is_what_the_command_left_although_the_thing_has_changed_since(clinic: Clinic) -> None:
    person, wish = clinic.patient(), _wish(clinic)
    booked, accepted, moved, cancelled = (_key() for _ in range(4))
    first = _post(person, BOOKING, wish, booked)
    path = f"{BOOKING}/{first.json['id']}"
    start = instant(clinic.start())
    steps = [
        (clinic.ana, f"{path}/accept", {"rev": first.json["rev"]}, accepted, "confirmed"),
        (person, f"{path}/reschedule", {"start": start}, moved, "confirmed"),
        (person, f"{path}/cancel", {"reason": "not needed"}, cancelled, "cancelled"),
    ]
    replies = [_post(*step[:4]) for step in steps]
    assert [reply.json["status"] for reply in replies] == [step[4] for step in steps]
    _check_replay(_post(person, BOOKING, wish, booked), first)
    assert first.json["status"] == "requested"
    for step, reply in zip(steps, replies, strict=True):
        _check_replay(_post(*step[:4]), reply)
    assert person.client.get(path).expect(200)["rev"] == replies[-1].json["rev"]


def test_a16_a_block_and_a_verification_are_replayed_too(clinic: Clinic) -> None:
    doctor = clinic.doctor()
    affected = clinic.confirmed(clinic.patient(), doctor)
    block = {"start": affected["start"], "end": affected["end"], "reason": "a course"}
    key = _key()
    first = _post(doctor, "/v1/agenda/blocks", block, key)
    assert (first.status, first.json["affected"]) == (201, [affected["id"]])
    doctor.client.delete(f"/v1/agenda/blocks/{first.json['id']}").expect(204)
    _check_replay(_post(doctor, "/v1/agenda/blocks", block, key), first)
    assert doctor.client.get("/v1/agenda/blocks").expect(200)["items"] == []
    path, decision = f"/v1/doctors/{doctor.id}/verification", {"decision": "suspend", "reason": "the council says so"}
    key = _key()
    suspended = _post(clinic.administrator, path, decision, key)
    assert (suspended.status, suspended.json["affected"]) == (200, [affected["id"]])
    _post(clinic.administrator, path, {"decision": "approve"}, _key())
    replay = _post(clinic.administrator, path, decision, key)
    assert (replay.status, replay.header(REPLAYED)) == (200, "true")
    assert replay.json["affected"] == suspended.json["affected"]
    assert replay.json["status"] == "suspended"
    assert doctor.client.get("/v1/me").expect(200)["status"] == "approved"


def test_a16_what_ends_a_visit_and_what_is_thought_of_it_is_replayed_too(clinic: Clinic) -> None:
    going, waiting = in_progress(clinic), under_way(clinic, "patient")
    done, missed, rated = _key(), _key(), _key()
    steps = [
        (going.doctor, f"{going.path}/complete", {}, done),
        (waiting.patient, f"{waiting.path}/absence", {}, missed),
        (going.patient, f"{going.path}/rating", {"score": 4, "comment": "Took her time."}, rated),
    ]
    firsts = [_post(*step) for step in steps]
    assert [first.status for first in firsts] == [200, 200, 201]
    for step, first in zip(steps, firsts, strict=True):
        for _ in range(2):
            _check_replay(_post(*step), first)
    check_problem(_post(*steps[2][:2], {"score": 5}, rated), 422, "idempotency_key_reused")
    check_problem(_post(*steps[2][:2], {"score": 5}, _key()), 409, "already_rated")
    assert going.patient.client.get(f"/v1/doctors/{going.doctor.id}").expect(200)["rating"]["count"] == 1


def test_a16_of_ratings_in_parallel_under_one_key_one_counts(clinic: Clinic) -> None:
    visit, key = completed(clinic), _key()
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: _post(visit.patient, f"{visit.path}/rating", {"score": 4}, key), range(16)))
    assert {reply.status for reply in replies} <= {201, 503}
    made = [reply for reply in replies if reply.status == 201]
    assert [reply.header(REPLAYED) for reply in made].count(None) == 1
    assert len({reply.body for reply in made}) == 1
    assert visit.patient.client.get(f"/v1/doctors/{visit.doctor.id}").expect(200)["rating"]["count"] == 1


def test_a16_something_else_under_a_key_is_refused(clinic: Clinic) -> None:
    person, wish, key = clinic.patient(), _wish(clinic), _key()
    made = _post(person, BOOKING, wish, key).json
    path = f"{BOOKING}/{made['id']}"
    others = [
        (BOOKING, wish | {"start": instant(clinic.start())}),
        (BOOKING, wish | {"reason": "another cough"}),
        (BOOKING, {name: value for name, value in wish.items() if name != "reason"}),
        (BOOKING, wish | {"start": made["start"].replace("Z", "+00:00")}),
        (f"{path}/cancel", {"reason": "not needed"}),
        (f"{path}/reschedule", {"start": wish["start"]}),
    ]
    for other, body in others:
        check_problem(_post(person, other, body, key), 422, "idempotency_key_reused", field="Idempotency-Key")
    assert person.client.get(path).expect(200) == made
    assert _number(person) == 1


def test_a16_the_same_body_at_another_path_is_something_else(clinic: Clinic) -> None:
    person, key, body = clinic.patient(), _key(), {"reason": "not needed"}
    one, other = (f"{BOOKING}/{clinic.requested(person, clinic.ana)['id']}" for _ in range(2))
    assert _post(person, f"{one}/cancel", body, key).status == 200
    check_problem(_post(person, f"{other}/cancel", body, key), 422, "idempotency_key_reused")
    assert person.client.get(other).expect(200)["status"] == "requested"
    assert _post(clinic.ana, f"{other}/refuse", body, key).status == 200
    check_problem(_post(clinic.ana, f"{other}/cancel", body, key), 422, "idempotency_key_reused")


def test_a16_the_same_body_in_other_words_is_the_same_body(clinic: Clinic) -> None:
    person, wish, key = clinic.patient(), _wish(clinic), _key()
    first = _post(person, BOOKING, wish, key)
    turned = {name: wish[name] for name in reversed(wish)}
    headers = [("Idempotency-Key", key)]
    for text in (json.dumps(turned, indent=4), json.dumps(wish).replace("a cough", "a c\\u006fugh")):
        _check_replay(send(person.client, "POST", BOOKING, text, headers), first)


def test_a16_another_user_acts_under_the_same_key(clinic: Clinic) -> None:
    one, other = clinic.patients(2)
    key = _key()
    replies = [_post(person, BOOKING, _wish(clinic), key) for person in (one, other)]
    assert [(reply.status, reply.header(REPLAYED)) for reply in replies] == [(201, None)] * 2
    made = replies[0].json
    accepted = _post(clinic.ana, f"{BOOKING}/{made['id']}/accept", {"rev": made["rev"]}, key)
    assert (accepted.status, accepted.header(REPLAYED)) == (200, None)
    wish = {"doctor_id": clinic.ana.id, "start": made["start"], "reason": "a cough"}
    taken = _post(other, BOOKING, wish, _key())
    check_problem(taken, 409, "slot_taken")


def test_a16_a_key_outlives_its_session(clinic: Clinic) -> None:
    person, wish, key = clinic.patient(), _wish(clinic), _key()
    first = _post(person, BOOKING, wish, key)
    _check_replay(_post(person.again(), BOOKING, wish, key), first)


def test_a16_a_refused_command_is_tried_again(clinic: Clinic) -> None:
    one, other = clinic.patients(2)
    wish, key = _wish(clinic), _key()
    made = _post(one, BOOKING, wish, _key()).json
    for _ in range(2):
        check_problem(_post(other, BOOKING, wish, key), 409, "slot_taken")
    _post(one, f"{BOOKING}/{made['id']}/cancel", {"reason": "not needed"}, _key())
    first = _post(other, BOOKING, wish, key)
    assert (first.status, first.header(REPLAYED)) == (201, None)
    _check_replay(_post(other, BOOKING, wish, key), first)


def test_a16_a_refused_command_leaves_its_key_to_any_other(clinic: Clinic) -> None:
    person, key = clinic.patient(), _key()
    wish = _wish(clinic)
    check_problem(_post(person, BOOKING, wish | {"start": "2020-01-01T00:00:00Z"}, key), 422, "too_soon")
    check_problem(_post(person, BOOKING, {}, key), 422, "invalid_request")
    assert _post(person, BOOKING, wish, key).status == 201


def test_a16_of_fifty_in_parallel_one_acts(clinic: Clinic) -> None:
    for _ in range(scaled(20, ci=1)):
        person, wish, key = clinic.patient(), _wish(clinic), _key()
        with ThreadPoolExecutor(50) as pool:
            replies = list(pool.map(_post, *zip(*[(person, BOOKING, wish, key)] * 50, strict=True)))
        assert {reply.status for reply in replies} <= {201, 503}
        made = [reply for reply in replies if reply.status == 201]
        assert [reply.header(REPLAYED) for reply in made].count(None) == 1
        assert len({reply.body for reply in made}) == 1
        for reply in replies:
            if reply.status == 503:
                check_problem(reply, 503, "busy")
                assert reply.header("retry-after") == "1"
        assert _number(person) == 1


def test_a16_of_different_commands_in_parallel_under_one_key_one_acts(clinic: Clinic) -> None:
    person, key = clinic.patient(), _key()
    wishes = [_wish(clinic) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda wish: _post(person, BOOKING, wish, key), wishes))
    assert sorted({reply.status for reply in replies} - {503}) == [201, 422]
    assert [reply.status for reply in replies].count(201) == 1
    assert {reply.code for reply in replies if reply.status == 422} == {"idempotency_key_reused"}
    assert _number(person) == 1


def test_a16_after_a_day_the_same_is_done_anew(clinic: Clinic, a_day_later: Beside) -> None:
    person, wish, key = clinic.patient(), _wish(clinic), _key()
    first = _post(person, BOOKING, wish, key)
    later = a_day_later.there(person)
    # The first request has expired unanswered by then, and holds nothing.
    again = _post(later, BOOKING, wish, key)
    assert (again.status, again.header(REPLAYED)) == (201, None)
    assert again.json["id"] != first.json["id"]
    _check_replay(_post(later, BOOKING, wish, key), again)
    another = _post(later, BOOKING, wish | {"start": instant(clinic.start())}, key)
    check_problem(another, 422, "idempotency_key_reused")


BAD: list[tuple[str | bytes, ...]] = [
    ("",),
    ("k" * 129,),
    ("k" * 5000,),
    ("a key",),
    ("a\tkey",),
    ("clé".encode(),),
    ("clé".encode("latin-1"),),
    ("٣".encode(),),
    ("one", "two"),
    ("one", "one"),
    ("one", ""),
]


@pytest.mark.parametrize("keys", BAD, ids=ascii)
def test_a16_a_key_that_is_none_is_refused_by_name_and_nothing_is_done(
    clinic: Clinic, keys: tuple[str | bytes, ...]
) -> None:
    person = clinic.patient()
    found = _post(person, BOOKING, _wish(clinic), *keys)
    check_problem(found, 422, "invalid_request", field="Idempotency-Key")
    assert _number(person) == 0


def test_a16_keys_of_one_to_128_visible_characters_are_taken(clinic: Clinic) -> None:
    person = clinic.patient()
    for key in ("k", "!" + "~" * 127, 'a"b,c;d=e\\f', "null"):
        wish = _wish(clinic)
        first = _post(person, BOOKING, wish, key)
        assert first.status == 201
        _check_replay(_post(person, BOOKING, wish, key), first)
        _post(person, f"{BOOKING}/{first.json['id']}/cancel", {"reason": "not needed"}, _key())


def test_a16_where_a_key_has_no_meaning_it_is_not_read(clinic: Clinic) -> None:
    person, key = clinic.patient(), _key()
    _post(person, BOOKING, _wish(clinic), key)
    for bad in (key, "", "clé".encode(), "k" * 129):
        headers = [("Idempotency-Key", bad)]
        assert send(person.client, "GET", BOOKING, None, headers).status == 200
        assert send(person.client, "PATCH", "/v1/me", '{"language": "en"}', headers).header(REPLAYED) is None
        assert send(clinic.nobody, "POST", "/v1/auth/refresh", '{"refresh_token": "x"}', headers).status == 401


def test_a16_without_a_key_a_repeat_is_another_command(clinic: Clinic) -> None:
    person, wish = clinic.patient(), _wish(clinic)
    assert _post(person, BOOKING, wish).status == 201
    check_problem(_post(person, BOOKING, wish), 409, "patient_busy")
