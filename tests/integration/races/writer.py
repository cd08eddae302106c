"""A process that writes to a database with others: told by one line of JSON what to do, it answers in lines of JSON."""

import json
import random
import sqlite3
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import psycopg

from adapters.sealing import open_sealing
from adapters.sql import open_sql
from adapters.system import RandomIds
from adapters.webrtc import WebRtc, open_webrtc
from telemed_core.application.committing import settle
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import AppointmentId, DoctorId, PatientId
from telemed_core.domain.patient import Patient
from telemed_core.errors import TelemedError
from telemed_core.ports.storage import Stores
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import Clinic

HOUR = timedelta(hours=1)


def open_stores(url: str, *, migrate: bool = False) -> Stores:
    return open_sql(url, sealing=open_sealing(pepper=b"p" * 32, data_key=b"d" * 32), migrate=migrate)


def open_rooms(stores: Stores) -> WebRtc:
    """Rooms that all processes know."""
    return open_webrtc(keys=[b"m" * 32], ice_servers=(), signals=stores.signals)


def say(**facts: Any) -> None:
    print(json.dumps(facts), flush=True)


def outcome(command: Any) -> str:
    try:
        command()
    except TelemedError as refused:
        return refused.code
    return "done"


def wait_until(instant: float) -> None:
    while time.time() < instant:
        time.sleep(0.0005)


class Writer:
    """What one process can be told to do."""

    def __init__(self, url: str, now: str) -> None:
        self.url = url
        self.clock = SettableClock(datetime.fromisoformat(now))
        self.stores = open_stores(url)
        self.clinic = Clinic(self.stores, self.clock, RandomIds(), rooms=open_rooms(self.stores))

    def doctor(self, doctor_id: str) -> Doctor:
        return self.stores.doctors.get(DoctorId(doctor_id))

    def patient(self, patient_id: str) -> Patient:
        return self.stores.patients.get(PatientId(patient_id))

    def request_all(self, *, doctors: list[str], patients: list[str], start: str, at: float) -> None:
        """Ask for one start, each patient of each doctor, from an instant on."""
        people = [self.patient(one) for one in patients]
        begin = datetime.fromisoformat(start)
        wait_until(at)
        codes = [
            outcome(lambda who=who, whose=whose: self._request(whose, begin, who))
            for who in people
            for whose in doctors
        ]
        say(codes=codes)

    def _request(self, doctor: str, start: datetime, patient: Patient) -> AppointmentId:
        return self.clinic.request_appointment(doctor_id=DoctorId(doctor), start=start, patient=patient).id

    def compete(self, *, appointments: list[str], action: str, doctor: str, patient: str, at: float) -> None:
        """Try one action on each appointment in turn, a moment after the other processes' same turn began."""
        doctor_, patient_ = self.doctor(doctor), self.patient(patient)
        codes = []
        for turn, text in enumerate(appointments):
            wait_until(at + turn * 0.05)
            codes.append(outcome(lambda one=text: self._do(action, AppointmentId(one), doctor_, patient_)))
        say(codes=codes)

    def _do(self, action: str, one: AppointmentId, doctor: Doctor, patient: Patient) -> None:
        match action:
            case "accept":
                self.clinic.accept_appointment(appointment_id=one, rev=1, doctor=doctor)
            case "refuse":
                self.clinic.refuse_appointment(appointment_id=one, doctor=doctor)
            case "cancel":
                self.clinic.cancel_appointment(appointment_id=one, reason="not needed", actor=patient)
            case "move":
                current = self.stores.appointments.get(one)
                self.clinic.reschedule_appointment(
                    appointment_id=one, start=current.visit.start + 30 * 24 * HOUR, actor=patient
                )
            case "expire":
                later = self.clock.now() + 48 * HOUR
                appointment = self.stores.appointments.get(one)
                command = self.clinic.command(at=later)
                if not settle(self.stores.appointments, appointment, command=command):
                    raise TelemedError

    def book_at_random(self, *, doctors: list[str], patients: list[str], seed: int) -> None:
        """Request, answer and cancel for ever, telling what each command left once it was answered."""
        chance = random.Random(seed)
        mine: list[tuple[AppointmentId, str, str]] = []
        people = {one: self.patient(one) for one in patients}
        say(ready=True)
        while True:
            for told in self._step(chance, doctors, people, mine):
                say(**told)

    def _step(
        self, chance: random.Random, doctors: list[str], people: dict[str, Patient], mine: list[Any]
    ) -> Iterator[dict[str, Any]]:
        doctor, patient = chance.choice(doctors), chance.choice(list(people))
        try:
            if len(mine) < 3 or chance.random() < 0.5:
                start = (self.clock.now() + chance.randrange(3, 24 * 50) * HOUR).replace(minute=0)
                left = self.clinic.request_appointment(
                    doctor_id=DoctorId(doctor), start=start, patient=people[patient], reason="a reason"
                )
                mine.append((left.id, doctor, patient))
            else:
                one, doctor, patient = mine.pop(chance.randrange(len(mine)))
                if chance.random() < 0.5:
                    left = self.clinic.accept_appointment(appointment_id=one, rev=1, doctor=self.doctor(doctor))
                else:
                    left = self.clinic.cancel_appointment(
                        appointment_id=one, reason="not needed", actor=people[patient]
                    )
            yield {"id": left.id, "rev": left.rev, "status": left.status}
        except TelemedError:
            return

    def join(self, *, appointment: str, doctor: str, patient: str, times: int, at: float) -> None:
        """Let each side come so many times at once, and each once more; where they got to."""
        actors = [self.doctor(doctor), self.patient(patient)] * times

        def join(actor: Doctor | Patient) -> list[str]:
            joined = self.clinic.join_visit(appointment_id=AppointmentId(appointment), actor=actor)
            return [actor.id, joined.room.id, joined.attendee.id]

        with ThreadPoolExecutor(len(actors)) as pool:
            wait_until(at)
            ways = [*pool.map(join, actors)]
        say(ways=ways, again=[join(actor) for actor in actors[:2]])

    def rate(self, *, appointments: list[str], patients: list[str], score: int, at: float) -> None:
        """Rate each visit in turn, a moment after the other processes' same turn began."""
        people = [self.patient(one) for one in patients]
        codes = []
        for turn, (appointment, patient) in enumerate(zip(appointments, people, strict=True)):
            wait_until(at + turn * 0.01)
            codes.append(outcome(lambda one=appointment, who=patient: self._rate(AppointmentId(one), who, score)))
        say(codes=codes)

    def _rate(self, one: AppointmentId, patient: Patient, score: int) -> None:
        self.clinic.rate_visit(appointment_id=one, patient=patient, score=score, comment="a comment")

    def add_up(self, *, times: int, at: float) -> None:
        """Read a sum, then write it: what everybody writes first, and what loses ratings."""
        connect = self._sqlite if self.url.startswith("sqlite") else self._postgres
        connection, mark = connect()
        for turn in range(times):
            wait_until(at + turn * 0.01)
            total = connection.execute("SELECT slot FROM control").fetchone()[0]
            connection.execute(f"UPDATE control SET slot = {mark}", (total + 1,))
        say(done=True)

    def control(self, *, slots: int, at: float) -> None:
        """Check, then insert: what everybody writes first, and what double-books."""
        connect = self._sqlite if self.url.startswith("sqlite") else self._postgres
        connection, mark = connect()
        for slot in range(slots):
            wait_until(at + slot * 0.02)
            taken = connection.execute(f"SELECT count(*) FROM control WHERE slot = {mark}", (slot,)).fetchone()[0]
            if not taken:
                connection.execute(f"INSERT INTO control VALUES ({mark})", (slot,))
        say(done=True)

    def _sqlite(self) -> tuple[Any, str]:
        return sqlite3.connect(self.url.removeprefix("sqlite:///"), isolation_level=None, timeout=30), "?"

    def _postgres(self) -> tuple[Any, str]:
        return psycopg.connect(self.url.replace("postgresql+psycopg", "postgresql"), autocommit=True), "%s"


def main() -> None:
    told = json.loads(sys.stdin.readline())
    writer = Writer(told["url"], told["now"])
    getattr(writer, told["do"])(**told["with"])
    writer.stores.close()


if __name__ == "__main__":
    main()
