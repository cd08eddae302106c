"""A09: who may do what follows from the account in our directory, and from nothing that a request says."""

import json
from typing import Any

import pytest

from integration.attacks.clinic import NO_ID, Clinic
from integration.attacks.raw import Header, check_problem, send
from integration.attacks.surface import (
    ADMINISTRATOR,
    ANYONE,
    DOCTOR,
    NOBODY,
    OPERATIONS,
    PATIENT,
    ROLES,
    Operation,
)
from integration.http.people import Person, a_doctors_registration, a_patients_registration
from integration.http.server import Client

CLAIMED: list[Header] = [
    ("X-Role", "administrator"),
    ("Role", "administrator"),
    ("X-User-Role", "administrator"),
    ("X-Forwarded-User", "root@example.com"),
    ("X-HTTP-Method-Override", "GET"),
    ("X-Original-URL", "/healthz"),
    ("X-Rewrite-URL", "/healthz"),
    ("Cookie", "role=administrator; access_token=x"),
]
"""What a request may say of itself, to no effect."""


def _client(clinic: Clinic, role: str, *, sacrificed: bool) -> Client:
    """Somebody of the role; ``sacrificed``: whose session, and account, may end."""
    if role == NOBODY:
        return clinic.nobody
    if role == PATIENT:
        return clinic.patient().client
    person = clinic.bruno if role == DOCTOR else clinic.administrator
    return person.again().client if sacrificed else person.client


def _probe(operation: Operation, client: Client, headers: list[Header]) -> Any:
    body = None if operation.body is None else "{"
    return send(client, operation.method, operation.target(NO_ID), body, headers)


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_a09_every_operation_is_open_to_those_roles_alone_that_the_contract_names(
    clinic: Clinic, operation: Operation
) -> None:
    for role in ROLES:
        if operation.role not in {None, role} and role in operation.who:
            continue
        for headers in ([], CLAIMED):
            client = _client(clinic, role, sacrificed=operation.answered == 204)
            found = _probe(operation, client, headers)
            if operation.who == ANYONE or role in operation.who:
                assert found.status == operation.answered, (role, found)
            elif role == NOBODY:
                check_problem(found, 401, "unauthenticated")
                assert found.header("www-authenticate") == "Bearer"
            else:
                check_problem(found, 403, "forbidden")


def test_a09_the_table_has_every_operation_that_is_served(clinic: Clinic) -> None:
    served = clinic.nobody.get("/openapi.json").expect(200)["paths"]
    found = {(method.upper(), path) for path, methods in served.items() for method in methods if method != "parameters"}
    assert found == {(operation.method, operation.path) for operation in OPERATIONS}


@pytest.mark.parametrize("role", [PATIENT, DOCTOR, ADMINISTRATOR])
def test_a09_a_role_in_a_profile_is_refused_and_changes_nothing(clinic: Clinic, role: str) -> None:
    client = _client(clinic, role, sacrificed=False)
    before = client.get("/v1/me").expect(200)
    for name in ("role", "roles", "status", "id", "person_id", "rev", "cpf", "crm", "email", "is_admin", "password"):
        found = send(client, "PATCH", "/v1/me", json.dumps({name: before.get(name, ADMINISTRATOR)}))
        check_problem(found, 422, "invalid_request", field=name)
    assert client.get("/v1/me").expect(200) == before


@pytest.mark.parametrize("path", ["/v1/doctors", "/v1/patients"])
def test_a09_nobody_registers_as_more_than_the_route_says(clinic: Clinic, path: str) -> None:
    bodies = {"/v1/doctors": a_doctors_registration(710_001), "/v1/patients": a_patients_registration(710_001)}
    for name, value in (("role", ADMINISTRATOR), ("status", "approved"), ("id", NO_ID), ("person_id", NO_ID)):
        found = send(clinic.nobody, "POST", path, json.dumps(bodies[path] | {name: value}))
        check_problem(found, 422, "invalid_request", field=name)


def test_a09_a_role_in_a_sign_in_or_a_query_is_refused(clinic: Clinic) -> None:
    patient = clinic.patient()
    body = {"login": patient.login, "password": "four quiet otters juggle", "role": ADMINISTRATOR}
    check_problem(send(clinic.nobody, "POST", "/v1/auth/token", json.dumps(body)), 422, field="role")
    for name in ("role", "as", "user_id", "patient_id", "doctor_id", "account_id"):
        found = send(patient.client, "GET", f"/v1/appointments?{name}={clinic.ana.id}")
        check_problem(found, 422, "invalid_request", field=name)
    check_problem(send(patient.client, "GET", "/v1/admin/doctors?role=administrator"), 403, "forbidden")


def test_a09_somebody_elses_id_in_a_body_is_refused(clinic: Clinic) -> None:
    one, other = clinic.patients(2)
    body = {"doctor_id": clinic.ana.id, "start": "2026-07-01T15:00:00Z", "patient_id": other.id}
    check_problem(send(one.client, "POST", "/v1/appointments", json.dumps(body)), 422, field="patient_id")
    assert other.client.get("/v1/appointments").expect(200)["items"] == []


def test_a09_a_token_counts_in_its_header_alone(clinic: Clinic) -> None:
    token = clinic.patient().client.token
    places: list[tuple[str, list[Header]]] = [
        (f"/v1/me?access_token={token}", []),
        (f"/v1/me?token={token}", []),
        ("/v1/me", [("Cookie", f"access_token={token}; Authorization=Bearer {token}")]),
        ("/v1/me", [("X-Authorization", f"Bearer {token}")]),
        ("/v1/me", [("Proxy-Authorization", f"Bearer {token}")]),
    ]
    for target, headers in places:
        check_problem(send(clinic.nobody, "GET", target, None, headers), 401, "unauthenticated")


def test_a09_what_others_may_see_of_a_doctor_is_the_same_for_everyone(clinic: Clinic) -> None:
    own = {"role", "status", "email", "cpf", "language"}
    for viewer in (clinic.patient(), clinic.bruno):
        seen = viewer.client.get(f"/v1/doctors/{clinic.ana.id}").expect(200)
        assert not own & set(seen)
        listed = viewer.client.get("/v1/doctors").expect(200)["items"]
        assert listed
        assert not any(own & set(one) for one in listed)
    for viewer in (clinic.ana, clinic.administrator):
        assert own <= set(viewer.client.get(f"/v1/doctors/{clinic.ana.id}").expect(200))


def _everyone(clinic: Clinic) -> list[Person]:
    return [clinic.patient(), clinic.bruno, clinic.administrator]


def test_a09_a_profile_is_its_owners(clinic: Clinic) -> None:
    for person in _everyone(clinic):
        assert person.client.get("/v1/me").expect(200)["id"] == person.id
        check_problem(send(person.client, "GET", f"/v1/me?id={clinic.ana.id}"), 422, field="id")
