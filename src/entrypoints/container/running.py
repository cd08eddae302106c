"""What runs sagas, and who is called when one stops: this process, whoever answers the steps, and the alarms."""

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from entrypoints.container.storing import Later, open_call
from entrypoints.logs import log_alarm
from entrypoints.settings import Settings
from telemed_core.domain.ids import SagaId
from telemed_core.domain.sagas import SagaRow
from telemed_core.ports.meetings import MeetingRooms
from telemed_core.ports.notices import Publisher
from telemed_core.ports.sagas import SagaLog
from telemed_core.ports.services import Identity
from telemed_core.ports.storage import Stores
from telemed_core.ports.system import Clock
from telemed_core.saga.definition import Saga
from telemed_core.saga.participants import participants
from telemed_core.saga.running import Participant
from telemed_core.saga.sagas import REGISTRY, Registry

if TYPE_CHECKING:
    from adapters.step_functions.handling import Step
    from adapters.step_functions.starting import Start


def open_participants(
    stores: Stores,
    identity: Callable[[], Identity],
    publisher: Callable[[], Publisher],
    rooms: Callable[[], MeetingRooms],
    clock: Clock,
) -> Mapping[str, Participant]:
    """Who carries out the steps of sagas; the services, of which a step needs one at most, are opened by the first."""
    return participants(
        appointments=stores.appointments,
        doctors=stores.doctors,
        accounts=stores.accounts,
        identity=cast("Identity", Later(identity)),
        feeds=stores.feeds,
        log=stores.sagas,
        publisher=cast("Publisher", Later(publisher)),
        meetings=stores.meetings,
        rooms=cast("MeetingRooms", Later(rooms)),
        clock=clock,
    )


def open_step(log: SagaLog, registry: Registry, participants: Mapping[str, Participant], clock: Clock) -> "Step":
    """What does the tasks of executions."""
    from adapters.step_functions.handling import open_step

    return open_step(log, registry, participants, clock, alarm_of_saga)


def open_begun() -> Callable[[Iterable[Mapping[str, Any]]], Mapping[str, SagaId]]:
    """What finds new sagas among records of a stream, by the sequence number of each."""
    from adapters.dynamodb.saga_stream import sagas_begun

    return sagas_begun


def open_start(settings: Settings, log: SagaLog) -> "Start":
    """What begins executions."""
    from adapters.step_functions.machines import StateMachines
    from adapters.step_functions.starting import open_start

    assert settings.state_machines is not None  # noqa: S101 # the settings ask for it with Step Functions
    return open_start(open_call(settings, "stepfunctions"), StateMachines(settings.state_machines), log)


def state_machine_of(saga: Saga) -> str:
    """The saga as Step Functions takes it; a deployment puts what does its tasks for ``${SagaStepArn}``."""
    from adapters.step_functions import definition

    return definition(saga, resource="${SagaStepArn}")


def alarm_of_saga(row: SagaRow) -> None:
    """An operator is called to a saga that has come to a stop."""
    saga = REGISTRY.find(row)
    step = saga.steps[row.progress.step].name if saga and 0 <= row.progress.step < len(saga.steps) else None
    log_alarm("saga quarantined", saga=row.id, name=row.name, step=step, code=row.progress.error)


def pause(length: timedelta) -> None:
    """Let that much time pass."""
    time.sleep(length.total_seconds())
