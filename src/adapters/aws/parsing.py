"""How answers of DynamoDB are read: attributes stand in them as they are handed out, but for binary ones.

Importing this imports botocore. Its own parser goes through each attribute by the definition of the service, which is
most of what reading a month costs.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson
from botocore.parsers import PROTOCOL_PARSERS, JSONParser, ResponseParserFactory

_OPERATIONS: Final = (
    "BatchGetItem",
    "DeleteItem",
    "GetItem",
    "PutItem",
    "Query",
    "Scan",
    "TransactWriteItems",
    "UpdateItem",
)
_PLAIN: Final = frozenset(f"{operation}Output" for operation in _OPERATIONS)
"""Outputs in which nothing but binary attributes is written otherwise than botocore hands it out."""

# In a text there would be a backslash before each quote.
_BINARY: Final = re.compile(rb'\{\s*"BS?"\s*:').search
_ERROR: Final = 300
_REQUEST_ID: Final = "x-amzn-requestid"


class Parsers(ResponseParserFactory):  # type: ignore[misc] # botocore has no types
    """Parsers of all protocols, of which that of DynamoDB reads items without going through them."""

    def create_parser(self, protocol_name: str) -> Any:
        """The parser of one answer."""
        kind = ItemParser if protocol_name == "json" else PROTOCOL_PARSERS[protocol_name]
        return kind(**self._defaults)


class ItemParser(JSONParser):  # type: ignore[misc] # as above
    """Reads JSON as it stands where botocore would hand out the same, and leaves the rest to botocore."""

    def parse(self, response: Mapping[str, Any], shape: Any) -> Any:
        """The answer, with what botocore tells of it beside."""
        body = response["body"]
        if shape is None or shape.name not in _PLAIN or response["status_code"] >= _ERROR or _BINARY(body):
            return super().parse(response, shape)
        try:
            answer = orjson.loads(body)
        except orjson.JSONDecodeError:
            answer = None
        if not isinstance(answer, dict):
            return super().parse(response, shape)
        headers = {name.lower(): value for name, value in response["headers"].items()}
        told = {"HTTPStatusCode": response["status_code"], "HTTPHeaders": headers}
        if _REQUEST_ID in headers:
            told["RequestId"] = headers[_REQUEST_ID]
        return {**answer, "ResponseMetadata": told}
