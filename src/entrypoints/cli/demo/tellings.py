"""What people are told in the demonstration: in the app, by e-mail, and in their calendars."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

import attrs

from entrypoints.container import Container
from telemed_core.domain.accounts import Account, Administrator
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import AccountId
from telemed_core.domain.notices import Channel, DeliveryStatus, Notice, NoticeId
from telemed_core.ports.notices import Mail

MANY: Final = 100
BOTH_WAYS: Final = "in app, e-mail"


class Telling(NamedTuple):
    """One change told to one person.

    Attributes:
        ways: through which channels, and what their calendars are told.
    """

    person: AccountId
    title: str
    ways: str = BOTH_WAYS


def invited(person: AccountId, title: str, calendar: str, *, acted: bool = False) -> Telling:
    """A change that goes to the person's calendar; who acted gets that alone."""
    by_mail = f"e-mail, calendar {calendar}"
    return Telling(person, title, by_mail if acted else f"in app, {by_mail}")


def asked(doctor: Doctor) -> Telling:
    """What a doctor is told of a request."""
    return Telling(doctor.id, "Nova consulta agendada")


def accepted(visit: Appointment) -> tuple[Telling, Telling]:
    """What both are told where the doctor accepts."""
    calendar = f"REQUEST {visit.sequence}"
    return (
        invited(visit.patient_id, "Appointment confirmed", calendar),
        invited(visit.doctor_id, "Consulta confirmada", calendar, acted=True),
    )


def reminded(visit: Appointment) -> tuple[Telling, Telling]:
    """What both are told where the visit is near."""
    return Telling(visit.doctor_id, "Lembrete de consulta"), Telling(visit.patient_id, "Appointment reminder")


class Kept(Protocol):
    """A mailbox that keeps its e-mails."""

    @property
    def mails(self) -> Sequence[Mail]: ...


@attrs.frozen
class Tellings:
    """Everything that was told on a stage, each looked at once."""

    _container: Container
    _mailbox: Kept
    _seen: set[NoticeId] = attrs.field(factory=set, init=False)

    def new(self, *, viewer: Administrator, people: Mapping[AccountId, Account]) -> list[Telling]:
        """What these people have been told since this was asked last, in order."""
        notices = [one for one in self._log(viewer) if one.reader in people and one.id not in self._seen]
        self._seen.update(one.id for one in notices)
        by_change: dict[tuple[str, AccountId], list[Notice]] = {}
        for one in sorted(notices, key=lambda one: (one.at, one.seq, one.channel is Channel.EMAIL)):
            by_change.setdefault((one.event, one.reader), []).append(one)
        titles = self._titles(people.values())
        return [
            Telling(reader, titles[found[0].id], ", ".join(self._way(one) for one in found))
            for (_, reader), found in by_change.items()
        ]

    def last_mail(self) -> Mail:
        """The e-mail that was sent last."""
        return self._mailbox.mails[-1]

    def _log(self, viewer: Administrator) -> Iterator[Notice]:
        after = None
        while page := self._container.list_deliveries()(viewer=viewer, after=after, limit=MANY):
            yield from page
            after = (page[-1].at, page[-1].seq, page[-1].id)

    def _titles(self, people: Iterable[Account]) -> dict[NoticeId, str]:
        mailed = {mail.id: mail.subject.removeprefix("Health&Med - ") for mail in self._mailbox.mails}
        listing = self._container.list_notices()
        return mailed | {one.notice.id: one.title for who in people for one in listing(reader=who, limit=MANY)}

    def _way(self, notice: Notice) -> str:
        if notice.channel is Channel.IN_APP:
            return "in app"
        if notice.status is not DeliveryStatus.DELIVERED:
            return f"e-mail {notice.status}"
        mails = [mail for mail in self._mailbox.mails if mail.id == notice.id]
        calendars = [f", calendar {_calendar(mail.calendar)}" for mail in mails if mail.calendar is not None]
        return f"{'e-mail' if len(mails) == 1 else f'{len(mails)} e-mails'}{''.join(calendars)}"


def _calendar(raw: bytes) -> str:
    """Its method and the number of its version."""
    text = raw.decode()
    return " ".join(
        match[1] for match in (re.search(rf"{name}:(\w+)", text) for name in ("METHOD", "SEQUENCE")) if match
    )
