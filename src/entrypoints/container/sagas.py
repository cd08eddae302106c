"""The parts that run sagas: in this process, or for the executions of an engine."""

from __future__ import annotations  # what is only written as a type is not loaded

from typing import TYPE_CHECKING

from dependency_injector import providers
from dependency_injector.providers import ThreadSafeSingleton as Once

from entrypoints.container import running
from entrypoints.container.ground import Ground
from entrypoints.container.notices import NoticeParts
from telemed_core.saga.running import Inline, RunSagas
from telemed_core.saga.sagas import REGISTRY

if TYPE_CHECKING:
    from collections.abc import Callable

    from dependency_injector.providers import Provider

    from telemed_core.domain.sagas import SagaRow
    from telemed_core.saga.sagas import Registry


class SagaParts(NoticeParts):
    """What begins sagas, and does their steps."""

    registry: Provider[Registry] = providers.Object(REGISTRY)
    alarm: Provider[Callable[[SagaRow], None]] = providers.Object(running.alarm_of_saga)
    participants = Once(
        running.open_participants,
        Ground.stores,
        Ground.identity.provider,
        NoticeParts.publisher.provider,
        Ground.meeting_rooms.provider,
        Ground.clock,
    )
    run_sagas = Once(RunSagas, Ground.sagas, registry, participants, Ground.clock, Ground.owner, alarm)
    inline_sagas = Once(
        Inline, Ground.sagas, registry, participants, Ground.clock, providers.Object(running.pause), alarm
    )
    sagas_begun = Once(running.open_begun)
    start_saga = Once(running.open_start, Ground.settings, Ground.sagas)
    saga_step = Once(running.open_step, Ground.sagas, registry, participants, Ground.clock)
