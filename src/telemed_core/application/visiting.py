"""Both sides meet: presence, absence and completion."""

from datetime import datetime
from typing import Final

import attrs

from telemed_core.application.booking import Participant, own
from telemed_core.application.committing import Committing
from telemed_core.domain import visit
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import Commit, Idempotency
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import AccountId, AppointmentId
from telemed_core.domain.meetings import Attendee, Meeting, Room
from telemed_core.errors import BusyError, NotFoundError
from telemed_core.ports.meetings import MeetingRooms, Meetings
from telemed_core.ports.storage import Appointments

ROOMS_TRIED: Final = 3
"""How often another room is looked for, where the one that was found has died or another was kept."""


@attrs.frozen
class Joined:
    """A visit that one side has joined: its room, and that person's own way in."""

    appointment: Appointment
    room: Room
    attendee: Attendee


@attrs.frozen
class MeetingRoom:
    """The visit's room, made at the first join, and made anew where it has died; parallel joins find one room.

    Raises:
        BusyError: each room that was found had died, or another was kept.
        UnavailableError: the provider does not answer.
    """

    _meetings: Meetings
    _rooms: MeetingRooms

    def __call__(self, *, appointment_id: AppointmentId, account_id: AccountId) -> tuple[Room, Attendee]:
        for _ in range(ROOMS_TRIED):
            kept = self._meetings.of(appointment_id)
            room = self._rooms.find(kept) if kept else None
            if kept is None or room is None:
                room, kept = self._made(appointment_id, 1 if kept is None else kept.generation + 1)
            try:
                if kept.id == room.id:
                    return room, self._rooms.admit(kept, account_id)
            except NotFoundError:
                continue
        raise BusyError

    def _made(self, appointment_id: AppointmentId, generation: int) -> tuple[Room, Meeting]:
        """A new room, and the meeting that is kept: its own, or another's that came first."""
        room = self._rooms.create(appointment_id, generation=generation)
        return room, self._meetings.put(Meeting(appointment_id, generation, room.id))


@attrs.frozen
class JoinVisit:
    """One side is present, and gets its way into the room; both make the visit start. Coming again finds the same.

    An answer is presence: without a room nothing is written down.

    Raises:
        NotFoundError: it is somebody else's.
        LicenceInactiveError: the doctor joins and is not approved.
        InvalidTransitionError, JoinWindowClosedError: by its state and the time.
        UnavailableError: the provider of rooms does not answer.
    """

    _appointments: Appointments
    _committing: Committing
    _room: MeetingRoom

    def __call__(self, *, appointment_id: AppointmentId, actor: Participant) -> Joined:
        ways: list[tuple[Room, Attendee]] = []

        def decide(now: datetime) -> Commit:
            appointment = own(self._appointments, appointment_id, actor, licensed=True)
            commit = visit.join(appointment, by=actor.id, now=now)
            if not ways:
                ways.append(self._room(appointment_id=appointment.id, account_id=actor.id))
            return commit

        appointment = self._committing(decide)
        return Joined(appointment, *ways[0])


@attrs.frozen
class DeclareAbsence:
    """The side that is present says that the other did not come.

    Raises:
        NotFoundError: it is somebody else's.
        LicenceInactiveError: the doctor acts and is not approved.
        InvalidTransitionError, TooEarlyError, NotPresentError: by its state and the time.
    """

    _appointments: Appointments
    _committing: Committing

    def __call__(
        self, *, appointment_id: AppointmentId, actor: Participant, idempotency: Idempotency | None = None
    ) -> Appointment:
        def decide(now: datetime) -> Commit:
            appointment = own(self._appointments, appointment_id, actor, licensed=True)
            return visit.declare_absence(appointment, by=actor.id, now=now)

        return self._committing(decide, idempotency=idempotency)


@attrs.frozen
class CompleteVisit:
    """The doctor ends a visit that is in progress.

    Raises:
        NotFoundError: it is another doctor's.
        LicenceInactiveError: the doctor is not approved.
        InvalidTransitionError: it is not in progress.
    """

    _appointments: Appointments
    _committing: Committing

    def __call__(
        self, *, appointment_id: AppointmentId, doctor: Doctor, idempotency: Idempotency | None = None
    ) -> Appointment:
        def decide(now: datetime) -> Commit:
            appointment = own(self._appointments, appointment_id, doctor, licensed=True)
            return visit.complete(appointment, by=doctor.id, now=now)

        return self._committing(decide, idempotency=idempotency)
