"""The contract of ``Meetings``."""

import pytest

from telemed_core.domain.ids import AppointmentId, MeetingId
from telemed_core.domain.meetings import Meeting
from telemed_core.ports.storage import Stores
from telemed_core.testing.contracts.races import ROUNDS, at_once
from telemed_core.testing.contracts.suite import Suite

VISIT, OTHER = AppointmentId("visit-1"), AppointmentId("visit-2")


def a_meeting(name: str, *, generation: int = 1, visit: AppointmentId = VISIT) -> Meeting:
    return Meeting(visit, generation, MeetingId(name))


class MeetingsContract(Suite):
    """One meeting by visit."""

    def test_a_visit_has_no_meeting_until_it_gets_one(self, stores: Stores) -> None:
        assert stores.meetings.of(VISIT) is None
        first = a_meeting("first")
        assert stores.meetings.put(first) == first
        assert stores.meetings.of(VISIT) == first
        assert stores.meetings.of(OTHER) is None

    def test_putting_a_meeting_again_changes_nothing(self, stores: Stores) -> None:
        for meeting in (a_meeting("first"), a_meeting("second", generation=2)):
            assert [stores.meetings.put(meeting) for _ in range(2)] == [meeting, meeting]
            assert stores.meetings.of(VISIT) == meeting

    def test_a_meeting_takes_the_place_of_the_generation_before_it(self, stores: Stores) -> None:
        for generation in (1, 2, 3):
            made = a_meeting(f"made-{generation}", generation=generation)
            assert stores.meetings.put(made) == made
            assert stores.meetings.of(VISIT) == made

    @pytest.mark.parametrize("generation", [1, 2, 4, 5])
    def test_any_other_generation_is_answered_with_what_is_kept(self, stores: Stores, generation: int) -> None:
        stores.meetings.put(a_meeting("first"))
        kept = stores.meetings.put(a_meeting("second", generation=2))
        assert stores.meetings.put(a_meeting("late", generation=generation)) == kept
        assert stores.meetings.of(VISIT) == kept

    def test_visits_have_their_own_meetings(self, stores: Stores) -> None:
        stores.meetings.put(a_meeting("first"))
        others = stores.meetings.put(a_meeting("others", visit=OTHER))
        second = stores.meetings.put(a_meeting("second", generation=2))
        assert (stores.meetings.of(VISIT), stores.meetings.of(OTHER)) == (second, others)

    def test_of_many_meetings_of_one_generation_one_is_kept(self, stores: Stores) -> None:
        for generation in range(1, ROUNDS + 1):
            made = [a_meeting(f"m-{generation}-{number}", generation=generation) for number in range(6)]
            answers = at_once([lambda one=one: stores.meetings.put(one) for one in made])  # type: ignore[misc] # mypy cannot infer a lambda's default
            (kept,) = set(answers)
            assert kept in made
            assert stores.meetings.of(VISIT) == kept
