"""Installations with Step Functions: functions that are killed, executions that are stopped, engines exchanged."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count

import pytest

from adapters.aws.calling import Call, open_call
from entrypoints.container import Container
from integration.emulator.ministack import REGION
from integration.emulator.states_clinic import (
    EMBEDDED,
    EXECUTED,
    SCENES,
    Functions,
    Installed,
    Settings,
    Stopping,
    act,
    seen,
)
from integration.emulator.states_engine import Engine
from telemed_core.domain.sagas import LEASE, Phase
from telemed_core.testing.doubles import SettableClock


@pytest.fixture(scope="module")
def installed(engine: Engine, call_states: Call, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_REGION", REGION)
        call = open_call("dynamodb", endpoint_url=engine.server.endpoint_url, connections=8)
        installed = Installed.on(engine, call, call_states, tmp_path_factory.mktemp("installed") / "data")
        container = installed.container()
        # Its database is made here: the functions do not migrate.
        container.stores().check()
        container.close()
        yield installed


@pytest.fixture(scope="module")
def functions(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Functions]:
    with Functions(installed.installation, tmp_path_factory.mktemp("functions") / "notes") as functions:
        yield functions


@pytest.mark.parametrize("scene", SCENES)
def test_a_function_killed_anywhere_leaves_a_saga_that_ends_as_if_nobody_had_died(
    installed: Installed, functions: Functions, scene: str
) -> None:
    container = installed.container()

    def run(at: int | None) -> object:
        row = act(container, scene)
        functions.begin(at=at)
        installed.engine.work[row.id] = functions.work
        assert container.start_saga()(row.id)
        assert installed.engine.told(installed.execution(row))["status"] == "SUCCEEDED"
        functions.end()
        return seen(container, row.id)

    whole, kills, repeated = run(None), 0, 0
    assert container.sagas().list(name=scene, phases=[Phase.COMPLETED], limit=1)
    for at in count():
        left = run(at)
        if not functions.killed:
            break
        assert left == whole, f"killed at {at}"
        assert functions.repeated(what="call", local=False) <= 1
        assert functions.repeated(what="effect", local=True) == 0
        kills += 1
        repeated += functions.repeated(what="call", local=False)
    print(f"{scene}: killed at {kills} boundaries, {repeated} raw calls repeated, at most one each")
    assert kills > 6
    container.close()


@pytest.mark.parametrize("adopting", [EXECUTED, EMBEDDED], ids=["step_functions", "embedded"])
@pytest.mark.parametrize("scene", ["accept", "refuse", "close_account"])
def test_an_execution_that_is_stopped_half_way_is_adopted_by_whoever_runs_what_is_due(
    installed: Installed, scene: str, adopting: Settings
) -> None:
    clock = SettableClock(datetime.now(UTC))
    container = installed.container(clock=clock)
    other = installed.container(adopting, clock=clock)
    whole = act(container, scene)
    run_all(other)
    expected = seen(other, whole.id)
    row = act(container, scene)
    stopping = Stopping(installed, container, row, left=1)
    installed.engine.work[row.id] = stopping.work
    assert container.start_saga()(row.id)
    assert installed.engine.told(installed.execution(row))["status"] == "ABORTED"
    half = container.sagas().get(row.id)[0]
    assert (half.seq, half.progress.phase, half.owner) == (1, Phase.FORWARD, f"execution:{row.id}")
    run_all(other)
    assert container.sagas().get(row.id)[0] == half, "nobody takes what may still be under way"
    clock.advance(LEASE)
    run_all(other)
    assert seen(other, row.id) == expected
    assert not container.start_saga()(row.id)
    for one in (container, other):
        one.close()


def run_all(container: Container) -> None:
    """Everything that is due."""
    while container.run_sagas()():
        pass


def test_sagas_go_on_when_the_engine_is_exchanged(installed: Installed) -> None:
    """In both directions, with what was begun and has not been run."""
    of_executions, embedded = installed.container(), installed.container(EMBEDDED)
    run_all(embedded)
    begun_embedded = act(embedded, "accept")
    installed.engine.work[begun_embedded.id] = of_executions.saga_step()
    assert of_executions.start_saga()(begun_embedded.id)
    assert installed.engine.told(installed.execution(begun_embedded))["status"] == "SUCCEEDED"
    begun_for_executions = act(of_executions, "accept")
    run_all(embedded)
    assert not of_executions.start_saga()(begun_for_executions.id), "there is nothing left to be executed"
    assert seen(embedded, begun_embedded.id) == seen(embedded, begun_for_executions.id)
    assert seen(embedded, begun_embedded.id)["progress"].phase is Phase.COMPLETED
    for one in (of_executions, embedded):
        one.close()


def test_a_commit_wakes_the_runner_of_its_process_only_where_that_is_the_engine(installed: Installed) -> None:
    for settings, woken in ((EMBEDDED, True), (EXECUTED, False)):
        container = installed.container(settings)
        act(container, "request")
        assert container.wake().is_set() is woken
        container.close()
