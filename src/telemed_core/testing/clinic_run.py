"""One run of the clinic: its people, its processes, and how a command is run and compared with what was expected."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, TypeVar

import attrs
from hypothesis.stateful import RuleBasedStateMachine

from telemed_core.domain.agenda import Agenda
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import Idempotency
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import AppointmentId, AttendeeId, MeetingId
from telemed_core.domain.instants import CELLS_PER_DAY, Interval, cell_of, cell_start
from telemed_core.domain.patient import Patient
from telemed_core.domain.ratings import Rating
from telemed_core.domain.receipts import Receipt, ReplayedCommand
from telemed_core.errors import TelemedError, UnavailableError
from telemed_core.ports.storage import Stores
from telemed_core.testing.builders import an_agenda
from telemed_core.testing.clinic_model import LIVE, MINUTE, Visit
from telemed_core.testing.doubles import SeededIds, SettableClock, SkewedClock
from telemed_core.testing.faults import After, Faulty
from telemed_core.testing.oracle import slow_starts
from telemed_core.testing.rooms import ControlledRooms
from telemed_core.testing.wiring import Clinic

AGENDAS: Final = (
    an_agenda(),
    an_agenda("08:00-20:00", consultation=25, buffer=5, min_notice=0),
    an_agenda("22:00-06:00", "13:00-18:00", time_zone="America/Sao_Paulo", min_notice=60),
)

T = TypeVar("T")

Recall = Callable[[Clinic, Receipt], T]
"""What a command left, by its receipt."""


def appointment_of(clinic: Clinic, receipt: Receipt) -> Appointment:
    return clinic.recall_appointment(receipt)


@attrs.frozen
class Succeeded:
    """A command that was answered under a key; ``again`` gives it to a process once more."""

    at: datetime
    again: Callable[[Clinic], object]
    recall: Recall[object]
    left: object


class ClinicRun(RuleBasedStateMachine):
    """Fresh stores, three processes with other clocks, two doctors, four patients of whom one is a doctor too."""

    def __init__(self, stores: Stores) -> None:
        super().__init__()
        self.stores = stores
        self.clock = SettableClock(datetime.fromisoformat("2026-06-01T12:00:00+00:00"))
        self.rooms = ControlledRooms()
        main = Clinic(self.stores, self.clock, SeededIds(), rooms=self.rooms)
        skewed = (SkewedClock(self.clock, timedelta(minutes=ahead)) for ahead in (10, -10))
        self.processes = (main, *(main.beside(clock=clock) for clock in skewed))
        self.doctors = [main.doctor(number) for number in (1, 2)]
        self.patients = [main.patient(number) for number in (1, 2, 3)]
        self.patients.append(main.patient(4, cpf=self.doctors[1].cpf))
        self.agendas: dict[str, Agenda] = dict.fromkeys((one.id for one in self.doctors), AGENDAS[0])
        self.blocks: dict[str, list[Interval]] = {one.id: [] for one in self.doctors}
        self.approved = {one.id: True for one in self.doctors}
        self.visits: dict[AppointmentId, Visit] = {}
        self.meetings: dict[AppointmentId, list[MeetingId]] = {}
        self.died: set[MeetingId] = set()
        self.ways: dict[MeetingId, dict[str, AttendeeId]] = {}
        self.ratings: dict[AppointmentId, Rating] = {}
        self.comments: dict[AppointmentId, str | None] = {}
        self.succeeded: list[Succeeded] = []
        self.acted_at = [self.clock.now()]
        self.keys = 0

    def teardown(self) -> None:
        self.stores.close()

    def act(
        self,
        process: int,
        expected: str | None,
        command: Callable[[Clinic, Idempotency], T],
        *,
        recall: Recall[T],
        lossy: bool,
        keyed: bool = True,
    ) -> T | None:
        """Run it under a fresh key; answer what it left, or nothing where the refusal was the expected one."""
        self.keys += 1
        key = Idempotency(self.patients[0].id, f"key-{self.keys}", "print")
        clinic = self.processes[process]
        self.acted_at = [clinic.clock.now()]
        if lossy:
            clinic = clinic.beside(
                appointments=Faulty(self.stores.appointments, plan={"apply": [After(UnavailableError())] * 3}).port,
                ratings=Faulty(self.stores.ratings, plan={"add": [After(UnavailableError())] * 3}).port,
            )
        try:
            left = command(clinic, key)
        except ReplayedCommand as replayed:
            assert lossy, "only a repeat is a repeat"
            left = recall(self.processes[process], replayed.receipt)
        except TelemedError as refused:
            assert refused.code == expected, f"refused with {refused.code}, expected {expected}"
            return None
        assert expected is None, f"succeeded, expected {expected}"
        if keyed:
            self.succeeded.append(Succeeded(clinic.clock.now(), lambda again: command(again, key), recall, left))
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
        return None if self.starts_by_rules(doctor, Interval.lasting(start, MINUTE), now) else "slot_not_offered"

    def starts_by_rules(self, doctor: str, within: Interval, now: datetime) -> list[datetime]:
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
                    who == person and since < end and begin < until for who, since, until in visit.by_now(now).held()
                ):
                    return code
        return None


@lru_cache(maxsize=4096)
def _starts_of_day(agenda: Agenda, day: int) -> tuple[datetime, ...]:
    """What the rules offer on one UTC day, by the slow and obvious version."""
    cells = slow_starts(agenda, range(day * CELLS_PER_DAY, (day + 1) * CELLS_PER_DAY))
    return tuple(cell_start(cell) for cell in cells)
