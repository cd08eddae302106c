"""What a saga's row says of its effects, whoever runs it and whatever is still under way."""

from collections.abc import Callable
from enum import StrEnum

from telemed_core.domain.sagas import Phase, Progress
from telemed_core.saga.definition import Kind, Saga, Step


class Effect(StrEnum):
    """What has become of a step."""

    NONE = "none"
    DONE = "done"
    UNDONE = "undone"


_NOT = frozenset({Effect.NONE})
_DONE = frozenset({Effect.DONE})
_GONE = frozenset({Effect.NONE, Effect.UNDONE})
_ANY = frozenset(Effect)


def disagreement(saga: Saga, progress: Progress, effect: Callable[[str], Effect]) -> str | None:
    """Which step is not as the row says; ``None``: all are."""
    phase = progress.stuck_in or progress.phase
    for index, step in enumerate(saga.steps):
        if only_reads(step):
            continue
        found = effect(step.name)
        if found not in _allowed(step, index, phase=phase, at=progress.step):
            return f"{phase} at step {progress.step}, but {step.name} is {found}"
    return None


def only_reads(step: Step) -> bool:
    return step.kind is Kind.COMPENSATABLE and step.undo is None


def _allowed(step: Step, index: int, *, phase: Phase, at: int) -> frozenset[Effect]:
    match phase:
        case Phase.COMPLETED:
            return _DONE
        case Phase.COMPENSATED:
            return _GONE
        case Phase.COMPENSATING if index > at:
            return _GONE
        case _ if index < at:
            return _DONE
        case _ if index > at:
            return _NOT
        case Phase.FORWARD:
            # What is committed together with the entry is not done before it; nothing is undone on the way forward.
            return _NOT if step.local else _NOT | _DONE
    return _ANY
