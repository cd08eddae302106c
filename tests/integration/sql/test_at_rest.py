"""What must not be read at rest cannot be read there, and errors do not tell it."""

from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from adapters.sql import migrate, open_sql
from adapters.sql.engine import parse_url
from adapters.sql.tables import METADATA, PERSONS
from adapters.sql.transactions import Database
from integration.sql.journey import BLOCKED, REASON, a_day
from telemed_core.ports.services import Sealing
from telemed_core.testing.builders import a_doctor, a_patient

SECRETS = [a_doctor().cpf.digits, a_patient().cpf.digits, REASON, BLOCKED]


def check(kept: bytes) -> None:
    assert a_patient().name.encode() in kept, "a name is not kept from those who have the file: this would find it"
    assert [secret for secret in SECRETS if secret.encode() in kept] == []


def test_a_sqlite_file_holds_no_cpf_and_no_text(tmp_path: Path, sealing: Sealing) -> None:
    stores = open_sql(f"sqlite:///{tmp_path / 'telemed.db'}", sealing=sealing)
    a_day(stores)
    check(b"".join(file.read_bytes() for file in tmp_path.iterdir()))
    stores.close()
    check(b"".join(file.read_bytes() for file in tmp_path.iterdir()))


def test_postgres_holds_no_cpf_and_no_text(fresh_postgres_url: str, sealing: Sealing) -> None:
    stores = open_sql(fresh_postgres_url, sealing=sealing)
    a_day(stores)
    stores.close()
    with psycopg.connect(fresh_postgres_url) as connection:
        tables = [connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in METADATA.tables]
    check(repr(tables).encode())


def test_a_bug_is_not_swallowed_and_its_error_tells_no_values(url: str) -> None:
    migrate(url)
    database = Database(parse_url(url), pool_size=1, patience=timedelta(seconds=2))
    row = {"cpf_index": "marker-one", "id": "marker-two"}
    database.write(lambda connection: connection.execute(insert(PERSONS), row))
    with pytest.raises(IntegrityError) as caught:
        database.write(lambda connection: connection.execute(insert(PERSONS), row))
    assert "marker-two" not in str(caught.value)
    database.close()
