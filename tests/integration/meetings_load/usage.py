"""What the processes of a group have used, as Linux tells it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

PROC: Final = Path("/proc")
PAGE: Final = os.sysconf("SC_PAGE_SIZE")
TICKS: Final = os.sysconf("SC_CLK_TCK")
MEGABYTE: Final = 1024 * 1024


@attrs.frozen
class Usage:
    """Seconds of processor time since they began, and bytes of memory: now, and the most that it ever was."""

    seconds: float
    memory: int
    peak: int


def usage(group: int) -> Usage:
    """Of all that run in the group; nothing where the system does not tell."""
    found = list(_each(group))
    return Usage(sum(one.seconds for one in found), sum(one.memory for one in found), sum(one.peak for one in found))


def _each(group: int) -> Iterator[Usage]:
    for process in PROC.glob("[0-9]*"):
        try:
            stat = (process / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            status = (process / "status").read_text(encoding="utf-8")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if stat[2] == str(group):
            peak = status.partition("VmHWM:")[2].split(maxsplit=1)
            yield Usage(
                seconds=(int(stat[11]) + int(stat[12])) / TICKS,
                memory=int(stat[21]) * PAGE,
                peak=int(peak[0]) * 1024 if peak else 0,
            )
