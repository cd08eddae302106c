"""From announcements to notices: who finds them in the inbox and gets them by e-mail, and how the e-mails leave."""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

import attrs

from telemed_core.application.calendars import invitation, names_of
from telemed_core.domain.accounts import Account, Administrator
from telemed_core.domain.ids import AccountId, AppointmentId
from telemed_core.domain.instants import EPOCH
from telemed_core.domain.notices import (
    INVITING,
    Announcement,
    Channel,
    DeliveryStatus,
    Kind,
    Notice,
    NoticeId,
    readers,
    recipients,
)
from telemed_core.domain.patient import Patient
from telemed_core.domain.wording import Names, Told, mailed, people_in, told, untellable
from telemed_core.errors import (
    ForbiddenError,
    InvalidTransitionError,
    NotFoundError,
    UnavailableError,
    UndeliverableError,
)
from telemed_core.ports.notices import CalendarMethod, Calendars, Mail, Mailer, Notices
from telemed_core.ports.people import Accounts
from telemed_core.ports.services import Identity
from telemed_core.ports.system import Clock

MOST_ATTEMPTS: Final = 16
"""How often an e-mail is tried: for four to nine hours."""

FIRST_WAIT: Final = timedelta(seconds=30)
LONGEST_WAIT: Final = timedelta(hours=1)
UNSETTLED: Final = timedelta(minutes=2)
"""How long an attempt may take before another process may make the next one."""

AT_ONCE: Final = 100


@attrs.frozen
class Notify:
    """Whoever is concerned by announcements gets notices: each once, however often they are announced.

    Attributes:
        email: whether there is a mail server.
    """

    _notices: Notices
    _email: bool

    def __call__(self, announcements: Sequence[Announcement], /) -> None:
        notices = [notice for about in announcements for notice in self._of(about)]
        if notices:
            self._notices.add(notices)

    def _of(self, about: Announcement) -> Iterator[Notice]:
        for reader in readers(about):
            yield Notice.of(about, reader=reader, channel=Channel.IN_APP)
        for reader in recipients(about) if self._email else ():
            yield Notice.of(about, reader=reader, channel=Channel.EMAIL)


@attrs.frozen
class DeliverNotices:
    """E-mails that are due leave, in order for each reader and subject; what cannot leave is tried again, then dead.

    Attributes:
        calendars: writes the invitations that go with some of them.
        public_url: where links lead to.
        alarm: is told of each that is dead from now on; nobody but an operator looks after it.
    """

    _notices: Notices
    _accounts: Accounts
    _identity: Identity
    _mailer: Mailer
    _calendars: Calendars
    _clock: Clock
    _public_url: str
    _alarm: Callable[[Notice], None] = lambda _: None

    def __call__(self, *, limit: int = AT_ONCE) -> int:
        """Try up to ``limit``, as long as the mail server answers; how many have been tried."""
        for tried in range(limit):
            now = self._clock.now()
            taken = self._notices.take(now=now, again_at=now + UNSETTLED, limit=1)
            if not taken:
                return tried
            if not self._deliver(taken[0]):
                return tried + 1
        return limit

    def _deliver(self, notice: Notice) -> bool:
        """Try it, and write down how it went; whether what it needed was there."""
        try:
            if notice.attempts > MOST_ATTEMPTS:
                self._bury(notice, error="abandoned")
            elif (mail := self._mail(notice)) is None:
                self._settle(notice, DeliveryStatus.DROPPED)
            else:
                self._mailer.send(mail)
                self._settle(notice, DeliveryStatus.DELIVERED)
        except UndeliverableError as error:
            self._bury(notice, error=error.code)
        except UnavailableError as error:
            self._postpone(notice, error=error.code)
            return False
        except Exception as error:  # a notice that breaks what tells it is set aside: others are not to wait behind it
            self._bury(notice, error=f"broken:{type(error).__name__}"[:64])
        return True

    def _mail(self, notice: Notice) -> Mail | None:
        """The e-mail; ``None``: there is nobody to send it to."""
        about = notice.about
        reader = self._reader(notice.reader)
        if reader is None:
            return None
        if notice.kind is Kind.PASSWORD_RESET:
            token = self._identity.reset_token(reader.id, now=self._clock.now())
            if token is None:
                return None
            # In the fragment, which browsers send to no server.
            link = f"{self._public_url}/reset#token={token}"
        else:
            link = f"{self._public_url}/appointments/{about.subject}/visit"
        names = names_of(self._accounts, people_in(about))
        text = mailed(about, reader=reader, names=names, link=link)
        calendar, method = None, None
        if notice.kind in INVITING:
            method = CalendarMethod.CANCEL if notice.kind is Kind.CANCELLED else CalendarMethod.REQUEST
            entry = invitation(about, reader=reader, names=names, public_url=self._public_url)
            calendar = self._calendars.write([entry], method=method)
        return Mail(
            id=notice.id,
            to=reader.email.address,
            subject=text.title,
            body=text.body,
            language=reader.language,
            calendar=calendar,
            method=method,
        )

    def _reader(self, account_id: AccountId) -> Account | None:
        try:
            reader = self._accounts.get(account_id)
        except NotFoundError:
            return None
        return None if isinstance(reader, Patient) and reader.closed_at is not None else reader

    def _settle(self, notice: Notice, status: DeliveryStatus, *, error: str | None = None) -> bool:
        return self._notices.settle(notice, attrs.evolve(notice, status=status, last_error=error, due_at=None))

    def _bury(self, notice: Notice, *, error: str) -> None:
        if self._settle(notice, DeliveryStatus.DEAD, error=error):
            self._alarm(attrs.evolve(notice, status=DeliveryStatus.DEAD, last_error=error, due_at=None))

    def _postpone(self, notice: Notice, *, error: str) -> None:
        if notice.attempts >= MOST_ATTEMPTS:
            self._bury(notice, error=error)
            return
        due_at = self._clock.now() + pause(notice.id, notice.attempts)
        self._notices.settle(notice, attrs.evolve(notice, last_error=error, due_at=due_at))


def pause(notice_id: NoticeId, attempt: int) -> timedelta:
    """How long to wait after that attempt: doubling, and between its half and its whole by a hash (equal jitter)."""
    doubled: int = 2 ** (attempt - 1)
    whole = min(LONGEST_WAIT, FIRST_WAIT * doubled)
    unit = int.from_bytes(sha256(f"{notice_id}|{attempt}".encode()).digest()[:4]) / 2**32
    return whole * (0.5 + 0.5 * unit)


@attrs.frozen
class TellableNotice:
    """A notice, and what it says to its reader."""

    notice: Notice
    title: str
    body: str = attrs.field(repr=False)


@attrs.frozen
class ListNotices:
    """The reader's inbox, newest first, in the reader's language and time zone: two reads, however long it is."""

    _notices: Notices
    _accounts: Accounts

    def __call__(
        self, *, reader: Account, after: tuple[datetime, int, NoticeId] | None = None, limit: int = 20
    ) -> Sequence[TellableNotice]:
        notices = self._notices.inbox(reader.id, after=after, limit=limit)
        people = {one for notice in notices for one in people_in(notice.about)}
        names = names_of(self._accounts, people)
        said = [(notice, _told(notice, reader, names)) for notice in notices]
        return [TellableNotice(notice, text.title, text.body) for notice, text in said]


def _told(notice: Notice, reader: Account, names: Names) -> Told:
    try:
        return told(notice.about, reader=reader, names=names)
    except Exception:  # one that cannot be told is not to hide all others
        return untellable(reader)


@attrs.frozen
class ReadNotice:
    """The reader has seen a notice.

    Raises:
        NotFoundError: it is not in the reader's inbox.
    """

    _notices: Notices
    _clock: Clock

    def __call__(self, *, notice_id: NoticeId, reader: Account) -> None:
        self._notices.read(notice_id, reader=reader.id, now=self._clock.now())


@attrs.frozen
class ListDeliveries:
    """The delivery log, newest first.

    Raises:
        ForbiddenError: the viewer is no administrator.
    """

    _notices: Notices

    def __call__(
        self,
        *,
        viewer: Account,
        statuses: Collection[DeliveryStatus] = (),
        channel: Channel | None = None,
        appointment_id: AppointmentId | None = None,
        after: tuple[datetime, int, NoticeId] | None = None,
        limit: int = 20,
    ) -> Sequence[Notice]:
        if not isinstance(viewer, Administrator):
            raise ForbiddenError
        return self._notices.log(
            statuses=statuses, channel=channel, appointment_id=appointment_id, after=after, limit=limit
        )


@attrs.frozen
class ReplayNotice:
    """A dead e-mail is tried anew, at once and as often as a new one.

    Raises:
        ForbiddenError: the actor is no administrator.
        NotFoundError: there is none.
        InvalidTransitionError: it is not dead.
    """

    _notices: Notices

    def __call__(self, *, notice_id: NoticeId, actor: Account) -> Notice:
        if not isinstance(actor, Administrator):
            raise ForbiddenError
        dead = self._notices.get(notice_id)
        pending = attrs.evolve(dead, status=DeliveryStatus.PENDING, attempts=0, due_at=EPOCH)
        if dead.status is not DeliveryStatus.DEAD or not self._notices.settle(dead, pending):
            raise InvalidTransitionError("Only a delivery that is dead is tried anew.")
        return pending
