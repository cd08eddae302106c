"""A08: a licence that is withdrawn counts at once, whatever token its owner still has."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from integration.attacks.clinic import NO_ID, Clinic, instant, pages
from integration.attacks.raw import check_problem, send
from integration.http.people import PASSWORD, Person, a_doctors_registration
from scale import scaled

SLOTS = "?from=2026-07-01T00:00:00Z&to=2026-07-02T00:00:00Z"


@pytest.fixture(scope="module")
def doctor(clinic: Clinic) -> Person:
    """One whom no other module suspends."""
    return clinic.doctor()


def _decide(clinic: Clinic, doctor: Person, decision: str) -> dict[str, Any]:
    body = {"decision": decision, "reason": "the council says so"}
    path = f"/v1/doctors/{doctor.id}/verification"
    found: dict[str, Any] = clinic.administrator.client.post(path, body).expect(200)
    return found


@pytest.fixture
def suspended(clinic: Clinic, doctor: Person) -> Any:
    """Suspends when called; the doctor is approved again after the test."""
    yield lambda: _decide(clinic, doctor, "suspend")
    if doctor.client.get("/v1/me").expect(200)["status"] == "suspended":
        _decide(clinic, doctor, "approve")


def test_a08_a_suspended_doctor_is_refused_at_once_with_a_valid_token(
    clinic: Clinic, doctor: Person, suspended: Any
) -> None:
    one, other = clinic.patients(2)
    requested, confirmed = clinic.requested(one, doctor), clinic.confirmed(one, doctor)
    proposed = clinic.proposed(other, doctor, by=other)
    tries = [
        (requested, "accept", {"rev": requested["rev"]}),
        (confirmed, "reschedule", {"start": instant(clinic.start())}),
        (proposed, "proposal/accept", {"proposal_id": proposed["proposal"]["id"]}),
    ]
    affected = suspended()["affected"]
    assert set(affected) == {requested["id"], confirmed["id"], proposed["id"]}
    for made, action, body in tries:
        for _ in range(4):  # each worker of the server is asked
            fresh = doctor.client.server.client(doctor.client.token)
            found = send(fresh, "POST", f"/v1/appointments/{made['id']}/{action}", json.dumps(body))
            fresh.close()
            check_problem(found, 403, "licence_inactive")
        assert doctor.client.get(f"/v1/appointments/{made['id']}").expect(200) == made
    _decide(clinic, doctor, "approve")
    for made, action, body in tries:
        doctor.client.post(f"/v1/appointments/{made['id']}/{action}", body).expect(200)


def test_a08_a_suspended_doctor_still_refuses_cancels_and_declines(
    clinic: Clinic, doctor: Person, suspended: Any
) -> None:
    one, other = clinic.patients(2)
    requested, confirmed = clinic.requested(one, doctor), clinic.confirmed(one, doctor)
    proposed = clinic.proposed(other, doctor, by=other)
    suspended()
    for made, action, body, left in (
        (requested, "refuse", {"reason": "no longer here"}, "refused"),
        (confirmed, "cancel", {"reason": "no longer here"}, "cancelled"),
        (proposed, "proposal/decline", {"proposal_id": proposed["proposal"]["id"]}, "confirmed"),
    ):
        path = f"/v1/appointments/{made['id']}/{action}"
        assert doctor.client.post(path, body).expect(200)["status"] == left


def test_a08_a_suspended_doctor_is_not_found_by_others(clinic: Clinic, doctor: Person, suspended: Any) -> None:
    patient = clinic.patient()
    body = {"doctor_id": doctor.id, "start": instant(clinic.start())}
    assert doctor.id in {one["id"] for one in pages(patient, "/v1/doctors", limit=100)}
    suspended()
    for person in (patient, clinic.bruno):
        assert doctor.id not in {one["id"] for one in pages(person, "/v1/doctors", limit=100)}
        assert doctor.id not in {one["id"] for one in pages(person, "/v1/doctors", available="any", limit=100)}
        for path in (f"/v1/doctors/{doctor.id}", f"/v1/doctors/{doctor.id}/slots{SLOTS}"):
            found = send(person.client, "GET", path)
            check_problem(found, 404, "not_found")
            assert found.telling() == send(person.client, "GET", path.replace(doctor.id, NO_ID)).telling()
    booked = send(patient.client, "POST", "/v1/appointments", json.dumps(body))
    check_problem(booked, 404, "not_found")
    unknown = send(patient.client, "POST", "/v1/appointments", json.dumps(body | {"doctor_id": NO_ID}))
    assert booked.telling() == unknown.telling()
    for person in (doctor, clinic.administrator):
        assert person.client.get(f"/v1/doctors/{doctor.id}").expect(200)["status"] == "suspended"
        assert send(person.client, "GET", f"/v1/doctors/{doctor.id}/slots{SLOTS}").status == 200


def test_a08_a_new_sign_in_brings_no_licence_back(clinic: Clinic, doctor: Person, suspended: Any) -> None:
    made = clinic.requested(clinic.patient(), doctor)
    suspended()
    again = doctor.again()
    answer = again.client.post(f"/v1/appointments/{made['id']}/accept", {"rev": made["rev"]})
    assert (answer.status, answer.code) == (403, "licence_inactive")
    profile = send(again.client, "PATCH", "/v1/me", '{"status": "approved"}')
    check_problem(profile, 422, "invalid_request", field="status")


def test_a08_nobody_is_found_before_approval_nor_after_rejection(clinic: Clinic) -> None:
    body = a_doctors_registration(700_001)
    made = clinic.nobody.post("/v1/doctors", body).expect(201)
    waiting = Person(made["id"], body["crm"], clinic.nobody.sign_in(body["crm"], PASSWORD))
    patient = clinic.patient()
    for decision in (None, "reject"):
        if decision:
            _decide(clinic, waiting, decision)
        for path in (f"/v1/doctors/{made['id']}", f"/v1/doctors/{made['id']}/slots{SLOTS}"):
            found = send(patient.client, "GET", path)
            check_problem(found, 404, "not_found")
            assert found.telling() == send(patient.client, "GET", path.replace(made["id"], NO_ID)).telling()
        assert made["id"] not in {one["id"] for one in pages(patient, "/v1/doctors", available="any", limit=100)}
        assert waiting.client.get(f"/v1/doctors/{made['id']}").expect(200)["status"] != "approved"


def test_a08_what_is_accepted_beside_a_suspension_was_accepted_before_it(clinic: Clinic, doctor: Person) -> None:
    for _ in range(scaled(30, ci=4)):
        made = clinic.requested(clinic.patient(), doctor)
        path, body = f"/v1/appointments/{made['id']}/accept", {"rev": made["rev"]}
        with ThreadPoolExecutor(2) as pool:
            accepting = pool.submit(doctor.client.post, path, body)
            pool.submit(_decide, clinic, doctor, "suspend").result()
        assert (accepting.result().status, accepting.result().code) in {(200, ""), (403, "licence_inactive")}
        again = doctor.client.post(path, body)
        assert (again.status, again.code) == (403, "licence_inactive")
        _decide(clinic, doctor, "approve")
