"""The visit itself: how its sides meet, how it ends, and what the patient thinks of it."""

from typing import Final

from entrypoints.operations.one_appointment import doctor_of, id_of, participant_of, patient_of, recall, view_of
from entrypoints.operations.operation import DOCTORS, PARTICIPANTS, PATIENTS, Call, Operation
from telemed_core.domain.ratings import Rating
from telemed_core.domain.receipts import Receipt
from telemed_core.errors import (
    AlreadyRatedError,
    InvalidTransitionError,
    JoinWindowClosedError,
    LicenceInactiveError,
    NotPresentError,
    TooEarlyError,
)
from telemed_core.messages.appointment_view import AppointmentView
from telemed_core.messages.meetings import (
    AbsenceDeclaration,
    ChimeJoinedView,
    MemoryJoinedView,
    RatingView,
    VisitRating,
    WebRtcJoinedView,
    joined_view,
    rating_views,
)
from telemed_core.messages.views import View

_SIGNALLING: Final = """\
From `opens_at` to `closes_at` an answer is presence: of each side the first is kept, and both make the visit
`in_progress`. Coming again answers the same meeting, or another where that one has died, and writes nothing down.

With the provider `webrtc` the two browsers find each other through a WebSocket, at the path `meeting.signalling`. All
its messages are JSON in text frames of at most 64 KiB:

- first, within 5 seconds, `{"type": "hello", "token": attendee.token}`;
- then `{"type": "offer" | "answer" | "candidate" | "bye", "data": …}`, whatever the data: the other side gets the same;
- from the server also `{"type": "peer", "present": true | false}`: whether the other side is there, at once after
  `hello` and on every change; `true` again where it has come by a newer connection: negotiate afresh.

It is closed with 4401 (the token is wrong, or did not come first and in time), 4404 (the token is another meeting's,
or the meeting was made anew: join again), 4409 (a newer connection of this person), 4410 (the visit is over, or not
open), 4429 (more than 60 messages at once or 10 a second), 1003 (a binary frame), 1007 (not such a message), 1009 (too
long), 1013 (try again in a moment).

With the provider `chime` there is no such WebSocket: `meeting.chime` and `attendee.chime` are the two arguments of
`MeetingSessionConfiguration` in Amazon's client libraries, which do the rest."""


def _join(call: Call[None, None]) -> View:
    joined = call.container.join_visit()(appointment_id=id_of(call), actor=participant_of(call))
    return joined_view(joined.appointment, joined.room, joined.attendee)


def _declare_absence(call: Call[AbsenceDeclaration, None]) -> View:
    missed = call.container.declare_absence()(
        appointment_id=id_of(call), actor=participant_of(call), idempotency=call.idempotency
    )
    return view_of(call, missed)


def _complete(call: Call[None, None]) -> View:
    completed = call.container.complete_visit()(
        appointment_id=id_of(call), doctor=doctor_of(call), idempotency=call.idempotency
    )
    return view_of(call, completed)


def _rate(call: Call[VisitRating, None]) -> View:
    rating = call.container.rate_visit()(
        appointment_id=id_of(call),
        patient=patient_of(call),
        score=call.body.score,
        comment=call.body.comment,
        idempotency=call.idempotency,
    )
    return _rated(call, rating)


def _recall_rating(call: Call[VisitRating, None], receipt: Receipt) -> View:
    return _rated(call, call.container.recall_rating()(receipt))


def _rated(call: Call[VisitRating, None], rating: Rating) -> View:
    return rating_views([rating], call.container.read_comments()([rating]))[0]


OPERATIONS: Final = (
    Operation(
        name="join_visit",
        method="POST",
        path="/v1/appointments/{id}/join",
        about="Be present at the visit, and get one's own way into its meeting.",
        details=_SIGNALLING,
        tag="visits",
        roles=PARTICIPANTS,
        view=(WebRtcJoinedView, ChimeJoinedView, MemoryJoinedView),
        refusals=(LicenceInactiveError, InvalidTransitionError, JoinWindowClosedError),
        act=_join,
    ),
    Operation(
        name="declare_absence",
        method="POST",
        path="/v1/appointments/{id}/absence",
        about="The side that has joined says, 15 minutes after the start, that the other did not come.",
        tag="visits",
        roles=PARTICIPANTS,
        body=AbsenceDeclaration,
        view=AppointmentView,
        refusals=(LicenceInactiveError, InvalidTransitionError, TooEarlyError, NotPresentError),
        act=_declare_absence,
        replay=recall,
    ),
    Operation(
        name="complete_visit",
        method="POST",
        path="/v1/appointments/{id}/complete",
        about="The doctor ends a visit that is in progress.",
        tag="visits",
        roles=DOCTORS,
        view=AppointmentView,
        refusals=(LicenceInactiveError, InvalidTransitionError),
        act=_complete,
        replay=recall,
        links={"rate_visit": "id", "show_appointment": "id"},
    ),
    Operation(
        name="rate_visit",
        method="POST",
        path="/v1/appointments/{id}/rating",
        about="The patient says once what they thought of a completed visit.",
        tag="visits",
        roles=PATIENTS,
        status=201,
        body=VisitRating,
        view=RatingView,
        refusals=(InvalidTransitionError, AlreadyRatedError),
        act=_rate,
        replay=_recall_rating,
    ),
)
