"""Clients that book, accept and cancel until the server is gone, and remember all that they asked and were told."""

import random
from collections.abc import Mapping, Sequence
from datetime import datetime
from threading import Event
from typing import Any, Final

import attrs

from integration.http.people import Person
from integration.http.server import Answer, Unanswered
from integration.http_races.conftest import HOUR

WITHOUT_EFFECT: Final = {403, 404, 409, 422, 503}


@attrs.define
class Asked:
    """One command under a key of its own, and its answer; ``None``: none came."""

    who: Person
    path: str
    body: Mapping[str, Any]
    key: str
    answer: Answer | None = None

    def send(self) -> Answer:
        """Ask, for the first time or again."""
        return self.who.client.post(self.path, self.body, key=self.key)

    @property
    def left(self) -> Any:
        """What it left, as it was told; ``None``: nothing, or nothing was told."""
        return self.answer.json if self.answer and self.answer.status in {200, 201} else None


class Load:
    """One client, with the patients that are its own, and all the doctors."""

    def __init__(
        self, number: int, *, doctors: Sequence[Person], patients: Sequence[Person], now: datetime, days: int
    ) -> None:
        self.asked: list[Asked] = []
        self.stopped = Event()
        self._number = number
        self._chance = random.Random(number)
        self._doctors = {doctor.id: doctor for doctor in doctors}
        self._patients = {patient.id: patient for patient in patients}
        self._now = now
        self._days = days
        self._live: dict[str, Any] = {}

    def run(self) -> None:
        """Ask and ask again, until there is no answer or it was told to stop."""
        self.stopped.clear()
        while not self.stopped.is_set():
            asked = self._next()
            self.asked.append(asked)
            try:
                self.settle(asked, asked.send())
            except Unanswered:
                return

    def settle(self, asked: Asked, answer: Answer) -> None:
        """Take the answer."""
        assert answer.status in {200, 201} | WITHOUT_EFFECT, (asked.path, answer)
        asked.answer = answer
        if asked.left is None:
            return
        if asked.left["status"] in {"requested", "confirmed"}:
            self._live[asked.left["id"]] = asked.left
        else:
            self._live.pop(asked.left["id"], None)

    def _next(self) -> Asked:
        waiting = [one for one in self._live.values() if one["status"] == "requested"]
        if self._live and (self._chance.random() < 0.5 or len(waiting) > 2 * len(self._patients)):
            one = self._chance.choice(list(self._live.values()))
            path = f"/v1/appointments/{one['id']}"
            if one["status"] == "requested" and self._chance.random() < 0.5:
                return self._command(self._doctors[one["doctor_id"]], f"{path}/accept", {"rev": one["rev"]})
            return self._command(self._patients[one["patient_id"]], f"{path}/cancel", {"reason": "not needed"})
        start = self._now + self._chance.randrange(24, 24 * self._days) * HOUR
        doctor, patient = self._chance.choice([*self._doctors]), self._chance.choice([*self._patients.values()])
        body = {"doctor_id": doctor, "start": start.isoformat(), "reason": "a reason"}
        return self._command(patient, "/v1/appointments", body)

    def _command(self, who: Person, path: str, body: Mapping[str, Any]) -> Asked:
        return Asked(who, path, body, f"{self._number}-{len(self.asked)}")
