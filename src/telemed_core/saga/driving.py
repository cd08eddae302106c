"""The driver without input or output: it says what is to be done, and is told the answer and the time."""

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import TypeAlias

import attrs

from telemed_core.domain.sagas import LEASE, SagaEntry, SagaRow
from telemed_core.saga.deciding import NOW, Call, Finish, Ok, Outcome, apply, decide
from telemed_core.saga.definition import Saga


@attrs.frozen(kw_only=True)
class Asked:
    """Ask a participant; the answer is an ``Outcome``.

    Attributes:
        entry: of a local step: what is committed together with the effect, where that is ``Ok``; who answers ``Ok``
            has written both.
    """

    row: SagaRow
    call: Call
    entry: SagaEntry | None = None


@attrs.frozen
class Append:
    """Write to the log; the answer is the row."""

    entry: SagaEntry


@attrs.frozen
class Renew:
    """Lease the saga for longer; the answer is the row."""

    row: SagaRow


Request: TypeAlias = Asked | Append | Renew
Answer: TypeAlias = tuple[Outcome | SagaRow, datetime]


def drive(saga: Saga, row: SagaRow, *, now: datetime) -> Generator[Request, Answer, SagaRow]:
    """Run the saga from this row until it ends, waits or is quarantined; answers the row that it leaves."""
    while True:
        decision = decide(saga, row.id, row.progress)
        if isinstance(decision, Finish):
            if row.progress.phase is not decision.phase:
                progress = attrs.evolve(row.progress, phase=decision.phase)
                row, now = _written((yield Append(SagaEntry(before=row, progress=progress, at=now))))
            return row
        if row.lease_until is not None and row.lease_until - now < LEASE / 2:
            row, now = _written((yield Renew(row)))
        entry = _with_effect(saga, row, decision, now=now)
        outcome, now = yield Asked(row=row, call=decision, entry=entry)
        assert not isinstance(outcome, SagaRow)  # noqa: S101 # participants answer outcomes
        wait: timedelta = NOW
        if entry is not None and isinstance(outcome, Ok):
            row = entry.after
        else:
            progress, wait = apply(saga, row.id, row.progress, outcome)
            row, now = _written((yield Append(SagaEntry(before=row, progress=progress, wait=wait, at=now))))
        if wait or not row.progress.phase.runs:
            return row


def _with_effect(saga: Saga, row: SagaRow, call: Call, *, now: datetime) -> SagaEntry | None:
    if not call.local or call.way == "resolve":
        return None
    progress, _ = apply(saga, row.id, row.progress, Ok())
    return SagaEntry(before=row, progress=progress, at=now)


def _written(answer: Answer) -> tuple[SagaRow, datetime]:
    row, now = answer
    assert isinstance(row, SagaRow)  # noqa: S101 # the log answers rows
    return row, now
