"""iCalendar files (RFC 5545), and the messages that calendars send each other by mail (RFC 5546)."""

from collections.abc import Sequence
from typing import Final

import attrs
from icalendar import Calendar, Event, vCalAddress, vText, vUri

from telemed_core.ports.notices import CalendarEntry, CalendarMethod, Calendars

PRODUCT: Final = "-//Health&Med//Telemed//EN"
CLINIC: Final = "Health&Med"


@attrs.frozen
class IcalendarCalendars:
    """``Calendars`` by the library icalendar.

    Attributes:
        organizer: the address that invitations come from.
    """

    _organizer: str

    def write(self, entries: Sequence[CalendarEntry], /, *, method: CalendarMethod, name: str | None = None) -> bytes:
        calendar = Calendar()
        calendar.add("PRODID", PRODUCT)
        calendar.add("VERSION", "2.0")
        calendar.add("METHOD", method.value)
        if name is not None:
            calendar.add("X-WR-CALNAME", _line(name))
        for entry in entries:
            calendar.add_component(self._event(entry, invites=method is not CalendarMethod.PUBLISH))
        written: bytes = calendar.to_ical()
        return written

    def _event(self, entry: CalendarEntry, *, invites: bool) -> Event:
        event = Event()
        event.add("UID", entry.uid)
        event.add("SEQUENCE", entry.sequence)
        event.add("DTSTAMP", entry.stamped_at)
        if entry.changed_at is not None:
            event.add("LAST-MODIFIED", entry.changed_at)
        event.add("DTSTART", entry.start)
        event.add("DTEND", entry.end)
        event.add("STATUS", entry.status.value)
        event.add("CLASS", "PRIVATE")
        event.add("SUMMARY", vText(_line(entry.summary)))
        if entry.description:
            event.add("DESCRIPTION", vText(_line(entry.description)))
        if entry.url is not None:
            event.add("URL", vUri(_line(entry.url)))
        event.add("ORGANIZER", _party(self._organizer, cn=CLINIC))
        if invites and entry.attendee is not None:
            # Both sides have agreed already: nobody is asked for an answer.
            event.add("ATTENDEE", _party(entry.attendee, partstat="ACCEPTED", rsvp="FALSE"))
        return event


def _party(address: str, **parameters: str) -> vCalAddress:
    party = vCalAddress(f"mailto:{_line(address)}")
    for name, value in parameters.items():
        party.params[name.upper()] = value
    return party


def _line(text: str) -> str:
    """One line: whatever could end one for some reader is a space."""
    return " ".join(text.split())


def open_calendars(organizer: str = "no-reply@localhost") -> Calendars:
    """Write iCalendar files.

    Args:
        organizer: the address that invitations come from: the mails' own sender.
    """
    return IcalendarCalendars(organizer)
