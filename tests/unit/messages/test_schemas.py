"""Schemas: they say what the parsers hold to, so that what breaks them is refused."""

import inspect
from typing import Any

import jsonschema_rs
import pytest
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from telemed_core.errors import InvalidError
from telemed_core.messages import (
    agenda_view,
    appointment_view,
    meetings,
    notices,
    problems,
    profiles,
    queries,
    requests,
    sagas,
    sign_in,
    views,
)
from telemed_core.messages.fields import Location, Request
from telemed_core.messages.parsing import parse
from telemed_core.messages.views import Page, View


def models(base: type[BaseModel], *modules: Any) -> list[type[BaseModel]]:
    return [
        model
        for module in modules
        for name, model in sorted(vars(module).items())
        if inspect.isclass(model) and issubclass(model, base) and model.__module__ == module.__name__
        if model not in {base, Page} and not name.startswith("_")
    ]


REQUESTS = models(Request, requests, sign_in, profiles, queries, meetings, notices, sagas)
VIEWS = models(View, views, problems, sign_in, agenda_view, appointment_view, meetings, notices, sagas)
_, WHOLE = models_json_schema([*((one, "validation") for one in REQUESTS), *((one, "serialization") for one in VIEWS)])
DEFS: dict[str, Any] = WHOLE["$defs"]
DRAFT = "https://json-schema.org/draft/2020-12/schema"

GOOD: dict[str, Any] = {
    "DoctorRegistration": {
        "name": "Ana Lima",
        "crm": "123456-SP",
        "email": "ana@example.org",
        "cpf": "529.982.247-25",
        "password": "four loud herons at dawn",
        "specialties": ["cardiology"],
        "location": {"lat": -23.5, "lon": -46.6},
        "address": "Rua Augusta, 1500",
        "time_zone": "America/Sao_Paulo",
        "price_cents": 25_000,
        "language": "en",
    },
    "WeeklyRule": {"weekday": "monday", "start": "08:00", "end": "12:00"},
    "DateEntry": {"date": "2026-06-02", "closed": False, "start": "08:00", "end": "12:00"},
    "AgendaReplacement": {
        "time_zone": "UTC",
        "consultation_minutes": 50,
        "buffer_minutes": 10,
        "min_notice_minutes": 120,
        "horizon_days": 60,
    },
    "AppointmentRequest": {"doctor_id": "d1", "start": "2026-06-01T12:00:00-03:00", "reason": "cough"},
    "Acceptance": {"rev": 1},
    "Cancellation": {"reason": "away that day"},
    "SignIn": {"login": "123456-SP", "password": "four loud herons at dawn"},
    "Refreshing": {"refresh_token": "s.1.m"},
    "PasswordResetRequest": {"login": "123456-SP"},
    "PasswordResetConfirmation": {"token": "t", "password": "four loud herons at dawn"},
    "VisitRating": {"score": 5, "comment": "Took her time."},
    "OperatorsReason": {"reason": "the server is back"},
}
# Each with values at the edge that are read, and values just beyond it that are not.
EDGES: list[tuple[str, str, list[Any], list[Any]]] = [
    ("DoctorRegistration", "name", ["Al", "a" * 120], ["a", "a" * 121, "a\nb", "a\u202eb", "a\u0085b"]),
    (
        "DoctorRegistration",
        "crm",
        ["1-AC", "0000001-to", "9999999-Sp"],
        ["0-SP", "12345678-SP", "1-XX", "1-SPX", "SP-1"],
    ),
    (
        "DoctorRegistration",
        "email",
        ["a@b.co", " A.b+c@x-y.org "],
        ["a@b", "a..b@c.org", "@b.co", "a@-b.co", "a b@c.org"],
    ),
    ("DoctorRegistration", "cpf", ["52998224725", "529.982.247-25"], ["5299822472", "529.982.24725", "٥٢٩٩٨٢٢٤٧٢٥"]),
    ("DoctorRegistration", "password", ["é" * 12, "twelve\ncharacters", "x" * 128], ["x" * 11, "x" * 129, "\0" * 12]),
    ("DoctorRegistration", "specialties", [["urology"]], [[], ["urology", "urology"], ["astrology"]]),
    ("DoctorRegistration", "address", [None, "Rua"], ["R", "R" * 201]),
    (
        "DoctorRegistration",
        "time_zone",
        ["UTC", "America/Argentina/Ushuaia"],
        ["utc", "America/Sao Paulo", "../etc", ""],
    ),
    ("DoctorRegistration", "price_cents", [0, 100_000_000], [-1, 100_000_001, "1", 0.5, None]),
    ("DoctorRegistration", "language", ["pt-BR"], ["pt", "EN"]),
    ("DoctorRegistration", "location", [{"lat": 90, "lon": -180}], [{"lat": 90.1, "lon": 0}, {"lat": 0}, None]),
    ("WeeklyRule", "weekday", ["sunday"], ["Sunday", 0]),
    ("WeeklyRule", "start", ["00:00", "23:55"], ["8:00", "08:01", "24:05", "23:60"]),
    ("DateEntry", "date", ["1900-01-01", "2199-12-31"], ["1899-12-31", "2200-01-01", "2026-13-01", "2026-1-1"]),
    ("AgendaReplacement", "consultation_minutes", [5, 230], [0, 245, 7]),
    ("AgendaReplacement", "buffer_minutes", [0, 190], [-5, 240, 3]),
    ("AgendaReplacement", "min_notice_minutes", [0, 527_040], [-1, 527_041]),
    ("AgendaReplacement", "horizon_days", [1, 366], [0, 367]),
    ("AppointmentRequest", "doctor_id", ["a", "A.b_c-" + "d" * 58], ["", "-a", "a" * 65, "a/b"]),
    (
        "AppointmentRequest",
        "start",
        [
            "1990-01-01T00:00:00Z",
            "1989-12-31T23:00:00-01:00",
            "2199-12-31t23:59:59.999999999z",
            "2200-01-01T00:30:00+01:00",
        ],
        ["1988-12-31T23:00:00Z", "2201-01-01T00:00:00Z", "2026-06-01T12:00:00", "2026-06-01T24:00:00Z", "2026-06-01"],
    ),
    ("AppointmentRequest", "reason", ["", "a\nb", "x" * 500], ["x" * 501, "a\0b"]),
    ("Acceptance", "rev", [-(10**8), 10**8], [10**8 + 1, True, "1"]),
    ("Cancellation", "reason", ["abc", "x" * 500], ["ab", "x" * 501]),
    ("SignIn", "login", ["x", "x" * 254], ["", "x" * 255, 1]),
    ("SignIn", "password", ["x", "\0", "x" * 128], ["", "x" * 129]),
    ("Refreshing", "refresh_token", ["x", "é" * 4096], ["", "x" * 4097]),
    ("PasswordResetRequest", "login", ["x", "x" * 254], ["", "x" * 255, 1, None]),
    ("PasswordResetConfirmation", "token", ["x", "é" * 1024], ["", "x" * 1025, 1, None]),
    ("PasswordResetConfirmation", "password", ["x" * 12, "x" * 128], ["x" * 11, "x" * 129]),
    ("VisitRating", "score", [1, 5], [0, 6, 1.5, "5", True, None]),
    ("VisitRating", "comment", [None, "", "a\nb", "x" * 500], ["x" * 501, "a\0b", "a\u202eb", 5]),
    ("OperatorsReason", "reason", ["abc", "x" * 500], ["ab", "x" * 501, "a\0b"]),
]


def fits(schema: Any, value: Any) -> bool:
    """Whether the value is one of the schema."""
    return jsonschema_rs.is_valid({"$schema": DRAFT, "$defs": DEFS, **schema}, value)


def accepts(model: str, field: str, value: Any) -> bool:
    try:
        parse(next(one for one in REQUESTS if one.__name__ == model), {**GOOD[model], field: value})
    except InvalidError:
        return False
    return True


@pytest.mark.parametrize(("model", "field", "good", "bad"), EDGES)
def test_schema_and_parser_draw_the_same_line(model: str, field: str, good: list[Any], bad: list[Any]) -> None:
    schema = DEFS[model]["properties"][field]
    assert [(value, fits(schema, value), accepts(model, field, value)) for value in good] == [
        (value, True, True) for value in good
    ]
    assert [(value, fits(schema, value), accepts(model, field, value)) for value in bad] == [
        (value, False, False) for value in bad
    ]


def test_every_request_refuses_fields_it_does_not_know() -> None:
    assert {one.__name__ for one in REQUESTS if DEFS[one.__name__]["additionalProperties"] is not False} == set()


def test_every_field_of_a_request_says_what_it_holds_to() -> None:
    vague = [
        f"{one}.{name}"
        for one in [kind.__name__ for kind in REQUESTS] + [Location.__name__]
        for name, field in DEFS[one].get("properties", {}).items()
        for schema in field.get("anyOf", [field])
        if not {"$ref", "pattern", "enum", "minimum", "minLength", "items"} & schema.keys()
        if schema["type"] not in {"boolean", "null"}
    ]
    assert vague == []


def test_only_what_may_be_null_is_nullable() -> None:
    nullable = {
        name
        for model in ("DoctorPatch", "PatientPatch", "AdministratorPatch")
        for name, field in DEFS[model]["properties"].items()
        if fits(field, None)
    }
    assert nullable == {"address", "location"}
    assert not fits(DEFS["DoctorPatch"]["properties"]["location"], None)


def test_every_field_of_a_view_is_always_there() -> None:
    assert {one.__name__ for one in VIEWS if {*DEFS[one.__name__]["required"]} != {*one.model_fields}} == set()


def test_states_events_and_sides_are_told_apart_in_views() -> None:
    entry = DEFS["HistoryEntry"]["properties"]
    assert entry["event"]["enum"][:3] == ["requested", "moved", "confirmed"]
    assert len(entry["event"]["enum"]) == 14
    assert fits(entry["by"], "system")
    assert not fits(entry["by"], "nobody")
    assert entry["at"]["format"] == "date-time"
    assert fits(DEFS["AppointmentView"]["properties"]["status"], "no_show")


def test_examples_are_good_values() -> None:
    wrong = [
        f"{model}.{name}"
        for model, schema in DEFS.items()
        for name, field in schema.get("properties", {}).items()
        for choice in field.get("anyOf", [field])
        for example in choice.get("examples", [])
        if not fits(choice, example)
    ]
    assert wrong == []
