"""A15: whatever stands in a body, a query or a path, a wrong one is refused by name and never echoed."""

import json

import pytest

from integration.attacks.clinic import NO_ID, Clinic
from integration.attacks.hostile import (
    BODIES,
    DEEP,
    FIELDS,
    MANDATORY_REASONS,
    MARK,
    NO_JSON,
    REFUSED,
    fields_of,
    with_raw,
)
from integration.attacks.raw import Reply, check_problem, send
from integration.attacks.surface import (
    ADMINISTRATOR,
    DOCTOR,
    NOBODY,
    OPERATIONS,
    PATIENT,
    WITH_BODY,
    WITH_ID,
    Operation,
)
from integration.http.server import Client

GUESSED = {"/v1/auth/token", "/v1/auth/password-reset/confirm", "/v1/me/password"}
"""Where a wrong text counts as a wrong guess."""


@pytest.fixture(scope="module")
def callers(clinic: Clinic) -> dict[str, Client]:
    """One of each role, of whom no other module knows."""
    return {
        NOBODY: clinic.nobody,
        PATIENT: clinic.patient().client,
        DOCTOR: clinic.doctor().client,
        ADMINISTRATOR: clinic.administrator.client,
    }


def _send(clinic: Clinic, callers: dict[str, Client], operation: Operation, body: str | bytes) -> Reply:
    """From an address of its own, so that nobody is locked out in between."""
    return send(callers[operation.caller], operation.method, operation.target(NO_ID), body, clinic.address())


def _check_refused(reply: Reply, field: str) -> None:
    check_problem(reply, 422, field=field)
    assert MARK not in reply.body.decode()


def _kind(operation: Operation, field: str) -> str:
    if field == "reason" and operation.path.endswith(MANDATORY_REASONS):
        return "reason"
    if field == "password" and operation.path == "/v1/auth/token":
        return "credential"
    return FIELDS[field]


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_a15_every_field_refuses_what_it_does_not_hold_and_is_named(
    clinic: Clinic, callers: dict[str, Client], operation: Operation
) -> None:
    tried = 0
    for field in fields_of(operation.body):
        kind = _kind(operation, field)
        values = [*REFUSED[kind], *([] if field in operation.optional else ["null"])]
        if field.endswith((".start", ".end")) and field.startswith("dates."):
            values.remove("null")  # of a date that is not closed both must be there: the other one may be named
        for raw in values:
            _check_refused(_send(clinic, callers, operation, with_raw(operation.body, field, raw)), field)
            tried += 1
    assert tried > 5 or operation.body == {}


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_a15_what_is_no_json_anywhere_in_a_body_is_refused(
    clinic: Clinic, callers: dict[str, Client], operation: Operation
) -> None:
    for field in fields_of(operation.body):
        for raw in NO_JSON:
            reply = _send(clinic, callers, operation, with_raw(operation.body, field, raw))
            check_problem(reply, 422, "invalid_request", field=field)
            assert MARK not in reply.body.decode()


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_a15_unknown_and_doubled_fields_are_refused(
    clinic: Clinic, callers: dict[str, Client], operation: Operation
) -> None:
    whole = json.dumps(operation.body)
    for name in ("extra", "__proto__", "constructor", "__class__", "rev_", "Name", "nam\u0435", "$where", ""):
        if name not in (operation.body or {}):
            more = json.dumps({name: 1, **(operation.body or {})})
            check_problem(_send(clinic, callers, operation, more), 422, "invalid_request")
    extra = json.dumps({"extra": 1, **(operation.body or {})})
    check_problem(_send(clinic, callers, operation, extra), 422, "invalid_request", field="extra")
    hostile = _send(clinic, callers, operation, json.dumps({f"<b>{MARK}</b>": 1, **(operation.body or {})}))
    check_problem(hostile, 422, "invalid_request")
    assert MARK not in hostile.body.decode()
    for name, value in (operation.body or {}).items():
        doubled = f"{{{json.dumps(name)}: {json.dumps(value)}, {whole[1:]}"
        check_problem(_send(clinic, callers, operation, doubled), 422, "invalid_request", field="body")
    for outer in ("location", "weekly.0", "dates.0"):
        if outer in set(fields_of(operation.body)):
            within = with_raw(operation.body, outer, '{"extra": 1}')
            check_problem(_send(clinic, callers, operation, within), 422, "invalid_request", field=outer)


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_a15_a_body_that_is_no_json_object_is_refused(
    clinic: Clinic, callers: dict[str, Client], operation: Operation
) -> None:
    for body in BODIES:
        check_problem(_send(clinic, callers, operation, body), 422, "invalid_request", field="body")
    for encoding in ("utf-16", "utf-32", "utf-8-sig"):
        body = json.dumps(operation.body).encode(encoding)
        check_problem(_send(clinic, callers, operation, body), 422, "invalid_request", field="body")


@pytest.mark.parametrize("operation", [one for one in WITH_BODY if one.method != "PATCH"], ids=str)
def test_a15_a_field_that_is_required_is_named_where_it_is_missing(
    clinic: Clinic, callers: dict[str, Client], operation: Operation
) -> None:
    given = operation.body or {}
    defaulted = {"language", "consultation_minutes", "buffer_minutes", "min_notice_minutes", "horizon_days"}
    defaulted |= {"weekly", "dates", "cancel_appointments"}
    required = set(given) - operation.optional - defaulted
    for name in required:
        left = json.dumps({known: value for known, value in given.items() if known != name})
        check_problem(_send(clinic, callers, operation, left), 422, "invalid_request", field=name)
    if required:
        for empty in (b"", b"{}"):
            reply = _send(clinic, callers, operation, empty)
            check_problem(reply, 422, "invalid_request")
            assert {error["field"] for error in reply.json["errors"]} in (required, {"body"})


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.body is None and one.answered != 204], ids=str)
def test_a15_a_body_where_none_is_taken_changes_nothing(callers: dict[str, Client], operation: Operation) -> None:
    for body in ("{}", DEEP, b"\xff", f'{{"{MARK}": 1}}'):
        reply = send(callers[operation.caller], operation.method, operation.target(NO_ID), body)
        assert reply.status in {operation.answered, 422}, reply
        assert MARK not in reply.body.decode()


LIMITS = ("0", "-1", "101", "1.5", "", "%20", "x", "NaN", "1e1", "+5", "%205", "5%20", "5%00", "9" * 30, "9" * 5000,
    "%D9%A5", "%EF%BC%95", "0x5", "5_0", "null", "5%0A")  # fmt: skip
INSTANTS = ("", "x", "2026-07-01", "2026-07-01T15:00:00", "2026-02-30T00:00:00Z", "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00%2B23:59", "0000-00-00T00:00:00Z", "%D9%A2", "2026-07-01T15:00:00Z%00",
    "2026-07-01T15:00:00%2000:00", MARK, MARK * 500)  # fmt: skip
CHOICES = ("", "x", MARK, MARK * 500, "%00", "%FF", "%ED%A0%80", "requested,confirmed", "[]", "__class__")
NAMES = ("", "%20", "%00", f"{MARK}%00", "%E2%80%AE", MARK * 100, "%1B")
IDS = ("", "%20", "%00", f"{MARK}/", "..%2F..", "%D9%A3", "x" * 65, "-a", "a%0A")
WHOLE = "from=2026-07-01T00:00:00Z&to=2026-07-02T00:00:00Z"
SLOTS = f"/v1/doctors/{NO_ID}/slots"
RATINGS = f"/v1/doctors/{NO_ID}/ratings"

PARAMETERS: list[tuple[str, str, str, str, tuple[str, ...]]] = [
    *((PATIENT, path, "", "limit", LIMITS) for path in ("/v1/appointments", "/v1/doctors")),
    (DOCTOR, "/v1/agenda/blocks", "", "limit", LIMITS),
    (PATIENT, "/v1/notifications", "", "limit", LIMITS),
    (PATIENT, RATINGS, "", "limit", LIMITS),
    *((ADMINISTRATOR, f"/v1/admin/{what}", "", "limit", LIMITS) for what in ("doctors", "sagas", "notifications")),
    *((PATIENT, "/v1/appointments", "", name, INSTANTS) for name in ("from", "to")),
    (PATIENT, SLOTS, "to=2026-07-02T00:00:00Z", "from", INSTANTS),
    (PATIENT, SLOTS, "from=2026-07-01T00:00:00Z", "to", INSTANTS),
    (PATIENT, "/v1/appointments", "", "status", CHOICES),
    (PATIENT, "/v1/appointments", "status=requested", "status", CHOICES),
    (ADMINISTRATOR, "/v1/admin/doctors", "", "status", CHOICES),
    (PATIENT, "/v1/doctors", "", "specialty", CHOICES),
    (PATIENT, "/v1/doctors", "", "available", CHOICES),
    (PATIENT, "/v1/doctors", "", "name", NAMES),
    *((ADMINISTRATOR, "/v1/admin/notifications", "", name, CHOICES) for name in ("status", "channel")),
    (ADMINISTRATOR, "/v1/admin/notifications", "", "appointment_id", IDS),
    (ADMINISTRATOR, "/v1/admin/sagas", "", "phase", CHOICES),
    *((ADMINISTRATOR, "/v1/admin/sagas", "", name, IDS) for name in ("name", "subject")),
]


@pytest.mark.parametrize(("role", "path", "more", "name", "values"), PARAMETERS)
def test_a15_every_parameter_refuses_what_it_does_not_hold_and_is_named(
    callers: dict[str, Client], role: str, path: str, more: str, name: str, values: tuple[str, ...]
) -> None:
    for value in values:
        query = f"{more}&{name}={value}" if more else f"{name}={value}"
        _check_refused(send(callers[role], "GET", f"{path}?{query}"), name)


LISTS = [
    (PATIENT, "/v1/appointments", ""),
    (PATIENT, "/v1/doctors", ""),
    (PATIENT, SLOTS, WHOLE),
    (DOCTOR, "/v1/agenda/blocks", ""),
    (PATIENT, "/v1/notifications", ""),
    (PATIENT, RATINGS, ""),
    *((ADMINISTRATOR, f"/v1/admin/{what}", "") for what in ("doctors", "sagas", "notifications")),
]


@pytest.mark.parametrize(("role", "path", "whole"), LISTS)
def test_a15_unknown_and_repeated_parameters_are_refused(
    callers: dict[str, Client], role: str, path: str, whole: str
) -> None:
    for query in (
        "extra=1", "extra", "__proto__=1", "LIMIT=1", "limit[]=1", "limit%00=1", "%00=1", "%FF=%FF", "=1", f"{MARK}=1",
        f"%3Cb%3E{MARK}=1", "user_id=1", "offset=1", "&".join(f"a{number}=1" for number in range(500)),
    ):  # fmt: skip
        reply = send(callers[role], "GET", f"{path}?{f'{whole}&' if whole else ''}{query}")
        check_problem(reply, 422, "invalid_request")
        # A name of letters alone may be said again: it is how an unknown one is named.
        assert f"<b>{MARK}" not in reply.body.decode()
    for name, value in (("limit", "5"), ("cursor", "x"), ("from", "2026-07-01T00:00:00Z"), ("name", "Ana")):
        reply = send(callers[role], "GET", f"{path}?{f'{whole}&' if whole else ''}{name}={value}&{name}={value}")
        assert reply.status == 422, reply


def test_a15_a_range_that_is_none_is_refused(callers: dict[str, Client]) -> None:
    for path in ("/v1/appointments", SLOTS):
        for start, end in (("2026-07-02", "2026-07-01"), ("2026-07-01", "2026-07-01")):
            reply = send(callers[PATIENT], "GET", f"{path}?from={start}T00:00:00Z&to={end}T00:00:00Z")
            check_problem(reply, 422, "invalid_request", field="to")
    long = send(callers[PATIENT], "GET", f"{SLOTS}?from=2026-07-01T00:00:00Z&to=2026-08-01T00:00:01Z")
    check_problem(long, 422, "invalid_request", field="to")
    for missing in ("from=2026-07-01T00:00:00Z", "to=2026-07-01T00:00:00Z", ""):
        check_problem(send(callers[PATIENT], "GET", f"{SLOTS}?{missing}"), 422, "invalid_request")


def test_a15_filters_of_a_later_release_are_refused(callers: dict[str, Client]) -> None:
    for query in ("lat=-23.5", "lon=-46.6", "radius_km=10", "min_rating=4", "max_price_cents=100", "sort=rating"):
        name = query.partition("=")[0]
        check_problem(send(callers[PATIENT], "GET", f"/v1/doctors?{query}"), 422, "invalid_request", field=name)


NOT_IDS = (
    "..", ".", "%2e%2e", "%2E%2E%2F%2E%2E%2Fetc%2Fpasswd", "..%2f..%2fetc%2fpasswd", "..%5c..%5c", "%00", f"{NO_ID}%00",
    f"{NO_ID}%0A", f"{NO_ID}%20", f"%20{NO_ID}", f"{NO_ID}%2F", f"{NO_ID}%2Fx", "%2F", "a" * 65, "a" * 4096, "%FF",
    "%ED%A0%80", "%E2%80%AE", "%F0%9F%92%A9", "%D9%A3", "-1", "0", "'%20OR%201=1--", "%3Cscript%3E", "%25%30%30", "%",
    "%2", "%zz", "*", "{id}", "null", "A%23", ";x=1", f"{NO_ID};x=1", f"{NO_ID}:x",
)  # fmt: skip


@pytest.mark.parametrize("operation", WITH_ID, ids=str)
def test_a15_what_is_no_id_is_the_id_of_nothing(callers: dict[str, Client], operation: Operation) -> None:
    body = None if operation.body is None else json.dumps(operation.body)
    query = f"?{WHOLE}" if operation.path.endswith("/slots") else ""
    for id in NOT_IDS:
        target = operation.target(id) + query
        reply = send(callers[operation.caller], operation.method, target, body)
        # A path of one part less may be another operation's, which has no such method.
        if reply.status == 405:
            assert reply.header("allow")
        else:
            check_problem(reply, 404, "not_found")


def test_a15_paths_are_taken_as_they_are(callers: dict[str, Client]) -> None:
    for target in (
        "/v1/appointments/", "/v1//appointments", "//v1/appointments", "/V1/appointments", "/v1/appointments//accept",
        "/v1/../v1/appointments", "/v1/appointments/../me", "/v1/%61ppointments/..", "/v1/appointments%00", "/v1",
        "/v1/appointments.json", "/v1/me/", "/.env", "/v1/me%2Fpassword%2F", "/static/../../etc/passwd",
        "/docs/../../etc/passwd", "/docs/..%2f..%2fetc/passwd", "/openapi.json/", f"/v1/{'a' * 4096}",
    ):  # fmt: skip
        check_problem(send(callers[PATIENT], "GET", target), 404, "not_found")


def test_a15_an_id_in_a_body_that_is_of_nobody_is_not_found(callers: dict[str, Client]) -> None:
    body = json.dumps({"doctor_id": NO_ID, "start": "2026-07-01T15:00:00Z"})
    check_problem(send(callers[PATIENT], "POST", "/v1/appointments", body), 404, "not_found")


def test_a15_headers_that_are_read_take_anything(callers: dict[str, Client]) -> None:
    for value in (
        "x" * 4000,
        "*",
        "en;q=x",
        ",,,",
        "pt-BR;q=1e999",
        b"\xff\xfe",
        "en;q=0",
        "en-US-x-\u00e9".encode(),
        "",
    ):
        reply = send(callers[NOBODY], "GET", "/v1/specialties", None, [("Accept-Language", value)])
        assert (reply.status, reply.header("content-language")) in {(200, "pt-BR"), (200, "en")}, value
    agenda = json.dumps({"time_zone": "UTC"})
    for value in ('"x"', "x", 'W/"0"', '"0', b'"\xff"', '"' + "9" * 5000 + '"', '"٠"'.encode(), '"-1"', '"1", x'):
        reply = send(callers[DOCTOR], "PUT", "/v1/agenda", agenda, [("If-Match", value)])
        check_problem(reply, 412, "stale_version")
    check_problem(send(callers[DOCTOR], "PUT", "/v1/agenda", agenda), 428, "version_required")


def test_a15_text_from_right_to_left_is_text(clinic: Clinic) -> None:
    person = clinic.patient()
    for name in ("عبد الله", "שלמה כהן", "José Ångström", "李小龍", "Ана"):
        assert person.client.patch("/v1/me", {"name": name}).expect(200)["name"] == name
    made = clinic.requested(person, clinic.ana)
    reason = "مع السلامة \N{PILE OF POO} <b>'\";--"
    path = f"/v1/appointments/{made['id']}/cancel"
    assert person.client.post(path, {"reason": reason}).expect(200)["cancel_reason"] == reason


@pytest.mark.parametrize("path", sorted(GUESSED))
def test_a15_any_text_may_be_a_guess_and_none_is_echoed(clinic: Clinic, path: str) -> None:
    client = clinic.patient().client
    for text in (MARK, f"{MARK}\0", f"{MARK}\u202e", MARK * 16, "٣" * 11, f"{MARK}' OR '1'='1", " " * 20, "\x7f" * 12):
        body = {
            "/v1/auth/token": {"login": text, "password": text},
            "/v1/auth/password-reset/confirm": {"token": text, "password": MARK * 2},
            "/v1/me/password": {"current": text, "new": MARK * 2},
        }
        reply = send(client, "POST", path, json.dumps(body[path]), clinic.address())
        assert reply.status in {401, 422, 429}, reply
        assert MARK not in reply.body.decode()
