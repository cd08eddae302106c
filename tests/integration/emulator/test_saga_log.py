"""The saga log on DynamoDB through faults and races: each entry once, each saga one runner's."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from threading import Lock
from typing import Any
from uuid import uuid4

import attrs
import pytest

from adapters.aws.calling import Call
from adapters.aws.retrying import MOST_TRIES, Patience
from adapters.dynamodb.access import Dynamo, Query
from adapters.dynamodb.actions import key, pair
from adapters.dynamodb.parallel import merged
from adapters.dynamodb.saga_rows import row_item, start_actions
from adapters.dynamodb.sagas import DynamoSagaLog
from adapters.dynamodb.tables import WORK, Tables
from integration.emulator.faulty import Fault, Faulty
from telemed_core.domain.ids import Id
from telemed_core.domain.sagas import LEASE, Intervention, PublishedMark, SagaEntry, SagaRow, SagaStart, Verb
from telemed_core.domain.texts import Text, TextKey
from telemed_core.errors import BusyError, FencedError, UnavailableError
from telemed_core.ports.sagas import SagaLog
from telemed_core.ports.services import Sealing
from telemed_core.saga.deciding import Ok, Outcome
from telemed_core.saga.driving import Asked
from telemed_core.saga.running import RunSagas
from telemed_core.saga.sagas import REGISTRY
from telemed_core.testing.builders import MONDAY, a_saga
from telemed_core.testing.contracts.races import at_once
from telemed_core.testing.doubles import SettableClock

OVERCOME = (
    *(Fault.CONFLICT, Fault.THROTTLED, Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.BROKEN, Fault.DELIVERED_TWICE),
)
SUBJECT = Id("appointment-1")


@pytest.fixture
def dynamo(faulty: Faulty, tables: Tables) -> Dynamo:
    return Dynamo(faulty, tables, Patience(sleep=lambda _: None))


@pytest.fixture
def log(dynamo: Dynamo, sealing: Sealing) -> DynamoSagaLog:
    return DynamoSagaLog(dynamo, sealing)


def start(dynamo: Dynamo, *sagas: SagaStart) -> None:
    assert dynamo.transact(start_actions(dynamo.tables.scheduling.name, sagas, at=MONDAY), uuid4().hex) is None


def wipe(dynamo: Dynamo) -> None:
    table = dynamo.tables.scheduling
    for partition in ("S#saga-1", "S#saga-2", f"PUB#{SUBJECT}"):
        for item in dynamo.query(Query(table=table, partition=partition)):
            dynamo.delete(table, key(*pair(item)))


def moved(row: SagaRow, *, at: Any = MONDAY, **progress: Any) -> SagaEntry:
    return SagaEntry(before=row, progress=attrs.evolve(row.progress, **progress), at=at)


def claim(log: SagaLog, row: SagaRow) -> Any:
    return log.claim("there", now=MONDAY + LEASE, limit=9)


def append(log: SagaLog, row: SagaRow) -> Any:
    return log.append(moved(row, step=2))


def append_more(log: SagaLog, row: SagaRow) -> Any:
    return log.append(moved(row, step=2), starting=[a_saga(2)], mark=PublishedMark(SUBJECT, 0, 3))


def renew(log: SagaLog, row: SagaRow) -> Any:
    return log.renew(row, now=MONDAY + timedelta(seconds=5))


def free(log: SagaLog, row: SagaRow) -> Any:
    return log.free(["here"])


def intervene(log: SagaLog, row: SagaRow) -> Any:
    done = Intervention(saga_id=row.id, seq=row.seq + 1, at=MONDAY, by="admin-1", verb=Verb.RETRY)
    return log.intervene(moved(row, attempt=1), done, Text(TextKey(row.id, done.seq), "it is back"))


ACTS = {
    "PutItem": (claim, append, renew, free),
    "TransactWriteItems": (append_more, intervene),
}


@pytest.mark.parametrize("fault", OVERCOME)
@pytest.mark.parametrize(("operation", "act"), [(name, act) for name, acts in ACTS.items() for act in acts])
def test_what_can_be_overcome_is_and_it_is_done_once(
    dynamo: Dynamo, faulty: Faulty, log: SagaLog, operation: str, act: Callable[[SagaLog, SagaRow], Any], fault: Fault
) -> None:
    results = []
    for faults in ((), (fault,)):
        wipe(dynamo)
        start(dynamo, a_saga(1))
        (row,) = log.claim("here", now=MONDAY, limit=9)
        faulty.forget()
        faulty.plan(operation, *faults)
        answer = act(log, row)
        assert faulty.happened == Counter(faults)
        results.append((answer, log.get(row.id), log.published(SUBJECT), [one.id for one in log.list(limit=9)]))
    assert results[0] == results[1]


@pytest.mark.parametrize("act", [claim, append, append_more, renew, intervene])
@pytest.mark.parametrize("fault", [Fault.THROTTLED, Fault.CONFLICT])
def test_contention_to_the_end_is_busy_with_nothing_written(
    dynamo: Dynamo, faulty: Faulty, log: SagaLog, act: Callable[[SagaLog, SagaRow], Any], fault: Fault
) -> None:
    start(dynamo, a_saga(1))
    (row,) = log.claim("here", now=MONDAY, limit=9)
    for operation in ACTS:
        faulty.plan(operation, *[fault] * MOST_TRIES)
    with pytest.raises(BusyError):
        act(log, row)
    assert log.get(row.id) == (row, ())
    assert log.published(SUBJECT) == 0


def test_an_entry_that_was_written_while_its_answer_was_lost_is_fenced_where_another_has_gone_on(
    dynamo: Dynamo, faulty: Faulty, log: SagaLog
) -> None:
    start(dynamo, a_saga(1))
    (row,) = log.claim("here", now=MONDAY, limit=9)
    faulty.plan("PutItem", *[Fault.LOST_AFTER] + [Fault.THROTTLED] * (MOST_TRIES - 1))
    with pytest.raises(UnavailableError):
        append(log, row)
    assert append(log, row) == moved(row, step=2).after
    (theirs,) = log.claim("there", now=MONDAY + LEASE, limit=9)
    with pytest.raises(FencedError):
        append(log, row)
    assert log.get(row.id) == (theirs, ())


def overtaking(faulty: Faulty, act: Callable[[], object]) -> Call:
    """Calls whose first write finds that this was done just before."""
    done: list[object] = []

    def call(operation: str, request: Mapping[str, Any], /) -> Mapping[str, Any]:
        if operation == "PutItem" and not done:
            done.append(None)
            act()
        return faulty(operation, request)

    return call


def test_a_claim_whose_request_was_lost_is_not_taken_for_the_same_claim_of_another_thread(
    dynamo: Dynamo, faulty: Faulty, log: SagaLog, sealing: Sealing
) -> None:
    start(dynamo, a_saga(1))
    theirs: list[SagaRow] = []

    def overtake() -> None:
        theirs.extend(log.claim("here", now=MONDAY, limit=1))
        faulty.plan("PutItem", Fault.LOST_BEFORE)

    calls = Dynamo(overtaking(faulty, overtake), dynamo.tables, Patience(sleep=lambda _: None))
    assert DynamoSagaLog(calls, sealing).claim("here", now=MONDAY, limit=1) == []
    assert faulty.happened == {Fault.LOST_BEFORE: 1}
    assert [row.fence for row in theirs] == [1]


def test_a_lease_that_is_renewed_while_another_claims_stays(
    dynamo: Dynamo, faulty: Faulty, log: SagaLog, sealing: Sealing
) -> None:
    start(dynamo, a_saga(1))
    (row,) = log.claim("here", now=MONDAY, limit=1)
    late = MONDAY + LEASE
    calls = Dynamo(overtaking(faulty, lambda: log.renew(row, now=late)), dynamo.tables)
    assert DynamoSagaLog(calls, sealing).claim("there", now=late, limit=1) == []
    assert log.get(row.id) == (attrs.evolve(row, lease_until=late + LEASE), ())


def test_what_has_another_owner_by_now_is_not_freed(
    dynamo: Dynamo, faulty: Faulty, log: SagaLog, sealing: Sealing
) -> None:
    start(dynamo, a_saga(1))
    log.claim("here", now=MONDAY, limit=1)
    calls = Dynamo(overtaking(faulty, lambda: log.claim("there", now=MONDAY + LEASE, limit=1)), dynamo.tables)
    assert DynamoSagaLog(calls, sealing).free(["here"]) == 0
    assert log.owners() == {"there"}


def test_what_was_claimed_is_answered_where_the_next_cannot_be(dynamo: Dynamo, faulty: Faulty, log: SagaLog) -> None:
    start(dynamo, a_saga(1), a_saga(2))
    faulty.plan("PutItem", Fault.NO_CONNECTION, after=1)
    assert [row.id for row in log.claim("here", now=MONDAY, limit=2)] == ["saga-1"]
    assert [row.id for row in log.claim("here", now=MONDAY, limit=2)] == ["saga-2"]


def test_appointments_that_are_due_are_passed_over(dynamo: Dynamo, log: SagaLog) -> None:
    start(dynamo, a_saga(1))
    shard = row_item(REGISTRY.begin(a_saga(1), at=MONDAY))[WORK.partition_key]
    due = {WORK.partition_key: shard, WORK.sort_key: {"S": "1970-01-01T00:00:00.000000Z#0"}}
    dynamo.put(dynamo.tables.scheduling, {"PK": {"S": "A#0"}, "SK": {"S": "M"}, **due})
    assert [row.id for row in log.claim("here", now=MONDAY, limit=9)] == ["saga-1"]


@pytest.mark.parametrize("page", [1, 2, 3, 50])
def test_what_lies_in_many_partitions_comes_in_one_order_whatever_the_pages(dynamo: Dynamo, page: int) -> None:
    dues = {number: MONDAY + timedelta(seconds=37 * number % 20) for number in range(20)}
    start(dynamo, *(a_saga(number, due_at=due) for number, due in dues.items()))
    asked = [Query(table=dynamo.tables.scheduling, index=WORK, partition=f"DUE#{shard}") for shard in range(8)]
    found = [str(item["PK"]["S"]) for item in merged(dynamo, asked, page=page)]
    assert found == [f"S#saga-{number}" for number, _ in sorted(dues.items(), key=lambda one: one[1])]
    backwards = [attrs.evolve(query, backwards=True) for query in asked]
    assert [str(item["PK"]["S"]) for item in merged(dynamo, backwards, page=page)] == found[::-1]


def test_two_runners_on_one_log_run_each_step_of_each_saga_once(
    dynamo: Dynamo, faulty: Faulty, sealing: Sealing
) -> None:
    start(dynamo, *(a_saga(number) for number in range(12)))
    faulty.plan("PutItem", *[Fault.LOST_AFTER, Fault.CONFLICT, Fault.LOST_BEFORE] * 4)
    asked, turn = Counter[str](), Lock()

    def runner(owner: str) -> RunSagas:
        log = DynamoSagaLog(dynamo, sealing)

        def publish(request: Asked) -> Outcome:
            with turn:
                asked[request.row.id] += 1
            assert request.entry is not None
            log.append(request.entry)
            return Ok()

        return RunSagas(log, REGISTRY, {"publish_changes": publish}, SettableClock(MONDAY), owner, lambda _: None)

    ran = at_once([runner(owner) for owner in ("here", "there")])
    assert sum(ran) == 12
    assert asked == {f"saga-{number}": 1 for number in range(12)}
    log = DynamoSagaLog(dynamo, sealing)
    assert {row.progress.phase for row in log.list(limit=99)} == {"completed"}
    assert log.owners() == set()


def test_round_trips(dynamo: Dynamo, faulty: Faulty, log: SagaLog) -> None:
    start(dynamo, a_saga(1))
    counted: dict[str, Counter[str]] = {}
    row = REGISTRY.begin(a_saga(1), at=MONDAY)

    def count(name: str, act: Callable[[], Any]) -> Any:
        faulty.forget()
        answer = act()
        counted[name] = Counter(faulty.sent)
        return answer

    (row,) = count("claim", lambda: log.claim("here", now=MONDAY, limit=1))
    count("claim nothing", lambda: log.claim("here", now=MONDAY - timedelta(days=30000), limit=1))
    row = count("renew", lambda: log.renew(row, now=MONDAY))
    row = count("append", lambda: append(log, row))
    count("append more", lambda: append_more(log, row))
    count("get", lambda: log.get(row.id))
    count("of a subject", lambda: log.list(subject=SUBJECT, limit=9))
    assert counted == {
        "claim": {"Query": 8, "BatchGetItem": 1, "PutItem": 1},
        "claim nothing": {"Query": 8},
        "renew": {"PutItem": 1},
        "append": {"PutItem": 1},
        "append more": {"TransactWriteItems": 1},
        "get": {"Query": 1},
        "of a subject": {"Query": 1},
    }
