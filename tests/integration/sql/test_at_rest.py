"""What must not be read at rest cannot be read there, and errors do not tell it."""

from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from adapters.sql import migrate, open_sql
from adapters.sql.engine import parse_url
from adapters.sql.tables import ATTEMPTS, METADATA, PERSONS, SESSIONS
from adapters.sql.transactions import Database
from integration.sql.journey import BLOCKED, COMMENT, FEED, MENDED, OFFERED, REASON, a_day
from telemed_core.application.signing_in import Guard, SignIn
from telemed_core.domain.accounts import parse_login
from telemed_core.domain.people import Role
from telemed_core.errors import InvalidCredentialsError
from telemed_core.ports.services import Sealing
from telemed_core.testing.builders import a_doctor, a_password, a_patient
from telemed_core.testing.wiring import a_clinic

SECRETS = [a_doctor().cpf.digits, a_patient().cpf.digits, REASON, BLOCKED, MENDED, FEED, OFFERED, COMMENT]


def check(kept: bytes) -> None:
    assert a_patient().name.encode() in kept, "a name is not kept from those who have the file: this would find it"
    assert [secret for secret in SECRETS if secret.encode() in kept] == []


def test_a_sqlite_file_holds_no_cpf_no_text_and_no_secret(tmp_path: Path, sealing: Sealing) -> None:
    stores = open_sql(f"sqlite:///{tmp_path / 'telemed.db'}", sealing=sealing)
    a_day(stores)
    check(b"".join(file.read_bytes() for file in tmp_path.iterdir()))
    stores.close()
    check(b"".join(file.read_bytes() for file in tmp_path.iterdir()))


def test_postgres_holds_no_cpf_no_text_and_no_secret(fresh_postgres_url: str, sealing: Sealing) -> None:
    stores = open_sql(fresh_postgres_url, sealing=sealing)
    a_day(stores)
    stores.close()
    with psycopg.connect(fresh_postgres_url) as connection:
        tables = [connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in METADATA.tables]
    check(repr(tables).encode())


def test_sessions_and_wrong_passwords_tell_nobody(url: str, sealing: Sealing) -> None:
    stores = open_sql(url, sealing=sealing)
    clinic = a_clinic(stores)
    doctor, patient, address = clinic.doctor(), clinic.patient(), "203.0.113.7"
    guard = Guard(stores.attempts, sealing)
    sign_in = SignIn(stores.accounts, clinic.identity, guard, clinic.clock)
    logins = [str(doctor.crm), patient.cpf.digits, patient.email.address, "stranger@example.com", "no login at all"]
    for login in logins:
        with pytest.raises(InvalidCredentialsError):
            sign_in(login=login, password="a wrong password", address=address)
    clinic.identity.create(doctor.id, a_password(), role=Role.PATIENT)
    sign_in(login=str(doctor.crm), password=a_password().secret, address=address)
    database = Database(parse_url(url), pool_size=1, patience=timedelta(seconds=2))
    kept = repr(
        database.read(lambda connection: [connection.execute(select(one)).all() for one in (SESSIONS, ATTEMPTS)])
    )
    assert doctor.id in kept, "what is kept of a session: this would find the rest"
    assert len(stores.attempts.read([guard.key_of_login(parse_login(login)) for login in logins[1:4]])) == 3
    secrets = [*logins, address, doctor.name, patient.name, doctor.email.address, doctor.cpf.digits, "wrong"]
    assert [secret for secret in secrets if secret in kept] == []
    database.close()
    stores.close()


def test_a_bug_is_not_swallowed_and_its_error_tells_no_values(url: str) -> None:
    migrate(url)
    database = Database(parse_url(url), pool_size=1, patience=timedelta(seconds=2))
    row = {"cpf_index": "marker-one", "id": "marker-two"}
    database.write(lambda connection: connection.execute(insert(PERSONS), row))
    with pytest.raises(IntegrityError) as caught:
        database.write(lambda connection: connection.execute(insert(PERSONS), row))
    assert "marker-two" not in str(caught.value)
    database.close()
