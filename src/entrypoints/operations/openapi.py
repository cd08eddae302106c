"""The OpenAPI document, made of the operations alone."""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

from entrypoints.operations.answering import JSON, KEY_HEADER, LONGEST_KEY, REPLAYED_HEADER
from entrypoints.operations.components import Components, Json, components_of
from entrypoints.operations.operation import SIGNED_IN, Operation
from entrypoints.operations.refusals import (
    HEADERS,
    REQUEST_ID,
    examples_of,
    refusals_of,
    responses_of,
    shapes_of,
    shared,
)
from telemed_core.messages.fields import Request
from telemed_core.messages.schemas import ID_PATTERN
from telemed_core.messages.views import View

_ABOUT: Final = """\
Doctors, agendas and appointments that cannot be double-booked.

Every answer carries `X-Request-Id`. Refusals are `application/problem+json` (RFC 9457) with a stable `code`; those of
input name every wrong field. Instants are sent with an offset and answered in UTC. Absent values are `null`, never left
out. A path that is not here is 404 `not_found`, a method that is not here 405 `method_not_allowed`.
"""
_ANYONE: Final = "For anyone."
_PARAMETER: Final = re.compile(r"\{(\w+)\}")
_SECURITY: Final[Json] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The `access_token` of `POST /v1/auth/token`.",
    }
}


def document(operations: Sequence[Operation], *, version: str, server_url: str | None = None) -> Json:
    """The OpenAPI 3.1 document of these operations; the same operations make the same document."""
    refusals = [refusal for one in operations for refusal in refusals_of(one)]
    components = components_of(
        [request for one in operations for request in (*_bodies(one), *([one.query] if one.query else []))],
        [*shapes_of(refusals), *(view for one in operations for view in _views(one))],
    )
    paths: dict[str, Json] = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, components)
    responses = shared(described["responses"] for path in paths.values() for described in path.values())
    queries = {components.reference(one.query)["$ref"].rpartition("/")[2] for one in operations if one.query}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Telemed",
            "version": version,
            "description": _ABOUT,
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": server_url or "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(one.tag for one in operations)],
        "paths": paths,
        "components": {
            # What a query is made of stands in the parameters.
            "schemas": {name: components.schemas[name] for name in sorted(components.schemas.keys() - queries)},
            "responses": responses,
            "headers": HEADERS,
            "examples": examples_of(refusals),
            "securitySchemes": _SECURITY,
        },
    }


def _operation(one: Operation, components: Components) -> Json:
    described: Json = {
        "operationId": one.name,
        "summary": one.about,
        "description": "\n\n".join(filter(None, (_who(one), one.details))),
        "tags": [one.tag],
        "security": [] if one.roles is None else [{"bearer": []}],
    }
    parameters = [*_path_parameters(one), *_query_parameters(one, components), *_header_parameters(one)]
    if parameters:
        described["parameters"] = parameters
    bodies = _bodies(one)
    if bodies:
        described["requestBody"] = {
            "required": all("required" in components.schema(body) for body in bodies),
            "content": {JSON: {"schema": _one_of(bodies, components)}},
        }
    described["responses"] = {str(one.status): _success(one, components), **responses_of(refusals_of(one))}
    return described


def _who(one: Operation) -> str:
    if one.roles is None:
        return _ANYONE
    if one.roles == SIGNED_IN:
        return "For everyone who is signed in."
    return f"For {' and '.join(f'{role}s' for role in sorted(one.roles, reverse=True))}."


def _bodies(one: Operation) -> tuple[type[Request], ...]:
    if isinstance(one.body, Mapping):
        return tuple(dict.fromkeys(one.body.values()))
    return (one.body,) if one.body else ()


def _views(one: Operation) -> tuple[type[View], ...]:
    if isinstance(one.view, tuple):
        return one.view
    return (one.view,) if one.view else ()


def _one_of(models: Sequence[type[Request]] | Sequence[type[View]], components: Components) -> Json:
    references = [components.reference(model) for model in models]
    return references[0] if len(references) == 1 else {"anyOf": references}


def _path_parameters(one: Operation) -> list[Json]:
    schema = {"type": "string", "pattern": ID_PATTERN}
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in _PARAMETER.findall(one.path)]


def _query_parameters(one: Operation, components: Components) -> list[Json]:
    if not one.query:
        return []
    query = components.schema(one.query)
    required = query.get("required", [])
    return [_query_parameter(name, schema, name in required) for name, schema in query.get("properties", {}).items()]


def _query_parameter(name: str, schema: Json, required: bool) -> Json:  # noqa: FBT001 # a keyword of the format
    # A URL has no null, and what is left out has no value.
    shown = {key: value for key, value in schema.items() if not (key == "default" and not value)}
    shown.update(next((choice for choice in shown.pop("anyOf", []) if choice.get("type") != "null"), {}))
    parameter: Json = {"name": name, "in": "query", "required": required}
    if about := shown.pop("description", None):
        parameter["description"] = about
    if shown.get("type") == "array":
        parameter |= {"style": "form", "explode": True}
    return {**parameter, "schema": shown}


def _header_parameters(one: Operation) -> list[Json]:
    found = [
        {"name": name, "in": "header", "required": False, "description": _sentence(about), "schema": {"type": "string"}}
        for name, about in one.request_headers.items()
    ]
    if one.replay:
        found.append(
            {
                "name": KEY_HEADER,
                "in": "header",
                "required": False,
                "description": "Sent again within 24 hours, the same request answers what it answered, and acts once.",
                "schema": {"type": "string", "pattern": f"^[!-~]{{1,{LONGEST_KEY}}}$"},
            }
        )
    return found


def _success(one: Operation, components: Components) -> Json:
    told = dict(one.answer_headers)
    if one.replay:
        told[REPLAYED_HEADER] = "`true` where the key was used before, and nothing was done again"
    headers = {name: {"description": _sentence(about), "schema": {"type": "string"}} for name, about in told.items()}
    response: Json = {"description": HTTPStatus(one.status).phrase, "headers": {**REQUEST_ID, **headers}}
    views = _views(one)
    if views:
        response["content"] = {JSON: {"schema": _one_of(views, components)}}
    if one.media_type:
        response["content"] = {one.media_type.partition(";")[0]: {"schema": {"type": "string"}}}
    if one.links:
        response["links"] = {
            target: {"operationId": target, "parameters": {"id": f"$response.body#/{field}"}}
            for target, field in one.links.items()
        }
    return response


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:].rstrip('.')}."
