"""Video by Amazon Chime: a room is a meeting of its SDK, a way in is one of that meeting's attendees.

Nothing is kept here. Chime answers the same request again with the meeting, or the attendee, that it has made before:
it knows a meeting by the visit and the generation, and a person by their account. So a call whose answer was lost, or
that ran into another's, is sent again. It is told opaque ids, and nothing else of anybody.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

import attrs

from adapters.aws.calling import Call, open_call
from adapters.aws.failures import AwsError
from adapters.aws.retrying import Patience
from telemed_core.domain.ids import AccountId, AppointmentId, AttendeeId, MeetingId
from telemed_core.domain.meetings import Attendee, AttendeeClaims, Meeting, Provider, Room
from telemed_core.errors import InvalidError, NotFoundError, UnauthenticatedError

SERVICE: Final = "chime-sdk-meetings"

MEDIA_REGIONS: Final = frozenset(
    # Written as what they are: names of AWS's own.
    """
    af-south-1 ap-northeast-1 ap-northeast-2 ap-south-1 ap-southeast-1 ap-southeast-2 ca-central-1 eu-central-1
    eu-north-1 eu-south-1 eu-west-1 eu-west-2 eu-west-3 sa-east-1 us-east-1 us-east-2 us-gov-east-1 us-gov-west-1
    us-west-1 us-west-2
    """.split()
)
"""Where meetings can take place."""

CONTROL_REGIONS: Final = frozenset(
    """
    af-south-1 ap-northeast-1 ap-northeast-2 ap-south-1 ap-southeast-1 ap-southeast-2 ca-central-1 eu-central-1
    eu-west-2 il-central-1 us-east-1 us-gov-east-1 us-gov-west-1 us-west-2
    """.split()
)
"""Where meetings can be asked for; whichever is asked, the meeting takes place where the request says."""

_ANYWHERE: Final = "us-east-1"
_NOT_FOUND: Final = "NotFoundException"
_OURS_ALONE: Final = "MeetingArn"
"""It names the AWS account, and no client reads it."""

_IS_ITS_ID: Final = re.compile(r"[a-fA-F0-9]{8}(?:-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}").fullmatch
_FITS: Final = re.compile(r"[a-z0-9-]{2,64}").fullmatch
"""What may stand in each of its names for ours; it does not say everywhere whether it tells capital letters apart."""


@attrs.frozen(eq=False)
class ChimeMeetingRooms:
    """``MeetingRooms`` on Chime: they die by themselves when nobody has been in them for some minutes."""

    _call: Call
    _media_region: str
    _patience: Patience = attrs.field(factory=Patience)

    def create(self, appointment_id: AppointmentId, /, *, generation: int) -> Room:
        return _room(
            self._answer(
                "CreateMeeting",
                {
                    "ClientRequestToken": _named(f"{appointment_id}-{generation}"),
                    "ExternalMeetingId": _named(appointment_id),
                    "MediaRegion": self._media_region,
                },
            )
        )

    def find(self, meeting: Meeting, /) -> Room | None:
        try:
            return _room(self._answer_in("GetMeeting", meeting))
        except NotFoundError:
            return None

    def admit(self, meeting: Meeting, account_id: AccountId, /) -> Attendee:
        answer = self._answer_in("CreateAttendee", meeting, ExternalUserId=_named(account_id))
        described = dict(answer["Attendee"])
        return Attendee(id=AttendeeId(described["AttendeeId"]), details=described)

    def end(self, meeting: Meeting, /) -> None:
        try:
            self._answer_in("DeleteMeeting", meeting)
        except NotFoundError:
            return

    def _answer_in(self, operation: str, meeting: Meeting, **members: str) -> Mapping[str, Any]:
        """The answer to what is asked of one meeting.

        Raises:
            NotFoundError: Chime has not got it (any more), or cannot have had it: then it is not asked.
        """
        if not _IS_ITS_ID(meeting.id):
            raise NotFoundError
        try:
            return self._answer(operation, {"MeetingId": meeting.id, **members})
        except AwsError as refused:
            if refused.code == _NOT_FOUND:
                raise NotFoundError from None
            raise

    def _answer(self, operation: str, request: Mapping[str, str]) -> Mapping[str, Any]:
        return self._patience(lambda: self._call(operation, request))


@attrs.frozen
class ChimeAttendeeTokens:
    """``AttendeeTokens`` that know none: Chime's clients show theirs to Chime, and nobody comes to us with one."""

    def verify(self, _: str, /) -> AttendeeClaims:
        raise UnauthenticatedError


def open_chime(*, media_region: str, connections: int, endpoint_url: str | None = None) -> ChimeMeetingRooms:
    """Rooms in that region, asked for in the same one, or where Chime cannot be asked there in Northern Virginia.

    Args:
        media_region: one near the people who meet: their sound and picture go there and back.
        connections: how many threads there are.
        endpoint_url: where Chime answers instead of at AWS.

    Raises:
        InvalidError: it is none of Chime's regions, naming ``chime_region``; or the endpoint is no URL.
    """
    if media_region not in MEDIA_REGIONS:
        raise InvalidError("chime_region", f"must be one of {', '.join(sorted(MEDIA_REGIONS))}")
    region = media_region if media_region in CONTROL_REGIONS else _ANYWHERE
    call = open_call(SERVICE, connections=connections, region=region, endpoint_url=endpoint_url)
    return ChimeMeetingRooms(call, media_region)


def _room(answer: Mapping[str, Any]) -> Room:
    described = {name: told for name, told in answer["Meeting"].items() if name != _OURS_ALONE}
    return Room(provider=Provider.CHIME, id=MeetingId(described["MeetingId"]), details=described)


def _named(text: str) -> str:
    """A name of ours as it may stand among Chime's: itself, or a hash of it that no other has."""
    return text if _FITS(text) else hashlib.sha256(text.encode()).hexdigest()
