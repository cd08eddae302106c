"""Which meeting each visit has, on DynamoDB."""

from typing import Final

import attrs

from adapters.dynamodb.access import Dynamo, Terms
from adapters.dynamodb.actions import Item, key, number, text
from telemed_core.domain.ids import AppointmentId, MeetingId
from telemed_core.domain.meetings import Meeting

_IS_NEXT: Final = "attribute_not_exists(PK) OR generation=:before"


@attrs.frozen
class DynamoMeetings:
    """Meetings on DynamoDB: beside the appointment, an item of their own."""

    _dynamo: Dynamo

    def of(self, appointment_id: AppointmentId, /) -> Meeting | None:
        item = self._dynamo.get(self._dynamo.tables.scheduling, _key(appointment_id))
        return None if item is None else _load(appointment_id, item)

    def put(self, meeting: Meeting, /) -> Meeting:
        item = {
            **_key(meeting.appointment_id),
            "generation": number(meeting.generation),
            "meeting": text(meeting.id),
        }
        on = Terms(_IS_NEXT, {":before": number(meeting.generation - 1)})
        # Where it is refused for what it has written itself, that is the one that is kept.
        refused = self._dynamo.put(self._dynamo.tables.scheduling, item, on=on, repeatable=True)
        if refused is None or refused.item is None:
            return meeting
        return _load(meeting.appointment_id, refused.item)


def _key(appointment_id: AppointmentId) -> Item:
    return key(f"A#{appointment_id}", "MEETING")


def _load(appointment_id: AppointmentId, item: Item) -> Meeting:
    return Meeting(appointment_id, int(str(item["generation"]["N"])), MeetingId(str(item["meeting"]["S"])))
