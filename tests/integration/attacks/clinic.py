"""The clinic under attack: one server for all modules, its people, and times that nobody else uses."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final, Self

from integration.attacks.raw import Reply, until_answered
from integration.http.people import PASSWORD, Person, administrator, crowd, doctor
from integration.http.server import Server
from integration.http.stuck import dead_deliveries, quarantined_sagas

NOW: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)
"""When the servers' clocks start."""

AHEAD: Final = timedelta(days=3)
"""How far ahead of it the first visit is: no deadline comes near within the tests."""

NO_ID: Final = "0190a0b0c0d07e0f8a1b2c3d4e5f6071"
"""An id as ours are, and nobody's."""

PATIENTS_AT_ONCE: Final = 30
TOLD_WITHIN: Final = 10.0
"""Seconds after a change, on a machine that is busy with other tests."""


def instant(at: datetime) -> str:
    """As it goes over the wire."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


class Clinic:
    """Doctors who receive on the hour or on the half hour, and as many patients as are asked for."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._begun = time.monotonic()
        self._doctors, self._patients, self._addresses, self._hours = (count(1) for _ in range(4))
        self._waiting: list[Person] = []
        server.start(at=NOW)
        self.nobody = server.client()
        self.administrator = administrator(server)
        self.ana = self.doctor()
        self.bruno = self.doctor()

    def doctor(self, **agenda: Any) -> Person:
        """Another doctor, approved, who receives every hour on the hour unless that is said otherwise."""
        number = next(self._doctors)
        return doctor(self.server, number, approved_by=self.administrator, **{"horizon_days": 366, **agenda})

    def patient(self) -> Person:
        """Another patient."""
        if not self._waiting:
            numbers = [next(self._patients) for _ in range(PATIENTS_AT_ONCE)]
            self._waiting = crowd(self.server, numbers, at=self.now())
        return self._waiting.pop()

    def patients(self, number: int) -> list[Person]:
        """Other patients."""
        return [self.patient() for _ in range(number)]

    def now(self) -> datetime:
        """The server's time, or a few seconds more."""
        return NOW + timedelta(seconds=time.monotonic() - self._begun)

    def start(self) -> datetime:
        """An hour in which nobody has been asked for anything."""
        return NOW + AHEAD + timedelta(hours=next(self._hours))

    def address(self) -> list[tuple[str, str]]:
        """Headers of somebody who comes from where nobody has come from."""
        number = next(self._addresses)
        return [("X-Forwarded-For", f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")]

    def requested(self, patient: Person, doctor: Person, start: datetime | None = None) -> dict[str, Any]:
        """An appointment that waits for the doctor's answer."""
        body = {"doctor_id": doctor.id, "start": instant(start or self.start()), "reason": "a cough"}
        made: dict[str, Any] = patient.client.post("/v1/appointments", body).expect(201)
        return made

    def confirmed(self, patient: Person, doctor: Person, start: datetime | None = None) -> dict[str, Any]:
        """An appointment that the doctor has accepted."""
        made = self.requested(patient, doctor, start)
        path = f"/v1/appointments/{made['id']}/accept"
        found: dict[str, Any] = doctor.client.post(path, {"rev": made["rev"]}).expect(200)
        return found

    def proposed(self, patient: Person, doctor: Person, *, by: Person) -> dict[str, Any]:
        """A confirmed appointment for which another time is proposed."""
        made = self.confirmed(patient, doctor)
        path = f"/v1/appointments/{made['id']}/reschedule"
        found: dict[str, Any] = by.client.post(path, {"start": instant(self.start())}).expect(200)
        return found

    def cancelled(self, patient: Person, doctor: Person) -> dict[str, Any]:
        """An appointment that the patient has given up."""
        made = self.requested(patient, doctor)
        path = f"/v1/appointments/{made['id']}/cancel"
        found: dict[str, Any] = patient.client.post(path, {"reason": "not needed"}).expect(200)
        return found

    def notice(self, person: Person, appointment_id: str) -> dict[str, Any]:
        """The newest of the person's notices about the appointment, once there is one."""
        until = time.monotonic() + TOLD_WITHIN
        while True:
            for one in pages(person, "/v1/notifications", limit=100):
                if one["appointment_id"] == appointment_id:
                    return one
            assert time.monotonic() < until, "nobody was told"
            time.sleep(0.05)

    def dead_deliveries(self, reader: Person, number: int) -> list[str]:
        """So many e-mails to the reader that were given up; their ids."""
        with self.server.installation.container(at=self.now()) as container:
            return dead_deliveries(container, reader, number)

    def quarantined_sagas(self, number: int) -> list[str]:
        """So many sagas that wait for an operator; their ids."""
        with self.server.installation.container(at=self.now()) as container:
            return quarantined_sagas(container, number)

    def sign_in(self, login: str, password: str = PASSWORD, headers: list[tuple[str, str]] | None = None) -> Reply:
        """What an attempt is answered, from an address of its own unless one is said."""
        body = json.dumps({"login": login, "password": password})
        sent = self.address() if headers is None else headers
        return until_answered(self.nobody, "POST", "/v1/auth/token", body, sent)

    def later(self, by: timedelta, **settings: str) -> "Beside":
        """Another server on the same data, whose clock is ahead by that much."""
        return Beside(self, self.now() + by, **settings)


class Beside:
    """A second server on the clinic's data, which leaves its upkeep alone, while it is used as a context.

    Args:
        at: when its clock starts; ``None``: it has the machine's.
    """

    def __init__(self, clinic: Clinic, at: datetime | None = None, **settings: str) -> None:
        logs = clinic.server.output.parent / f"beside-{at:%m%dT%H%M%S%f}" if at else clinic.server.output.parent / "now"
        told = {"TELEMED_BACKGROUND": "off", "TELEMED_TRUSTED_PROXIES": "1", **settings}
        self.server = Server(clinic.server.installation, logs=logs, workers=1, at=at, **told)
        self.nobody = self.server.client()

    def there(self, person: Person) -> Person:
        """The same person, signed in here."""
        return Person(person.id, person.login, self.nobody.sign_in(person.login, PASSWORD))

    def __enter__(self) -> Self:
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.close()


def pages(person: Person, path: str, **query: Any) -> Iterator[dict[str, Any]]:
    """All items of a list, page by page."""
    cursor: dict[str, str] = {}
    while True:
        page = person.client.get(path, **query, **cursor).expect(200)
        yield from page["items"]
        if page["next_cursor"] is None:
            return
        cursor = {"cursor": page["next_cursor"]}
