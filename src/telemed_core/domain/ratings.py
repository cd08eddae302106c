"""What patients think of completed visits, and what that makes of a doctor."""

from datetime import datetime
from typing import Final

import attrs

from telemed_core.domain.ids import AppointmentId, DoctorId
from telemed_core.domain.texts import Text, TextKey

SCORES: Final = range(1, 6)


@attrs.frozen(kw_only=True)
class Rating:
    """What a patient thought of a visit; ``comment`` is where what they wrote is kept."""

    appointment_id: AppointmentId
    doctor_id: DoctorId
    score: int
    comment: TextKey | None
    at: datetime


@attrs.frozen
class Rated:
    """A new rating, with what was written."""

    rating: Rating
    texts: tuple[Text, ...] = ()


@attrs.frozen
class RatingSum:
    """All ratings of one doctor: how many, and the sum of their scores."""

    count: int = 0
    total: int = 0

    @property
    def average(self) -> float | None:
        """Their plain average, 1–5; ``None``: there is none."""
        return self.total / self.count if self.count else None


UNRATED: Final = RatingSum()
