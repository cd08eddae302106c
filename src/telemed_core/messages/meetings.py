"""Visits: how one gets into their meeting, and what patients think of them."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from telemed_core.domain.appointment import Appointment
from telemed_core.domain.meetings import Attendee, Provider, Room
from telemed_core.domain.ratings import Rating
from telemed_core.domain.texts import TextKey
from telemed_core.messages import schemas
from telemed_core.messages.fields import CommentField, Request, ScoreField
from telemed_core.messages.queries import PageQuery
from telemed_core.messages.views import IdText, Instant, View


class AbsenceDeclaration(Request):
    """``POST /v1/appointments/{id}/absence``: there is nothing to say beside it."""


class VisitRating(Request):
    """``POST /v1/appointments/{id}/rating``."""

    score: ScoreField
    comment: CommentField | None = Field(None, repr=False)


class RatingsQuery(PageQuery):
    """``GET /v1/doctors/{id}/ratings``."""


class IceServerView(View):
    """A server that helps two browsers to find each other, as ``RTCPeerConnection`` takes it."""

    urls: tuple[str, ...]
    username: str | None
    credential: str | None = Field(repr=False)


class WebRtcMeetingView(View):
    """The meeting, the same for both sides; ``signalling`` is the path of its WebSocket."""

    id: IdText
    signalling: str


class WebRtcAttendeeView(View):
    """One's own way in: the first message on the WebSocket is ``{"type": "hello", "token": …}``."""

    id: IdText
    token: str = Field(repr=False)
    ice_servers: tuple[IceServerView, ...]


class WebRtcJoinedView(View):
    """Present, with a way into a meeting from browser to browser."""

    provider: Literal["webrtc"]
    meeting: WebRtcMeetingView
    attendee: WebRtcAttendeeView
    opens_at: Instant
    closes_at: Instant


class MemoryMeetingView(View):
    """The meeting, the same for both sides."""

    id: IdText


class MemoryAttendeeView(View):
    """One's own place in it."""

    id: IdText


class MemoryJoinedView(View):
    """Present, in a meeting without sound and picture."""

    provider: Literal["memory"]
    meeting: MemoryMeetingView
    attendee: MemoryAttendeeView
    opens_at: Instant
    closes_at: Instant


class ChimeMeetingView(View):
    """The meeting, the same for both sides, and as Chime describes it."""

    id: IdText
    chime: Annotated[Mapping[str, Any], schemas.CHIME_MEETING]


class ChimeAttendeeView(View):
    """One's own way in, and as Chime describes it: with the token that opens the meeting in this person's name."""

    id: IdText
    chime: Annotated[Mapping[str, Any], schemas.CHIME_ATTENDEE] = Field(repr=False)


class ChimeJoinedView(View):
    """Present, with a way into a meeting that Amazon Chime carries."""

    provider: Literal["chime"]
    meeting: ChimeMeetingView
    attendee: ChimeAttendeeView
    opens_at: Instant
    closes_at: Instant


class RatingView(View):
    """What a patient thought of a visit; who it was is not told."""

    score: Annotated[int, schemas.SCORE]
    comment: str | None
    created_at: Instant


def joined_view(
    appointment: Appointment, room: Room, attendee: Attendee
) -> WebRtcJoinedView | ChimeJoinedView | MemoryJoinedView:
    """What a side reads that has joined."""
    if room.provider is Provider.CHIME:
        return ChimeJoinedView(
            provider="chime",
            meeting=ChimeMeetingView(id=room.id, chime=room.details),
            attendee=ChimeAttendeeView(id=attendee.id, chime=attendee.details),
            opens_at=appointment.opens_at,
            closes_at=appointment.closes_at,
        )
    if room.provider is Provider.MEMORY:
        return MemoryJoinedView(
            provider="memory",
            meeting=MemoryMeetingView(id=room.id),
            attendee=MemoryAttendeeView(id=attendee.id),
            opens_at=appointment.opens_at,
            closes_at=appointment.closes_at,
        )
    return WebRtcJoinedView(
        provider="webrtc",
        meeting=WebRtcMeetingView(id=room.id, signalling=f"/v1/meetings/{room.id}/signal"),
        attendee=WebRtcAttendeeView(
            id=attendee.id,
            token=attendee.details["token"],
            ice_servers=tuple(map(_ice_server, attendee.details["ice_servers"])),
        ),
        opens_at=appointment.opens_at,
        closes_at=appointment.closes_at,
    )


def rating_view(rating: Rating, comment: str | None) -> RatingView:
    """A rating with what was written, as far as it can still be read."""
    return RatingView(score=rating.score, comment=comment, created_at=rating.at)


def rating_views(ratings: Iterable[Rating], comments: Mapping[TextKey, str]) -> list[RatingView]:
    """Ratings with what was written to them, by its key."""
    return [rating_view(one, None if one.comment is None else comments.get(one.comment)) for one in ratings]


def _ice_server(described: Mapping[str, Any]) -> IceServerView:
    return IceServerView(
        urls=tuple(described["urls"]), username=described.get("username"), credential=described.get("credential")
    )
