"""One simulated run, from a seed: what has happened, and what of it must not have."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from traceback import format_exc
from typing import Final

import attrs

from adapters.memory.sagas import MemorySagaLog
from adapters.memory.state import State
from integration.simulator.definitions import IMPATIENT, PATIENT, SLOT, registry
from integration.simulator.people import Operator, Registrant
from integration.simulator.processes import Process
from integration.simulator.services import Services
from integration.simulator.timeline import KilledError, Timeline
from integration.simulator.watched_log import WatchedLog
from integration.simulator.weather import CALM, Weather
from integration.simulator.world import ViolatedError, World
from telemed_core.domain.ids import Id, SagaId
from telemed_core.domain.sagas import LEASE, SagaRow, SagaStart
from telemed_core.errors import UnavailableError
from telemed_core.saga.deciding import step_key
from telemed_core.saga.running import RunSagas, TakeOver
from telemed_core.saga.sagas import Registry

STARTS_WITHIN: Final = 40.0
MOST_EVENTS: Final = 20_000
"""Of a run that comes to no end."""


@attrs.frozen
class Result:
    """What a seed has shown.

    Attributes:
        violation: what must not be; ``None``: nothing.
        phases: how many sagas have ended how.
    """

    seed: int
    impatient: bool
    violation: str | None
    trace: tuple[str, ...]
    happened: int
    phases: Counter[str]

    @property
    def replay(self) -> str:
        """The command that shows this run again."""
        small = " --impatient" if self.impatient else ""
        return f"PYTHONPATH=src:tests python -m integration.simulator --seed {self.seed}{small}"


def simulate(seed: int, *, impatient: bool = False) -> Result:
    """Run the seed; with ``impatient`` budgets are small, and operators are needed."""
    simulation = Simulation(seed, impatient=impatient)
    violation = None
    try:
        violation = simulation.run()
    except ViolatedError as error:
        violation = str(error)
    except Exception as error:  # a bug of what is simulated, or of the simulation: either way its seed is told
        simulation.timeline.trace.extend(format_exc().splitlines())
        violation = f"{type(error).__name__}: {error}"
    finally:
        simulation.timeline.end()
    phases = Counter(str(row.progress.phase) for row in simulation.world.rows.values())
    timeline = simulation.timeline
    return Result(seed, impatient, violation, tuple(timeline.trace), timeline.happened, phases)


class Simulation:
    """Everything that one run consists of."""

    def __init__(self, seed: int, *, impatient: bool) -> None:
        self.chance = Random(seed)
        self.timeline = Timeline(self.chance)
        self.state = State()
        self.log = MemorySagaLog(self.state)
        self.world = World(self.state.sagas)
        self.registry: Registry = registry(IMPATIENT if impatient else PATIENT)
        self.sagas = [saga for name in self.registry.names() if (saga := self.registry.latest(name))]
        services = sorted({step.name for saga in self.sagas for step in saga.steps})
        self.weather = Weather.drawn(self.chance, services)
        self.living: dict[str, bool] = {}
        self.expected = 0

    def run(self) -> str | None:
        """What is wrong in the end; ``None``: nothing."""
        self._plan()
        for number in range(2):
            self._worker(f"worker-{number}", 1, ahead=self._skew())
        for number in range(2):
            self._operator(f"operator-{number}")
        self.timeline.run(self._over)
        return self._verdict()

    def _over(self) -> bool:
        ended = len(self.state.sagas) == self.expected and not self.timeline.under_way and self._all_ended()
        return ended or self.timeline.happened > MOST_EVENTS

    def _all_ended(self) -> bool:
        return all(row.progress.phase.ended for row in self.state.sagas.values())

    def _verdict(self) -> str | None:
        for row in self.state.sagas.values():
            self.world.check(row.id)
            if not row.progress.phase.ended:
                return f"{row.id}: does not end, {row.progress.phase}"
        for saga_ids, phase in ((self.world.completed, "completed"), (self.world.undone, "compensated")):
            for saga_id in saga_ids:
                if self.state.sagas[saga_id].progress.phase != phase:
                    return f"{saga_id}: somebody has been told that it is {phase}"
        for subject, events in self.world.events.items():
            if self.world.told[subject] != events:
                return f"{subject}: not all events have been told"
        return None

    def _skew(self) -> float:
        """How many seconds a machine's clock is ahead."""
        return self.chance.choice((0.0, 0.0, self.chance.uniform(-3, 3), self.chance.uniform(-120, 120)))

    def _plan(self) -> None:
        """What is to be started, and when."""
        chance = self.chance
        for number in range(chance.randint(2, 4)):
            saga_id = SagaId(f"book-{number}")
            self.world.wants[saga_id] = chance.choice("AB")
            self._plan_one(
                SagaStart(saga_id, "book", Id(saga_id)), refusals=(SLOT, "appointment", "meeting", "confirm")
            )
        for number in range(chance.randint(0, 2)):
            saga_id = SagaId(f"upload-{number}")
            self._plan_one(SagaStart(saga_id, "upload", Id(saga_id)), refusals=("scan", "object", "catalogue"))
        subject = Id("appointment")
        for number in range(chance.randint(0, 3)):
            self._plan_one(SagaStart(SagaId(f"{subject}.{number}"), "carry_on", subject))
        for number in range(chance.randint(0, 2)):
            start = SagaStart(SagaId(f"register-{number}"), "register", Id(f"account-{number}"))
            self._plan_one(start, refusals=("identity", "profile"))
        if chance.random() < 0.3:
            due_at = self.timeline.clock.now() + timedelta(seconds=chance.uniform(0, 2 * CALM))
            self._plan_one(SagaStart(SagaId("remind"), "remind", Id("remind"), due_at))

    def _plan_one(self, start: SagaStart, *, refusals: tuple[str, ...] = ()) -> None:
        self.expected += 1
        after = self.chance.uniform(0, STARTS_WITHIN)
        if refusals and self.chance.random() < 0.3:
            lasts = self.chance.choice((after + self.chance.uniform(1, 15), 1e9))
            self.world.refusals[start.id, self.chance.choice(refusals)] = lasts
        if start.name == "register":
            process = self._process(f"app-{start.id}", ahead=self._skew())
            self.timeline.spawn(self._living(process, lambda: self._register(process, start)), after=after)
        else:
            if self.chance.random() < 0.05:
                self.world.poisonous.add(start.id)
            self.timeline.later(after, lambda: self._commit(start, self.timeline.clock.now()))

    def _commit(self, start: SagaStart, at: datetime) -> SagaRow:
        """The command's commit: what it has decided, and the row."""
        row = self.registry.begin(start, at=at)
        saga = self.registry.find(row)
        assert saga is not None
        if start.name == "carry_on":
            self.world.events[start.subject] = self.world.events.get(start.subject, 0) + 1
        self.world.enter(
            start.id, saga, begun={step.name: step_key(start.id, step.name) for step in saga.steps[: saga.begun]}
        )
        self.state.keep(row)
        self.timeline.note("command", f"starts {start.id}")
        return row

    def _register(self, process: Process, start: SagaStart) -> None:
        at = process.clock.now()
        due = attrs.evolve(start, due_at=at + LEASE)
        row = self._commit(due, at)
        process.point("after the commit")
        Registrant(self._services(process), self.registry).register(due, row)

    def _process(self, name: str, *, ahead: float) -> Process:
        return Process(name, self.timeline, self.weather, ahead=ahead)

    def _services(self, process: Process) -> Services:
        log = WatchedLog(self.log, self.world, process)
        return Services(log, self.world, process)

    def _living(
        self, process: Process, live: Callable[[], None], then: Callable[[], None] | None = None
    ) -> Callable[[], None]:
        """A life until its death, and what comes after it."""

        def life() -> None:
            try:
                live()
            except KilledError:
                if then is not None and process.dead:
                    then()

        return life

    def _worker(self, name: str, generation: int, *, ahead: float, after: float = 0.0) -> None:
        process = self._process(name, ahead=ahead)
        owner = f"{name}:{generation}"
        self.living[owner] = True

        def live() -> None:
            services = self._services(process)
            if generation > 1:
                TakeOver(services.log, owner, lambda other: other.startswith(f"{name}:") and not self.living[other])()
            run = RunSagas(
                services.log,
                self.registry,
                services.participants(self.sagas),
                process.clock,
                owner,
                lambda row: process.note(f"alarm: {row.id}"),
            )
            while True:
                try:
                    run()
                except UnavailableError:
                    process.wait(1.0)
                process.wait(self._idle(process))

        def die() -> None:
            self.living[owner] = False
            self._worker(name, generation + 1, ahead=ahead, after=self.chance.uniform(0.5, 40))

        self.timeline.spawn(self._living(process, live, die), after=after)

    def _idle(self, process: Process) -> float:
        """How long it sleeps: until something is due, and at most five seconds, so that it sees what comes."""
        now = process.clock.now()
        times = [max(row.due_at, row.lease_until or row.due_at) for row in self.state.waiting.values() if row.due_at]
        nearest = min(((due - now) / timedelta(seconds=1) for due in times), default=5.0)
        most = 5.0 if self.timeline.now < CALM else 300.0
        return min(max(nearest, 0.05), most) + self.chance.uniform(0, 0.2)

    def _operator(self, name: str) -> None:
        process = self._process(name, ahead=0.0)
        operator = Operator(self._services(process), self.registry)

        def live() -> None:
            while True:
                process.wait(self.chance.uniform(10, 60))
                operator.look(only_retry=self.timeline.now > CALM)

        self.timeline.spawn(self._living(process, live), after=0.0)
