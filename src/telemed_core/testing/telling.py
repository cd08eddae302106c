"""Ways to tell people, under a test's control; each keeps the promises of its port."""

from collections.abc import Callable, Sequence

import attrs

from telemed_core.domain.notices import Announcement
from telemed_core.ports.notices import CalendarEntry, CalendarMethod, Mail


@attrs.frozen
class HandingOn:
    """A ``Publisher`` that hands announcements to whoever notifies, and remembers them."""

    _notify: Callable[[Sequence[Announcement]], None]
    published: list[Announcement] = attrs.field(factory=list[Announcement], init=False)

    def publish(self, announcements: Sequence[Announcement], /) -> None:
        self._notify(announcements)
        self.published.extend(announcements)


@attrs.frozen
class Letterbox:
    """A ``Mailer`` that keeps what it is handed, in order."""

    mails: list[Mail] = attrs.field(factory=list[Mail], init=False, repr=False)

    def send(self, mail: Mail, /) -> None:
        self.mails.append(mail)


@attrs.frozen
class PlainCalendars:
    """``Calendars`` that say the same in plain lines, which no calendar reads: method, name, then each entry."""

    def write(self, entries: Sequence[CalendarEntry], /, *, method: CalendarMethod, name: str | None = None) -> bytes:
        return "\n".join([method, name or "", *map(_line, entries)]).encode()


def _line(entry: CalendarEntry) -> str:
    return " ".join((entry.uid, str(entry.sequence), entry.status, entry.start.isoformat(), entry.end.isoformat()))
