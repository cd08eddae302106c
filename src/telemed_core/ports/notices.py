"""Where notices are kept, how they leave, and the calendars that people subscribe to."""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import attrs

from telemed_core.domain.ids import AccountId, AppointmentId
from telemed_core.domain.notices import Announcement, Channel, DeliveryStatus, Notice, NoticeId


class Publisher(Protocol):
    """Tells the world what has changed."""

    def publish(self, announcements: Sequence[Announcement], /) -> None:
        """Hand these on, in this order, each at least once; announcements of one subject stay in order.

        Raises:
            UnavailableError: some may not have been handed on; publishing all again is right.
        """
        ...


class Notices(Protocol):
    """The inbox and the delivery log in one."""

    def add(self, notices: Sequence[Notice], /) -> int:
        """Keep these, but for those whose (event, reader, channel) is kept already; how many were new. All or none."""
        ...

    def inbox(
        self, reader: AccountId, /, *, after: tuple[datetime, int, NoticeId] | None = None, limit: int
    ) -> Sequence[Notice]:
        """Up to ``limit`` of the reader's in-app notices, newest first by (at, seq, id), those behind ``after``."""
        ...

    def read(self, notice_id: NoticeId, /, *, reader: AccountId, now: datetime) -> None:
        """Set ``read_at``, once; reading again changes nothing.

        Raises:
            NotFoundError: the reader has no such in-app notice.
        """
        ...

    def take(self, *, now: datetime, again_at: datetime, limit: int) -> Sequence[Notice]:
        """Take up to ``limit`` pending e-mails that are due, oldest first: ``attempts`` + 1, due at ``again_at``.

        No two calls take the same one at one time, and of one reader and subject only the first by seq is taken, while
        it is pending. ``again_at`` is when another takes it, should this one never ``settle`` it.
        """
        ...

    def settle(self, before: Notice, after: Notice, /) -> bool:
        """Write how the delivery went, only where it is still ``before``; whether it was."""
        ...

    def get(self, notice_id: NoticeId, /) -> Notice:
        """The notice.

        Raises:
            NotFoundError: there is none.
        """
        ...

    def log(
        self,
        *,
        statuses: Collection[DeliveryStatus] = (),
        channel: Channel | None = None,
        appointment_id: AppointmentId | None = None,
        after: tuple[datetime, int, NoticeId] | None = None,
        limit: int,
    ) -> Sequence[Notice]:
        """Up to ``limit`` notices of everybody, newest first by (at, seq, id), those behind ``after``."""
        ...


class Feeds(Protocol):
    """The secrets in the addresses of private calendars, encrypted at rest."""

    def open(self, account_id: AccountId, secret: str, /) -> str:
        """The account's secret: the one it has, else ``secret`` from now on."""
        ...

    def find(self, secret: str, /) -> AccountId | None:
        """Whose secret it is; ``None``: nobody's (any more)."""
        ...

    def revoke(self, account_id: AccountId, /) -> None:
        """Forget the account's secret; one without too."""
        ...


class CalendarMethod(StrEnum):
    """What a calendar is to do with it (RFC 5546)."""

    PUBLISH = "PUBLISH"
    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


class CalendarStatus(StrEnum):
    """Of one entry (RFC 5545)."""

    TENTATIVE = "TENTATIVE"
    CONFIRMED = "CONFIRMED"
    CANCELLED = "CANCELLED"


@attrs.frozen(kw_only=True)
class CalendarEntry:
    """One appointment in a calendar; ``uid`` is the same for its whole life, ``sequence`` rises with every change.

    Attributes:
        stamped_at: as of when it says so; of two with one sequence the later counts.
        changed_at: when the appointment changed last; ``None``: it is not said.
        attendee: the reader's own address, in an invitation; ``None``: it is none.
    """

    uid: str
    sequence: int
    status: CalendarStatus
    start: datetime
    end: datetime
    stamped_at: datetime
    changed_at: datetime | None = None
    summary: str
    description: str = ""
    url: str | None = None
    attendee: str | None = attrs.field(default=None, repr=False)


class Calendars(Protocol):
    """Writes iCalendar files."""

    def write(self, entries: Sequence[CalendarEntry], /, *, method: CalendarMethod, name: str | None = None) -> bytes:
        """The entries as text/calendar in UTF-8, instants in UTC; ``name``: what a subscribed calendar is called."""
        ...


@attrs.frozen(kw_only=True)
class Mail:
    """One e-mail, in plain text; ``id`` makes its Message-ID, the same for every attempt."""

    id: NoticeId
    to: str = attrs.field(repr=False)
    subject: str
    body: str = attrs.field(repr=False)
    language: str
    calendar: bytes | None = attrs.field(default=None, repr=False)
    method: CalendarMethod | None = None


class Mailer(Protocol):
    """Sends e-mail."""

    def send(self, mail: Mail, /) -> None:
        """Hand it to the mail server.

        Raises:
            UnavailableError: it may not have been taken: try again later.
            UndeliverableError: the server will never take it.
        """
        ...
