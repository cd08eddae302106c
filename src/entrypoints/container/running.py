"""What runs sagas, and who is called when one stops: this process, whoever answers the steps, and the alarms."""

import time
from collections.abc import Callable, Mapping
from datetime import timedelta

from entrypoints.logs import log_alarm
from telemed_core.domain.notices import Notice
from telemed_core.domain.sagas import SagaRow
from telemed_core.ports.meetings import MeetingRooms
from telemed_core.ports.notices import Publisher
from telemed_core.ports.services import Identity
from telemed_core.ports.storage import Stores
from telemed_core.ports.system import Clock
from telemed_core.saga.participants import participants
from telemed_core.saga.running import Participant
from telemed_core.saga.sagas import REGISTRY


def open_owner() -> str:
    """This process, as the log of sagas and the seats of meetings name it."""
    from adapters.system import this_process

    return this_process()


def open_gone() -> Callable[[str], bool]:
    """Tells whether another process of this host is known not to run any more."""
    from adapters.system import is_gone

    return is_gone


def open_participants(
    stores: Stores, identity: Identity, publisher: Publisher, rooms: MeetingRooms, clock: Clock
) -> Mapping[str, Participant]:
    """Who carries out the steps of sagas."""
    return participants(
        appointments=stores.appointments,
        doctors=stores.doctors,
        accounts=stores.accounts,
        identity=identity,
        feeds=stores.feeds,
        log=stores.sagas,
        publisher=publisher,
        meetings=stores.meetings,
        rooms=rooms,
        clock=clock,
    )


def alarm_of_saga(row: SagaRow) -> None:
    """An operator is called to a saga that has come to a stop."""
    saga = REGISTRY.find(row)
    step = saga.steps[row.progress.step].name if saga and 0 <= row.progress.step < len(saga.steps) else None
    log_alarm("saga quarantined", saga=row.id, name=row.name, step=step, code=row.progress.error)


def alarm_of_notice(notice: Notice) -> None:
    """An operator is called to an e-mail that was given up."""
    log_alarm("delivery dead", notice=notice.id, event=notice.event, kind=notice.kind, code=notice.last_error)


def pause(length: timedelta) -> None:
    """Let that much time pass."""
    time.sleep(length.total_seconds())
