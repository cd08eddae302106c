"""One saga played by a script of what goes wrong: by the embedded executor, or by the tasks of an engine."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from enum import Enum, auto
from typing import Any, Final

import attrs

from adapters.step_functions import Step, open_step
from integration.emulator.states_logs import NewLog, in_memory
from telemed_core.domain.ids import Id, SagaId
from telemed_core.domain.instants import EPOCH
from telemed_core.domain.sagas import LEASE, Phase, Progress, SagaRow, SagaStart
from telemed_core.errors import UnavailableError
from telemed_core.saga.deciding import Broken, Ok, Outcome, Refused, Resolution, Uncertain
from telemed_core.saga.definition import Kind, Saga
from telemed_core.saga.driving import Asked
from telemed_core.saga.running import Participant, RunSagas
from telemed_core.saga.sagas import Registry
from telemed_core.testing.builders import MONDAY
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.faults import After, Before, Fault, Faulty, Fine
from unit.saga.stage import Killed, a_step

TRIP: Final = Saga(
    "trip",
    1,
    (
        a_step("flight", Kind.COMPENSATABLE, undo=True),
        a_step("weather", Kind.COMPENSATABLE),
        a_step("seat", Kind.COMPENSATABLE, undo=True, local=True),
        a_step("pay", Kind.PIVOT),
        a_step("ticket", Kind.RETRIABLE),
        a_step("record", Kind.RETRIABLE, local=True),
    ),
)
THIEF: Final = "thief:1:0"


class Act(Enum):
    """What happens to a call, beside what is answered."""

    KILLED_BEFORE = auto()
    KILLED_AFTER = auto()
    STOLEN = auto()
    """It takes so long that somebody else claims the saga meanwhile."""
    NO_ANSWER = auto()
    BUG = auto()


Answer = Outcome | Act


@attrs.frozen
class Plan:
    """What goes wrong.

    Attributes:
        answers: by operation what is answered the first, second … time; then ``Ok``, and ``ABORTED`` by a pivot.
        always: by operation what is always answered.
        appends: what happens to the first, second … entry.
        twice: whether every task is delivered twice.
    """

    name: str
    answers: Mapping[str, Sequence[Answer]] = attrs.field(factory=dict)
    always: Mapping[str, Answer] = attrs.field(factory=dict)
    appends: Sequence[Fault] = ()
    twice: bool = False


Told = tuple[list[tuple[str, str, str, int]], Progress, int, list[Phase]]


class Played:
    """A saga, its log, its participants and its time.

    Args:
        new_log: where it is kept.
        facts: what is not in its row as in one that has just been begun.
    """

    def __init__(self, saga: Saga, saga_id: str, plan: Plan, new_log: NewLog = in_memory, **facts: Any) -> None:
        self.saga, self.id, self.plan = saga, SagaId(saga_id), plan
        self.clock = SettableClock(MONDAY)
        begun = saga.begin(SagaStart(self.id, saga.name, Id("a1")), at=MONDAY)
        self.plain_log = new_log(attrs.evolve(begun, **facts))
        self.log = Faulty(self.plain_log, plan={"append": plan.appends}).port
        self.calls: list[tuple[str, str, str, int]] = []
        self.alarms: list[SagaRow] = []
        self._scripts: dict[str, Iterator[Answer]] = {name: iter(script) for name, script in plan.answers.items()}

    @property
    def row(self) -> SagaRow:
        return self.plain_log.get(self.id)[0]

    @property
    def told(self) -> Told:
        """All that has to be the same whoever has run it."""
        return self.calls, self.row.progress, self.row.seq, [row.progress.phase for row in self.alarms]

    def participants(self) -> dict[str, Participant]:
        names = (name for step in self.saga.steps for name in (step.do, step.undo, step.resolve) if name)
        return dict.fromkeys(names, self._answer)

    def _answer(self, asked: Asked) -> Outcome:
        call = asked.call
        usual: Answer = Ok(Resolution.ABORTED) if call.way == "resolve" else Ok()
        act = next(self._scripts.get(call.operation, iter(())), self.plan.always.get(call.operation, usual))
        if act is Act.KILLED_BEFORE:
            raise Killed
        self.calls.append((call.operation, call.way, call.key, call.attempt))
        if act is Act.NO_ANSWER:
            raise UnavailableError
        if act is Act.BUG:
            raise ValueError
        if act is Act.STOLEN:
            self.clock.advance(LEASE)
            assert self.plain_log.claim(THIEF, now=self.clock.now(), limit=1)
        outcome = usual if isinstance(act, Act) else act
        assert not isinstance(outcome, Act)
        if asked.entry is not None and isinstance(outcome, Ok):
            self.log.append(asked.entry)
        if act is Act.KILLED_AFTER:
            raise Killed
        return outcome

    def runner(self, owner: str) -> RunSagas:
        registry = Registry.of([self.saga])
        return RunSagas(self.log, registry, self.participants(), self.clock, owner, self.alarms.append)

    def step(self) -> Step:
        return open_step(self.log, Registry.of([self.saga]), self.participants(), self.clock, self.alarms.append)

    def run_embedded(self) -> None:
        """Processes that die, and the next ones, until nothing is to be run any more."""
        for number in range(100):
            with suppress(Killed):
                self.runner(f"host:{number}:0")()
            if self.row.due_at is None:
                return
            self.clock.set(max(self.clock.now(), self.row.due_at, self.row.lease_until or EPOCH))
        raise AssertionError("it does not end")

    def work(self, task: Mapping[str, Any]) -> Mapping[str, Any]:
        """Do a task of an engine, which then waits as long as it is told, and no longer."""
        step = self.step()
        told = step(task)
        if self.plan.twice:
            told = step(task)
        if told["next"] == "wait":
            assert told["seconds"] > 0
            self.clock.advance(timedelta(seconds=told["seconds"]))
        return told


_STEPS: Final = ("flight", "weather", "seat", "pay", "ticket", "record")
_LOST: Final = UnavailableError()
_DIES: Final[Any] = Killed()


def plans() -> Iterator[Plan]:
    """Everything at each step, at entries, and on the way back."""
    yield Plan("nothing goes wrong")
    yield Plan("every task twice", twice=True)
    for step in _STEPS:
        yield Plan(f"{step} is refused", {step: [Refused("no")]})
        yield Plan(f"{step} is uncertain once", {step: [Uncertain("late")]})
        yield Plan(f"{step} is never certain", always={step: Uncertain("late")})
        yield Plan(f"{step} does not answer", {step: [Act.NO_ANSWER]})
        yield Plan(f"{step} is broken", always={step: Broken("BugError")})
        yield Plan(f"{step} has a bug once", {step: [Act.BUG]})
        yield Plan(f"dies before {step}", {step: [Act.KILLED_BEFORE]})
        yield Plan(f"dies after {step}", {step: [Act.KILLED_AFTER]})
        yield Plan(f"loses the lease at {step}", {step: [Act.STOLEN]})
    for entry in range(6):
        yield Plan(f"dies before entry {entry}", appends=[*[Fine()] * entry, Before(_DIES)])
        yield Plan(f"dies after entry {entry}", appends=[*[Fine()] * entry, After(_DIES)])
        yield Plan(f"entry {entry} is lost", appends=[*[Fine()] * entry, Before(_LOST)])
        yield Plan(f"the answer to entry {entry} is lost", appends=[*[Fine()] * entry, After(_LOST)])
    yield from _back()


def _back() -> Iterator[Plan]:
    refused: dict[str, Sequence[Answer]] = {"pay": [Refused("no")]}
    yield Plan("goes back, every task twice", refused, twice=True)
    yield Plan("it is committed after all", {"pay": [Uncertain("late")] * 2, "resolve_pay": [Ok(Resolution.COMMITTED)]})
    yield Plan("it is not resolved at once", {**refused, "resolve_pay": [Uncertain("late")]})
    yield Plan("it is never resolved", refused, always={"resolve_pay": Uncertain("late")})
    yield Plan("dies while it resolves", {**refused, "resolve_pay": [Act.KILLED_AFTER]})
    for undo in ("undo_flight", "undo_seat"):
        yield Plan(f"{undo} is uncertain once", {**refused, undo: [Uncertain("late")]})
        yield Plan(f"{undo} is never certain", refused, always={undo: Uncertain("late")})
        yield Plan(f"dies before {undo}", {**refused, undo: [Act.KILLED_BEFORE]})
        yield Plan(f"dies after {undo}", {**refused, undo: [Act.KILLED_AFTER]})
        yield Plan(f"loses the lease at {undo}", {**refused, undo: [Act.STOLEN]})
