"""Commits join: one change per stored thing, whichever way they are put together."""

from functools import reduce

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemed_core.domain.commit import ClaimChange, Commit, QuotaChange, claim_changes
from telemed_core.domain.events import Side
from telemed_core.domain.ids import AppointmentId, PatientId, PersonId
from telemed_core.testing.builders import MONDAY
from telemed_core.testing.strategies import lives
from unit.domain.lives import DOCTOR, HOUR, PATIENT, START, asking, confirmed, proposing, requested

Cells = dict[tuple[PersonId, int], AppointmentId | None]


def applied(cells: Cells, commit: Commit) -> Cells:
    """The claims after the commit, each cell having been what the commit says."""
    after = dict(cells)
    for claim in commit.claims:
        assert list(claim.cells) == sorted(set(claim.cells))
        for cell in claim.cells:
            assert cells.get((claim.person_id, cell)) == claim.before
            after[claim.person_id, cell] = claim.after
    return {key: owner for key, owner in after.items() if owner is not None}


def counted(commit: Commit) -> dict[PersonId, tuple[int, int]]:
    return {quota.person_id: (quota.pending, quota.live) for quota in commit.quotas if quota.pending or quota.live}


def as_sets(commit: Commit) -> tuple[object, ...]:
    return (
        commit.appointments,
        {(claim.person_id, cell, claim.before, claim.after) for claim in commit.claims for cell in claim.cells},
        set(commit.guards),
        counted(commit),
        commit.texts,
        commit.events,
        commit.sagas,
    )


@settings(max_examples=25)
@given(lives(most=6))
def test_a_life_in_one_commit_leaves_what_its_commits_leave_one_by_one(life: tuple[Commit, ...]) -> None:
    whole = reduce(Commit.then, life)
    assert applied({}, whole) == reduce(applied, life, {})
    assert whole.after == life[-1].after
    (change,) = whole.appointments
    assert (change.before, change.after) == (None, life[-1].after)
    assert whole.events == life[-1].after.history
    totals = [quota for commit in life for quota in commit.quotas]
    assert counted(whole).get(PATIENT.person_id, (0, 0)) == (
        sum(quota.pending for quota in totals),
        sum(quota.live for quota in totals),
    )
    assert whole.after.status.live == (counted(whole).get(PATIENT.person_id, (0, 0))[1] == 1)


@settings(max_examples=25)
@given(lives(most=6), st.data())
def test_joining_is_associative(life: tuple[Commit, ...], data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(life)))
    left, right = reduce(Commit.then, life[:cut]), life[cut:]
    whole = reduce(Commit.then, life)
    assert as_sets(left.then(reduce(Commit.then, right)) if right else left) == as_sets(whole)


@settings(max_examples=25)
@given(lives(most=6))
def test_a_life_owns_exactly_what_the_appointment_covers(life: tuple[Commit, ...]) -> None:
    owned: Cells = {}
    for commit in life:
        owned = applied(owned, commit)
        after = commit.after
        assert {cell for person, cell in owned if person == after.doctor_person} == after.cells(Side.DOCTOR)
        assert {cell for person, cell in owned if person == after.patient_person} == after.cells(Side.PATIENT)


def test_a_takeover_passes_the_cells_from_owner_to_owner() -> None:
    old = requested()
    other = attrs.evolve(PATIENT, id=PatientId("patient-2"), person_id=PersonId("patient-person-2"))
    fresh = asking(now=MONDAY + 24 * HOUR, id="appointment-2")
    fresh = attrs.evolve(fresh, quotas=(QuotaChange(other.person_id, 1, 1, 3),))
    whole = old.settle(now=MONDAY + 24 * HOUR).then(fresh)
    assert {(claim.before, claim.after) for claim in whole.claims} == {(old.id, fresh.after.id)}
    assert whole.after == fresh.after
    assert [change.after.id for change in whole.appointments] == [old.id, fresh.after.id]
    assert counted(whole) == {PATIENT.person_id: (-1, -1), other.person_id: (1, 1)}


def test_the_own_appointment_is_the_last_of_the_changes_also_where_it_was_settled_first() -> None:
    own, due = confirmed(), requested()
    settled = own.settle(now=START - HOUR).then(due.settle(now=MONDAY + 24 * HOUR))
    whole = settled.then(own.cancel(by=PATIENT.id, why="not needed", now=START - HOUR))
    assert whole.after.status == "cancelled"


@pytest.mark.parametrize(("first", "second"), [(3, None), (None, 3), (3, 3)])
def test_a_limit_stays_where_changes_of_one_person_are_joined(first: int | None, second: int | None) -> None:
    one, two = (
        Commit(appointments=(), quotas=(QuotaChange(PATIENT.person_id, change, 0, limit),))
        for change, limit in ((1, first), (-1, second))
    )
    assert one.then(two).quotas == (QuotaChange(PATIENT.person_id, 0, 0, 3),)


def test_a_guard_that_stands_in_both_is_checked_once() -> None:
    move = proposing(confirmed())
    assert asking().then(move).guards == asking().guards


def test_the_claims_are_the_difference_of_what_was_and_what_is_owned() -> None:
    person, appointment = DOCTOR.person_id, AppointmentId("a-1")
    before, after = frozenset({1, 2, 3}), frozenset({3, 4})
    assert claim_changes(person, appointment, before=before, after=after) == (
        ClaimChange(person, (1, 2), appointment, None),
        ClaimChange(person, (4,), None, appointment),
    )
    assert claim_changes(person, appointment, before=before, after=before) == ()
