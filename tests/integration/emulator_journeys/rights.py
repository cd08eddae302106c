"""What a request needs a right for: the actions of IAM, and on which of our tables."""

import json
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple
from urllib.parse import parse_qs

PREFIX: Final = "telemed-"
_OF_TRANSACTIONS: Final = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem"}
"""A transaction is no action: what it consists of is; a check has a name of its own."""
_ON_CHIME: Final = {
    ("POST", 1): "CreateMeeting",
    ("GET", 2): "GetMeeting",
    ("POST", 3): "CreateAttendee",
    ("DELETE", 2): "DeleteMeeting",
}


class Right(NamedTuple):
    """Leave to do something: ``where`` is a table without its prefix, or a service."""

    where: str
    action: str


def rights(service: str, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Iterator[Right]:
    """Those that this request is carried out by; what is signed by nobody needs none."""
    if service == "unsigned":
        return
    if service == "chime":
        yield Right("chime", _ON_CHIME[method, len(path.strip("/").split("/"))])
        return
    if service == "sns":
        yield Right("sns", parse_qs(body.decode())["Action"][0].removesuffix("Batch"))
        return
    action, asked = headers["X-Amz-Target"].rpartition(".")[2], json.loads(body)
    if service != "dynamodb":
        yield Right(service, action.removesuffix("Batch"))
    elif action == "TransactWriteItems":
        for item in asked["TransactItems"]:
            ((kind, what),) = item.items()
            yield _on(what["TableName"], _OF_TRANSACTIONS.get(kind, "ConditionCheckItem"))
    elif action == "BatchGetItem":
        yield from (_on(table, action) for table in asked["RequestItems"])
    else:
        # What names no table is about all of them.
        yield _on(asked.get("TableName", "*"), action)


def _on(table: str, action: str) -> Right:
    return Right(table.removeprefix(PREFIX), action)
