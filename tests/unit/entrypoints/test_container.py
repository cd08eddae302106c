"""The composition root: every use case over the chosen adapters, each made once, and nothing loaded in vain."""

import base64
import os
import pkgutil
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from adapters.memory import open_memory
from entrypoints import container as container_module
from entrypoints.container import Container, open_container, travelling_clock
from entrypoints.settings import load_settings
from telemed_core import application
from telemed_core.domain.instants import TimeZone
from telemed_core.domain.status import Status
from telemed_core.testing.builders import a_password, an_email
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import a_clinic

SRC = Path(container_module.__file__).parents[1]
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
KEY = base64.b64encode(b"k" * 32).decode()


def on_memory() -> Container:
    return open_container(load_settings({"TELEMED_PROFILE": "memory"}))


def use_cases() -> Iterator[type]:
    for found in pkgutil.iter_modules(application.__path__):
        module = import_module(f"{application.__name__}.{found.name}")
        for part in vars(module).values():
            if isinstance(part, type) and part.__module__ == module.__name__ and "__call__" in vars(part):
                yield part


def snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


@pytest.mark.parametrize("use_case", list(use_cases()), ids=lambda use_case: use_case.__name__)
def test_every_use_case_is_provided_by_its_name(use_case: type) -> None:
    assert type(on_memory().providers[snake_case(use_case.__name__)]()) is use_case


def test_each_part_is_made_once_whichever_thread_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    gate = threading.Barrier(8)

    def slowly(*_: Any) -> Any:
        made.append(threading.current_thread())
        threading.Event().wait(0.02)
        return open_memory()

    monkeypatch.setattr("adapters.memory.open_memory", slowly)
    container = on_memory()

    def first(_: int) -> Any:
        gate.wait()
        return container.request_appointment()

    with ThreadPoolExecutor(8) as pool:
        assert len({id(one) for one in pool.map(first, range(8))}) == 1
    assert len(made) == 1


def test_every_port_is_one_of_the_stores() -> None:
    container = on_memory()
    stores = container.stores()
    for port in (
        "accounts",
        "doctors",
        "patients",
        "schedules",
        "appointments",
        "receipts",
        "texts",
        "ledger",
        "credentials",
    ):
        assert container.providers[port]() is getattr(stores, port)


def test_two_containers_of_the_memory_profile_share_nothing() -> None:
    assert on_memory().stores() is not on_memory().stores()


def test_the_clock_starts_where_the_settings_say_and_a_clock_handed_in_takes_its_place() -> None:
    settings = load_settings({"TELEMED_PROFILE": "memory"}, at=NOON)
    assert NOON <= open_container(settings).clock().now() < NOON + timedelta(minutes=1)
    clock = SettableClock(NOON - timedelta(days=1))
    container = open_container(settings, clock=clock)
    assert container.clock() is clock
    assert container.list_slots()._clock is clock


def test_without_a_start_the_clock_is_the_machines() -> None:
    before = datetime.now(UTC)
    assert before <= on_memory().clock().now() <= datetime.now(UTC)


def test_a_clock_to_travel_with_stands_still() -> None:
    clock = travelling_clock(NOON)
    clock.travel(timedelta(hours=1))
    assert clock.now() == clock.now() == NOON + timedelta(hours=1)


def test_passwords_are_kept_in_the_stores_that_the_container_opened() -> None:
    container = on_memory()
    made = container.create_administrator()(email=an_email(), password=a_password(), time_zone=TimeZone("UTC"))
    assert container.credentials().get(made.id)
    assert container.identity().check(made.id, a_password())


def test_the_memory_profile_makes_secrets_of_its_own() -> None:
    assert on_memory().secrets() != on_memory().secrets()
    configured = load_settings({"TELEMED_PROFILE": "memory", "TELEMED_PEPPER": KEY})
    assert open_container(configured).secrets().pepper == b"k" * 32


def test_the_memory_profile_loads_no_technology_before_a_password_is_made() -> None:
    script = """
import sys
from entrypoints.container import open_container
from entrypoints.settings import load_settings
from telemed_core.domain.instants import TimeZone
from telemed_core.testing.builders import a_password, an_email
TECHNOLOGIES = {"sqlalchemy", "alembic", "psycopg", "cryptography", "argon2", "zxcvbn", "boto3", "botocore"}
def loaded():
    return " ".join(sorted(TECHNOLOGIES & set(sys.modules))) or "nothing"
container = open_container(load_settings({"TELEMED_PROFILE": "memory"}))
container.request_appointment(), container.sweep(), container.list_doctors()(limit=1), container.clock().now()
print(loaded())
container.create_administrator()(email=an_email(), password=a_password(), time_zone=TimeZone("UTC"))
container.close()
print(loaded())
"""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SRC)}
    told = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.splitlines() == ["nothing", "argon2 cryptography zxcvbn"]


def test_an_appointment_is_requested_accepted_and_swept_by_parts_that_fit_together() -> None:
    clock = SettableClock(NOON)
    container = open_container(load_settings({"TELEMED_PROFILE": "memory"}), clock=clock)
    clinic = a_clinic(container.stores(), clock)
    doctor, patient = clinic.doctor(), clinic.patient()
    first, second = (
        container.request_appointment()(doctor_id=doctor.id, start=clinic.noon(days), patient=patient)
        for days in (2, 3)
    )
    container.accept_appointment()(appointment_id=first.id, rev=first.rev, doctor=doctor)
    clock.advance(timedelta(days=30))
    assert container.sweep()().settled == 2
    seen = container.list_appointments()(actor=doctor, limit=10)
    assert [(one.id, one.status) for one in seen] == [(first.id, Status.NO_SHOW), (second.id, Status.EXPIRED)]
    assert list(container.verify_ledger()()) == []
