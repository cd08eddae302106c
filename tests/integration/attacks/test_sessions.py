"""A12: tokens end with what they stand for: the session, the password, the account."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import pytest

from integration.attacks.clinic import Beside, Clinic
from integration.attacks.raw import Reply, check_problem, send
from integration.http.people import PASSWORD, Person
from integration.http.server import Client
from scale import scaled

ANOTHER = "seven calm herons drift"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@attrs.frozen
class Session:
    """One sign-in of a person."""

    clinic: Clinic
    tokens: dict[str, Any]

    @property
    def client(self) -> Client:
        return self.clinic.server.client(self.tokens["access_token"])

    def seen(self) -> list[Reply]:
        """What ``GET /v1/me`` answers over several connections, so that each worker is asked."""
        replies = []
        for _ in range(4):
            client = self.client
            replies.append(send(client, "GET", "/v1/me"))
            client.close()
        return replies

    def refreshed(self, token: str | None = None) -> Reply:
        return refresh(self.clinic.nobody, token or self.tokens["refresh_token"])


def refresh(client: Client, token: str) -> Reply:
    """What the refresh token is answered with."""
    return send(client, "POST", "/v1/auth/refresh", json.dumps({"refresh_token": token}))


def _session(clinic: Clinic, person: Person, password: str = PASSWORD) -> Session:
    reply = clinic.sign_in(person.login, password)
    assert reply.status == 200, reply
    return Session(clinic, reply.json)


def _check_over(session: Session) -> None:
    """Nothing of the session is good for anything."""
    for reply in session.seen():
        check_problem(reply, 401, "unauthenticated")
        assert reply.header("www-authenticate") == "Bearer"
    check_problem(session.refreshed(), 401, "unauthenticated")


def test_a12_after_sign_out_neither_token_is_good(clinic: Clinic) -> None:
    person = clinic.patient()
    session, other = _session(clinic, person), _session(clinic, person)
    assert [reply.status for reply in session.seen()] == [200] * 4
    session.client.post("/v1/auth/logout").expect(204)
    _check_over(session)
    check_problem(send(session.client, "POST", "/v1/auth/logout"), 401, "unauthenticated")
    assert [reply.status for reply in other.seen()] == [200] * 4


def test_a12_a_refreshed_session_ends_as_a_whole(clinic: Clinic) -> None:
    session = _session(clinic, clinic.patient())
    renewed = Session(clinic, session.refreshed().json)
    renewed.client.post("/v1/auth/logout").expect(204)
    _check_over(session)
    _check_over(renewed)


def test_a12_a_new_password_ends_all_other_sessions_and_keeps_its_own(clinic: Clinic) -> None:
    person = clinic.patient()
    own, other = _session(clinic, person), _session(clinic, person)
    own.client.post("/v1/me/password", {"current": PASSWORD, "new": ANOTHER}).expect(204)
    _check_over(other)
    check_problem(send(person.client, "GET", "/v1/me"), 401, "unauthenticated")
    assert [reply.status for reply in own.seen()] == [200] * 4
    assert own.refreshed().status == 200
    check_problem(clinic.sign_in(person.login), 401, "invalid_credentials")
    _session(clinic, person, ANOTHER)


def test_a12_a_sign_in_beside_a_new_password_leaves_no_session_of_the_old_one(clinic: Clinic) -> None:
    for _ in range(scaled(20, ci=3)):
        person = clinic.patient()
        own = _session(clinic, person)
        with ThreadPoolExecutor(5) as pool:
            opened = [pool.submit(clinic.sign_in, person.login) for _ in range(4)]
            change = {"current": PASSWORD, "new": ANOTHER}
            assert pool.submit(own.client.post, "/v1/me/password", change).result().status == 204
        replies = [one.result() for one in opened]
        assert {reply.status for reply in replies} <= {200, 401, 429}
        for reply in replies:
            if reply.status == 200:
                _check_over(Session(clinic, reply.json))
        assert [reply.status for reply in own.seen()] == [200] * 4


def test_a12_a_wrong_present_password_ends_nothing(clinic: Clinic) -> None:
    person = clinic.patient()
    session = _session(clinic, person)
    body = json.dumps({"current": ANOTHER, "new": "nine brisk lynxes wander"})
    check_problem(send(session.client, "POST", "/v1/me/password", body), 422, "invalid_request", field="current")
    assert person.client.get("/v1/me").expect(200)["id"] == person.id
    _session(clinic, person)


def test_a12_a_closed_account_has_no_tokens_and_no_sign_in(clinic: Clinic) -> None:
    person = clinic.patient()
    sessions = [_session(clinic, person), _session(clinic, person)]
    sessions[0].client.delete("/v1/me").expect(204)
    for session in sessions:
        _check_over(session)
    closed = clinic.sign_in(person.login)
    check_problem(closed, 401, "invalid_credentials")
    assert closed.telling() == clinic.sign_in("00000000191").telling()


def test_a12_an_account_with_a_visit_to_come_stays_as_it_is(clinic: Clinic) -> None:
    person = clinic.patient()
    made = clinic.requested(person, clinic.ana)
    check_problem(send(person.client, "DELETE", "/v1/me"), 409, "live_appointments")
    assert person.client.get(f"/v1/appointments/{made['id']}").expect(200)["status"] == "requested"


def test_a12_a_closed_account_books_nothing_beside_its_end(clinic: Clinic) -> None:
    person = clinic.patient()
    body = {"doctor_id": clinic.ana.id, "start": "2027-04-01T03:00:00Z"}
    with ThreadPoolExecutor(2) as pool:
        booking = pool.submit(send, person.client, "POST", "/v1/appointments", json.dumps(body))
        closing = pool.submit(send, person.client, "DELETE", "/v1/me")
    outcome = booking.result().status, closing.result().status
    # The booking of one whose account is closed in between finds no account any more.
    assert outcome in {(201, 409), (401, 204), (404, 204), (409, 204)}, (booking.result(), closing.result())


def test_a12_the_refresh_token_before_still_works_for_a_moment(clinic: Clinic) -> None:
    session = _session(clinic, clinic.patient())
    first = session.refreshed()
    again = session.refreshed()
    assert (first.status, again.status) == (200, 200)
    assert first.json["refresh_token"] != session.tokens["refresh_token"]
    assert first.json["refresh_token"] == again.json["refresh_token"]
    for reply in (first, again):
        assert set(reply.json) == {"access_token", "refresh_token", "token_type", "expires_in", "role"}
        assert [one.status for one in Session(clinic, reply.json).seen()] == [200] * 4


def test_a12_a_refresh_token_used_again_later_ends_the_session(clinic: Clinic, a_day_later: Beside) -> None:
    person = clinic.patient()
    session, other = _session(clinic, person), _session(clinic, person)
    renewed = session.refreshed().json
    check_problem(refresh(a_day_later.nobody, session.tokens["refresh_token"]), 401, "unauthenticated")
    check_problem(refresh(a_day_later.nobody, renewed["refresh_token"]), 401, "unauthenticated")
    _check_over(Session(clinic, renewed))
    assert refresh(a_day_later.nobody, other.tokens["refresh_token"]).status == 200


def test_a12_refresh_tokens_of_rotations_in_quick_succession_all_lead_to_the_same_one(clinic: Clinic) -> None:
    session = _session(clinic, clinic.patient())
    second = Session(clinic, session.refreshed().json)
    third = Session(clinic, second.refreshed().json)
    for older in (session, second):
        assert older.refreshed().json["refresh_token"] == third.tokens["refresh_token"]


def test_a12_a_refresh_token_two_rotations_old_ends_the_session_later(clinic: Clinic, a_day_later: Beside) -> None:
    session = _session(clinic, clinic.patient())
    third = Session(clinic, Session(clinic, session.refreshed().json).refreshed().json)
    check_problem(refresh(a_day_later.nobody, session.tokens["refresh_token"]), 401, "unauthenticated")
    _check_over(third)


def test_a12_an_access_token_outlives_its_quarter_of_an_hour_nowhere(clinic: Clinic, a_day_later: Beside) -> None:
    session = _session(clinic, clinic.patient())
    found = send(a_day_later.nobody, "GET", "/v1/me", token=session.tokens["access_token"])
    check_problem(found, 401, "unauthenticated")
    assert refresh(a_day_later.nobody, session.tokens["refresh_token"]).status == 200


def test_a12_a_refresh_token_with_any_character_changed_is_refused_and_ends_nothing(clinic: Clinic) -> None:
    session = _session(clinic, clinic.patient())
    token = session.tokens["refresh_token"]
    other = _session(clinic, clinic.patient()).tokens["refresh_token"]
    changed = [
        f"{token[:at]}{ALPHABET[ALPHABET.index(token[at]) ^ 1] if token[at] in ALPHABET else '-'}{token[at + 1 :]}"
        for at in range(len(token))
    ]
    id, generation, mac = token.split(".")
    forged = [
        f"{id}.{int(generation) + 1}.{mac}",
        f"{id}.0{generation}.{mac}",
        f"{id}.-{generation}.{mac}",
        f"{id}.{'9' * 900}.{mac}",
        f"{id}.{generation}.{other.split('.')[2]}",
        f"{other.split('.')[0]}.{generation}.{mac}",
        f"{token}=",
        f"{token}.",
        f" {token}",
        f"{token}\n",
        token.upper(),
        "..",
        "\0",
        "٣",
        session.tokens["access_token"],
    ]
    for one in changed + forged:
        check_problem(session.refreshed(one), 401, "unauthenticated")
    for shapeless in ("x" * 100_000, session.tokens["refresh_token"] * 100):
        check_problem(session.refreshed(shapeless), 422, "invalid_request", field="refresh_token")
    assert session.refreshed().status == 200


def test_a12_a_refresh_token_opens_nothing_as_an_access_token(clinic: Clinic) -> None:
    session = _session(clinic, clinic.patient())
    found = send(clinic.nobody, "GET", "/v1/me", token=session.tokens["refresh_token"])
    check_problem(found, 401, "unauthenticated")


@pytest.mark.parametrize("_", range(2))
def test_a12_of_parallel_refreshes_all_go_on_with_one_session(clinic: Clinic, _: int) -> None:
    session = _session(clinic, clinic.patient())
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: session.refreshed(), range(8)))
    good = [reply for reply in replies if reply.status == 200]
    assert {reply.status for reply in replies} <= {200, 503}
    assert len({reply.json["refresh_token"] for reply in good}) == 1
    assert refresh(clinic.nobody, good[0].json["refresh_token"]).status == 200
