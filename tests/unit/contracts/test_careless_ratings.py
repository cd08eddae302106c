"""The contract notices ratings that break a rule; each of its tests is needed."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

from adapters.memory import ratings
from adapters.memory.ratings import MemoryRatings
from adapters.memory.state import State
from telemed_core.domain.ids import AppointmentId
from telemed_core.domain.instants import EPOCH
from telemed_core.domain.ratings import UNRATED, RatingSum
from telemed_core.domain.receipts import Receipt
from telemed_core.errors import AlreadyRatedError
from telemed_core.testing.contracts import RatingsContract as Contract
from unit.contracts.breaking import (
    Broken,
    Table,
    Test,
    all_tests,
    each,
    fails,
    name_of,
    part,
    runs_of,
    torn,
    undone,
    without,
)

ADD, LIST, WRITE = MemoryRatings.add, MemoryRatings.list, State.write


def rated_as(**changes: Any) -> Callable[..., Any]:
    """Something else is kept than was told."""

    def careless(port: Any, rated: Any, /, *, command: Any) -> Any:
        ADD(port, attrs.evolve(rated, **changes), command=command)
        return rated.rating

    return careless


def written_first(port: Any, rated: Any, /, *, command: Any) -> Any:
    port._state.texts.update((text.key, text.body) for text in rated.texts)
    return ADD(port, rated, command=command)


def receipted_first(port: Any, rated: Any, /, *, command: Any) -> Any:
    port._state.check_receipt(command)
    try:
        return ADD(port, rated, command=command)
    except AlreadyRatedError:
        port._state.write(command, subject=rated.rating.appointment_id, rev=1, texts=(), sagas=())
        raise


def summed_first(port: Any, rated: Any, /, *, command: Any) -> Any:
    """Counted by whoever comes, and once more by whoever is let in."""
    rating, kept = rated.rating, port._state.sums
    try:
        return ADD(port, rated, command=command)
    except AlreadyRatedError:
        before = kept[rating.doctor_id]
        kept[rating.doctor_id] = RatingSum(before.count + 1, before.total + rating.score)
        raise


def rated_again(port: Any, rated: Any, /, *, command: Any) -> Any:
    port._state.ratings.pop(rated.rating.appointment_id, None)
    return ADD(port, rated, command=command)


def refused_again(port: Any, rated: Any, /, *, command: Any) -> Any:
    port._state.check_receipt(command)
    if rated.rating.appointment_id in port._state.ratings:
        raise AlreadyRatedError
    return ADD(port, rated, command=command)


def any_rating(port: Any, appointment_id: Any, /) -> Any:
    kept = port._state.ratings
    return kept.get(appointment_id, next(iter(kept.values())))[1]


def a_receipt_of(**changes: Any) -> Callable[..., None]:
    """Another receipt is left."""

    def careless(state: State, command: Any, **told: Any) -> None:
        WRITE(state, command, **{**told, **changes})

    return careless


def everybodys(port: Any, _: Any, /, *, after: Any = None, limit: int) -> Any:
    doctors = {rating.doctor_id for _, rating in port._state.ratings.values()}
    return [one for doctor in sorted(doctors) for one in LIST(port, doctor, after=after, limit=limit)]


add, get, listed, sums = (part(MemoryRatings, name) for name in ("add", "get", "list", "sums"))
check_receipt, write = part(State, "check_receipt"), part(State, "write")
fits, counts, by_age = part(Receipt, "fits"), part(Receipt, "counts"), part(ratings, "_by_age")

BROKEN: Table = {
    Contract.test_a_rating_is_kept_with_what_was_written: {
        "what was written is lost": add(rated_as(texts=())),
        "a rating is not kept": add(undone(ADD)),
    },
    Contract.test_a_visit_without_a_rating_has_none: {"every visit has a rating": get(any_rating)},
    Contract.test_each_rating_counts_for_its_doctor: {
        "nothing is summed": sums(lambda *_: {}),
        "who has no rating is summed": sums(
            lambda port, doctors, /: {one: port._state.sums.get(one, UNRATED) for one in doctors}
        ),
        "everybody is summed": sums(lambda port, _, /: dict(port._state.sums)),
    },
    Contract.test_a_visit_is_rated_once_and_a_refused_rating_leaves_nothing: {
        "a visit is rated twice": add(rated_again),
        "a refused rating leaves its text": add(written_first),
        "a refused rating leaves its receipt": add(receipted_first),
        "a refused rating counts": add(summed_first),
    },
    Contract.test_a_repeat_under_the_same_key_changes_nothing_and_names_the_visit: {
        "receipts do not count": check_receipt(lambda *_: None),
        "a receipt names something else": write(a_receipt_of(subject=AppointmentId("another"))),
    },
    Contract.test_something_else_under_the_key_is_refused_for_a_day: {
        "something else is the same": fits(lambda *_: True),
        "receipts count for ever": counts(lambda *_, **__: True),
    },
    Contract.test_the_same_command_again_gives_its_first_outcome: {
        "the same command is refused": add(refused_again),
        "the same command counts again": add(rated_again),
    },
    Contract.test_a_doctors_ratings_come_newest_first_and_by_visit_where_they_are_of_one_instant: {
        "ratings are listed by their visits": by_age(lambda one: (EPOCH, one.appointment_id)),
        "ratings are listed by time alone": by_age(lambda one: (one.at, AppointmentId("one"))),
        "everybody's ratings are listed": listed(everybodys),
    },
    Contract.test_pages_of_ratings_make_the_whole: {
        "pages begin anew": listed(without(LIST, "after")),
        "pages have no end": listed(without(LIST, "limit", limit=99)),
    },
    Contract.test_the_sum_is_a_fold_of_what_many_have_rated_at_once: {"at once some do not count": add(torn(ADD))},
    Contract.test_of_two_who_rate_one_visit_at_once_one_does: {"two rate one visit at once": add(torn(ADD))},
    Contract.test_of_parallel_repeats_under_one_key_one_rates: {"repeats rate at once": add(torn(ADD))},
}


@pytest.fixture(autouse=True)
def _hurried() -> Iterator[None]:
    """Threads take turns so often that whatever can come between does."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.parametrize(("test", "broken"), each(BROKEN))
def test_a_broken_rule_is_noticed(test: Test, broken: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broken.owner, broken.name, broken.careless)
    assert any(fails(run) for run in runs_of(test))


@pytest.mark.parametrize("test", all_tests(Contract), ids=name_of)
def test_each_test_notices_something_and_nothing_where_no_rule_is_broken(test: Test) -> None:
    assert test in BROKEN
    assert not any(fails(run) for run in runs_of(test))
