"""How many requests one address and one account may send in a minute; each process counts for itself."""

import time
from datetime import timedelta
from typing import Any, Final, Self

import attrs

from entrypoints.settings import Settings
from telemed_core.errors import TooManyRequestsError

_A_SECOND: Final = timedelta(seconds=1)


@attrs.frozen
class RequestLimits:
    """Off where ``_limiter`` is ``None``."""

    _limiter: Any = None
    _limit: Any = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """As the settings say."""
        if settings.requests_per_minute is None:
            return cls()
        # Imported where limits are on: most installations have them before the server.
        from limits import RateLimitItemPerMinute  # noqa: PLC0415 # as said above
        from limits.storage import MemoryStorage  # noqa: PLC0415 # as said above
        from limits.strategies import SlidingWindowCounterRateLimiter  # noqa: PLC0415 # as said above

        limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        return cls(limiter, RateLimitItemPerMinute(settings.requests_per_minute))

    def check(self, key: str) -> None:
        """Count one request.

        Raises:
            TooManyRequestsError: there have been as many as are allowed.
        """
        if self._limiter and not self._limiter.hit(self._limit, key):
            over = self._limiter.get_window_stats(self._limit, key).reset_time
            raise TooManyRequestsError(max(_A_SECOND, timedelta(seconds=over - time.time())))
