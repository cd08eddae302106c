"""Appointments in their owners' calendars: one file each, a private feed, and the invitations that e-mails carry."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Final

import attrs

from telemed_core.application.booking import Participant, own
from telemed_core.domain.accounts import Account, Administrator
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.ids import AccountId, AppointmentId
from telemed_core.domain.instants import LAST, Interval
from telemed_core.domain.notices import Announcement, Kind
from telemed_core.domain.patient import Patient
from telemed_core.domain.status import Status
from telemed_core.domain.wording import Names, calendar_name, entrance, visit_in_calendar
from telemed_core.errors import NotFoundError
from telemed_core.ports.notices import CalendarEntry, CalendarMethod, Calendars, CalendarStatus, Feeds
from telemed_core.ports.people import Accounts
from telemed_core.ports.storage import Appointments
from telemed_core.ports.system import Clock, Ids

BACK: Final = timedelta(days=30)
"""How far back a feed goes."""

PAGE: Final = 100

_STATUSES: Final = {
    Status.REQUESTED: CalendarStatus.TENTATIVE,
    Status.REFUSED: CalendarStatus.CANCELLED,
    Status.EXPIRED: CalendarStatus.CANCELLED,
    Status.CANCELLED: CalendarStatus.CANCELLED,
}
_ENTERED: Final = frozenset({Status.CONFIRMED, Status.IN_PROGRESS})


def names_of(accounts: Accounts, people: Collection[AccountId]) -> Names:
    """The names of these people, in one read at most."""
    return accounts.names(people) if people else {}


def invitation(about: Announcement, *, reader: Account, names: Names, public_url: str) -> CalendarEntry:
    """The appointment as the announced change left it, addressed to the reader."""
    assert about.start is not None and about.end is not None  # noqa: PT018, S101 # kinds that invite are about visits
    cancelled = about.kind is Kind.CANCELLED
    link = None if cancelled else _entrance_url(public_url, AppointmentId(about.subject))
    return CalendarEntry(
        uid=_uid(AppointmentId(about.subject)),
        sequence=int(about.facts["sequence"]),
        status=CalendarStatus.CANCELLED if cancelled else CalendarStatus.CONFIRMED,
        start=about.start,
        end=about.end,
        stamped_at=about.at,
        changed_at=about.at,
        summary=visit_in_calendar(about.doctor_id, about.patient_id, reader=reader, names=names),
        description=entrance(reader, link) if link else "",
        url=link,
        attendee=reader.email.address,
    )


def entry_of(
    appointment: Appointment, *, reader: Account, names: Names, public_url: str, now: datetime
) -> CalendarEntry:
    """The appointment, settled, as it stands in a calendar of its reader."""
    link = _entrance_url(public_url, appointment.id) if appointment.status in _ENTERED else None
    return CalendarEntry(
        uid=_uid(appointment.id),
        sequence=appointment.sequence,
        status=_STATUSES.get(appointment.status, CalendarStatus.CONFIRMED),
        start=appointment.visit.start,
        end=appointment.visit.end,
        stamped_at=now,
        changed_at=appointment.history[-1].at if appointment.history else None,
        summary=visit_in_calendar(appointment.doctor_id, appointment.patient_id, reader=reader, names=names),
        description=entrance(reader, link) if link else "",
        url=link,
    )


def _uid(appointment_id: AppointmentId) -> str:
    return f"{appointment_id}@telemed"


def _entrance_url(public_url: str, appointment_id: AppointmentId) -> str:
    return f"{public_url}/appointments/{appointment_id}/visit"


@attrs.frozen
class AppointmentCalendar:
    """One of the actor's appointments as a calendar file.

    Raises:
        NotFoundError: there is none, or it is somebody else's.
    """

    _appointments: Appointments
    _accounts: Accounts
    _calendars: Calendars
    _clock: Clock
    _public_url: str

    def __call__(self, *, appointment_id: AppointmentId, actor: Participant) -> bytes:
        now = self._clock.now()
        appointment = own(self._appointments, appointment_id, actor).settled(now=now)
        names = names_of(self._accounts, {appointment.doctor_id, appointment.patient_id})
        entry = entry_of(appointment, reader=actor, names=names, public_url=self._public_url, now=now)
        return self._calendars.write([entry], method=CalendarMethod.PUBLISH)


@attrs.frozen
class OpenFeed:
    """The secret in the address of the account's private calendar: the same one until it is revoked."""

    _feeds: Feeds
    _ids: Ids

    def __call__(self, *, account: Account) -> str:
        return self._feeds.open(account.id, self._ids.new())


@attrs.frozen
class ReadFeed:
    """The private calendar with that secret: the appointments of 30 days back and of all that is to come.

    Raises:
        NotFoundError: the secret is nobody's (any more).
    """

    _feeds: Feeds
    _accounts: Accounts
    _appointments: Appointments
    _calendars: Calendars
    _clock: Clock
    _public_url: str

    def __call__(self, *, secret: str) -> bytes:
        now = self._clock.now()
        reader = self._reader(secret)
        listed = [] if isinstance(reader, Administrator) else list(self._listed(reader, now=now))
        people = {one for appointment in listed for one in (appointment.doctor_id, appointment.patient_id)}
        names = names_of(self._accounts, people)
        entries = [entry_of(one, reader=reader, names=names, public_url=self._public_url, now=now) for one in listed]
        return self._calendars.write(entries, method=CalendarMethod.PUBLISH, name=calendar_name(reader))

    def _reader(self, secret: str) -> Account:
        account_id = self._feeds.find(secret)
        if account_id is None:
            raise NotFoundError
        reader = self._accounts.get(account_id)
        if isinstance(reader, Patient) and reader.closed_at is not None:
            raise NotFoundError
        return reader

    def _listed(self, reader: Participant, *, now: datetime) -> Iterator[Appointment]:
        """Page by page."""
        after: tuple[datetime, AppointmentId] | None = None
        while True:
            page = self._appointments.list(
                reader.id, starting=Interval(now - BACK, LAST), after=after, limit=PAGE, now=now
            )
            yield from page
            if len(page) < PAGE:
                return
            after = (page[-1].visit.start, page[-1].id)


@attrs.frozen
class RevokeFeed:
    """The address of the account's private calendar leads nowhere from now on."""

    _feeds: Feeds

    def __call__(self, *, account: Account) -> None:
        self._feeds.revoke(account.id)
