"""What the participants have done: effects by key, none → done → undone, and what must always hold of them."""

from collections import Counter, defaultdict

import attrs

from integration.simulator.agreeing import Effect, disagreement
from integration.simulator.definitions import SLOT
from telemed_core.domain.ids import Id, SagaId
from telemed_core.domain.sagas import MOST_CLAIMS, Phase, SagaRow
from telemed_core.saga.deciding import Call, Ok, Outcome, Refused, Resolution
from telemed_core.saga.definition import Kind, Saga


class ViolatedError(BaseException):
    """Something has happened that must not; no handler of the product sees it as an error of its own."""


@attrs.define
class World:
    """All services, as they would be behind the network.

    Attributes:
        refusals: until when a saga's step is refused.
        wants: the slot that a saga is to take.
        events: how many events of a subject there are.
        told: up to which of them its readers know.
        rows: the log's rows, as they are written.
        asked: how often a saga's step has been asked in a phase, since an operator last looked at it.
        poisonous: which sagas kill the process that goes on with them, until an operator has seen to them.
        deaths: how many of them each has killed.
        completed, undone: of which sagas somebody has been told that.
    """

    rows: dict[SagaId, SagaRow]
    refusals: dict[tuple[SagaId, str], float] = attrs.Factory(dict)
    wants: dict[SagaId, str] = attrs.Factory(dict)
    events: dict[Id, int] = attrs.Factory(dict)
    told: Counter[Id] = attrs.Factory(Counter)
    sagas: dict[SagaId, Saga] = attrs.Factory(dict)
    effects: dict[SagaId, dict[str, dict[str, Effect]]] = attrs.Factory(dict)
    holders: dict[str, SagaId] = attrs.Factory(dict)
    committed: Counter[tuple[SagaId, str]] = attrs.Factory(Counter)
    asked: dict[SagaId, Counter[tuple[str, Phase]]] = attrs.Factory(lambda: defaultdict(Counter))
    poisonous: set[SagaId] = attrs.Factory(set)
    deaths: Counter[SagaId] = attrs.Factory(Counter)
    completed: list[SagaId] = attrs.Factory(list)
    undone: list[SagaId] = attrs.Factory(list)

    def enter(self, saga_id: SagaId, saga: Saga, *, begun: dict[str, str]) -> None:
        """A saga has been started, with the effects, by step, that its commit has had."""
        self.sagas[saga_id] = saga
        self.effects[saga_id] = {step.name: {} for step in saga.steps}
        for step, key in begun.items():
            self._turn(saga_id, step, key, Effect.DONE)

    def handle(self, saga_id: SagaId, call: Call, *, now: float) -> Outcome:
        """What the participant does, in one local transaction."""
        if call.way == "do":
            return self._do(saga_id, call, now=now)
        if call.way == "undo":
            self.undo(saga_id, call)
            return Ok()
        if self.state(saga_id, call) is Effect.DONE:
            return Ok(Resolution.COMMITTED)
        self._turn(saga_id, call.step, call.key, Effect.UNDONE)
        return Ok(Resolution.ABORTED)

    def refuses(self, saga_id: SagaId, call: Call, *, now: float) -> bool:
        """Whether somebody's rule forbids it now."""
        taken = call.step == SLOT and self.holders.get(self.wants[saga_id], saga_id) != saga_id
        return taken or now < self.refusals.get((saga_id, call.step), 0.0)

    def state(self, saga_id: SagaId, call: Call) -> Effect:
        return self.effects[saga_id][call.step].get(call.key, Effect.NONE)

    def _do(self, saga_id: SagaId, call: Call, *, now: float) -> Outcome:
        match self.state(saga_id, call):
            case Effect.DONE:
                return Ok()
            case Effect.UNDONE:
                return self.tombstone(saga_id, call)
            case Effect.NONE:
                return Refused("not_now") if self.refuses(saga_id, call, now=now) else self.take(saga_id, call)

    def tombstone(self, saga_id: SagaId, call: Call) -> Outcome:
        """What is done after it was undone."""
        return Refused("was_undone")

    def take(self, saga_id: SagaId, call: Call) -> Outcome:
        """Have the effect."""
        if self.effect(saga_id, call.step) is Effect.DONE:
            raise ViolatedError(f"{saga_id}: {call.step} is done twice")
        step = next(step for step in self.sagas[saga_id].steps if step.name == call.step)
        if step.kind is Kind.RETRIABLE and self._pivot(saga_id) is Effect.NONE:
            raise ViolatedError(f"{saga_id}: told before its pivot")
        if call.step == SLOT:
            self.holders[self.wants[saga_id]] = saga_id
        self._turn(saga_id, call.step, call.key, Effect.DONE)
        return Ok()

    def undo(self, saga_id: SagaId, call: Call) -> None:
        """Take the effect back, whether or not there was one."""
        if self._pivot(saga_id) is Effect.DONE:
            raise ViolatedError(f"{saga_id}: undone after it was confirmed")
        if call.step == SLOT:
            self.release(saga_id, self.wants[saga_id])
        self._turn(saga_id, call.step, call.key, Effect.UNDONE)

    def release(self, saga_id: SagaId, slot: str) -> None:
        """Give the slot back, if it is the saga's."""
        if self.holders.get(slot) == saga_id:
            del self.holders[slot]

    def commit_locally(self, saga_id: SagaId, call: Call) -> None:
        """The effect of a local step."""
        self.committed[saga_id, call.operation] += 1
        if self.committed[saga_id, call.operation] > 1:
            raise ViolatedError(f"{saga_id}: {call.operation} has happened twice")
        if call.way == "undo":
            self.undo(saga_id, call)
        else:
            self.take(saga_id, call)

    def count_death(self, saga_id: SagaId) -> None:
        """A process has died of what the saga does to it."""
        self.deaths[saga_id] += 1
        if self.deaths[saga_id] > MOST_CLAIMS:
            raise ViolatedError(f"{saga_id}: it goes on killing")

    def seen_to(self, saga_id: SagaId) -> None:
        """An operator has looked at it."""
        self.asked.pop(saga_id, None)
        self.deaths.pop(saga_id, None)
        self.poisonous.discard(saga_id)

    def tell(self, subject: Id, seq: int) -> None:
        """Readers learn of an event; they drop what they know."""
        if seq > self.told[subject] + 1:
            raise ViolatedError(f"{subject}: event {seq} told before {self.told[subject] + 1}")
        self.told[subject] = max(seq, self.told[subject])

    def _pivot(self, saga_id: SagaId) -> Effect:
        saga = self.sagas[saga_id]
        return Effect.DONE if saga.pivot is None else self.effect(saga_id, saga.steps[saga.pivot].name)

    def effect(self, saga_id: SagaId, step: str) -> Effect:
        """What has become of a step, under whatever keys."""
        states = [*self.effects[saga_id][step].values()]
        if states.count(Effect.DONE) > 1:
            raise ViolatedError(f"{saga_id}: {step} is done twice")
        return Effect.DONE if Effect.DONE in states else Effect.UNDONE if states else Effect.NONE

    def _turn(self, saga_id: SagaId, step: str, key: str, effect: Effect) -> None:
        self.effects[saga_id][step][key] = effect
        self.check(saga_id)

    def check(self, saga_id: SagaId) -> None:
        """See that the saga's row and its effects agree, and that its slot has one owner."""
        row = self.rows.get(saga_id)
        if row is not None:
            found = disagreement(self.sagas[saga_id], row.progress, lambda step: self.effect(saga_id, step))
            if found:
                raise ViolatedError(f"{saga_id}: {found}")
        slot = self.wants.get(saga_id)
        owners = [other for other, wanted in self.wants.items() if wanted == slot and self._owns(other)]
        if slot is not None and len(owners) > 1:
            raise ViolatedError(f"slot {slot}: held by {' and '.join(owners)}")

    def _owns(self, saga_id: SagaId) -> bool:
        return saga_id in self.effects and self.effect(saga_id, SLOT) is Effect.DONE
