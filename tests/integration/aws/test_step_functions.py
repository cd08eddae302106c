"""Sagas as state machines, and the task that they are made of: what is told, what is written, and who is asked."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import attrs
import pytest
from statelint.linter import Linter

from adapters.aws.failures import AwsError, LostAnswerError
from adapters.aws.retrying import Patience
from adapters.step_functions import (
    Start,
    StateMachines,
    Step,
    make_state_machines,
    open_start,
    open_step,
    state_machine,
)
from integration.emulator.states_played import THIEF, TRIP, Act, Plan, Played
from telemed_core.domain.ids import SagaId
from telemed_core.domain.sagas import LEASE, MOST_CLAIMS, Phase, Progress, SagaEntry
from telemed_core.errors import NotFoundError, UnavailableError
from telemed_core.saga.deciding import Ok, Outcome, Refused, Uncertain
from telemed_core.saga.definition import Saga
from telemed_core.saga.driving import Asked
from telemed_core.saga.sagas import SAGAS, Registry
from telemed_core.testing.builders import MONDAY
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.faults import Before, Faulty
from unit.saga.stage import a_step

RESOURCE = "arn:aws:lambda:sa-east-1:000000000000:function:saga-step"
ROLE = "arn:aws:iam::000000000000:role/sagas"
MACHINES = StateMachines("arn:aws:states:sa-east-1:000000000000:stateMachine:telemed-")


def a_machine(saga: Saga = TRIP) -> dict[str, Any]:
    machine: dict[str, Any] = json.loads(json.dumps(state_machine(saga, resource=RESOURCE)))
    return machine


def ways(machine: Mapping[str, Any], at: str) -> set[str]:
    """Where the answer to a task may lead, looking around apart."""
    choice = machine["States"][machine["States"][at]["Next"]]
    return {one["Next"] for one in choice["Choices"]}


@pytest.fixture
def played() -> Played:
    return Played(TRIP, "a1.1", Plan("fine"))


def task(played: Played, at: str, seq: int | None = None) -> dict[str, Any]:
    return {"saga": played.id, "seq": played.row.seq if seq is None else seq, "at": at}


@pytest.mark.parametrize("saga", [TRIP, *SAGAS], ids=lambda saga: f"{saga.name}-{saga.version}")
def test_every_saga_is_a_valid_machine_that_names_its_definition(saga: Saga) -> None:
    machine = a_machine(saga)
    assert Linter.validate(machine) == []
    assert machine["Comment"] == f"{saga.name}, version {saga.version}, {saga.digest}"
    assert machine["StartAt"] == saga.steps[saga.begun].name
    assert all(len(name) <= 80 for name in machine["States"])
    assert len(json.dumps(machine)) < 1_000_000
    names = {step.name for step in saga.steps[saga.begun :]}
    assert names <= machine["States"].keys()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda states: states["pay"].pop("Next"),
        lambda states: states["after pay"].update(Default="nowhere"),
        lambda states: states["wait for pay"].update(SecondsPath="seconds"),
        lambda states: states["pay"]["Catch"][0].pop("Next"),
        lambda states: states.pop("completed"),
    ],
)
def test_the_validator_sees_what_is_wrong(spoil: Callable[[dict[str, Any]], object]) -> None:
    machine = a_machine()
    spoil(machine["States"])
    assert Linter.validate(machine) != []


def test_an_answer_leads_where_the_saga_can_go() -> None:
    machine = a_machine()
    assert ways(machine, "flight") == {"wait for flight", "weather", "undo flight", "quarantined"}
    assert ways(machine, "weather") == {"wait for weather", "seat", "undo flight", "quarantined"}
    assert ways(machine, "seat") == {"wait for seat", "pay", "undo seat", "quarantined"}
    assert ways(machine, "pay") == {"wait for pay", "ticket", "resolve pay", "quarantined"}
    assert ways(machine, "resolve pay") == {"wait for resolve pay", "ticket", "undo seat", "quarantined"}
    assert ways(machine, "ticket") == {"wait for ticket", "record", "quarantined"}
    assert ways(machine, "record") == {"wait for record", "completed", "quarantined"}
    assert ways(machine, "undo seat") == {"wait for undo seat", "undo flight", "quarantined"}
    assert ways(machine, "undo flight") == {"wait for undo flight", "compensated", "quarantined"}


def test_whoever_has_gone_on_meanwhile_is_followed_anywhere() -> None:
    machine = a_machine()
    tasks = {name for name, state in machine["States"].items() if state["Type"] == "Task"}
    look = machine["States"]["where it stands"]
    assert {one["Next"] for one in look["Choices"]} == {*tasks, "completed", "compensated", "quarantined", "abandoned"}
    choices = [state for name, state in machine["States"].items() if name.startswith("after ")]
    assert {choice["Default"] for choice in choices} == {"where it stands"}
    assert look["Default"] == "abandoned"


def test_the_engine_repeats_its_own_failures_alone_and_passes_ids_alone() -> None:
    tasks = [state for state in a_machine()["States"].values() if state["Type"] == "Task"]
    for state in tasks:
        (retry,) = state["Retry"]
        own = {error.partition(".")[0] for error in retry["ErrorEquals"]}
        assert own == {"Lambda", "Runtime", "Sandbox", "States"}
        assert not {"States.ALL", "States.TaskFailed", "Lambda.ResourceNotFoundException"} & {*retry["ErrorEquals"]}
        assert state["Catch"] == [{"ErrorEquals": ["States.ALL"], "Next": "abandoned"}]
        assert state["Parameters"].keys() == {"saga.$", "seq.$", "at"}
        assert state["TimeoutSeconds"] == 15


def test_a_wait_is_as_long_as_the_task_has_told_and_leads_back_to_it() -> None:
    states = a_machine()["States"]
    waits = {name: state for name, state in states.items() if state["Type"] == "Wait"}
    assert len(waits) == sum(state["Type"] == "Task" for state in states.values())
    for name, state in waits.items():
        assert state == {"Type": "Wait", "SecondsPath": "$.seconds", "Next": name.removeprefix("wait for ")}


def test_a_saga_that_has_nothing_left_to_call_is_finished() -> None:
    saga = Saga("done", 1, TRIP.steps, begun=len(TRIP.steps))
    machine = a_machine(saga)
    assert Linter.validate(machine) == []
    assert machine["StartAt"] == "finish"
    played = Played(saga, "a1.1", Plan("fine"))
    assert played.step()(task(played, "finish"))["next"] == "completed"
    assert played.row.progress.phase is Phase.COMPLETED


def test_no_step_goes_by_the_name_of_an_end() -> None:
    step = a_step("wait", TRIP.steps[-1].kind)
    with pytest.raises(ValueError, match="wait"):
        state_machine(Saga("odd", 1, (step,)), resource=RESOURCE)


def test_a_task_asks_once_and_tells_where_the_saga_stands_then(played: Played) -> None:
    step = played.step()
    told = step(task(played, "flight"))
    assert told == {"saga": "a1.1", "seq": 1, "next": "weather", "seconds": 0}
    assert [call for call, *_ in played.calls] == ["flight"]
    assert (played.row.owner, played.row.lease_until) == ("execution:a1.1", played.clock.now() + LEASE)
    json.dumps(told)


def test_a_task_that_is_not_where_the_saga_stands_asks_nobody(played: Played) -> None:
    step = played.step()
    first = step(task(played, "flight", 0))
    assert step(task(played, "flight", 0)) == first
    assert step(task(played, "flight", 1)) == first
    assert step(task(played, "weather", 0)) == first
    assert len(played.calls) == 1


def test_a_saga_is_leased_once_and_each_step_is_one_write_more(played: Played) -> None:
    log = Faulty(played.plain_log, plan={})
    played.log = log.port
    told: Mapping[str, Any] = {"seq": 0, "next": "flight"}
    while told["next"] != "completed":
        told = played.step()(task(played, told["next"], told["seq"]))
    assert log.calls.count("renew") == 1
    assert log.calls.count("append") == len(TRIP.steps)


def test_what_somebody_else_holds_is_waited_for_as_long_as_the_lease_lasts(played: Played) -> None:
    (row,) = played.plain_log.claim("host:1:0", now=played.clock.now(), limit=1)
    played.clock.advance(timedelta(seconds=3.5))
    told = played.step()(task(played, "flight"))
    assert (told["next"], told["seconds"], played.calls) == ("wait", 7, [])
    assert played.row == row
    played.clock.advance(timedelta(seconds=6.5))
    assert played.step()(task(played, "flight"))["next"] == "weather"


def test_who_has_lost_the_lease_writes_nothing_and_looks_again_when_it_ends() -> None:
    played = Played(TRIP, "a1.1", Plan("stolen", {"flight": [Act.STOLEN]}))
    told = played.step()(task(played, "flight"))
    assert told == {"saga": "a1.1", "seq": 0, "next": "wait", "seconds": 10}
    assert (played.row.owner, played.row.seq) == (THIEF, 0)


def test_a_lease_that_a_clock_far_ahead_has_made_holds_nobody_up(played: Played) -> None:
    assert played.plain_log.claim("host:1:0", now=played.clock.now() + timedelta(days=1), limit=1)
    assert played.step()(task(played, "flight"))["next"] == "weather"


def test_what_is_not_due_waits_for_its_time() -> None:
    played = Played(TRIP, "a1.1", Plan("fine"), due_at=MONDAY + timedelta(hours=1, milliseconds=1))
    told = played.step()(task(played, "flight"))
    assert (told["next"], told["seconds"], played.calls) == ("wait", 3601, [])


def test_an_attempt_that_is_to_be_repeated_waits_as_the_core_says() -> None:
    played = Played(TRIP, "a1.1", Plan("late", {"flight": [Uncertain("late")]}))
    told = played.step()(task(played, "flight"))
    row = played.row
    assert row.due_at is not None
    assert (told["next"], told["seconds"], row.progress.attempt, row.owner) == ("wait", 1, 2, None)
    assert timedelta(0) < row.due_at - played.clock.now() <= timedelta(seconds=told["seconds"])


@pytest.mark.parametrize("method", ["get", "renew", "append"])
def test_a_log_that_does_not_answer_is_a_wait(played: Played, method: str) -> None:
    played.log = Faulty(played.plain_log, plan={method: [Before(UnavailableError())]}).port
    told = played.step()(task(played, "flight"))
    assert told == {"saga": "a1.1", "seq": 0, "next": "wait", "seconds": 10}


def test_a_saga_that_is_not_there_is_abandoned(played: Played) -> None:
    told = played.step()({"saga": "a2.1", "seq": 0, "at": "flight"})
    assert told == {"saga": "a2.1", "seq": 0, "next": "abandoned", "seconds": 0}


def test_what_this_release_does_not_know_is_quarantined(played: Played) -> None:
    step = open_step(played.log, Registry.of([]), played.participants(), played.clock, played.alarms.append)
    assert step(task(played, "flight"))["next"] == "quarantined"
    assert (played.row.progress.error, len(played.alarms), played.calls) == ("unknown_definition", 1, [])
    assert step(task(played, "flight"))["next"] == "quarantined"


def test_what_has_killed_whoever_ran_it_is_quarantined(played: Played) -> None:
    for claims, following in ((MOST_CLAIMS - 1, "weather"), (MOST_CLAIMS, "quarantined")):
        other = Played(TRIP, "a1.1", Plan("fine"), claims=claims)
        assert other.step()(task(other, "flight"))["next"] == following
        assert len(other.calls) == (following == "weather")
    assert (other.row.progress.error, len(other.alarms)) == ("claimed_in_vain", 1)


@pytest.mark.parametrize("at", ["flight", "seat"])
def test_of_two_who_do_one_task_at_the_same_time_one_writes(at: str) -> None:
    index = [step.name for step in TRIP.steps].index(at)
    played, both = Played(TRIP, "a1.1", Plan("fine"), progress=Progress(step=index)), Barrier(2)
    answers: dict[str, Outcome] = {"flight": Ok(), "seat": Refused("no")}

    def answered(asked: Asked) -> Outcome:
        both.wait(timeout=10)
        return answers[at]

    told: list[Mapping[str, Any]] = []
    participants = dict.fromkeys(played.participants(), answered)

    def work(ahead: int) -> None:
        # Their entries differ: one that is the same is the first one, written again.
        clock = SettableClock(MONDAY + timedelta(seconds=ahead))
        step = Step(played.log, Registry.of([TRIP]), participants, clock, played.alarms.append)
        told.append(step(task(played, at, 0)))

    threads = [Thread(target=work, args=(ahead,)) for ahead in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert played.row.seq == 1
    assert (
        told[0]
        == told[1]
        == {"saga": "a1.1", "seq": 1, "next": {"flight": "weather", "seat": "undo seat"}[at], "seconds": 0}
    )


class Engine:
    """Step Functions, as far as it is called here."""

    def __init__(self, *answers: Mapping[str, Any] | Exception) -> None:
        self.answers, self.calls = [*answers], list[tuple[str, Mapping[str, Any]]]()

    def __call__(self, operation: str, request: Mapping[str, Any], /) -> Mapping[str, Any]:
        self.calls.append((operation, request))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def a_start(engine: Engine, played: Played) -> Start:
    return open_start(engine, MACHINES, played.plain_log, patience=Patience(sleep=lambda _: None))


def test_an_execution_has_the_name_of_its_saga_and_a_machine_of_its_version(played: Played) -> None:
    engine = Engine({"executionArn": "any"})
    assert a_start(engine, played)(played.id)
    ((operation, request),) = engine.calls
    assert (operation, request["name"]) == ("StartExecution", "a1.1")
    assert request["stateMachineArn"] == f"{MACHINES.arn_prefix}trip-1"
    assert json.loads(request["input"]) == {"saga": "a1.1", "seq": 0}


def test_one_that_has_been_begun_is_left_alone(played: Played) -> None:
    assert not a_start(Engine(AwsError("states", "StartExecution", "ExecutionAlreadyExists")), played)(played.id)


def test_what_the_engine_refuses_otherwise_is_a_bug(played: Played) -> None:
    with pytest.raises(AwsError):
        a_start(Engine(AwsError("states", "StartExecution", "InvalidName")), played)(played.id)


def test_where_the_answer_is_lost_it_is_begun_again_under_its_name(played: Played) -> None:
    engine = Engine(LostAnswerError(), {"executionArn": "any"})
    assert a_start(engine, played)(played.id)
    assert engine.calls[0] == engine.calls[1]


@pytest.mark.parametrize("phase", [phase for phase in Phase if not phase.runs])
def test_what_is_not_to_be_run_is_not_begun(played: Played, phase: Phase) -> None:
    progress = attrs.evolve(played.row.progress, phase=phase)
    played.plain_log.append(SagaEntry(before=played.row, progress=progress, at=played.clock.now()))
    assert not a_start(Engine(), played)(played.id)


def test_what_is_not_there_is_not_begun(played: Played) -> None:
    with pytest.raises(NotFoundError):
        a_start(Engine(), played)(SagaId("a2.1"))


def test_there_is_a_machine_for_each_version_of_each_saga() -> None:
    def call(operation: str, request: Mapping[str, Any], /) -> Mapping[str, Any]:
        made.append((operation, request["name"], request["type"]))
        return {"stateMachineArn": f"arn:aws:states:sa-east-1:000000000000:stateMachine:{request['name']}"}

    made: list[tuple[str, str, str]] = []
    assert make_state_machines(call, resource=RESOURCE, role_arn=ROLE) == MACHINES
    assert made == [("CreateStateMachine", f"telemed-{one.name}-{one.version}", "STANDARD") for one in SAGAS]
    assert len({name for _, name, _ in made}) == len(SAGAS)


def test_one_that_is_there_is_looked_for_on_every_page_and_set_as_it_is_defined() -> None:
    there = AwsError("states", "CreateStateMachine", "StateMachineAlreadyExists")
    pages = [
        {"stateMachines": [{"name": "telemed-trip-2", "stateMachineArn": "other"}], "nextToken": "more"},
        {"stateMachines": [{"name": "telemed-trip-1", "stateMachineArn": f"{MACHINES.arn_prefix}trip-1"}]},
    ]
    engine = Engine(there, *pages, {})
    assert make_state_machines(engine, resource=RESOURCE, role_arn=ROLE, sagas=[TRIP]) == MACHINES
    operation, request = engine.calls[-1]
    assert (operation, request["stateMachineArn"]) == ("UpdateStateMachine", f"{MACHINES.arn_prefix}trip-1")
    assert json.loads(request["definition"]) == a_machine()
    assert engine.calls[2][1] == {"nextToken": "more"}
    for code, answers in (("InvalidDefinition", ()), ("StateMachineAlreadyExists", ({"stateMachines": []},))):
        refusing = Engine(AwsError("states", "CreateStateMachine", code), *answers)
        with pytest.raises((AwsError, ValueError)):
            make_state_machines(refusing, resource=RESOURCE, role_arn=ROLE, sagas=[TRIP])


def test_none_of_it_loads_a_client_of_aws() -> None:
    program = (
        "import sys, adapters.step_functions; print([name for name in ('boto3', 'botocore') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
