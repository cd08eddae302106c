"""Typed identifiers: opaque strings that cannot hold anything a key, a URL or a log could stumble over."""

import re
from typing import Self

from telemed_core.errors import InvalidError

_WELL_FORMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}").fullmatch


class Id(str):
    """1–64 characters of ``A–Z a–z 0–9 . _ -``, the first alphanumeric.

    Raises:
        InvalidError: anything else, naming the field ``id``.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        if not _WELL_FORMED(text):
            raise InvalidError("id", "is not a well-formed id")
        return str.__new__(cls, text)


class PersonId(Id):
    """A human being, whatever their roles; drawn at random, derived from nothing."""

    __slots__ = ()


class AccountId(Id):
    """One role of a person: what signs in."""

    __slots__ = ()


class DoctorId(AccountId):
    __slots__ = ()


class PatientId(AccountId):
    __slots__ = ()


class AdministratorId(AccountId):
    __slots__ = ()


class AppointmentId(Id):
    __slots__ = ()


class ProposalId(Id):
    __slots__ = ()


class BlockId(Id):
    __slots__ = ()


class SagaId(Id):
    """``<appointment id>.<seq>`` of the event that starts it, or an id of its own."""

    __slots__ = ()


class SessionId(Id):
    """One sign-in, until it is ended; tokens carry it as ``origin_jti``."""

    __slots__ = ()


class MeetingId(Id):
    """A room for one visit, as its provider names it."""

    __slots__ = ()


class AttendeeId(Id):
    """One person in one room."""

    __slots__ = ()


class ConnectionId(Id):
    """One connection of one person to a meeting."""

    __slots__ = ()


class CommandId(Id):
    """One run of one command: what a store looks for when the answer to a commit was lost."""

    __slots__ = ()
