"""Where a visit's two sides meet: the meeting, the room its provider has made, and each person's way in."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import attrs

from telemed_core.domain.ids import AccountId, AppointmentId, AttendeeId, MeetingId


class Provider(StrEnum):
    """Who carries sound and picture."""

    MEMORY = "memory"
    WEBRTC = "webrtc"
    CHIME = "chime"


@attrs.frozen
class Meeting:
    """A visit's meeting: made at the first join, and made anew, ``generation`` + 1, where its room has died.

    Attributes:
        generation: 1 at first.
    """

    appointment_id: AppointmentId
    generation: int
    id: MeetingId


@attrs.frozen(kw_only=True)
class Room:
    """A room, as its provider describes it.

    Attributes:
        details: what the provider's client takes beside the id; the same for everybody.
    """

    provider: Provider
    id: MeetingId
    details: Mapping[str, Any] = attrs.field(factory=dict[str, Any])


@attrs.frozen(kw_only=True)
class Attendee:
    """One person's own way into one room.

    Attributes:
        details: what the provider's client takes beside the id: secrets of that person among them.
    """

    id: AttendeeId
    details: Mapping[str, Any] = attrs.field(factory=dict[str, Any], repr=False)


@attrs.frozen
class AttendeeClaims:
    """What an attendee's token says: whose way into which room it is."""

    appointment_id: AppointmentId
    meeting_id: MeetingId
    account_id: AccountId
