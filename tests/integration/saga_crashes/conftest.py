"""A database, a process whose children break off, another one that finishes what they left, and what is to be seen."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from signal import SIGKILL, Signals
from typing import Any, Final

import attrs
import pytest

from adapters.sql import migrate
from integration.saga_crashes.scenes import SCENES, Scene, open_stores
from telemed_core.domain.accounts import Administrator
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import AccountId, AppointmentId, DoctorId, PatientId
from telemed_core.domain.notices import Channel
from telemed_core.domain.patient import Patient
from telemed_core.domain.people import Role
from telemed_core.domain.sagas import SagaRow
from telemed_core.errors import AlreadyRegisteredError, ConflictError, NotFoundError
from telemed_core.testing.builders import (
    MONDAY,
    a_cpf,
    a_crm,
    a_doctor,
    a_password,
    a_patient,
    a_reservation,
    an_administrator,
    an_email,
)
from telemed_core.testing.wiring import Clinic, a_clinic

TESTS: Final = Path(__file__).parents[2]
WEEK: Final = timedelta(days=7)


class Told:
    """A process that answers each line with one."""

    def __init__(self, url: str, notes: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "process.py"), url, str(notes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": f"{TESTS.parent / 'src'}:{TESTS}"},
        )
        assert self._answer() == {"ready": True}

    def __call__(self, do: str, **facts: Any) -> dict[str, Any]:
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"do": do, **facts}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        self._process.communicate(timeout=30)


@attrs.frozen(kw_only=True)
class Seen:
    """What a saga has left: it is the same however often somebody broke off."""

    phase: str
    seq: int
    facts: Mapping[str, Any]


class Stage:
    """Sagas that are begun in one process and finished by another; each run is a week after the one before."""

    def __init__(self, url: str, notes: Path) -> None:
        self.url = url
        self.notes = notes
        self.stores = open_stores(url)
        self.clinic: Clinic = a_clinic(self.stores)
        self.clinic.doctor(1)
        self.clinic.patient(1)
        while self.clinic.run_sagas():
            pass
        self.actor, self.other = Told(url, notes), Told(url, notes)
        self.number = 0

    def begin(self, name: str, *, at: int | None, by: Signals = SIGKILL) -> dict[str, Any]:
        """Run that saga, and break off at that boundary."""
        self.number += 1
        self.notes.write_bytes(b"")
        return self.actor("act", scene=name, number=self.number, now=self._week().isoformat(), at=at, by=by)

    def recover(self, *, same_host: bool) -> dict[str, Any]:
        """Finish it in the other process."""
        return self.other("recover", number=self.number, now=self.begun_at().isoformat(), same_host=same_host)

    def clear(self) -> None:
        """End what is still to come of this run."""
        self.other("clear", number=self.number, now=(self._week() + WEEK - timedelta(hours=1)).isoformat())

    def _week(self) -> datetime:
        return MONDAY + self.number * WEEK

    def begun_at(self) -> datetime:
        """When the saga was begun, by the clock of its process."""
        return next(datetime.fromisoformat(note["key"]) for note in self.noted() if note["what"] == "begins")

    def noted(self) -> Iterator[dict[str, str]]:
        """What all processes have noted in this run."""
        return (json.loads(line) for line in self.notes.read_text().splitlines())

    def repeated(self, *, what: str, local: bool) -> int:
        """How often at most one of these was repeated."""
        noted = Counter(note["key"] for note in self.noted() if note["what"] == what and note["local"] == str(local))
        return max(noted.values(), default=1) - 1

    def fenced(self) -> int:
        """How many entries were refused."""
        return sum(note["what"] == "fenced" for note in self.noted())

    def seen(self, name: str) -> Seen:
        """What the saga of this run has left."""
        scene = SCENES[name]
        rows = self.stores.sagas.list(name=scene.saga, limit=10)
        # Of two reminders the first one is due in this run.
        [row] = [row for row in rows if row.started_at >= self._week() and not row.id.endswith(".1h")]
        return Seen(phase=row.progress.phase, seq=row.seq, facts=self._facts(scene, row))

    def _facts(self, scene: Scene, row: SagaRow) -> Mapping[str, Any]:
        if scene.registers:
            return self._account(row)
        if scene.saga == "close_account":
            patient = self.stores.patients.get(PatientId(row.subject))
            state = {"closed": patient.closed_at is not None, "email": patient.email, "feed": self._feed(patient)}
            return {**state, "user": self._user(patient.id)}
        notices = [
            one for one in self.stores.notices.log(channel=Channel.IN_APP, limit=40) if one.subject == row.subject
        ]
        told = Counter((one.kind, one.event.removeprefix(row.subject), _role(one.reader)) for one in notices)
        published = self.stores.sagas.published(row.subject)
        if scene.saga == "verification":
            return {"told": told, "unpublished": self.stores.doctors.get(DoctorId(row.subject)).rev - published}
        appointment = self.stores.appointments.get(AppointmentId(row.subject))
        started = Counter(one.name for one in self.stores.sagas.list(subject=row.subject, limit=40))
        state = {"status": appointment.status, "rev": appointment.rev, "sagas": started}
        state["room"] = self._room(appointment.id)
        return {"told": told, "unpublished": appointment.rev - published, **state}

    def _room(self, appointment_id: AppointmentId) -> str:
        """What has become of the visit's room."""
        meeting = self.stores.meetings.of(appointment_id)
        if meeting is None:
            return "none"
        return "ended" if self.stores.signals.is_closed(meeting.id) else "open"

    def _account(self, row: SagaRow) -> Mapping[str, Any]:
        number, account_id = 1000 + self.number, AccountId(row.subject)
        login = a_crm(number) if row.name == "register_doctor" else an_email(number, of="registering")
        with suppress(NotFoundError):
            assert self.stores.accounts.get(account_id) == self.stores.accounts.find(login)
        there = self.stores.accounts.find(login) is not None
        signs_in = self.clinic.identity.check(account_id, a_password())
        return {"there": there, "signs in": signs_in, "logins are free": self._can_be_reserved(row.name)}

    def _user(self, username: AccountId) -> str:
        """Whether it could be made again; then it is."""
        try:
            self.clinic.identity.create(username, a_password(), role=Role.PATIENT)
        except ConflictError:
            return "removed"
        return "there"

    def _can_be_reserved(self, saga: str) -> bool:
        """Whether somebody else may register with these logins now; nobody is."""
        number = 1000 + self.number
        facts: dict[str, Any] = {"id": f"other-{self.number}", "email": an_email(number, of="registering")}
        other: Doctor | Patient | Administrator
        match saga:
            case "register_doctor":
                other = a_doctor(number, cpf=a_cpf(300_000_000 + number), crm=a_crm(number), **facts)
            case "register_patient":
                other = a_patient(number, cpf=a_cpf(400_000_000 + number), **facts)
            case _:
                other = an_administrator(number, **facts)
        try:
            self.stores.accounts.reserve(a_reservation(other))
        except AlreadyRegisteredError:
            return False
        self.stores.accounts.release(other.id)
        return True

    def _feed(self, patient: Patient) -> bool:
        """Whether the calendar's secret is still the one that was given out; asking does not make it so."""
        fresh = f"fresh-{self.number}"
        secret = self.stores.feeds.open(patient.id, fresh)
        self.stores.feeds.revoke(patient.id)
        return secret != fresh

    def restart(self) -> None:
        """Put a new process in the place of the one that finishes."""
        self.other.close()
        self.other = Told(self.url, self.notes)

    def close(self) -> None:
        self.actor.close()
        self.other.close()
        self.stores.close()


def _role(reader: str) -> str:
    return reader.partition("-")[0]


@pytest.fixture(params=["sqlite", "postgres"], scope="module")
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("sagas")
    if request.param == "sqlite":
        url = f"sqlite:///{folder / 'telemed.db'}"
        migrate(url)
    else:
        server = request.getfixturevalue("durable_postgres_server")
        url = server.url(server.create())
    made = Stage(url, folder / "notes")
    yield made
    made.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    failed = len(terminalreporter.stats.get("failed", []))
    for title in ("kills", "pauses"):
        reports = terminalreporter.stats.get("passed", [])
        counted = [value for report in reports for name, value in report.user_properties if name == title]
        if counted:
            total, repeated, fenced = (sum(one[index] for one in counted) for index in range(3))
            terminalreporter.write_line(
                f"{total} {title} at every boundary of {len(counted)} sagas ended rightly "
                f"({failed} failed tests are not counted here), "
                f"{repeated} raw calls repeated, at most one each, no co-committed step twice, "
                + (
                    f"{fenced} late entries fenced"
                    if fenced
                    else f"recovered within {max(one[3] for one in counted):.3f} s"
                )
            )
