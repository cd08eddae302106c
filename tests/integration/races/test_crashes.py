"""Writers that are killed: what they answered is there, and nothing is there twice."""

import json
import random
import time
from typing import Any

from integration.races.conftest import Shared
from scale import scaled
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.ids import AppointmentId

KILLS = scaled(60, ci=20)


def test_killed_writers_lose_nothing_that_was_answered_and_double_nothing(shared: Shared) -> None:
    doctors = [one.id for one in shared.doctors(3)]
    patients = [one.id for one in shared.patients(12)]
    chance = random.Random(20)
    told: dict[str, dict[str, Any]] = {}
    answered = 0
    for round_ in range(KILLS):
        process = shared.start("book_at_random", doctors=doctors, patients=patients, seed=round_)
        assert process.stdout
        assert json.loads(process.stdout.readline()) == {"ready": True}
        time.sleep(chance.uniform(0.02, 0.4))
        process.kill()
        output, _ = process.communicate(timeout=30)
        for line in output.splitlines():
            if line.endswith("}"):
                fact = json.loads(line)
                told[fact["id"]] = fact
                answered += 1
    print(f"{KILLS} kills, {answered} answers")
    assert answered > KILLS
    stored = {one: shared.stores.appointments.get(AppointmentId(one)) for one in told}
    for one, fact in told.items():
        assert (stored[one].rev, stored[one].status) >= (fact["rev"], ""), "what was answered is lost"
        history = stored[one].history or ()
        assert history[fact["rev"] - 1].seq == fact["rev"]
        assert Appointment.fold(history) == stored[one]
    shared.check_clean()
    live = shared.stores.appointments.list(doctors[0], limit=5000, now=shared.clinic.clock.now())
    assert live
