"""The strategies give what they promise."""

from hypothesis import given, settings

from telemed_core.domain.commit import Commit
from telemed_core.domain.events import Side
from telemed_core.testing.strategies import commits


@settings(max_examples=20, deadline=None)
@given(commits())
def test_a_commit_is_one_decision_whose_claims_end_at_what_it_leaves(commit: Commit) -> None:
    assert commit.events
    assert commit.after.rev == commit.events[-1].seq
    sides = ((commit.after.doctor_person, Side.DOCTOR), (commit.after.patient_person, Side.PATIENT))
    for person, side in sides:
        taken = {cell for claim in commit.claims if claim.person_id == person and claim.after for cell in claim.cells}
        assert taken <= commit.after.cells(side)
