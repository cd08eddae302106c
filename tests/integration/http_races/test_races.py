"""Requests that want the same thing at the same time: one gets it, and the rest are told so."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial

import pytest

from integration.http.people import Person
from integration.http.server import Answer, Installation, Server
from integration.http_races.conftest import HOUR, NOW, Clinic, all_at_once, assert_clean, opened

REQUESTS = 200
REPEATS = 20
SAME_KEY = 16
DAY = 24 * HOUR


@pytest.fixture(scope="module")
def clinic(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with Server(installation, logs=tmp_path_factory.mktemp("logs"), workers=4, at=NOW) as server:
        yield opened(server, doctors=2, patients=REQUESTS)
        assert_clean(server)
        server.stop()


def book(patient: Person, doctor: Person, start: datetime, *, key: str | None = None) -> Answer:
    body = {"doctor_id": doctor.id, "start": start.isoformat()}
    return patient.client.post("/v1/appointments", body, key=key)


def outcomes(answers: list[Answer]) -> Counter[tuple[int, str]]:
    return Counter((answer.status, answer.code) for answer in answers)


def test_of_200_patients_who_ask_for_one_slot_at_once_one_gets_it(clinic: Clinic) -> None:
    doctor, *_ = clinic.doctors
    times: dict[str, tuple[float, float]] = {}

    def ask(patient: Person) -> Answer:
        begun = time.monotonic()
        answer = book(patient, doctor, NOW + DAY)
        times[patient.id] = begun, time.monotonic()
        return answer

    answers = all_at_once(
        *(partial(ask, patient) for patient in clinic.patients),
        ready=[patient.client.connect for patient in clinic.patients],
    )

    assert outcomes(answers) == {(201, ""): 1, (409, "slot_taken"): REQUESTS - 1}
    (won,) = (answer.json for answer in answers if answer.status == 201)
    assert [one["id"] for one in doctor.client.get("/v1/appointments").expect(200)["items"]] == [won["id"]]
    _, decided = times[won["patient_id"]]
    under_way = sum(begun < decided < ended for begun, ended in times.values())
    lasted = max(ended for _, ended in times.values()) - min(begun for begun, _ in times.values())
    print(f"{under_way} others were under way when the first was answered; all took {lasted:.2f} s")
    assert under_way > 10, "they did not come at the same time"


def test_one_patient_who_asks_two_doctors_for_one_time_gets_one(clinic: Clinic) -> None:
    for number, patient in enumerate(clinic.patients[:REPEATS]):
        answers = all_at_once(
            *(partial(book, patient, doctor, NOW + (2 + number) * DAY) for doctor in clinic.doctors),
            ready=[patient.client.connect] * 2,
        )

        assert outcomes(answers) == {(201, ""): 1, (409, "patient_busy"): 1}


def test_of_accept_refuse_and_cancel_one_decides(clinic: Clinic) -> None:
    doctor = clinic.doctors[0]
    seen = Counter[tuple[str, ...]]()
    for number, patient in enumerate(clinic.patients[REPEATS : 2 * REPEATS]):
        asked = book(patient, doctor, NOW + (25 + number) * DAY).expect(201)
        path = f"/v1/appointments/{asked['id']}"
        requests: list[Callable[[], Answer]] = [
            partial(doctor.client.post, f"{path}/accept", {"rev": 1}),
            partial(doctor.client.post, f"{path}/refuse", {}),
            partial(patient.client.post, f"{path}/cancel", {"reason": "not needed"}),
        ]

        answers = all_at_once(*requests, ready=[doctor.client.connect, doctor.client.connect, patient.client.connect])

        left = patient.client.get(path).expect(200)
        history = tuple(entry["event"] for entry in left["history"])
        # What the doctor has confirmed the patient may still cancel: then two came, one after the other.
        assert history[1:] in {("confirmed",), ("refused",), ("cancelled",), ("confirmed", "cancelled")}
        assert (left["status"], left["rev"]) == (history[-1], len(history))
        for name, answer in zip(("confirmed", "refused", "cancelled"), answers, strict=True):
            refused = (409, "invalid_transition")
            assert (answer.status, answer.code) == ((200, "") if name in history else refused)
        seen[history[1:]] += 1
    print(dict(seen))
    assert len(seen) > 1, "the same one was always first: it was no race"


def test_one_idempotency_key_sixteen_times_at_once_makes_one_appointment(clinic: Clinic) -> None:
    doctor = clinic.doctors[1]
    busy = 0
    for number, patient in enumerate(clinic.patients[2 * REPEATS : 3 * REPEATS]):
        ask = partial(book, patient, doctor, NOW + (25 + number) * DAY, key=f"key-{number}")

        answers = all_at_once(*[ask] * SAME_KEY, ready=[patient.client.connect] * SAME_KEY)

        assert outcomes(answers).keys() <= {(201, ""), (503, "busy")}
        made = [answer for answer in answers if answer.status == 201]
        assert sorted(answer.replayed for answer in made) == [False] + [True] * (len(made) - 1)
        assert all(answer.json == made[0].json for answer in made)
        assert all(answer.headers.get("retry-after") for answer in answers if answer.status == 503)
        listed = patient.client.get("/v1/appointments").expect(200)["items"]
        assert [one["id"] for one in listed if one["doctor_id"] == doctor.id] == [made[0].json["id"]]
        busy += SAME_KEY - len(made)
    print(f"{busy} of {REPEATS * SAME_KEY} were busy")
