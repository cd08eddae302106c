"""Sagas as diagrams, made from their definitions."""

from collections.abc import Iterator

from telemed_core.saga.definition import Kind, Saga, Step


def mermaid(saga: Saga) -> str:
    """The saga as a Mermaid state diagram: the way forward, the way back, and where the pivot decides."""
    return "\n".join(["stateDiagram-v2", *(f"    {line}" for line in _lines(saga))]) + "\n"


def _lines(saga: Saga) -> Iterator[str]:
    for index, step in enumerate(saga.steps):
        done = ", in the commit that starts the saga" if index < saga.begun else ""
        yield f"{step.name} : {step.name} ({step.kind}{done})"
    onward = [*(step.name for step in saga.steps[1:]), "completed"]
    yield f"[*] --> {saga.steps[0].name}"
    for index, (step, following) in enumerate(zip(saga.steps, onward, strict=True)):
        yield f"{step.name} --> {following}"
        if index >= saga.begun:
            yield from _given_up(saga, index, following)
    yield "completed --> [*]"
    yield from _way_back(saga)


def _given_up(saga: Saga, index: int, following: str) -> Iterator[str]:
    step = saga.steps[index]
    if step.kind is Kind.COMPENSATABLE:
        yield f"{step.name} --> {_back(saga.steps[: index + 1])} : given up"
    if step.kind is Kind.PIVOT:
        yield f"state {step.name}_is <<choice>>"
        yield f"{step.name} --> resolve_{step.name} : refused or unknown"
        yield f"resolve_{step.name} --> {step.name}_is"
        yield f"{step.name}_is --> {following} : committed"
        yield f"{step.name}_is --> {_back(saga.steps[:index])} : aborted"


def _way_back(saga: Saga) -> Iterator[str]:
    if all(step.kind is Kind.RETRIABLE for step in saga.steps[saga.begun :]):
        return
    for index, step in enumerate(saga.steps):
        if step.undo is not None:
            yield f"undo_{step.name} --> {_back(saga.steps[:index])}"
    yield "compensated --> [*]"


def _back(steps: tuple[Step, ...]) -> str:
    """Where it goes back to, of these steps."""
    return next((f"undo_{step.name}" for step in reversed(steps) if step.undo is not None), "compensated")
