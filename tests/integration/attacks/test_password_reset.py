"""Password reset: it tells nobody who has an account (A13), sends no floods, and its token is good once (A12)."""

import json
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from integration.attacks.clinic import Beside, Clinic, pages
from integration.attacks.raw import Reply, check_problem, send, until_answered
from integration.http.people import PASSWORD, Person
from telemed_core.domain.ids import AccountId
from telemed_core.testing.builders import a_cpf

ANOTHER = "seven calm herons drift"
ASK, CONFIRM = "/v1/auth/password-reset", "/v1/auth/password-reset/confirm"
SAMPLES = 60
FLOOD = 60
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.fixture(scope="module")
def mailing(clinic: Clinic) -> Iterator[Beside]:
    """A server on the same data that would send e-mail, if it did more than keep what is to be sent."""
    with Beside(clinic, clinic.now(), TELEMED_SMTP_URL="smtp://127.0.0.1:9") as server:
        yield server


def _ask(server: Beside, login: object) -> Reply:
    return send(server.nobody, "POST", ASK, json.dumps({"login": login}))


def _confirm(clinic: Clinic, token: str, password: str = ANOTHER) -> Reply:
    return until_answered(clinic.nobody, "POST", CONFIRM, json.dumps({"token": token, "password": password}))


def _token(clinic: Clinic, person: Person, *, ago: timedelta = timedelta(0)) -> str:
    """What a mail to the person would have in it."""
    with clinic.server.installation.container(at=clinic.now()) as container:
        token = container.identity().reset_token(AccountId(person.id), now=clinic.now() - ago)
    assert token is not None
    return token


def _check_no_good(clinic: Clinic, token: str) -> None:
    check_problem(_confirm(clinic, token), 422, "invalid_request", field="token")


def _mails(clinic: Clinic, *, reader: str | None = None) -> list[dict[str, object]]:
    found = pages(clinic.administrator, "/v1/admin/notifications", channel="email", limit=100)
    return [one for one in found if one["kind"] == "password_reset" and reader in {None, one["reader_id"]}]


def test_a13_whether_there_is_an_account_cannot_be_told_by_asking_for_a_mail(clinic: Clinic, mailing: Beside) -> None:
    known = [person.login for person in clinic.patients(SAMPLES)]
    unknown = [a_cpf(760_000 + number).digits for number in range(SAMPLES)]
    times: tuple[list[float], list[float]] = ([], [])
    told = set()
    for pair in zip(known, unknown, strict=True):
        for login, taken in zip(pair, times, strict=True):
            begun = time.perf_counter()
            reply = _ask(mailing, login)
            taken.append(time.perf_counter() - begun)
            assert (reply.status, reply.body) == (202, b"")
            told.add(reply.telling())
    for login in ("nobody", "123", "' OR 1=1 --", "a@b", "\0", "٣" * 11, "x" * 200, "1-ZZ", " "):
        told.add(_ask(mailing, login).telling())
    assert len(told) == 1
    slow, fast = sorted((statistics.median(taken) for taken in times), reverse=True)
    assert slow <= 1.3 * fast, (slow, fast)


@pytest.mark.parametrize("login", [None, 7, [], {}, True, "", "x" * 255])
def test_a13_only_what_is_no_text_of_a_logins_length_is_refused(mailing: Beside, login: object) -> None:
    check_problem(_ask(mailing, login), 422, "invalid_request", field="login")


def test_a14_a_flood_of_requests_sends_one_mail_in_five_minutes(clinic: Clinic, mailing: Beside) -> None:
    person = clinic.patient()
    with ThreadPoolExecutor(8) as pool:
        statuses = {reply.status for reply in pool.map(lambda _: _ask(mailing, person.login), range(FLOOD))}
    assert statuses == {202}
    # Two, if the flood went on from one five minutes into the next.
    assert 1 <= len(_mails(clinic, reader=person.id)) <= 2
    assert person.client.get("/v1/me").status == 200


def test_a14_a_flood_of_unknown_logins_leaves_little_and_nothing_that_was_typed(
    clinic: Clinic, mailing: Beside
) -> None:
    before = len(_mails(clinic))
    logins = [f"zq7xmark.{number}@example.com" for number in range(300)]
    with ThreadPoolExecutor(8) as pool:
        assert {reply.status for reply in pool.map(lambda login: _ask(mailing, login), logins)} == {202}
    mails = _mails(clinic)
    assert len(mails) - before <= 2 * 256
    assert "zq7xmark" not in json.dumps(mails)
    assert "zq7xmark" not in clinic.server.errors.read_text(encoding="utf-8")


def test_a12_a_reset_ends_all_sessions_and_the_old_password(clinic: Clinic) -> None:
    person = clinic.patient()
    sessions = [person, person.again()]
    refresh = clinic.nobody.tokens(person.login, PASSWORD).expect(200)["refresh_token"]
    done = _confirm(clinic, _token(clinic, person))
    assert (done.status, done.body) == (204, b"")
    for session in sessions:
        check_problem(send(session.client, "GET", "/v1/me"), 401, "unauthenticated")
    body = json.dumps({"refresh_token": refresh})
    check_problem(send(clinic.nobody, "POST", "/v1/auth/refresh", body), 401, "unauthenticated")
    check_problem(clinic.sign_in(person.login), 401, "invalid_credentials")
    assert clinic.sign_in(person.login, ANOTHER).status == 200


def test_a12_a_token_is_good_once_and_for_the_password_it_was_made_with(clinic: Clinic) -> None:
    person = clinic.patient()
    first, second = _token(clinic, person), _token(clinic, person, ago=timedelta(minutes=1))
    assert _confirm(clinic, first).status == 204
    for token in (first, second):
        _check_no_good(clinic, token)
    third = _token(clinic, person)
    client = clinic.nobody.sign_in(person.login, ANOTHER)
    client.post("/v1/me/password", {"current": ANOTHER, "new": PASSWORD}).expect(204)
    _check_no_good(clinic, third)
    assert clinic.sign_in(person.login, PASSWORD).status == 200


def test_a12_of_many_who_use_a_token_at_once_one_sets_the_password(clinic: Clinic) -> None:
    person = clinic.patient()
    token = _token(clinic, person)
    passwords = [f"{ANOTHER} number {number}" for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        replies = list(pool.map(lambda password: _confirm(clinic, token, password), passwords))
    assert sorted(reply.status for reply in replies) == [204, *[422] * 5]
    won = passwords[next(at for at, reply in enumerate(replies) if reply.status == 204)]
    assert clinic.sign_in(person.login, won).status == 200


def test_a12_a_token_is_good_for_30_minutes(clinic: Clinic) -> None:
    late, in_time = clinic.patients(2)
    _check_no_good(clinic, _token(clinic, late, ago=timedelta(minutes=31)))
    assert late.client.get("/v1/me").status == 200
    assert _confirm(clinic, _token(clinic, in_time, ago=timedelta(minutes=28))).status == 204


def test_a12_a_closed_accounts_token_is_good_for_nothing(clinic: Clinic) -> None:
    person = clinic.patient()
    token = _token(clinic, person)
    person.client.delete("/v1/me").expect(204)
    _check_no_good(clinic, token)
    check_problem(clinic.sign_in(person.login, ANOTHER), 401, "invalid_credentials")


def test_a11_a_token_is_good_for_nothing_else_and_nothing_else_in_its_place(clinic: Clinic) -> None:
    person = clinic.patient()
    token = _token(clinic, person)
    check_problem(send(clinic.nobody, "GET", "/v1/me", token=token), 401, "unauthenticated")
    body = json.dumps({"refresh_token": token})
    check_problem(send(clinic.nobody, "POST", "/v1/auth/refresh", body), 401, "unauthenticated")
    tokens = clinic.nobody.tokens(person.login, PASSWORD).expect(200)
    for other in (tokens["access_token"], tokens["refresh_token"], person.id, "x", "..", "٣.1.1.x", "a" * 1024):
        _check_no_good(clinic, other)
    assert person.client.get("/v1/me").status == 200
    assert _confirm(clinic, token).status == 204


def test_a11_a_token_with_anything_changed_or_of_another_is_no_good(clinic: Clinic) -> None:
    person, other = clinic.patients(2)
    token, theirs = _token(clinic, person), _token(clinic, other)
    *content, mac = token.split(".")
    changed = [".".join([*content, f"{mac[:at]}{ALPHABET[ALPHABET.index(mac[at]) ^ 1]}{mac[at + 1:]}"]) for at in
               range(0, len(mac) - 1, 6)]  # fmt: skip
    changed += [theirs.replace(other.id, person.id), token.replace(person.id, other.id)]
    changed += [".".join([*content[:-1], str(int(content[-1]) + 1), mac]), ".".join([*content, theirs.split(".")[-1]])]
    changed += [f"{token}A", f"{token}=", f" {token}", f"{token}\n", token[:-1], token.upper(), f"{token}.{mac}"]
    for text in changed:
        assert text not in {token, theirs}
        _check_no_good(clinic, text)
    for one in (person, other):
        assert one.client.get("/v1/me").status == 200
    assert _confirm(clinic, token).status == 204
    assert other.client.get("/v1/me").status == 200


def test_a_password_that_is_too_short_or_common_leaves_the_token_good(clinic: Clinic) -> None:
    person = clinic.patient()
    token = _token(clinic, person)
    for weak in ("short", "passwordpassword"):
        check_problem(_confirm(clinic, token, weak), 422, "invalid_request", field="password")
    assert person.client.get("/v1/me").status == 200
    assert _confirm(clinic, token).status == 204
