"""A13: whether somebody has an account cannot be told from an answer, nor from how long it took."""

import json
import statistics
import time

import pytest

from integration.attacks.clinic import Clinic
from integration.attacks.raw import Reply, check_problem, send
from integration.http.people import (
    PASSWORD,
    a_doctors_registration,
    a_patients_registration,
)
from telemed_core.testing.builders import a_cpf, a_crm

WRONG = "an entirely wrong guess"
SAMPLES = 30
TRIES_EACH = 3
"""Of one login: the fifth wrong one would lock it."""

NUMBERS = range(720_001, 720_011)


@pytest.fixture(scope="module")
def known(clinic: Clinic) -> list[str]:
    """Logins of accounts whose passwords are hashed at their full cost: a CPF and an e-mail of each."""
    found = []
    for number in NUMBERS[: SAMPLES // TRIES_EACH // 2]:
        body = a_patients_registration(number)
        clinic.nobody.post("/v1/patients", body).expect(201)
        found += [body["cpf"], body["email"]]
    return found


@pytest.fixture(scope="module")
def unknown() -> list[str]:
    """As many logins of nobody."""
    bodies = [a_patients_registration(number + 50) for number in NUMBERS[: SAMPLES // TRIES_EACH // 2]]
    return [login for body in bodies for login in (body["cpf"], body["email"])]


def _guess(clinic: Clinic, login: str) -> tuple[Reply, float]:
    body, address = json.dumps({"login": login, "password": WRONG}), clinic.address()
    begun = time.perf_counter()
    reply = send(clinic.nobody, "POST", "/v1/auth/token", body, address)
    return reply, time.perf_counter() - begun


def test_a13_an_unknown_login_and_a_wrong_password_are_answered_alike_and_as_fast(
    clinic: Clinic, known: list[str], unknown: list[str]
) -> None:
    times: tuple[list[float], list[float]] = ([], [])
    told = set()
    for _ in range(TRIES_EACH):
        for pair in zip(known, unknown, strict=True):
            for login, taken in zip(pair, times, strict=True):
                reply, seconds = _guess(clinic, login)
                check_problem(reply, 401, "invalid_credentials")
                assert reply.header("www-authenticate") == "Bearer"
                told.add(reply.telling())
                taken.append(seconds)
    assert len(told) == 1
    assert [len(taken) for taken in times] == [SAMPLES] * 2
    slow, fast = sorted((statistics.median(taken) for taken in times), reverse=True)
    assert slow <= 1.3 * fast, (slow, fast)


def test_a13_a_login_that_cannot_be_one_is_answered_alike(clinic: Clinic, known: list[str]) -> None:
    told = {_guess(clinic, known[0])[0].telling()}
    for login in ("nobody", "123", "' OR 1=1 --", "a@b", "\0", "٣" * 11, "x" * 200, "1-ZZ", " "):
        told.add(_guess(clinic, login)[0].telling())
    assert len(told) == 1
    check_problem(_guess(clinic, "nobody")[0], 401, "invalid_credentials")


def test_a13_a_doctors_e_mail_and_cpf_sign_nobody_in(clinic: Clinic) -> None:
    body = a_doctors_registration(720_101)
    clinic.nobody.post("/v1/doctors", body).expect(201)
    told = {clinic.sign_in(login).telling() for login in (body["email"], body["cpf"], a_cpf(720_102).digits)}
    assert len(told) == 1
    assert clinic.sign_in(body["crm"]).status == 200
    number, state = body["crm"].split("-")
    assert clinic.sign_in(f"{number:>07}-{state.lower()}").status == 200


def test_a13_a_conflict_at_registration_does_not_say_in_what(clinic: Clinic) -> None:
    patient, doctor = a_patients_registration(720_201), a_doctors_registration(720_201)
    for path, made, names in (
        ("/v1/patients", patient, ("cpf", "email")),
        ("/v1/doctors", doctor, ("cpf", "email", "crm")),
    ):
        clinic.nobody.post(path, made).expect(201)
        fresh = a_patients_registration(720_202) if path == "/v1/patients" else a_doctors_registration(720_202)
        told = set()
        for taken in (*((name,) for name in names), names):
            reply = send(clinic.nobody, "POST", path, json.dumps(fresh | {name: made[name] for name in taken}))
            check_problem(reply, 409, "already_registered")
            told.add(reply.telling())
        assert len(told) == 1
        clinic.nobody.post(path, fresh).expect(201)


def test_a13_two_spellings_are_one_login_and_one_account(clinic: Clinic) -> None:
    made = a_patients_registration(720_301)
    clinic.nobody.post("/v1/patients", made).expect(201)
    cpf = made["cpf"]
    masked = f"{cpf[:3]}.{cpf[3:6]}.{cpf[6:9]}-{cpf[9:]}"
    for login in (masked, f" {cpf} ", made["email"].upper()):
        assert clinic.sign_in(login).status == 200
    again = a_patients_registration(720_302)
    for taken in ({"cpf": masked}, {"email": made["email"].upper()}):
        check_problem(send(clinic.nobody, "POST", "/v1/patients", json.dumps(again | taken)), 409, "already_registered")


def test_a13_what_is_refused_for_its_shape_says_nothing_of_accounts(clinic: Clinic, known: list[str]) -> None:
    taken = a_patients_registration(NUMBERS[0])
    told = set()
    for cpf in (taken["cpf"], a_cpf(720_401).digits):
        reply = send(clinic.nobody, "POST", "/v1/patients", json.dumps(taken | {"cpf": cpf, "password": "short"}))
        check_problem(reply, 422, "invalid_request", field="password")
        told.add(reply.telling())
    assert len(told) == 1


def test_a13_a_doctor_who_waits_signs_in_like_any_other(clinic: Clinic) -> None:
    body = a_doctors_registration(720_501)
    clinic.nobody.post("/v1/doctors", body).expect(201)
    assert clinic.sign_in(body["crm"], PASSWORD).json["role"] == "doctor"
    told = {clinic.sign_in(crm, WRONG).telling() for crm in (body["crm"], str(a_crm(720_502)))}
    assert len(told) == 1
