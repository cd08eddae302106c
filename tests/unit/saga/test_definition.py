"""Sagas as data: only shapes that can always be ended, and a digest of all that matters."""

from datetime import timedelta
from itertools import pairwise, product

import attrs
import pytest

from telemed_core.domain.ids import Id, SagaId
from telemed_core.domain.instants import EPOCH
from telemed_core.domain.sagas import Progress, SagaStart
from telemed_core.saga.definition import FOREVER, Kind, Retry, Saga, Step
from telemed_core.testing.builders import MONDAY
from unit.saga.stage import HOUR, TRIP, a_step

C, P, R = Kind


def of(*kinds: Kind, begun: int = 0) -> Saga:
    return Saga("some", 1, tuple(a_step(f"s{index}", kind) for index, kind in enumerate(kinds)), begun=begun)


@pytest.mark.parametrize("kinds", [kinds for length in range(1, 5) for kinds in product(Kind, repeat=length)])
def test_steps_come_as_compensatable_then_at_most_one_pivot_then_retriable(kinds: tuple[Kind, ...]) -> None:
    rank = "".join({C: "c", P: "p", R: "r"}[kind] for kind in kinds)
    allowed = rank.count("p") <= 1 and list(rank) == sorted(rank)
    if allowed:
        assert of(*kinds).pivot == (rank.index("p") if "p" in rank else None)
    else:
        with pytest.raises(ValueError, match="compensatable"):
            of(*kinds)


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ((a_step("a", C), a_step("a", R)), "stands twice"),
        ((attrs.evolve(a_step("a", P), resolve=None),), "resolved"),
        ((attrs.evolve(a_step("a", R), resolve="r"),), "resolved"),
        ((attrs.evolve(a_step("a", C), resolve="r"),), "resolved"),
        ((attrs.evolve(a_step("a", P), undo="u"),), "undone"),
        ((attrs.evolve(a_step("a", R), undo="u"),), "undone"),
        ((), "begun"),
    ],
)
def test_what_could_not_be_ended_is_no_saga(steps: tuple[Step, ...], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Saga("some", 1, steps)


@pytest.mark.parametrize(("begun", "allowed"), [(-1, False), (0, True), (1, True), (2, True), (3, False)])
def test_a_saga_begins_within_its_steps(begun: int, allowed: bool) -> None:
    if allowed:
        start = SagaStart(SagaId("s"), "some", Id("a"))
        assert of(P, R, begun=begun).begin(start, at=MONDAY).progress == Progress(step=begun)
    else:
        with pytest.raises(ValueError, match="begun"):
            of(P, R, begun=begun)


def test_a_row_carries_name_version_and_digest_and_is_due_at_once_or_when_it_is_said() -> None:
    now = TRIP.begin(SagaStart(SagaId("s"), "trip", Id("a")), at=MONDAY)
    assert (now.name, now.version, now.digest, now.subject) == ("trip", 1, TRIP.digest, "a")
    assert (now.seq, now.fence, now.claims, now.owner, now.due_at) == (0, 0, 0, None, EPOCH)
    assert (now.started_at, now.changed_at) == (MONDAY, MONDAY)
    assert TRIP.begin(SagaStart(SagaId("s"), "trip", Id("a"), MONDAY + HOUR), at=MONDAY).due_at == MONDAY + HOUR


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "z"},
        {"do": "z"},
        {"undo": "z"},
        {"local": True},
        {"timeout": SECOND},
        {"retry": Retry(attempts=3)},
        {"retry": Retry(attempts=2, first=SECOND)},
        {"retry": Retry(attempts=2, most=SECOND)},
        {"undo_retry": Retry(attempts=3)},
        {"undo_retry": Retry(attempts=2, first=SECOND)},
        {"undo_retry": Retry(attempts=2, most=SECOND)},
    ],
)
def test_whatever_changes_in_a_step_changes_the_digest(changed: dict[str, object]) -> None:
    first, *rest = TRIP.steps
    other = Saga("trip", 1, (attrs.evolve(first, **changed), *rest))
    assert other.digest != TRIP.digest
    assert Saga("trip", 1, TRIP.steps).digest == TRIP.digest


def test_name_version_beginning_order_and_resolution_are_in_the_digest_too() -> None:
    *head, pay, ticket, mail = TRIP.steps
    others = [
        Saga("tour", 1, TRIP.steps),
        Saga("trip", 2, TRIP.steps),
        Saga("trip", 1, TRIP.steps, begun=1),
        Saga("trip", 1, (*head, pay, mail, ticket)),
        Saga("trip", 1, (*head, pay, ticket)),
        Saga("trip", 1, (*head, attrs.evolve(pay, resolve="z"), ticket, mail)),
        Saga("trip", 1, (*head, attrs.evolve(a_step("pay", R)), ticket, mail)),
        TRIP,
    ]
    assert len({one.digest for one in others}) == len(others)


def test_waits_double_up_to_the_most_between_half_and_whole() -> None:
    retry = Retry(attempts=99, first=SECOND, most=timedelta(seconds=10))
    wholes = [retry.wait(attempt, unit=1).total_seconds() for attempt in range(1, 7)]
    assert wholes == [1, 2, 4, 8, 10, 10]
    assert [retry.wait(attempt, unit=0).total_seconds() for attempt in range(1, 7)] == [whole / 2 for whole in wholes]
    assert retry.wait(10**6, unit=1) == timedelta(seconds=10)


def test_what_must_be_done_is_tried_for_four_to_eight_hours() -> None:
    waits = [FOREVER.wait(attempt, unit=1) for attempt in range(1, FOREVER.attempts)]
    assert all(one <= other for one, other in pairwise(waits))
    assert timedelta(hours=8) < sum(waits, timedelta()) < timedelta(hours=8.5)
