"""Which meeting each visit has, in memory."""

import attrs

from adapters.memory.state import State
from telemed_core.domain.ids import AppointmentId
from telemed_core.domain.meetings import Meeting


@attrs.frozen
class MemoryMeetings:
    """Meetings in memory."""

    _state: State

    def of(self, appointment_id: AppointmentId, /) -> Meeting | None:
        with self._state.lock:
            return self._state.meetings.get(appointment_id)

    def put(self, meeting: Meeting, /) -> Meeting:
        meetings = self._state.meetings
        with self._state.lock:
            kept = meetings.get(meeting.appointment_id)
            if kept is not None and kept.generation != meeting.generation - 1:
                return kept
            meetings[meeting.appointment_id] = meeting
            return meeting
