"""The stateful clinic: any stores, driven through every use case by chance, and held against a simple model.

::

    TestOurClinic = clinic_machine(open_ours).TestCase
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from telemed_core.domain.accounts import Administrator
from telemed_core.domain.agenda import Agenda
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import Idempotency
from telemed_core.domain.doctor import Decision, Doctor
from telemed_core.domain.ids import AppointmentId, ProposalId
from telemed_core.domain.instants import CELLS_PER_DAY, EPOCH, Interval, cell_of, cell_start
from telemed_core.domain.ledger import differences
from telemed_core.domain.patient import Patient
from telemed_core.domain.receipts import ReplayedCommand
from telemed_core.domain.status import Status
from telemed_core.errors import TelemedError, UnavailableError
from telemed_core.ports.storage import Stores
from telemed_core.testing.builders import an_administrator, an_agenda
from telemed_core.testing.clinic_model import HOUR, LIVE, MINUTE, Offer, Visit, latest_answer
from telemed_core.testing.counters import pending_of
from telemed_core.testing.doubles import SettableClock, SkewedClock
from telemed_core.testing.faults import After, Faulty
from telemed_core.testing.oracle import slow_starts
from telemed_core.testing.wiring import Clinic, a_clinic

AGENDAS: Final = (
    an_agenda(),
    an_agenda("08:00-20:00", consultation=25, buffer=5, min_notice=0),
    an_agenda("22:00-06:00", "13:00-18:00", time_zone="America/Sao_Paulo", min_notice=60),
)
MOST_PENDING: Final = 3
EVERYBODY: Final = 1000

processes = st.sampled_from([0, 1, 2])
hours = st.integers(3, 40) | st.integers(0, 40)
rarely = st.sampled_from([False] * 7 + [True])
sides = st.sampled_from(["doctor", "patient"])
picks = st.integers(0, 10_000)
bookings = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3), hours, st.booleans()), min_size=3, max_size=8)


def clinic_machine(open_stores: Callable[[], Stores]) -> type[RuleBasedStateMachine]:  # one class
    """The machine over fresh stores for each run: three processes, two doctors, four patients, one a doctor."""

    class ClinicMachine(RuleBasedStateMachine):
        """Each rule predicts a use case's outcome from the model, and compares."""

        def __init__(self) -> None:
            super().__init__()
            self.stores = open_stores()
            self.clock = SettableClock(datetime.fromisoformat("2026-06-01T12:00:00+00:00"))
            main = a_clinic(self.stores, self.clock)
            skewed = (SkewedClock(self.clock, timedelta(minutes=ahead)) for ahead in (10, -10))
            self.processes = (main, *(main.beside(clock=clock) for clock in skewed))
            self.doctors = [main.doctor(number) for number in (1, 2)]
            self.patients = [main.patient(number) for number in (1, 2, 3)]
            self.patients.append(main.patient(4, cpf=self.doctors[1].cpf))
            self.agendas: dict[str, Agenda] = dict.fromkeys((one.id for one in self.doctors), AGENDAS[0])
            self.blocks: dict[str, list[Interval]] = {one.id: [] for one in self.doctors}
            self.approved = {one.id: True for one in self.doctors}
            self.visits: dict[AppointmentId, Visit] = {}
            self.succeeded: list[tuple[datetime, Callable[[Clinic], Appointment], Appointment]] = []
            self.acted_at = [self.clock.now()]
            self.keys = 0

        def teardown(self) -> None:
            self.stores.close()

        # How a command is run and compared

        def act(
            self,
            process: int,
            expected: str | None,
            command: Callable[[Clinic, Idempotency], Appointment],
            *,
            lossy: bool,
            keyed: bool = True,
        ) -> Appointment | None:
            """Run it under a fresh key; answer what it left, or nothing where the refusal was the expected one."""
            self.keys += 1
            key = Idempotency(self.patients[0].id, f"key-{self.keys}", "print")
            clinic = self.processes[process]
            self.acted_at = [clinic.clock.now()]
            if lossy:
                lost = Faulty(self.stores.appointments, plan={"apply": [After(UnavailableError())] * 3})
                clinic = clinic.beside(appointments=lost.port)
            try:
                left = command(clinic, key)
            except ReplayedCommand as replayed:
                assert lossy, "only a repeat is a repeat"
                left = self.processes[process].recall_appointment(replayed.receipt)
            except TelemedError as refused:
                assert refused.code == expected, f"refused with {refused.code}, expected {expected}"
                return None
            assert expected is None, f"succeeded, expected {expected}"
            if keyed:
                self.succeeded.append((clinic.clock.now(), lambda again: command(again, key), left))
            return left

        def pick(self, number: int) -> Visit:
            """One of the visits: of those that are live, if there are, but for every fifth number."""
            visits = list(self.visits.values())
            live = [one for one in visits if one.status in LIVE and number % 5]
            return (live or visits)[number % len(live or visits)]

        def now(self, process: int) -> datetime:
            return self.processes[process].clock.now()

        def actor(self, visit: Visit, side: str) -> Doctor | Patient:
            everyone: list[Doctor | Patient] = [*self.doctors, *self.patients]
            wanted = visit.doctor if side == "doctor" else visit.patient
            found = next(one for one in everyone if one.id == wanted)
            return self.stores.doctors.get(found.id) if isinstance(found, Doctor) else found

        def unlicensed(self, visit: Visit, side: str) -> str | None:
            return "licence_inactive" if side == "doctor" and not self.approved[visit.doctor] else None

        def offered(self, doctor: str, start: datetime, now: datetime) -> str | None:
            agenda = self.agendas[doctor]
            if start <= now or start < now + agenda.min_notice:
                return "too_soon"
            if start > now + agenda.horizon:
                return "beyond_horizon"
            return None if self._by_rules(doctor, Interval.lasting(start, MINUTE), now) else "slot_not_offered"

        def _by_rules(self, doctor: str, within: Interval, now: datetime) -> list[datetime]:
            agenda, blocks = self.agendas[doctor], self.blocks[doctor]
            days = range(cell_of(within.start) // CELLS_PER_DAY, cell_of(within.end) // CELLS_PER_DAY + 1)
            return [
                start
                for day in days
                for start in _starts_of_day(agenda, day)
                if within.contains(start)
                and now < start
                and now + agenda.min_notice <= start <= now + agenda.horizon
                and not any(block.start < start + agenda.consultation and start < block.end for block in blocks)
            ]

        def held_by_others(
            self, persons: tuple[Any, Any], start: datetime, now: datetime, *, but: AppointmentId | None = None
        ) -> str | None:
            """The code for cells that are held at ``now`` by appointments other than ``but``."""
            doctor = next(one for one in self.doctors if one.person_id == persons[0])
            agenda = self.agendas[doctor.id]
            wanted = (
                (persons[1], start, start + agenda.consultation, "patient_busy"),
                (persons[0], start, start + agenda.step, "slot_taken"),
            )
            for person, begin, end, code in wanted:
                for visit in self.visits.values():
                    if visit.id != but and any(
                        who == person and since < end and begin < until
                        for who, since, until in visit.by_now(now).held()
                    ):
                        return code
            return None

        # Rules

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

        def change(
            self,
            process: int,
            visit: Visit,
            outcome: Callable[[Visit], str | None],
            command: Callable[[Clinic, Idempotency], Appointment],
            *,
            lossy: bool = False,
            keyed: bool = True,
            first: str | None = None,
        ) -> None:
            """A command on one visit: what the model makes of it is what must be stored, or nothing is changed."""
            after = visit.by_now(self.now(process))
            expected = first or outcome(after)
            left = self.act(process, expected, command, lossy=lossy, keyed=keyed)
            if left and after.rev != visit.by_now(self.now(process)).rev:
                self.visits[visit.id] = after

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
            offered = self._by_rules(visit.doctor, Interval.lasting(now, 26 * HOUR), now)
            if offered:
                self.rescheduling(process, visit, side, offered[pick % len(offered)], lossy=lossy)

        def confirmed(self) -> list[Visit]:
            return [visit for visit in self.visits.values() if visit.status == "confirmed"]

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

        @precondition(lambda self: self.visits)
        @rule(process=processes, pick=picks, side=sides)
        def join(self, process: int, pick: int, side: str) -> None:
            self.joining(process, self.pick(pick), side)

        def joining(self, process: int, visit: Visit, side: str) -> None:
            self.change(
                process,
                visit,
                lambda after: after.join(side, self.now(process)),
                lambda clinic, _: clinic.join_visit(appointment_id=visit.id, actor=self.actor(visit, side)),
                keyed=False,
                first=self.unlicensed(visit, side),
            )

        @precondition(lambda self: self.visits)
        @rule(process=processes, pick=picks, side=sides, lossy=rarely)
        def declare_absence(self, process: int, pick: int, side: str, lossy: bool) -> None:
            visit = self.pick(pick)
            self.change(
                process,
                visit,
                lambda after: after.declare_absence(side, self.now(process)),
                lambda clinic, key: clinic.declare_absence(
                    appointment_id=visit.id, actor=self.actor(visit, side), idempotency=key
                ),
                lossy=lossy,
                first=self.unlicensed(visit, side),
            )

        @precondition(lambda self: any(visit.status == "in_progress" for visit in self.visits.values()))
        @rule(process=processes, pick=picks, lossy=rarely)
        def complete(self, process: int, pick: int, lossy: bool) -> None:
            visit = self.pick(pick)
            doctor = self.actor(visit, "doctor")
            assert isinstance(doctor, Doctor)
            self.change(
                process,
                visit,
                lambda after: after.complete(),
                lambda clinic, key: clinic.complete_visit(appointment_id=visit.id, doctor=doctor, idempotency=key),
                lossy=lossy,
                first=self.unlicensed(visit, "doctor"),
            )

        @rule(process=processes)
        def sweep(self, process: int) -> None:
            now = self.now(process)
            self.processes[process].sweep()
            self.visits = {key: visit.by_now(now) for key, visit in self.visits.items()}

        @rule(process=processes, doctor=st.integers(0, 1), agenda=st.sampled_from(AGENDAS))
        def edit_agenda(self, process: int, doctor: int, agenda: Agenda) -> None:
            whose, now = self.doctors[doctor], self.now(process)
            version = self.stores.schedules.of(whose.id).agenda_version
            self.processes[process].replace_agenda(agenda=agenda, version=version, doctor=whose)
            self.agendas[whose.id] = agenda
            self.acted_at = [now]

        @rule(process=processes, doctor=st.integers(0, 1), hour=hours, length=st.integers(1, 600), ending=rarely)
        def block(self, process: int, doctor: int, hour: int, length: int, ending: bool) -> None:
            whose, now = self.doctors[doctor], self.now(process)
            interval = Interval.lasting(self.clock.now() + hour * HOUR, length * MINUTE)
            if interval.end <= now or len(self.blocks[whose.id]) == 2:
                return
            current = [visit.by_now(now) for visit in self.visits.values() if visit.doctor == whose.id]
            over = [
                one for one in current if one.status in LIVE and one.start < interval.end and interval.start < one.end
            ]
            _, affected = self.processes[process].block_time(
                interval=interval, doctor=whose, reason="away", cancel_appointments=ending
            )
            assert set(affected) == {one.id for one in over}
            self.blocks[whose.id].append(interval)
            self.acted_at = [now]
            for visit in over if ending else []:
                if visit.cancel(now) is None:
                    self.visits[visit.id] = visit

        @rule(doctor=st.integers(0, 1), suspending=rarely)
        def verify(self, doctor: int, suspending: bool) -> None:
            whose = self.doctors[doctor].id
            if self.approved[whose] and not suspending:
                return
            decision = Decision.SUSPEND if self.approved[whose] else Decision.APPROVE
            actor: Administrator = an_administrator()
            self.processes[0].verify_doctor(doctor_id=whose, decision=decision, reason="a reason", actor=actor)
            self.approved[whose] = not self.approved[whose]

        @rule(length=st.sampled_from([MINUTE] * 4 + [10 * MINUTE] * 3 + [HOUR, 5 * HOUR, 24 * HOUR]))
        def time_passes(self, length: timedelta) -> None:
            self.clock.advance(length)

        @precondition(lambda self: self.confirmed())
        @rule(process=processes, pick=picks, side=sides)
        def a_visit_begins(self, process: int, pick: int, side: str) -> None:
            visit = self.confirmed()[pick % len(self.confirmed())]
            self.clock.set(max(self.clock.now(), visit.start))
            self.joining(process, visit, side)

        @precondition(lambda self: self.visits)
        @rule(pick=picks, which=st.integers(0, 3), off=st.sampled_from([-1, 0, 1]))
        def time_reaches_an_edge(self, pick: int, which: int, off: int) -> None:
            visit = self.pick(pick)
            edges = [visit.deadline, visit.start - 10 * MINUTE, visit.start + 15 * MINUTE, visit.end + 10 * MINUTE]
            edge = edges[which] if visit.offer is None or which else visit.offer.until
            self.clock.set(max(self.clock.now(), edge + timedelta(seconds=off)))

        @precondition(lambda self: self.succeeded)
        @rule(process=processes, pick=picks)
        def repeat(self, process: int, pick: int) -> None:
            at, command, left = self.succeeded[pick % len(self.succeeded)]
            if self.now(process) >= at + 23 * HOUR:
                return
            self.acted_at = []
            try:
                again = command(self.processes[process])
            except ReplayedCommand as replayed:
                again = self.processes[process].recall_appointment(replayed.receipt)
            assert again == left

        # What is always so

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
                        for start in self._by_rules(doctor.id, within, now)
                        if self.held_by_others(persons, start, now) is None
                    ]
                    assert slots.starts() == free

    return ClinicMachine


@lru_cache(maxsize=4096)
def _starts_of_day(agenda: Agenda, day: int) -> tuple[datetime, ...]:
    """What the rules offer on one UTC day, by the slow and obvious version."""
    cells = slow_starts(agenda, range(day * CELLS_PER_DAY, (day + 1) * CELLS_PER_DAY))
    return tuple(cell_start(cell) for cell in cells)


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
