"""The states of an appointment."""

from enum import StrEnum


class Status(StrEnum):
    """``requested``, ``confirmed`` and ``in_progress`` are live: they own their time. The others are final."""

    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    IN_PROGRESS = "in_progress"
    REFUSED = "refused"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"
    COMPLETED = "completed"

    @property
    def live(self) -> bool:
        return self is Status.REQUESTED or self is Status.CONFIRMED or self is Status.IN_PROGRESS
