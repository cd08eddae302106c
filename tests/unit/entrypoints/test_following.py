"""What follows from a change, as the API shows it: notices, calendars, sagas, deliveries, and new passwords by mail."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import attrs
import pytest

from telemed_core.domain.ids import AccountId, SagaId
from telemed_core.domain.notices import Channel, DeliveryStatus, Notice
from telemed_core.domain.sagas import SagaEntry
from telemed_core.saga.deciding import quarantined
from telemed_core.testing.builders import a_notice, a_patient, a_reservation, an_email
from unit.entrypoints.api import MONDAY, PASSWORD, Clinic, Reply, a_clinic

START = "2026-06-03T15:00:00Z"
PUBLIC_URL = "http://127.0.0.1:8000"
OTHER = "another long passphrase"

Someone = tuple[str, str]
"""Id and token."""


@pytest.fixture
def clinic() -> Iterator[Clinic]:
    with a_clinic(TELEMED_SMTP_URL="smtp://127.0.0.1:9") as made:
        yield made


@pytest.fixture
def administrator(clinic: Clinic) -> str:
    return clinic.administrator()


@pytest.fixture
def doctor(clinic: Clinic, administrator: str) -> Someone:
    return clinic.doctor(administrator=administrator)


@pytest.fixture
def patient(clinic: Clinic) -> Someone:
    return clinic.patient(language="en")


@pytest.fixture
def confirmed(clinic: Clinic, doctor: Someone, patient: Someone) -> Any:
    """An appointment that both sides have been told of."""
    made = clinic.call("POST", "/v1/appointments", {"doctor_id": doctor[0], "start": START}, token=patient[1]).body
    told(clinic)
    reply = clinic.call("POST", f"/v1/appointments/{made['id']}/accept", {"rev": 1}, token=doctor[1])
    assert reply.status == 200, reply.raw
    told(clinic)
    return reply.body


def told(clinic: Clinic) -> None:
    """Everything that is due has been done."""
    clinic.container.run_sagas()()


def inbox(clinic: Clinic, who: Someone) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = clinic.call("GET", "/v1/notifications", token=who[1]).body["items"]
    return items


def dead(clinic: Clinic, reader: str) -> str:
    about = a_notice(1, at=MONDAY).about
    made = Notice.of(about, reader=AccountId(reader), channel=Channel.EMAIL)
    clinic.container.stores().notices.add([attrs.evolve(made, status=DeliveryStatus.DEAD, attempts=16, due_at=None)])
    return made.id


def stuck(clinic: Clinic, number: int = 900) -> str:
    """A registration that has come to a stop before its pivot."""
    reservation = a_reservation(a_patient(number))
    clinic.container.accounts().reserve(reservation)
    log = clinic.container.stores().sagas
    row, _ = log.get(SagaId(reservation.saga.id))
    log.append(SagaEntry(before=row, progress=quarantined(row.progress, error="planted"), at=MONDAY))
    return row.id


class TestNotices:
    def test_whoever_is_concerned_reads_of_it_and_who_acted_does_not(
        self, clinic: Clinic, doctor: Someone, patient: Someone, confirmed: Any
    ) -> None:
        (notice,) = inbox(clinic, patient)
        assert set(notice) == {"id", "at", "kind", "appointment_id", "title", "body", "read_at"}
        assert (notice["kind"], notice["appointment_id"], notice["read_at"]) == ("confirmed", confirmed["id"], None)
        assert notice["title"]
        assert "Ana Lima" in notice["body"]
        assert "requested" in {one["kind"] for one in inbox(clinic, doctor)}
        assert "confirmed" not in {one["kind"] for one in inbox(clinic, doctor)}

    def test_a_notice_is_read_once_and_by_its_reader_alone(
        self, clinic: Clinic, doctor: Someone, patient: Someone, confirmed: Any
    ) -> None:
        path = f"/v1/notifications/{inbox(clinic, patient)[0]['id']}/read"
        assert clinic.call("POST", path, token=doctor[1]).code == "not_found"
        done = clinic.call("POST", path, token=patient[1])
        assert (done.status, done.raw) == (204, b"")
        assert inbox(clinic, patient)[0]["read_at"] == "2026-06-01T12:00:00Z"
        clinic.clock.advance(timedelta(minutes=1))
        assert clinic.call("POST", path, token=patient[1]).status == 204
        assert inbox(clinic, patient)[0]["read_at"] == "2026-06-01T12:00:00Z"

    def test_the_inbox_comes_in_pages_newest_first(
        self, clinic: Clinic, patient: Someone, doctor: Someone, confirmed: Any
    ) -> None:
        clinic.clock.advance(timedelta(minutes=1))
        body = {"reason": "I am ill"}
        clinic.call("POST", f"/v1/appointments/{confirmed['id']}/cancel", body, token=doctor[1])
        told(clinic)
        first = clinic.call("GET", "/v1/notifications?limit=1", token=patient[1]).body
        second = clinic.call("GET", f"/v1/notifications?cursor={first['next_cursor']}", token=patient[1]).body
        assert [one["kind"] for one in (*first["items"], *second["items"])] == ["cancelled", "confirmed"]
        assert second["next_cursor"] is None
        stolen = clinic.call("GET", f"/v1/notifications?cursor={first['next_cursor']}", token=doctor[1])
        assert stolen.code == "invalid_cursor"

    def test_administrators_see_every_delivery(
        self, clinic: Clinic, administrator: str, doctor: Someone, patient: Someone, confirmed: Any
    ) -> None:
        path = f"/v1/admin/notifications?appointment_id={confirmed['id']}"
        found = clinic.call("GET", f"{path}&channel=in_app&status=delivered", token=administrator).body["items"]
        assert [(one["event"], one["kind"], one["reader_id"]) for one in found] == [
            (f"{confirmed['id']}.2", "confirmed", patient[0]),
            (f"{confirmed['id']}.1", "requested", doctor[0]),
        ]
        pending = clinic.call("GET", f"{path}&channel=email&status=pending", token=administrator).body["items"]
        assert {one["reader_id"] for one in pending} == {doctor[0], patient[0]}
        assert clinic.call("GET", path, token=patient[1]).code == "forbidden"

    def test_each_filter_of_the_delivery_log_is_one(
        self, clinic: Clinic, administrator: str, patient: Someone, confirmed: Any
    ) -> None:
        given_up = dead(clinic, patient[0])

        def listed(query: str) -> list[dict[str, Any]]:
            path = f"/v1/admin/notifications?limit=100&{query}"
            items: list[dict[str, Any]] = clinic.call("GET", path, token=administrator).body["items"]
            return items

        assert [one["id"] for one in listed("status=dead")] == [given_up]
        assert {one["status"] for one in listed("status=pending&status=dead")} == {"pending", "dead"}
        assert {one["channel"] for one in listed("channel=email")} == {"email"}
        assert {one["appointment_id"] for one in listed(f"appointment_id={confirmed['id']}")} == {confirmed["id"]}
        assert given_up in {one["id"] for one in listed("channel=email")}

    def test_a_dead_delivery_is_replayed_once(self, clinic: Clinic, administrator: str, patient: Someone) -> None:
        path = f"/v1/admin/notifications/{dead(clinic, patient[0])}/replay"
        assert clinic.call("POST", path, token=patient[1]).code == "forbidden"
        reply = clinic.call("POST", path, token=administrator)
        assert (reply.status, reply.body["status"], reply.body["attempts"]) == (200, "pending", 0)
        again = clinic.call("POST", path, token=administrator)
        assert (again.status, again.code) == (409, "invalid_transition")
        assert "appointment" not in again.body["detail"]
        assert clinic.call("POST", "/v1/admin/notifications/nothing/replay", token=administrator).code == "not_found"


class TestCalendars:
    def test_an_appointment_is_a_file_to_its_sides(
        self, clinic: Clinic, doctor: Someone, patient: Someone, confirmed: Any
    ) -> None:
        path = f"/v1/appointments/{confirmed['id']}/calendar.ics"
        for _, token in (doctor, patient):
            reply = clinic.call("GET", path, token=token)
            check_calendar(reply, confirmed["id"])
            assert reply.headers["Content-Disposition"] == 'attachment; filename="appointment.ics"'
        _, stranger = clinic.patient(2)
        assert clinic.call("GET", path, token=stranger).code == "not_found"
        assert clinic.call("GET", path).code == "unauthenticated"

    def test_a_feed_is_for_whoever_has_its_address_until_it_is_revoked(
        self, clinic: Clinic, patient: Someone, confirmed: Any
    ) -> None:
        url = clinic.call("GET", "/v1/calendar", token=patient[1]).body["url"]
        assert url.startswith(f"{PUBLIC_URL}/v1/calendar/")
        path = url.removeprefix(PUBLIC_URL)
        check_calendar(clinic.call("GET", path), confirmed["id"])
        assert clinic.call("GET", "/v1/calendar", token=patient[1]).body["url"] == url
        assert clinic.call("DELETE", "/v1/calendar", token=patient[1]).status == 204
        gone = clinic.call("GET", path)
        assert (gone.status, gone.code, gone.headers["Content-Type"]) == (404, "not_found", "application/problem+json")
        assert gone.raw == clinic.call("GET", "/v1/calendar/nothing.ics").raw
        assert clinic.call("GET", "/v1/calendar", token=patient[1]).body["url"] != url

    def test_everyone_has_a_feed(self, clinic: Clinic, doctor: Someone, administrator: str, confirmed: Any) -> None:
        for token, shown in ((doctor[1], 1), (administrator, 0)):
            url = clinic.call("GET", "/v1/calendar", token=token).body["url"]
            reply = clinic.call("GET", url.removeprefix(PUBLIC_URL))
            assert reply.raw.count(b"BEGIN:VEVENT") == shown


def check_calendar(reply: Reply, appointment_id: str) -> None:
    assert reply.status == 200, reply.raw
    assert reply.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert reply.raw.startswith(b"BEGIN:VCALENDAR\r\n")
    assert reply.raw.count(b"BEGIN:VEVENT") == 1
    assert appointment_id.encode() in reply.raw.replace(b"\r\n ", b"")


class TestSagas:
    def test_a_saga_is_shown_step_by_step(self, clinic: Clinic, administrator: str, confirmed: Any) -> None:
        path = f"/v1/admin/sagas?subject={confirmed['id']}"
        listed = clinic.call("GET", f"{path}&name=accept&phase=completed", token=administrator).body["items"]
        assert [(one["id"], one["steps"]) for one in listed] == [(f"{confirmed['id']}.2", None)]
        shown = clinic.call("GET", f"/v1/admin/sagas/{listed[0]['id']}", token=administrator).body
        assert [(step["name"], step["state"]) for step in shown["steps"]] == [
            ("confirm", "done"),
            ("reminders", "done"),
            ("notify", "done"),
        ]
        assert (shown["subject"], shown["interventions"]) == (confirmed["id"], [])

    def test_each_filter_of_sagas_is_one(self, clinic: Clinic, administrator: str, confirmed: Any) -> None:
        stopped = stuck(clinic)

        def listed(query: str) -> list[dict[str, Any]]:
            path = f"/v1/admin/sagas?limit=100&{query}"
            items: list[dict[str, Any]] = clinic.call("GET", path, token=administrator).body["items"]
            return items

        assert [one["id"] for one in listed("phase=quarantined")] == [stopped]
        assert {one["phase"] for one in listed("phase=completed&phase=quarantined")} == {"completed", "quarantined"}
        assert {one["name"] for one in listed(f"subject={confirmed['id']}")} == {"request", "accept", "remind"}
        assert {one["subject"] for one in listed("name=accept")} == {confirmed["id"]}
        assert listed("name=nothing") == []

    def test_sagas_come_in_pages(self, clinic: Clinic, administrator: str, confirmed: Any) -> None:
        ids, cursor = [], ""
        while cursor is not None:
            page = clinic.call(
                "GET", f"/v1/admin/sagas?limit=2&cursor={cursor}" if cursor else "/v1/admin/sagas?limit=2",
                token=administrator,
            ).body  # fmt: skip
            ids += [one["id"] for one in page["items"]]
            cursor = page["next_cursor"]
        whole = clinic.call("GET", "/v1/admin/sagas?limit=100", token=administrator).body["items"]
        assert ids == [one["id"] for one in whole]
        assert len(set(ids)) == len(ids) > 4

    @pytest.mark.parametrize(
        ("verb", "phase", "states"),
        [
            ("retry", "forward", ["done", "current", "waiting"]),
            ("compensate", "compensating", ["done", "undoing", "undone"]),
            ("resolve", "forward", ["done", "done", "current"]),
        ],
    )
    def test_an_administrator_has_a_quarantined_saga_go_on_and_says_why(
        self, clinic: Clinic, administrator: str, verb: str, phase: str, states: list[str]
    ) -> None:
        path = f"/v1/admin/sagas/{stuck(clinic)}"
        shown = clinic.call("GET", path, token=administrator).body
        assert (shown["phase"], shown["error"], shown["due_at"]) == ("quarantined", "planted", None)
        reply = clinic.call("POST", f"{path}/{verb}", {"reason": "the server is back"}, token=administrator)
        assert (reply.status, reply.body["phase"]) == (200, phase)
        assert [step["state"] for step in reply.body["steps"]] == states
        (done,) = reply.body["interventions"]
        me = clinic.call("GET", "/v1/me", token=administrator).body["id"]
        assert done == {"at": "2026-06-01T12:00:00Z", "verb": verb, "by": me, "reason": "the server is back"}
        again = clinic.call("POST", f"{path}/{verb}", {"reason": "once more"}, token=administrator)
        assert (again.status, again.code) == (409, "invalid_transition")
        assert len(clinic.call("GET", path, token=administrator).body["interventions"]) == 1

    def test_past_its_pivot_a_saga_does_not_go_back(self, clinic: Clinic, administrator: str, confirmed: Any) -> None:
        path = f"/v1/admin/sagas/{confirmed['id']}.2"
        for verb in ("retry", "compensate", "resolve"):
            reply = clinic.call("POST", f"{path}/{verb}", {"reason": "just so"}, token=administrator)
            assert (reply.status, reply.code) == (409, "invalid_transition")
            missing = clinic.call("POST", f"/v1/admin/sagas/nothing/{verb}", {"reason": "just so"}, token=administrator)
            assert missing.code == "not_found"
            assert clinic.call("POST", f"{path}/{verb}", {}, token=administrator).code == "invalid_request"

    def test_sagas_are_for_administrators(self, clinic: Clinic, doctor: Someone, patient: Someone) -> None:
        for _, token in (doctor, patient):
            assert clinic.call("GET", "/v1/admin/sagas", token=token).code == "forbidden"
            assert clinic.call("GET", "/v1/admin/sagas/nothing", token=token).code == "forbidden"
            assert clinic.call("POST", "/v1/admin/sagas/nothing/retry", {}, token=token).code == "forbidden"


class TestPasswordReset:
    def test_asking_is_answered_alike_whoever_asks(self, clinic: Clinic, patient: Someone, administrator: str) -> None:
        replies = [
            clinic.call("POST", "/v1/auth/password-reset", {"login": login})
            for login in (str(an_email(1)), "nobody@example.org", "no login at all", "\0")
        ]
        assert [(one.status, one.raw, one.headers) for one in replies] == [(202, b"", {})] * 4
        found = clinic.call("GET", "/v1/admin/notifications?channel=email", token=administrator).body["items"]
        mails = [one for one in found if one["kind"] == "password_reset" and one["reader_id"] == patient[0]]
        assert [(one["status"], one["appointment_id"]) for one in mails] == [("pending", None)]

    @pytest.mark.parametrize("login", [None, 7, "", "x" * 255, ["a@example.org"]])
    def test_what_cannot_be_a_login_is_refused(self, clinic: Clinic, login: object) -> None:
        assert clinic.call("POST", "/v1/auth/password-reset", {"login": login}).code == "invalid_request"

    def test_the_token_sets_a_password_once_and_ends_all_sessions(self, clinic: Clinic, patient: Someone) -> None:
        token = clinic.container.identity().reset_token(AccountId(patient[0]), now=clinic.clock.now())
        body = {"token": token, "password": OTHER}
        done = clinic.call("POST", "/v1/auth/password-reset/confirm", body)
        assert (done.status, done.raw) == (204, b"")
        assert clinic.call("GET", "/v1/me", token=patient[1]).code == "unauthenticated"
        login = str(an_email(1))
        assert clinic.call("POST", "/v1/auth/token", {"login": login, "password": PASSWORD}).status == 401
        clinic.sign_in(login, OTHER)
        again = clinic.call("POST", "/v1/auth/password-reset/confirm", body)
        assert (again.status, [one["field"] for one in again.body["errors"]]) == (422, ["token"])
        assert token
        assert token not in again.raw.decode()

    def test_what_is_no_token_is_refused_by_name(self, clinic: Clinic) -> None:
        reply = clinic.call("POST", "/v1/auth/password-reset/confirm", {"token": "x", "password": OTHER})
        assert (reply.status, [one["field"] for one in reply.body["errors"]]) == (422, ["token"])
