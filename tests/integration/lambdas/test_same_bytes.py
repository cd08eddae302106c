"""What the functions answer is what the API answers, byte for byte: every operation of theirs, every way it can end."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Final

import attrs
import pytest
from dependency_injector import providers

from entrypoints.lambdas import agenda, booking, decisions
from entrypoints.operations.operation import Operation
from entrypoints.operations.refusals import refusals_of
from integration.lambdas.twins import Person, Twins, assert_same, twins
from telemed_core.errors import BusyError, UnavailableError
from unit.entrypoints.api import AGENDA, MONDAY, doctor_body, on_memory
from unit.entrypoints.lambdas.events import Told

KEY: Final = base64.b64encode(b"k" * 32).decode()
SECRETS: Final = dict.fromkeys(("TELEMED_SECRET", "TELEMED_PEPPER", "TELEMED_DATA_KEY"), KEY)
NOBODYS: Final = "nobodys-thing"
REASON: Final = {"reason": "a fever"}
NOT_ASKED: Final = frozenset({"request_timeout", "too_many_requests"})
"""A gateway waits for no body; and that requests are too many has its own test."""

Body = Mapping[str, Any]


@pytest.fixture(autouse=True)
def _cursors_are_sealed_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.cursors.os", SimpleNamespace(urandom=bytes))


@pytest.fixture(params=["memory", "sqlite"])
def clinic(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Twins]:
    if request.param == "memory":
        environment = {**on_memory(), **SECRETS}
        with twins(environment) as made:
            yield made
        return
    first, second = ({**SECRETS, "TELEMED_DATA": str(tmp_path / name)} for name in ("whole", "part"))
    with twins(first, second) as made:
        yield made


def at(hours: int, *, minutes: int = 0) -> str:
    """An instant so long after the Monday noon at which everything begins."""
    return f"{MONDAY + timedelta(hours=hours, minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"


def key(name: str) -> Sequence[tuple[str, str]]:
    return [("Idempotency-Key", name)]


def operations_of(module: ModuleType) -> list[Operation]:
    return [one for route in module.ROUTES for one in route.operations.values()]


def url_of(operation: Operation, one: str = NOBODYS) -> str:
    query = f"?from={at(24)}&to={at(48)}" if operation.name == "list_slots" else ""
    return operation.path.replace("{id}", one) + query


@contextmanager
def failing(clinic: Twins, error: Exception) -> Iterator[None]:
    """Nobody can be known, since something fails so."""

    def fail(_: str) -> Any:
        raise error

    with ExitStack() as kept:
        for container in clinic.containers:
            kept.enter_context(container.authenticate.override(providers.Object(fail)))
        yield


def ask_what_is_refused_to_all(clinic: Twins, operation: Operation, caller: Person, others: Person | None) -> None:
    """The refusals that every operation has."""
    method, url = operation.method, url_of(operation)
    assert clinic.ask(method, url).code == "unauthenticated"
    for sent in ("Basic abc", "Bearer", f"Bearer {caller.token}x", "Bearer " + "x" * 8192):
        assert clinic.ask(method, url, headers=[("authorization", sent)]).status == 401
    twice = [("Authorization", f"Bearer {caller.token}")] * 2
    assert clinic.ask(method, url, headers=twice).status == 401
    if others is not None:
        assert clinic.ask(method, url, by=others).code == "forbidden"
    assert clinic.ask(method, f"{url}{'&' if '?' in url else '?'}nothing=%C3%A9&empty=", by=caller).status == 422
    assert clinic.ask(method, url, by=caller, raw=b"x" * ((1 << 20) + 1)).code == "body_too_large"
    for error, status in ((UnavailableError(), 503), (BusyError(), 503), (RuntimeError("maria"), 500)):
        with failing(clinic, error):
            assert clinic.ask(method, url, by=caller).status == status
    if "{id}" in operation.path:
        for nobodys in (NOBODYS, "-", "x" * 65, "a%20b", "%C3%A9", "%252e", "a%0A"):
            assert clinic.ask(method, url_of(operation, nobodys), by=caller, body=body_for(operation)).status == 404
    if operation.replay is not None:
        for wrong in ("", "x" * 129, "a b", "\u00e9"):
            assert clinic.ask(method, url, by=caller, headers=key(wrong)).code == "invalid_request"
    if operation.body is not None:
        ask_what_is_no_body(clinic, method, url, caller)


def ask_what_is_no_body(clinic: Twins, method: str, url: str, caller: Person) -> None:
    wrong = [
        b" ", b"{", b"[]", b"null", b'"text"', b"1e999", b"NaN", b'{"a": NaN}', b'{"a": 1, "a": 2}',
        b'{"a": "\\ud800"}', b"[" * 40 + b"]" * 40, b"\xef\xbb\xbf{}",
        b'{"start": 1, "rev": "x", "weekly": 3, "proposal_id": [], "reason": {}}',
        '{"maria@example.org": "é"}'.encode(), b'{"reason": "\\u0000", "rev": 0}',
    ]  # fmt: skip
    clinic.ask(method, url, by=caller, raw=b"")
    for raw in wrong:
        assert clinic.ask(method, url, by=caller, raw=raw).status == 422, raw
    unreadable = b'{"reason": "\xff\xfe"}'
    assert clinic.ask(method, url, by=caller, raw=unreadable, encoded=True).code == "invalid_request"


def body_for(operation: Operation) -> Body | None:
    """One that can be read."""
    bodies: Mapping[str, Body] = {
        "accept_appointment": {"rev": 1},
        "refuse_appointment": {},
        "cancel_appointment": REASON,
        "reschedule_appointment": {"start": at(24)},
        "agree_to_reschedule": {"proposal_id": NOBODYS},
        "decline_reschedule": {"proposal_id": NOBODYS},
    }
    return bodies.get(operation.name)


def assert_all_were_asked(clinic: Twins, module: ModuleType) -> None:
    """Each operation's success, and each of its refusals."""
    for operation in operations_of(module):
        ends: set[tuple[str, int, str | None]] = {(operation.name, operation.status, None)}
        ends |= {(operation.name, one.status, one.code) for one in refusals_of(operation) if one.code not in NOT_ASKED}
        if operation.method == "GET":
            ends |= {(operation.name, 413, "body_too_large")}
        assert ends <= clinic.seen, (operation.name, ends - clinic.seen)


def test_what_is_asked_of_the_agenda_has_one_answer(clinic: Twins) -> None:
    root, patient = clinic.administrator(), clinic.patient()
    doctor, pending = clinic.doctor(approved_by=root), clinic.doctor(approved_by=None)
    for operation in operations_of(agenda):
        ask_what_is_refused_to_all(clinic, operation, doctor, None if operation.name == "list_slots" else patient)

    etag = clinic.ask("GET", "/v1/agenda", by=doctor).headers["etag"]
    assert clinic.ask("PUT", "/v1/agenda", AGENDA, by=doctor).code == "version_required"
    for tags in (['"99"'], ['"98"', '"99"'], ["W/" + etag]):
        headers = [("If-Match", tag) for tag in tags]
        assert clinic.ask("PUT", "/v1/agenda", AGENDA, by=doctor, headers=headers).code == "stale_version"
    overlapping = {**AGENDA, "weekly": AGENDA["weekly"] * 2}
    headers = [("If-Match", '"99"'), ("if-match", etag)]
    assert clinic.ask("PUT", "/v1/agenda", overlapping, by=doctor, headers=headers).code == "overlapping_windows"
    assert clinic.ask("PUT", "/v1/agenda", AGENDA, by=doctor, headers=headers).status == 200

    window = f"from={at(24)}&to={at(72)}"
    slots = f"/v1/doctors/{doctor.id}/slots"
    for person in (doctor, patient, root):
        assert len(clinic.ask("GET", f"{slots}?{window}", by=person).body["items"]) == 48
    for query in ("", "?from=&to=", f"?from={at(48)}&to={at(24)}", f"?{window}&{window}", "?to=%FF&from=%00", "?from"):
        assert clinic.ask("GET", slots + query, by=patient).status == 422
    assert clinic.ask("GET", f"/v1/doctors/{pending.id}/slots?{window}", by=patient).code == "not_found"
    assert clinic.ask("GET", f"/v1/doctors/{pending.id}/slots?{window}", by=root).status == 200
    local = "from=2026-06-03T09%3A00%3A00-03%3A00&to=2026-06-03T10:00:00%2b00:00"
    assert clinic.ask("GET", f"{slots}?{local}", by=patient).status == 422
    assert len(clinic.ask("GET", f"{slots}?{local.replace('10:00', '15:00')}", by=patient).body["items"]) == 3

    booked = clinic.ask("POST", "/v1/appointments", {"doctor_id": doctor.id, "start": at(30)}, by=patient).body
    block = {"start": at(29), "end": at(32), "reason": "a congress: São José"}
    made = clinic.ask("POST", "/v1/agenda/blocks", block, by=doctor, headers=key("one"))
    again = clinic.ask("POST", "/v1/agenda/blocks", block, by=doctor, headers=key("one"), encoded=True)
    assert (made.status, made.body["affected"]) == (201, [booked["id"]])
    assert (again.raw, again.headers["idempotency-replayed"]) == (made.raw, "true")
    other = {**block, "cancel_appointments": True}
    reused = clinic.ask("POST", "/v1/agenda/blocks", other, by=doctor, headers=key("one"))
    assert reused.code == "idempotency_key_reused"
    assert clinic.ask("POST", "/v1/agenda/blocks", other, by=doctor).body["affected"] == [booked["id"]]

    page = clinic.ask("GET", "/v1/agenda/blocks?limit=1", by=doctor).body
    assert len(page["items"]) == 1
    cursor = page["next_cursor"]
    assert len(clinic.ask("GET", f"/v1/agenda/blocks?cursor={cursor}", by=doctor).body["items"]) == 1
    for wrong in ("x", cursor[:-1], "%2B"):
        assert clinic.ask("GET", f"/v1/agenda/blocks?cursor={wrong}", by=doctor).code == "invalid_cursor"
    for query in ("limit=0", "limit=101", "limit=1&limit=2", "limit=one", "limit=%31", "LIMIT=1", "limit=1;limit=2"):
        clinic.ask("GET", f"/v1/agenda/blocks?{query}", by=doctor)
    removed = clinic.ask("DELETE", f"/v1/agenda/blocks/{made.body['id']}", by=doctor)
    assert (removed.status, removed.raw, "content-type" in removed.headers) == (204, b"", False)
    assert clinic.ask("DELETE", f"/v1/agenda/blocks/{made.body['id']}", by=doctor).code == "not_found"
    assert_all_were_asked(clinic, agenda)


def test_what_is_asked_for_a_booking_has_one_answer(clinic: Twins) -> None:
    root, patient, other = clinic.administrator(), clinic.patient(), clinic.patient()
    doctor, second = clinic.doctor(approved_by=root), clinic.doctor(approved_by=root)
    for operation in operations_of(booking):
        others = doctor if operation.name == "request_appointment" else root
        ask_what_is_refused_to_all(clinic, operation, patient, others)

    def book(start: str, by: Person = patient, of: Person = doctor, *headers: tuple[str, str]) -> Any:
        body = {"doctor_id": of.id, "start": start, "reason": "dói: ç 😀"}
        return clinic.ask("POST", "/v1/appointments", body, by=by, headers=headers)

    def move(one: str, start: str, by: Person = patient, *headers: tuple[str, str]) -> Any:
        return clinic.ask("POST", f"/v1/appointments/{one}/reschedule", {"start": start}, by=by, headers=headers)

    def cancel(one: str, by: Person = patient, *headers: tuple[str, str]) -> Any:
        return clinic.ask("POST", f"/v1/appointments/{one}/cancel", REASON, by=by, headers=headers)

    def accept(one: str, rev: int = 1) -> Any:
        return clinic.ask("POST", f"/v1/appointments/{one}/accept", {"rev": rev}, by=doctor)

    made, again = (book(at(48), patient, doctor, *key("a")) for _ in range(2))
    assert (made.status, again.status, again.headers["idempotency-replayed"]) == (201, 201, "true")
    assert again.raw == made.raw
    assert book(at(49), patient, doctor, *key("a")).code == "idempotency_key_reused"
    assert book(at(49), other, Person(NOBODYS, "", "")).code == "not_found"
    twin = clinic.patient(cpf=doctor_body(3)["cpf"])
    assert [book(start, other).code for start in (at(1), at(24 * 200), at(48, minutes=5), at(48))] == [
        "too_soon", "beyond_horizon", "slot_not_offered", "slot_taken",
    ]  # fmt: skip
    assert book(at(48), patient, second).code == "patient_busy"
    assert book(at(52), twin).code == "self_booking"
    third = book(at(51))
    assert (book(at(50)).status, third.status, book(at(52)).code) == (201, 201, "too_many_pending")

    one = made.body["id"]
    moved, once_more = (move(one, at(53), patient, *key("m")) for _ in range(2))
    assert (moved.status, once_more.raw) == (200, moved.raw)
    assert move(one, at(54), patient, *key("m")).code == "idempotency_key_reused"
    assert [move(one, start).code for start in (at(1), at(24 * 200), at(53, minutes=5), at(50))] == [
        "too_soon", "beyond_horizon", "slot_not_offered", "patient_busy",
    ]  # fmt: skip
    assert book(at(60), other).status == 201
    assert move(one, at(60)).code == "slot_taken"
    assert accept(one, moved.body["rev"]).status == 200
    assert move(one, at(62)).body["proposal"]["by"] == "patient"
    assert move(one, at(63), doctor).code == "proposal_exists"
    suspend = {"decision": "suspend", "reason": "the council says so"}
    clinic.ask("POST", f"/v1/doctors/{doctor.id}/verification", suspend, by=root)
    assert move(one, at(64), doctor).code == "licence_inactive"
    clinic.ask("POST", f"/v1/doctors/{doctor.id}/verification", {"decision": "approve"}, by=root)

    assert cancel(one, other).code == "not_found"
    cancelled, repeated = (cancel(one, doctor, *key("c")) for _ in range(2))
    assert (cancelled.status, repeated.raw) == (200, cancelled.raw)
    assert clinic.ask("POST", f"/v1/appointments/{one}/cancel", {"reason": "an other one"}, by=doctor, headers=key("c"))
    assert cancel(one).code == "invalid_transition"
    assert move(one, at(70)).code == "invalid_transition"
    clinic.later(timedelta(hours=25), patient, doctor)
    assert cancel(third.body["id"]).code == "deadline_passed"
    assert move(third.body["id"], at(70)).code == "deadline_passed"
    assert_all_were_asked(clinic, booking)


def test_what_is_decided_has_one_answer(clinic: Twins) -> None:
    root, patient = clinic.administrator(), clinic.patient()
    doctor, second = clinic.doctor(approved_by=root), clinic.doctor(approved_by=root)
    for operation in operations_of(decisions):
        ask_what_is_refused_to_all(clinic, operation, doctor, root if "proposal" in operation.path else patient)
    asked = Asked(clinic, root, patient, doctor)
    first, unwanted, late = (asked.book(hours) for hours in (72, 76, 73))

    assert asked.decide(first, "accept", {"rev": 9}).code == "stale_revision"
    assert asked.decide(first, "accept", {"rev": 1}, second).code == "not_found"
    asked.licence("suspend")
    assert asked.decide(first, "accept", {"rev": 1}).code == "licence_inactive"
    asked.licence("approve")
    asked.twice(first, "accept", {"rev": 1}, {"rev": 2}, doctor)
    asked.twice(unwanted, "refuse", {"reason": "férias"}, {}, doctor)
    assert asked.decide(unwanted, "refuse", {}).code == "invalid_transition"
    assert asked.decide(unwanted, "accept", {"rev": 1}).code == "invalid_transition"

    proposal, other = asked.propose(first, 80, patient), {"proposal_id": NOBODYS}
    for answer in ("accept", "decline"):
        assert asked.decide(first, f"proposal/{answer}", other).code == "invalid_transition"
    assert asked.decide(first, "proposal/accept", proposal, patient).status in {403, 409}
    asked.licence("suspend")
    assert asked.decide(first, "proposal/accept", proposal).code == "licence_inactive"
    asked.licence("approve")
    asked.twice(first, "proposal/accept", proposal, other, doctor)
    asked.twice(first, "proposal/decline", asked.propose(first, 84, doctor), other, patient)
    assert asked.decide(first, "proposal/decline", proposal, patient).code == "invalid_transition"

    clinic.later(timedelta(hours=25), doctor)
    assert asked.decide(late, "accept", {"rev": 1}).code == "deadline_passed"
    assert asked.decide(late, "refuse", {}).code == "deadline_passed"
    assert_all_were_asked(clinic, decisions)


@attrs.frozen
class Asked:
    """A patient's requests to a doctor, and what is decided on them."""

    clinic: Twins
    root: Person
    patient: Person
    doctor: Person

    def book(self, hours: int) -> str:
        body = {"doctor_id": self.doctor.id, "start": at(hours)}
        told = self.clinic.ask("POST", "/v1/appointments", body, by=self.patient)
        assert told.status == 201, told.raw
        found: str = told.body["id"]
        return found

    def propose(self, one: str, hours: int, by: Person) -> Body:
        told = self.clinic.ask("POST", f"/v1/appointments/{one}/reschedule", {"start": at(hours)}, by=by)
        assert told.status == 200, told.raw
        return {"proposal_id": told.body["proposal"]["id"]}

    def decide(self, one: str, what: str, body: Body, by: Person | None = None, *headers: tuple[str, str]) -> Told:
        return self.clinic.ask("POST", f"/v1/appointments/{one}/{what}", body, by=by or self.doctor, headers=headers)

    def twice(self, one: str, what: str, body: Body, other: Body, by: Person) -> None:
        """It succeeds, and again by the same key; another body under that key is refused."""
        done, again = (self.decide(one, what, body, by, *key(what)) for _ in range(2))
        assert (done.status, again.raw, again.headers["idempotency-replayed"]) == (200, done.raw, "true")
        assert self.decide(one, what, other, by, *key(what)).code == "idempotency_key_reused"

    def licence(self, decision: str) -> None:
        body = {"decision": decision, "reason": "the council says so"}
        assert self.clinic.ask("POST", f"/v1/doctors/{self.doctor.id}/verification", body, by=self.root).status == 200


@pytest.mark.parametrize("module", [agenda, booking, decisions])
def test_what_is_not_there_is_refused_alike(module: ModuleType) -> None:
    with twins({**on_memory(), "TELEMED_PUBLIC_URL": "https://clinic.example"}) as clinic:
        told = clinic.ask("GET", "/v1/nothing", to=module)
        assert (told.status, told.headers["strict-transport-security"]) == (404, "max-age=31536000")
        for path in (
            "/",
            "/v1",
            "//v1/agenda",
            "/v1/Agenda",
            "/v1/%61genda/",
            "/v1/appointments/a%2Fb/cancel",
            "/%C3%A9",
        ):
            assert clinic.ask("GET", path, to=module).status == 404, path
        assert clinic.ask("POST", "/v1/nothing", raw=b"x" * (1 << 21), to=module).status == 413
        for route in module.ROUTES:
            for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} - {
                *route.allowed
            }:
                for path in (route.path.replace("{id}", "a"), route.path.replace("{id}", "a") + "%0A"):
                    assert clinic.ask(method, path, to=module).status == 405, (method, path)
            assert (
                clinic.ask(min(route.operations), route.path.replace("{id}", "%61") + "?a=%FF", to=module).status == 401
            )


def test_too_many_requests_are_refused_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1_780_315_200.0)
    with twins({**on_memory(), "TELEMED_REQUESTS_PER_MINUTE": "2"}) as clinic:
        assert [clinic.ask("GET", "/v1/agenda").status for _ in range(3)] == [401, 401, 429]


def test_a_difference_of_one_byte_or_one_header_would_be_noticed() -> None:
    name, other = {"x-request-id": "a" * 32}, {"x-request-id": "b" * 32}
    assert_same(Told(200, {**name, "etag": "1"}, b"{}"), Told(200, {**other, "etag": "1"}, b"{}"))
    for part in (
        Told(201, {**other, "etag": "1"}, b"{}"),
        Told(200, {**other, "etag": "1"}, b"{ }"),
        Told(200, {**other, "etag": "2"}, b"{}"),
        Told(200, other, b"{}"),
        Told(200, {**name, "etag": "1"}, b"{}"),
    ):
        with pytest.raises(AssertionError):
            assert_same(Told(200, {**name, "etag": "1"}, b"{}"), part)
