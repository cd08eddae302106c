"""Where several refusals hold at once, the contract says which is told: neighbours, and some further apart."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from integration.attacks.clinic import NO_ID, NOW, Beside, Clinic, instant
from integration.attacks.raw import Reply, check_problem, send
from integration.attacks.visits import BEGUN, Visit, completed, in_progress, soon, suspended, under_way
from integration.http.people import PASSWORD, Person, a_doctors_registration, a_patients_registration

BOOKING = "/v1/appointments"
BIG = b'{"reason": "' + b"x" * (1 << 20) + b'"}'
PAST = "2020-01-01T00:00:00Z"
FAR = "2199-01-01T00:00:00Z"
WEEK = timedelta(weeks=1)
OFF_GRID = timedelta(minutes=5)
REASON = {"reason": "not needed"}

Attempt = Callable[[Clinic], Reply]


def _post(person: Person, path: str, body: Any, key: str | None = None) -> Reply:
    text = body if isinstance(body, bytes | str) else json.dumps(body)
    return send(person.client, "POST", path, text, [("Idempotency-Key", key)] if key else [])


def _nobody(clinic: Clinic) -> Person:
    return Person("nobody", "nobody", clinic.nobody)


def _book(person: Person, doctor: Person, start: Any, key: str | None = None) -> Reply:
    return _post(person, BOOKING, {"doctor_id": doctor.id, "start": start}, key)


def _full(clinic: Clinic) -> tuple[Person, dict[str, Any]]:
    """A patient with as many unanswered requests as may be, and one of them."""
    person = clinic.patient()
    one, *_ = [clinic.requested(person, clinic.ana) for _ in range(3)]
    return person, one


def _locked(clinic: Clinic) -> str:
    """A login that has been tried too often."""
    person = clinic.patient()
    for _ in range(5):
        clinic.sign_in(person.login, "an entirely wrong guess")
    return person.login


def _suspended(clinic: Clinic) -> tuple[Person, dict[str, Any], dict[str, Any]]:
    """A doctor without a licence, an own cancelled visit, and one that waits for an answer."""
    doctor, person = clinic.doctor(), clinic.patient()
    cancelled, waiting = clinic.cancelled(person, doctor), clinic.requested(person, doctor)
    body = {"decision": "suspend", "reason": "the council says so"}
    clinic.administrator.client.post(f"/v1/doctors/{doctor.id}/verification", body).expect(200)
    return doctor, cancelled, waiting


def _doctor_as_patient(clinic: Clinic) -> tuple[Person, Person]:
    """A doctor, and the same human being as a patient."""
    doctor = clinic.doctor()
    body = a_patients_registration(740_001, cpf=doctor.client.get("/v1/me").expect(200)["cpf"])
    made = clinic.nobody.post("/v1/patients", body).expect(201)
    return doctor, Person(made["id"], body["cpf"], clinic.nobody.sign_in(body["cpf"], PASSWORD))


def _too_large_before_unauthenticated(clinic: Clinic) -> Reply:
    return _post(_nobody(clinic), f"{BOOKING}/{NO_ID}/cancel", BIG)


def _too_large_before_too_many(clinic: Clinic) -> Reply:
    body = {"login": _locked(clinic), "password": PASSWORD, "more": "x" * (1 << 20)}
    return _post(_nobody(clinic), "/v1/auth/token", body)


def _too_large_before_forbidden(clinic: Clinic) -> Reply:
    return _post(clinic.patient(), f"{BOOKING}/{NO_ID}/accept", BIG)


def _too_many_before_wrong_password(clinic: Clinic) -> Reply:
    return clinic.sign_in(_locked(clinic), "an entirely wrong guess")


def _unauthenticated_before_shape(clinic: Clinic) -> Reply:
    return _post(_nobody(clinic), f"{BOOKING}/{NO_ID}/accept", "{")


def _unauthenticated_before_query(clinic: Clinic) -> Reply:
    return send(clinic.nobody, "GET", f"{BOOKING}?limit=x")


def _unauthenticated_before_not_found(clinic: Clinic) -> Reply:
    return send(clinic.nobody, "GET", f"{BOOKING}/{NO_ID}")


def _unauthenticated_before_key(clinic: Clinic) -> Reply:
    return _post(_nobody(clinic), BOOKING, {}, "k" * 129)


def _forbidden_before_shape(clinic: Clinic) -> Reply:
    return _post(clinic.patient(), f"{BOOKING}/{NO_ID}/accept", "{")


def _forbidden_before_query(clinic: Clinic) -> Reply:
    return send(clinic.patient().client, "GET", "/v1/admin/doctors?limit=x")


def _forbidden_before_not_found(clinic: Clinic) -> Reply:
    return _post(clinic.bruno, f"/v1/doctors/{NO_ID}/verification", {"decision": "approve"})


def _forbidden_before_version(clinic: Clinic) -> Reply:
    return send(clinic.patient().client, "PUT", "/v1/agenda", "{}")


def _shape_before_not_found(clinic: Clinic) -> Reply:
    return _post(clinic.patient(), f"{BOOKING}/{NO_ID}/cancel", {"reason": "x"})


def _query_before_not_found(clinic: Clinic) -> Reply:
    return send(clinic.patient().client, "GET", f"{BOOKING}/{NO_ID}?extra=1")


def _key_before_not_found(clinic: Clinic) -> Reply:
    return _post(clinic.patient(), f"{BOOKING}/{NO_ID}/cancel", REASON, "k" * 129)


def _shape_before_key_reused(clinic: Clinic) -> Reply:
    person = clinic.patient()
    assert _book(person, clinic.ana, instant(clinic.start()), "shape").status == 201
    return _post(person, BOOKING, {"doctor_id": clinic.ana.id}, "shape")


def _shape_before_licence(clinic: Clinic) -> Reply:
    doctor, _, waiting = _suspended(clinic)
    return _post(doctor, f"{BOOKING}/{waiting['id']}/accept", {})


def _not_found_before_licence(clinic: Clinic) -> Reply:
    doctor, _, _ = _suspended(clinic)
    theirs = clinic.requested(clinic.patient(), clinic.ana)
    return _post(doctor, f"{BOOKING}/{theirs['id']}/accept", {"rev": 1})


def _licence_before_key_reused(clinic: Clinic) -> Reply:
    doctor, _, waiting = _suspended(clinic)
    path = f"{BOOKING}/{waiting['id']}"
    assert _post(doctor, f"{path}/refuse", {}, "licence").status == 200
    return _post(doctor, f"{path}/accept", {"rev": 1}, "licence")


def _licence_before_transition(clinic: Clinic) -> Reply:
    doctor, cancelled, _ = _suspended(clinic)
    return _post(doctor, f"{BOOKING}/{cancelled['id']}/accept", {"rev": 1})


def _licence_before_stale(clinic: Clinic) -> Reply:
    doctor, _, waiting = _suspended(clinic)
    return _post(doctor, f"{BOOKING}/{waiting['id']}/accept", {"rev": 99})


def _licence_before_too_soon(clinic: Clinic) -> Reply:
    doctor, person = clinic.doctor(), clinic.patient()
    made = clinic.confirmed(person, doctor)
    body = {"decision": "suspend", "reason": "the council says so"}
    clinic.administrator.client.post(f"/v1/doctors/{doctor.id}/verification", body).expect(200)
    return _post(doctor, f"{BOOKING}/{made['id']}/reschedule", {"start": PAST})


def _not_found_before_key_reused(clinic: Clinic) -> Reply:
    person = clinic.patient()
    assert _book(person, clinic.ana, instant(clinic.start()), "unknown").status == 201
    return _post(person, f"{BOOKING}/{NO_ID}/cancel", REASON, "unknown")


def _unknown_doctor_before_key_reused(clinic: Clinic) -> Reply:
    person = clinic.patient()
    start = instant(clinic.start())
    assert _book(person, clinic.ana, start, "doctor").status == 201
    return _post(person, BOOKING, {"doctor_id": NO_ID, "start": start}, "doctor")


def _unknown_doctor_before_too_soon(clinic: Clinic) -> Reply:
    return _post(clinic.patient(), BOOKING, {"doctor_id": NO_ID, "start": PAST})


def _doctor_who_waits_before_too_soon(clinic: Clinic) -> Reply:
    body = a_doctors_registration(740_101)
    made = clinic.nobody.post("/v1/doctors", body).expect(201)
    return _post(clinic.patient(), BOOKING, {"doctor_id": made["id"], "start": PAST})


def _key_reused_before_transition(clinic: Clinic) -> Reply:
    person = clinic.patient()
    path = f"{BOOKING}/{clinic.requested(person, clinic.ana)['id']}/cancel"
    assert _post(person, path, REASON, "transition").status == 200
    return _post(person, path, {"reason": "another one"}, "transition")


def _key_reused_before_too_soon(clinic: Clinic) -> Reply:
    person = clinic.patient()
    assert _book(person, clinic.ana, instant(clinic.start()), "soon").status == 201
    return _book(person, clinic.ana, PAST, "soon")


def _key_reused_before_busy_patient(clinic: Clinic) -> Reply:
    person, start = clinic.patient(), instant(clinic.start())
    assert _book(person, clinic.ana, start, "busy").status == 201
    return _book(person, clinic.bruno, start, "busy")


def _key_reused_before_too_many_pending(clinic: Clinic) -> Reply:
    person = clinic.patient()
    assert _book(person, clinic.ana, instant(clinic.start()), "pending").status == 201
    for _ in range(2):
        clinic.requested(person, clinic.ana)
    return _book(person, clinic.ana, instant(clinic.start()), "pending")


def _transition_before_stale(clinic: Clinic) -> Reply:
    made = clinic.cancelled(clinic.patient(), clinic.ana)
    return _post(clinic.ana, f"{BOOKING}/{made['id']}/accept", {"rev": 99})


def _transition_before_too_soon(clinic: Clinic) -> Reply:
    person = clinic.patient()
    return _post(person, f"{BOOKING}/{clinic.cancelled(person, clinic.ana)['id']}/reschedule", {"start": PAST})


def _transition_before_proposal(clinic: Clinic) -> Reply:
    person = clinic.patient()
    made = clinic.proposed(person, clinic.ana, by=person)
    person.client.post(f"{BOOKING}/{made['id']}/cancel", REASON).expect(200)
    return _post(person, f"{BOOKING}/{made['id']}/reschedule", {"start": instant(clinic.start())})


def _proposal_before_too_soon(clinic: Clinic) -> Reply:
    person = clinic.patient()
    made = clinic.proposed(person, clinic.ana, by=person)
    return _post(person, f"{BOOKING}/{made['id']}/reschedule", {"start": PAST})


def _proposal_before_not_offered(clinic: Clinic) -> Reply:
    person = clinic.patient()
    made = clinic.proposed(person, clinic.ana, by=person)
    body = {"start": instant(clinic.start() + OFF_GRID)}
    return _post(clinic.ana, f"{BOOKING}/{made['id']}/reschedule", body)


def _proposal_before_taken(clinic: Clinic) -> Reply:
    person = clinic.patient()
    taken = clinic.confirmed(clinic.patient(), clinic.ana)
    made = clinic.proposed(person, clinic.ana, by=person)
    return _post(person, f"{BOOKING}/{made['id']}/reschedule", {"start": taken["start"]})


def _visit(person: Person, action: str, visit: Visit, body: Any = None, key: str | None = None) -> Reply:
    return _post(person, f"{BOOKING}/{visit.id}/{action}", {} if body is None else body, key)


def _score_before_not_found(clinic: Clinic) -> Reply:
    return _post(clinic.patient(), f"{BOOKING}/{NO_ID}/rating", {"score": 6})


def _limit_before_unknown_doctor(clinic: Clinic) -> Reply:
    return send(clinic.patient().client, "GET", f"/v1/doctors/{NO_ID}/ratings?limit=x")


def _forbidden_before_visit(clinic: Clinic) -> Reply:
    return _visit(clinic.patient(), "complete", under_way(clinic))


def _not_found_before_licence_at_the_door(clinic: Clinic) -> Reply:
    own, other = under_way(clinic), under_way(clinic)
    suspended(clinic, own.doctor)
    return _visit(own.doctor, "join", other)


def _licence_before_window(clinic: Clinic) -> Reply:
    doctor, patient = clinic.doctor(), clinic.patient()
    early = Visit(clinic.confirmed(patient, doctor)["id"], patient, doctor)
    suspended(clinic, doctor)
    return _visit(doctor, "join", early)


def _licence_before_too_early(clinic: Clinic) -> Reply:
    doctor, patient = clinic.doctor(), clinic.patient()
    early = Visit(clinic.confirmed(patient, doctor)["id"], patient, doctor)
    suspended(clinic, doctor)
    return _visit(doctor, "absence", early)


def _licence_before_completed(clinic: Clinic) -> Reply:
    visit = completed(clinic)
    suspended(clinic, visit.doctor)
    return _visit(visit.doctor, "complete", visit)


def _key_reused_before_completed(clinic: Clinic) -> Reply:
    visit = in_progress(clinic)
    assert _visit(visit.doctor, "complete", visit, {}, "complete").status == 200
    other = Visit(clinic.requested(clinic.patient(), visit.doctor, BEGUN + WEEK)["id"], visit.patient, visit.doctor)
    return _visit(visit.doctor, "complete", other, {}, "complete")


def _key_reused_before_already_rated(clinic: Clinic) -> Reply:
    visit = completed(clinic)
    assert _visit(visit.patient, "rating", visit, {"score": 1}, "rated").status == 201
    return _visit(visit.patient, "rating", visit, {"score": 2}, "rated")


def _not_found_before_rating_key_reused(clinic: Clinic) -> Reply:
    visit, other = completed(clinic), completed(clinic)
    assert _visit(visit.patient, "rating", visit, {"score": 1}, "theirs").status == 201
    return _visit(visit.patient, "rating", other, {"score": 1}, "theirs")


def _transition_before_window(clinic: Clinic) -> Reply:
    patient = clinic.patient()
    return _post(patient, f"{BOOKING}/{clinic.requested(patient, clinic.ana)['id']}/join", {})


def _transition_before_too_early(clinic: Clinic) -> Reply:
    patient = clinic.patient()
    return _post(patient, f"{BOOKING}/{clinic.requested(patient, clinic.ana)['id']}/absence", {})


def _transition_before_not_present(clinic: Clinic) -> Reply:
    visit = completed(clinic)
    return _visit(visit.patient, "absence", visit)


def _too_early_before_not_present(clinic: Clinic) -> Reply:
    visit = soon(clinic)
    return _visit(visit.patient, "absence", visit)


def _self_before_too_soon(clinic: Clinic) -> Reply:
    doctor, patient = _doctor_as_patient(clinic)
    return _book(patient, doctor, PAST)


def _too_soon_before_not_offered(clinic: Clinic) -> Reply:
    return _book(clinic.patient(), clinic.ana, "2020-01-01T00:05:00Z")


def _beyond_before_not_offered(clinic: Clinic) -> Reply:
    return _book(clinic.patient(), clinic.ana, FAR.replace("T00:00", "T00:05"))


def _too_soon_before_too_many_pending(clinic: Clinic) -> Reply:
    return _book(_full(clinic)[0], clinic.ana, PAST)


def _beyond_before_too_many_pending(clinic: Clinic) -> Reply:
    return _book(_full(clinic)[0], clinic.ana, FAR)


def _not_offered_before_too_many_pending(clinic: Clinic) -> Reply:
    return _book(_full(clinic)[0], clinic.ana, instant(clinic.start() + OFF_GRID))


def _too_soon_before_busy_patient(clinic: Clinic) -> Reply:
    hasty, careful = clinic.doctor(), clinic.doctor(min_notice_minutes=7 * 24 * 60)
    person, start = clinic.patient(), NOW + timedelta(days=2)
    clinic.confirmed(person, hasty, start)
    return _book(person, careful, instant(start))


def _not_offered_before_busy_patient(clinic: Clinic) -> Reply:
    person, start = clinic.patient(), clinic.start()
    clinic.confirmed(person, clinic.ana, start)
    return _book(person, clinic.bruno, instant(start + OFF_GRID))


def _too_many_pending_before_busy_patient(clinic: Clinic) -> Reply:
    person, one = _full(clinic)
    return _book(person, clinic.bruno, one["start"])


def _too_many_pending_before_taken(clinic: Clinic) -> Reply:
    taken = clinic.confirmed(clinic.patient(), clinic.ana)
    return _book(_full(clinic)[0], clinic.ana, taken["start"])


def _busy_patient_before_taken(clinic: Clinic) -> Reply:
    person, start = clinic.patient(), clinic.start()
    clinic.confirmed(person, clinic.ana, start)
    clinic.confirmed(clinic.patient(), clinic.bruno, start)
    return _book(person, clinic.bruno, instant(start))


PAIRS: list[tuple[Attempt, int, str]] = [
    (_too_large_before_unauthenticated, 413, "body_too_large"),
    (_too_large_before_too_many, 413, "body_too_large"),
    (_too_large_before_forbidden, 413, "body_too_large"),
    (_too_many_before_wrong_password, 429, "too_many_attempts"),
    (_unauthenticated_before_shape, 401, "unauthenticated"),
    (_unauthenticated_before_query, 401, "unauthenticated"),
    (_unauthenticated_before_not_found, 401, "unauthenticated"),
    (_unauthenticated_before_key, 401, "unauthenticated"),
    (_forbidden_before_shape, 403, "forbidden"),
    (_forbidden_before_query, 403, "forbidden"),
    (_forbidden_before_not_found, 403, "forbidden"),
    (_forbidden_before_version, 403, "forbidden"),
    (_shape_before_not_found, 422, "invalid_request"),
    (_query_before_not_found, 422, "invalid_request"),
    (_key_before_not_found, 422, "invalid_request"),
    (_shape_before_key_reused, 422, "invalid_request"),
    (_shape_before_licence, 422, "invalid_request"),
    (_not_found_before_licence, 404, "not_found"),
    (_licence_before_key_reused, 403, "licence_inactive"),
    (_licence_before_transition, 403, "licence_inactive"),
    (_licence_before_stale, 403, "licence_inactive"),
    (_licence_before_too_soon, 403, "licence_inactive"),
    (_not_found_before_key_reused, 404, "not_found"),
    (_unknown_doctor_before_key_reused, 404, "not_found"),
    (_unknown_doctor_before_too_soon, 404, "not_found"),
    (_doctor_who_waits_before_too_soon, 404, "not_found"),
    (_key_reused_before_transition, 422, "idempotency_key_reused"),
    (_key_reused_before_too_soon, 422, "idempotency_key_reused"),
    (_key_reused_before_busy_patient, 422, "idempotency_key_reused"),
    (_key_reused_before_too_many_pending, 422, "idempotency_key_reused"),
    (_transition_before_stale, 409, "invalid_transition"),
    (_transition_before_too_soon, 409, "invalid_transition"),
    (_transition_before_proposal, 409, "invalid_transition"),
    (_proposal_before_too_soon, 409, "proposal_exists"),
    (_proposal_before_not_offered, 409, "proposal_exists"),
    (_proposal_before_taken, 409, "proposal_exists"),
    (_score_before_not_found, 422, "invalid_request"),
    (_limit_before_unknown_doctor, 422, "invalid_request"),
    (_forbidden_before_visit, 403, "forbidden"),
    (_not_found_before_licence_at_the_door, 404, "not_found"),
    (_licence_before_window, 403, "licence_inactive"),
    (_licence_before_too_early, 403, "licence_inactive"),
    (_licence_before_completed, 403, "licence_inactive"),
    (_key_reused_before_completed, 422, "idempotency_key_reused"),
    (_key_reused_before_already_rated, 422, "idempotency_key_reused"),
    (_not_found_before_rating_key_reused, 404, "not_found"),
    (_transition_before_window, 409, "invalid_transition"),
    (_transition_before_too_early, 409, "invalid_transition"),
    (_transition_before_not_present, 409, "invalid_transition"),
    (_too_early_before_not_present, 409, "too_early"),
    (_self_before_too_soon, 422, "self_booking"),
    (_too_soon_before_not_offered, 422, "too_soon"),
    (_beyond_before_not_offered, 422, "beyond_horizon"),
    (_too_soon_before_too_many_pending, 422, "too_soon"),
    (_beyond_before_too_many_pending, 422, "beyond_horizon"),
    (_not_offered_before_too_many_pending, 422, "slot_not_offered"),
    (_too_soon_before_busy_patient, 422, "too_soon"),
    (_not_offered_before_busy_patient, 422, "slot_not_offered"),
    (_too_many_pending_before_busy_patient, 409, "too_many_pending"),
    (_too_many_pending_before_taken, 409, "too_many_pending"),
    (_busy_patient_before_taken, 409, "patient_busy"),
]


@pytest.mark.parametrize(("attempt", "status", "code"), PAIRS, ids=[attempt.__name__[1:] for attempt, _, _ in PAIRS])
def test_errors_come_in_the_order_of_the_contract(clinic: Clinic, attempt: Attempt, status: int, code: str) -> None:
    check_problem(attempt(clinic), status, code)


def test_a_passed_deadline_comes_before_everything_about_the_state(clinic: Clinic, a_day_later: Beside) -> None:
    person = clinic.patient()
    made = clinic.requested(person, clinic.ana)
    path = f"{BOOKING}/{made['id']}"
    patient, doctor = a_day_later.there(person), a_day_later.there(clinic.ana)
    for who, action, body in (
        (doctor, "accept", {"rev": 99}),
        (doctor, "refuse", {}),
        (patient, "cancel", REASON),
        (patient, "reschedule", {"start": PAST}),
        (doctor, "reschedule", {"start": PAST}),
    ):
        check_problem(_post(who, f"{path}/{action}", body), 409, "deadline_passed")
    assert patient.client.get(path).expect(200)["status"] == "expired"


def test_general_limits_come_after_the_size_and_before_the_token(clinic: Clinic) -> None:
    with Beside(clinic, NOW, TELEMED_REQUESTS_PER_MINUTE="3") as limited:
        address = clinic.address()
        asked = [send(limited.nobody, "GET", "/v1/me", None, address) for _ in range(4)]
        for reply in asked[:3]:
            check_problem(reply, 401, "unauthenticated")
        check_problem(asked[3], 429, "too_many_requests")
        assert 1 <= int(asked[3].header("retry-after") or 0) <= 60
        check_problem(send(limited.nobody, "POST", BOOKING, BIG, address), 413, "body_too_large")
        check_problem(send(limited.nobody, "GET", "/v1/me", None, clinic.address()), 401, "unauthenticated")
