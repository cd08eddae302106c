"""What is told to whom: announcements of changes, and the notices that they become."""

from base64 import b32encode
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Final, Self

import attrs

from telemed_core.domain.events import Side
from telemed_core.domain.ids import AccountId, AppointmentId, DoctorId, Id, PatientId
from telemed_core.domain.instants import EPOCH


class NoticeId(Id):
    """One notice to one reader through one channel."""

    __slots__ = ()


class EventId(Id):
    """``<appointment id>.<seq>``, ``<doctor id>.<rev>``, or what else is announced, by the id of its saga."""

    __slots__ = ()


class Kind(StrEnum):
    """What is announced: an appointment's events by their names, a registration's decisions, and what is neither."""

    REQUESTED = "requested"
    MOVED = "moved"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    EXPIRED = "expired"
    PROPOSED = "proposed"
    AGREED = "agreed"
    DECLINED = "declined"
    LAPSED = "lapsed"
    CANCELLED = "cancelled"
    JOINED = "joined"
    STARTED = "started"
    COMPLETED = "completed"
    NO_SHOW = "no_show"
    REMINDER = "reminder"
    APPROVED = "approved"
    REJECTED = "rejected"
    SUSPENDED = "suspended"
    PASSWORD_RESET = "password_reset"  # noqa: S105 # a name, no password


REGISTRATIONS: Final = frozenset({Kind.APPROVED, Kind.REJECTED, Kind.SUSPENDED})
"""The kinds that are about a doctor's registration; all others are about a visit."""

PUBLISHED: Final = tuple(kind for kind in Kind if kind is not Kind.PASSWORD_RESET)
"""What is published: who forgot a password is nobody else's business."""


class Channel(StrEnum):
    """The way to a reader."""

    IN_APP = "in_app"
    EMAIL = "email"


class DeliveryStatus(StrEnum):
    """Where a delivery stands; what is dead waits for an operator, what is dropped has nobody to go to."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    DROPPED = "dropped"


@attrs.frozen(kw_only=True)
class Announcement:
    """One committed change, as it is published; ids and instants, and no word that anybody wrote.

    Attributes:
        seq: the order within its subject.
        subject: the appointment, or the doctor; announcements of one subject are delivered in order of ``seq``.
        by: who acted; of a registration the system.
        doctor_id, patient_id: whom it concerns; ``None``: not one of them.
        start, end: the visit's, as the change leaves them; ``None``: it is not about a visit.
        facts: what else its kind needs to be told: codes and RFC 3339 instants, by name.
    """

    id: EventId
    kind: Kind
    at: datetime
    seq: int
    subject: Id
    by: Side
    doctor_id: DoctorId | None = None
    patient_id: PatientId | None = None
    start: datetime | None = None
    end: datetime | None = None
    facts: Mapping[str, str] = attrs.Factory(dict[str, str])


_DOCTORS: Final = frozenset({Kind.REQUESTED, Kind.MOVED, Kind.APPROVED, Kind.REJECTED, Kind.SUSPENDED})
_PATIENTS: Final = frozenset({Kind.CONFIRMED, Kind.REFUSED, Kind.COMPLETED})
_BOTH: Final = frozenset({Kind.EXPIRED, Kind.LAPSED, Kind.NO_SHOW, Kind.REMINDER})
_OTHER: Final = frozenset({Kind.PROPOSED, Kind.AGREED, Kind.DECLINED, Kind.CANCELLED})
INVITING: Final = frozenset({Kind.CONFIRMED, Kind.AGREED, Kind.CANCELLED})
"""The kinds whose e-mail carries the calendar's own message, and goes to both sides."""


def readers(announcement: Announcement) -> Iterator[AccountId]:
    """Who is told in the inbox; never who acted."""
    kind, by = announcement.kind, announcement.by
    if announcement.doctor_id is not None and kind in _DOCTORS | _BOTH | _OTHER and by is not Side.DOCTOR:
        yield announcement.doctor_id
    if announcement.patient_id is not None and kind in _PATIENTS | _BOTH | _OTHER and by is not Side.PATIENT:
        yield announcement.patient_id


def recipients(announcement: Announcement) -> Iterator[AccountId]:
    """Who gets an e-mail: who is told, and of a visit that calendars are to have both sides, also who acted."""
    if announcement.kind not in INVITING:
        yield from readers(announcement)
        return
    for side in (announcement.doctor_id, announcement.patient_id):
        if side is not None:
            yield side


@attrs.frozen(kw_only=True)
class Notice:
    """One announcement to one reader through one channel: a row of the inbox and of the delivery log alike.

    Attributes:
        event: with reader and channel it is unique.
        appointment_id: ``None``: it is not about an appointment.
        about: the announcement, or what of it is needed to tell it.
        attempts: how often it was tried; a delivery is taken by raising it.
        last_error: the code of the last failure.
        due_at: when it is tried next; ``None``: it is not.
    """

    id: NoticeId
    event: EventId
    reader: AccountId
    channel: Channel
    kind: Kind
    at: datetime
    seq: int
    subject: Id
    appointment_id: AppointmentId | None
    about: Announcement
    status: DeliveryStatus
    attempts: int = 0
    last_error: str | None = attrs.field(default=None)
    due_at: datetime | None = EPOCH
    read_at: datetime | None = None

    @classmethod
    def of(cls, about: Announcement, *, reader: AccountId, channel: Channel) -> Self:
        """The notice of that to this reader: the same one, with the same id, however often it is made."""
        waits = channel is Channel.EMAIL
        digest = sha256(f"{about.id}|{reader}|{channel}".encode()).digest()[:20]
        return cls(
            id=NoticeId(b32encode(digest).decode().lower()),
            event=about.id,
            reader=reader,
            channel=channel,
            kind=about.kind,
            at=about.at,
            seq=about.seq,
            subject=about.subject,
            appointment_id=None if about.start is None else AppointmentId(about.subject),
            about=about,
            status=DeliveryStatus.PENDING if waits else DeliveryStatus.DELIVERED,
            due_at=EPOCH if waits else None,
        )
