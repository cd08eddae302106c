"""What goes on around the appointments of the clinic: time, sweeps, agendas, blocks and licences."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from telemed_core.domain.accounts import Administrator
from telemed_core.domain.agenda import Agenda
from telemed_core.domain.doctor import Decision
from telemed_core.domain.instants import Interval
from telemed_core.testing.builders import an_administrator
from telemed_core.testing.clinic_checks import CheckedRun
from telemed_core.testing.clinic_model import HOUR, LIVE, MINUTE
from telemed_core.testing.clinic_run import AGENDAS

processes = st.sampled_from([0, 1, 2])
hours = st.integers(3, 40) | st.integers(0, 40)
rarely = st.sampled_from([False] * 7 + [True])
picks = st.integers(0, 10_000)


class ChangingWorld(CheckedRun):
    """The rules that no side of a visit decides."""

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
        over = [one for one in current if one.status in LIVE and one.start < interval.end and interval.start < one.end]
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

    @precondition(lambda self: self.visits)
    @rule(pick=picks, which=st.integers(0, 3), off=st.sampled_from([-1, 0, 1]))
    def time_reaches_an_edge(self, pick: int, which: int, off: int) -> None:
        visit = self.pick(pick)
        edges = [visit.deadline, visit.start - 10 * MINUTE, visit.start + 15 * MINUTE, visit.end + 10 * MINUTE]
        edge = edges[which] if visit.offer is None or which else visit.offer.until
        self.clock.set(max(self.clock.now(), edge + timedelta(seconds=off)))
