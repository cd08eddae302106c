"""The stateful clinic: any stores, driven through every use case by chance, and held against a simple model.

::

    TestOurClinic = clinic_machine(open_ours).TestCase
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from telemed_core.domain.agenda import Agenda
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import Idempotency
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import ProposalId
from telemed_core.domain.instants import Interval
from telemed_core.domain.receipts import ReplayedCommand
from telemed_core.ports.storage import Stores
from telemed_core.testing.clinic_model import HOUR, Offer, Visit, latest_answer
from telemed_core.testing.clinic_run import AGENDAS, appointment_of
from telemed_core.testing.clinic_visits import MeetingSides, sides
from telemed_core.testing.clinic_world import hours, picks, processes, rarely
from telemed_core.testing.wiring import Clinic

MOST_PENDING: Final = 3

bookings = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3), hours, st.booleans()), min_size=3, max_size=8)


def clinic_machine(open_stores: Callable[[], Stores]) -> type[RuleBasedStateMachine]:
    """The machine over stores that are opened afresh, and empty, for each run."""

    class Machine(ClinicMachine):
        def __init__(self) -> None:
            super().__init__(open_stores())

    return Machine


class ClinicMachine(MeetingSides):
    """Each rule predicts a use case's outcome from the model, and compares."""

    @initialize(agenda=st.sampled_from(AGENDAS), bookings=bookings)
    def begin(self, agenda: Agenda, bookings: list[tuple[int, int, int, bool]]) -> None:
        """A day's work is there already, so that more than requests can happen to it."""
        self.edit_agenda(0, 0, agenda)
        for doctor, patient, hour, accepted in bookings:
            known = len(self.visits)
            self.request(0, doctor, patient, hour, lossy=False)
            if accepted and len(self.visits) > known:
                self.accepting(0, list(self.visits.values())[-1], 1, lossy=False)

    @rule(process=processes, doctor=st.integers(0, 1), patient=st.integers(0, 3), hour=hours, lossy=rarely)
    def request(self, process: int, doctor: int, patient: int, hour: int, lossy: bool) -> None:
        whose, who, now = self.doctors[doctor], self.patients[patient], self.now(process)
        start = self.clock.now().replace(minute=0, second=0, microsecond=0) + hour * HOUR
        persons = (whose.person_id, who.person_id)
        pending = [one for one in self.visits.values() if one.patient == who.id and one.status == "requested"]
        expected = None if self.approved[whose.id] else "not_found"
        expected = expected or ("self_booking" if persons[0] == persons[1] else None)
        expected = expected or self.offered(whose.id, start, now)
        if len([one for one in pending if one.by_now(now).status == "requested"]) >= MOST_PENDING:
            expected = expected or "too_many_pending"
        expected = expected or self.held_by_others(persons, start, now)
        left = self.act(
            process,
            expected,
            lambda clinic, key: clinic.request_appointment(
                doctor_id=whose.id, start=start, patient=who, reason="a reason", idempotency=key
            ),
            recall=appointment_of,
            lossy=lossy,
        )
        if left:
            agenda = self.agendas[whose.id]
            self.visits[left.id] = Visit(
                id=left.id,
                doctor=whose.id,
                patient=who.id,
                persons=persons,
                start=start,
                end=start + agenda.consultation,
                buffer=agenda.buffer,
                deadline=latest_answer(now, start),
            )

    @precondition(lambda self: self.visits)
    @rule(process=processes, pick=picks, stale=rarely, lossy=rarely)
    def accept(self, process: int, pick: int, stale: bool, lossy: bool) -> None:
        visit = self.pick(pick)
        self.accepting(process, visit, visit.rev - 1 if stale else visit.rev, lossy=lossy)

    def accepting(self, process: int, visit: Visit, rev: int, *, lossy: bool) -> None:
        doctor = self.actor(visit, "doctor")
        assert isinstance(doctor, Doctor)
        self.change(
            process,
            visit,
            lambda after: after.accept(rev),
            lambda clinic, key: clinic.accept_appointment(
                appointment_id=visit.id, rev=rev, doctor=doctor, idempotency=key
            ),
            lossy=lossy,
            first=self.unlicensed(visit, "doctor"),
        )

    @precondition(lambda self: self.visits)
    @rule(process=processes, pick=picks, lossy=rarely)
    def refuse(self, process: int, pick: int, lossy: bool) -> None:
        visit = self.pick(pick)
        doctor = self.actor(visit, "doctor")
        assert isinstance(doctor, Doctor)
        self.change(
            process,
            visit,
            lambda after: after.refuse(),
            lambda clinic, key: clinic.refuse_appointment(
                appointment_id=visit.id, doctor=doctor, reason="a reason", idempotency=key
            ),
            lossy=lossy,
        )

    @precondition(lambda self: self.visits)
    @rule(process=processes, pick=picks, side=sides, lossy=rarely)
    def cancel(self, process: int, pick: int, side: str, lossy: bool) -> None:
        visit = self.pick(pick)
        self.change(
            process,
            visit,
            lambda after: after.cancel(self.now(process)),
            lambda clinic, key: clinic.cancel_appointment(
                appointment_id=visit.id, reason="a reason", actor=self.actor(visit, side), idempotency=key
            ),
            lossy=lossy,
        )

    @precondition(lambda self: self.visits)
    @rule(process=processes, pick=picks, side=sides, hour=hours, lossy=rarely)
    def reschedule(self, process: int, pick: int, side: str, hour: int, lossy: bool) -> None:
        start = self.clock.now().replace(minute=0, second=0, microsecond=0) + hour * HOUR
        self.rescheduling(process, self.pick(pick), side, start, lossy=lossy)

    @precondition(lambda self: self.confirmed())
    @rule(process=processes, pick=picks, side=sides, lossy=rarely)
    def propose(self, process: int, pick: int, side: str, lossy: bool) -> None:
        """A start that is offered, of which most hours of chance are not."""
        visit, now = self.confirmed()[pick % len(self.confirmed())], self.now(process)
        offered = self.starts_by_rules(visit.doctor, Interval.lasting(now, 26 * HOUR), now)
        if offered:
            self.rescheduling(process, visit, side, offered[pick % len(offered)], lossy=lossy)

    def rescheduling(self, process: int, visit: Visit, side: str, start: datetime, *, lossy: bool) -> None:
        now = self.now(process)
        agenda, current = self.agendas[visit.doctor], visit.by_now(now)
        expected = self.unlicensed(visit, side) or current.may_reschedule(side, now)
        expected = expected or self.offered(visit.doctor, start, now)
        movable = start != current.start and self.approved[visit.doctor]
        expected = expected or (None if movable else "slot_not_offered")
        expected = expected or self.held_by_others(visit.persons, start, now, but=visit.id)
        left = self.act(
            process,
            expected,
            lambda clinic, key: clinic.reschedule_appointment(
                appointment_id=visit.id, start=start, actor=self.actor(visit, side), idempotency=key
            ),
            recall=appointment_of,
            lossy=lossy,
        )
        if left:
            current.rev += 1
            end = start + agenda.consultation
            if current.status == "requested":
                current.start, current.end, current.buffer = start, end, agenda.buffer
                current.deadline = latest_answer(now, start)
                current.sequence += 1
            else:
                assert left.proposal is not None
                until = latest_answer(now, min(start, current.start))
                current.offer = Offer(left.proposal.id, start, end, agenda.buffer, side, until)
            self.visits[visit.id] = current

    @precondition(lambda self: any(visit.offer for visit in self.visits.values()))
    @rule(process=processes, pick=picks, side=sides, agree=st.booleans(), other=rarely, lossy=rarely)
    def answer(self, process: int, pick: int, side: str, agree: bool, other: bool, lossy: bool) -> None:
        offered = [visit for visit in self.visits.values() if visit.offer]
        visit = offered[pick % len(offered)]
        assert visit.offer is not None
        proposal = ProposalId("another") if other else visit.offer.id

        def command(clinic: Clinic, key: Idempotency) -> Appointment:
            answer = clinic.agree_to_reschedule if agree else clinic.decline_reschedule
            actor = self.actor(visit, side)
            return answer(appointment_id=visit.id, proposal_id=proposal, actor=actor, idempotency=key)

        self.change(
            process,
            visit,
            lambda after: after.answer(proposal, side, agree=agree),
            command,
            lossy=lossy,
            first=self.unlicensed(visit, side) if agree else None,
        )

    @precondition(lambda self: self.succeeded)
    @rule(process=processes, pick=picks)
    def repeat(self, process: int, pick: int) -> None:
        one = self.succeeded[pick % len(self.succeeded)]
        if self.now(process) >= one.at + 23 * HOUR:
            return
        self.acted_at = []
        try:
            again = one.again(self.processes[process])
        except ReplayedCommand as replayed:
            again = one.recall(self.processes[process], replayed.receipt)
        assert again == one.left
