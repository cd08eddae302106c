"""Signals on DynamoDB through faults: what was said is said once, and what it costs to say and to read it."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from adapters.aws.retrying import MOST_TRIES, Patience
from adapters.dynamodb.access import Dynamo, Query
from adapters.dynamodb.signals import DynamoSignals
from adapters.dynamodb.tables import Tables
from integration.emulator.faulty import Fault, Faulty
from telemed_core.domain.ids import MeetingId
from telemed_core.domain.signals import SignalKind
from telemed_core.errors import BusyError
from telemed_core.ports.meetings import Signals
from telemed_core.ports.services import Sealing
from telemed_core.testing.contracts.signals import MEETING, OTHER, a_seat

OVERCOME = (
    *(Fault.CONFLICT, Fault.THROTTLED, Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.BROKEN, Fault.DELIVERED_TWICE),
)
WRITE = "TransactWriteItems"


@pytest.fixture
def dynamo(faulty: Faulty, tables: Tables) -> Dynamo:
    return Dynamo(faulty, tables, Patience(sleep=lambda _: None))


@pytest.fixture
def signals(dynamo: Dynamo, sealing: Sealing) -> DynamoSignals:
    return DynamoSignals(dynamo, sealing)


def say(signals: Signals, connection: str, number: int, meeting: MeetingId = MEETING) -> None:
    signals.append(a_seat(connection, meeting=meeting), number=number, kind=SignalKind.OFFER, data=f'"{number}"')


def prepared(signals: Signals, meeting: MeetingId) -> None:
    for connection in ("d-1", "p-1"):
        signals.enter(a_seat(connection, meeting=meeting), owner="host:1:0")
    say(signals, "d-1", 1, meeting)


def enter(signals: Signals, meeting: MeetingId) -> Any:
    return signals.enter(a_seat("p-2", meeting=meeting), owner="host:2:0")


def append(signals: Signals, meeting: MeetingId) -> Any:
    return say(signals, "d-1", 2, meeting)


def leave(signals: Signals, meeting: MeetingId) -> Any:
    return signals.leave(a_seat("d-1", meeting=meeting))


def free(signals: Signals, meeting: MeetingId) -> Any:
    return signals.free(["host:1:0"])


def close(signals: Signals, meeting: MeetingId) -> Any:
    return signals.close(meeting)


def log_of(signals: Signals, meeting: MeetingId) -> list[Any]:
    entries = signals.read({meeting: 0}).get(meeting, ())
    return [(one.seq, one.side, one.connection, one.kind, one.data) for one in entries]


ACTS = (enter, append, leave, free, close)


@pytest.mark.parametrize("fault", OVERCOME)
@pytest.mark.parametrize("act", ACTS)
def test_what_can_be_overcome_is_and_it_is_done_once(
    faulty: Faulty, signals: Signals, act: Callable[[Signals, MeetingId], Any], fault: Fault
) -> None:
    found = []
    for meeting, faults in ((OTHER, ()), (MEETING, (fault,))):
        prepared(signals, meeting)
        faulty.forget()
        faulty.plan(WRITE, *faults)
        answer = act(signals, meeting)
        assert faulty.happened == Counter(faults)
        found.append((answer, log_of(signals, meeting), set(signals.owners()), signals.is_closed(meeting)))
        signals.close(meeting)
    assert found[0] == found[1]


@pytest.mark.parametrize("fault", [Fault.CONFLICT, Fault.THROTTLED])
@pytest.mark.parametrize("act", ACTS)
def test_contention_to_the_end_is_busy_with_nothing_written(
    faulty: Faulty, signals: Signals, act: Callable[[Signals, MeetingId], Any], fault: Fault
) -> None:
    prepared(signals, MEETING)
    before = log_of(signals, MEETING)
    faulty.plan(WRITE, *[fault] * MOST_TRIES)
    with pytest.raises(BusyError):
        act(signals, MEETING)
    assert log_of(signals, MEETING) == before


def test_who_enters_does_so_where_what_is_forgotten_cannot_be_removed_yet(
    dynamo: Dynamo, faulty: Faulty, signals: Signals
) -> None:
    prepared(signals, MEETING)
    faulty.plan("DeleteItem", Fault.NO_CONNECTION)
    assert enter(signals, MEETING).waiting == ()
    assert faulty.happened == {Fault.NO_CONNECTION: 1}
    assert [kind for _, _, _, kind, _ in log_of(signals, MEETING)] == [SignalKind.ENTERED] * 2
    messages = Query(table=dynamo.tables.scheduling, partition=f"V#{MEETING}", begins="S#")
    assert len([*dynamo.query(messages)]) == 1
    signals.close(MEETING)
    assert [*dynamo.query(messages)] == []


def test_what_was_said_is_removed_by_who_closes_again_where_the_first_could_not(
    dynamo: Dynamo, faulty: Faulty, signals: Signals
) -> None:
    prepared(signals, MEETING)
    faulty.plan("DeleteItem", *[Fault.THROTTLED] * MOST_TRIES)
    with pytest.raises(BusyError):
        signals.close(MEETING)
    assert signals.is_closed(MEETING)
    signals.close(MEETING)
    partition = Query(table=dynamo.tables.scheduling, partition=f"V#{MEETING}")
    assert [one["SK"]["S"] for one in dynamo.query(partition)] == ["LOG"]


def test_what_is_said_cannot_be_read_at_rest(dynamo: Dynamo, signals: Signals) -> None:
    prepared(signals, MEETING)
    say(signals, "d-1", 987_654)
    kept = [*dynamo.query(Query(table=dynamo.tables.scheduling, partition=f"V#{MEETING}", begins="S#"))]
    assert len(kept) == 2
    assert "987654" not in repr([one["sealed"] for one in kept])


def test_round_trips(faulty: Faulty, signals: Signals) -> None:
    meetings = [MeetingId(f"meeting-{number}") for number in range(120)]
    for meeting in meetings[:3]:
        prepared(signals, meeting)
    say(signals, "d-1", 2, meetings[0])
    counted = {}
    for name, act in {
        "say": lambda: say(signals, "d-1", 3, meetings[0]),
        "say again": lambda: say(signals, "d-1", 3, meetings[0]),
        "no news of three": lambda: signals.read({meetings[0]: 5, meetings[1]: 3, meetings[2]: 3}),
        "news of one of 120": lambda: signals.read(dict.fromkeys(meetings, 3) | {meetings[0]: 4}),
        "somebody came": lambda: signals.read({meetings[1]: 1}),
        "only comings": lambda: (leave(signals, meetings[1]), signals.read({meetings[1]: 3})),
    }.items():
        faulty.forget()
        act()
        counted[name] = Counter(faulty.sent)
    assert counted == {
        "say": {"GetItem": 1, WRITE: 1},
        "say again": {"GetItem": 1},
        "no news of three": {"BatchGetItem": 1},
        "news of one of 120": {"BatchGetItem": 2, "Query": 1},
        "somebody came": {"BatchGetItem": 1, "Query": 1},
        "only comings": {"GetItem": 1, WRITE: 1, "BatchGetItem": 1},
    }
