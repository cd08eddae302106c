"""What requests, slots, sagas and starts of functions cost, beside floors, in one run: medians, spread."""

import base64
import tempfile
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

from dateutil.rrule import DAILY, rrule

from adapters.memory import open_memory
from adapters.sealing import open_sealing
from adapters.secret_files import new_secrets
from adapters.sql import open_sql
from benchmarks import cold_starts, dynamodb, sagas
from benchmarks.http import http_rows
from benchmarks.statements import bare_driver, core_statements
from integration.postgres import PostgresServer
from telemed_core.domain.availability import Availability
from telemed_core.domain.instants import Interval
from telemed_core.ports.storage import Stores
from telemed_core.testing.builders import an_agenda
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import a_clinic

KEYS = {"TELEMED_SECRET": "root", "TELEMED_PEPPER": "pepper", "TELEMED_DATA_KEY": "data_key"}
ROUNDS = 7
BATCH = 100


def cpu(run: Callable[[], object], times: int) -> list[float]:
    """CPU microseconds per call, of each round."""
    found = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        for _ in range(times):
            run()
        found.append((time.process_time() - begun) / times * 1e6)
    return found


def row(name: str, found: list[float], floor: list[float] | None = None) -> None:
    ratio = f"{median(found) / median(floor):8.2f}" if floor else "       –"
    print(f"{name:<58}{median(found):10.1f}{min(found):10.1f}{max(found):10.1f}{ratio}")


def booking(stores: Stores) -> list[float]:
    """Seconds of wall clock per request, times a million, by round."""
    clinic = a_clinic(stores)
    agenda = an_agenda(consultation=5, buffer=0, horizon=366)
    doctors = [clinic.doctor(number, agenda=agenda) for number in range(1, 3)]
    patients = [clinic.patient(number) for number in range(1, ROUNDS * BATCH // 3 + 2)]
    starts = iter(clinic.noon(2) + timedelta(minutes=5 * number) for number in range(ROUNDS * BATCH))
    found, number = [], 0
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for _ in range(BATCH):
            clinic.request_appointment(
                doctor_id=doctors[number % 2].id, start=next(starts), patient=patients[number // 3]
            )
            number += 1
        found.append((time.perf_counter() - begun) / BATCH * 1e6)
    return found


def beside_floors(name: str, make_url: Callable[[], str]) -> None:
    """A request of ours beside its statements, each on a database of its own."""
    sealing = open_sealing(pepper=b"p" * 32, data_key=b"d" * 32)
    floor = core_statements(make_url(), ROUNDS, BATCH)
    bare = bare_driver(make_url(), ROUNDS, BATCH)
    stores = open_sql(make_url(), sealing=sealing)
    try:
        ours = booking(stores)
    finally:
        stores.close()
    row(f"request on {name}", ours, floor)
    row("  its statements in SQLAlchemy Core", floor, floor)
    row("  its statements in the bare driver", bare, floor)


def slots(days: int) -> None:
    zone = ZoneInfo("America/Sao_Paulo")
    agenda = an_agenda("08:00-12:00", "14:00-18:00", time_zone="America/Sao_Paulo", horizon=366)
    clinic = a_clinic(open_memory(), SettableClock(datetime.fromisoformat("2026-06-01T00:00:00+00:00")))
    doctor = clinic.doctor(agenda=agenda)
    schedule = clinic.stores.schedules.of(doctor.id)
    within = Interval.lasting(clinic.clock.now(), timedelta(days=days))
    Availability.of(agenda)

    def with_zoneinfo() -> list[datetime]:
        first = date(2026, 6, 1)
        return [
            datetime(day.year, day.month, day.day, hour, tzinfo=zone).astimezone(ZoneInfo("UTC"))
            for day in (first + timedelta(days=number) for number in range(days))
            for hour in (8, 9, 10, 11, 14, 15, 16, 17)
        ]

    def with_dateutil() -> list[datetime]:
        return list(rrule(DAILY, dtstart=datetime(2026, 6, 1, tzinfo=zone), count=days * 8, byhour=range(8, 16)))

    floor = cpu(with_zoneinfo, 20)
    row(
        f"slots of {days} days: ours, bits and starts",
        cpu(lambda: schedule.slots(within, now=within.start).starts(), 50),
        floor,
    )
    row(f"slots of {days} days: zoneinfo, starts alone", floor, floor)
    row(f"slots of {days} days: dateutil.rrule, starts alone", cpu(with_dateutil, 5), floor)


def over_http(server: PostgresServer) -> None:
    secrets = new_secrets({})
    assert secrets.issuer_key is not None
    keys = {name: base64.b64encode(getattr(secrets, of)).decode() for name, of in KEYS.items()}
    postgres = {"TELEMED_DATABASE_URL": server.url(server.create()), "TELEMED_ISSUER_KEY": secrets.issuer_key.decode()}
    with tempfile.TemporaryDirectory() as folder:
        http_rows(
            row,
            {
                "memory": {"TELEMED_PROFILE": "memory"},
                "SQLite (WAL, FULL)": {"TELEMED_DATA": folder},
                "Postgres (durable)": postgres | keys,
            },
        )


def main() -> None:
    print(f"{'microseconds':<58}{'median':>10}{'least':>10}{'most':>10}{'ratio':>8}")
    row("request on memory", booking(open_memory()))
    with tempfile.TemporaryDirectory() as folder:
        numbers = count()
        beside_floors("SQLite (WAL, FULL)", lambda: f"sqlite:///{Path(folder) / f'{next(numbers)}.db'}")
    with PostgresServer(durable=True) as server:
        beside_floors(
            "Postgres (durable)",
            lambda: server.url(server.create(migrated=False)).replace("postgresql:", "postgresql+psycopg:"),
        )
        over_http(server)
    for days in (30, 60):
        slots(days)
    dynamodb.main(row)
    cold_starts.main(row)
    sagas.main()


if __name__ == "__main__":
    main()
