"""Visits over HTTP: both join, or one stays away; what ends them, and what patients think of them."""

import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

from integration.http.people import Person, administrator, doctor, patient
from integration.http.server import Answer, Installation, Server
from telemed_core.domain.ids import AppointmentId
from telemed_core.domain.instants import parse_instant
from telemed_core.domain.sessions import ACCESS_LIFE

pytestmark = pytest.mark.xdist_group("visits")
"""One process makes the clinic once."""

START: Final = datetime(2026, 6, 2, 15, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)
END: Final = START + 50 * MINUTE
OPENS, CLOSES = "2026-06-02T14:50:00Z", "2026-06-02T16:00:00Z"
SWEPT_WITHIN: Final = 30.0
KEPT_WITHIN: Final = timedelta(minutes=4)
"""What happens while a server runs is dated within that time after its start, and never at its start."""

Serve = Callable[..., Server]


@attrs.frozen
class Clinic:
    """Three doctors with a confirmed visit each at ``START``, by name, and a patient without one.

    Attributes:
        visits: their ids, by the name of the doctor.
        early: what joining was answered with before and after each of them was confirmed.
        signed_in: when they did, by the server's clock.
    """

    data: Path
    root: Person
    doctors: Mapping[str, Person]
    patients: Mapping[str, Person]
    visits: Mapping[str, str]
    early: tuple[Answer, ...]
    signed_in: datetime

    def at(self, server: Server) -> "Clinic":
        """The same people at another server, signed in anew where they have to."""
        assert server.at
        fresh = server.at - self.signed_in < ACCESS_LIFE - MINUTE

        def there(person: Person) -> Person:
            if fresh:
                return attrs.evolve(person, client=server.client(person.client.token))
            return attrs.evolve(person, client=server.client()).again()

        return attrs.evolve(
            self,
            signed_in=self.signed_in if fresh else server.at,
            root=there(self.root),
            doctors={name: there(one) for name, one in self.doctors.items()},
            patients={name: there(one) for name, one in self.patients.items()},
        )

    def path(self, name: str, action: str = "") -> str:
        return f"/v1/appointments/{self.visits[name]}{action and '/' + action}"


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Clinic:
    """Made eleven minutes before the visits, when it is still too early to join."""
    folder = tmp_path_factory.mktemp("clinic")
    at = START - 11 * MINUTE
    with Server(Installation(folder / "data"), logs=folder / "logs", workers=1, at=at) as server:
        root = administrator(server)
        doctors = {
            name: doctor(server, number, approved_by=root) for number, name in enumerate(("ana", "rui", "eva"), 1)
        }
        patients = {name: patient(server, number) for number, name in enumerate(("bia", "caio", "duda", "gil"), 1)}
        visits: dict[str, str] = {}
        early: list[Answer] = []
        for (name, who), one in zip(doctors.items(), patients.values(), strict=False):
            body = {"doctor_id": who.id, "start": START.isoformat()}
            made = one.client.post("/v1/appointments", body).expect(201)["id"]
            early.append(one.client.post(f"/v1/appointments/{made}/join"))
            who.client.post(f"/v1/appointments/{made}/accept", {"rev": 1}).expect(200)
            early += (two.client.post(f"/v1/appointments/{made}/join") for two in (who, one))
            visits[name] = made
        server.stop()
    return Clinic(folder / "data", root, doctors, patients, visits, tuple(early), at)


@pytest.fixture
def opened(clinic: Clinic, tmp_path: Path, serve: Serve) -> Callable[..., tuple[Server, Clinic]]:
    """Starts a server at some time on a copy of the clinic, and signs its people in."""

    def start(at: datetime, **settings: str) -> tuple[Server, Clinic]:
        data = tmp_path / "data"
        if not data.exists():
            shutil.copytree(clinic.data, data)
        server = serve(Installation(data), workers=1, at=at, **settings)
        return server, clinic.at(server)

    return start


def refusals(*answers: Answer) -> list[tuple[int, str]]:
    return [(one.status, one.code) for one in answers]


def events(person: Person, path: str) -> list[tuple[str, str]]:
    return [(one["event"], one["by"]) for one in person.client.get(path).expect(200)["history"]]


def test_nobody_joins_before_it_is_accepted_or_the_window_opens(clinic: Clinic) -> None:
    for asked, by_doctor, by_patient in zip(*[iter(clinic.early)] * 3, strict=True):
        assert refusals(asked) == [(409, "invalid_transition")]
        assert "opens_at" not in asked.json
        for one in (by_doctor, by_patient):
            assert refusals(one) == [(409, "join_window_closed")]
            assert one.json["opens_at"] == OPENS


def test_a_visit_from_both_joining_to_its_rating(opened: Callable[..., tuple[Server, Clinic]]) -> None:
    server, clinic = opened(START - 10 * MINUTE)
    ana, bia, gil = clinic.doctors["ana"], clinic.patients["bia"], clinic.patients["gil"]
    join, visit = clinic.path("ana", "join"), clinic.path("ana")

    hers = bia.client.post(join).expect(200)
    meeting, attendee = hers["meeting"], hers["attendee"]
    assert hers == {
        "provider": "webrtc",
        "meeting": {"id": meeting["id"], "signalling": f"/v1/meetings/{meeting['id']}/signal"},
        "attendee": {"id": attendee["id"], "token": attendee["token"], "ice_servers": []},
        "opens_at": OPENS,
        "closes_at": CLOSES,
    }
    assert bia.client.get(visit).expect(200)["status"] == "confirmed"
    assert bia.client.post(join).expect(200) == hers
    assert refusals(
        gil.client.post(join),
        clinic.root.client.post(join),
        server.client().post(join),
        clinic.doctors["rui"].client.post(join),
    ) == [(404, "not_found"), (403, "forbidden"), (401, "unauthenticated"), (404, "not_found")]
    theirs = ana.client.post(join).expect(200)
    assert theirs["meeting"] == meeting
    assert theirs["attendee"]["id"] != attendee["id"]
    assert theirs["attendee"]["token"] != attendee["token"]
    assert bia.client.post(join).expect(200) == hers
    under_way = ana.client.get(visit).expect(200)
    assert under_way["status"] == "in_progress"
    assert under_way["join_url"] == f"https://clinic.example/appointments/{clinic.visits['ana']}/visit"
    assert events(bia, visit)[-3:] == [("joined", "patient"), ("joined", "doctor"), ("started", "system")]

    complete, rating = clinic.path("ana", "complete"), clinic.path("ana", "rating")
    good = {"score": 4, "comment": "  Kind,\nand on time. "}
    assert refusals(
        bia.client.post(rating, good), bia.client.post(complete), clinic.doctors["rui"].client.post(complete)
    ) == [(409, "invalid_transition"), (403, "forbidden"), (404, "not_found")]
    completed = ana.client.post(complete, key="end").expect(200)
    assert (completed["status"], completed["join_url"]) == ("completed", None)
    again = ana.client.post(complete, key="end")
    assert (again.expect(200), again.replayed) == (completed, True)
    late = bia.client.post(join)
    assert refusals(late, ana.client.post(join), ana.client.post(complete)) == [
        *[(409, "join_window_closed")] * 2,
        (409, "invalid_transition"),
    ]
    assert late.json["opens_at"] == OPENS

    refused = [
        ana.client.post(rating, good),
        gil.client.post(rating, good),
        *(bia.client.post(rating, {"score": score}) for score in (0, 6, 4.5, "4")),
        bia.client.post(rating, {"score": 4, "comment": "x" * 501}),
    ]
    assert refusals(*refused) == [(403, "forbidden"), (404, "not_found"), *[(422, "invalid_request")] * 5]
    assert gil.client.get(f"/v1/doctors/{ana.id}").expect(200)["rating"] == {"average": None, "count": 0}
    rated = bia.client.post(rating, good, key="stars").expect(201)
    assert (rated["score"], rated["comment"]) == (4, "Kind,\nand on time.")
    assert rated.keys() == {"score", "comment", "created_at"}
    twice = bia.client.post(rating, good, key="stars")
    assert (twice.expect(201), twice.replayed) == (rated, True)
    assert refusals(bia.client.post(rating, {"score": 1})) == [(409, "already_rated")]

    for seen in (
        gil.client.get(f"/v1/doctors/{ana.id}").expect(200),
        ana.client.get("/v1/me").expect(200),
        *(one for one in gil.client.get("/v1/doctors").expect(200)["items"] if one["id"] == ana.id),
    ):
        assert seen["rating"] == {"average": 4.0, "count": 1}
    listed = gil.client.get(f"/v1/doctors/{ana.id}/ratings").expect(200)
    assert listed == {"items": [rated], "next_cursor": None}
    assert gil.client.get(f"/v1/doctors/{clinic.doctors['rui'].id}/ratings").expect(200)["items"] == []
    told = {one["kind"] for one in eventually_told(bia, "completed")}
    assert "completed" in told
    server.stop()
    assert server.installation.run("ledger", "verify").returncode == 0


def eventually_told(person: Person, kind: str) -> list[dict[str, Any]]:
    """The person's inbox, once there is something of that kind in it, or when that was waited for."""
    until = time.monotonic() + SWEPT_WITHIN
    while True:
        found: list[dict[str, Any]] = person.client.get("/v1/notifications").expect(200)["items"]
        if any(one["kind"] == kind for one in found) or time.monotonic() > until:
            return found
        time.sleep(0.1)


def test_who_has_joined_says_after_a_quarter_of_an_hour_that_the_other_did_not_come(
    opened: Callable[..., tuple[Server, Clinic]],
) -> None:
    server, clinic = opened(START + 10 * MINUTE)
    clinic.patients["bia"].client.post(clinic.path("ana", "join")).expect(200)
    clinic.doctors["rui"].client.post(clinic.path("rui", "join")).expect(200)
    both = [
        clinic.patients["bia"].client.post(clinic.path("ana", "absence"), {}),
        clinic.doctors["rui"].client.post(clinic.path("rui", "absence"), {}),
        clinic.doctors["ana"].client.post(clinic.path("ana", "absence"), {}),
    ]
    assert refusals(*both) == [(409, "too_early")] * 3
    server.stop()

    server, clinic = opened(START + 15 * MINUTE)
    ana, bia = clinic.doctors["ana"].client, clinic.patients["bia"].client
    rui, caio = clinic.doctors["rui"].client, clinic.patients["caio"].client
    assert refusals(
        ana.post(clinic.path("ana", "absence"), {}),
        caio.post(clinic.path("rui", "absence"), {}),
        clinic.patients["gil"].client.post(clinic.path("ana", "absence"), {}),
        bia.post(clinic.path("ana", "absence"), {"why": "late"}),
    ) == [(409, "not_present"), (409, "not_present"), (404, "not_found"), (422, "invalid_request")]
    missed = bia.post(clinic.path("ana", "absence"), {}, key="gone").expect(200)
    assert (missed["status"], missed["absent"], missed["join_url"]) == ("no_show", "doctor", None)
    again = bia.post(clinic.path("ana", "absence"), {}, key="gone")
    assert (again.expect(200), again.replayed) == (missed, True)
    other = rui.post(clinic.path("rui", "absence"), {}).expect(200)
    assert (other["status"], other["absent"]) == ("no_show", "patient")
    assert events(clinic.patients["bia"], clinic.path("ana"))[-2:] == [("joined", "patient"), ("no_show", "patient")]
    assert events(clinic.doctors["rui"], clinic.path("rui"))[-2:] == [("joined", "doctor"), ("no_show", "doctor")]
    over = [
        ana.post(clinic.path("ana", "join")),
        caio.post(clinic.path("rui", "join")),
        rui.post(clinic.path("rui", "absence"), {}),
        bia.post(clinic.path("ana", "rating"), {"score": 1}),
    ]
    assert refusals(*over) == [*[(409, "join_window_closed")] * 2, *[(409, "invalid_transition")] * 2]
    clinic.patients["duda"].client.post(clinic.path("eva", "join")).expect(200)
    clinic.doctors["eva"].client.post(clinic.path("eva", "join")).expect(200)
    assert refusals(clinic.patients["duda"].client.post(clinic.path("eva", "absence"), {})) == [
        (409, "invalid_transition")
    ]
    server.stop()


def asked(who: Person, method: str, path: str, body: str | None = None) -> tuple[str, int, bytes]:
    """What was asked, and the answer's status and its very bytes."""
    connection = who.client.connect()
    headers = {"Authorization": f"Bearer {who.client.token}", "Content-Type": "application/json"}
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    return f"{method} {path}", response.status, response.read()


def before_the_end(clinic: Clinic) -> Iterator[tuple[str, int, bytes]]:
    """Both come to one visit, the doctor to another, and nobody to the third."""
    for name, who in (("ana", clinic.patients["bia"]), ("ana", clinic.doctors["ana"]), ("rui", clinic.doctors["rui"])):
        yield asked(who, "POST", clinic.path(name, "join"))
    yield from looks(clinic)


def looks(clinic: Clinic) -> Iterator[tuple[str, int, bytes]]:
    """Each visit as both sides see it, alone and in lists."""
    for (name, who), one in zip(clinic.doctors.items(), clinic.patients.values(), strict=False):
        for side in (who, one):
            yield asked(side, "GET", clinic.path(name))
            for query in ("", "?status=confirmed&status=in_progress", "?status=completed", "?status=no_show"):
                yield asked(side, "GET", f"/v1/appointments{query}")


def after_the_end(clinic: Clinic) -> Iterator[tuple[str, int, bytes]]:
    """Everything that somebody could try who has not looked at the clock; and the rating."""
    yield from looks(clinic)
    for (name, who), one in zip(clinic.doctors.items(), clinic.patients.values(), strict=False):
        for side in (who, one):
            yield asked(side, "POST", clinic.path(name, "join"))
            yield asked(side, "POST", clinic.path(name, "absence"), "{}")
        yield asked(who, "POST", clinic.path(name, "complete"))
        yield asked(one, "POST", clinic.path(name, "cancel"), '{"reason": "too late"}')
        yield asked(one, "POST", clinic.path(name, "rating"), '{"score": 5, "comment": "Good"}')
        yield asked(one, "POST", clinic.path(name, "rating"), '{"score": 5}')
        yield asked(one, "GET", f"/v1/doctors/{who.id}")
        yield asked(one, "GET", f"/v1/doctors/{who.id}/ratings")
        yield asked(one, "GET", f"/v1/doctors/{who.id}/slots?from={CLOSES}&to=2026-06-02T20:00:00Z")
    yield from looks(clinic)


def undated(answers: Iterator[tuple[str, int, bytes]]) -> list[tuple[str, int, bytes]]:
    """The answers without the seconds at which one of the servers was asked."""

    def said(found: re.Match[bytes]) -> bytes:
        instant = parse_instant(found[0].decode(), field="at")
        return b"THEN" if any(at <= instant < at + KEPT_WITHIN for at in SCRIPTS) else found[0]

    return [(what, status, re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", said, body)) for what, status, body in answers]


def stored(server: Server, clinic: Clinic) -> dict[str, str]:
    """The visits' status as it is written down."""
    with server.installation.container() as container:
        kept = container.appointments().many([AppointmentId(one) for one in clinic.visits.values()])
        by_id = {one.id: one.status.value for one in kept}
        return {name: by_id[AppointmentId(one)] for name, one in clinic.visits.items()}


UNSWEPT: Final = {"ana": "in_progress", "rui": "confirmed", "eva": "confirmed"}
OVER: Final = {"ana": "completed", "rui": "no_show", "eva": "no_show"}
JOINED: Final = START + MINUTE
ALMOST: Final = END + 5 * MINUTE
CLOSED: Final = END + 11 * MINUTE
SCRIPTS: Final = {JOINED: before_the_end, ALMOST: looks, CLOSED: after_the_end}
"""What is asked of servers that are started at these times."""


def told_by(clinic: Clinic, serve: Serve, data: Path, *, swept: bool) -> dict[datetime, list[tuple[str, int, bytes]]]:
    """What servers answer that are started on a copy of the clinic at these times, with sweeps or without any."""
    shutil.copytree(clinic.data, data)
    told = {}
    for at, script in SCRIPTS.items():
        server = serve(Installation(data), workers=1, at=at, TELEMED_BACKGROUND="on" if swept else "off")
        clinic = clinic.at(server)
        due = OVER if at == CLOSED else UNSWEPT
        if swept:
            assert server.installation.run("sweep", "--at", at.isoformat()).returncode == 0
        if at != JOINED:
            assert stored(server, clinic) == (due if swept else UNSWEPT)
        told[at] = undated(script(clinic))
        server.stop()
    return told


def test_answers_are_the_same_sweep_or_no_sweep(clinic: Clinic, tmp_path: Path, serve: Serve) -> None:
    unswept = told_by(clinic, serve, tmp_path / "unswept", swept=False)
    swept = told_by(clinic, serve, tmp_path / "swept", swept=True)

    for at, answers in unswept.items():
        for one, other in zip(answers, swept[at], strict=True):
            assert one == other
    for at, due in ((ALMOST, UNSWEPT), (CLOSED, OVER)):
        bodies = {what: body for what, _, body in swept[at]}
        for name, status in due.items():
            assert b'"status":"%s"' % status.encode() in bodies[f"GET {clinic.path(name)}"]
    absent = [bodies[f"GET {clinic.path(name)}"] for name in ("rui", "eva")]
    assert [re.findall(rb'"absent":"(\w+)"', body) for body in absent] == [[b"patient"], [b"both"]]
    # Time ends a visit ten minutes after its end, whenever that is written down or read.
    ended = [
        re.findall(rb'"at":"([^"]+)","event":"(?:completed|no_show)"', bodies[f"GET {clinic.path(name)}"])
        for name in OVER
    ]
    assert ended == [[CLOSES.encode()]] * 3
