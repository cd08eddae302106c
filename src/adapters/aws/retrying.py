"""When a call is repeated: contention is waited out with full jitter, a lost answer is asked for once more at least."""

import random
import time
from collections.abc import Callable
from typing import Final, TypeVar

import attrs

from adapters.aws.failures import LostAnswerError
from telemed_core.errors import BusyError, UnavailableError

T = TypeVar("T")

MOST_TRIES: Final = 8
LONGEST: Final = 2.0
"""Seconds after which nothing is tried again."""
FIRST_PAUSE: Final = 0.05
LONGEST_PAUSE: Final = 0.5


@attrs.frozen(kw_only=True)
class Patience:
    """How often a call is tried, and how long.

    Attributes:
        seconds: tells the time, from any beginning.
        sleep: waits so many seconds.
        chance: a random number from the first to the second.
    """

    most_tries: int = MOST_TRIES
    longest: float = LONGEST
    seconds: Callable[[], float] = attrs.field(default=time.monotonic, repr=False)
    sleep: Callable[[float], None] = attrs.field(default=time.sleep, repr=False)
    chance: Callable[[float, float], float] = attrs.field(default=random.uniform, repr=False)

    def __call__(self, act: Callable[[], T], /, *, repeatable: bool = True) -> T:
        """What ``act`` answers at last.

        Args:
            act: one call; ``BusyError``: nothing was done, ``LostAnswerError``: that is not known.
            repeatable: whether it may be repeated after a lost answer, having perhaps been carried out.

        Raises:
            BusyError: there was contention to the end; nothing was done.
            UnavailableError: it failed, or its answer was lost and it is not known whether it was carried out.
        """
        until = self.seconds() + self.longest
        lost: LostAnswerError | None = None
        failure: UnavailableError = BusyError()
        for tries in range(1, self.most_tries + 1):
            try:
                return act()
            except LostAnswerError as error:
                # An answer is lost by waiting for it in vain: that alone may have taken all the time there was.
                first, lost, failure = lost is None, error, error
                if not repeatable:
                    raise
            except BusyError as error:
                first, failure = False, error
            pause = self.chance(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2**tries))
            if tries == self.most_tries or (not first and self.seconds() + pause > until):
                break
            self.sleep(pause)
        # Whoever is told "busy" may rely on nothing having been done.
        raise lost or failure
