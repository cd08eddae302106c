"""Whatever two sides do, their log on DynamoDB is what it is in memory, entry by entry."""

from collections.abc import Mapping
from random import Random
from typing import Any

import pytest

from adapters.dynamodb.access import Dynamo, Query
from adapters.dynamodb.signals import DynamoSignals
from adapters.dynamodb.tables import Tables
from adapters.memory import open_memory
from integration.emulator.faulty import Faulty
from telemed_core.domain.signals import SignalKind
from telemed_core.errors import SeatLostError, UnavailableError
from telemed_core.ports.meetings import Signals
from telemed_core.ports.services import Sealing
from telemed_core.testing.contracts.signals import MEETING, a_seat

STEPS = 60
CONNECTIONS = ("d-1", "d-2", "p-1", "p-2")


def acts(seed: int, *, numbers: int = 8, saying: int = 12) -> list[tuple[Any, ...]]:
    """What is done, drawn from the seed: mostly speaking, with new numbers and old ones."""
    chance = Random(seed)
    kinds = chance.choices(("say", "enter", "leave", "free", "close"), (saying, 6, 3, 1, 0.1), k=STEPS)
    return [
        (kind, chance.choice(CONNECTIONS), chance.randrange(1, numbers + 1), chance.choice("abc")) for kind in kinds
    ]


def done(signals: Signals, act: tuple[Any, ...]) -> Any:
    """What the act answers, and the whole log after it, and its last entries."""
    kind, connection, number, owner = act
    seat = a_seat(connection)
    answer: Any = None
    try:
        match kind:
            case "say":
                signals.append(seat, number=number, kind=SignalKind.OFFER, data=f'"{connection}:{number}"')
            case "enter":
                answer = signals.enter(seat, owner=owner)
            case "leave":
                signals.leave(seat)
            case "free":
                answer = signals.free([owner])
            case _:
                signals.close(MEETING)
    except SeatLostError as lost:
        answer = type(lost)
    logs = [[*signals.read({MEETING: after}).get(MEETING, ())] for after in (0, number, 3 * number)]
    return answer, logs, set(signals.owners()), signals.is_closed(MEETING)


@pytest.mark.parametrize("seed", range(8))
def test_the_same_acts_have_the_same_answers_and_leave_the_same_log(
    dynamo: Dynamo, sealing: Sealing, seed: int
) -> None:
    ours, theirs = DynamoSignals(dynamo, sealing), open_memory().signals
    for act in acts(seed):
        assert (act, done(ours, act)) == (act, done(theirs, act))
    ours.close(MEETING)
    theirs.close(MEETING)
    assert ours.read({MEETING: 0}) == theirs.read({MEETING: 0})
    # Nothing of what was said is left in the table.
    table = dynamo.tables.scheduling
    assert [one["SK"]["S"] for one in dynamo.query(Query(table=table, partition=f"V#{MEETING}"))] == ["LOG"]


def test_messages_that_go_one_by_one_go_as_in_memory_though_what_is_forgotten_stays_in_the_table(
    faulty: Faulty, tables: Tables, sealing: Sealing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def call(operation: str, request: Mapping[str, Any], /) -> Mapping[str, Any]:
        if operation == "DeleteItem":
            raise UnavailableError
        return faulty(operation, request)

    for module in ("adapters.dynamodb.signals", "adapters.memory.signals"):
        monkeypatch.setattr(f"{module}.MOST_KEPT", 4)
    ours, theirs = DynamoSignals(Dynamo(call, tables), sealing), open_memory().signals
    for seed in range(100, 104):
        for act in acts(seed, numbers=60, saying=60):
            if act[0] != "close":
                assert (act, done(ours, act)) == (act, done(theirs, act))
