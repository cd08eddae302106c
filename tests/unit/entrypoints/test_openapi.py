"""The OpenAPI document: made of the operations alone, with everything that each can answer."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31

from entrypoints.cli.contract import openapi
from entrypoints.cli.running import run
from entrypoints.failures import status_of
from entrypoints.operations.all_operations import OPERATIONS
from entrypoints.operations.openapi import document
from entrypoints.operations.operation import ANYONE, DOCTORS, SIGNED_IN, Operation
from telemed_core.domain.people import Role
from telemed_core.domain.status import Status
from telemed_core.errors import (
    DeadlinePassedError,
    InvalidCredentialsError,
    JoinWindowClosedError,
    SlotTakenError,
    StaleVersionError,
    TooManyAttemptsError,
    VersionRequiredError,
)
from telemed_core.messages.account_views import (
    AdministratorView,
    DoctorCardView,
    OwnDoctorView,
    PatientView,
)
from telemed_core.messages.appointment_view import AppointmentView
from telemed_core.messages.fields import Request
from telemed_core.messages.parsing import parse
from telemed_core.messages.profiles import AdministratorPatch, DoctorPatch, PatientPatch
from telemed_core.messages.queries import AppointmentsQuery, DoctorsQuery
from telemed_core.messages.requests import Cancellation, Refusal
from telemed_core.messages.sign_in import SignIn, TokenView
from telemed_core.messages.views import Page

ROOT = Path(__file__).parents[3]


def op(name: str, method: Any, path: str, **more: Any) -> Operation:
    facts: dict[str, Any] = {"about": "Something.", "tag": "things", "roles": SIGNED_IN, "act": lambda _: None}
    return Operation(name=name, method=method, path=path, **{**facts, **more})


CANCEL = op(
    "cancel",
    "POST",
    "/v1/things/{id}/cancel",
    roles=DOCTORS,
    body=Cancellation,
    view=AppointmentView,
    refusals=(DeadlinePassedError, SlotTakenError),
    replay=lambda _, __: None,
    links={"show": "id"},
)
SHOW = op("show", "GET", "/v1/things/{id}", view=AppointmentView)
LIST = op("list", "GET", "/v1/things", query=AppointmentsQuery, view=Page[AppointmentView])
SEARCH = op("search", "GET", "/v1/doctors", query=DoctorsQuery, view=Page[DoctorCardView])
SIGN_IN = op(
    "sign_in",
    "POST",
    "/v1/auth/token",
    roles=ANYONE,
    body=SignIn,
    view=TokenView,
    refusals=(InvalidCredentialsError, TooManyAttemptsError),
)
CHANGE = op(
    "change",
    "PATCH",
    "/v1/me",
    body={Role.PATIENT: PatientPatch, Role.DOCTOR: DoctorPatch, Role.ADMINISTRATOR: AdministratorPatch},
    view=(PatientView, OwnDoctorView, AdministratorView),
)
REPLACE = op(
    "replace",
    "PUT",
    "/v1/agenda",
    refusals=(VersionRequiredError, StaleVersionError),
    request_headers={"If-Match": "the ETag of what is replaced"},
    answer_headers={"ETag": "the version"},
)
REFUSE = op("refuse", "POST", "/v1/things/{id}/refuse", body=Refusal, status=204)
FILE = op("file", "GET", "/v1/things/{id}/calendar.ics", media_type="text/calendar; charset=utf-8")
JOIN = op(
    "join",
    "POST",
    "/v1/things/{id}/join",
    details="Be *there*.",
    refusals=(JoinWindowClosedError, SlotTakenError),
)
FEW = (JOIN, CANCEL, SHOW, LIST, SEARCH, SIGN_IN, CHANGE, REPLACE, REFUSE, FILE)
MADE = document(FEW, version="1.2.3", server_url="https://clinic.example")
WHOLE = document(OPERATIONS, version="1")


def described(one: Operation, whole: dict[str, Any] = MADE) -> dict[str, Any]:
    found: dict[str, Any] = whole["paths"][one.path][one.method.lower()]
    return found


def resolved(node: Any, whole: dict[str, Any] = MADE) -> Any:
    while isinstance(node, dict) and "$ref" in node:
        reference = node["$ref"]
        node = whole
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
    return node


def codes(one: Operation, status: int, whole: dict[str, Any] = MADE) -> list[str]:
    response = resolved(described(one, whole)["responses"].get(str(status), {}), whole)
    if not response:
        return []
    content = response["content"]["application/problem+json"]
    assert [*content["examples"]] == content["schema"]["allOf"][1]["properties"]["code"]["enum"]
    return [*content["examples"]]


def parameters(one: Operation) -> dict[str, Any]:
    return {parameter["name"]: parameter for parameter in described(one)["parameters"]}


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for inner in node.values():
            yield from references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from references(inner)


@pytest.mark.parametrize("whole", [MADE, WHOLE], ids=["few", "all"])
def test_the_document_is_openapi_3_1_and_every_reference_leads_somewhere(whole: dict[str, Any]) -> None:
    jsonschema_rs.validator_for(OPENAPI_31).validate(whole)
    assert all(resolved({"$ref": reference}, whole) for reference in {*references(whole)})
    for schema in whole["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})


def test_the_same_operations_make_the_same_document() -> None:
    assert json.dumps(document(FEW, version="1.2.3", server_url="https://clinic.example")) == json.dumps(MADE)
    assert (MADE["info"]["version"], MADE["servers"]) == ("1.2.3", [{"url": "https://clinic.example"}])


def test_every_operation_is_described_once_with_a_name_of_its_own() -> None:
    names = [one["operationId"] for path in WHOLE["paths"].values() for one in path.values()]
    assert sorted(names) == sorted(one.name for one in OPERATIONS)
    assert len({*names}) == len(names)
    assert {(one.path, one.method.lower()) for one in OPERATIONS} == {
        (path, method) for path, methods in WHOLE["paths"].items() for method in methods
    }


def test_every_refusal_of_every_operation_is_listed_under_its_status() -> None:
    missing = [
        (one.name, kind.code)
        for one in OPERATIONS
        for kind in one.refusals
        if kind.code not in codes(one, status_of(kind), WHOLE)
    ]
    assert missing == []


def test_links_lead_to_operations_by_a_field_of_the_answer() -> None:
    by_name = {one.name: one for one in OPERATIONS}
    for one in OPERATIONS:
        links = described(one, WHOLE)["responses"][str(one.status)].get("links", {})
        assert {*links} == {*one.links}
        for target, field in one.links.items():
            assert "{id}" in by_name[target].path
            views = one.view if isinstance(one.view, tuple) else (one.view,)
            assert all(view and field in view.model_fields for view in views)
            assert links[target] == {"operationId": target, "parameters": {"id": f"$response.body#/{field}"}}


def test_what_an_operation_takes_decides_how_it_can_be_refused() -> None:
    assert codes(CANCEL, 401) == ["unauthenticated"]
    assert codes(CANCEL, 403) == ["forbidden"]
    assert codes(CANCEL, 404) == ["not_found"]
    assert codes(CANCEL, 408) == ["request_timeout"]
    assert codes(CANCEL, 409) == ["deadline_passed", "slot_taken"]
    assert codes(CANCEL, 413) == ["body_too_large"]
    assert codes(CANCEL, 422) == ["idempotency_key_reused", "invalid_request"]
    assert codes(CANCEL, 429) == ["too_many_requests"]
    assert codes(CANCEL, 500) == ["internal"]
    assert codes(CANCEL, 503) == ["busy", "dependency_unavailable"]
    assert [*described(SHOW)["responses"]] == ["200", "401", "404", "422", "429", "500", "503"]
    assert [*described(LIST)["responses"]] == ["200", "401", "422", "429", "500", "503"]
    assert codes(LIST, 422) == ["invalid_cursor", "invalid_request"]
    assert codes(SIGN_IN, 401) == ["invalid_credentials"]
    assert codes(SIGN_IN, 429) == ["too_many_attempts", "too_many_requests"]
    assert (codes(REPLACE, 412), codes(REPLACE, 428)) == (["stale_version"], ["version_required"])


def test_refusals_say_how_to_sign_in_and_when_to_come_back() -> None:
    def told(one: Operation, status: int) -> dict[str, bool]:
        headers = resolved(described(one)["responses"][str(status)])["headers"]
        return {name: resolved(header).get("required", False) for name, header in headers.items()}

    assert told(SHOW, 401) == {"X-Request-Id": True, "WWW-Authenticate": True}
    assert told(SHOW, 429) == {"X-Request-Id": True, "Retry-After": True}
    assert told(SHOW, 503) == {"X-Request-Id": True, "Retry-After": False}
    assert told(SHOW, 404) == told(SHOW, 200) == {"X-Request-Id": True}
    assert told(REPLACE, 200) == {"X-Request-Id": True, "ETag": False}
    assert told(CANCEL, 200) == {"X-Request-Id": True, "Idempotency-Replayed": False}


def test_every_code_has_an_example_that_is_a_problem_of_its_status() -> None:
    problem = {"$ref": "#/components/schemas/Problem", "components": WHOLE["components"]}
    looked_at: list[Any] = []
    for path in WHOLE["paths"].values():
        for one in path.values():
            for status, response in one["responses"].items():
                content = resolved(response, WHOLE).get("content", {}).get("application/problem+json")
                for code in content["examples"] if content else ():
                    value = WHOLE["components"]["examples"][code]["value"]
                    assert (str(value["status"]), value["code"]) == (status, code)
                    assert (value["errors"] is not None) == (status == "422")
                    assert ("opens_at" in value) == (code == "join_window_closed")
                    if (content["schema"], code) not in looked_at:
                        looked_at.append((content["schema"], code))
                        jsonschema_rs.validate({**content["schema"], "components": WHOLE["components"]}, value)
    for example in WHOLE["components"]["examples"].values():
        jsonschema_rs.validate(problem, example["value"])


def test_who_comes_too_early_is_told_when_to_come_and_the_schema_of_that_operation_says_so() -> None:
    response = resolved(described(JOIN)["responses"]["409"])
    content = response["content"]["application/problem+json"]
    schema = {**content["schema"], "components": MADE["components"]}
    told = resolved(content["examples"]["join_window_closed"])["value"]
    assert told["opens_at"] == "2026-06-01T14:50:00Z"
    assert jsonschema_rs.is_valid(schema, told)
    untold = {name: value for name, value in told.items() if name != "opens_at"}
    assert not jsonschema_rs.is_valid(schema, untold)
    assert jsonschema_rs.is_valid(schema, {**untold, "code": "slot_taken"})
    assert not jsonschema_rs.is_valid(schema, {**told, "code": "deadline_passed"})
    assert json.dumps(MADE["paths"]).count("JoinWindowClosedProblem") == 1
    assert "JoinWindowClosedProblem" not in document((SHOW,), version="1")["components"]["schemas"]


def test_what_a_reader_has_to_know_beyond_a_sentence_follows_who_may_call() -> None:
    assert described(JOIN)["description"] == "For everyone who is signed in.\n\nBe *there*."


def test_the_way_into_a_meeting_is_told_where_it_is_handed_out() -> None:
    (join,) = [one for one in OPERATIONS if one.name == "join_visit"]
    assert codes(join, 409, WHOLE) == ["invalid_transition", "join_window_closed"]
    told = WHOLE["paths"]["/v1/appointments/{id}/join"]["post"]["description"]
    for word in ("meeting.signalling", "hello", "candidate", "peer", "4401", "4404", "4409", "4410", "4429", "64 KiB"):
        assert word in told


def test_only_operations_for_somebody_ask_for_a_token() -> None:
    assert described(SIGN_IN)["security"] == []
    assert described(SHOW)["security"] == [{"bearer": []}]
    assert MADE["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert [described(one)["description"] for one in (SIGN_IN, SHOW, CANCEL)] == [
        "For anyone.",
        "For everyone who is signed in.",
        "For doctors.",
    ]


def test_parameters_are_told_as_a_url_and_headers_hold_them() -> None:
    assert parameters(SHOW)["id"]["in"] == "path"
    assert re.search(parameters(SHOW)["id"]["schema"]["pattern"], "a.b-c_1")
    listed = parameters(LIST)
    assert [*listed] == ["limit", "cursor", "status", "from", "to"]
    assert {parameter["required"] for parameter in listed.values()} == {False}
    assert (listed["limit"]["schema"]["default"], listed["limit"]["schema"]["maximum"]) == (20, 100)
    assert (listed["status"]["style"], listed["status"]["explode"]) == ("form", True)
    assert resolved(listed["status"]["schema"]["items"])["enum"] == [*Status]
    assert listed["from"]["schema"]["format"] == "date-time"
    assert "null" not in json.dumps(listed)
    assert resolved(parameters(SEARCH)["available"]["schema"])["enum"] == ["any"]
    assert not {"AppointmentsQuery", "DoctorsQuery"} & MADE["components"]["schemas"].keys()
    assert parameters(REPLACE)["If-Match"]["in"] == "header"
    key = re.compile(parameters(CANCEL)["Idempotency-Key"]["schema"]["pattern"]).search
    assert key("x" * 128)
    assert not key("x" * 129)
    assert not key("a b")


def test_a_body_is_required_where_it_has_a_field_that_is() -> None:
    assert described(CANCEL)["requestBody"]["required"] is True
    assert described(REFUSE)["requestBody"]["required"] is False
    assert described(CHANGE)["requestBody"]["required"] is False
    assert "requestBody" not in described(SHOW)
    assert "content" not in described(REFUSE)["responses"]["204"]


def test_a_file_is_told_by_its_media_type_alone() -> None:
    response = described(FILE)["responses"]["200"]
    assert response["content"] == {"text/calendar": {"schema": {"type": "string"}}}
    assert codes(FILE, 404) == ["not_found"]


def test_what_depends_on_the_role_is_any_of_its_shapes() -> None:
    body = described(CHANGE)["requestBody"]["content"]["application/json"]["schema"]
    view = described(CHANGE)["responses"]["200"]["content"]["application/json"]["schema"]
    assert [name["$ref"].rpartition("/")[2] for name in body["anyOf"]] == [
        "PatientPatch",
        "DoctorPatch",
        "AdministratorPatch",
    ]
    assert [name["$ref"].rpartition("/")[2] for name in view["anyOf"]] == ["Patient", "OwnDoctor", "Administrator"]


def test_schemas_have_names_for_people() -> None:
    names = WHOLE["components"]["schemas"].keys()
    assert {"Appointment", "AppointmentPage", "DoctorCardPage", "BlockPage", "Problem", "Specialty"} <= names
    assert [name for name in names if not re.fullmatch(r"([A-Z][a-z]+)+", name)] == []
    assert "``" not in json.dumps(WHOLE)


def test_bodies_made_of_the_examples_alone_are_read() -> None:
    bodies: list[type[Request]] = [one.body for one in OPERATIONS if isinstance(one.body, type)]
    assert len(bodies) > 8
    for model in bodies:
        schema = WHOLE["components"]["schemas"][model.__name__]
        body = {name: example(schema["properties"][name]) for name in schema.get("required", [])}
        if "end" in body:
            body["end"] = "2026-06-01T18:00:00Z"
        assert parse(model, body)


def example(schema: Any) -> Any:
    """A value as a reader of the document would choose one."""
    schema = resolved(schema, WHOLE)
    if "examples" in schema:
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    if schema["type"] == "array":
        return [example(schema["items"])]
    if schema["type"] == "object":
        return {name: example(schema["properties"][name]) for name in schema["required"]}
    return "x" * schema["minLength"]


def test_the_command_prints_the_committed_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(openapi, []) == 0
    assert capsys.readouterr().out == (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")
