"""Over a real server: who is told of what, how fast, and what calendars and administrators see of it."""

import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any, Final

import attrs
import pytest
from aiosmtpd.controller import Controller
from icalendar import Calendar

from integration.http.people import PASSWORD, Person, administrator, doctor, patient
from integration.http.server import PUBLIC_URL, Installation, Server
from integration.http.stuck import dead_deliveries, quarantined_sagas

pytestmark = pytest.mark.xdist_group("notifications")
"""One process tells the story once."""

NOW: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)
START: Final = NOW + timedelta(days=3)
WITHIN: Final = 2.0
"""Seconds after a change until whoever is concerned can read of it."""


@attrs.frozen
class Clinic:
    """One server, and whoever is there."""

    server: Server
    root: Person
    doctor: Person
    patient: Person

    def confirmed(self, start: datetime) -> dict[str, Any]:
        body = {"doctor_id": self.doctor.id, "start": start.isoformat()}
        made = self.patient.client.post("/v1/appointments", body).expect(201)
        accepted: dict[str, Any] = self.doctor.client.post(f"/v1/appointments/{made['id']}/accept", {"rev": 1}).expect(
            200
        )
        return accepted


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    folder = tmp_path_factory.mktemp("notifications")
    with Server(Installation(folder / "data"), logs=folder / "logs", at=NOW) as server:
        root = administrator(server)
        yield Clinic(server, root, doctor(server, approved_by=root, horizon_days=366), patient(server, language="en"))


def _inbox(person: Person) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = person.client.get("/v1/notifications", limit=100).expect(200)["items"]
    return items


def _until(found: Callable[[], Any], *, within: float = WITHIN) -> Any:
    until = time.monotonic() + within
    while not (got := found()) and time.monotonic() < until:
        time.sleep(0.02)
    return got


def _told(person: Person, appointment_id: str) -> list[str]:
    return [one["kind"] for one in _inbox(person) if one["appointment_id"] == appointment_id]


def test_a_change_is_told_to_the_other_side_within_two_seconds_and_read_once(clinic: Clinic) -> None:
    body = {"doctor_id": clinic.doctor.id, "start": START.isoformat()}
    made = clinic.patient.client.post("/v1/appointments", body).expect(201)
    assert _until(lambda: _told(clinic.doctor, made["id"])) == ["requested"]
    clinic.doctor.client.post(f"/v1/appointments/{made['id']}/accept", {"rev": 1}).expect(200)
    assert _until(lambda: _told(clinic.patient, made["id"])) == ["confirmed"]
    assert _told(clinic.doctor, made["id"]) == ["requested"], "who acted is not told"

    notice = next(one for one in _inbox(clinic.patient) if one["appointment_id"] == made["id"])
    assert set(notice) == {"id", "at", "kind", "appointment_id", "title", "body", "read_at"}
    assert notice["read_at"] is None
    assert "Ana Lima" in notice["body"]
    assert "UTC" in notice["body"]
    assert "Ana Lima" not in notice["title"]
    clinic.patient.client.post(f"/v1/notifications/{notice['id']}/read").expect(204)
    first = next(one for one in _inbox(clinic.patient) if one["id"] == notice["id"])["read_at"]
    assert first is not None
    time.sleep(1.1)
    clinic.patient.client.post(f"/v1/notifications/{notice['id']}/read").expect(204)
    assert next(one for one in _inbox(clinic.patient) if one["id"] == notice["id"])["read_at"] == first


def test_the_inbox_is_newest_first_in_pages(clinic: Clinic) -> None:
    made = [clinic.confirmed(START + timedelta(days=1, hours=hour)) for hour in range(3)]
    assert _until(lambda: all(_told(clinic.patient, one["id"]) for one in made))
    whole = _inbox(clinic.patient)
    assert [one["at"] for one in whole] == sorted((one["at"] for one in whole), reverse=True)
    paged: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = clinic.patient.client.get("/v1/notifications", limit=1, **cursor).expect(200)
        paged += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert paged == whole


def test_an_appointment_is_a_calendar_file_to_either_side(clinic: Clinic) -> None:
    made = clinic.confirmed(START + timedelta(days=2))
    for person in (clinic.patient, clinic.doctor):
        answer = person.client.get(f"/v1/appointments/{made['id']}/calendar.ics")
        assert answer.status == 200
        assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
        assert answer.headers["content-disposition"] == 'attachment; filename="appointment.ics"'
        assert answer.headers["cache-control"] == "no-store"
        (event,) = Calendar.from_ical(answer.json).walk("VEVENT")
        assert (event["SEQUENCE"], event["STATUS"]) == (made["sequence"], "CONFIRMED")
        assert event.decoded("DTSTART") == START + timedelta(days=2)
        assert made["id"] in str(event["UID"])


def test_a_feed_needs_no_sign_in_and_ends_when_it_is_revoked(clinic: Clinic) -> None:
    made = clinic.confirmed(START + timedelta(days=4))
    url = clinic.patient.client.get("/v1/calendar").expect(200)["url"]
    assert clinic.patient.client.get("/v1/calendar").expect(200)["url"] == url
    path = url.removeprefix(PUBLIC_URL)
    answer = clinic.server.client().get(path)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
    assert [one for one in Calendar.from_ical(answer.json).walk("VEVENT") if made["id"] in str(one["UID"])]
    reason = {"reason": "not needed"}
    clinic.patient.client.post(f"/v1/appointments/{made['id']}/cancel", reason).expect(200)
    read = Calendar.from_ical(clinic.server.client().get(path).json)
    (event,) = [one for one in read.walk("VEVENT") if made["id"] in str(one["UID"])]
    assert (event["STATUS"], event["SEQUENCE"]) == ("CANCELLED", made["sequence"] + 1)

    clinic.patient.client.delete("/v1/calendar").expect(204)

    gone = clinic.server.client().get(path)
    assert (gone.status, gone.code) == (404, "not_found")
    assert clinic.patient.client.get("/v1/calendar").expect(200)["url"] != url


def test_administrators_see_what_follows_from_a_change_step_by_step(clinic: Clinic) -> None:
    made = clinic.confirmed(START + timedelta(days=5))
    sagas = clinic.root.client

    def done() -> bool:
        found = sagas.get("/v1/admin/sagas", subject=made["id"], phase="completed").expect(200)["items"]
        return {one["name"] for one in found} == {"request", "accept"}

    assert _until(done)
    listed = sagas.get("/v1/admin/sagas", subject=made["id"], name="accept").expect(200)["items"]
    assert [(one["steps"], one["interventions"]) for one in listed] == [(None, None)]
    shown = sagas.get(f"/v1/admin/sagas/{listed[0]['id']}").expect(200)
    assert [(step["name"], step["kind"], step["state"]) for step in shown["steps"]] == [
        ("confirm", "pivot", "done"),
        ("reminders", "retriable", "done"),
        ("notify", "retriable", "done"),
    ]
    assert {**shown, "steps": None, "interventions": None} == listed[0]
    assert (shown["subject"], shown["error"], shown["due_at"], shown["interventions"]) == (made["id"], None, None, [])
    reminders = sagas.get("/v1/admin/sagas", name="remind", phase="forward", limit=100).expect(200)["items"]
    assert len([one for one in reminders if one["subject"] == made["id"]]) == 2


def _has_phase(clinic: Clinic, path: str, phase: str) -> bool:
    return bool(clinic.root.client.get(path).expect(200)["phase"] == phase)


def test_administrators_have_a_quarantined_saga_go_on_and_say_why(clinic: Clinic) -> None:
    with clinic.server.installation.container(at=NOW) as container:
        retried, compensated, resolved = quarantined_sagas(container, 3)
    quarantined = clinic.root.client.get("/v1/admin/sagas", phase="quarantined").expect(200)["items"]
    assert {retried, compensated, resolved} <= {one["id"] for one in quarantined}
    for verb, saga in (("retry", retried), ("compensate", compensated), ("resolve", resolved)):
        path = f"/v1/admin/sagas/{saga}"
        shown = clinic.root.client.get(path).expect(200)
        assert [step["state"] for step in shown["steps"]] == ["done", "current", "waiting"]
        after = clinic.root.client.post(f"{path}/{verb}", {"reason": f"because of {verb}"}).expect(200)
        assert [(one["verb"], one["by"], one["reason"]) for one in after["interventions"]] == [
            (verb, clinic.root.id, f"because of {verb}")
        ]
        assert after["phase"] != "quarantined"
        again = clinic.root.client.post(f"{path}/{verb}", {"reason": "once more"})
        assert (again.status, again.code) == (409, "invalid_transition")
        ended = _until(partial(_has_phase, clinic, path, "compensated"), within=10)
        assert ended, "nothing of a registration without its password is left"
        states = {step["state"] for step in clinic.root.client.get(path).expect(200)["steps"]}
        assert states == {"undone"}


def test_administrators_see_every_delivery_and_replay_what_is_dead(clinic: Clinic) -> None:
    made = clinic.confirmed(START + timedelta(days=6))
    assert _until(lambda: _told(clinic.patient, made["id"]))
    root = clinic.root.client
    listed = root.get("/v1/admin/notifications", appointment_id=made["id"], channel="in_app").expect(200)["items"]
    assert {(one["kind"], one["reader_id"], one["status"]) for one in listed} == {
        ("requested", clinic.doctor.id, "delivered"),
        ("confirmed", clinic.patient.id, "delivered"),
    }
    with clinic.server.installation.container(at=NOW) as container:
        (dead,) = dead_deliveries(container, clinic.patient, 1)
    found = root.get("/v1/admin/notifications", status="dead", channel="email").expect(200)["items"]
    assert [(one["id"], one["attempts"], one["last_error"]) for one in found] == [(dead, 16, "undeliverable")]
    replayed = root.post(f"/v1/admin/notifications/{dead}/replay").expect(200)
    assert (replayed["id"], replayed["status"], replayed["attempts"]) == (dead, "pending", 0)
    again = root.post(f"/v1/admin/notifications/{dead}/replay")
    assert (again.status, again.code) == (409, "invalid_transition")


class Mailbox:
    """Keeps what a mail server is handed."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], EmailMessage]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 # its caller's name
        self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default)))
        return "250 OK"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def test_a_forgotten_password_is_set_anew_by_what_comes_by_e_mail(tmp_path: Path) -> None:
    mailbox = Mailbox()
    port = _free_port()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        settings = {"TELEMED_SMTP_URL": f"smtp://127.0.0.1:{port}"}
        with Server(Installation(tmp_path / "data"), logs=tmp_path / "logs", workers=1, at=NOW, **settings) as server:
            person = patient(server, email="bruno@example.com")
            server.client().post("/v1/auth/password-reset", {"login": person.login}).expect(202)
            server.client().post("/v1/auth/password-reset", {"login": "nobody@example.com"}).expect(202)
            assert _until(lambda: mailbox.mails, within=10)
            ((to, mail),) = mailbox.mails
            assert to == ["bruno@example.com"]
            part = mail.get_body(("plain",))
            assert part is not None
            body = part.get_content()
            token = body.split("#token=")[1].split()[0].rstrip(".>")
            confirm = {"token": token, "password": "seven calm herons drift"}
            server.client().post("/v1/auth/password-reset/confirm", confirm).expect(204)
            assert person.client.get("/v1/me").status == 401
            assert server.client().tokens(person.login, PASSWORD).status == 401
            assert server.client().tokens(person.login, confirm["password"]).status == 200
            again = server.client().post("/v1/auth/password-reset/confirm", confirm)
            assert (again.status, [one["field"] for one in again.json["errors"]]) == (422, ["token"])
            assert token not in server.errors.read_text(encoding="utf-8")
            time.sleep(1.5)
            assert len(mailbox.mails) == 1
    finally:
        controller.stop()
