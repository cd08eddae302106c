"""Requests: one error names every wrong field by its path, and echoes nothing."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemed_core.domain.agenda import DateRule, Weekday, Window
from telemed_core.domain.doctor import DoctorStatus
from telemed_core.domain.instants import FIRST, LAST, Interval
from telemed_core.domain.people import Language
from telemed_core.domain.places import GeoPoint
from telemed_core.domain.specialties import Specialty
from telemed_core.domain.status import Status
from telemed_core.errors import InvalidCursorError, InvalidError, OverlappingWindowsError
from telemed_core.messages.parsing import MOST_BYTES, load_json, parse, parse_json, parse_query
from telemed_core.messages.profiles import AdministratorPatch, DoctorPatch, PatientPatch
from telemed_core.messages.queries import AppointmentsQuery, BlocksQuery, DoctorQueueQuery, DoctorsQuery, SlotsQuery
from telemed_core.messages.requests import (
    Acceptance,
    AgendaReplacement,
    AppointmentRequest,
    BlockCreation,
    Cancellation,
    DoctorRegistration,
    PatientRegistration,
    ProposalAnswer,
    Refusal,
    Rescheduling,
    VerificationDecision,
)
from telemed_core.messages.sign_in import (
    PasswordChange,
    PasswordResetConfirmation,
    PasswordResetRequest,
    Refreshing,
    SignIn,
)
from telemed_core.testing.builders import a_cpf, a_password

DOCTOR: dict[str, Any] = {
    "name": "Ana Lima",
    "crm": "0123456-sp",
    "email": "Ana@Example.org",
    "cpf": a_cpf().digits,
    "password": a_password().secret,
    "specialties": ["cardiology"],
    "location": {"lat": -23.5, "lon": -46},
    "time_zone": "America/Sao_Paulo",
    "price_cents": 25_000,
}
PATIENT: dict[str, Any] = {
    "name": "Bia Reis",
    "cpf": a_cpf().digits,
    "email": "bia@example.org",
    "password": a_password().secret,
    "birth_date": "1990-05-17",
    "time_zone": "America/Sao_Paulo",
    "consents": ["telemedicine", "data_processing"],
}
AGENDA: dict[str, Any] = {
    "time_zone": "America/Sao_Paulo",
    "weekly": [{"weekday": "monday", "start": "22:00", "end": "06:00"}],
    "dates": [
        {"date": "2026-06-02", "closed": True},
        {"date": "2026-06-03", "closed": False, "start": "08:00", "end": "24:00"},
    ],
}


def wrong(model: Any, data: Any) -> dict[str, str]:
    """The wrong fields, each with what is said about it."""
    with pytest.raises(InvalidError) as refused:
        parse(model, data)
    return dict(refused.value.fields)


def unreadable(raw: bytes) -> dict[str, str]:
    with pytest.raises(InvalidError) as refused:
        load_json(raw)
    return dict(refused.value.fields)


def test_a_doctor_is_read_into_the_domains_values() -> None:
    body = parse(DoctorRegistration, {**DOCTOR, "address": " Rua Um, 1 ", "language": "en"})
    assert str(body.crm) == "123456-SP"
    assert body.email.address == "ana@example.org"
    assert body.cpf == a_cpf()
    assert body.location.to_point() == GeoPoint(-23.5, -46.0)
    assert (body.to_price(), body.address, body.language) == (25_000, "Rua Um, 1", Language.ENGLISH)
    assert a_password().secret not in repr(body)


def test_a_patient_is_read_with_and_without_a_location() -> None:
    assert parse(PatientRegistration, PATIENT).to_point() is None
    assert parse(PatientRegistration, {**PATIENT, "location": {"lat": 1, "lon": 2}}).to_point() == GeoPoint(1, 2)
    assert parse(PatientRegistration, PATIENT).birth_date == date(1990, 5, 17)


def test_every_wrong_field_is_named_by_its_path_at_once() -> None:
    data = {
        **DOCTOR,
        "crm": "123456-XX",
        "cpf": "١٢٣٤٥٦٧٨٩٠٩",
        "location": {"lat": 91, "lon": -181},
        "time_zone": "America/Nowhere",
        "specialties": ["cardiology", "astrology"],
        "price_cents": "100",
        "admin": True,
    }
    del data["name"]
    assert wrong(DoctorRegistration, data) == {
        "name": "is required",
        "crm": "must be a number and a state, such as 123456-SP",
        "cpf": "must be 11 digits, or 000.000.000-00",
        "specialties.1": "is not the code of a specialty",
        "location.lat": "must be from -90 to 90 degrees",
        "location.lon": "must be from -180 to 180 degrees",
        "time_zone": "is not a time zone such as America/Sao_Paulo",
        "price_cents": "must be a whole number",
        "admin": "is not a field of this request",
    }


def test_what_was_sent_is_never_echoed() -> None:
    marker = "marker-4711"
    with pytest.raises(InvalidError) as refused:
        parse(DoctorRegistration, {**dict.fromkeys(DOCTOR, marker), "location": {"lat": marker}, marker: marker})
    assert marker not in str(refused.value)
    assert marker not in repr(refused.value.fields)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", 7, "must be a string"),
        ("name", "a\0b", "has characters that cannot be shown"),
        ("name", "\ud800\ud800", "has characters that cannot be shown"),
        ("email", "nobody", "must be an e-mail address"),
        ("password", "short", "must have 12 to 128 characters"),
        ("specialties", [], "must name at least one specialty, each once"),
        ("specialties", ["cardiology", "cardiology"], "must name at least one specialty, each once"),
        ("specialties", "cardiology", "must be a list"),
        ("specialties", ["cardiology"] * 11, "has too many entries"),
        ("location", [1, 2], "must be an object"),
        ("location", None, "must be an object"),
        ("price_cents", True, "must be a whole number"),
        ("price_cents", 1.0, "must be a whole number"),
        ("price_cents", 10**400, "must be a whole number"),
        ("price_cents", -1, "must be from 0 to 100000000 cents"),
        ("language", "fr", "must be pt-BR or en"),
        ("address", "x", "must have at least 3 characters"),
    ],
)
def test_a_wrong_value_is_said_to_be_wrong(field: str, value: object, message: str) -> None:
    assert wrong(DoctorRegistration, {**DOCTOR, field: value}) == {field: message}


@pytest.mark.parametrize("number", [True, "1", float("nan"), float("inf"), -float("inf"), 10**400, None])
def test_a_number_is_no_boolean_no_string_and_finite(number: object) -> None:
    assert wrong(DoctorRegistration, {**DOCTOR, "location": {"lat": number, "lon": 0}}) == {
        "location.lat": "must be a number"
    }


def test_an_agenda_is_read_with_windows_past_midnight_and_closed_dates() -> None:
    agenda = parse(AgendaReplacement, AGENDA).to_agenda()
    assert [(rule.weekday, rule.window) for rule in agenda.weekly] == [(Weekday.MONDAY, Window(1320, 1800))]
    assert agenda.dates == (DateRule(date(2026, 6, 2)), DateRule(date(2026, 6, 3), Window(480, 1440)))
    assert (agenda.consultation, agenda.buffer) == (timedelta(minutes=50), timedelta(minutes=10))
    assert (agenda.min_notice, agenda.horizon) == (timedelta(minutes=120), timedelta(days=60))


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"consultation_minutes": 241}, {"consultation_minutes"}),
        (
            {"consultation_minutes": 52, "buffer_minutes": 3, "horizon_days": 0},
            {"consultation_minutes", "buffer_minutes", "horizon_days"},
        ),
        ({"consultation_minutes": 235, "buffer_minutes": 10}, {"buffer_minutes"}),
        ({"min_notice_minutes": -1}, {"min_notice_minutes"}),
        ({"min_notice_minutes": 10**400}, {"min_notice_minutes"}),
        ({"weekly": [{"weekday": "monday", "start": "08:03", "end": "25:00"}]}, {"weekly.0.start", "weekly.0.end"}),
        ({"weekly": [{"weekday": "Monday", "start": "24:00", "end": "06:00"}]}, {"weekly.0.weekday"}),
        ({"weekly": [{"weekday": "monday", "start": "24:00", "end": "06:00"}]}, {"weekly.0.start"}),
        ({"weekly": [AGENDA["weekly"][0]] * 201}, {"weekly"}),
        ({"dates": [{"date": "2026-02-30", "closed": True}]}, {"dates.0.date"}),
        ({"dates": [{"date": "2026-06-02", "closed": True, "start": "08:00"}]}, {"dates.0.closed"}),
        ({"dates": [{"date": "2026-06-02"}]}, {"dates.0.start"}),
        ({"dates": [{"date": "2026-06-02", "start": "08:00"}]}, {"dates.0.end"}),
        ({"dates": [{"date": "2026-06-02", "closed": 1}]}, {"dates.0.closed"}),
    ],
)
def test_what_is_wrong_in_an_agenda_is_named(change: dict[str, Any], fields: set[str]) -> None:
    assert wrong(AgendaReplacement, {**AGENDA, **change}).keys() == fields


@pytest.mark.parametrize("rules", ["weekly", "dates"])
def test_overlapping_windows_keep_their_own_code(rules: str) -> None:
    day = {"weekday": "monday"} if rules == "weekly" else {"date": "2026-06-02"}
    windows = [{**day, "start": "08:00", "end": "10:00"}, {**day, "start": "09:55", "end": "11:00"}]
    with pytest.raises(OverlappingWindowsError) as refused:
        parse(AgendaReplacement, {"time_zone": "UTC", rules: windows})
    assert [field for field, _ in refused.value.fields] == [rules]


def test_a_block_ends_after_it_starts() -> None:
    start, end = "2026-06-02T08:01:00-03:00", "2026-06-02T12:00:00Z"
    block = parse(BlockCreation, {"start": start, "end": end})
    assert block.to_interval() == Interval(
        datetime(2026, 6, 2, 11, 1, tzinfo=UTC), datetime(2026, 6, 2, 12, tzinfo=UTC)
    )
    assert not block.cancel_appointments
    assert wrong(BlockCreation, {"start": end, "end": start}).keys() == {"end"}


@pytest.mark.parametrize(
    "instant",
    ["2026-06-02T08:00:00", "2026-06-02", "tomorrow", "2026-06-02T25:00:00Z", "0001-01-01T00:00:00Z", 1780000000],
)
def test_an_instant_has_an_offset_and_lies_in_the_calendar(instant: object) -> None:
    assert wrong(AppointmentRequest, {"doctor_id": "d", "start": instant}).keys() == {"start"}
    assert wrong(Rescheduling, {"start": instant}).keys() == {"start"}


def test_the_small_requests_are_read() -> None:
    asked = parse(AppointmentRequest, {"doctor_id": "d1", "start": "2026-06-02T08:00:00Z", "reason": " cough "})
    assert (asked.doctor_id, asked.reason) == ("d1", "cough")
    assert parse(Acceptance, {"rev": 2}).rev == 2
    assert parse(Refusal, {}).reason is None
    assert parse(Cancellation, {"reason": "away that day"}).reason == "away that day"
    assert parse(ProposalAnswer, {"proposal_id": "p1"}).proposal_id == "p1"
    assert parse(VerificationDecision, {"decision": "approve"}).reason is None


@pytest.mark.parametrize(
    ("model", "data", "field"),
    [
        (Acceptance, {"rev": True}, "rev"),
        (Acceptance, {"rev": "1"}, "rev"),
        (Cancellation, {"reason": "no"}, "reason"),
        (Cancellation, {"reason": "x" * 501}, "reason"),
        (Refusal, {"reason": "x" * 501}, "reason"),
        (ProposalAnswer, {"proposal_id": "../etc"}, "proposal_id"),
        (VerificationDecision, {"decision": "promote"}, "decision"),
        (AppointmentRequest, {"doctor_id": "", "start": "2026-06-02T08:00:00Z"}, "doctor_id"),
    ],
)
def test_the_small_requests_name_what_is_wrong(model: Any, data: dict[str, Any], field: str) -> None:
    assert wrong(model, data).keys() == {field}


@pytest.mark.parametrize("data", [None, 7, "text", [], [{}]])
def test_a_body_is_an_object(data: object) -> None:
    assert wrong(Acceptance, data) == {"body": "must be an object"}


def test_queries_are_read_from_strings() -> None:
    slots = parse(SlotsQuery, {"from": "2026-06-02T00:00:00Z", "to": "2026-06-03T00:00:00Z"})
    assert slots.to_interval().length == timedelta(days=1)
    assert parse(AppointmentsQuery, {}).to_interval() is None
    later = parse(AppointmentsQuery, {"from": "2026-06-02T00:00:00Z", "status": ["requested", "expired"]})
    assert later.status == (Status.REQUESTED, Status.EXPIRED)
    assert later.to_interval() == Interval(datetime(2026, 6, 2, tzinfo=UTC), LAST)
    earlier = parse(AppointmentsQuery, {"to": "2026-06-02T00:00:00Z"})
    assert earlier.to_interval() == Interval(FIRST, datetime(2026, 6, 2, tzinfo=UTC))
    assert parse(DoctorsQuery, {"name": " ana "}).name == "ana"
    assert parse(DoctorQueueQuery, {"status": "approved"}).status is DoctorStatus.APPROVED


def test_a_query_that_cannot_be_is_refused_by_name() -> None:
    backwards = {"from": "2026-06-03T00:00:00Z", "to": "2026-06-02T00:00:00Z"}
    assert wrong(SlotsQuery, backwards) == {"to": "must be after from"}
    assert wrong(AppointmentsQuery, backwards) == {"to": "must be after from"}
    assert wrong(SlotsQuery, {}) == {"from": "is required", "to": "is required"}
    assert wrong(AppointmentsQuery, {"status": ["done"]}).keys() == {"status.0"}
    assert wrong(DoctorsQuery, {"specialty": "astrology"}).keys() == {"specialty"}


def test_a_sign_in_is_taken_as_it_is_and_never_shown() -> None:
    tried = parse(SignIn, {"login": " 123456-sp ", "password": "\0 short"})
    assert (tried.login, tried.password) == (" 123456-sp ", "\0 short")
    assert "short" not in repr(tried)
    assert "123456" not in repr(tried)
    change = parse(PasswordChange, {"current": "x", "new": a_password().secret})
    assert (change.current, change.new) == ("x", a_password())
    assert parse(Refreshing, {"refresh_token": "s.1.mac"}).refresh_token == "s.1.mac"
    asked = parse(PasswordResetRequest, {"login": " ana@example.org "})
    assert asked.login == " ana@example.org "
    assert "ana" not in repr(asked)
    confirmed = parse(PasswordResetConfirmation, {"token": "hush", "password": a_password().secret})
    assert (confirmed.token, confirmed.password) == ("hush", a_password())
    assert "hush" not in repr(confirmed)


@pytest.mark.parametrize("text", ["", "x" * 5000, "\ud800", None, 7])
def test_what_cannot_be_a_login_a_password_or_a_token_is_named(text: object) -> None:
    assert wrong(SignIn, {"login": text, "password": text}).keys() == {"login", "password"}
    assert wrong(PasswordChange, {"current": text, "new": text}).keys() == {"current", "new"}
    assert wrong(Refreshing, {"refresh_token": text}).keys() == {"refresh_token"}
    assert wrong(PasswordResetRequest, {"login": text}).keys() == {"login"}
    assert wrong(PasswordResetConfirmation, {"token": text, "password": text}).keys() == {"token", "password"}


def test_a_patch_changes_only_what_was_sent() -> None:
    assert parse(DoctorPatch, {}).changes() == {}
    assert parse(DoctorPatch, {"address": None, "price_cents": 0, "location": {"lat": 1, "lon": 2}}).changes() == {
        "location": GeoPoint(1, 2),
        "address": None,
        "price_cents": 0,
    }
    assert parse(DoctorPatch, {"name": " Ana  Reis ", "specialties": ["urology"]}).changes() == {
        "name": "Ana Reis",
        "specialties": (Specialty.UROLOGY,),
    }
    assert parse(PatientPatch, {"location": None}).changes() == {"location": None}
    assert parse(PatientPatch, {"location": {"lat": 1, "lon": 2}}).changes() == {"location": GeoPoint(1, 2)}
    assert parse(AdministratorPatch, {"time_zone": "UTC", "language": "en"}).changes() == {
        "time_zone": "UTC",
        "language": Language.ENGLISH,
    }


@pytest.mark.parametrize("model", [DoctorPatch, PatientPatch, AdministratorPatch])
def test_a_patch_takes_null_only_where_something_can_be_removed(model: Any) -> None:
    kept = {"address"} if model is DoctorPatch else {"location"} if model is PatientPatch else set()
    assert wrong(model, dict.fromkeys(model.model_fields)).keys() == model.model_fields.keys() - kept


def test_a_patch_has_only_the_fields_of_its_role() -> None:
    everything = {"email": "x", "crm": "x", "cpf": "x", "status": "approved", "rev": 1, "birth_date": "1990-01-01"}
    assert wrong(DoctorPatch, everything).keys() == everything.keys()
    assert wrong(PatientPatch, {"price_cents": 1, "address": None}).keys() == {"price_cents", "address"}
    assert wrong(AdministratorPatch, {"name": "Ana Lima"}).keys() == {"name"}


def test_the_parameters_of_a_url_are_read() -> None:
    query = parse_query(AppointmentsQuery, [("status", "requested"), ("limit", "7"), ("status", "expired")])
    assert (query.status, query.limit, query.cursor) == ((Status.REQUESTED, Status.EXPIRED), 7, None)
    assert parse_query(BlocksQuery, []).limit == 20
    assert parse_query(DoctorsQuery, [("available", "any"), ("cursor", "c~!")]).cursor == "c~!"


def unread(model: Any, *pairs: tuple[str, str]) -> dict[str, str]:
    with pytest.raises(InvalidError) as refused:
        parse_query(model, pairs)
    return dict(refused.value.fields)


def test_a_parameter_that_comes_twice_is_named_also_when_it_says_the_same() -> None:
    pairs = [("limit", "5"), ("from", "x"), ("limit", "5"), ("a b", "1"), ("a b", "2")]
    assert unread(AppointmentsQuery, *pairs) == {"limit": "is given more than once", "?": "is given more than once"}


@pytest.mark.parametrize("name", ["specialty", "name", "available", "limit"])
def test_an_empty_parameter_is_not_an_absent_one(name: str) -> None:
    assert unread(DoctorsQuery, (name, "")).keys() == {name}
    assert unread(AppointmentsQuery, ("status", ""), ("from", ""), ("to", "")).keys() == {"status.0", "from", "to"}


@pytest.mark.parametrize("limit", ["0", "101", "-1", "+5", " 5", "5.0", "05", "1e1", "٥", "x", "9" * 5000])
def test_a_limit_is_a_whole_number_from_1_to_100(limit: str) -> None:
    assert unread(BlocksQuery, ("limit", limit)) == {"limit": "must be a whole number from 1 to 100"}
    assert [parse_query(BlocksQuery, [("limit", good)]).limit for good in ("1", "100")] == [1, 100]


@pytest.mark.parametrize("cursor", ["", "a b", "é", "x" * 1025, "\n"])
def test_a_cursor_that_cannot_be_ours_is_said_to_be_no_cursor(cursor: str) -> None:
    with pytest.raises(InvalidCursorError) as refused:
        parse_query(BlocksQuery, [("cursor", cursor)])
    assert [field for field, _ in refused.value.fields] == ["cursor"]
    assert type(refused.value) is InvalidCursorError


def test_filters_that_are_not_there_yet_are_unknown_parameters() -> None:
    later = ["lat", "lon", "radius_km", "min_rating", "max_price_cents", "available_from", "available_to", "sort"]
    assert unread(DoctorsQuery, *((name, "1") for name in later)) == dict.fromkeys(
        later, "is not a field of this request"
    )
    assert unread(DoctorsQuery, ("available", "all")) == {"available": "must be one of any"}


def test_a_json_body_is_read() -> None:
    assert parse_json(Acceptance, b'{"rev": 3}').rev == 3
    assert load_json(json.dumps([1.5, None, True, "é"]).encode()) == [1.5, None, True, "é"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"rev": 1, "rev": 2}',
        b'{"rev": NaN}',
        b'{"rev": -Infinity}',
        b'{"rev": ' + b"9" * 5000 + b"}",
        b'{"rev": "\\ud800"}',
        b'{"\\udfff": 1}',
        b"[" * 33 + b"]" * 33,
        b'{"a":' * 100_000,
    ],
)
def test_what_is_no_json_that_can_be_kept_is_refused_as_a_body(raw: bytes) -> None:
    assert unreadable(raw) == {"body": "is not JSON that can be read here"}


def test_a_body_over_one_mebibyte_is_refused_unread() -> None:
    assert load_json(b" " * (MOST_BYTES - 1) + b"1") == 1
    assert unreadable(b" " * MOST_BYTES + b"1") == {"body": "is larger than 1 MiB"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from([*DOCTOR, *PATIENT, *AGENDA, "?"]), JSON) | JSON)
def test_whatever_is_sent_is_read_or_refused_as_invalid(data: Any) -> None:
    for model in (DoctorRegistration, PatientRegistration, AgendaReplacement, BlockCreation):
        with pytest.raises(InvalidError):
            parse(model, {**data, "unknown": 1} if isinstance(data, dict) else data)
