"""A calendar's address is its key: guessed by nobody, useless once revoked, written down nowhere; A22 in it too."""

import json

import pytest

from integration.attacks.clinic import NO_ID, Clinic
from integration.attacks.raw import Reply, check_problem, send
from integration.http.people import Person
from integration.http.server import PUBLIC_URL

HOSTILE = 'Bruno\\nBEGIN:VALARM; X-EVIL="a",b: END:VEVENT <b>'
"""A name that would be more than text in a calendar, if it were not escaped."""


def _feed(person: Person) -> str:
    """The path of the person's feed."""
    url = str(person.client.get("/v1/calendar").expect(200)["url"])
    assert url.startswith(f"{PUBLIC_URL}/v1/calendar/")
    assert url.endswith(".ics")
    return url.removeprefix(PUBLIC_URL)


def _check_calendar(reply: Reply) -> list[str]:
    """The unfolded lines of what is one whole calendar of nothing but events."""
    assert reply.status == 200, reply
    assert reply.header("content-type") == "text/calendar; charset=utf-8"
    text = reply.body.decode()
    assert "\n" not in text.replace("\r\n", "")
    lines = text.replace("\r\n ", "").splitlines()
    assert (lines[0], lines[-1]) == ("BEGIN:VCALENDAR", "END:VCALENDAR")
    assert {line for line in lines if line.startswith("BEGIN:")} <= {"BEGIN:VCALENDAR", "BEGIN:VEVENT"}
    assert lines.count("BEGIN:VEVENT") == lines.count("END:VEVENT")
    return lines


def test_a_feed_is_read_by_whoever_has_its_address_and_shows_its_owners_visits_alone(clinic: Clinic) -> None:
    one, other = clinic.patients(2)
    own, theirs = clinic.confirmed(one, clinic.ana), clinic.confirmed(other, clinic.ana)
    for reader in (clinic.nobody, one.client, other.client, clinic.administrator.client):
        lines = _check_calendar(send(reader, "GET", _feed(one)))
        assert lines.count("BEGIN:VEVENT") == 1
        assert any(line.startswith("UID:") and own["id"] in line for line in lines)
        assert not any(theirs["id"] in line for line in lines)
    assert _feed(one) == _feed(one) != _feed(other)


def test_an_address_that_is_guessed_revoked_or_misspelt_leads_nowhere_in_one_way(clinic: Clinic) -> None:
    person = clinic.patient()
    feed = _feed(person)
    secret = feed.removeprefix("/v1/calendar/").removesuffix(".ics")
    assert len(secret) >= 26
    other = "b" if secret[0] == "a" else "a"
    told = set()
    guesses = [NO_ID, secret[:-1], secret + "a", other + secret[1:], secret.swapcase(), person.id, "x", "..", "%00"]
    for guess in guesses:
        if guess != secret:
            found = send(clinic.nobody, "GET", f"/v1/calendar/{guess}.ics")
            check_problem(found, 404, "not_found")
            told.add(found.telling())
    _check_calendar(send(clinic.nobody, "GET", feed))
    person.client.delete("/v1/calendar").expect(204)
    revoked = send(clinic.nobody, "GET", feed)
    check_problem(revoked, 404, "not_found")
    assert told == {revoked.telling()}
    fresh = _feed(person)
    assert fresh != feed
    _check_calendar(send(clinic.nobody, "GET", fresh))
    assert send(clinic.nobody, "GET", feed).telling() == revoked.telling()


def test_nobody_revokes_but_the_owner(clinic: Clinic) -> None:
    person, other = clinic.patients(2)
    feed = _feed(person)
    for client in (other.client, clinic.ana.client, clinic.administrator.client):
        client.delete("/v1/calendar").expect(204)
    check_problem(send(clinic.nobody, "DELETE", "/v1/calendar"), 401, "unauthenticated")
    check_problem(send(clinic.nobody, "DELETE", feed), 405, "method_not_allowed")
    _check_calendar(send(clinic.nobody, "GET", feed))
    person.client.delete("/v1/calendar").expect(204)
    person.client.delete("/v1/calendar").expect(204)


def test_a12_the_feed_of_a_closed_account_leads_nowhere_at_once(clinic: Clinic) -> None:
    person = clinic.patient()
    feed = _feed(person)
    person.client.delete("/v1/me").expect(204)
    check_problem(send(clinic.nobody, "GET", feed), 404, "not_found")


def test_a24_the_address_of_a_feed_is_in_no_log_and_in_no_error(clinic: Clinic) -> None:
    person = clinic.patient()
    feed = _feed(person)
    secret = feed.removeprefix("/v1/calendar/").removesuffix(".ics")
    tried = [
        send(clinic.nobody, method, target)
        for method in ("GET", "POST", "PUT", "DELETE", "HEAD")
        for target in (feed, f"{feed}?x=1", f"{feed}/", feed.removesuffix(".ics"), f"{feed}%00")
    ]
    person.client.delete("/v1/calendar").expect(204)
    tried.append(send(clinic.nobody, "GET", feed))
    assert {reply.status for reply in tried} == {200, 404, 405, 422}
    assert not any(
        secret in str(reply.headers) or secret.encode() in reply.body for reply in tried if reply.status != 200
    )
    for log in (clinic.server.errors, clinic.server.output):
        written = log.read_text(encoding="utf-8")
        assert secret not in written
    assert '"route":"/v1/calendar/{secret}.ics"' in clinic.server.errors.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [HOSTILE, "Ana\\;\\,\\:Lima", "José \N{PILE OF POO} مريم"])
def test_a22_a_name_in_a_calendar_is_text(clinic: Clinic, name: str) -> None:
    person, doctor = clinic.patient(), clinic.doctor()
    changed = send(person.client, "PATCH", "/v1/me", json.dumps({"name": name}))
    assert changed.status == 200, changed
    made = clinic.confirmed(person, doctor)
    for reply in (
        send(doctor.client, "GET", f"/v1/appointments/{made['id']}/calendar.ics"),
        send(clinic.nobody, "GET", _feed(doctor)),
    ):
        lines = _check_calendar(reply)
        assert lines.count("BEGIN:VEVENT") == 1
        summary = next(line for line in lines if line.startswith("SUMMARY"))
        escaped = name.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
        assert escaped in summary
        assert not any(line.startswith(("X-EVIL", "END:VALARM")) for line in lines)


def test_a22_what_is_written_about_a_visit_is_in_no_calendar(clinic: Clinic) -> None:
    person = clinic.patient()
    body = {
        "doctor_id": clinic.ana.id,
        "start": f"{clinic.start():%Y-%m-%dT%H:%M:%SZ}",
        "reason": "Zq7xMark\nBEGIN:VALARM",
    }
    made = person.client.post("/v1/appointments", body).expect(201)
    for reply in (
        send(person.client, "GET", f"/v1/appointments/{made['id']}/calendar.ics"),
        send(clinic.nobody, "GET", _feed(person)),
    ):
        assert not any("Zq7xMark" in line for line in _check_calendar(reply))
