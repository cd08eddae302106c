"""What stands in the table of sessions counts with the credential that stands in the other, at any moment."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import attrs
import psycopg
import pytest
from sqlalchemy import Executable, delete, select, update

from adapters.sql import open_sql
from adapters.sql.engine import parse_url
from adapters.sql.tables import CREDENTIALS, SESSIONS
from adapters.sql.transactions import Database
from telemed_core.domain.ids import AccountId
from telemed_core.errors import NotFoundError, StaleVersionError
from telemed_core.ports.services import Sealing
from telemed_core.testing.builders import MONDAY, a_session
from telemed_core.testing.contracts.sessions import signed_in
from telemed_core.testing.wiring import a_clinic

USER = AccountId("user-1")


def sessions_in(url: str) -> list[str]:
    database = Database(parse_url(url), pool_size=1, patience=timedelta(seconds=2))
    try:
        return [*database.read(lambda connection: connection.execute(select(SESSIONS.c.id)).scalars().all())]
    finally:
        database.close()


@pytest.mark.parametrize("change", [update(CREDENTIALS).values(rev=7), delete(CREDENTIALS)], ids=["raised", "gone"])
def test_a_credential_that_was_changed_by_hand_ends_what_it_opened(
    url: str, sealing: Sealing, change: Executable
) -> None:
    stores = open_sql(url, sealing=sealing)
    patient = a_clinic(stores).patient()
    session = signed_in(a_clinic(stores), patient.id, 1)
    assert stores.sessions.account_of(session.id, patient.id) == patient
    database = Database(parse_url(url), pool_size=1, patience=timedelta(seconds=2))
    database.write(lambda connection: connection.execute(change))
    database.close()
    with pytest.raises(NotFoundError):
        stores.sessions.get(session.id)
    with pytest.raises(NotFoundError):
        stores.sessions.account_of(session.id, patient.id)
    with pytest.raises(StaleVersionError):
        stores.sessions.replace(session, attrs.evolve(session, generation=2))
    stores.close()


def test_what_has_ended_does_not_stay_in_the_table(url: str, sealing: Sealing) -> None:
    stores = open_sql(url, sealing=sealing)
    stores.credentials.put(USER, "first")
    kept, other = a_session(1), a_session(2)
    for session in (kept, other):
        stores.sessions.add(session, now=MONDAY)
    assert sessions_in(url) == [kept.id, other.id]
    stores.credentials.put(USER, "second", keep=kept.id)
    assert sessions_in(url) == [kept.id]
    stores.sessions.add(other, now=MONDAY)
    assert sessions_in(url) == [kept.id], "it was opened by the password before"
    stores.credentials.remove(USER)
    assert sessions_in(url) == []
    stores.close()


@pytest.mark.parametrize("change", ["UPDATE credentials SET rev = 2", "DELETE FROM credentials"])
def test_who_signs_in_while_the_password_changes_waits_for_what_becomes_of_it(
    fresh_postgres_url: str, sealing: Sealing, change: str
) -> None:
    stores = open_sql(fresh_postgres_url, sealing=sealing, patience=timedelta(seconds=10))
    stores.credentials.put(USER, "first")
    with psycopg.connect(fresh_postgres_url) as other, ThreadPoolExecutor(1) as pool:
        other.execute(change)
        adding = pool.submit(lambda: stores.sessions.add(a_session(), now=MONDAY))
        time.sleep(0.3)
        assert not adding.done()
        other.commit()
        adding.result(timeout=30)
    assert sessions_in(fresh_postgres_url) == []
    stores.close()
