"""What a clinic under test does once a time is agreed: the two sides meet, and the patient says what they thought."""

from functools import cached_property

import attrs

from telemed_core.application.committing import Commands, Committing
from telemed_core.application.rating import ListRatings, RateVisit, ReadComments, RecallRating, SumRatings
from telemed_core.application.reading import ShowDoctor
from telemed_core.application.signalling import FindClosed
from telemed_core.application.visiting import CompleteVisit, DeclareAbsence, JoinVisit, MeetingRoom
from telemed_core.testing.following import Following


@attrs.frozen
class Visits(Following):
    """The use cases of visits, and the parts that all commands share."""

    @cached_property
    def commands(self) -> Commands:
        return Commands(self.clock, self.ids, self.stores.receipts)

    @cached_property
    def committing(self) -> Committing:
        return Committing(self.stores.appointments, self.commands)

    @cached_property
    def meeting_room(self) -> MeetingRoom:
        return MeetingRoom(self.stores.meetings, self.rooms)

    @cached_property
    def join_visit(self) -> JoinVisit:
        return JoinVisit(self.stores.appointments, self.committing, self.meeting_room)

    @cached_property
    def find_closed(self) -> FindClosed:
        return FindClosed(self.stores.appointments, self.clock)

    @cached_property
    def declare_absence(self) -> DeclareAbsence:
        return DeclareAbsence(self.stores.appointments, self.committing)

    @cached_property
    def complete_visit(self) -> CompleteVisit:
        return CompleteVisit(self.stores.appointments, self.committing)

    @cached_property
    def rate_visit(self) -> RateVisit:
        return RateVisit(self.stores.appointments, self.stores.ratings, self.commands)

    @cached_property
    def recall_rating(self) -> RecallRating:
        return RecallRating(self.stores.ratings)

    @cached_property
    def show_doctor(self) -> ShowDoctor:
        return ShowDoctor(self.stores.doctors)

    @cached_property
    def list_ratings(self) -> ListRatings:
        return ListRatings(self.show_doctor, self.stores.ratings)

    @cached_property
    def read_comments(self) -> ReadComments:
        return ReadComments(self.stores.texts)

    @cached_property
    def sum_ratings(self) -> SumRatings:
        return SumRatings(self.stores.ratings)
