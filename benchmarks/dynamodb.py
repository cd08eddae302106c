"""Booking and slots on DynamoDB, beside the same items sent or read by a bare boto3 client: CPU, rounds in turn."""

import gc
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import count
from typing import Any, Final

import boto3

from adapters.aws.calling import Call, open_call
from adapters.dynamodb.access import Dynamo
from adapters.dynamodb.opening import open_dynamodb
from adapters.dynamodb.tables import Tables
from adapters.memory import open_memory
from adapters.sealing import open_sealing
from integration.emulator.ministack import CREDENTIALS, REGION, Ministack
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import SessionId
from telemed_core.domain.instants import Interval
from telemed_core.domain.patient import Patient
from telemed_core.domain.sessions import Session
from telemed_core.testing.builders import MONDAY, an_agenda
from telemed_core.testing.doubles import SeededIds, SettableClock
from telemed_core.testing.wiring import Clinic

ROUNDS: Final = 9
BATCH: Final = 40
WARMING: Final = 10
BOOKED_BY_EACH: Final = 3
DAYS: Final = 30
BOOKED_EACH_DAY: Final = 8

OURS: Final = "ours-"
BARE: Final = "bare-"


class Recording:
    """A ``Call`` that counts what it is asked for, and keeps the requests of one operation."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self.sent: Counter[str] = Counter()
        self.kept: list[Mapping[str, Any]] = []

    def __call__(self, operation: str, request: Mapping[str, Any], /) -> Mapping[str, Any]:
        self.sent[operation] += 1
        self.kept.append(request)
        return self._call(operation, request)

    def taken(self) -> str:
        """What was asked for since this was asked last."""
        told = ", ".join(f"{times} {operation}" for operation, times in sorted(self.sent.items()))
        self.sent.clear()
        return told


def main(row: Callable[..., None]) -> None:
    """Print the rows.

    Args:
        row: prints a name, the figures of rounds, and their ratio to those of the floor.
    """
    use_the_emulator_only()
    with Ministack() as emulator:
        call = open_call("dynamodb", region=REGION, endpoint_url=emulator.endpoint_url, connections=1)
        bare = boto3.client("dynamodb", region_name=REGION, endpoint_url=emulator.endpoint_url)
        _book(row, call, bare)
        _look(row, call, bare)


def use_the_emulator_only() -> None:
    """Let botocore of this process look for credentials and regions nowhere else."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        os.environ.pop(name, None)
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    os.environ.update(CREDENTIALS | nowhere | {"AWS_EC2_METADATA_DISABLED": "true"})


def _clinic(call: Call, prefix: str) -> Clinic:
    """A clinic in new tables; with the same people and ids under each prefix."""
    tables = Tables.named(prefix)
    for table in tables.all:
        call("CreateTable", table.creation())
    sealing = open_sealing(pepper=b"p" * 32, data_key=b"d" * 32)
    stores = open_dynamodb(Dynamo(call, tables), sealing=sealing, notices=open_memory().notices)
    return Clinic(stores, SettableClock(MONDAY), SeededIds(), most_pending=1000)


def _book(row: Callable[..., None], call: Call, bare: Any) -> None:
    bookings = ROUNDS * BATCH + WARMING
    recording = Recording(call)
    clinic, _ = _peopled(recording, OURS, bookings), _peopled(call, BARE, bookings)
    doctor, patients = clinic
    recording.kept.clear()
    request, starts = doctor[0].request_appointment, _starts(doctor[0], bookings)

    def book() -> None:
        number, start = next(starts)
        request(doctor_id=doctor[1].id, start=start, patient=patients[number // BOOKED_BY_EACH])

    def send() -> None:
        bare.transact_write_items(**waiting.pop(0))

    waiting: list[Any] = []
    found: dict[str, list[float]] = {"ours": [], "bare": []}
    trips = ""
    for times in (WARMING, *[BATCH] * ROUNDS):
        recording.taken()
        ours = cpu(book, times)
        trips = recording.taken()
        # The same transactions, to tables in which nothing has been booked at these times.
        waiting[:] = [_elsewhere(one) for one in recording.kept if "TransactItems" in one]
        recording.kept.clear()
        assert len(waiting) == times
        theirs = cpu(send, times)
        if times == BATCH:
            found["ours"].append(ours)
            found["bare"].append(theirs)
    row("DynamoDB: request an appointment, the use case", found["ours"], found["bare"])
    row("  its TransactWriteItems by a bare boto3 client", found["bare"], found["bare"])
    print(f"  round trips of {BATCH} requests: {trips}")


def _peopled(call: Call, prefix: str, bookings: int) -> tuple[tuple[Clinic, Doctor], list[Patient]]:
    clinic = _clinic(call, prefix)
    doctor = clinic.doctor(1, agenda=an_agenda(consultation=5, buffer=0, horizon=366))
    return (clinic, doctor), [clinic.patient(number) for number in range(1, bookings // BOOKED_BY_EACH + 2)]


def _starts(clinic: Clinic, bookings: int) -> Iterator[Any]:
    return enumerate(clinic.noon(2) + timedelta(minutes=5 * number) for number in range(bookings))


def _elsewhere(request: Any) -> Any:
    """The same request to the other tables, under another token."""
    if isinstance(request, dict):
        changed = {name: _elsewhere(part) for name, part in request.items()}
        if "TableName" in request:
            changed["TableName"] = request["TableName"].replace(OURS, BARE)
        if "ClientRequestToken" in request:
            changed["ClientRequestToken"] = request["ClientRequestToken"][::-1]
        return changed
    return [_elsewhere(part) for part in request] if isinstance(request, list) else request


def _look(row: Callable[..., None], call: Call, bare: Any) -> None:
    recording = Recording(call)
    clinic = _clinic(recording, "look-")
    agenda = an_agenda("08:00-12:00", "14:00-18:00", consultation=25, buffer=5, horizon=366)
    doctor, viewer = clinic.doctor(1, agenda=agenda), clinic.doctor(2)
    patients = _book_days(clinic, doctor)
    within = Interval.lasting(clinic.clock.now() + timedelta(days=1), timedelta(days=DAYS))
    session = _signed_in(clinic, patients[0])

    def slots(who: Doctor | Patient) -> Callable[[], object]:
        return lambda: clinic.list_slots(doctor_id=doctor.id, within=within, viewer=who)[1].starts()

    recording.kept.clear()
    clinic.stores.appointments.busy(doctor.person_id, within, now=clinic.clock.now())
    days = next(one for one in recording.kept if "KeyConditionExpression" in one)
    recording.kept.clear()
    clinic.stores.sessions.account_of(session, patients[0].id)
    three = recording.kept[-1]
    runs: dict[str, Callable[[], object]] = {
        "query": lambda: bare.query(**days),
        "slots": slots(viewer),
        "for a patient": slots(patients[0]),
        "batch": lambda: bare.batch_get_item(**three),
        "account": lambda: clinic.stores.sessions.account_of(session, patients[0].id),
    }
    trips: dict[str, str] = {}
    for name, run in runs.items():
        recording.taken()
        run()
        trips[name] = recording.taken()
    found = interleaved(runs)
    row(f"DynamoDB: slots of {DAYS} days, the use case", found["slots"], found["query"])
    row("  for a patient, who is free too", found["for a patient"], found["query"])
    row("  one Query of the doctor's days by a bare boto3 client", found["query"], found["query"])
    row("DynamoDB: whose a session is", found["account"], found["batch"])
    row("  its BatchGetItem by a bare boto3 client", found["batch"], found["batch"])
    for name in ("slots", "for a patient", "account"):
        print(f"  round trips of {name}: {trips[name]}")


def _book_days(clinic: Clinic, doctor: Doctor) -> Sequence[Patient]:
    """Half of each day is taken, each patient having a few of the times."""
    numbers = count(1)
    patients: list[Patient] = []
    for day in range(1, DAYS + 1):
        for place in range(BOOKED_EACH_DAY):
            if place % BOOKED_BY_EACH == 0:
                patients.append(clinic.patient(next(numbers)))
            start = clinic.noon(day).replace(hour=8 + place // 2, minute=30 * (place % 2))
            clinic.request_appointment(doctor_id=doctor.id, start=start, patient=patients[-1])
    return patients


def _signed_in(clinic: Clinic, patient: Patient) -> SessionId:
    clinic.stores.credentials.put(patient.id, "a hash")
    credential = clinic.stores.credentials.get(patient.id)
    assert credential is not None
    now = clinic.clock.now()
    session = Session(
        id=SessionId("session"),
        account_id=patient.id,
        password_rev=credential.rev,
        generation=1,
        expires_at=now + timedelta(days=1),
    )
    clinic.stores.sessions.add(session, now=now)
    return session.id


def interleaved(runs: Mapping[str, Callable[[], object]]) -> dict[str, list[float]]:
    """CPU microseconds per call of each, by round, the rounds in turn."""
    for run in runs.values():
        cpu(run, WARMING)
    found: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            found[name].append(cpu(run, BATCH))
    return found


def cpu(run: Callable[[], object], times: int) -> float:
    """CPU microseconds per call."""
    gc.collect()
    begun = time.process_time()
    for _ in range(times):
        run()
    return (time.process_time() - begun) / times * 1e6
