"""A process that breaks off at one boundary of the saga it runs, and notes each call beside, so that it stays known."""

import json
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import attrs

from telemed_core.domain.notices import Notice
from telemed_core.domain.sagas import SagaEntry, SagaStart
from telemed_core.errors import FencedError
from telemed_core.ports.notices import Notices
from telemed_core.ports.sagas import InlineSagas, SagaLog
from telemed_core.saga.deciding import Ok, Outcome
from telemed_core.saga.driving import Asked
from telemed_core.saga.running import Participant

Work = Mapping[str, Callable[[SagaEntry | None], None]]


class Breaking:
    """Once it is ``armed``, it notes calls, counts boundaries, and sends this process a signal at one of them.

    What is noted is on the disk before it goes on.
    """

    def __init__(self, notes: Path, *, armed: bool, at: int | None = None, by: signal.Signals = signal.SIGKILL) -> None:
        self._file = os.open(notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._at = at
        self._by = by
        self._passed = 0
        self.armed = armed

    def boundary(self) -> None:
        if self.armed:
            self._passed += 1
            if self._passed - 1 == self._at:
                os.kill(os.getpid(), self._by)

    def note(self, **facts: str) -> None:
        if not self.armed:
            return
        os.write(self._file, json.dumps(facts).encode() + b"\n")
        os.fsync(self._file)

    def participant(self, real: Participant) -> Participant:
        """The participant between boundaries; its calls are noted before they are made, and what they did after."""

        def answer(asked: Asked) -> Outcome:
            call = asked.call
            self.boundary()
            self.note(what="call", key=f"{call.key}.{call.way}", local=str(asked.entry is not None))
            outcome = real(asked)
            if isinstance(outcome, Ok):
                self.note(what="effect", key=f"{call.key}.{call.way}", local=str(asked.entry is not None))
            self.boundary()
            return outcome

        return answer


@attrs.frozen
class BreakingLog:
    """The log, with a boundary behind each claim and each entry."""

    _real: SagaLog
    _breaking: Breaking

    def claim(self, owner: str, /, *, now: datetime, limit: int) -> Sequence[Any]:
        claimed = self._real.claim(owner, now=now, limit=limit)
        if claimed:
            self._breaking.boundary()
        return claimed

    def append(self, entry: SagaEntry, /, **facts: Any) -> Any:
        try:
            row = self._real.append(entry, **facts)
        except FencedError:
            self._breaking.note(what="fenced", key=entry.before.id)
            raise
        self._breaking.boundary()
        return row

    def __getattr__(self, method: str) -> Any:
        return getattr(self._real, method)


@attrs.frozen
class BreakingNotices:
    """Where announcements arrive, between boundaries: within a local step, this alone can happen twice."""

    _real: Notices
    _breaking: Breaking

    def add(self, notices: Sequence[Notice], /) -> int:
        self._breaking.boundary()
        self._breaking.note(what="call", key="+".join(sorted({notice.event for notice in notices})), local="False")
        new = self._real.add(notices)
        self._breaking.boundary()
        return new

    def __getattr__(self, method: str) -> Any:
        return getattr(self._real, method)


@attrs.frozen
class BreakingInline:
    """Runs a registration, with boundaries around what only its use case can do; ``refusing`` says what it cannot."""

    _real: InlineSagas
    _breaking: Breaking
    _refusing: Work

    def run(self, start: SagaStart, work: Work, /, *, at: datetime) -> None:
        self._breaking.boundary()
        broken = {name: self._between(start, name, one) for name, one in {**work, **self._refusing}.items()}
        self._real.run(start, broken, at=at)

    def _between(
        self, start: SagaStart, name: str, work: Callable[[SagaEntry | None], None]
    ) -> Callable[[SagaEntry | None], None]:
        def call(entry: SagaEntry | None) -> None:
            local = str(entry is not None)
            self._breaking.boundary()
            self._breaking.note(what="call", key=f"{start.id}.{name}", local=local)
            work(entry)
            self._breaking.note(what="effect", key=f"{start.id}.{name}", local=local)
            self._breaking.boundary()

        return call
