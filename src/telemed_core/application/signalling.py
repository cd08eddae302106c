"""Who may speak in a meeting, and until when."""

from collections.abc import Collection, Sequence

import attrs

from telemed_core.domain import visit
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import ConnectionId
from telemed_core.domain.signals import Seat, Welcome
from telemed_core.errors import JoinWindowClosedError, NotFoundError, UnauthenticatedError
from telemed_core.ports.meetings import AttendeeTokens, Meetings, Signals
from telemed_core.ports.people import Accounts
from telemed_core.ports.storage import Appointments
from telemed_core.ports.system import Clock, Ids


@attrs.frozen
class EnterMeeting:
    """A connection with an attendee's token takes that person's seat in a meeting.

    Attributes:
        owner: the process that has the connection.

    Raises:
        UnauthenticatedError: the token is not one of ours, or its doctor may not act any more.
        NotFoundError: it is another meeting's, or this one was made anew.
        JoinWindowClosedError: the visit is over, or not open yet.
    """

    _tokens: AttendeeTokens
    _meetings: Meetings
    _appointments: Appointments
    _accounts: Accounts
    _signals: Signals
    _clock: Clock
    _ids: Ids
    _owner: str

    def __call__(self, *, meeting_id: str, token: str) -> tuple[Seat, Welcome]:
        claims = self._tokens.verify(token)
        kept = self._meetings.of(claims.appointment_id)
        if claims.meeting_id != meeting_id or kept is None or kept.id != meeting_id:
            raise NotFoundError
        account = self._accounts.get(claims.account_id)
        if isinstance(account, Doctor) and not account.approved:
            raise UnauthenticatedError
        appointment = self._appointments.get(claims.appointment_id)
        if not visit.is_open(appointment, now=self._clock.now()):
            raise JoinWindowClosedError(appointment.opens_at)
        seat = Seat(
            meeting_id=kept.id,
            appointment_id=appointment.id,
            side=appointment.side_of(account.id),
            connection=ConnectionId(self._ids.new()),
        )
        return seat, self._signals.enter(seat, owner=self._owner)


@attrs.frozen
class FindClosed:
    """Those of the seats whose visit is not open any more, in one read."""

    _appointments: Appointments
    _clock: Clock

    def __call__(self, seats: Collection[Seat], /) -> Sequence[Seat]:
        now = self._clock.now()
        found = self._appointments.many({seat.appointment_id for seat in seats})
        still = {one.id for one in found if visit.is_open(one, now=now)}
        return [seat for seat in seats if seat.appointment_id not in still]
