"""The driver, request by request."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from telemed_core.domain.sagas import LEASE, Phase, SagaEntry, SagaRow
from telemed_core.saga.deciding import Ok, Outcome, Refused, Resolution, Uncertain, quarantined
from telemed_core.saga.definition import Kind, Saga
from telemed_core.saga.driving import Append, Asked, Renew, Request, drive
from telemed_core.testing.builders import MONDAY
from unit.saga.stage import TRIP, a_row, a_step, at

LOCAL = Saga(
    "local",
    1,
    (
        a_step("book", Kind.COMPENSATABLE, undo=True, local=True),
        a_step("pay", Kind.PIVOT, local=True),
        a_step("mail", Kind.RETRIABLE, local=True),
    ),
)
INSTANT = timedelta(seconds=1)


def driven(
    saga: Saga, row: SagaRow, *outcomes: Outcome, takes: timedelta = timedelta(0)
) -> tuple[list[Request], SagaRow]:
    """All requests, where participants answer this and then ``Ok``, and the row that is left."""
    answers, requests, now = iter(outcomes), [], MONDAY
    driving = drive(saga, row, now=now)
    try:
        request = next(driving)
        while True:
            requests.append(request)
            now += takes
            request = driving.send((_answer(request, answers, now), now))
    except StopIteration as ended:
        return requests, ended.value


def _answer(request: Request, answers: Iterator[Outcome], now: datetime) -> Outcome | SagaRow:
    match request:
        case Asked():
            return next(answers, Ok())
        case Append(entry):
            return entry.after
        case Renew(row):
            return evolve(row, lease_until=now + LEASE)


def evolve(row: SagaRow, **facts: object) -> SagaRow:
    return a_row(LOCAL if row.name == "local" else TRIP, progress=row.progress, seq=row.seq, owner="here", **facts)


def names(requests: list[Request]) -> list[str]:
    return [one.call.operation if isinstance(one, Asked) else type(one).__name__ for one in requests]


def test_each_answer_is_written_down_before_the_next_call() -> None:
    requests, left = driven(TRIP, a_row())
    assert names(requests) == [
        name for step in ("flight", "weather", "hotel", "pay", "ticket", "mail") for name in (step, "Append")
    ]
    assert (left.progress.phase, left.seq, left.due_at, left.owner) == (Phase.COMPLETED, 6, None, None)


def test_a_refused_step_is_undone_with_all_before_it() -> None:
    requests, left = driven(TRIP, a_row(), Ok(), Ok(), Refused("no"))
    assert names(requests)[4:] == ["hotel", "Append", "undo_hotel", "Append", "undo_flight", "Append"]
    assert (left.progress, left.seq) == (at(-1, Phase.COMPENSATED, error="no"), 5)


def test_an_uncertain_pivot_is_resolved() -> None:
    row = a_row(progress=at("pay"))
    requests, left = driven(TRIP, row, Refused("no"), Ok(Resolution.ABORTED))
    assert names(requests)[2:] == ["resolve_pay", "Append", "undo_hotel", "Append", "undo_flight", "Append"]
    assert left.progress.phase is Phase.COMPENSATED
    requests, left = driven(TRIP, row, Refused("no"), Ok(Resolution.COMMITTED))
    assert names(requests)[2:] == ["resolve_pay", "Append", "ticket", "Append", "mail", "Append"]
    assert left.progress.phase is Phase.COMPLETED


def test_it_stops_where_it_has_to_wait() -> None:
    row = a_row(owner="here", lease_until=MONDAY + LEASE)
    requests, left = driven(TRIP, row, Uncertain("maybe"))
    assert names(requests) == ["flight", "Append"]
    assert left.due_at is not None
    assert MONDAY < left.due_at < MONDAY + INSTANT
    assert (left.owner, left.lease_until, left.progress.attempt) == (None, None, 2)


@pytest.mark.parametrize("phase", [Phase.COMPLETED, Phase.COMPENSATED])
def test_what_has_ended_asks_nothing(phase: Phase) -> None:
    row = a_row(progress=at(6, phase))
    assert driven(TRIP, row) == ([], row)


def test_what_is_quarantined_asks_nothing() -> None:
    row = a_row(progress=quarantined(at("pay")))
    assert driven(TRIP, row) == ([], row)


def test_a_saga_that_the_commit_has_done_whole_is_only_ended() -> None:
    saga = Saga("trip", 1, TRIP.steps, begun=6)
    requests, left = driven(saga, a_row(saga))
    assert names(requests) == ["Append"]
    assert left.progress == at(6, Phase.COMPLETED)


def test_a_local_step_writes_its_entry_itself() -> None:
    requests, left = driven(LOCAL, a_row(LOCAL))
    assert names(requests) == ["book", "pay", "mail"]
    entries = [one.entry for one in requests if isinstance(one, Asked)]
    assert all(entries)
    assert [entry.before.seq for entry in entries if entry] == [0, 1, 2]
    assert entries[-1] is not None
    assert left == entries[-1].after
    assert left.progress.phase is Phase.COMPLETED


def test_a_local_step_that_is_not_done_is_written_by_the_driver() -> None:
    requests, left = driven(LOCAL, a_row(LOCAL), Ok(), Refused("no"), Ok(Resolution.ABORTED))
    assert names(requests) == ["book", "pay", "Append", "resolve_pay", "Append", "undo_book"]
    _, _, _, resolve, _, undo = requests
    assert isinstance(resolve, Asked)
    assert isinstance(undo, Asked)
    assert resolve.entry is None
    assert undo.entry == SagaEntry(before=undo.row, progress=left.progress, at=MONDAY)
    assert left.progress.phase is Phase.COMPENSATED


def test_steps_elsewhere_are_given_no_entry() -> None:
    requests, _ = driven(TRIP, a_row())
    assert {one.entry for one in requests if isinstance(one, Asked)} == {None}


def test_a_lease_is_renewed_when_half_of_it_is_left() -> None:
    row = a_row(progress=at("ticket"), owner="here", lease_until=MONDAY + LEASE / 2)
    assert names(driven(TRIP, row)[0]) == ["ticket", "Append", "mail", "Append"]
    late = evolve(row, lease_until=MONDAY + LEASE / 2 - INSTANT / 10)
    requests, _ = driven(TRIP, late)
    assert names(requests) == ["Renew", "ticket", "Append", "mail", "Append"]
    assert requests[0] == Renew(late)


def test_slow_local_steps_renew_too() -> None:
    row = a_row(LOCAL, owner="here", lease_until=MONDAY + LEASE)
    requests, _ = driven(LOCAL, row, takes=LEASE / 2 + INSTANT)
    assert names(requests) == ["book", "Renew", "pay", "Renew", "mail"]


def test_who_has_no_lease_renews_none() -> None:
    requests, _ = driven(TRIP, a_row(), takes=LEASE)
    assert "Renew" not in names(requests)
