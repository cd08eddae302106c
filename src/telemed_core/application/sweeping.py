"""The sweep writes down what time has already made true, and finishes what a crash left."""

import attrs

from telemed_core.application.agendas import CancelBlocked
from telemed_core.application.committing import settle_due
from telemed_core.domain.commit import Command
from telemed_core.domain.ids import CommandId
from telemed_core.ports.people import Attempts
from telemed_core.ports.storage import Appointments
from telemed_core.ports.system import Clock, Ids


@attrs.frozen
class Swept:
    """How much one sweep has done."""

    settled: int
    cancelled: int


@attrs.frozen
class Sweep:
    """Settle every appointment that is due, cancel what blocks have left to cancel, forget what counts no more."""

    _appointments: Appointments
    _cancel_blocked: CancelBlocked
    _attempts: Attempts
    _clock: Clock
    _ids: Ids

    def __call__(self) -> Swept:
        command = Command(CommandId(self._ids.new()), self._clock.now())
        settled = settle_due(self._appointments, command=command)
        self._attempts.forget(now=command.at)
        return Swept(settled=settled, cancelled=self._cancel_blocked())
