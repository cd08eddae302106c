"""A saga as a state machine in Amazon States Language, found by asking the saga's own two functions where it can go.

Each call of the saga is a task, and what its answer says is the way: to another call, to the same one after a wait, or
to an end. The engine decides nothing: it repeats no step, and where its own means fail it gives up, and leaves the row.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import attrs

from telemed_core.domain.ids import SagaId
from telemed_core.domain.sagas import LEASE, Phase, Progress
from telemed_core.saga.deciding import Broken, Call, Finish, Ok, Outcome, Refused, Resolution, Uncertain, apply, decide
from telemed_core.saga.definition import Saga

State = Mapping[str, Any]

WAIT: Final = "wait"
"""What a task answers where the saga waits: for its time, for its next attempt, or for somebody else's lease."""
ABANDONED: Final = "abandoned"
"""The end of an execution, not of its saga: whoever runs what is due goes on with that."""
FINISH: Final = "finish"
"""The task of a saga that has nothing left to call, and whose row does not say so yet."""

STANDS: Final = "where it stands"
RETRY_ERRORS: Final = (
    "Lambda.AWSLambdaException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Runtime.ExitError",
    "Sandbox.Timedout",
    "States.Timeout",
)
"""The engine's own failures: it is not known whether the task was done. A step that goes wrong is none of them."""

_NOBODY: Final = SagaId("any")
_OUTCOMES: Final[tuple[Outcome, ...]] = (
    Ok(),
    Ok(Resolution.COMMITTED),
    Ok(Resolution.ABORTED),
    Refused(""),
    Uncertain(""),
    Broken(""),
)
_ENDS: Final[Mapping[str, State]] = {
    Phase.COMPLETED.value: {"Type": "Succeed", "Comment": "All is done."},
    Phase.COMPENSATED.value: {"Type": "Succeed", "Comment": "All is undone."},
    Phase.QUARANTINED.value: {
        "Type": "Fail",
        "Error": "Quarantined",
        "Cause": "The saga has come to a stop and waits for an operator; what it does then is run from its row.",
    },
    ABANDONED: {
        "Type": "Fail",
        "Error": "Abandoned",
        "Cause": "The engine cannot go on. The saga is as its row says, and is run from there.",
    },
}
_RESERVED: Final = frozenset({*_ENDS, WAIT, FINISH, STANDS})


def state_machine(saga: Saga, *, resource: str) -> State:
    """The saga as the definition of a Standard workflow; its input is ``{"saga": id, "seq": of its row}``.

    Args:
        resource: who does the tasks: the ARN of a Lambda function, or of an activity.

    Raises:
        ValueError: a step goes by a name that is needed here.
    """
    taken = sorted(_RESERVED & {step.name for step in saga.steps})
    if taken:
        raise ValueError(f"{saga.name}: no step can be called {', '.join(taken)}")
    ways = _ways(saga)
    tasks = {place(saga, progress): progress for progress in ways}
    onward = {at: _places(saga, ways[progress]) for at, progress in tasks.items()}
    states: dict[str, State] = {}
    for at, progress in tasks.items():
        states |= _states(saga, progress, at, onward[at], resource)
    ends = [end for end in _ENDS if end == ABANDONED or any(end in following for following in onward.values())]
    states[STANDS] = _choice([*tasks, *ends], default=ABANDONED)
    states |= {end: _ENDS[end] for end in ends}
    return {
        "Comment": f"{saga.name}, version {saga.version}, {saga.digest}",
        "StartAt": place(saga, Progress(step=saga.begun)),
        "States": states,
    }


def place(saga: Saga | None, progress: Progress) -> str:
    """The state of the machine at which a saga stands."""
    if saga is None or not progress.phase.runs:
        return progress.phase.value
    decision = decide(saga, _NOBODY, progress)
    return FINISH if isinstance(decision, Finish) else _of(decision)


def _of(call: Call) -> str:
    return call.step if call.way == "do" else f"{call.way} {call.step}"


def _ways(saga: Saga) -> dict[Progress, list[Progress]]:
    """Where the saga can go, from each place at which there is something to be done."""
    ways: dict[Progress, list[Progress]] = {}
    ahead = [Progress(step=saga.begun)]
    while ahead:
        progress = ahead.pop(0)
        if progress in ways or not progress.phase.runs:
            continue
        ways[progress] = [*_following(saga, progress)]
        ahead += ways[progress]
    return ways


def _following(saga: Saga, progress: Progress) -> Iterator[Progress]:
    decision = decide(saga, _NOBODY, progress)
    if isinstance(decision, Finish):
        yield Progress(phase=decision.phase, step=progress.step)
        return
    step = saga.steps[progress.step]
    for attempt in (1, max(step.retry.attempts, step.undo_retry.attempts)):
        for outcome in _OUTCOMES:
            found, _ = apply(saga, _NOBODY, attrs.evolve(progress, attempt=attempt), outcome)
            yield Progress(phase=found.phase, step=found.step)


def _places(saga: Saga, progresses: Iterable[Progress]) -> list[str]:
    return [*dict.fromkeys(place(saga, progress) for progress in progresses)]


def _states(saga: Saga, progress: Progress, at: str, onward: Iterable[str], resource: str) -> dict[str, State]:
    """What there is for one place: its task, the choice by what that has answered, and its wait."""
    decision = decide(saga, _NOBODY, progress)
    seconds = LEASE.total_seconds()
    comment = "Nothing is called."
    if isinstance(decision, Call):
        seconds += decision.timeout.total_seconds()
        comment = f"{decision.operation} ({saga.steps[progress.step].kind})"
    choice, wait = f"after {at}", f"wait for {at}"
    return {
        at: {
            "Type": "Task",
            "Comment": comment,
            "Resource": resource,
            "Parameters": {"saga.$": "$.saga", "seq.$": "$.seq", "at": at},
            "TimeoutSeconds": math.ceil(seconds),
            "Retry": [
                {"ErrorEquals": [*RETRY_ERRORS], "IntervalSeconds": 2, "MaxAttempts": 3, "BackoffRate": 2.0},
            ],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": ABANDONED}],
            "Next": choice,
        },
        choice: _choice([one for one in onward if one != at], default=STANDS, wait=wait),
        wait: {"Type": "Wait", "SecondsPath": "$.seconds", "Next": at},
    }


def _choice(places: Iterable[str], *, default: str, wait: str | None = None) -> State:
    ways = [*([(WAIT, wait)] if wait else []), *((at, at) for at in places)]
    choices = [{"Variable": "$.next", "StringEquals": answer, "Next": state} for answer, state in ways]
    return {"Type": "Choice", "Choices": choices, "Default": default}
