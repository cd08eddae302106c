"""Deadlines that pass while the server is down: what is read and what is decided follows from the time alone."""

import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from integration.http.people import PASSWORD, Person, administrator, doctor, patient
from integration.http.server import Answer, Installation, Server
from telemed_core.domain.ids import AppointmentId
from telemed_core.domain.instants import parse_instant
from telemed_core.messages.appointment_view import appointment_view

pytestmark = pytest.mark.xdist_group("deadlines")
"""One process tells the story once."""

T = datetime(2026, 6, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = 24 * HOUR
ASKED_FOR = T + 3 * DAY
SWEPT_WITHIN = 30.0

Serve = Callable[..., Server]


@attrs.frozen
class Story:
    """What was asked for at ``T``, by whom, and where it is kept."""

    data: Path
    doctor: Person
    patient: Person
    other: Person
    tokens: dict[str, str]
    unanswered: str
    visited: str
    proposed: str
    proposal: str

    @property
    def all(self) -> tuple[str, ...]:
        return self.unanswered, self.visited, self.proposed

    def at(self, server: Server) -> "Story":
        """Its people, signed in to another server."""

        def there(person: Person) -> Person:
            return attrs.evolve(person, client=server.client()).again()

        return attrs.evolve(self, doctor=there(self.doctor), patient=there(self.patient), other=there(self.other))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Three appointments: a request, a visit in four hours, and a visit that is proposed to be moved."""
    folder = tmp_path_factory.mktemp("story")
    with Server(Installation(folder / "data"), logs=folder / "logs", workers=1, at=T) as server:
        who = doctor(server, approved_by=administrator(server))
        one, other = patient(server, 1), patient(server, 2)
        visited, proposed = (_confirmed(who, one, start) for start in (T + 4 * HOUR, T + 5 * DAY))
        path = f"/v1/appointments/{proposed}/reschedule"
        proposal = one.client.post(path, {"start": (T + 6 * DAY).isoformat()}).expect(200)["proposal"]
        assert T + DAY <= parse_instant(proposal["expires_at"], field="expires_at") < T + DAY + MINUTE
        asked = _book(one, who, ASKED_FOR).expect(201)
        story = Story(
            data=folder / "data",
            doctor=who,
            patient=one,
            other=other,
            tokens=server.client().tokens(one.login, PASSWORD).expect(200),
            unanswered=asked["id"],
            visited=visited,
            proposed=proposed,
            proposal=proposal["id"],
        )
        server.stop()
    return story


@pytest.fixture
def restarted(told: Story, tmp_path: Path, serve: Serve) -> Callable[..., tuple[Server, Story]]:
    """Starts a server at another time on a copy of the story, and signs its people in."""

    def restart(at: datetime, **settings: str) -> tuple[Server, Story]:
        data = tmp_path / "data"
        if not data.exists():
            shutil.copytree(told.data, data)
        server = serve(Installation(data), workers=1, at=at, **settings)
        return server, told.at(server)

    return restart


def _book(who: Person, whom: Person, start: datetime) -> Answer:
    return who.client.post("/v1/appointments", {"doctor_id": whom.id, "start": start.isoformat()})


def _confirmed(who: Person, one: Person, start: datetime) -> str:
    made = _book(one, who, start).expect(201)["id"]
    return str(who.client.post(f"/v1/appointments/{made}/accept", {"rev": 1}).expect(200)["id"])


def _accept(story: Story) -> Answer:
    return story.doctor.client.post(f"/v1/appointments/{story.unanswered}/accept", {"rev": 1})


def _stored(server: Server, story: Story) -> dict[str, tuple[str, int]]:
    """Status and revision as they are written down."""
    with server.installation.container() as container:
        kept = container.appointments().many([AppointmentId(one) for one in story.all])
        return {one.id: (one.status.value, one.rev) for one in kept}


@pytest.mark.parametrize("background", ["off", "on"])
def test_what_is_due_reads_and_is_decided_alike_swept_or_not(
    restarted: Callable[..., tuple[Server, Story]], background: str
) -> None:
    server, story = restarted(T + 25 * HOUR, TELEMED_BACKGROUND=background)
    due = {story.unanswered: ("expired", 2), story.visited: ("no_show", 3), story.proposed: ("confirmed", 4)}
    before = {story.unanswered: ("requested", 1), story.visited: ("confirmed", 2), story.proposed: ("confirmed", 3)}
    if background == "on":
        until = time.monotonic() + SWEPT_WITHIN
        while _stored(server, story) != due and time.monotonic() < until:
            time.sleep(0.2)
    assert _stored(server, story) == (due if background == "on" else before)
    mine = story.patient.client

    found = {one: mine.get(f"/v1/appointments/{one}").expect(200) for one in story.all}

    assert {one: (body["status"], body["rev"]) for one, body in found.items()} == due
    assert found[story.visited]["absent"] == "both"
    assert found[story.proposed]["proposal"] is None
    assert [entry["event"] for entry in found[story.proposed]["history"]][-1] == "lapsed"
    assert found == _settled_by_the_core(server, story)
    for status, expected in (("expired", story.unanswered), ("no_show", story.visited)):
        listed = story.doctor.client.get("/v1/appointments", status=status).expect(200)["items"]
        assert [one["id"] for one in listed] == [expected]
    assert mine.get("/v1/appointments", status="requested").expect(200)["items"] == []

    path = f"/v1/appointments/{story.unanswered}"
    late = [
        _accept(story),
        story.doctor.client.post(f"{path}/refuse", {}),
        mine.post(f"{path}/cancel", {"reason": "not needed"}),
        mine.post(f"{path}/reschedule", {"start": (T + 7 * DAY).isoformat()}),
    ]
    assert [(answer.status, answer.code) for answer in late] == [(409, "deadline_passed")] * 4
    over = [
        story.doctor.client.post(f"/v1/appointments/{story.proposed}/proposal/accept", {"proposal_id": story.proposal}),
        mine.post(f"/v1/appointments/{story.visited}/cancel", {"reason": "not needed"}),
    ]
    assert [(answer.status, answer.code) for answer in over] == [(409, "invalid_transition")] * 2
    again = _book(story.other, story.doctor, ASKED_FOR).expect(201)
    assert (again["status"], again["start"]) == ("requested", found[story.unanswered]["start"])
    assert mine.get(path).expect(200) == found[story.unanswered]
    server.stop()
    assert server.installation.run("ledger", "verify").returncode == 0


def _settled_by_the_core(server: Server, story: Story) -> dict[str, Any]:
    """The stored appointments, settled and shown in this process."""
    with server.installation.container() as container:
        stores = container.stores()
        found = {}
        for one in story.all:
            settled = stores.appointments.get(AppointmentId(one)).settled(now=T + 25 * HOUR + MINUTE)
            names = stores.accounts.names([settled.doctor_id, settled.patient_id])
            view = appointment_view(settled, names=names, texts={}, public_url=container.settings().public_url)
            found[one] = view.model_dump(mode="json")
        return found


def test_a_minute_before_its_deadline_a_request_is_accepted(
    restarted: Callable[..., tuple[Server, Story]],
) -> None:
    server, story = restarted(T + 24 * HOUR - MINUTE)

    assert story.patient.client.get(f"/v1/appointments/{story.unanswered}").expect(200)["status"] == "requested"
    assert _book(story.other, story.doctor, ASKED_FOR).code == "slot_taken"
    assert _accept(story).expect(200)["status"] == "confirmed"
    server.stop()


def test_a_restart_may_go_back_in_time(restarted: Callable[..., tuple[Server, Story]], told: Story) -> None:
    later, _ = restarted(T + 25 * HOUR, TELEMED_BACKGROUND="off")
    first = later.client(told.tokens["access_token"])
    assert first.get("/v1/me").status == 401, "it has expired"
    tokens = later.client().tokens(told.patient.login, PASSWORD).expect(200)
    later.stop()

    earlier, story = restarted(T + 5 * MINUTE)

    for token in (told.tokens, tokens):
        assert earlier.client(token["access_token"]).get("/v1/me").expect(200)["id"] == told.patient.id
        refreshed = earlier.client().post("/v1/auth/refresh", {"refresh_token": token["refresh_token"]}).expect(200)
        assert earlier.client(refreshed["access_token"]).get("/v1/me").expect(200)["id"] == told.patient.id
    assert _accept(story).expect(200)["status"] == "confirmed"
    earlier.stop()
