"""The sweep writes down what time has already made true, and finishes what a crash left."""

import attrs

from telemed_core.application.agendas import CancelBlocked
from telemed_core.application.committing import settle
from telemed_core.domain.commit import Command
from telemed_core.domain.ids import CommandId
from telemed_core.ports.storage import Appointments
from telemed_core.ports.system import Clock, Ids

AT_ONCE = 200


@attrs.frozen
class Swept:
    """How much one sweep has done."""

    settled: int
    cancelled: int


@attrs.frozen
class Sweep:
    """Settle every appointment that is due, and cancel what blocks have left to cancel."""

    _appointments: Appointments
    _cancel_blocked: CancelBlocked
    _clock: Clock
    _ids: Ids

    def __call__(self) -> Swept:
        now = self._clock.now()
        settled = 0
        while due := self._appointments.due(now=now, limit=AT_ONCE):
            done = [
                settle(self._appointments, appointment, command=Command(CommandId(self._ids.new()), now))
                for appointment in due
            ]
            settled += sum(done)
            if not any(done):
                break
        return Swept(settled=settled, cancelled=self._cancel_blocked())
