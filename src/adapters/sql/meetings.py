"""Which meeting each visit has, in SQL."""

from typing import Final

import attrs
from sqlalchemy import Connection, bindparam, select, text

from adapters.sql.tables import MEETINGS
from adapters.sql.transactions import Database
from telemed_core.domain.ids import AppointmentId, MeetingId
from telemed_core.domain.meetings import Meeting

_OF: Final = select(MEETINGS).where(MEETINGS.c.appointment_id == bindparam("appointment_id"))
_PUT: Final = text(
    "INSERT INTO meetings (appointment_id, generation, meeting_id) VALUES (:appointment_id, :generation, :meeting_id)"
    " ON CONFLICT (appointment_id) DO UPDATE SET generation = excluded.generation, meeting_id = excluded.meeting_id"
    " WHERE meetings.generation = excluded.generation - 1"
)


@attrs.frozen
class SqlMeetings:
    """Meetings in SQL."""

    _database: Database

    def of(self, appointment_id: AppointmentId, /) -> Meeting | None:
        return self._database.read(lambda connection: _read(connection, appointment_id))

    def put(self, meeting: Meeting, /) -> Meeting:
        row = {"generation": meeting.generation, "meeting_id": meeting.id, "appointment_id": meeting.appointment_id}

        def work(connection: Connection) -> Meeting:
            connection.execute(_PUT, row)
            return _read(connection, meeting.appointment_id) or meeting

        return self._database.write(work)


def _read(connection: Connection, appointment_id: AppointmentId) -> Meeting | None:
    row = connection.execute(_OF, {"appointment_id": appointment_id}).one_or_none()
    return None if row is None else Meeting(appointment_id, row.generation, MeetingId(row.meeting_id))
