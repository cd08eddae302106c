"""The parts of the schedule: time's changes are written down, sagas that were left are run, e-mails leave."""

from dependency_injector.providers import ThreadSafeSingleton as Once

from entrypoints.container.agendas import AgendaParts
from entrypoints.container.ground import Ground
from entrypoints.container.sagas import SagaParts
from telemed_core.application.sweeping import Sweep


class SweepParts(AgendaParts, SagaParts):
    """What is to be done again and again."""

    sweep = Once(Sweep, Ground.appointments, AgendaParts.cancel_blocked, Ground.attempts, Ground.clock, Ground.ids)
