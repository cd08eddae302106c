"""Answers of DynamoDB as they are read: what botocore hands out, without going through the items."""

import json
from collections.abc import Mapping
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import HeadersDict
from botocore.parsers import JSONParser

from adapters.aws.parsing import ItemParser, Parsers

MODEL = botocore.session.get_session().get_service_model("dynamodb")
HEADERS = HeadersDict({"X-Amzn-RequestId": "1", "x-amz-crc32": "2"})

ITEM = {"PK": {"S": "A#1"}, "rev": {"N": "3"}, "bookable": {"BOOL": True}, "list": {"L": [{"S": "x"}, {"NULL": True}]}}
SEALED = {"PK": {"S": "T#1"}, "sealed": {"B": "AAEC"}, "several": {"BS": ["AAEC", "/w=="]}}
NESTED = {"PK": {"S": "T#2"}, "map": {"M": {"B": {"B": "AAEC"}}}}
QUOTING = {"PK": {"S": 'it says {"B":"AAEC"} and { "BS": []}'}, "B": {"S": "an attribute of that name"}}

ANSWERS: Mapping[str, tuple[str, Any]] = {
    "an item": ("GetItem", {"Item": ITEM}),
    "no item": ("GetItem", {}),
    "a null in its place": ("GetItem", {"Item": ITEM, "ConsumedCapacity": {"TableName": "t", "CapacityUnits": 0.5}}),
    "a binary": ("GetItem", {"Item": SEALED}),
    "a binary within": ("GetItem", {"Item": NESTED}),
    "what looks like one": ("GetItem", {"Item": QUOTING}),
    "a page": ("Query", {"Items": [ITEM, QUOTING], "Count": 2, "ScannedCount": 2, "LastEvaluatedKey": ITEM}),
    "a scan": ("Scan", {"Items": [ITEM, SEALED], "Count": 2, "ScannedCount": 2}),
    "a batch": (
        "BatchGetItem",
        {"Responses": {"t": [ITEM]}, "UnprocessedKeys": {"t": {"Keys": [ITEM], "ConsistentRead": True}}},
    ),
    "an update": ("UpdateItem", {"Attributes": ITEM}),
    "a put": ("PutItem", {}),
    "a transaction": ("TransactWriteItems", {}),
    "a table": ("DescribeTable", {"Table": {"TableName": "t", "CreationDateTime": 1.5, "TableStatus": "ACTIVE"}}),
}


def answered(body: bytes, status: int = 200) -> dict[str, Any]:
    return {"body": body, "headers": HEADERS, "status_code": status}


def shape_of(operation: str) -> Any:
    return MODEL.operation_model(operation).output_shape


def read(parser: Any, answer: dict[str, Any], operation: str) -> Any:
    try:
        return parser.parse(answer, shape_of(operation))
    except Exception as error:  # what it raises is compared
        return type(error)


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")], ids=["dense", "spaced"])
@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_read_as_botocore_reads_it(name: str, separators: tuple[str, str]) -> None:
    operation, said = ANSWERS[name]
    answer = answered(json.dumps(said, separators=separators).encode())
    assert read(ItemParser(), answer, operation) == read(JSONParser(), answer, operation)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'"text"', b"null", b'{"Item": ', b"\xff"])
@pytest.mark.parametrize("status", [200, 400, 500, 503])
def test_what_is_no_answer_is_told_as_botocore_tells_it(body: bytes, status: int) -> None:
    answer = answered(body, status)
    assert read(ItemParser(), answer, "GetItem") == read(JSONParser(), answer, "GetItem")


def test_a_refusal_is_told_as_botocore_tells_it() -> None:
    said = {"__type": "com.amazonaws.dynamodb#ConditionalCheckFailedException", "message": "no", "Item": ITEM}
    answer = answered(json.dumps(said).encode(), 400)
    left = read(ItemParser(), answer, "PutItem")
    assert left == read(JSONParser(), answer, "PutItem")
    assert left["Error"]["Code"] == "ConditionalCheckFailedException"


def test_items_are_not_gone_through_unless_something_of_them_is_binary(monkeypatch: pytest.MonkeyPatch) -> None:
    gone_through: list[object] = []

    def go_through(_: object, *parts: object) -> dict[str, object]:
        gone_through.append(parts)
        return {}

    monkeypatch.setattr(JSONParser, "_parse_shape", go_through)
    page = {"Items": [ITEM, QUOTING], "Count": 2}
    assert ItemParser().parse(answered(json.dumps(page).encode()), shape_of("Query"))["Items"] == page["Items"]
    assert not gone_through
    ItemParser().parse(answered(json.dumps({"Item": SEALED}).encode()), shape_of("GetItem"))
    assert gone_through


def test_every_other_protocol_has_the_parser_that_botocore_gives_it() -> None:
    parsers = Parsers()
    assert isinstance(parsers.create_parser("json"), ItemParser)
    kinds = {name: type(parsers.create_parser(name)).__module__ for name in ("query", "rest-json", "rest-xml", "ec2")}
    assert set(kinds.values()) == {"botocore.parsers"}
