"""The composition root: every use case over the chosen adapters, each made once, and nothing loaded in vain."""

import base64
import os
import pkgutil
import re
import stat
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

import adapters.sql
from adapters.memory import open_memory
from adapters.secret_files import Secrets
from entrypoints import container as container_module
from entrypoints.container import Container, open_container, travelling_clock
from entrypoints.settings import SettingsError, load_settings
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
    assert told.stdout.splitlines() == ["nothing", "argon2 zxcvbn"]


@pytest.fixture
def stores_of_sql(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Every opening of the SQL stores, which are memory's here."""
    opened: list[dict[str, Any]] = []

    def open_sql(url: str, **rest: Any) -> Any:
        opened.append({"url": url, "closed": 0, **rest})
        stores = open_memory()
        object.__setattr__(stores, "close", lambda: opened[-1].update(closed=opened[-1]["closed"] + 1))
        return stores

    monkeypatch.setattr(adapters.sql, "open_sql", open_sql)
    return opened


def test_the_local_profile_opens_a_migrated_file_in_its_own_private_folder(
    tmp_path: Path, stores_of_sql: list[dict[str, Any]]
) -> None:
    data = tmp_path / "new" / "clinic"
    container = open_container(load_settings({}, data=data))
    container.request_appointment()
    (opened,) = stores_of_sql
    assert (opened["url"], opened["migrate"]) == (f"sqlite:///{data}/telemed.db", True)
    assert opened["sealing"] is container.sealing()
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert sorted(path.name for path in (data / "secrets").iterdir()) == ["data_key", "issuer_key", "pepper", "secret"]


def test_texts_are_sealed_under_the_keys_of_the_folder_and_the_previous_one_is_accepted(
    tmp_path: Path, stores_of_sql: list[dict[str, Any]]
) -> None:
    first = open_container(load_settings({}, data=tmp_path))
    sealed = first.sealing().seal("a cough", context="here")
    before = (tmp_path / "secrets" / "data_key").read_text()
    rotating = {"TELEMED_DATA_KEY": KEY, "TELEMED_DATA_KEY_PREVIOUS": before}
    second = open_container(load_settings(rotating, data=tmp_path))
    assert second.sealing().unseal(sealed, context="here") == "a cough"
    assert second.sealing().index("space", "value") == first.sealing().index("space", "value")


def test_closing_closes_what_was_opened_and_nothing_else(tmp_path: Path, stores_of_sql: list[dict[str, Any]]) -> None:
    open_container(load_settings({}, data=tmp_path)).close()
    assert stores_of_sql == []
    container = open_container(load_settings({}, data=tmp_path))
    container.stores()
    container.close()
    container.close()
    assert [opened["closed"] for opened in stores_of_sql] == [1]


def test_a_folder_with_a_database_and_without_a_secret_is_refused_by_its_path(
    tmp_path: Path, stores_of_sql: list[dict[str, Any]]
) -> None:
    (tmp_path / "telemed.db").touch()
    with pytest.raises(SettingsError) as refused:
        open_container(load_settings({}, data=tmp_path)).stores()
    assert str(refused.value).startswith(f"{tmp_path}/secrets/secret is missing")
    assert stores_of_sql == []
    assert list((tmp_path / "secrets").iterdir()) == []


def test_data_are_where_the_address_says(tmp_path: Path, stores_of_sql: list[dict[str, Any]]) -> None:
    elsewhere = tmp_path / "elsewhere.db"
    elsewhere.touch()
    with pytest.raises(SettingsError, match="secret is missing"):
        open_container(
            load_settings({"TELEMED_DATABASE_URL": f"sqlite:///{elsewhere}"}, data=tmp_path / "new")
        ).stores()


def test_a_malformed_secret_is_named_by_its_variable_or_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        open_container(load_settings({"TELEMED_DATA_KEY": "short"}, data=tmp_path)).secrets()
    assert str(refused.value) == "TELEMED_DATA_KEY must be 32 bytes in base64"
    (tmp_path / "secrets" / "pepper").write_text("short")
    with pytest.raises(SettingsError) as refused:
        open_container(load_settings({}, data=tmp_path)).secrets()
    assert str(refused.value) == f"{tmp_path}/secrets/pepper must be 32 bytes in base64"


def test_secrets_that_others_may_read_are_refused_by_their_folder(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir(0o755)
    with pytest.raises(SettingsError) as refused:
        open_container(load_settings({}, data=tmp_path)).secrets()
    assert str(refused.value) == f"{tmp_path}/secrets is open to others: chmod 700 it"


def test_a_data_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    for data in (tmp_path / "taken", tmp_path / "taken" / "below"):
        with pytest.raises(SettingsError, match="TELEMED_DATA cannot be used as a folder: "):
            open_container(load_settings({}, data=data)).stores()


def test_with_a_server_nothing_is_written_beside_it(
    tmp_path: Path, stores_of_sql: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = dict.fromkeys(("TELEMED_SECRET", "TELEMED_PEPPER", "TELEMED_DATA_KEY"), KEY)
    issuer = {"TELEMED_ISSUER_KEY": on_memory().secrets().issuer_key.decode()}
    settings = load_settings(
        {"TELEMED_DATABASE_URL": "postgresql://db/telemed"} | keys | issuer, data=tmp_path / "data"
    )
    container = open_container(settings)
    container.stores()
    assert isinstance(container.secrets(), Secrets)
    assert [opened["url"] for opened in stores_of_sql] == ["postgresql://db/telemed"]
    assert not (tmp_path / "data").exists()


def test_an_address_that_the_database_adapter_refuses_is_named(tmp_path: Path) -> None:
    keys = dict.fromkeys(("TELEMED_SECRET", "TELEMED_PEPPER", "TELEMED_DATA_KEY"), KEY)
    issuer = {"TELEMED_ISSUER_KEY": on_memory().secrets().issuer_key.decode()}
    settings = load_settings({"TELEMED_DATABASE_URL": "postgresql://db:port/telemed"} | keys | issuer, data=tmp_path)
    with pytest.raises(SettingsError, match="TELEMED_DATABASE_URL "):
        open_container(settings).stores()


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
