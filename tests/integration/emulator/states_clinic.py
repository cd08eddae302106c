"""An installation whose sagas are run by executions: its people, what they do, and the functions that do the tasks."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any, Final, Self

import attrs

from adapters.aws.calling import Call
from adapters.dynamodb.bootstrap import make_tables
from adapters.dynamodb.tables import Tables
from adapters.step_functions import StateMachines, make_state_machines
from entrypoints.container import Container, open_container
from entrypoints.settings import load_settings
from integration.emulator.states_engine import ROLE, Engine
from integration.http.server import Installation
from scale import DEEP
from telemed_core.domain.ids import Id, SagaId
from telemed_core.domain.sagas import SagaRow
from telemed_core.ports.system import Clock
from telemed_core.saga.sagas import REGISTRY
from telemed_core.testing.wiring import a_clinic
from unit.saga.stage import Killed

PREFIX: Final = "states-"
TESTS: Final = Path(__file__).parents[2]

Settings = Mapping[str, str | None]
EXECUTED: Final[Settings] = {}
EMBEDDED: Final[Settings] = {"saga_engine": "embedded", "state_machines": None}
"""Of a process of the same installation that runs sagas itself."""

SCENES: Final = ("accept", "refuse", *(("request", "close_account") if DEEP else ()))
"""Of two steps whose effect is committed with the entry; and of one of each kind."""

_NUMBERS: Final = count(1)


@attrs.frozen
class Installed:
    """Tables and state machines on one engine, and the settings of those who use them."""

    engine: Engine
    machines: StateMachines
    installation: Installation

    @classmethod
    def on(cls, engine: Engine, call: Call, call_states: Call, data: Path) -> Self:
        make_tables(call, Tables.named(PREFIX))
        machines = make_state_machines(call_states, resource=engine.activity, role_arn=ROLE, prefix=PREFIX)
        settings = {"TELEMED_SAGA_ENGINE": "step_functions", "TELEMED_STATE_MACHINES": machines.arn_prefix}
        url = engine.server.endpoint_url
        return cls(engine, machines, Installation.on_dynamodb(data, url, prefix=PREFIX, **settings))

    def container(self, changed: Settings = EXECUTED, *, clock: Clock | None = None) -> Container:
        """The parts of a process of it, whose settings differ in these; ``None``: without one."""
        variables = {name: value for name, value in self.installation.environment().items() if "TELEMED_" in name}
        changes = {f"TELEMED_{name.upper()}": value for name, value in changed.items()}
        told = {name: value for name, value in (variables | changes).items() if value is not None}
        return open_container(load_settings(told), clock=clock)

    def execution(self, row: SagaRow) -> str:
        saga = REGISTRY.find(row)
        assert saga
        return self.engine.execution(self.machines.of(saga), row.id)


def act(container: Container, scene: str) -> SagaRow:
    """Let new people do it; the saga that follows from it, and that nobody has begun to run."""
    number = next(_NUMBERS)
    clinic = a_clinic(container.stores(), container.clock(), container.ids())
    doctor, patient = clinic.doctor(number), clinic.patient(number)
    subject: Id = patient.id
    if scene == "close_account":
        container.close_account()(patient=patient)
    else:
        asked = container.request_appointment()(doctor_id=doctor.id, start=clinic.noon(3), patient=patient)
        subject = asked.id
        if scene == "accept":
            container.accept_appointment()(appointment_id=asked.id, rev=asked.rev, doctor=doctor)
        if scene == "refuse":
            container.refuse_appointment()(appointment_id=asked.id, doctor=doctor)
    (row,) = container.sagas().list(name=scene, subject=subject, limit=9)
    return row


def seen(container: Container, saga_id: SagaId) -> Mapping[str, Any]:
    """What the saga has left: it is the same whoever has run it, however often somebody died of it."""
    log = container.sagas()
    row, _ = log.get(saga_id)
    notices = [one for one in container.notices().log(limit=1000) if one.subject == row.subject]
    return {
        "progress": row.progress,
        "seq": row.seq,
        "published": log.published(row.subject),
        "told": Counter((one.kind, one.channel, one.event.removeprefix(row.subject)) for one in notices),
        "sagas": Counter(one.name for one in log.list(subject=row.subject, limit=99)),
    }


class Functions:
    """What does the tasks of sagas: a process that dies where it is told to, and then another one."""

    def __init__(self, installation: Installation, notes: Path) -> None:
        self.notes = notes
        self.killed = 0
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).parent / "states_worker.py", notes],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=installation.environment(PYTHONPATH=os.pathsep.join([str(TESTS.parent / "src"), str(TESTS)])),
        )

    def begin(self, *, at: int | None) -> None:
        """Have a new one, which is to be killed at that boundary."""
        self.notes.write_bytes(b"")
        self.killed = 0
        self._fork(at)

    def work(self, task: Mapping[str, Any]) -> Mapping[str, Any]:
        told = self._ask(task)
        if "told" not in told:
            assert told["killed"], "it has failed"
            self.killed += 1
            self._fork(None)
            raise Killed
        done: Mapping[str, Any] = told["told"]
        return done

    def end(self) -> None:
        """Let the one that is there go."""
        assert self._ask(None) == {"killed": None, "exit": 0}

    def repeated(self, *, what: str, local: bool) -> int:
        """How often at most one of these was repeated, whoever did it."""
        noted = map(json.loads, self.notes.read_text().splitlines())
        counted = Counter(note["key"] for note in noted if note["what"] == what and note["local"] == str(local))
        return max(counted.values(), default=1) - 1

    def _fork(self, at: int | None) -> None:
        assert self._ask({"at": at}) == {"ready": True}

    def _ask(self, told: object) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(told).encode() + b"\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=30)


@attrs.define
class Stopping:
    """Does so many tasks; the execution is stopped before the engine hears of the last one."""

    installed: Installed
    container: Container
    row: SagaRow
    left: int

    def work(self, task: Mapping[str, Any]) -> Mapping[str, Any]:
        self.left -= 1
        told = self.container.saga_step()(task)
        if not self.left:
            self.installed.engine.stop(self.installed.execution(self.row))
        return told
