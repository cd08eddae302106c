"""A14: passwords cannot be guessed: not one by one, not from many addresses, not all at once."""

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Final

import pytest

from integration.attacks.clinic import Clinic
from integration.attacks.raw import Reply, check_problem, send
from integration.http.people import PASSWORD, Person, a_patients_registration, crowd
from integration.http.server import Installation, Server
from telemed_core.testing.builders import a_cpf

WRONG: Final = "an entirely wrong guess"
ALLOWED: Final = 5
BY_ADDRESS: Final = 50


def _check_locked(reply: Reply, *, most: int = 60) -> None:
    check_problem(reply, 429, "too_many_attempts")
    assert 1 <= int(reply.header("retry-after") or 0) <= most


def _wrong(clinic: Clinic, login: str, times: int) -> list[Reply]:
    """Each from an address of its own."""
    return [clinic.sign_in(login, WRONG) for _ in range(times)]


def _email_of(person: Person) -> str:
    return str(person.client.get("/v1/me").expect(200)["email"])


def test_a14_after_five_wrong_ones_the_right_password_is_refused_too_from_anywhere(clinic: Clinic) -> None:
    person = clinic.patient()
    for reply in _wrong(clinic, person.login, ALLOWED):
        check_problem(reply, 401, "invalid_credentials")
    _check_locked(clinic.sign_in(person.login, WRONG))
    for _ in range(4):
        _check_locked(clinic.sign_in(person.login, PASSWORD))
    assert person.client.get("/v1/me").status == 200


def test_a14_every_spelling_of_a_login_counts_as_one(clinic: Clinic) -> None:
    person = clinic.patient()
    cpf = person.login
    masked = f"{cpf[:3]}.{cpf[3:6]}.{cpf[6:9]}-{cpf[9:]}"
    for login in (cpf, masked, f" {cpf}", f"{masked} ", cpf):
        check_problem(clinic.sign_in(login, WRONG), 401, "invalid_credentials")
    for login in (cpf, masked):
        _check_locked(clinic.sign_in(login, PASSWORD))


def test_a14_an_unknown_login_is_locked_like_a_known_one(clinic: Clinic) -> None:
    told = []
    for login in (clinic.patient().login, a_cpf(730_001).digits, "nobody.at.all@example.com", "no login at all"):
        replies = _wrong(clinic, login, ALLOWED + 1)
        locked = replies[-1]
        _check_locked(locked)
        kept = frozenset(one for one in locked.telling()[1] if one[0] != "retry-after")
        told.append(([reply.status for reply in replies], kept, locked.body))
    assert len(told) == 4
    assert all(one == told[0] for one in told)


def test_a14_a_success_clears_what_was_counted(clinic: Clinic) -> None:
    person = clinic.patient()
    for _ in range(3):
        assert [reply.status for reply in _wrong(clinic, person.login, ALLOWED - 1)] == [401] * (ALLOWED - 1)
        assert clinic.sign_in(person.login).status == 200


def test_a14_the_lock_ends_and_the_next_one_is_twice_as_long(clinic: Clinic) -> None:
    person, other = clinic.patients(2)
    for one in (person, other):
        _wrong(clinic, one.login, ALLOWED)
    with clinic.later(timedelta(seconds=62)) as later:
        body = json.dumps({"login": person.login, "password": WRONG})
        check_problem(send(later.nobody, "POST", "/v1/auth/token", body, clinic.address()), 401, "invalid_credentials")
        again = send(later.nobody, "POST", "/v1/auth/token", body, clinic.address())
        _check_locked(again, most=120)
        assert int(again.header("retry-after") or 0) > 100
        right = json.dumps({"login": other.login, "password": PASSWORD})
        assert send(later.nobody, "POST", "/v1/auth/token", right, clinic.address()).status == 200


def test_a14_of_parallel_guesses_five_are_looked_at(clinic: Clinic) -> None:
    person = clinic.patient()
    statuses = Counter(reply.status for reply in _burst(clinic, person, [WRONG] * 40))
    assert set(statuses) <= {401, 429, 503}
    assert statuses[401] == ALLOWED, statuses
    _check_locked(clinic.sign_in(person.login, PASSWORD))


def test_a14_the_right_password_among_parallel_guesses_is_found_by_luck_alone(clinic: Clinic) -> None:
    for _ in range(3):
        person = clinic.patient()
        statuses = Counter(reply.status for reply in _burst(clinic, person, [WRONG] * 39 + [PASSWORD]))
        # A success, if it came before the lock, cleared what had been counted by then.
        most = ALLOWED + (ALLOWED - 1 if statuses[200] else 0)
        assert set(statuses) <= {200, 401, 429, 503}
        assert statuses[200] <= 1
        assert statuses[401] <= most, statuses
        if statuses[401] >= ALLOWED and not statuses[200]:
            _check_locked(clinic.sign_in(person.login, PASSWORD))


def _burst(clinic: Clinic, person: Person, passwords: list[str]) -> list[Reply]:
    """All at once, each from an address of its own, sent once."""
    addresses = [clinic.address() for _ in passwords]

    def guess(at: int) -> Reply:
        body = json.dumps({"login": person.login, "password": passwords[at]})
        return send(clinic.nobody, "POST", "/v1/auth/token", body, addresses[at])

    with ThreadPoolExecutor(len(passwords)) as pool:
        return list(pool.map(guess, range(len(passwords))))


def test_a14_fifty_failures_of_one_address_lock_it_for_every_login(clinic: Clinic) -> None:
    people = clinic.patients(BY_ADDRESS // (ALLOWED - 1) + 2)
    address = clinic.address()
    # What the attacker says of itself stands before what our proxy saw, and is not believed.
    said = [[("X-Forwarded-For", f"198.51.100.{number}, {address[0][1]}")] for number in range(BY_ADDRESS)]
    for number in range(BY_ADDRESS):
        login = people[number // (ALLOWED - 1)].login
        check_problem(clinic.sign_in(login, WRONG, said[number]), 401, "invalid_credentials")
    victim = people[-1]
    for password in (WRONG, PASSWORD):
        _check_locked(clinic.sign_in(victim.login, password, address), most=15 * 60)
    _check_locked(clinic.sign_in(a_cpf(730_002).digits, WRONG, address), most=15 * 60)
    assert clinic.sign_in(victim.login, PASSWORD).status == 200


def test_a14_successes_and_other_refusals_of_an_address_count_nothing(clinic: Clinic) -> None:
    person, address = clinic.patient(), clinic.address()
    for _ in range(BY_ADDRESS // 2 + 1):
        assert clinic.sign_in(person.login, PASSWORD, address).status == 200
        assert send(clinic.nobody, "POST", "/v1/auth/token", "{", address).status == 422
    assert clinic.sign_in(person.login, PASSWORD, address).status == 200


def test_a14_the_present_password_cannot_be_guessed_either(clinic: Clinic) -> None:
    person = clinic.patient()
    email = _email_of(person)
    body = json.dumps({"current": WRONG, "new": "seven calm herons drift"})
    for _ in range(ALLOWED):
        reply = send(person.client, "POST", "/v1/me/password", body, clinic.address())
        check_problem(reply, 422, "invalid_request", field="current")
    _check_locked(send(person.client, "POST", "/v1/me/password", body, clinic.address()))
    right = json.dumps({"current": PASSWORD, "new": "seven calm herons drift"})
    _check_locked(send(person.client, "POST", "/v1/me/password", right, clinic.address()))
    for login in (person.login, email):
        _check_locked(clinic.sign_in(login))
    assert person.client.get("/v1/me").status == 200


@pytest.fixture(scope="module")
def unproxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on an installation of its own that trusts no proxy, as it comes."""
    folder = tmp_path_factory.mktemp("unproxied")
    with Server(Installation(folder / "data"), logs=folder / "logs", workers=1) as server:
        yield server


def test_a14_without_a_proxy_of_ours_what_a_request_says_of_its_address_is_not_believed(unproxied: Server) -> None:
    client = unproxied.client()
    people = crowd(unproxied, range(1, BY_ADDRESS // (ALLOWED - 1) + 3))
    statuses = []
    for number in range(BY_ADDRESS + 1):
        body = json.dumps({"login": people[number // (ALLOWED - 1)].login, "password": WRONG})
        headers = [
            ("X-Forwarded-For", f"203.0.113.{number}"),
            ("X-Real-IP", f"203.0.113.{number}"),
            ("Forwarded", f"for=203.0.113.{number}"),
        ]
        statuses.append(send(client, "POST", "/v1/auth/token", body, headers).status)
    assert statuses == [401] * BY_ADDRESS + [429]


def test_a14_registration_refuses_passwords_that_are_guessed_first(clinic: Clinic) -> None:
    for password in ("password1234", "123456789012", "qwertyuiopasdf", "aaaaaaaaaaaa"):
        body = json.dumps(a_patients_registration(730_010, password=password))
        check_problem(send(clinic.nobody, "POST", "/v1/patients", body), 422, "invalid_request", field="password")
