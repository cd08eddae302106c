"""The two pure functions, outcome by outcome."""

from collections.abc import Iterator

import pytest

from telemed_core.domain.ids import SagaId
from telemed_core.domain.sagas import Phase, Progress
from telemed_core.saga.deciding import (
    NOW,
    Broken,
    Call,
    Finish,
    Ok,
    Outcome,
    Refused,
    Resolution,
    Uncertain,
    apply,
    compensated_from,
    decide,
    quarantined,
    resolved,
    retried,
    step_key,
)
from telemed_core.saga.definition import Kind, Retry, Saga
from unit.saga.stage import ID, TRIP, a_step, at

FORWARD, RESOLVING, COMPENSATING = Phase.FORWARD, Phase.RESOLVING, Phase.COMPENSATING
COMMITTED, ABORTED = Ok(Resolution.COMMITTED), Ok(Resolution.ABORTED)
NO, MAYBE, BUG = Refused("no"), Uncertain("maybe"), Broken("BUG")


def stuck(progress: Progress) -> Progress:
    return quarantined(progress)


TABLE: list[tuple[Progress, Outcome, Progress]] = [
    # Forward: done is done, whatever it says.
    (at("flight"), Ok(), at("weather")),
    (at("flight", attempt=2, error="x"), ABORTED, at("weather")),
    (at("hotel"), Ok(), at("pay")),
    (at("pay"), Ok(), at("ticket")),
    (at("mail"), Ok(), at(6, Phase.COMPLETED)),
    # Compensatable: refused is given up at once, uncertain after its budget, and the step itself is undone.
    (at("hotel"), NO, at("hotel", COMPENSATING, error="no")),
    (at("hotel"), MAYBE, at("hotel", attempt=2, error="maybe")),
    (at("hotel", attempt=2), MAYBE, at("hotel", COMPENSATING, error="maybe")),
    # What only reads has nothing to undo: those before it have.
    (at("weather"), NO, at("flight", COMPENSATING, error="no")),
    (at("flight"), NO, at("flight", COMPENSATING, error="no")),
    # The pivot: refused or unknown, it is resolved, never guessed.
    (at("pay"), NO, at("pay", RESOLVING, error="no")),
    (at("pay"), MAYBE, at("pay", attempt=2, error="maybe")),
    (at("pay", attempt=2), MAYBE, at("pay", RESOLVING, error="maybe")),
    (at("pay", RESOLVING, error="no"), COMMITTED, at("ticket")),
    (at("pay", RESOLVING, error="no"), ABORTED, at("hotel", COMPENSATING, error="no")),
    # Who does not say which way has not resolved it.
    (at("pay", RESOLVING), Ok(), at("pay", RESOLVING, attempt=2, error="unresolved")),
    (at("pay", RESOLVING, attempt=2), Ok(), stuck(at("pay", RESOLVING, attempt=2, error="unresolved"))),
    (at("pay", RESOLVING), NO, at("pay", RESOLVING, attempt=2, error="no")),
    (at("pay", RESOLVING, attempt=2), NO, stuck(at("pay", RESOLVING, attempt=2, error="no"))),
    (at("pay", RESOLVING), MAYBE, at("pay", RESOLVING, attempt=2, error="maybe")),
    (at("pay", RESOLVING, attempt=2), MAYBE, stuck(at("pay", RESOLVING, attempt=2, error="maybe"))),
    (at("pay", RESOLVING), BUG, at("pay", RESOLVING, attempt=2, error="BUG")),
    # Retriable: it only retries, a refusal too.
    (at("ticket"), NO, at("ticket", attempt=2, error="no")),
    (at("ticket", attempt=2), NO, stuck(at("ticket", attempt=2, error="no"))),
    (at("ticket"), MAYBE, at("ticket", attempt=2, error="maybe")),
    (at("ticket", attempt=2), MAYBE, stuck(at("ticket", attempt=2, error="maybe"))),
    # A bug never compensates.
    *((at(step), BUG, at(step, attempt=2, error="BUG")) for step in ("flight", "weather", "hotel", "pay", "ticket")),
    *(
        (at(step, attempt=2), BUG, stuck(at(step, attempt=2, error="BUG")))
        for step in ("flight", "weather", "hotel", "pay", "ticket")
    ),
    # Back: one after the other, never given up.
    (at("hotel", COMPENSATING, error="no"), Ok(), at("flight", COMPENSATING, error="no")),
    (at("flight", COMPENSATING, error="no"), COMMITTED, at(-1, Phase.COMPENSATED, error="no")),
    *((at("hotel", COMPENSATING), no, at("hotel", COMPENSATING, attempt=2, error=no.code)) for no in (NO, MAYBE, BUG)),
    *(
        (at("hotel", COMPENSATING, attempt=2), no, stuck(at("hotel", COMPENSATING, attempt=2, error=no.code)))
        for no in (NO, MAYBE, BUG)
    ),
]


@pytest.mark.parametrize(("before", "outcome", "after"), TABLE)
def test_the_outcome_leads_to(before: Progress, outcome: Outcome, after: Progress) -> None:
    progress, wait = apply(TRIP, ID, before, outcome)
    assert progress == after
    retries = after.phase.runs and after.attempt > 1
    assert (wait > NOW) == retries


def test_a_saga_without_a_step_to_undo_is_compensated_at_once() -> None:
    reads = Saga("reads", 1, (a_step("look", Kind.COMPENSATABLE), a_step("go", Kind.PIVOT)))
    done = Progress(phase=Phase.COMPENSATED, step=-1, error="no")
    assert apply(reads, ID, Progress(), NO) == (done, NOW)
    assert apply(reads, ID, Progress(phase=RESOLVING, step=1, error="no"), ABORTED) == (done, NOW)


@pytest.mark.parametrize(
    ("progress", "called"),
    [
        (at("flight"), ("flight", "do")),
        (at("pay"), ("pay", "do")),
        (at("pay", RESOLVING), ("resolve_pay", "resolve")),
        (at("hotel", COMPENSATING), ("undo_hotel", "undo")),
        (at("mail", attempt=2), ("mail", "do")),
    ],
)
def test_what_is_called_follows_from_the_phase(progress: Progress, called: tuple[str, str]) -> None:
    call = decide(TRIP, ID, progress)
    assert isinstance(call, Call)
    assert (call.operation, call.way) == called
    step = TRIP.steps[progress.step]
    assert (call.step, call.attempt, call.local, call.timeout) == (step.name, progress.attempt, False, step.timeout)


@pytest.mark.parametrize(
    ("progress", "phase"),
    [
        (at(6), Phase.COMPLETED),
        (at(-1, COMPENSATING), Phase.COMPENSATED),
        (at(6, Phase.COMPLETED), Phase.COMPLETED),
        (at(-1, Phase.COMPENSATED), Phase.COMPENSATED),
        (stuck(at("pay")), Phase.QUARANTINED),
    ],
)
def test_what_has_ended_or_is_quarantined_calls_nothing(progress: Progress, phase: Phase) -> None:
    assert decide(TRIP, ID, progress) == Finish(phase)


def test_one_key_serves_do_undo_resolve_and_all_attempts_of_a_step() -> None:
    def keys(step: str) -> Iterator[str]:
        for phase in (FORWARD, COMPENSATING):
            for attempt in (1, 2):
                call = decide(TRIP, ID, at(step, phase, attempt=attempt))
                assert isinstance(call, Call)
                yield call.key

    assert set(keys("hotel")) == {step_key(ID, "hotel")}
    resolve = decide(TRIP, ID, at("pay", RESOLVING))
    assert isinstance(resolve, Call)
    assert resolve.key == step_key(ID, "pay")
    assert step_key(ID, "hotel") == "ykqmfsd2q32g2jerlye4nr4zyqhtvost"
    assert len({step_key(SagaId(saga), step) for saga in ("a1.1", "a1.2") for step in ("hotel", "pay")}) == 4


def test_waits_are_jittered_by_saga_step_phase_and_attempt_and_the_same_each_time() -> None:
    def wait(saga_id: str, progress: Progress) -> float:
        saga = Saga("trip", 1, tuple(a_step(one.name, one.kind, retry=FEW) for one in TRIP.steps))
        return apply(saga, SagaId(saga_id), progress, MAYBE)[1].total_seconds()

    first = wait("a1.1", at("flight"))
    assert first == wait("a1.1", at("flight")) == pytest.approx(0.134728, abs=1e-6)
    found = [wait(one, at(step, attempt=tried)) for one in ("a", "b") for step in ("flight", "pay") for tried in (1, 2)]
    assert len(set(found)) == len(found)
    assert all(0.1 <= one <= 0.4 for one in found)
    many = [wait(f"s{number}", at("flight")) for number in range(200)]
    assert min(many) < 0.11
    assert max(many) > 0.19


FEW = Retry(attempts=3)


@pytest.mark.parametrize(
    "before", [at("flight", attempt=2, error="no"), at("pay", RESOLVING), at("hotel", COMPENSATING, error="no")]
)
def test_who_is_quarantined_remembers_where_it_was_and_is_retried_there_with_a_new_budget(before: Progress) -> None:
    out = quarantined(before)
    assert (out.phase, out.stuck_in, out.step, out.error) == (
        Phase.QUARANTINED,
        before.phase,
        before.step,
        before.error,
    )
    assert quarantined(before, error="why").error == "why"
    again = retried(out)
    assert (again.phase, again.stuck_in, again.step, again.attempt) == (before.phase, None, before.step, 1)


@pytest.mark.parametrize(
    ("where", "goes"),
    [
        (at("flight"), at("flight", COMPENSATING)),
        (at("weather", error="no"), at("flight", COMPENSATING, error="no")),
        (at("hotel"), at("hotel", COMPENSATING)),
        (at("hotel", COMPENSATING, attempt=2), at("hotel", COMPENSATING)),
        (at("pay"), None),
        (at("pay", RESOLVING), None),
        (at("ticket"), None),
        (at(6), None),
    ],
)
def test_only_before_its_pivot_it_can_be_sent_back(where: Progress, goes: Progress | None) -> None:
    assert compensated_from(TRIP, stuck(where)) == goes


def test_a_saga_without_a_pivot_can_be_sent_back_from_what_can_be_undone() -> None:
    saga = Saga("s", 1, (a_step("a", Kind.COMPENSATABLE, undo=True), a_step("b", Kind.RETRIABLE)))
    assert compensated_from(saga, stuck(Progress())) == Progress(phase=COMPENSATING)
    assert compensated_from(saga, stuck(Progress(step=1))) is None


@pytest.mark.parametrize(
    ("where", "goes"),
    [
        (at("flight", attempt=2), at("weather")),
        (at("pay"), at("ticket")),
        (at("pay", RESOLVING), at("ticket")),
        (at("mail"), at(6, Phase.COMPLETED)),
        (at("hotel", COMPENSATING, error="no"), at("flight", COMPENSATING, error="no")),
        (at(6), None),
    ],
)
def test_resolved_by_hand_it_goes_on_after_the_call_it_was_stuck_at(where: Progress, goes: Progress | None) -> None:
    assert resolved(TRIP, ID, stuck(where)) == goes
