"""Sagas on an emulated Step Functions: they end as on the embedded executor, and what the engine drops is taken up."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import attrs
import pytest

from adapters.aws.calling import Call
from adapters.sql import migrate
from adapters.step_functions import StateMachines, make_state_machines, open_start
from integration.emulator.states_engine import ROLE, Engine, Work
from integration.emulator.states_logs import NewLog, in_memory, in_sql, on_dynamodb
from integration.emulator.states_played import TRIP, Plan, Played, plans
from integration.postgres import PostgresServer
from telemed_core.domain.sagas import LEASE, Phase, Progress, SagaEntry
from telemed_core.ports.services import Sealing
from telemed_core.saga.deciding import Refused, Uncertain, retried
from telemed_core.saga.sagas import SAGAS

STORES = ("memory", "dynamodb", "sqlite", "postgres")
AT_ONCE = 16
"""Databases are opened for so many sagas at the same time."""

SUCCEEDED = {Phase.COMPLETED, Phase.COMPENSATED}
ABORTED_HALF_WAY = [
    Plan("forward"),
    Plan("back", {"pay": [Refused("no")]}),
    Plan("waiting", {"ticket": [Uncertain("late")]}),
]


@pytest.fixture(scope="module")
def machines(engine: Engine, call_states: Call) -> StateMachines:
    return make_state_machines(call_states, resource=engine.activity, role_arn=ROLE, sagas=[TRIP, *SAGAS])


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    """The databases that are open."""
    with ExitStack() as closing:
        yield closing


@pytest.fixture
def new_log(request: pytest.FixtureRequest, tmp_path: Path, sealing: Sealing, closing: ExitStack) -> NewLog:
    """Logs on the store that the test is about."""
    match request.param:
        case "memory":
            return in_memory
        case "dynamodb":
            return on_dynamodb(request.getfixturevalue("call"), sealing)
        case "sqlite":
            empty = tmp_path / "empty.db"
            migrate(f"sqlite:///{empty}")
            copies = (shutil.copy(empty, tmp_path / f"{number}.db") for number in count(1))
            return in_sql(lambda: f"sqlite:///{next(copies)}", sealing, closing)
        case _:
            server: PostgresServer = request.getfixturevalue("postgres_server")
            return in_sql(lambda: server.url(server.create()), sealing, closing)


@attrs.define
class _Stopping:
    """A worker that does so many tasks; the engine is stopped before it hears of the last one."""

    _engine: Engine
    _machines: StateMachines
    _played: Played
    left: int

    def work(self, task: Mapping[str, Any]) -> Mapping[str, Any]:
        self.left -= 1
        if self.left:
            return self._played.work(task)
        told = self._played.step()(task)
        self._engine.stop(self._engine.execution(self._machines.of(TRIP), self._played.id))
        return told


def begun(engine: Engine, call: Call, machines: StateMachines, played: Played, work: Work | None = None) -> str:
    engine.work[played.id] = work or played.work
    assert open_start(call, machines, played.plain_log)(played.id)
    return engine.execution(machines.of(played.saga), played.id)


def test_every_saga_runs_to_its_end(engine: Engine, call_states: Call, machines: StateMachines) -> None:
    all_played = [Played(saga, f"{saga.name}-{saga.version}.1", Plan("fine")) for saga in SAGAS]
    executions = [begun(engine, call_states, machines, played) for played in all_played]
    for played, execution in zip(all_played, executions, strict=True):
        assert engine.told(execution)["status"] == "SUCCEEDED", played.id
        assert played.row.progress == Progress(phase=Phase.COMPLETED, step=len(played.saga.steps))
        assert [call for call, *_ in played.calls] == [step.do for step in played.saga.steps[played.saga.begun :]]


@pytest.mark.parametrize("new_log", STORES, indirect=True)
def test_whatever_goes_wrong_it_calls_and_ends_as_on_the_embedded_executor(
    engine: Engine,
    call_states: Call,
    machines: StateMachines,
    request: pytest.FixtureRequest,
    new_log: NewLog,
    closing: ExitStack,
) -> None:
    """On every store, and on all of them as in memory."""
    store = request.node.callspec.params["new_log"]
    planned = [*enumerate(plans())]
    assert len(planned) > 80
    ends = set()
    for first in range(0, len(planned), AT_ONCE):
        all_played = [
            Played(TRIP, f"trip-{store}-{number}", plan, new_log) for number, plan in planned[first : first + AT_ONCE]
        ]
        executions = [begun(engine, call_states, machines, played) for played in all_played]
        for played, execution in zip(all_played, executions, strict=True):
            status = engine.told(execution)["status"]
            for where in {new_log, in_memory}:
                embedded = Played(TRIP, played.id, played.plan, where)
                embedded.run_embedded()
                assert played.told == embedded.told, played.plan.name
            phase = played.row.progress.phase
            assert status == ("SUCCEEDED" if phase in SUCCEEDED else "FAILED"), played.plan.name
            ends.add(phase)
        closing.close()
    assert ends == {Phase.COMPLETED, Phase.COMPENSATED, Phase.QUARANTINED}


@pytest.mark.parametrize("plan", ABORTED_HALF_WAY, ids=lambda plan: plan.name)
@pytest.mark.parametrize("new_log", STORES[:2], indirect=True)
def test_an_execution_that_is_aborted_is_taken_up_where_it_was(
    engine: Engine,
    call_states: Call,
    machines: StateMachines,
    request: pytest.FixtureRequest,
    new_log: NewLog,
    plan: Plan,
) -> None:
    """After each task in turn: the engine hears nothing of it, and goes no further."""
    store = request.node.callspec.params["new_log"]
    whole = Played(TRIP, "whole", plan)
    whole.run_embedded()
    for after in range(1, len(whole.calls)):
        played = Played(TRIP, f"aborted-{store}-{plan.name}-{after}", plan, new_log)
        stopping = _Stopping(engine, machines, played, left=after)
        assert engine.told(begun(engine, call_states, machines, played, stopping.work))["status"] == "ABORTED"
        assert played.row.progress.phase.runs
        # Nobody takes what may still be under way.
        assert played.runner("host:1:0")() == 0
        played.clock.advance(LEASE)
        played.run_embedded()
        assert [call[:2] for call in played.calls] == [call[:2] for call in whole.calls]
        assert played.row.progress == whole.row.progress
        assert not open_start(call_states, machines, played.plain_log)(played.id)


def test_what_an_operator_has_retried_is_run_from_its_row(
    engine: Engine, call_states: Call, machines: StateMachines
) -> None:
    played = Played(TRIP, "retried", Plan("stuck", {"ticket": [Uncertain("late")] * 2}))
    execution = begun(engine, call_states, machines, played)
    assert engine.told(execution)["status"] == "FAILED"
    row = played.row
    assert row.progress.phase is Phase.QUARANTINED
    played.plain_log.append(SagaEntry(before=row, progress=retried(row.progress), at=played.clock.now()))
    assert not open_start(call_states, machines, played.plain_log)(played.id)
    played.run_embedded()
    assert played.row.progress.phase is Phase.COMPLETED


def test_what_the_engine_has_no_worker_for_is_given_up_by_it_and_taken_up(
    engine: Engine, call_states: Call, machines: StateMachines
) -> None:
    played = Played(TRIP, "no-worker", Plan("fine"))

    def no_worker(_: Mapping[str, Any]) -> Mapping[str, Any]:
        raise PermissionError

    told = engine.told(begun(engine, call_states, machines, played, no_worker))
    assert (told["status"], told["error"]) == ("FAILED", "Abandoned")
    assert played.calls == []
    played.run_embedded()
    assert played.row.progress.phase is Phase.COMPLETED


def test_machines_are_set_anew_where_they_are_there(engine: Engine, call_states: Call) -> None:
    make_state_machines(call_states, resource="arn:aws:states:::old", role_arn=ROLE, prefix="again-", sagas=[TRIP])
    machines = make_state_machines(call_states, resource=engine.activity, role_arn=ROLE, prefix="again-", sagas=[TRIP])
    told = engine.client.describe_state_machine(stateMachineArn=machines.of(TRIP))
    assert engine.activity in told["definition"]
    assert (told["name"], told["type"]) == ("again-trip-1", "STANDARD")
