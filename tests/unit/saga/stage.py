"""A saga of every kind of step, participants that answer by a script, and a log in memory to run it on."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta

import attrs

from adapters.memory.sagas import MemorySagaLog
from adapters.memory.state import State
from telemed_core.domain.ids import Id, SagaId
from telemed_core.domain.instants import EPOCH
from telemed_core.domain.sagas import Phase, Progress, SagaRow, SagaStart
from telemed_core.ports.sagas import SagaLog
from telemed_core.saga.deciding import Ok, Outcome
from telemed_core.saga.definition import Kind, Retry, Saga, Step
from telemed_core.saga.driving import Asked
from telemed_core.saga.running import Participant, RunSagas
from telemed_core.saga.sagas import Registry
from telemed_core.testing.builders import MONDAY
from telemed_core.testing.doubles import SettableClock

TWICE = Retry(attempts=2)
ID = SagaId("a1.1")


def a_step(name: str, kind: Kind, *, undo: bool = False, local: bool = False, retry: Retry = TWICE) -> Step:
    return Step(
        name=name,
        kind=kind,
        do=name,
        undo=f"undo_{name}" if undo else None,
        resolve=f"resolve_{name}" if kind is Kind.PIVOT else None,
        local=local,
        retry=retry,
        undo_retry=TWICE,
    )


TRIP = Saga(
    "trip",
    1,
    (
        a_step("flight", Kind.COMPENSATABLE, undo=True),
        a_step("weather", Kind.COMPENSATABLE),
        a_step("hotel", Kind.COMPENSATABLE, undo=True),
        a_step("pay", Kind.PIVOT),
        a_step("ticket", Kind.RETRIABLE),
        a_step("mail", Kind.RETRIABLE),
    ),
)


def at(step: int | str, phase: Phase = Phase.FORWARD, **facts: object) -> Progress:
    """The progress at that step of the trip, by name or index."""
    index = step if isinstance(step, int) else [one.name for one in TRIP.steps].index(step)
    return Progress(phase=phase, step=index, **facts)  # type: ignore[arg-type]


def a_row(saga: Saga = TRIP, saga_id: SagaId = ID, *, progress: Progress | None = None, **facts: object) -> SagaRow:
    row = saga.begin(SagaStart(saga_id, saga.name, Id("a1")), at=MONDAY)
    return attrs.evolve(row, progress=progress or row.progress, **facts)  # type: ignore[arg-type]


class Killed(BaseException):
    """The process dies here."""


Answer = Outcome | BaseException


def _begun(scripts: Mapping[str, Iterable[Answer]]) -> Mapping[str, Iterable[Answer]]:
    return {name: iter(script) for name, script in scripts.items()}


@attrs.define
class Script:
    """Participants that answer each operation by its script, then ``Ok``; exceptions are raised; all calls are kept."""

    answers: Mapping[str, Iterable[Answer]] = attrs.field(converter=_begun, factory=dict)
    calls: list[Asked] = attrs.field(factory=list, init=False)

    def participants(self, sagas: Sequence[Saga] = (TRIP,)) -> dict[str, Participant]:
        steps = [step for saga in sagas for step in saga.steps]
        names = {name for step in steps for name in (step.do, step.undo, step.resolve) if name}
        return dict.fromkeys(names, self.answer)

    def answer(self, asked: Asked) -> Outcome:
        self.calls.append(asked)
        answer = next(iter(self.answers.get(asked.call.operation, ())), Ok())
        if isinstance(answer, BaseException):
            raise answer
        return answer

    @property
    def operations(self) -> list[str]:
        return [asked.call.operation for asked in self.calls]


@attrs.define
class Stage:
    """One log, one clock, one runner."""

    script: Script
    registry: Registry = attrs.Factory(lambda: Registry.of([TRIP]))
    clock: SettableClock = attrs.Factory(lambda: SettableClock(MONDAY))
    state: State = attrs.Factory(State)
    alarms: list[SagaRow] = attrs.Factory(list)

    @property
    def log(self) -> SagaLog:
        return MemorySagaLog(self.state)

    def keep(self, row: SagaRow | None = None) -> SagaRow:
        row = row or a_row()
        self.state.keep(row)
        return row

    def row(self, saga_id: SagaId = ID) -> SagaRow:
        return self.log.get(saga_id)[0]

    def runner(
        self, *, log: SagaLog | None = None, owner: str = "here", alarm: Callable[[SagaRow], None] | None = None
    ) -> RunSagas:
        participants = self.script.participants(list(self.registry._sagas.values()))
        return RunSagas(log or self.log, self.registry, participants, self.clock, owner, alarm or self.alarms.append)

    def run_all(self, *, most: int = 200) -> SagaRow:
        """Run until nothing is to be run any more; time passes as it must."""
        run = self.runner()
        for _ in range(most):
            run()
            due_at = self.row().due_at
            if due_at is None:
                return self.row()
            self.clock.set(max(self.clock.now(), due_at, self.row().lease_until or EPOCH))
        raise AssertionError("it does not end")


HOUR = timedelta(hours=1)
