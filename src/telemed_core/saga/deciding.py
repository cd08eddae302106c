"""The two pure functions: what a saga calls next, and where the answer leaves it."""

from base64 import b32encode
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final, Literal

import attrs

from telemed_core.domain.ids import SagaId
from telemed_core.domain.sagas import Phase, Progress
from telemed_core.saga.definition import Kind, Saga, Step


class Resolution(StrEnum):
    """What became of a pivot."""

    COMMITTED = "committed"
    ABORTED = "aborted"


@attrs.frozen
class Ok:
    """It is done; of a resolve call: what became of the pivot."""

    value: Resolution | None = None


@attrs.frozen
class Refused:
    """This call had no effect; an earlier one of the same step may still have."""

    code: str


@attrs.frozen
class Uncertain:
    """A timeout, a failing dependency: it may have happened, and may still happen."""

    code: str


@attrs.frozen
class Broken:
    """A bug: nothing is concluded from it, in either direction."""

    code: str


Outcome = Ok | Refused | Uncertain | Broken
Way = Literal["do", "undo", "resolve"]


@attrs.frozen(kw_only=True)
class Call:
    """What a participant is asked; ``key`` is the same for all ways and attempts of one step of one saga."""

    operation: str
    way: Way
    step: str
    key: str
    attempt: int
    local: bool
    timeout: timedelta


@attrs.frozen
class Finish:
    """There is nothing to call: it has ended, or waits for an operator."""

    phase: Phase


NOW: Final = timedelta(0)


def step_key(saga_id: SagaId, step: str) -> str:
    """The key of one step of one saga: 32 characters."""
    return b32encode(sha256(f"{saga_id}|{step}".encode()).digest()[:20]).decode().lower()


def decide(saga: Saga, saga_id: SagaId, progress: Progress) -> Call | Finish:
    """What is to be called next."""
    if not progress.phase.runs:
        return Finish(progress.phase)
    if progress.phase is Phase.FORWARD and progress.step == len(saga.steps):
        return Finish(Phase.COMPLETED)
    if progress.step < 0:
        return Finish(Phase.COMPENSATED)
    step = saga.steps[progress.step]
    operation, way = _asked(step, progress.phase)
    return Call(
        operation=operation,
        way=way,
        step=step.name,
        key=step_key(saga_id, step.name),
        attempt=progress.attempt,
        local=step.local,
        timeout=step.timeout,
    )


def apply(saga: Saga, saga_id: SagaId, progress: Progress, outcome: Outcome) -> tuple[Progress, timedelta]:
    """Where the outcome of what ``decide`` called leaves the saga, and how long it waits before it goes on."""
    step = saga.steps[progress.step]
    match progress.phase, outcome:
        case Phase.FORWARD, Ok():
            return _forward(saga, progress), NOW
        case Phase.COMPENSATING, Ok():
            return _back(saga, progress.step - 1, progress.error), NOW
        case Phase.RESOLVING, Ok(Resolution.COMMITTED):
            return _forward(saga, progress), NOW
        case Phase.RESOLVING, Ok(Resolution.ABORTED):
            return _back(saga, progress.step - 1, progress.error), NOW
        case Phase.FORWARD, Refused(code) if step.kind is not Kind.RETRIABLE:
            return _given_up(saga, step, attrs.evolve(progress, error=code)), NOW
        case _, (Refused(code) | Uncertain(code) | Broken(code)):
            tried = attrs.evolve(progress, error=code)
        case _:
            tried = attrs.evolve(progress, error="unresolved")
    return _again(saga, saga_id, step, tried, bug=isinstance(outcome, Broken | Ok))


def quarantined(progress: Progress, *, error: str | None = None) -> Progress:
    """Out of the queue, until an operator decides."""
    return attrs.evolve(
        progress, phase=Phase.QUARANTINED, stuck_in=progress.phase, error=progress.error if error is None else error
    )


def retried(progress: Progress) -> Progress:
    """As it was before it was quarantined, with a new budget."""
    return attrs.evolve(progress, phase=progress.stuck_in or progress.phase, attempt=1, stuck_in=None)


def compensated_from(saga: Saga, progress: Progress) -> Progress | None:
    """Going back from where it is; ``None``: it has come to its pivot, or past what can be undone."""
    phase = progress.stuck_in or progress.phase
    if phase is Phase.COMPENSATING:
        return retried(progress)
    ahead = saga.steps[progress.step :]
    if phase is not Phase.FORWARD or not ahead or ahead[0].kind is not Kind.COMPENSATABLE:
        return None
    return _back(saga, progress.step, progress.error)


def resolved(saga: Saga, saga_id: SagaId, progress: Progress) -> Progress | None:
    """As if the call at which it was quarantined had been done, of a pivot: committed; ``None``: there is none."""
    before = retried(progress)
    if isinstance(decide(saga, saga_id, before), Finish):
        return None
    return apply(saga, saga_id, before, Ok(Resolution.COMMITTED))[0]


def _asked(step: Step, phase: Phase) -> tuple[str, Way]:
    if phase is Phase.FORWARD:
        return step.do, "do"
    if phase is Phase.RESOLVING:
        assert step.resolve is not None  # noqa: S101 # only the pivot is resolved, and its shape is checked
        return step.resolve, "resolve"
    assert step.undo is not None  # noqa: S101 # _back stops at steps with an undo alone
    return step.undo, "undo"


def _forward(saga: Saga, progress: Progress) -> Progress:
    following = progress.step + 1
    done = following == len(saga.steps)
    return Progress(phase=Phase.COMPLETED if done else Phase.FORWARD, step=following)


def _given_up(saga: Saga, step: Step, progress: Progress) -> Progress:
    if step.kind is Kind.PIVOT:
        return attrs.evolve(progress, phase=Phase.RESOLVING, attempt=1)
    return _back(saga, progress.step, progress.error)


def _back(saga: Saga, step: int, error: str | None) -> Progress:
    """Undo that step and those before it; what only reads has nothing to undo."""
    while step >= 0 and saga.steps[step].undo is None:
        step -= 1
    return Progress(phase=Phase.COMPENSATING if step >= 0 else Phase.COMPENSATED, step=step, error=error)


def _again(saga: Saga, saga_id: SagaId, step: Step, progress: Progress, *, bug: bool) -> tuple[Progress, timedelta]:
    retry = step.retry if progress.phase is Phase.FORWARD else step.undo_retry
    if progress.attempt < retry.attempts:
        wait = retry.wait(progress.attempt, unit=_unit(saga_id, step.name, progress))
        return attrs.evolve(progress, attempt=progress.attempt + 1), wait
    if progress.phase is Phase.FORWARD and step.kind is not Kind.RETRIABLE and not bug:
        return _given_up(saga, step, progress), NOW
    return quarantined(progress), NOW


def _unit(saga_id: SagaId, step: str, progress: Progress) -> float:
    digest = sha256(f"{saga_id}|{step}|{progress.phase}|{progress.attempt}".encode()).digest()
    return int.from_bytes(digest[:4]) / 0xFFFFFFFF
