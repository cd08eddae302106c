"""The clinic's terms: how long each thing may take, and what follows from them."""

from datetime import datetime, timedelta
from typing import Final

DECIDE_WITHIN: Final = timedelta(hours=24)
DECIDE_AHEAD: Final = timedelta(hours=1)
LATE_CANCELLATION: Final = timedelta(minutes=120)
JOIN_MARGIN: Final = timedelta(minutes=10)
ABSENCE_AFTER: Final = timedelta(minutes=15)
MOST_PENDING: Final = 3


def answer_by(asked: datetime, start: datetime) -> datetime:
    """Until when something asked at ``asked`` about a visit at ``start`` can be answered.

    At most 24 h, and at least 1 h ahead of the start, or half the time that is left, whichever is less.
    """
    return min(asked + DECIDE_WITHIN, start - min(DECIDE_AHEAD, (start - asked) / 2))
