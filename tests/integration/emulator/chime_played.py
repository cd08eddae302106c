"""A Chime that is played: meetings and attendees without sound and picture, by requests that its model allows."""

import base64
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any
from uuid import uuid4

import attrs

from integration.emulator import chime_model
from integration.emulator.chime_model import Asked, NotInTheModelError


@attrs.frozen
class Trouble:
    """What becomes of one request.

    Attributes:
        code: with which it is refused; ``None``: it is not.
        after: it is carried out before it goes wrong.
        cut: the connection is closed in the place of an answer.
        seconds: how long the answer takes.
    """

    code: str | None = None
    after: bool = False
    cut: bool = False
    seconds: float = 0


class Refused(Exception):
    """By one of the codes of the operation."""


@attrs.define
class _Meeting:
    described: Mapping[str, Any]
    attendees: dict[str, Mapping[str, Any]] = attrs.field(factory=dict)


@attrs.define
class Chime:
    """Its meetings, and what was asked of it.

    Attributes:
        remembers: a token that has made a meeting answers it when it has ended, too; otherwise it makes another.
        takes: seconds for which a meeting is in the making; the same request meanwhile is a conflict.
        asked: all requests that it has understood, in order.
        complaints: what was wrong with others; a test that has caused any fails.
    """

    remembers: bool = True
    takes: float = 0
    asked: list[Asked] = attrs.field(factory=list)
    complaints: list[str] = attrs.field(factory=list)
    _meetings: dict[str, _Meeting] = attrs.field(factory=dict)
    _by_token: dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = attrs.field(factory=dict)
    _making: set[str] = attrs.field(factory=set)
    _troubles: defaultdict[str, list[Trouble]] = attrs.field(factory=lambda: defaultdict(list))
    _lock: Any = attrs.field(factory=Lock)

    def plan(self, operation: str, *troubles: Trouble) -> None:
        """Let the next requests of the operation go wrong like this, one after the other."""
        with self._lock:
            self._troubles[operation] += troubles

    def die(self, meeting_id: str) -> None:
        """End a meeting as Chime does by itself when nobody is in it."""
        with self._lock:
            del self._meetings[meeting_id]

    def end_all(self) -> None:
        with self._lock:
            self._meetings.clear()

    @property
    def meetings(self) -> list[str]:
        """Those that have not ended."""
        with self._lock:
            return list(self._meetings)

    def attendees(self, meeting_id: str) -> list[str]:
        """Who may come into a meeting, by their external ids."""
        with self._lock:
            return list(self._meetings[meeting_id].attendees)

    @property
    def counts(self) -> Counter[str]:
        """How many requests there were of each operation."""
        with self._lock:
            return Counter(one.operation for one in self.asked)

    def serve(self, asked: Asked) -> tuple[int, str | None, bytes] | None:
        """The status, the error and the body with which it is answered; ``None``: it is not."""
        with self._lock:
            self.asked.append(asked)
            planned = self._troubles[asked.operation]
            trouble = planned.pop(0) if planned else Trouble()
        answer = self._answered(asked) if trouble.after else None
        time.sleep(trouble.seconds)
        if trouble.cut:
            return None
        if trouble.code is not None:
            return _refusal(asked.operation, trouble.code)
        return answer or self._answered(asked)

    def calm(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            self._troubles.clear()

    def complain(self, about: str) -> None:
        with self._lock:
            self.complaints.append(about)

    def _answered(self, asked: Asked) -> tuple[int, str | None, bytes]:
        acts: Mapping[str, Callable[..., Mapping[str, Any]]] = {
            "CreateMeeting": self._create_meeting,
            "GetMeeting": self._get_meeting,
            "DeleteMeeting": self._delete_meeting,
            "CreateAttendee": self._create_attendee,
        }
        if asked.operation not in acts:
            raise NotInTheModelError(f"{asked.operation} is not played here")
        try:
            told = acts[asked.operation](**asked.members)
        except Refused as refused:
            return _refusal(asked.operation, str(refused))
        status, body = chime_model.answer(asked.operation, told)
        return status, None, body

    def _create_meeting(self, **members: str) -> Mapping[str, Any]:
        token = members["ClientRequestToken"]
        with self._lock:
            before, described = self._by_token.get(token, (members, None))
            if before != members:
                raise NotInTheModelError("one token for two meetings")
            if described is not None and (self.remembers or described["MeetingId"] in self._meetings):
                return {"Meeting": described}
            if token in self._making:
                raise Refused("ConflictException")
            self._making.add(token)
        time.sleep(self.takes)
        described = _described(**members)
        with self._lock:
            self._making.discard(token)
            self._by_token[token] = members, described
            self._meetings[described["MeetingId"]] = _Meeting(described)
        return {"Meeting": described}

    def _get_meeting(self, *, MeetingId: str) -> Mapping[str, Any]:  # noqa: N803 # by the model
        with self._lock:
            return {"Meeting": self._found(MeetingId).described}

    def _delete_meeting(self, *, MeetingId: str) -> Mapping[str, Any]:  # noqa: N803 # the same
        with self._lock:
            self._found(MeetingId)
            del self._meetings[MeetingId]
        return {}

    def _create_attendee(self, *, MeetingId: str, ExternalUserId: str) -> Mapping[str, Any]:  # noqa: N803 # the same
        with self._lock:
            attendees = self._found(MeetingId).attendees
            if ExternalUserId not in attendees:
                attendees[ExternalUserId] = {
                    "ExternalUserId": ExternalUserId,
                    "AttendeeId": str(uuid4()),
                    "JoinToken": base64.b64encode(secrets.token_bytes(48)).decode(),
                    "Capabilities": dict.fromkeys(("Audio", "Video", "Content"), "SendReceive"),
                }
            return {"Attendee": attendees[ExternalUserId]}

    def _found(self, meeting_id: str) -> _Meeting:
        if meeting_id not in self._meetings:
            raise Refused("NotFoundException")
        return self._meetings[meeting_id]


def _described(*, ClientRequestToken: str, MediaRegion: str, ExternalMeetingId: str) -> Mapping[str, Any]:  # noqa: N803 # by the model
    """A meeting with all that the model has of where it takes place."""
    meeting = chime_model.model().shape_for("Meeting")
    meeting_id = str(uuid4())
    urls = {
        name: f"wss://{name.lower()}.{MediaRegion}.chime.example/{meeting_id}"
        for name in meeting.members["MediaPlacement"].members
    }
    return {
        "MeetingId": meeting_id,
        "ExternalMeetingId": ExternalMeetingId,
        "MediaRegion": MediaRegion,
        "MediaPlacement": urls,
        "MeetingFeatures": {"Audio": {"EchoReduction": "UNAVAILABLE"}},
        "MeetingArn": f"arn:aws:chime:us-east-1:123456789012:meeting/{meeting_id}",
    }


_OF_ANY_SERVICE = {"ExpiredTokenException": 403, "UnrecognizedClientException": 403, "AccessDeniedException": 403}
"""What AWS says before the service itself is asked."""


def _refusal(operation: str, code: str) -> tuple[int, str | None, bytes]:
    if code in _OF_ANY_SERVICE:
        return _OF_ANY_SERVICE[code], code, b'{"message":"no"}'
    status, body = chime_model.refusal(operation, code)
    return status, code, body
