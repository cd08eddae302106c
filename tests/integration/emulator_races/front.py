"""A front of an emulator's DynamoDB that counts what is asked, and refuses transactions that meet, as AWS does.

An emulator carries out one transaction after the other. DynamoDB refuses whoever comes to an item that a transaction is
at: racers see conflicts there, and have to come again.
"""

import http.client
import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, NamedTuple, Self
from urllib.parse import urlsplit

CONFLICT: Final = {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}
NOTHING: Final = {"Code": "None"}
_KEYS: Final = ("PK", "SK")
_NAME: Final = "x-amzn-RequestId"

Place = tuple[str, ...]


class Answer(NamedTuple):
    """What is answered; ``name``: the service's name for it."""

    status: int
    body: bytes
    name: str


class Front:
    """Listens on 127.0.0.1.

    Attributes:
        conflicts: whether transactions that meet are refused; else they are carried out one after the other.
        sent: how many requests there were, by operation.
        refused: how many transactions were refused since others were at the same items, or since a condition failed.
    """

    def __init__(self, emulator_url: str, *, conflicts: bool) -> None:
        self.sent: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.conflicts = conflicts
        self._lock = threading.Lock()
        self._busy: Counter[Place] = Counter()
        self._behind = urlsplit(emulator_url).netloc
        self._server = _Server(("127.0.0.1", 0), self)
        self.endpoint_url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def forget(self) -> None:
        """Count from nothing again."""
        with self._lock:
            self.sent.clear()
            self.refused.clear()

    def answer(self, operation: str, headers: Mapping[str, str], body: bytes) -> Answer:
        with self._lock:
            self.sent[operation] += 1
        places = _places(body) if operation == "TransactWriteItems" else []
        with self._at(places) as met:
            answer = _cancelled(met) if any(met) else self._passed_on(headers, body)
        if places and answer.status != http.HTTPStatus.OK:
            reasons = json.loads(answer.body).get("CancellationReasons", ())
            with self._lock:
                self.refused.update({reason["Code"] for reason in reasons} - {"None"})
        return answer

    @contextmanager
    def _at(self, places: list[Place]) -> Iterator[list[bool]]:
        """Be at these items; of each, whether another transaction is at it, and then this one is at none."""
        with self._lock:
            met = [self.conflicts and self._busy[place] > 0 for place in places]
            taken = [] if any(met) else places
            self._busy.update(taken)
        try:
            yield met
        finally:
            with self._lock:
                self._busy.subtract(taken)

    def _passed_on(self, headers: Mapping[str, str], body: bytes) -> Answer:
        connection = http.client.HTTPConnection(self._behind, timeout=30)
        try:
            connection.request("POST", "/", body, headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read(), answer.headers.get(_NAME, ""))
        finally:
            connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, address: tuple[str, int], front: Front) -> None:
        super().__init__(address, _Handler)
        self.front = front


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # A small answer is not kept back until the last one has been acknowledged.
    disable_nagle_algorithm = True
    wbufsize = -1

    @property
    def _front(self) -> Front:
        assert isinstance(self.server, _Server)
        return self.server.front

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        kept = {name: value for name, value in self.headers.items() if name.lower() not in {"host", "connection"}}
        answer = self._front.answer(operation, kept, body)
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header(_NAME, answer.name)
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads of every request."""


def _places(body: bytes) -> list[Place]:
    """The items that a transaction is at, in the order of its actions."""
    actions = [next(iter(action.values())) for action in json.loads(body)["TransactItems"]]
    keys = [action.get("Key") or action["Item"] for action in actions]
    return [
        (action["TableName"], *(key[name]["S"] for name in _KEYS)) for action, key in zip(actions, keys, strict=True)
    ]


def _cancelled(met: list[bool]) -> Answer:
    told = {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons",
        "CancellationReasons": [CONFLICT if one else NOTHING for one in met],
    }
    return Answer(http.HTTPStatus.BAD_REQUEST, json.dumps(told).encode(), "conflict")
