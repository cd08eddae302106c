"""Sagas on an emulated Step Functions: they end as on the embedded executor, and what the engine drops is taken up."""

from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import pytest

from adapters.aws.calling import Call, open_call
from adapters.step_functions import StateMachines, make_state_machines, open_start
from integration.emulator.ministack import REGION
from integration.emulator.states_engine import ROLE, Engine, Work
from integration.emulator.states_played import TRIP, Plan, Played, plans
from telemed_core.domain.sagas import LEASE, Phase, Progress, SagaEntry
from telemed_core.saga.deciding import Refused, Uncertain, retried
from telemed_core.saga.sagas import SAGAS

SUCCEEDED = {Phase.COMPLETED, Phase.COMPENSATED}
ABORTED_HALF_WAY = [
    Plan("forward"),
    Plan("back", {"pay": [Refused("no")]}),
    Plan("waiting", {"ticket": [Uncertain("late")]}),
]


@pytest.fixture(scope="module")
def engine(credentials: None) -> Iterator[Engine]:
    with Engine() as engine:
        yield engine


@pytest.fixture(scope="module")
def call_states(engine: Engine) -> Call:
    return open_call("stepfunctions", region=REGION, endpoint_url=engine.server.endpoint_url, connections=4)


@pytest.fixture(scope="module")
def machines(engine: Engine, call_states: Call) -> StateMachines:
    return make_state_machines(call_states, resource=engine.activity, role_arn=ROLE, sagas=[TRIP, *SAGAS])


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


def test_whatever_goes_wrong_it_calls_and_ends_as_on_the_embedded_executor(
    engine: Engine, call_states: Call, machines: StateMachines
) -> None:
    all_played = [Played(TRIP, f"trip-{number}", plan) for number, plan in enumerate(plans())]
    assert len(all_played) > 80
    executions = [begun(engine, call_states, machines, played) for played in all_played]
    ends = set()
    for played, execution in zip(all_played, executions, strict=True):
        embedded = Played(TRIP, played.id, played.plan)
        embedded.run_embedded()
        status = engine.told(execution)["status"]
        assert played.told == embedded.told, played.plan.name
        phase = played.row.progress.phase
        assert status == ("SUCCEEDED" if phase in SUCCEEDED else "FAILED"), played.plan.name
        ends.add(phase)
    assert ends == {Phase.COMPLETED, Phase.COMPENSATED, Phase.QUARANTINED}


@pytest.mark.parametrize("plan", ABORTED_HALF_WAY, ids=lambda plan: plan.name)
def test_an_execution_that_is_aborted_is_taken_up_where_it_was(
    engine: Engine, call_states: Call, machines: StateMachines, plan: Plan
) -> None:
    """After each task in turn: the engine hears nothing of it, and goes no further."""
    whole = Played(TRIP, "whole", plan)
    whole.run_embedded()
    for after in range(1, len(whole.calls)):
        played = Played(TRIP, f"aborted-{plan.name}-{after}", plan)
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
