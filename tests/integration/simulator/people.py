"""Who waits for a saga of their own, and who looks after those that have come to a stop."""

from collections.abc import Callable
from datetime import timedelta

import attrs

from integration.simulator.agreeing import Effect
from integration.simulator.services import BugError, Services
from telemed_core.domain.sagas import Phase, SagaEntry, SagaRow, SagaStart
from telemed_core.errors import BusyError, ConflictError, InvalidTransitionError, TelemedError, UnavailableError
from telemed_core.saga.deciding import Broken, Finish, Ok, Outcome, Uncertain, decide, retried
from telemed_core.saga.operating import CompensateSaga, ResolveSaga, RetrySaga
from telemed_core.saga.running import Inline
from telemed_core.saga.sagas import Registry
from telemed_core.testing.builders import an_administrator


@attrs.frozen
class Registrant:
    """Carries a registration through, and believes what is answered."""

    services: Services
    registry: Registry

    def register(self, start: SagaStart, row: SagaRow) -> None:
        process = self.services.process
        saga = self.registry.latest(start.name)
        assert saga is not None
        inline = Inline(
            self.services.log,
            self.registry,
            self.services.participants([saga]),
            process.clock,
            lambda pause: process.wait(pause / timedelta(seconds=1)),
            lambda stuck: process.note(f"alarm: {stuck.id}"),
        )
        work = {step.do: self._work(start, row, index) for index, step in enumerate(saga.steps) if index}
        try:
            inline.run(start, work, at=row.started_at)
        except (BusyError, UnavailableError, BugError) as error:
            process.note(f"is told nothing of {start.id}: {type(error).__name__}")
        except TelemedError as error:
            process.note(f"is refused {start.id}: {error.code}")
            self.services.world.undone.append(start.id)
        else:
            process.note(f"is told that {start.id} is done")
            self.services.world.completed.append(start.id)

    def _work(self, start: SagaStart, row: SagaRow, index: int) -> Callable[[SagaEntry | None], None]:
        saga = self.registry.latest(start.name)
        assert saga is not None
        call = decide(saga, start.id, attrs.evolve(row.progress, step=index))
        assert not isinstance(call, Finish)

        def work(entry: SagaEntry | None) -> None:
            self.services.world.asked[start.id][call.step, Phase.FORWARD] += 1
            answer = self.services.carry_out(start.id, start.subject, call, entry)
            self.services.process.answers[start.id] = answer
            _raise(answer)

        return work


def _raise(answer: Outcome) -> None:
    match answer:
        case Ok():
            return
        case Uncertain():
            raise UnavailableError
        case Broken():
            raise BugError
    raise ConflictError


@attrs.frozen
class Operator:
    """Looks now and then whether anything is quarantined, and does something about it."""

    services: Services
    registry: Registry

    def look(self, *, only_retry: bool) -> None:
        log, chance = self.services.log, self.services.process.timeline.chance
        for row in log.list(phases={Phase.QUARANTINED}, limit=20):
            verb = RetrySaga if only_retry else chance.choice((RetrySaga, CompensateSaga, ResolveSaga))
            if verb is ResolveSaga and not self._done_by_hand(row):
                continue
            try:
                verb(log, self.registry, self.services.process.clock)(
                    saga_id=row.id, reason="It has been seen to.", actor=an_administrator()
                )
            except (InvalidTransitionError, BusyError) as error:
                self.services.process.note(f"cannot {verb.__name__} {row.id}: {error.code}")

    def _done_by_hand(self, row: SagaRow) -> bool:
        """Whether the step at which it has come to a stop is done now, or undone, without the saga."""
        saga, world = self.registry.find(row), self.services.world
        assert saga is not None
        call = decide(saga, row.id, retried(row.progress))
        if isinstance(call, Finish) or call.local:
            return False
        if call.way == "resolve":
            return world.state(row.id, call) is Effect.DONE
        return isinstance(world.handle(row.id, call, now=self.services.process.timeline.now), Ok)
