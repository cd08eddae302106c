"""A function that does tasks of executions, told by lines of JSON, in forks that are killed at one of their boundaries.

As in Lambda, whoever has been killed has its next task done by another one.
"""

import json
import os
import sys
import traceback
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import attrs
from dependency_injector import providers

from entrypoints.container import Container, open_container
from entrypoints.settings import load_settings
from integration.saga_crashes.breaking import Breaking, BreakingLog, BreakingNotices
from telemed_core.domain.ids import SagaId
from telemed_core.domain.sagas import SagaRow

LINES: Final = os.fdopen(os.dup(0), "rb", buffering=0)
"""Whoever reads a line takes no more than it: the next one may be another process's."""


@attrs.frozen
class TaskLog(BreakingLog):
    """The log, with a boundary behind all that a task does with it."""

    def get(self, saga_id: SagaId, /) -> Any:
        found = self._real.get(saga_id)
        self._breaking.boundary()
        return found

    def renew(self, row: SagaRow, /, *, now: datetime) -> SagaRow:
        renewed = self._real.renew(row, now=now)
        self._breaking.boundary()
        return renewed


def tell(**facts: Any) -> None:
    os.write(1, json.dumps(facts).encode() + b"\n")


def opened(breaking: Breaking) -> Container:
    """The parts of a process as its environment says, with boundaries between them."""
    container = open_container(load_settings(), migrate=False)
    real = container.stores()
    broken = attrs.evolve(real, sagas=TaskLog(real.sagas, breaking), notices=BreakingNotices(real.notices, breaking))
    container.stores.override(providers.Object(broken))
    answering = {name: breaking.participant(one) for name, one in container.participants().items()}
    container.participants.override(providers.Object(answering))
    return container


def work(notes: Path, *, at: int | None) -> None:
    """Do tasks, until there are no more or this process dies."""
    breaking = Breaking(notes, armed=True, at=at)
    step = opened(breaking).saga_step()
    tell(ready=True)
    while line := LINES.readline():
        task = json.loads(line)
        if task is None:
            return
        breaking.boundary()
        told = step(task)
        breaking.boundary()
        tell(told=told)


def main() -> None:
    notes = Path(sys.argv[1])
    while line := LINES.readline():
        at = json.loads(line)["at"]
        child = os.fork()
        if child == 0:
            try:
                work(notes, at=at)
            except BaseException:  # whatever it is, the child must not go on as its parent
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        tell(killed=os.WTERMSIG(status) if os.WIFSIGNALED(status) else None, exit=os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
