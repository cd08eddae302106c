"""Events as an HTTP API of API Gateway makes them of requests (payload format 2.0), and its reading of answers."""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

import attrs

_ESCAPES = re.compile(r"(?:%(?!25)[0-9A-Fa-f]{2})+")


def request_event(
    method: str,
    url: str,
    *,
    headers: Sequence[tuple[str, str]] = (),
    body: bytes = b"",
    address: str = "203.0.113.9",
    stage: str = "$default",
    encoded: bool = False,
) -> dict[str, Any]:
    """The event of a request; the path is decoded, but for percent signs, and headers of one name are one.

    Args:
        url: path and query, as they stand in the request's first line.
        encoded: the body is in base64, as that of a type which is no text.
    """
    path, _, query = url.partition("?")
    decoded = _ESCAPES.sub(lambda found: unquote_to_bytes(found[0]).decode("utf-8", "replace"), path)
    raw_path = decoded if stage == "$default" else f"/{stage}{decoded}"
    joined: dict[str, str] = {}
    for name, value in headers:
        joined[name.lower()] = f"{joined[name.lower()]},{value}" if name.lower() in joined else value
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": raw_path,
        "rawQueryString": query,
        "headers": joined,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api",
            "domainName": "api.execute-api.sa-east-1.amazonaws.com",
            "http": {"method": method, "path": raw_path, "protocol": "HTTP/1.1", "sourceIp": address, "userAgent": ""},
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": stage,
            "timeEpoch": 1_583_348_638_390,
        },
        "isBase64Encoded": encoded,
    }
    if body:
        event["body"] = b64encode(body).decode() if encoded else body.decode("utf-8", "replace")
    found: dict[str, Any] = json.loads(json.dumps(event))
    return found


@attrs.frozen
class Told:
    """What the gateway sends to the client."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    @classmethod
    def by(cls, answer: Any) -> "Told":
        """It takes JSON, with these fields alone."""
        read = json.loads(json.dumps(answer))
        assert set(read) == {"statusCode", "headers", "body", "isBase64Encoded"}
        assert all(isinstance(value, str) and name == name.lower() for name, value in read["headers"].items())
        body = read["body"]
        return cls(read["statusCode"], read["headers"], b64decode(body) if read["isBase64Encoded"] else body.encode())

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @property
    def code(self) -> str:
        found: str = self.body["code"]
        return found
