"""What botocore's model says of Chime's requests and answers, held against real ones to the letter."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import attrs
import botocore.session
from botocore.awsrequest import prepare_request_dict
from botocore.serialize import create_serializer

SERVICE = "chime-sdk-meetings"

_HOST = "http://127.0.0.1"

_EXTERNAL = re.compile(r"(?!(?i:aws:))[-_&@+=,(){}\[\]/«».:|'\"#a-zA-Z0-9À-ÿ \t\n\x0b\f\r]*").fullmatch
"""What the model's documentation says of external ids, and its shapes do not."""
_EXTERNALS = frozenset({"ExternalUserId", "ExternalMeetingId"})
_MEASURED = frozenset({"string", "list", "integer"})
_KINDS: Mapping[str, type] = {"string": str, "structure": dict, "list": list, "boolean": bool, "integer": int}
_SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 Credential=[^/]+/[0-9]{8}/(?P<region>[a-z0-9-]+)/chime/aws4_request, "
    r"SignedHeaders=[a-z0-9;-]*\bhost\b[a-z0-9;-]*, Signature=[0-9a-f]{64}"
).fullmatch


class NotInTheModelError(Exception):
    """A request, or an answer of ours, that the model does not have."""


@cache
def model() -> Any:
    return botocore.session.get_session().get_service_model(SERVICE)


def regions() -> frozenset[str]:
    """The media regions that the model's documentation lists."""
    about = model().operation_model("CreateMeeting").input_shape.members["MediaRegion"].documentation
    return frozenset(re.findall(r"<code>([a-z]+(?:-[a-z]+)+-[0-9])</code>", about))


@attrs.frozen
class Asked:
    """A request as it came, and what it asks for."""

    operation: str
    members: Mapping[str, Any]
    method: str
    target: str
    body: bytes
    region: str


def read(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Asked:
    """What a request asks for.

    Raises:
        NotInTheModelError: it is anything but what the model says, and botocore would write.
    """
    signed = _SIGNED(headers.get("Authorization", ""))
    if signed is None:
        raise NotInTheModelError("not signed for Chime")
    operation, members = _parts(method, target, body)
    _check(operation.input_shape, members, operation.name)
    if members.get("MediaRegion", "us-east-1") not in regions():
        raise NotInTheModelError("no region of Chime's")
    written = create_serializer(model().resolved_protocol).serialize_to_request(members, operation)
    prepare_request_dict(written, endpoint_url=_HOST)
    if (method, _HOST + target, body) != (written["method"], written["url"], written["body"]):
        raise NotInTheModelError(f"{operation.name} is not written as botocore writes it")
    if written["body"] and headers.get("Content-Type") != "application/json":
        raise NotInTheModelError("a body that is not called JSON")
    return Asked(operation.name, members, method, target, body, signed["region"])


def answer(operation: str, told: Mapping[str, Any]) -> tuple[int, bytes]:
    """The status and the body of an answer, of the members that are told.

    Raises:
        NotInTheModelError: the operation does not answer this.
    """
    shaped = model().operation_model(operation)
    if shaped.output_shape is None:
        return shaped.http["responseCode"], b""
    _check(shaped.output_shape, told, operation)
    return shaped.http.get("responseCode", HTTPStatus.OK), json.dumps(told).encode()


def refusal(operation: str, code: str) -> tuple[int, bytes]:
    """The status and the body of a refusal.

    Raises:
        NotInTheModelError: the operation does not refuse like this.
    """
    for shape in model().operation_model(operation).error_shapes:
        if shape.name == code:
            told = {"Code": code.removesuffix("Exception"), "Message": "no", "RequestId": "1"}
            _check(shape, told, code)
            return shape.metadata["error"]["httpStatusCode"], json.dumps(told).encode()
    raise NotInTheModelError(f"{operation} is never refused with {code}")


def _parts(method: str, target: str, body: bytes) -> tuple[Any, dict[str, Any]]:
    address = urlsplit(target)
    for operation, labels in _of(method, address.path):
        shape = operation.input_shape
        in_query = {
            one.serialization["name"]: (name, one)
            for name, one in shape.members.items()
            if one.serialization.get("location") == "querystring"
        }
        members: dict[str, Any] = {name: unquote(label) for name, label in labels.items()}
        for key, value in parse_qsl(address.query, keep_blank_values=True, strict_parsing=bool(address.query)):
            if key not in in_query:
                raise NotInTheModelError(f"{operation.name} has no {key}")
            name, member = in_query[key]
            members[name] = int(value) if member.type_name == "integer" else value
        in_body = json.loads(body) if body else {}
        elsewhere = {name for name, one in shape.members.items() if "location" in one.serialization}
        if not isinstance(in_body, dict) or elsewhere & in_body.keys():
            raise NotInTheModelError(f"{operation.name} has another body")
        return operation, members | in_body
    raise NotInTheModelError(f"no operation {method} {address.path}")


def _of(method: str, path: str) -> Iterator[tuple[Any, Mapping[str, str]]]:
    for name in model().operation_names:
        operation = model().operation_model(name)
        bare, _, query = operation.http["requestUri"].partition("?")
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(bare))
        found = re.fullmatch(pattern, path)
        if found and operation.http["method"] == method and not query:
            yield operation, found.groupdict()


def _check(shape: Any, value: Any, where: str) -> None:
    kind, rules = shape.type_name, shape.metadata
    if not _is(kind, value):
        raise NotInTheModelError(f"{where} is no {kind}")
    if kind == "structure":
        missing, unknown = set(shape.required_members) - value.keys(), value.keys() - shape.members.keys()
        if missing or unknown:
            raise NotInTheModelError(f"{where} lacks {sorted(missing)}, or has {sorted(unknown)} too many")
        for name, one in value.items():
            _check(shape.members[name], one, f"{where}.{name}")
    elif kind == "list":
        for one in value:
            _check(shape.member, one, f"{where}[]")
    elif kind == "string":
        _check_text(shape, value, where)
    if kind in _MEASURED:
        size = value if kind == "integer" else len(value)
        if not rules.get("min", 0) <= size <= rules.get("max", size):
            raise NotInTheModelError(f"{where} is too short or too long")


def _is(kind: str, value: object) -> bool:
    """True is no whole number here."""
    return type(value) is _KINDS[kind]


def _check_text(shape: Any, text: str, where: str) -> None:
    fits = re.fullmatch(shape.metadata.get("pattern", r"(?s:.*)"), text) and (not shape.enum or text in shape.enum)
    if not fits or (shape.name in _EXTERNALS and not _EXTERNAL(text)):
        raise NotInTheModelError(f"{where} is written otherwise")
