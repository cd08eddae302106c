"""The machine's clock and chance, clocks that tell another time, and which process this is."""

import base64
import os
import secrets
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import attrs

from telemed_core.domain.instants import as_utc


@attrs.frozen
class SystemClock:
    """The machine's ``Clock``."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@attrs.frozen
class ShiftedClock:
    """A ``Clock`` that shows ``start`` when it is made, and runs; setting the machine's clock does not move it.

    Attributes:
        began: what the machine's monotonic clock, the same in all processes, read at ``start``, if it was not now.
    """

    start: datetime = attrs.field(converter=as_utc)
    _seconds: Callable[[], float] = attrs.field(default=time.monotonic, repr=False)
    _began: float = attrs.field(
        default=attrs.Factory(lambda self: self._seconds(), takes_self=True), alias="began", kw_only=True, repr=False
    )

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self._seconds() - self._began)


@attrs.define
class TravellingClock:
    """A ``Clock`` that stands still until it is told to go on, or back."""

    _instant: datetime = attrs.field(converter=as_utc)

    def now(self) -> datetime:
        return self._instant

    def travel(self, length: timedelta, /) -> None:
        """Go on by ``length``."""
        self._instant += length

    def travel_to(self, instant: datetime, /) -> None:
        """Go to ``instant``, earlier or later."""
        self._instant = instant


@attrs.frozen
class RandomIds:
    """``Ids`` of 26 lower-case letters and digits: 130 bits from the machine's source of chance."""

    def new(self) -> str:
        return base64.b32encode(secrets.token_bytes(17))[:26].decode("ascii").lower()


_PROCESSES: Final = Path("/proc")
_UNKNOWN: Final = "-"
_ENDED: Final = frozenset("ZX")
"""The states of processes that are only waiting to be forgotten."""


class _Process(NamedTuple):
    """A process as the system lists it; ``started`` is counted in ticks since the machine has."""

    state: str
    started: str


def this_process() -> str:
    """``host:pid:start``: no other process has ever had it, on this machine at least."""
    pid = os.getpid()
    listed = _listed(pid)
    return f"{socket.gethostname()}:{pid}:{listed.started if listed else _UNKNOWN}"


def is_gone(owner: str) -> bool:
    """Whether that process ran on this host and does not any more; where that cannot be known, it is not gone."""
    host, _, process = owner.rpartition(":")[0].rpartition(":")
    started = owner.rpartition(":")[2]
    if host != socket.gethostname() or not (process.isascii() and process.isdigit()):
        return False
    listed = _listed(int(process))
    if listed is None:
        return not _answers(int(process))
    return listed.state in _ENDED or started not in {listed.started, _UNKNOWN}


def _listed(pid: int) -> _Process | None:
    """What Linux tells of a process; ``None``: nothing."""
    try:
        told = (_PROCESSES / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The program's name comes second, in parentheses, and may be anything.
    fields = told.rpartition(")")[2].split()
    return _Process(state=fields[0], started=fields[19]) if len(fields) > 19 else None


def _answers(pid: int) -> bool:
    """Whether there is a process of that number, whosever it is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
