"""What an entry makes of a row: who keeps it, and when it is due."""

from datetime import timedelta

import pytest

from telemed_core.domain.instants import EPOCH
from telemed_core.domain.sagas import LEASE, Phase, SagaEntry
from telemed_core.saga.deciding import quarantined
from telemed_core.testing.builders import MONDAY
from unit.saga.stage import HOUR, a_row, at

SECOND = timedelta(seconds=1)
LATER = MONDAY + SECOND
OWNED = {"owner": "here", "lease_until": MONDAY + LEASE, "fence": 3, "claims": 2}


def test_an_entry_is_the_next_one_and_begins_the_count_of_claims_anew() -> None:
    row = a_row(seq=7, **OWNED)
    after = SagaEntry(before=row, progress=at("pay"), at=LATER).after
    assert (after.seq, after.fence, after.claims, after.progress) == (8, 3, 0, at("pay"))
    assert (after.changed_at, after.started_at) == (LATER, MONDAY)


def test_what_goes_on_at_once_stays_its_owners_for_a_lease_more() -> None:
    after = SagaEntry(before=a_row(**OWNED), progress=at("pay"), at=LATER).after
    assert (after.owner, after.lease_until, after.due_at) == ("here", LATER + LEASE, EPOCH)


def test_what_nobody_owns_is_nobodys_afterwards_and_due_as_before() -> None:
    after = SagaEntry(before=a_row(due_at=MONDAY + HOUR), progress=at("pay"), at=LATER).after
    assert (after.owner, after.lease_until, after.due_at) == (None, None, MONDAY + HOUR)


def test_what_waits_is_nobodys_and_due_after_its_wait_but_not_before_it_was() -> None:
    for due_at, then in ((EPOCH, LATER + SECOND), (MONDAY + HOUR, MONDAY + HOUR)):
        entry = SagaEntry(before=a_row(due_at=due_at, **OWNED), progress=at("pay"), wait=SECOND, at=LATER)
        assert (entry.after.owner, entry.after.lease_until, entry.after.due_at) == (None, None, then)


@pytest.mark.parametrize("progress", [at(6, Phase.COMPLETED), at(-1, Phase.COMPENSATED), quarantined(at("pay"))])
def test_what_does_not_run_any_more_is_nobodys_and_never_due(progress: object) -> None:
    after = SagaEntry(before=a_row(**OWNED), progress=progress, at=LATER).after
    assert (after.owner, after.lease_until, after.due_at) == (None, None, None)


def test_what_was_never_due_and_runs_again_is_due_at_once() -> None:
    row = a_row(progress=quarantined(at("pay")), due_at=None)
    assert SagaEntry(before=row, progress=at("pay"), at=LATER).after.due_at == EPOCH


def test_phases_run_or_have_ended_or_wait_for_an_operator() -> None:
    assert {phase for phase in Phase if phase.runs} == {Phase.FORWARD, Phase.RESOLVING, Phase.COMPENSATING}
    assert {phase for phase in Phase if phase.ended} == {Phase.COMPLETED, Phase.COMPENSATED}
