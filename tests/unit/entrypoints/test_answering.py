"""What the API answers, without a transport: bodies, codes, the order of refusals, receipts, cursors and versions."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import attrs
import pytest
from dependency_injector import providers

from entrypoints.container import open_container
from entrypoints.operations.answering import Api
from entrypoints.operations.operation import Incoming
from entrypoints.settings import load_settings
from telemed_core.errors import UnavailableError
from telemed_core.testing.builders import a_crm, an_email
from unit.entrypoints.api import AGENDA, PASSWORD, Clinic, a_clinic, doctor_body, found, patient_body

START = "2026-06-03T15:00:00Z"


@pytest.fixture
def clinic() -> Iterator[Clinic]:
    with a_clinic() as made:
        yield made


@pytest.fixture
def administrator(clinic: Clinic) -> str:
    return clinic.administrator()


@pytest.fixture
def doctor(clinic: Clinic, administrator: str) -> tuple[str, str]:
    return clinic.doctor(administrator=administrator)


@pytest.fixture
def patient(clinic: Clinic) -> tuple[str, str]:
    return clinic.patient()


def request(clinic: Clinic, token: str, doctor_id: str, start: str = START, **headers: str) -> Any:
    reply = clinic.call("POST", "/v1/appointments", {"doctor_id": doctor_id, "start": start}, token=token, **headers)
    assert reply.status == 201, reply.raw
    return reply.body


class TestAccounts:
    def test_a_registered_doctor_is_pending_and_sees_their_own_profile(self, clinic: Clinic) -> None:
        registered = clinic.call("POST", "/v1/doctors", doctor_body())
        assert registered.status == 201
        assert registered.body["status"] == "pending_verification"
        assert registered.body["role"] == "doctor"
        assert "password" not in registered.body
        own = clinic.call("GET", "/v1/me", token=clinic.sign_in(str(a_crm(1))))
        assert (own.status, own.body) == (200, registered.body)

    def test_a_registered_patient_signs_in_with_cpf_or_email(self, clinic: Clinic) -> None:
        registered = clinic.call("POST", "/v1/patients", patient_body())
        assert registered.status == 201
        for login in (patient_body()["cpf"], patient_body()["email"]):
            assert clinic.call("GET", "/v1/me", token=clinic.sign_in(login)).body == registered.body

    def test_a_second_registration_is_a_conflict_that_does_not_say_of_what(self, clinic: Clinic) -> None:
        clinic.call("POST", "/v1/patients", patient_body(1))
        same = [
            clinic.call("POST", "/v1/patients", {**patient_body(2), name: patient_body(1)[name]})
            for name in ("cpf", "email")
        ]
        assert [reply.code for reply in same] == ["already_registered"] * 2
        assert same[0].raw == same[1].raw
        assert same[0].status == 409

    def test_a_profile_is_changed_by_what_is_said_alone(self, clinic: Clinic, doctor: tuple[str, str]) -> None:
        _, token = doctor
        before = clinic.call("GET", "/v1/me", token=token).body
        patch = {"price_cents": 1, "address": "Rua das Flores, 12", "specialties": ["urology"]}
        changed = clinic.call("PATCH", "/v1/me", patch, token=token)
        assert (changed.status, changed.body) == (200, {**before, **patch})
        assert clinic.call("PATCH", "/v1/me", {"address": None}, token=token).body == {
            **before,
            **patch,
            "address": None,
        }

    def test_each_role_changes_what_its_profile_has(
        self, clinic: Clinic, patient: tuple[str, str], administrator: str
    ) -> None:
        point = {"lat": 1.5, "lon": 2.5}
        assert clinic.call("PATCH", "/v1/me", {"location": point}, token=patient[1]).body["location"] == point
        assert clinic.call("PATCH", "/v1/me", {"location": None}, token=patient[1]).body["location"] is None
        assert clinic.call("PATCH", "/v1/me", {"price_cents": 1}, token=patient[1]).status == 422
        assert clinic.call("PATCH", "/v1/me", {"language": "en"}, token=administrator).body["language"] == "en"
        assert clinic.call("PATCH", "/v1/me", {"name": "Ana"}, token=administrator).status == 422

    def test_a_changed_password_is_the_one_that_signs_in(self, clinic: Clinic, patient: tuple[str, str]) -> None:
        _, token = patient
        other = clinic.sign_in(str(an_email(1)))
        new = "another long passphrase"
        wrong = clinic.call("POST", "/v1/me/password", {"current": "wrong", "new": new}, token=token)
        assert (wrong.status, [one["field"] for one in wrong.body["errors"]]) == (422, ["current"])
        done = clinic.call("POST", "/v1/me/password", {"current": PASSWORD, "new": new}, token=token)
        assert (done.status, done.raw) == (204, b"")
        assert clinic.call("GET", "/v1/me", token=token).status == 200
        assert clinic.call("GET", "/v1/me", token=other).code == "unauthenticated"
        assert clinic.call("POST", "/v1/auth/token", {"login": str(an_email(1)), "password": PASSWORD}).status == 401
        clinic.sign_in(str(an_email(1)), new)

    def test_a_closed_account_is_gone_for_everybody(
        self, clinic: Clinic, doctor: tuple[str, str], patient: tuple[str, str]
    ) -> None:
        asked = request(clinic, patient[1], doctor[0])
        assert clinic.call("DELETE", "/v1/me", token=patient[1]).code == "live_appointments"
        clinic.call("POST", f"/v1/appointments/{asked['id']}/cancel", {"reason": "not needed"}, token=patient[1])
        assert clinic.call("DELETE", "/v1/me", token=patient[1]).status == 204
        assert clinic.call("GET", "/v1/me", token=patient[1]).status == 401
        assert clinic.call("POST", "/v1/auth/token", {"login": str(an_email(1)), "password": PASSWORD}).status == 401
        assert (
            clinic.call("GET", f"/v1/appointments/{asked['id']}", token=doctor[1]).body["patient_name"] == "Bruno Reis"
        )


class TestSigningIn:
    def test_tokens_come_with_the_role_and_a_quarter_of_an_hour(self, clinic: Clinic, patient: tuple[str, str]) -> None:
        reply = clinic.call("POST", "/v1/auth/token", {"login": str(an_email(1)), "password": PASSWORD})
        assert (reply.body["token_type"], reply.body["expires_in"], reply.body["role"]) == ("Bearer", 900, "patient")

    def test_refreshed_tokens_sign_in_and_the_session_ends_with_logout(self, clinic: Clinic) -> None:
        clinic.patient()
        signed = clinic.call("POST", "/v1/auth/token", {"login": str(an_email(1)), "password": PASSWORD}).body
        fresh = clinic.call("POST", "/v1/auth/refresh", {"refresh_token": signed["refresh_token"]})
        assert fresh.status == 200
        assert clinic.call("POST", "/v1/auth/logout", token=fresh.body["access_token"]).status == 204
        for token in (signed["access_token"], fresh.body["access_token"]):
            assert clinic.call("GET", "/v1/me", token=token).status == 401
        again = clinic.call("POST", "/v1/auth/refresh", {"refresh_token": fresh.body["refresh_token"]})
        assert (again.status, again.code) == (401, "unauthenticated")

    @pytest.mark.parametrize("login", ["nobody@example.com", "529.982.247-25", "999999-SP", "joão", "x" * 254])
    def test_unknown_and_wrong_are_answered_alike(self, clinic: Clinic, patient: tuple[str, str], login: str) -> None:
        unknown = clinic.call("POST", "/v1/auth/token", {"login": login, "password": "x"})
        wrong = clinic.call("POST", "/v1/auth/token", {"login": str(an_email(1)), "password": "wrong"})
        assert unknown == wrong
        assert (unknown.status, unknown.code) == (401, "invalid_credentials")
        assert unknown.headers["WWW-Authenticate"] == "Bearer"

    def test_the_sixth_wrong_password_is_told_to_wait(self, clinic: Clinic, patient: tuple[str, str]) -> None:
        body = {"login": str(an_email(1)), "password": "wrong"}
        replies = [clinic.call("POST", "/v1/auth/token", body) for _ in range(6)]
        assert [reply.status for reply in replies] == [401] * 5 + [429]
        assert (replies[-1].code, replies[-1].headers["Retry-After"]) == ("too_many_attempts", "60")
        assert clinic.call("POST", "/v1/auth/token", {**body, "password": PASSWORD}).status == 429

    def test_the_keys_are_public(self, clinic: Clinic) -> None:
        (key,) = clinic.call("GET", "/.well-known/jwks.json").body["keys"]
        assert (key["kty"], key["alg"], key["use"]) == ("RSA", "RS256", "sig")
        assert "d" not in key

    def test_where_others_sign_tokens_there_are_no_keys_of_ours(self) -> None:
        cognito = {"TELEMED_IDENTITY": "cognito", "TELEMED_USER_POOL_ID": "sa-east-1_Ab12"}
        settings = load_settings({"TELEMED_PROFILE": "memory", **cognito, "TELEMED_USER_POOL_CLIENT_ID": "client"})
        container = open_container(settings)
        reply = Clinic(container, Api(container)).call("GET", "/.well-known/jwks.json")
        assert (reply.status, reply.code) == (404, "not_found")

    @pytest.mark.parametrize(
        "header", [[], ["Bearer"], ["Basic dXNlcg=="], ["Bearer a", "Bearer b"], ["Bearer \xff"], ["bearer nothing"]]
    )
    def test_who_does_not_say_who_they_are_is_asked_to_sign_in(self, clinic: Clinic, header: list[str]) -> None:
        operation, _ = found("GET", "/v1/me")
        answer = clinic.api.answer(operation, Incoming(path="/v1/me", headers={"authorization": header}))
        assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert answer.headers["Content-Type"] == "application/problem+json"

    def test_the_scheme_is_bearer_in_any_case(self, clinic: Clinic, patient: tuple[str, str]) -> None:
        assert clinic.call("GET", "/v1/me", authorization=f"bEARER  {patient[1]}").status == 200


class TestDoctors:
    def test_approved_doctors_are_listed_by_pages(
        self, clinic: Clinic, administrator: str, patient: tuple[str, str]
    ) -> None:
        ids = sorted(clinic.doctor(number, administrator=administrator)[0] for number in (1, 2, 3))
        clinic.doctor(4)
        first = clinic.call("GET", "/v1/doctors?limit=2&specialty=cardiology", token=patient[1]).body
        second = clinic.call(
            "GET",
            f"/v1/doctors?limit=2&specialty=cardiology&cursor={first['next_cursor']}",
            token=patient[1],
        ).body
        assert [one["id"] for one in first["items"] + second["items"]] == ids
        assert second["next_cursor"] is None
        assert first["items"][0]["rating"] == {"average": None, "count": 0}

    def test_a_cursor_is_of_one_caller_one_query_and_one_list(
        self, clinic: Clinic, administrator: str, patient: tuple[str, str]
    ) -> None:
        for number in (1, 2):
            clinic.doctor(number, administrator=administrator)
        cursor = clinic.call("GET", "/v1/doctors?limit=1", token=patient[1]).body["next_cursor"]
        assert clinic.call("GET", f"/v1/doctors?limit=5&cursor={cursor}", token=patient[1]).status == 200
        for url, token in (
            (f"/v1/doctors?name=ana&cursor={cursor}", patient[1]),
            (f"/v1/appointments?cursor={cursor}", patient[1]),
            (f"/v1/doctors?cursor={cursor}", administrator),
            (f"/v1/doctors?cursor={cursor[:-1]}", patient[1]),
        ):
            reply = clinic.call("GET", url, token=token)
            assert (reply.status, reply.code) == (422, "invalid_cursor")
        clinic.clock.advance(timedelta(days=1))
        fresh = clinic.sign_in(str(an_email(1)))
        assert clinic.call("GET", f"/v1/doctors?cursor={cursor}", token=fresh).code == "invalid_cursor"

    @pytest.mark.parametrize("query", ["radius_km=5", "sort=rating", "lat=1", "available=yes", "limit=0", "limit=101"])
    def test_a_filter_that_is_not_there_yet_is_named(
        self, clinic: Clinic, patient: tuple[str, str], query: str
    ) -> None:
        reply = clinic.call("GET", f"/v1/doctors?{query}", token=patient[1])
        assert (reply.status, reply.body["errors"][0]["field"]) == (422, query.partition("=")[0])

    def test_a_doctor_shows_more_to_themself_and_administrators(
        self, clinic: Clinic, administrator: str, doctor: tuple[str, str], patient: tuple[str, str]
    ) -> None:
        doctor_id, token = doctor
        url = f"/v1/doctors/{doctor_id}"
        public = clinic.call("GET", url, token=patient[1]).body
        assert not {"cpf", "email", "status", "role", "language"} & public.keys()
        own = clinic.call("GET", url, token=token).body
        assert own.items() >= public.items()
        assert own == clinic.call("GET", url, token=administrator).body

    def test_registrations_are_listed_for_administrators_last_first(
        self, clinic: Clinic, administrator: str, patient: tuple[str, str]
    ) -> None:
        ids = []
        for number in (1, 2, 3):
            ids.append(clinic.doctor(number)[0])
            clinic.clock.advance(timedelta(seconds=1))
        url = "/v1/admin/doctors?status=pending_verification&limit=2"
        first = clinic.call("GET", url, token=administrator).body
        second = clinic.call("GET", f"{url}&cursor={first['next_cursor']}", token=administrator).body
        assert [one["id"] for one in first["items"] + second["items"]] == ids[::-1]
        assert clinic.call("GET", "/v1/admin/doctors", token=patient[1]).code == "forbidden"

    def test_a_decision_names_the_live_appointments_and_its_repeat_too(
        self, clinic: Clinic, administrator: str, doctor: tuple[str, str], patient: tuple[str, str]
    ) -> None:
        asked = request(clinic, patient[1], doctor[0])
        url, body = f"/v1/doctors/{doctor[0]}/verification", {"decision": "suspend", "reason": "expired"}
        first = clinic.call("POST", url, body, token=administrator, idempotency_key="k")
        assert (first.body["status"], first.body["affected"]) == ("suspended", [asked["id"]])
        clinic.call("POST", url, {"decision": "approve"}, token=administrator)
        again = clinic.call("POST", url, body, token=administrator, idempotency_key="k")
        assert (again.status, again.raw) == (first.status, first.raw)
        assert again.headers["Idempotency-Replayed"] == "true"
        assert clinic.call("GET", f"/v1/doctors/{doctor[0]}", token=administrator).body["status"] == "approved"

    @pytest.mark.parametrize(
        ("accept", "language", "name"),
        [
            (None, "pt-BR", "Cardiologia"),
            ("en", "en", "Cardiology"),
            ("fr, en;q=0.5, pt;q=0.4", "en", "Cardiology"),
            ("pt-PT, en", "pt-BR", "Cardiologia"),
            ("de", "pt-BR", "Cardiologia"),
            ("en;q=x", "pt-BR", "Cardiologia"),
        ],
    )
    def test_specialties_are_named_in_the_readers_language(
        self, clinic: Clinic, accept: str | None, language: str, name: str
    ) -> None:
        headers = {} if accept is None else {"accept_language": accept}
        reply = clinic.call("GET", "/v1/specialties", **headers)
        assert {"code": "cardiology", "name": name} in reply.body["items"]
        assert reply.headers["Content-Language"] == language

    def test_slots_are_those_of_the_span(
        self, clinic: Clinic, doctor: tuple[str, str], patient: tuple[str, str]
    ) -> None:
        url = f"/v1/doctors/{doctor[0]}/slots?from=2026-06-03T15:00:00Z&to=2026-06-03T18:00:00Z"
        before = clinic.call("GET", url, token=patient[1]).body
        assert [one["start"] for one in before["items"]] == [f"2026-06-03T{hour}:00:00Z" for hour in (15, 16, 17)]
        assert (before["time_zone"], before["price_cents"]) == ("America/Sao_Paulo", 25_000)
        request(clinic, patient[1], doctor[0])
        assert len(clinic.call("GET", url, token=patient[1]).body["items"]) == 2


class TestAgenda:
    def test_an_agenda_is_replaced_by_its_version(self, clinic: Clinic, doctor: tuple[str, str]) -> None:
        _, token = doctor
        shown = clinic.call("GET", "/v1/agenda", token=token)
        assert clinic.call("PUT", "/v1/agenda", AGENDA, token=token).code == "version_required"
        assert clinic.call("PUT", "/v1/agenda", AGENDA, token=token).status == 428
        stale = clinic.call("PUT", "/v1/agenda", AGENDA, token=token, if_match='"nothing"')
        assert (stale.status, stale.code) == (412, "stale_version")
        tags = f'"other", {shown.headers["ETag"]}'
        replaced = clinic.call("PUT", "/v1/agenda", {**AGENDA, "horizon_days": 10}, token=token, if_match=tags)
        assert (replaced.status, replaced.body["affected"], replaced.body["horizon_days"]) == (200, [], 10)
        assert replaced.headers["ETag"] != shown.headers["ETag"]
        again = clinic.call("PUT", "/v1/agenda", AGENDA, token=token, if_match=shown.headers["ETag"])
        assert again.code == "stale_version"
        assert clinic.call("PUT", "/v1/agenda", AGENDA, token=token, if_match="*").status == 200

    def test_blocks_and_bookings_do_not_change_the_version(
        self, clinic: Clinic, doctor: tuple[str, str], patient: tuple[str, str]
    ) -> None:
        _, token = doctor
        before = clinic.call("GET", "/v1/agenda", token=token)
        request(clinic, patient[1], doctor[0])
        block = {"start": "2026-06-04T00:00:00Z", "end": "2026-06-05T00:00:00Z"}
        assert clinic.call("POST", "/v1/agenda/blocks", block, token=token).status == 201
        assert clinic.call("GET", "/v1/agenda", token=token) == before

    def test_a_block_names_whom_it_concerns_and_its_repeat_too(
        self, clinic: Clinic, doctor: tuple[str, str], patient: tuple[str, str]
    ) -> None:
        asked = request(clinic, patient[1], doctor[0])
        body = {"start": START, "end": "2026-06-03T16:00:00Z", "cancel_appointments": True, "reason": "congress"}
        first = clinic.call("POST", "/v1/agenda/blocks", body, token=doctor[1], idempotency_key="k")
        assert (first.status, first.body["affected"]) == (201, [asked["id"]])
        seen = clinic.call("GET", f"/v1/appointments/{asked['id']}", token=patient[1]).body
        assert (seen["status"], seen["cancelled_by"]) == ("cancelled", "doctor")
        assert clinic.call("DELETE", f"/v1/agenda/blocks/{first.body['id']}", token=doctor[1]).status == 204
        assert clinic.call("DELETE", f"/v1/agenda/blocks/{first.body['id']}", token=doctor[1]).status == 404
        again = clinic.call("POST", "/v1/agenda/blocks", body, token=doctor[1], idempotency_key="k")
        assert (again.status, again.raw) == (201, first.raw)
        assert clinic.call("GET", "/v1/agenda/blocks", token=doctor[1]).body["items"] == []

    def test_blocks_are_listed_by_start_in_pages(self, clinic: Clinic, doctor: tuple[str, str]) -> None:
        for day in (9, 5, 7):
            body = {"start": f"2026-06-{day:02}T00:00:00Z", "end": f"2026-06-{day:02}T01:00:00Z"}
            clinic.call("POST", "/v1/agenda/blocks", body, token=doctor[1])
        first = clinic.call("GET", "/v1/agenda/blocks?limit=2", token=doctor[1]).body
        second = clinic.call("GET", f"/v1/agenda/blocks?limit=2&cursor={first['next_cursor']}", token=doctor[1]).body
        assert [one["start"][8:10] for one in first["items"] + second["items"]] == ["05", "07", "09"]


class TestAppointments:
    def test_the_life_of_an_appointment(
        self, clinic: Clinic, doctor: tuple[str, str], patient: tuple[str, str]
    ) -> None:
        asked = request(clinic, patient[1], doctor[0])
        url = f"/v1/appointments/{asked['id']}"
        assert (asked["status"], asked["rev"], asked["doctor_name"]) == ("requested", 1, "Ana Lima")
        assert clinic.call("GET", url, token=doctor[1]).body == asked

        def act(action: str, token: str, **body: Any) -> Any:
            reply = clinic.call("POST", f"{url}/{action}", body, token=token)
            assert reply.status == 200, reply.raw
            return reply.body

        moved = act("reschedule", patient[1], start="2026-06-03T17:00:00Z")
        assert (moved["status"], moved["rev"], moved["sequence"]) == ("requested", 2, 1)
        stale = clinic.call("POST", f"{url}/accept", {"rev": 1}, token=doctor[1])
        assert (stale.status, stale.code) == (409, "stale_revision")
        confirmed = act("accept", doctor[1], rev=2)
        assert confirmed["join_url"] == f"http://127.0.0.1:8000/appointments/{asked['id']}/visit"
        proposed = act("reschedule", doctor[1], start="2026-06-03T19:00:00Z")
        declined = act("proposal/decline", patient[1], proposal_id=proposed["proposal"]["id"])
        assert declined["proposal"] is None
        proposed = act("reschedule", doctor[1], start="2026-06-03T20:00:00Z")
        agreed = act("proposal/accept", patient[1], proposal_id=proposed["proposal"]["id"])
        assert (agreed["start"], agreed["sequence"]) == ("2026-06-03T20:00:00Z", 2)
        cancelled = act("cancel", patient[1], reason="feeling well again")
        assert (cancelled["status"], cancelled["cancel_reason"]) == ("cancelled", "feeling well again")
        (listed,) = clinic.call("GET", "/v1/appointments?status=cancelled", token=patient[1]).body["items"]
        assert listed == {**cancelled, "history": None}
        assert [one["event"] for one in cancelled["history"]] == [
            "requested", "moved", "confirmed", "proposed", "declined", "proposed", "agreed", "cancelled",
        ]  # fmt: skip

    def test_a_refusal_is_read_by_the_patient(
        self, clinic: Clinic, doctor: tuple[str, str], patient: tuple[str, str]
    ) -> None:
        asked = request(clinic, patient[1], doctor[0])
        refused = clinic.call(
            "POST", f"/v1/appointments/{asked['id']}/refuse", {"reason": "not my field"}, token=doctor[1]
        )
        assert refused.body["status"] == "refused"
        seen = clinic.call("GET", f"/v1/appointments/{asked['id']}", token=patient[1]).body
        assert seen["refusal_reason"] == "not my field"

    def test_appointments_are_listed_by_start_in_pages(
        self, clinic: Clinic, doctor: tuple[str, str], patient: tuple[str, str]
    ) -> None:
        ids = [request(clinic, patient[1], doctor[0], f"2026-06-0{day}T15:00:00Z")["id"] for day in (5, 3, 4)]
        first = clinic.call("GET", "/v1/appointments?limit=2", token=doctor[1]).body
        second = clinic.call("GET", f"/v1/appointments?cursor={first['next_cursor']}", token=doctor[1]).body
        assert [one["id"] for one in first["items"] + second["items"]] == [ids[1], ids[2], ids[0]]
        assert second["next_cursor"] is None

    def test_a_repeat_is_answered_as_the_command_left_it(
        self, clinic: Clinic, doctor: tuple[str, str], patient: tuple[str, str]
    ) -> None:
        body = {"doctor_id": doctor[0], "start": START, "reason": "a cough"}
        first = clinic.call("POST", "/v1/appointments", body, token=patient[1], idempotency_key="k")
        assert "Idempotency-Replayed" not in first.headers
        clinic.call("POST", f"/v1/appointments/{first.body['id']}/accept", {"rev": 1}, token=doctor[1])
        reordered = {"reason": "a cough", "start": START, "doctor_id": doctor[0]}
        again = clinic.call("POST", "/v1/appointments", reordered, token=patient[1], idempotency_key="k")
        assert (again.status, again.raw) == (201, first.raw)
        assert again.headers["Idempotency-Replayed"] == "true"

    def test_a_key_is_one_users_and_one_requests(
        self, clinic: Clinic, doctor: tuple[str, str], patient: tuple[str, str]
    ) -> None:
        asked = request(clinic, patient[1], doctor[0], idempotency_key="k")
        other = clinic.call(
            "POST",
            "/v1/appointments",
            {"doctor_id": doctor[0], "start": "2026-06-04T15:00:00Z"},
            token=patient[1],
            idempotency_key="k",
        )
        assert (other.status, other.code) == (422, "idempotency_key_reused")
        assert other.body["errors"][0]["field"] == "Idempotency-Key"
        elsewhere = clinic.call(
            "POST",
            f"/v1/appointments/{asked['id']}/cancel",
            {"reason": "not needed"},
            token=patient[1],
            idempotency_key="k",
        )
        assert elsewhere.code == "idempotency_key_reused"
        _, second = clinic.patient(2)
        assert request(clinic, second, doctor[0], "2026-06-05T15:00:00Z", idempotency_key="k")["id"] != asked["id"]

    @pytest.mark.parametrize("key", ["", "x" * 129, "á", "a b", "\x7f"])
    def test_a_key_is_of_visible_ascii(self, clinic: Clinic, patient: tuple[str, str], key: str) -> None:
        reply = clinic.call("POST", "/v1/appointments", {}, token=patient[1], idempotency_key=key)
        assert (reply.status, reply.body["errors"][0]["field"]) == (422, "Idempotency-Key")


class TestRefusals:
    def test_a_refusal_is_a_problem_that_names_the_fields(self, clinic: Clinic) -> None:
        reply = clinic.call("POST", "/v1/patients", {**patient_body(), "cpf": "1", "rôle": "doctor"})
        assert reply.headers["Content-Type"] == "application/problem+json"
        assert reply.body["type"] == "urn:telemed:problem:invalid_request"
        assert (reply.body["status"], reply.code) == (422, "invalid_request")
        assert {one["field"] for one in reply.body["errors"]} == {"cpf", "?"}

    @pytest.mark.parametrize(
        "raw", [b"", b"{", b"[]", b'{"a": NaN}', b'{"a": 1, "a": 2}', b"[" * 1000, b"\xff", b'"\\ud800"', b"1" * 5000]
    )
    def test_what_is_no_object_is_refused(self, clinic: Clinic, raw: bytes) -> None:
        assert clinic.call("POST", "/v1/patients", raw=raw).status == 422

    def test_refusals_come_in_the_order_of_the_contract(
        self, clinic: Clinic, doctor: tuple[str, str], patient: tuple[str, str]
    ) -> None:
        url = "/v1/appointments"
        large = b" " * (1024 * 1024 + 1)
        assert clinic.call("POST", url, raw=large).code == "body_too_large"
        assert clinic.call("POST", url, raw=b"{").code == "unauthenticated"
        assert clinic.call("POST", url, raw=b"{", token=doctor[1]).code == "forbidden"
        assert clinic.call("POST", f"{url}/nothing/accept", {}, token=doctor[1]).code == "invalid_request"
        assert clinic.call("POST", f"{url}/nothing/accept", {"rev": 1}, token=doctor[1]).code == "not_found"
        request(clinic, patient[1], doctor[0], idempotency_key="k")
        missing = {"doctor_id": "nobody", "start": START}
        assert clinic.call("POST", url, missing, token=patient[1], idempotency_key="k").code == "not_found"
        past = {"doctor_id": doctor[0], "start": "2026-01-01T00:00:00Z"}
        assert clinic.call("POST", url, past, token=patient[1], idempotency_key="k").code == "idempotency_key_reused"
        assert clinic.call("POST", url, past, token=patient[1]).code == "too_soon"
        again = {"doctor_id": doctor[0], "start": START}
        assert clinic.call("POST", url, again, token=patient[1]).code == "patient_busy"
        _, other = clinic.patient(2)
        assert clinic.call("POST", url, again, token=other).code == "slot_taken"

    @pytest.mark.parametrize("one", ["..", "%00", "a b", "-", "x" * 65, "é"])
    def test_what_is_no_id_is_the_id_of_nothing(self, clinic: Clinic, patient: tuple[str, str], one: str) -> None:
        assert clinic.call("GET", f"/v1/appointments/{one}", token=patient[1]).code == "not_found"

    def test_a_query_that_is_not_one_is_named(self, clinic: Clinic, patient: tuple[str, str]) -> None:
        for url, field in (
            ("/v1/me?role=doctor", "role"),
            ("/v1/appointments?status=nothing", "status.0"),
            ("/v1/appointments?limit=1&limit=2", "limit"),
            ("/v1/appointments?from=", "from"),
        ):
            reply = clinic.call("GET", url, token=patient[1])
            assert (reply.status, reply.body["errors"][0]["field"]) == (422, field), reply.raw

    def test_requests_are_limited_where_the_settings_say_so(self) -> None:
        with a_clinic(TELEMED_REQUESTS_PER_MINUTE="5") as clinic:
            statuses = [clinic.call("GET", "/v1/specialties").status for _ in range(8)]
            limited = clinic.call("GET", "/v1/me")
            elsewhere = clinic.call("GET", "/v1/specialties", address="198.51.100.2")
        assert statuses == [200] * 5 + [429] * 3
        assert (limited.status, limited.code, elsewhere.status) == (429, "too_many_requests", 200)
        assert 1 <= int(limited.headers["Retry-After"]) <= 120

    def test_a_store_that_does_not_answer_is_named_by_readiness(self, clinic: Clinic) -> None:
        assert clinic.call("GET", "/healthz").status == 200
        assert clinic.call("GET", "/readyz").status == 200

        def broken() -> None:
            raise UnavailableError

        clinic.container.stores.override(providers.Object(attrs.evolve(clinic.container.stores(), check=broken)))
        reply = clinic.call("GET", "/readyz")
        assert (reply.status, reply.code) == (503, "dependency_unavailable")
        assert "stores" in reply.body["detail"]
        assert clinic.call("GET", "/healthz").status == 200
