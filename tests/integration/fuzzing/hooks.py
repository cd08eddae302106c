"""What a run of schemathesis loads: who calls, from where, and a count of what was answered."""

import atexit
import json
from collections import Counter
from itertools import count, cycle
from pathlib import Path
from typing import Any, Final

import schemathesis
from schemathesis.core.failures import Failure
from schemathesis.openapi.checks import EnsureResourceAvailability

CALLER: Final = Path("caller.json")
"""The tokens of who calls: one for all, and for some operations others, one after the other."""

ANSWERS: Final = Path("answers.json")
"""Where the answers are counted, in the folder of the run as well."""

Case = schemathesis.Case[Any]

_caller: Final = json.loads(CALLER.read_text(encoding="utf-8"))
_spent: Final = {operation: cycle(tokens) for operation, tokens in _caller["spent"].items()}
_addresses: Final = count(1)
_answers: Final[Counter[tuple[str, int]]] = Counter()
_replayed: Final[set[str]] = set()

if _caller["token"]:

    @schemathesis.auth(refresh_interval=None)
    class Token:
        """The caller's; of what would end it, each call has another."""

        def get(self, case: Case, context: schemathesis.AuthContext) -> str:
            spent = _spent.get(_name(case))
            return str(next(spent) if spent else _caller["token"])

        def set(self, case: Case, data: str, context: schemathesis.AuthContext) -> None:
            case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """From another address each time: failures to sign in are counted by it."""
    number = next(_addresses)
    case.headers["X-Forwarded-For"] = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"


@schemathesis.hook
def after_call(context: schemathesis.HookContext, case: Case, response: schemathesis.Response) -> None:
    """One more such answer, unless another method than the operation's was tried."""
    if case.method == case.operation.method.upper():
        _answers[_name(case), response.status_code] += 1
    if "idempotency-replayed" in response.headers:
        # A rating has no id of its own.
        _replayed.add(response.json().get("id", ""))


@schemathesis.hook
def filter_failure(
    context: schemathesis.HookContext, failure: Failure, case: Case, response: schemathesis.Response
) -> bool:
    """Whether it is one; a thing that was just made may be missing in two cases alone.

    Nobody but administrators sees a doctor who has just been registered; and what a repeat under one key answers may be
    gone since.
    """
    if not isinstance(failure, EnsureResourceAvailability):
        return True
    unseen = _caller["role"] != "administrator" and failure.created_with == "POST /v1/doctors"
    return not unseen and case.path_parameters.get("id") not in _replayed


def _name(case: Case) -> str:
    return str(case.operation.definition.raw["operationId"])


@atexit.register
def _write() -> None:
    counted = [[operation, status, number] for (operation, status), number in sorted(_answers.items())]
    ANSWERS.write_text(json.dumps(counted), encoding="utf-8")
