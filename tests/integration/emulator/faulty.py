"""Calls that go wrong on purpose, in the ways that emulators never show: and how many there were of each operation."""

from collections import Counter
from collections.abc import Mapping
from enum import Enum, auto
from threading import Lock
from typing import Any

from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from adapters.aws.calling import Call
from adapters.aws.failures import Failures


class Fault(Enum):
    """What happens to one call."""

    CONFLICT = auto()
    """Another transaction is at one of the items; of a transaction this is the reason of its first action."""
    THROTTLED = auto()
    NO_CONNECTION = auto()
    LOST_BEFORE = auto()
    """The request never arrives, and nobody knows."""
    LOST_AFTER = auto()
    """It is carried out, and its answer is lost."""
    BROKEN = auto()
    """The service answers 500 after it has carried it out."""
    DELIVERED_TWICE = auto()
    EXPIRED_CREDENTIALS = auto()
    NO_SUCH_TABLE = auto()


EFFECTIVE = frozenset({Fault.LOST_AFTER, Fault.BROKEN, Fault.DELIVERED_TWICE})
"""After these the call has been carried out."""

_ANSWERS = {
    Fault.CONFLICT: ("TransactionConflictException", 400),
    Fault.THROTTLED: ("ThrottlingException", 400),
    Fault.BROKEN: ("InternalServerError", 500),
    Fault.EXPIRED_CREDENTIALS: ("ExpiredTokenException", 400),
    Fault.NO_SUCH_TABLE: ("ResourceNotFoundException", 400),
}


class Faulty:
    """A ``Call`` to another one, for all threads.

    Attributes:
        sent: how many calls there were of each operation, those that went wrong included.
        happened: how many faults there were of each kind.
    """

    def __init__(self, call: Call, service: str = "dynamodb") -> None:
        self._call, self._failures = call, Failures(service)
        self._planned: dict[tuple[str, int], Fault] = {}
        self._turn = Lock()
        self.sent: Counter[str] = Counter()
        self.happened: Counter[Fault] = Counter()

    def plan(self, operation: str, *faults: Fault, after: int = 0) -> None:
        """Let the next calls of the operation, but for the first ``after``, go wrong like this, one after the other."""
        for number, fault in enumerate(faults, self.sent[operation] + after + 1):
            self._planned[operation, number] = fault

    @property
    def round_trips(self) -> int:
        return self.sent.total()

    def forget(self) -> None:
        """Count from nothing again, with no plans."""
        with self._turn:
            self._planned.clear()
            self.sent.clear()
            self.happened.clear()

    def __call__(self, operation: str, request: Mapping[str, Any], /) -> Mapping[str, Any]:
        with self._turn:
            self.sent[operation] += 1
            fault = self._planned.pop((operation, self.sent[operation]), None)
            if fault:
                self.happened[fault] += 1
        if fault is None:
            return self._call(operation, request)
        if fault in EFFECTIVE:
            answer = self._call(operation, request)
            if fault is Fault.DELIVERED_TWICE:
                # The first answer is the one that arrives.
                self._call(operation, request)
                return answer
        failure = self._failures.told(operation, _raised(fault, operation, request))
        assert failure is not None
        raise failure


def _raised(fault: Fault, operation: str, request: Mapping[str, Any]) -> Exception:
    """What botocore raises then."""
    raised: Exception
    if fault not in _ANSWERS:
        kind = ConnectTimeoutError if fault is Fault.NO_CONNECTION else ReadTimeoutError
        raised = kind(endpoint_url="http://nowhere")
        return raised
    code, status = _ANSWERS[fault]
    answer: dict[str, Any] = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    if fault is Fault.CONFLICT and operation == "TransactWriteItems":
        first, *others = request["TransactItems"]
        answer["Error"]["Code"] = "TransactionCanceledException"
        answer["CancellationReasons"] = [
            {"Code": "TransactionConflict", "Message": f"Transaction is ongoing for {len(first)} item"},
            *({"Code": "None", "Message": None} for _ in others),
        ]
    raised = ClientError(answer, operation)
    return raised
