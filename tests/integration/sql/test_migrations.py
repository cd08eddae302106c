"""The revisions lead to the tables of this version, and any number of processes may take them at once."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import attrs
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, Integer, inspect, text

import adapters.sql.migrations
from adapters.sql import migrate, open_sql
from adapters.sql.engine import parse_url
from adapters.sql.tables import METADATA
from adapters.sql.transactions import Database
from integration.postgres import PostgresServer
from telemed_core.domain.ids import AppointmentId, SagaId
from telemed_core.domain.instants import EPOCH, TimeZone
from telemed_core.domain.sagas import Phase, Progress, SagaEntry, SagaStart
from telemed_core.domain.sessions import Credential
from telemed_core.domain.texts import Text, TextKey
from telemed_core.errors import LiveAppointmentsError, NotFoundError
from telemed_core.ports.services import Sealing
from telemed_core.saga.sagas import REGISTRY, SAGAS
from telemed_core.testing.builders import a_doctor, a_patient, a_reservation, a_session, an_administrator
from telemed_core.testing.contracts.ratings import a_rated
from telemed_core.testing.contracts.refusals import asking
from telemed_core.testing.contracts.signals import DOCTOR, entered, log_of
from telemed_core.testing.wiring import a_clinic

SRC = Path(__file__).parents[3] / "src"
PROCESSES = 4
ENDING = ("refuse", "expire", "cancel", "complete", "no_show")
MIGRATE = "import sys; from adapters.sql import migrate; sys.stdin.readline(); migrate(sys.argv[1])"


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new.db'}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.url(server.create(migrated=False))


def differences(url: str) -> list[object]:
    database = Database(parse_url(url), pool_size=1, patience=timedelta(seconds=2))

    def compare(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), METADATA))

    try:
        return database.read(compare)
    finally:
        database.close()


def test_the_migrated_tables_are_those_of_this_version(empty_url: str) -> None:
    migrate(empty_url)
    assert differences(empty_url) == []


def test_a_table_that_differs_is_seen_by_this_comparison(empty_url: str) -> None:
    migrate(empty_url)
    extra: Column[int] = Column("extra", Integer)
    METADATA.tables["quotas"].append_column(extra)
    try:
        assert len(differences(empty_url)) == 1
    finally:
        METADATA.tables["quotas"]._columns.remove(extra)
    assert differences(empty_url) == []


def test_the_newest_revision_is_the_one_this_version_stands_for() -> None:
    folder = Path(adapters.sql.migrations.__file__).parent
    assert ScriptDirectory(str(folder)).get_heads() == [adapters.sql.migrations.HEAD]


def test_migrating_again_changes_nothing(empty_url: str) -> None:
    migrate(empty_url)
    database = Database(parse_url(empty_url), pool_size=1, patience=timedelta(seconds=2))
    database.write(lambda connection: connection.execute(text("INSERT INTO persons VALUES ('index', 'person')")))
    migrate(empty_url)
    assert database.read(lambda connection: connection.scalar(text("SELECT id FROM persons"))) == "person"
    database.close()


def test_what_the_first_version_kept_is_read_and_used_by_this_one(url: str, sealing: Sealing) -> None:
    stores = open_sql(url, sealing=sealing)
    clinic = a_clinic(stores)
    doctor, patient = clinic.doctor(), clinic.patient()
    administrator = an_administrator()
    stores.accounts.reserve(a_reservation(administrator))
    stores.accounts.add(administrator)
    stores.credentials.put(patient.id, "hash")
    asked = clinic.request_appointment(doctor_id=doctor.id, start=clinic.noon(), patient=patient)
    stores.close()
    take_back(url, to="0001")

    stores = open_sql(url, sealing=sealing)
    undated = attrs.evolve(doctor, registered_at=EPOCH)
    assert [stores.accounts.get(one.id) for one in (doctor, patient, administrator)] == [
        undated,
        patient,
        administrator,
    ]
    assert list(stores.doctors.queue(status=doctor.status, limit=9)) == [undated]
    assert stores.appointments.get(asked.id) == asked
    assert stores.credentials.get(patient.id) == Credential("hash", 1)
    session = a_session(account_id=patient.id)
    stores.sessions.add(session, now=clinic.clock.now())
    assert stores.sessions.account_of(session.id, patient.id) == patient
    stores.accounts.update(undated, attrs.evolve(undated, rev=undated.rev + 1, name="Íris Sá"))
    stores.accounts.update(administrator, attrs.evolve(administrator, rev=2, time_zone=TimeZone("UTC")))
    with pytest.raises(NotFoundError):
        stores.doctors.verified(doctor.id, doctor.rev)
    with pytest.raises(LiveAppointmentsError):
        stores.accounts.close(patient.close(now=clinic.clock.now()))
    stores.close()
    assert differences(url) == []


def take_back(url: str, *, to: str) -> None:
    """Make the database what it was at that revision, with the profiles as they were written then."""
    config = Config()
    config.set_main_option("script_location", str(Path(adapters.sql.migrations.__file__).parent))
    database = Database(parse_url(url), pool_size=1, patience=timedelta(seconds=2))

    def downgrade(connection: Connection) -> None:
        config.attributes["connection"] = connection
        command.downgrade(config, to)
        if to == "0001":
            _forget_what_profiles_say_since(connection)

    database.write(downgrade)
    assert database.read(lambda connection: connection.scalar(text("SELECT version_num FROM alembic_version"))) == to
    tables = database.read(lambda connection: inspect(connection).get_table_names())
    found = [name in tables for name in ("sessions", "notices", "signals", "ratings")]
    assert found == [to in {"0002", "0003"}, to == "0003", False, False]
    database.close()


def _forget_what_profiles_say_since(connection: Connection) -> None:
    for account_id, role, profile in connection.execute(text("SELECT id, role, profile FROM accounts")).all():
        new = {"doctor": "registered_at", "patient": "closed_at", "administrator": "rev"}[role]
        written = json.loads(profile)
        del written[new]
        connection.execute(
            text("UPDATE accounts SET profile = :profile WHERE id = :id"),
            {"id": account_id, "profile": json.dumps(written)},
        )


def earlier_sagas(url: str) -> dict[str, bool]:
    """Which sagas an earlier version has, and whether each is open."""
    database = Database(parse_url(url), pool_size=1, patience=timedelta(seconds=2))
    rows = database.read(lambda connection: connection.execute(text("SELECT id, open FROM sagas")).all())
    database.close()
    return {saga_id: bool(is_open) for saga_id, is_open in rows}


def test_what_the_version_before_has_begun_is_carried_on_and_nobody_is_told_of_the_past(
    url: str, sealing: Sealing
) -> None:
    stores = open_sql(url, sealing=sealing)
    clinic = a_clinic(stores)
    doctor, patient, leaving = clinic.doctor(), clinic.patient(), clinic.patient(2)
    asked = clinic.request_appointment(doctor_id=doctor.id, start=clinic.noon(), patient=patient)
    accepted = clinic.accept_appointment(appointment_id=asked.id, rev=1, doctor=doctor)
    closure = leaving.close(now=clinic.clock.now())
    stores.accounts.close(closure)
    unfinished = {one.id: a_reservation(one) for one in (a_patient(3), a_doctor(4), an_administrator(5))}
    for reservation in unfinished.values():
        stores.accounts.reserve(reservation)
    stores.close()
    take_back(url, to="0002")
    begun = {f"{asked.id}.1", f"{asked.id}.2", f"{doctor.id}.2", closure.saga.id, *(f"{one}.0" for one in unfinished)}
    assert earlier_sagas(url) == dict.fromkeys(begun, True) | dict.fromkeys(
        (f"{one.id}.0" for one in (doctor, patient, leaving)), False
    )

    stores = open_sql(url, sealing=sealing)
    log = stores.sagas
    carried_on = {row.id: row for row in log.list(phases=[Phase.FORWARD], limit=99)}
    assert carried_on.keys() == {closure.saga.id, *(one.saga.id for one in unfinished.values())}
    first = {saga.name: saga for saga in SAGAS if saga.version == 1}
    for start in (closure.saga, *(one.saga for one in unfinished.values())):
        assert carried_on[start.id] == attrs.evolve(first[start.name].begin(start, at=EPOCH), due_at=EPOCH)
    assert len(log.list(phases=[Phase.COMPLETED], limit=99)) == len(begun) + 3 - len(carried_on)
    assert (log.published(asked.id), log.published(doctor.id)) == (accepted.rev, doctor.rev)

    clinic = a_clinic(stores, clinic.clock, clinic.ids)
    while clinic.run_sagas():
        pass
    assert log.list(phases=[Phase.FORWARD, Phase.RESOLVING, Phase.COMPENSATING, Phase.QUARANTINED], limit=9) == []
    assert {log.get(one.saga.id)[0].progress.phase for one in unfinished.values()} == {Phase.COMPENSATED}
    assert stores.patients.get(leaving.id) == closure.after.anonymised()
    assert list(stores.notices.log(limit=9)) == []
    clinic.patient(3)
    clinic.cancel_appointment(appointment_id=asked.id, actor=patient, reason="travelling")
    clinic.run_sagas()
    assert {one.event for one in stores.notices.log(limit=9)} == {f"{asked.id}.3"}
    stores.close()
    assert differences(url) == []


def test_the_version_before_finds_what_this_one_has_not_carried_on_yet(url: str, sealing: Sealing) -> None:
    stores = open_sql(url, sealing=sealing)
    clinic = a_clinic(stores)
    doctor, patient = clinic.doctor(), clinic.patient()
    asked = clinic.request_appointment(doctor_id=doctor.id, start=clinic.noon(3), patient=patient)
    while clinic.run_sagas() or clinic.deliver_notices():
        pass
    clinic.accept_appointment(appointment_id=asked.id, rev=1, doctor=doctor)
    start = SagaStart(SagaId(f"{asked.id}.2.24h"), "remind", asked.id, clinic.noon(2))
    row = stores.sagas.get(SagaId(f"{asked.id}.1"))[0]
    stores.sagas.append(SagaEntry(before=row, progress=row.progress, at=clinic.clock.now()), starting=[start])
    stores.credentials.put(patient.id, "hash")
    stores.credentials.remove(doctor.id)
    stores.close()
    take_back(url, to="0002")
    assert earlier_sagas(url) == {
        f"{doctor.id}.0": False,
        f"{patient.id}.0": False,
        f"{doctor.id}.2": False,
        f"{asked.id}.1": False,
        f"{asked.id}.2": True,
    }
    stores = open_sql(url, sealing=sealing)
    stores.credentials.put(doctor.id, "new hash")
    assert (stores.credentials.get(patient.id), stores.credentials.get(doctor.id)) == (
        Credential("hash", 1),
        Credential("new hash", 1),
    )
    stores.close()


def test_the_version_before_forgets_meetings_and_ratings_and_carries_on_without_their_steps(
    url: str, sealing: Sealing
) -> None:
    stores = open_sql(url, sealing=sealing)
    clinic = a_clinic(stores)
    doctor, patient = clinic.doctor(), clinic.patient()
    starts = [SagaStart(SagaId(name), name, doctor.id) for name in ENDING]
    log, row = stores.sagas, stores.sagas.get(SagaId(f"{doctor.id}.2"))[0]
    log.append(SagaEntry(before=row, progress=row.progress, at=clinic.clock.now()), starting=starts)
    ending = log.get(SagaId("cancel"))[0]
    for progress in (
        Progress(step=2, attempt=7, error="unavailable"),
        Progress(phase=Phase.QUARANTINED, step=2, attempt=9, error="unavailable", stuck_in=Phase.FORWARD),
    ):
        ending = log.append(SagaEntry(before=ending, progress=progress, at=clinic.clock.now()))
    told = log.get(SagaId("complete"))[0]
    log.append(SagaEntry(before=told, progress=Progress(phase=Phase.COMPLETED, step=3), at=clinic.clock.now()))
    rated, other = a_rated(1, doctor, comment="well"), Text(TextKey(AppointmentId("visit-1"), 1), "a cough")
    stores.ratings.add(rated, command=clinic.command())
    stores.appointments.apply(attrs.evolve(asking(clinic, doctor, patient), texts=(other,)), command=clinic.command())
    entered(stores, DOCTOR)
    stores.close()
    take_back(url, to="0003")

    stores = open_sql(url, sealing=sealing)
    found = {name: stores.sagas.get(SagaId(name))[0] for name in ENDING}
    assert {name: (one.progress, one.due_at is None) for name, one in found.items()} == {
        "refuse": (Progress(step=1), False),
        "expire": (Progress(step=1), False),
        "no_show": (Progress(step=1), False),
        "cancel": (Progress(phase=Phase.COMPLETED, step=2), True),
        "complete": (Progress(phase=Phase.COMPLETED, step=2), True),
    }
    known = [REGISTRY.find(row) for row in found.values()]
    assert [(saga.name, saga.version) for saga in known if saga is not None] == [(name, 1) for name in ENDING]
    assert (stores.ratings.sums([doctor.id]), log_of(stores)) == ({}, [])
    assert stores.ratings.add(rated, command=clinic.command()) == rated.rating
    written = stores.texts.read([other.key, *(one.key for one in rated.texts)])
    assert written == {other.key: other.body, **{one.key: one.body for one in rated.texts}}
    stores.close()
    assert differences(url) == []


def test_several_processes_migrate_at_once(empty_url: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", MIGRATE, empty_url],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(SRC)},
        )
        for _ in range(PROCESSES)
    ]
    errors = [process.communicate("go\n", timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * PROCESSES, errors
    assert differences(empty_url) == []


def test_a_sqlite_file_is_its_owners_alone_and_keeps_a_write_ahead_log(fresh_sqlite_url: str) -> None:
    migrate(fresh_sqlite_url)
    file = Path(fresh_sqlite_url.removeprefix("sqlite:///"))
    assert file.stat().st_mode & 0o777 == 0o600
    database = Database(parse_url(fresh_sqlite_url), pool_size=1, patience=timedelta(seconds=2))
    asked = ("journal_mode", "synchronous", "foreign_keys")
    found = [
        database.read(lambda connection, name=name: connection.exec_driver_sql(f"PRAGMA {name}").scalar())  # type: ignore[misc] # bound now
        for name in asked
    ]
    assert found == ["wal", 2, 1]
    database.close()
