"""A01, A03: what is somebody else's cannot be told from what does not exist, by anybody, whatever its state."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from integration.attacks.clinic import NO_ID, Clinic
from integration.attacks.raw import Reply, check_problem, send
from integration.attacks.surface import (
    ACTIONS,
    ADMINISTRATOR,
    DOCTOR,
    NOBODY,
    PATIENT,
    SHOW_APPOINTMENT,
    SHOW_CALENDAR,
    Operation,
)
from integration.http.people import Person

Make = Callable[[Clinic, Person], dict[str, Any]]

LIVE: dict[str, Make] = {
    "requested": lambda clinic, owner: clinic.requested(owner, clinic.ana),
    "confirmed": lambda clinic, owner: clinic.confirmed(owner, clinic.ana),
    "proposed by the patient": lambda clinic, owner: clinic.proposed(owner, clinic.ana, by=owner),
    "proposed by the doctor": lambda clinic, owner: clinic.proposed(owner, clinic.ana, by=clinic.ana),
}
EVERYTHING = (SHOW_APPOINTMENT, SHOW_CALENDAR, *ACTIONS)


def _strangers(clinic: Clinic) -> dict[str, Person]:
    return {PATIENT: clinic.patient(), DOCTOR: clinic.bruno, ADMINISTRATOR: clinic.administrator}


def _tried(operation: Operation, person: Person, made: dict[str, Any], id: str, *headers: tuple[str, str]) -> Reply:
    """The operation with the facts of the appointment that it is aimed at, at that id."""
    body = None
    if operation.body is not None:
        facts = {"rev": made["rev"], "proposal_id": (made["proposal"] or {"id": "a-proposal"})["id"]}
        body = json.dumps({name: facts.get(name, value) for name, value in operation.body.items()})
    return send(person.client, operation.method, operation.target(id), body, headers)


def _check_hidden(clinic: Clinic, made: dict[str, Any], owner: Person) -> None:
    before = owner.client.get(f"/v1/appointments/{made['id']}").expect(200)
    for role, stranger in _strangers(clinic).items():
        for operation in EVERYTHING:
            found = _tried(operation, stranger, made, made["id"])
            if role in operation.who:
                check_problem(found, 404, "not_found")
            else:
                check_problem(found, 403, "forbidden")
            assert found.telling() == _tried(operation, stranger, made, NO_ID).telling(), (role, str(operation))
    assert owner.client.get(f"/v1/appointments/{made['id']}").expect(200) == before


@pytest.mark.parametrize("state", LIVE)
def test_a01_anothers_appointment_cannot_be_told_from_one_that_does_not_exist(clinic: Clinic, state: str) -> None:
    owner = clinic.patient()
    _check_hidden(clinic, LIVE[state](clinic, owner), owner)


def test_a03_anothers_cancelled_visit_cannot_be_told_from_one_that_does_not_exist(clinic: Clinic) -> None:
    owner = clinic.patient()
    _check_hidden(clinic, clinic.cancelled(owner, clinic.ana), owner)


def test_a03_anothers_refused_visit_cannot_be_told_from_one_that_does_not_exist(clinic: Clinic) -> None:
    owner = clinic.patient()
    made = clinic.requested(owner, clinic.ana)
    refused = clinic.ana.client.post(f"/v1/appointments/{made['id']}/refuse", {}).expect(200)
    _check_hidden(clinic, refused, owner)


def test_a01_without_a_token_even_ones_own_appointment_is_out_of_reach(clinic: Clinic) -> None:
    made = clinic.requested(clinic.patient(), clinic.ana)
    nobody = Person(NOBODY, NOBODY, clinic.nobody)
    for operation in EVERYTHING:
        found = _tried(operation, nobody, made, made["id"])
        check_problem(found, 401, "unauthenticated")
        assert found.telling() == _tried(operation, nobody, made, NO_ID).telling(), str(operation)


def test_a01_an_idempotency_key_opens_nothing_of_others(clinic: Clinic) -> None:
    owner, stranger = clinic.patients(2)
    made = clinic.requested(owner, clinic.ana)
    path, body, key = (
        f"/v1/appointments/{made['id']}/cancel",
        {"reason": "not needed"},
        "the owner's key".replace(" ", "-"),
    )
    owner.client.post(path, body, key=key).expect(200)
    for person in (stranger, clinic.bruno):
        found = send(person.client, "POST", path, json.dumps(body), [("Idempotency-Key", key)])
        check_problem(found, 404, "not_found")


def test_a01_the_other_side_of_a_visit_does_only_what_is_its_own(clinic: Clinic) -> None:
    owner = clinic.patient()
    made = clinic.proposed(owner, clinic.ana, by=owner)
    path = f"/v1/appointments/{made['id']}"
    body = {"proposal_id": made["proposal"]["id"]}
    for action in ("accept", "refuse"):
        answer = owner.client.post(f"{path}/{action}", {})
        assert (answer.status, answer.code) == (403, "forbidden")
    own = owner.client.post(f"{path}/proposal/accept", body)
    assert (own.status, own.code) == (409, "invalid_transition")
    assert owner.client.get(path).expect(200)["proposal"]["id"] == body["proposal_id"]


def test_a01_a_proposal_of_one_visit_does_nothing_to_another(clinic: Clinic) -> None:
    one, other = clinic.patients(2)
    theirs, own = (clinic.proposed(person, clinic.ana, by=clinic.ana) for person in (one, other))
    for action in ("accept", "decline"):
        path = f"/v1/appointments/{own['id']}/proposal/{action}"
        found = send(other.client, "POST", path, json.dumps({"proposal_id": theirs["proposal"]["id"]}))
        check_problem(found, 409, "invalid_transition")
        made_up = send(other.client, "POST", path, json.dumps({"proposal_id": NO_ID}))
        assert found.telling() == made_up.telling()


def test_a01_anothers_block_cannot_be_told_from_one_that_does_not_exist(clinic: Clinic) -> None:
    start, end = "2027-05-01T03:00:00Z", "2027-05-01T03:30:00Z"
    made = clinic.ana.client.post("/v1/agenda/blocks", {"start": start, "end": end}).expect(201)
    found = send(clinic.bruno.client, "DELETE", f"/v1/agenda/blocks/{made['id']}")
    check_problem(found, 404, "not_found")
    assert found.telling() == send(clinic.bruno.client, "DELETE", f"/v1/agenda/blocks/{NO_ID}").telling()
    assert made["id"] in {one["id"] for one in clinic.ana.client.get("/v1/agenda/blocks").expect(200)["items"]}


def test_a01_anothers_notice_cannot_be_told_from_one_that_does_not_exist(clinic: Clinic) -> None:
    owner, stranger = clinic.patients(2)
    made = clinic.confirmed(owner, clinic.ana)
    notice = clinic.notice(owner, made["id"])
    for person in (stranger, clinic.ana, clinic.bruno, clinic.administrator):
        found = send(person.client, "POST", f"/v1/notifications/{notice['id']}/read")
        check_problem(found, 404, "not_found")
        assert found.telling() == send(person.client, "POST", f"/v1/notifications/{NO_ID}/read").telling()
        assert notice["id"] not in {one["id"] for one in person.client.get("/v1/notifications").expect(200)["items"]}
    assert clinic.notice(owner, made["id"])["read_at"] is None


def test_a01_a_delivery_by_another_channel_is_no_notice_of_the_inbox(clinic: Clinic) -> None:
    owner = clinic.patient()
    clinic.notice(owner, clinic.confirmed(owner, clinic.ana)["id"])
    dead = clinic.dead_deliveries(owner, 1)[0]
    check_problem(send(owner.client, "POST", f"/v1/notifications/{dead}/read"), 404, "not_found")
    assert dead not in {one["id"] for one in owner.client.get("/v1/notifications").expect(200)["items"]}
