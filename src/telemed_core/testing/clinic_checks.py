"""What is so after every step of every run of the clinic."""

from datetime import datetime
from itertools import pairwise
from typing import Final

from hypothesis.stateful import invariant, precondition

from telemed_core.domain.appointment import Appointment
from telemed_core.domain.instants import EPOCH, Interval
from telemed_core.domain.ledger import differences
from telemed_core.domain.ratings import UNRATED, RatingSum
from telemed_core.domain.status import Status
from telemed_core.testing.clinic_model import HOUR, Visit
from telemed_core.testing.clinic_run import ClinicRun
from telemed_core.testing.counters import pending_of

EVERYBODY: Final = 1000


class CheckedRun(ClinicRun):
    """A run that is compared with the model, and with itself, after each step."""

    @invariant()
    def the_store_is_what_the_model_says(self) -> None:
        for stored in [self.stores.appointments.get(appointment_id) for appointment_id in self.visits]:
            visit = self.visits[stored.id]
            if _facts(stored) != visit.facts():
                settled = [visit.by_now(at) for at in self.acted_at]
                found = [one for one in settled if _facts(stored) == one.facts()]
                assert found, f"stored {_facts(stored)}, expected {visit.facts()}"
                self.visits[stored.id] = found[0]
            assert stored.history is not None
            assert [event.seq for event in stored.history] == list(range(1, stored.rev + 1))
            assert Appointment.fold(stored.history) == stored

    @invariant()
    def nobody_has_two_appointments_at_once(self) -> None:
        # Invariants are checked in no order of ours, and a takeover may have ended what the model still holds.
        self.the_store_is_what_the_model_says()
        held = sorted(
            (person, since, until)
            for visit in self.visits.values()
            for person, since, until in {(who, since, until) for who, since, until in _merged(visit)}
        )
        for (person, _, until), (other, since, _) in pairwise(held):
            assert person != other or until <= since

    @invariant()
    def the_ledger_is_the_union_of_what_is_held(self) -> None:
        assert list(differences(self.stores.ledger.read(self.stores.ledger.people(limit=EVERYBODY)))) == []

    @invariant()
    def what_is_counted_is_what_is_unanswered(self) -> None:
        patient = self.patients[self.keys % len(self.patients)]
        stored = self.stores.appointments.list(patient.id, limit=EVERYBODY, now=EPOCH)
        assert pending_of(self.stores, patient) == sum(one.status is Status.REQUESTED for one in stored)

    @precondition(lambda self: self.ratings)
    @invariant()
    def the_sums_are_those_of_the_ratings(self) -> None:
        doctors = [one.id for one in self.doctors]
        sums, listed = self.stores.ratings.sums(doctors), self.stores.ratings.list
        for doctor in doctors:
            given = [one for one in self.ratings.values() if one.doctor_id == doctor]
            assert sums.get(doctor, UNRATED) == RatingSum(len(given), sum(one.score for one in given))
            newest = sorted(given, key=lambda one: (one.at, one.appointment_id), reverse=True)
            assert list(listed(doctor, limit=EVERYBODY)) == newest
        written = self.stores.texts.read({one.comment for one in self.ratings.values() if one.comment})
        assert {key.owner: text for key, text in written.items()} == {
            visit: comment for visit, comment in self.comments.items() if comment
        }

    @precondition(lambda self: self.keys % 4 == 0)
    @invariant()
    def what_is_listed_is_what_can_be_booked(self) -> None:
        for doctor, patient in ((self.doctors[0], self.patients[0]), (self.doctors[1], self.patients[1])):
            if self.approved[doctor.id]:
                now = self.clock.now()
                within = Interval.lasting(now, 26 * HOUR)
                _, slots = self.processes[0].list_slots(doctor_id=doctor.id, within=within, viewer=patient)
                persons = (doctor.person_id, patient.person_id)
                free = [
                    start
                    for start in self.starts_by_rules(doctor.id, within, now)
                    if self.held_by_others(persons, start, now) is None
                ]
                assert slots.starts() == free


def _facts(stored: Appointment) -> tuple[object, ...]:
    proposal = stored.proposal
    offer = proposal and (
        proposal.id,
        proposal.visit.start,
        proposal.visit.end,
        str(proposal.by),
        proposal.expires_at,
    )
    visit = stored.visit
    return str(stored.status), stored.rev, visit.start, visit.end, stored.buffer, stored.sequence, offer


def _merged(visit: Visit) -> list[tuple[str, datetime, datetime]]:
    """What one visit holds, its own overlaps joined."""
    held: list[tuple[str, datetime, datetime]] = []
    for person, since, until in sorted(visit.held()):
        overlapping = held and held[-1][0] == person and since < held[-1][2]
        _, begin, end = held.pop() if overlapping else (person, since, until)
        held.append((person, begin, max(until, end)))
    return held
