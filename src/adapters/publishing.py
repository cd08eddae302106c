"""Announcements that never leave the process: handed to whoever notifies, or kept to be looked at."""

from collections.abc import Callable, Sequence

import attrs

from telemed_core.domain.notices import Announcement
from telemed_core.ports.notices import Publisher


@attrs.frozen
class InProcessPublisher:
    """A ``Publisher`` that has handed them on when it returns."""

    _notify: Callable[[Sequence[Announcement]], None]

    def publish(self, announcements: Sequence[Announcement], /) -> None:
        self._notify(announcements)


@attrs.frozen
class MemoryPublisher:
    """A ``Publisher`` that keeps them, in order."""

    published: list[Announcement] = attrs.field(factory=list)

    def publish(self, announcements: Sequence[Announcement], /) -> None:
        self.published.extend(announcements)


def open_in_process(notify: Callable[[Sequence[Announcement]], None]) -> Publisher:
    """Hand announcements to ``notify`` at once."""
    return InProcessPublisher(notify)
