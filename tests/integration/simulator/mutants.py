"""Mistakes one could make in the engine, in the log and in participants: the simulation must notice each."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

import attrs
import pytest

from adapters.memory import sagas as memory
from adapters.memory.sagas import MemorySagaLog
from adapters.memory.state import State
from integration.simulator import definitions
from integration.simulator.agreeing import Effect
from integration.simulator.services import Services
from integration.simulator.world import World
from telemed_core.domain.ids import Id, SagaId
from telemed_core.domain.sagas import Phase, Progress, PublishedMark, SagaEntry, SagaRow
from telemed_core.saga import deciding, definition, driving, running
from telemed_core.saga.deciding import Broken, Call, Finish, Ok, Outcome, Refused, Resolution, Uncertain
from telemed_core.saga.definition import Kind, Saga, Step

Mutate = Callable[[pytest.MonkeyPatch], None]
Applied = tuple[Progress, timedelta]
Rule = Callable[[Saga, Step, Progress, Outcome], Outcome | Progress | None]

NOW: Final = timedelta(0)


def applying(rule: Rule) -> Mutate:
    """An engine that puts another outcome in the place of the answer, or goes somewhere else at once."""

    def mutate(patch: pytest.MonkeyPatch) -> None:
        right = deciding.apply

        def apply(saga: Saga, saga_id: SagaId, progress: Progress, outcome: Outcome) -> Applied:
            other = rule(saga, saga.steps[progress.step], progress, outcome)
            if isinstance(other, Progress):
                return other, NOW
            return right(saga, saga_id, progress, outcome if other is None else other)

        patch.setattr(driving, "apply", apply)

    return mutate


def _spent(step: Step, progress: Progress) -> bool:
    return progress.phase is Phase.FORWARD and progress.attempt >= step.retry.attempts


def without_the_refused_step(saga: Saga, step: Step, progress: Progress, outcome: Outcome) -> Progress | None:
    if progress.phase is Phase.FORWARD and step.kind is Kind.COMPENSATABLE and isinstance(outcome, Refused):
        return deciding._back(saga, progress.step - 1, outcome.code)
    return None


def without_the_uncertain_step(saga: Saga, step: Step, progress: Progress, outcome: Outcome) -> Progress | None:
    if step.kind is Kind.COMPENSATABLE and isinstance(outcome, Uncertain) and _spent(step, progress):
        return deciding._back(saga, progress.step - 1, outcome.code)
    return None


def swallowing(_: Saga, __: Step, progress: Progress, outcome: Outcome) -> Outcome | None:
    return Ok() if progress.phase is Phase.COMPENSATING and not isinstance(outcome, Ok) else None


def hoping(_: Saga, __: Step, progress: Progress, outcome: Outcome) -> Outcome | None:
    return Ok() if progress.phase is Phase.FORWARD and isinstance(outcome, Uncertain) else None


def past_the_pivot(saga: Saga, step: Step, progress: Progress, outcome: Outcome) -> Progress | None:
    if step.kind is Kind.RETRIABLE and isinstance(outcome, Uncertain) and progress.attempt >= 3 and saga.pivot:
        return deciding._back(saga, saga.pivot - 1, outcome.code)
    return None


def giving_up_for_bugs(_: Saga, __: Step, ___: Progress, outcome: Outcome) -> Outcome | None:
    return Uncertain(outcome.code) if isinstance(outcome, Broken) else None


def assuming_it_is_done(_: Saga, __: Step, progress: Progress, outcome: Outcome) -> Outcome | None:
    unknown = progress.phase is Phase.RESOLVING and isinstance(outcome, Uncertain)
    return Ok(Resolution.COMMITTED) if unknown else None


def without_resolving(patch: pytest.MonkeyPatch) -> None:
    def given_up(saga: Saga, step: Step, progress: Progress) -> Progress:
        return deciding._back(saga, progress.step - (step.kind is Kind.PIVOT), progress.error)

    patch.setattr(deciding, "_given_up", given_up)


def with_new_keys(patch: pytest.MonkeyPatch) -> None:
    right = deciding.decide

    def decide(saga: Saga, saga_id: SagaId, progress: Progress) -> Call | Finish:
        call = right(saga, saga_id, progress)
        return attrs.evolve(call, key=f"{call.key}-{call.attempt}") if isinstance(call, Call) else call

    patch.setattr(driving, "decide", decide)


def with_keys_by_way(patch: pytest.MonkeyPatch) -> None:
    right = deciding.decide

    def decide(saga: Saga, saga_id: SagaId, progress: Progress) -> Call | Finish:
        call = right(saga, saga_id, progress)
        return attrs.evolve(call, key=f"{call.key}-{call.way}") if isinstance(call, Call) else call

    patch.setattr(driving, "decide", decide)


def off_by_one(patch: pytest.MonkeyPatch) -> None:
    right = deciding._back
    patch.setattr(deciding, "_back", lambda saga, step, error: right(saga, step - 1, error))


def notifying_first(patch: pytest.MonkeyPatch) -> None:
    *before, pivot, notify, record = definitions.BOOK
    patch.setattr(definition, "_RANK", dict.fromkeys(Kind, 0))
    patch.setattr(definitions, "BOOK", (*before, notify, pivot, record))


def impatient(patch: pytest.MonkeyPatch) -> None:
    right = deciding._again

    def again(saga: Saga, saga_id: SagaId, step: Step, progress: Progress, *, bug: bool) -> Applied:
        if progress.phase is Phase.COMPENSATING:
            return deciding.quarantined(progress), NOW
        return right(saga, saga_id, step, progress, bug=bug)

    patch.setattr(deciding, "_again", again)


def never_poison(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(running, "MOST_CLAIMS", 10**9)


def believing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(running, "_is_past_pivot", lambda saga, progress: True)


def fencing_by(compare: Callable[[SagaRow], object]) -> Mutate:
    """A log that looks at less before it writes."""

    def mutate(patch: pytest.MonkeyPatch) -> None:
        right = State.held

        def held(state: State, row: SagaRow) -> SagaRow:
            kept = state.sagas[row.id]
            return kept if compare(kept) == compare(row) else right(state, row)

        patch.setattr(State, "held", held)

    return mutate


def ignoring_leases(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(memory, "_is_held", lambda row, *, now: False)


def ignoring_times(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(memory, "_is_due", lambda row, *, now: row.due_at is not None)


def ignoring_the_mark(patch: pytest.MonkeyPatch) -> None:
    right = MemorySagaLog.append

    def append(log: MemorySagaLog, entry: SagaEntry, /, *, mark: PublishedMark | None = None, **rest: Any) -> SagaRow:
        moved = mark and attrs.evolve(mark, before=log.published(mark.subject))
        return right(log, entry, mark=moved, **rest)

    patch.setattr(MemorySagaLog, "append", append)


def publishing_its_own(patch: pytest.MonkeyPatch) -> None:
    def publish(services: Services, saga_id: SagaId, subject: Id, call: Call, entry: SagaEntry) -> Outcome:
        told = services._tell(subject, int(saga_id.rpartition(".")[2]))
        return services._locally(saga_id, call, entry) if isinstance(told, Ok) else told

    patch.setattr(Services, "_publish", publish)


def without_tombstones(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(World, "tombstone", World.take)


def resolving_without_a_tombstone(patch: pytest.MonkeyPatch) -> None:
    right = World.handle

    def handle(world: World, saga_id: SagaId, call: Call, *, now: float) -> Outcome:
        if call.way == "resolve" and world.state(saga_id, call) is not Effect.DONE:
            return Ok(Resolution.ABORTED)
        return right(world, saga_id, call, now=now)

    patch.setattr(World, "handle", handle)


def undoing_only_what_is_there(patch: pytest.MonkeyPatch) -> None:
    right = World.handle

    def handle(world: World, saga_id: SagaId, call: Call, *, now: float) -> Outcome:
        if call.way == "undo" and world.state(saga_id, call) is not Effect.DONE:
            return Refused("not_found")
        return right(world, saga_id, call, now=now)

    patch.setattr(World, "handle", handle)


def repeating(patch: pytest.MonkeyPatch) -> None:
    right = World.state

    def state(world: World, saga_id: SagaId, call: Call) -> Effect:
        found = right(world, saga_id, call)
        return Effect.NONE if call.way == "do" and found is Effect.DONE else found

    patch.setattr(World, "state", state)


def releasing_anybodys(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(World, "release", lambda world, saga_id, slot: world.holders.pop(slot, None))


def apart_from_its_entry(patch: pytest.MonkeyPatch) -> None:
    def locally(services: Services, saga_id: SagaId, call: Call, entry: SagaEntry) -> Outcome:
        services.world.commit_locally(saga_id, call)
        services.log.append(entry)
        return Ok()

    patch.setattr(Services, "_locally", locally)


MUTANTS: Final[Mapping[str, Mutate]] = {
    "a new key for each attempt": with_new_keys,
    "another key for undoing": with_keys_by_way,
    "the refused step is not undone": applying(without_the_refused_step),
    "the last, uncertain step is not undone": applying(without_the_uncertain_step),
    "an unknown pivot is compensated without resolving it": without_resolving,
    "an unanswered resolve is taken for committed": applying(assuming_it_is_done),
    "errors of undoing are swallowed": applying(swallowing),
    "a timeout is taken for success": applying(hoping),
    "what is past its pivot is compensated": applying(past_the_pivot),
    "a bug is taken for a failure, and compensated": applying(giving_up_for_bugs),
    "compensation begins one step too early": off_by_one,
    "people are told before the pivot": notifying_first,
    "quarantined before the budget is spent": impatient,
    "what kills its runners is claimed for ever": never_poison,
    "a use case takes its saga for done": believing,
    "appending looks at neither seq nor fence": fencing_by(lambda row: row.id),
    "appending looks at the fence alone": fencing_by(lambda row: row.fence),
    "appending looks at seq alone": fencing_by(lambda row: row.seq),
    "leases are ignored by claims": ignoring_leases,
    "claims take what is not due": ignoring_times,
    "the mark is written whatever it was": ignoring_the_mark,
    "each saga publishes its own event alone": publishing_its_own,
    "no tombstones": without_tombstones,
    "resolving leaves no tombstone": resolving_without_a_tombstone,
    "undoing refuses what it does not find": undoing_only_what_is_there,
    "what was done is done again": repeating,
    "undoing releases what is another's": releasing_anybodys,
    "a local effect is committed apart from its entry": apart_from_its_entry,
}
