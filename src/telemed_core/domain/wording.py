"""What notices, e-mails and calendars say to their reader: in two languages, times in the reader's own zone.

Titles and subjects name nobody; texts name the other side of a visit and nobody else; nothing that somebody wrote is
in any of them.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import attrs

from telemed_core.domain.accounts import Account, Administrator
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.events import Absent, Side
from telemed_core.domain.ids import AccountId
from telemed_core.domain.instants import TimeZone, parse_instant
from telemed_core.domain.notices import Announcement, Kind
from telemed_core.domain.people import Language
from telemed_core.domain.phrases import (
    CALENDAR,
    DOCTOR,
    ENTRANCE,
    GREETING,
    GREETING_TO_NOBODY,
    LATE,
    LINK,
    MOMENT,
    SUBJECT,
    TOLD,
    UNTELLABLE,
    VISIT_OF_PATIENT,
    VISIT_WITH_DOCTOR,
)

Names = Mapping[AccountId, str]

UNNAMED: Final = "…"

_LINKED: Final = frozenset({Kind.CONFIRMED, Kind.AGREED, Kind.REMINDER, Kind.PASSWORD_RESET})
"""The kinds whose e-mail says where to go."""


@attrs.frozen
class Told:
    """What is said: a title, or an e-mail's subject, and a text."""

    title: str
    body: str = attrs.field(repr=False)


def moment(instant: datetime, *, language: Language, zone: TimeZone) -> str:
    """The local day and time, with zone and offset: ``10/06/2026 às 09:00 (America/Sao_Paulo, UTC-03:00)``."""
    local = instant.astimezone(zone.info)
    offset = local.strftime("%z")
    return f"{local.strftime(MOMENT[language])} ({zone}, UTC{offset[:3]}:{offset[3:5]})"


def people_in(about: Announcement) -> set[AccountId]:
    """Whose names it takes to tell it."""
    return {one for one in (about.doctor_id, about.patient_id) if one is not None}


def told(about: Announcement, *, reader: Account, names: Names) -> Told:
    """The announcement as it stands in the reader's inbox."""
    title, body = TOLD[reader.language][_variant(about, reader)]
    return Told(title, body.format_map(_words(about, reader, names)) + _lateness(about, reader))


def mailed(about: Announcement, *, reader: Account, names: Names, link: str | None = None) -> Told:
    """The announcement as an e-mail: a greeting first, and where the kind leads somewhere, the link last."""
    inner = told(about, reader=reader, names=names)
    last = LINK[reader.language].format(link=link) if link and about.kind in _LINKED else ""
    return Told(SUBJECT.format(title=inner.title), f"{_greeting(reader)} {inner.body}{last}")


def untellable(reader: Account) -> Told:
    """What stands in the inbox in place of something that cannot be told."""
    return Told(*UNTELLABLE[reader.language])


def visit_in_calendar(
    doctor_id: AccountId | None, patient_id: AccountId | None, *, reader: Account, names: Names
) -> str:
    """What the reader's calendar calls the visit; it names the other side."""
    phrase = VISIT_OF_PATIENT if reader.id == doctor_id else VISIT_WITH_DOCTOR
    return phrase[reader.language].format(other=_other(doctor_id, patient_id, reader, names))


def entrance(reader: Account, link: str) -> str:
    """Where the reader enters the visit, for a calendar."""
    return ENTRANCE[reader.language].format(link=link)


def calendar_name(reader: Account) -> str:
    """What the reader's private calendar is called."""
    return CALENDAR[reader.language]


def _other(doctor_id: AccountId | None, patient_id: AccountId | None, reader: Account, names: Names) -> str:
    """The side that is not the reader's."""
    if reader.id == doctor_id:
        return _name(patient_id, names)
    return DOCTOR[reader.language].format(name=_name(doctor_id, names))


def _name(account_id: AccountId | None, names: Names) -> str:
    return UNNAMED if account_id is None else names.get(account_id, UNNAMED)


def _side(about: Announcement, reader: Account) -> Side:
    return Side.DOCTOR if reader.id == about.doctor_id else Side.PATIENT


def _variant(about: Announcement, reader: Account) -> str:
    """Under what the kind's words are found for that reader."""
    side = _side(about, reader)
    match about.kind:
        case Kind.CANCELLED:
            return f"cancelled.{'own' if about.by is side else 'other'}"
        case Kind.NO_SHOW if about.facts["absent"] == Absent.BOTH:
            return "no_show.both"
        case Kind.NO_SHOW:
            return f"no_show.{'own' if about.facts['absent'] == side else 'other'}"
        case Kind.CONFIRMED | Kind.EXPIRED:
            return f"{about.kind}.{side}"
        case _:
            return about.kind


def _words(about: Announcement, reader: Account, names: Names) -> dict[str, str]:
    language, zone = reader.language, reader.time_zone
    words = {"other": _other(about.doctor_id, about.patient_id, reader, names)}
    if about.start is not None:
        words["when"] = moment(about.start, language=language, zone=zone)
    for word, fact in (("until", "decision_deadline"), ("until", "expires_at"), ("new", "proposed_start")):
        if fact in about.facts:
            words[word] = moment(parse_instant(about.facts[fact], field=fact), language=language, zone=zone)
    return words


def _lateness(about: Announcement, reader: Account) -> str:
    return LATE[reader.language] if about.kind is Kind.CANCELLED and about.facts["late"] == "true" else ""


def _greeting(reader: Account) -> str:
    if isinstance(reader, Administrator):
        return GREETING_TO_NOBODY[reader.language]
    if isinstance(reader, Doctor):
        return GREETING[reader.language].format(name=DOCTOR[reader.language].format(name=reader.name))
    return GREETING[reader.language].format(name=reader.name)
