"""The functions behind API Gateway: what they are asked, what they answer, and what the log is told."""

import json
import logging
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Final

import pytest
from dependency_injector import providers

from entrypoints.lambdas import agenda, booking, decisions, starting
from entrypoints.lambdas.api_gateway import ApiGateway, Event, routes_of
from entrypoints.logs import LOG, JsonLines
from entrypoints.operations import appointments
from entrypoints.operations.all_operations import OPERATIONS
from entrypoints.operations.operation import ANYONE, Answer, Operation
from unit.entrypoints.api import Clinic, a_clinic
from unit.entrypoints.lambdas.events import Told, request_event

MARK: Final = "maria@example.org"
FAMILIES: Final = (agenda, booking, decisions)
BLOCKS: Final = "/v1/agenda/blocks"


@pytest.fixture
def clinic() -> Iterator[Clinic]:
    with a_clinic() as made, starting.container.override(providers.Object(made.container)):
        yield made


@pytest.fixture(autouse=True)
def _new_process() -> Iterator[None]:
    for module in FAMILIES:
        module.gateway.reset()
    yield
    for module in FAMILIES:
        module.gateway.reset()


@pytest.fixture
def logged() -> Iterator[list[dict[str, Any]]]:
    """What is logged, a line each."""
    lines: list[dict[str, Any]] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            text = JsonLines().format(record)
            assert MARK not in text
            lines.append(json.loads(text))

    kept, level = Kept(), LOG.level
    LOG.addHandler(kept)
    LOG.setLevel(logging.INFO)
    yield lines
    LOG.setLevel(level)
    LOG.removeHandler(kept)


def ask(module: ModuleType, method: str, url: str, *, by: str | None = None, body: Any = None, **event: Any) -> Told:
    headers = event.pop("headers", [])
    sent = event.pop("raw", b"" if body is None else json.dumps(body).encode())
    signed = [("Authorization", f"Bearer {by}")] if by else []
    return Told.by(
        module.handler(request_event(method, url, headers=[*headers, *signed], body=sent, **event), object())
    )


def names_in(module: ModuleType) -> set[str]:
    return {one.name for route in module.ROUTES for one in route.operations.values()}


def test_each_function_carries_out_the_operations_of_its_family_and_no_others() -> None:
    assert names_in(agenda) == {
        "show_agenda", "replace_agenda", "block_time", "list_blocks", "remove_block", "list_slots",
    }  # fmt: skip
    assert names_in(booking) == {"request_appointment", "cancel_appointment", "reschedule_appointment"}
    assert names_in(decisions) == {
        "accept_appointment", "refuse_appointment", "agree_to_reschedule", "decline_reschedule",
    }  # fmt: skip


def test_the_operations_are_the_apis_own_and_the_methods_those_that_it_has_under_their_paths() -> None:
    for module in FAMILIES:
        for route in module.ROUTES:
            assert all(one in OPERATIONS for one in route.operations.values())
            assert sorted(route.allowed) == sorted(one.method for one in OPERATIONS if one.path == route.path)


def test_a_family_of_operations_that_are_not_there_is_none() -> None:
    with pytest.raises(AssertionError):
        routes_of(appointments.OPERATIONS, "request_appointment", "request_apointment")


def test_a_request_is_carried_out_with_its_path_query_headers_and_body(clinic: Clinic) -> None:
    doctor, token = clinic.doctor(administrator=clinic.administrator())
    etag = clinic.call("GET", "/v1/agenda", token=token).headers["ETag"]
    shown = ask(agenda, "GET", "/v1/agenda", by=token)
    assert (shown.status, shown.headers["etag"]) == (200, etag)
    assert shown.raw == clinic.call("GET", "/v1/agenda", token=token).raw

    replaced = ask(agenda, "PUT", "/v1/agenda", by=token, body=shown.body, headers=[("If-Match", etag)])
    assert replaced.status == 200
    assert replaced.headers["etag"] != etag
    window = "from=2026-06-03T12%3A00%3A00Z&to=2026-06-03T12:00:00-02:00"
    assert len(ask(agenda, "GET", f"/v1/doctors/{doctor}/slots?{window}", by=token).body["items"]) == 2
    for day in (3, 4):
        block = {"start": f"2026-06-0{day}T12:00:00Z", "end": f"2026-06-0{day}T13:00:00Z"}
        assert ask(agenda, "POST", BLOCKS, by=token, body=block).status == 201
    assert len(ask(agenda, "GET", f"{BLOCKS}?limit=1", by=token).body["items"]) == 1


def test_a_body_in_base64_is_the_body(clinic: Clinic) -> None:
    _, token = clinic.doctor(administrator=clinic.administrator())
    block = {"start": "2026-06-03T12:00:00Z", "end": "2026-06-03T13:00:00Z", "reason": "São João"}
    assert ask(agenda, "POST", BLOCKS, by=token, body=block, encoded=True).status == 201
    assert ask(agenda, "POST", BLOCKS, by=token, raw=b'{"reason": "\xff"}', encoded=True).code == "invalid_request"
    event = request_event("POST", BLOCKS, headers=[("Authorization", f"Bearer {token}")], body=b"{}")
    assert Told.by(agenda.handler({**event, "body": '{"reason": "\ud800"}'}, None)).code == "invalid_request"


def test_a_body_that_is_too_long_is_refused_before_it_is_asked_what_it_is_for(clinic: Clinic) -> None:
    for method, url in (("POST", BLOCKS), ("GET", "/v1/agenda"), ("POST", "/v1/nothing")):
        told = ask(agenda, method, url, raw=b"x" * ((1 << 20) + 1))
        assert (told.status, told.code) == (413, "body_too_large")
        assert ask(agenda, method, url, raw=b"x" * (1 << 20)).status in {401, 404}


@pytest.mark.parametrize("module", FAMILIES)
@pytest.mark.parametrize("path", ["/", "", "/v1", "/v1/nothing", "/v1/agenda/", "/v1/doctors/a%2Fb/slots", "/healthz"])
def test_a_path_that_is_not_there_is_a_problem(clinic: Clinic, module: ModuleType, path: str) -> None:
    told = ask(module, "GET", path)
    assert (told.status, told.code) == (404, "not_found")
    assert told.headers["content-type"] == "application/problem+json"


def test_what_another_family_carries_out_is_not_found(clinic: Clinic) -> None:
    for module, method, path in (
        (booking, "GET", "/v1/appointments"),
        (booking, "POST", "/v1/appointments/a/accept"),
        (decisions, "POST", "/v1/appointments"),
        (decisions, "GET", "/v1/agenda"),
        (agenda, "GET", "/v1/doctors/a"),
    ):
        assert ask(module, method, path).code == "not_found"


def test_a_method_that_is_not_there_names_all_that_are_also_those_of_others(clinic: Clinic) -> None:
    for method in ("PUT", "OPTIONS", "HEAD", "TRACE", "get"):
        told = ask(booking, method, "/v1/appointments")
        assert (told.status, told.code, told.headers["allow"]) == (405, "method_not_allowed", "GET, POST")
    assert ask(agenda, "PATCH", BLOCKS).headers["allow"] == "GET, POST"


def test_a_path_is_read_as_it_was_sent_decoded_once_and_without_the_stage(clinic: Clinic) -> None:
    doctor, token = clinic.doctor(administrator=clinic.administrator())
    escaped = "".join(f"%{ord(char):02x}" for char in doctor)
    query = "?from=2026-06-03T12:00:00Z&to=2026-06-03T13:00:00Z"
    assert ask(agenda, "GET", f"/v1/doctors/{escaped}/slots{query}", by=token).status == 200
    assert ask(agenda, "GET", f"/v1/doctors/{escaped.replace('%', '%25')}/slots{query}", by=token).status == 404
    again = "%" + "".join(f"%{ord(digit):02x}" for digit in f"{ord(doctor[0]):02x}") + doctor[1:]
    assert ask(agenda, "GET", f"/v1/doctors/{again}/slots{query}", by=token).status == 404
    for stage in ("live", "v1"):
        assert ask(agenda, "GET", f"/v1/doctors/{doctor}/slots{query}", by=token, stage=stage).status == 200
    assert ask(agenda, "GET", "/v1/agenda", by=token, stage="v").status == 200
    beside = {**request_event("GET", "/v1/agenda", headers=[("Authorization", f"Bearer {token}")])}
    beside["requestContext"] = {**beside["requestContext"], "stage": "v"}
    assert Told.by(agenda.handler(beside, None)).status == 200


def test_every_answer_has_a_request_id_of_our_own_and_what_all_answers_say(clinic: Clinic) -> None:
    answers = [ask(agenda, "GET", "/v1/agenda", headers=[("X-Request-Id", "mine")]) for _ in range(20)]
    ids = {told.headers["x-request-id"] for told in answers}
    assert len(ids) == 20
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in ids)
    assert {name: value for name, value in answers[0].headers.items() if name != "x-request-id"} == {
        "cache-control": "no-store",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        "content-type": "application/problem+json",
        "referrer-policy": "no-referrer",
        "www-authenticate": "Bearer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
    }


def test_an_answer_may_have_something_of_its_own_to_say(clinic: Clinic) -> None:
    shown = Operation(
        name="shown",
        method="GET",
        path="/v1/shown",
        about="",
        tag="",
        roles=ANYONE,
        act=lambda _: Answer(None, {"Cache-Control": "max-age=60"}),
    )
    told = Told.by(ApiGateway.over(clinic.container, routes_of([shown], "shown"))(request_event("GET", "/v1/shown")))
    assert (told.headers["cache-control"], told.headers["x-frame-options"]) == ("max-age=60", "DENY")
    assert (told.status, told.raw) == (200, b"")


def test_where_people_come_by_https_they_are_told_to_stay_there() -> None:
    with a_clinic(TELEMED_PUBLIC_URL="https://clinic.example") as clinic:
        gateway = ApiGateway.over(clinic.container, agenda.ROUTES)
        told = Told.by(gateway(request_event("GET", "/v1/agenda")))
        assert told.headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        ("0", "198.51.100.7", "203.0.113.9"),
        ("1", "198.51.100.6, 198.51.100.7", "198.51.100.7"),
        ("2", "198.51.100.5,198.51.100.6 , 198.51.100.7", "198.51.100.6"),
        ("2", "198.51.100.7", "203.0.113.9"),
        ("1", None, "203.0.113.9"),
    ],
)
def test_the_client_is_who_our_outermost_proxy_saw(proxies: str, forwarded: str | None, address: str) -> None:
    with a_clinic(TELEMED_TRUSTED_PROXIES=proxies, TELEMED_REQUESTS_PER_MINUTE="1") as clinic:
        gateway = ApiGateway.over(clinic.container, agenda.ROUTES)
        seen = [] if forwarded is None else [("X-Forwarded-For", forwarded)]
        assert Told.by(gateway(request_event("GET", "/v1/agenda", headers=seen))).status == 401
        # The same address, seen another way: it has used up its one request.
        proxied = [("X-Forwarded-For", ", ".join([address] * max(1, int(proxies))))]
        again = Told.by(gateway(request_event("GET", "/v1/agenda", headers=proxied, address=address)))
        assert (again.status, again.code) == (429, "too_many_requests")


def test_requests_are_counted_from_event_to_event() -> None:
    with (
        a_clinic(TELEMED_REQUESTS_PER_MINUTE="2") as clinic,
        starting.container.override(providers.Object(clinic.container)),
    ):
        assert [ask(agenda, "GET", "/v1/agenda").status for _ in range(3)] == [401, 401, 429]


def test_a_request_is_a_line_with_the_template_of_its_path_and_nothing_that_was_typed(
    clinic: Clinic, logged: list[dict[str, Any]]
) -> None:
    typed = [("Authorization", f"Bearer {MARK}")]
    told = ask(agenda, "GET", f"/v1/doctors/{MARK}/slots?name={MARK}", headers=typed)
    ask(agenda, "PATCH", f"/v1/agenda/blocks/{MARK}", headers=typed)
    ask(agenda, MARK, f"/v1/{MARK}", raw=MARK.encode())
    known, method, unknown = logged
    assert known.pop("at").endswith("Z")
    assert known.pop("ms") >= 0
    assert known == {
        "request_id": told.headers["x-request-id"],
        "method": "GET",
        "route": "/v1/doctors/{id}/slots",
        "status": 401,
    }
    assert (method["route"], method["status"]) == ("/v1/agenda/blocks/{id}", 405)
    assert (unknown["method"], unknown["route"], unknown["status"]) == ("OTHER", None, 404)


def test_a_bug_is_an_answer_without_text_and_a_line_without_it(clinic: Clinic, logged: list[dict[str, Any]]) -> None:
    def broken(_: str) -> Any:
        raise RuntimeError(MARK)

    with clinic.container.authenticate.override(providers.Object(broken)):
        told = ask(agenda, "GET", "/v1/agenda", by="a")
    assert (told.status, told.code, told.body["detail"]) == (500, "internal", "Something went wrong on our side.")
    assert told.headers["x-frame-options"] == "DENY"
    bug, access = logged
    assert [one["type"] for one in bug["errors"]] == ["RuntimeError"]
    assert __file__ in bug["errors"][0]["frames"][-1]
    assert bug["request_id"] == access["request_id"] == told.headers["x-request-id"]
    assert (access["route"], access["status"]) == ("/v1/agenda", 500)


def test_an_event_of_another_source_is_a_bug_of_the_deployment(clinic: Clinic, logged: list[dict[str, Any]]) -> None:
    events: list[Event] = [{}, {"Records": []}, {"httpMethod": "GET", "path": f"/v1/{MARK}", "requestContext": {}}]
    for event in events:
        assert Told.by(agenda.handler(event, None)).code == "internal"
    assert [line.get("what") for line in logged] == ["bug", None] * 3


def test_the_parts_are_made_by_the_first_event_and_not_by_the_import() -> None:
    made: list[int] = []

    def open_once(_: type) -> Any:
        made.append(1)
        raise LookupError

    with starting.container.override(providers.Callable(open_once)):
        assert made == []
        with pytest.raises(LookupError):
            ask(agenda, "GET", "/v1/agenda")
    assert made == [1]


@pytest.mark.parametrize("module", FAMILIES)
def test_what_is_warm_has_all_that_its_requests_need(
    clinic: Clinic, module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    for name, provider in clinic.container.providers.items():
        if isinstance(provider, providers.ThreadSafeSingleton):
            monkeypatch.setattr(clinic.container, name, _noting(provider, name, opened))
    monkeypatch.delenv(starting.INITIALIZATION, raising=False)
    module.warm()
    assert opened == []
    monkeypatch.setenv(starting.INITIALIZATION, "on-demand")
    module.warm()
    # Operations are called as the use cases that they carry out.
    assert {"authenticate", *names_in(module)} <= set(opened)


def _noting(provider: Any, name: str, opened: list[str]) -> Any:
    def call() -> Any:
        opened.append(name)
        return provider()

    return call
