"""The log costs a commit nothing of its own, an idle queue no turn to write, and no runner waits for another."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, event

from adapters.sql import open_sql
from integration.sql.test_contention import SHORT, locked
from telemed_core.domain.ids import SagaId
from telemed_core.domain.notices import Channel
from telemed_core.domain.sagas import Phase, PublishedMark
from telemed_core.errors import BusyError, LiveAppointmentsError
from telemed_core.ports.services import Sealing
from telemed_core.ports.storage import Stores
from telemed_core.testing.builders import MONDAY, a_notice, a_patient, a_reservation, a_saga
from telemed_core.testing.contracts.sagas import claimed, intervention, moved, recorded, row_of
from telemed_core.testing.wiring import a_clinic

LATER = MONDAY + timedelta(minutes=5)
WRITING = ("BEGIN IMMEDIATE", "INSERT", "UPDATE", "DELETE", "WITH")


@contextmanager
def seen_on(stores: Stores) -> Iterator[list[str]]:
    """Each statement run on the stores meanwhile, and each COMMIT."""
    engine: Engine = stores.appointments._database._here().engine  # type: ignore[attr-defined] # inside the adapter
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    def note_commit(connection: Any) -> None:
        seen.append("COMMIT")

    event.listen(engine, "before_cursor_execute", note)
    event.listen(engine, "commit", note_commit)
    yield seen
    event.remove(engine, "before_cursor_execute", note)
    event.remove(engine, "commit", note_commit)


def writes(seen: list[str]) -> int:
    """How many statements write."""
    return len([one for one in seen if one.startswith(WRITING[1:])])


def names_of(stores: Stores) -> list[str]:
    return [row.name for row in stores.sagas.list(phases=[Phase.FORWARD], limit=99)]


def test_a_closed_account_is_carried_on_and_a_refused_or_repeated_closing_adds_nothing(stores: Stores) -> None:
    clinic = a_clinic(stores)
    doctor, patient = clinic.doctor(), clinic.patient()
    asked = clinic.request_appointment(doctor_id=doctor.id, start=clinic.noon(), patient=patient)
    closure = patient.close(now=clinic.clock.now())
    with pytest.raises(LiveAppointmentsError):
        stores.accounts.close(closure)
    assert "close_account" not in names_of(stores)
    clinic.refuse_appointment(appointment_id=asked.id, doctor=doctor)
    for _ in range(2):
        stores.accounts.close(closure)
    assert names_of(stores).count("close_account") == 1
    assert stores.sagas.get(closure.saga.id)[0].subject == patient.id


def test_whatever_is_decided_is_one_transaction_its_saga_included(stores: Stores) -> None:
    clinic = a_clinic(stores)
    doctor, patient = clinic.doctor(), clinic.patient()
    with seen_on(stores) as seen:
        asked = clinic.request_appointment(doctor_id=doctor.id, start=clinic.noon(5), patient=patient)
    assert (seen.count("COMMIT"), row_of(stores.sagas, f"{asked.id}.1") is not None) == (1, True)
    assert len([one for one in seen if one.startswith("INSERT INTO sagas")]) == 1
    with seen_on(stores) as seen:
        clinic.accept_appointment(appointment_id=asked.id, rev=1, doctor=doctor)
    assert (seen.count("COMMIT"), row_of(stores.sagas, f"{asked.id}.2") is not None) == (1, True)
    assert writes(seen) == len(["quota", "appointment", "event", "saga"])
    closure = clinic.patient(2).close(now=clinic.clock.now())
    with seen_on(stores) as seen:
        stores.accounts.close(closure)
    assert (seen.count("COMMIT"), row_of(stores.sagas, closure.saga.id) is not None) == (1, True)


def test_a_step_of_a_saga_is_one_update(stores: Stores) -> None:
    row = claimed(stores)
    with seen_on(stores) as seen:
        stores.sagas.append(moved(row, step=2))
    assert (writes(seen), seen.count("COMMIT")) == (1, 1)


def test_an_entry_with_a_mark_and_a_start_is_one_transaction(stores: Stores) -> None:
    row = claimed(stores)
    with seen_on(stores) as seen:
        stores.sagas.append(moved(row, step=2), starting=[a_saga(2), a_saga(3)], mark=PublishedMark(row.subject, 0, 1))
    assert (writes(seen), seen.count("COMMIT")) == (3, 1)


def test_a_claim_is_one_look_and_one_statement(stores: Stores) -> None:
    recorded(stores, a_saga(1), a_saga(2))
    with seen_on(stores) as seen:
        assert len(stores.sagas.claim("here", now=MONDAY, limit=9)) == 2
    assert (writes(seen), len([one for one in seen if one.startswith("SELECT")])) == (1, 1)


def test_idle_queues_cost_no_turn_to_write(stores: Stores) -> None:
    row = claimed(stores)
    stores.notices.add([a_notice(channel=Channel.EMAIL)])
    assert len(stores.notices.take(now=MONDAY, again_at=LATER, limit=9)) == 1
    with seen_on(stores) as seen:
        assert list(stores.sagas.claim("there", now=MONDAY, limit=9)) == []
        assert list(stores.notices.take(now=MONDAY, again_at=LATER, limit=9)) == []
        assert set(stores.sagas.owners()) == {row.owner}
    assert [one for one in seen if one.startswith(WRITING) or one == "COMMIT"] == []


def test_idle_queues_are_looked_into_while_somebody_writes(fresh_sqlite_url: str, sealing: Sealing) -> None:
    stores = open_sql(fresh_sqlite_url, sealing=sealing, patience=SHORT)
    with locked(fresh_sqlite_url):
        assert list(stores.sagas.claim("here", now=MONDAY, limit=9)) == []
        assert list(stores.notices.take(now=MONDAY, again_at=LATER, limit=9)) == []
    stores.close()


@pytest.fixture
def held(fresh_postgres_url: str, sealing: Sealing) -> Iterator[tuple[Stores, psycopg.Connection[Any]]]:
    """Two sagas and two e-mails are due, and somebody else is writing the first of each."""
    stores = open_sql(fresh_postgres_url, sealing=sealing, migrate=False, patience=SHORT)
    recorded(stores, a_saga(1), a_saga(2))
    mails = (a_notice(number, channel=Channel.EMAIL, subject=f"appointment-{number}") for number in (1, 2))
    stores.notices.add([*mails])
    with psycopg.connect(fresh_postgres_url) as other:
        for table, first in (("sagas", "saga-1"), ("notices", "notice-1")):
            other.execute(f"SELECT id FROM {table} WHERE id = '{first}' FOR UPDATE")
        yield stores, other
    stores.close()


def test_a_runner_on_postgres_passes_over_what_another_is_writing(
    held: tuple[Stores, psycopg.Connection[Any]],
) -> None:
    stores, other = held
    assert [row.id for row in stores.sagas.claim("here", now=MONDAY, limit=1)] == ["saga-2"]
    assert [one.id for one in stores.notices.take(now=MONDAY, again_at=LATER, limit=1)] == ["notice-2"]
    other.rollback()
    assert [row.id for row in stores.sagas.claim("here", now=MONDAY, limit=1)] == ["saga-1"]
    assert [one.id for one in stores.notices.take(now=MONDAY, again_at=LATER, limit=1)] == ["notice-1"]


def test_an_entry_that_has_to_wait_too_long_is_busy_and_writes_nothing(
    held: tuple[Stores, psycopg.Connection[Any]],
) -> None:
    stores, other = held
    row = stores.sagas.get(SagaId("saga-1"))[0]
    entry = moved(row, step=2)
    for write in (
        lambda: stores.sagas.append(entry, starting=[a_saga(3)], mark=PublishedMark(row.subject, 0, 1)),
        lambda: stores.sagas.renew(row, now=MONDAY),
        lambda: stores.sagas.intervene(entry, *intervention(row)),
    ):
        with pytest.raises(BusyError):
            write()
    other.rollback()
    assert (row_of(stores.sagas, "saga-1"), row_of(stores.sagas, "saga-3")) == (row, None)
    assert stores.sagas.append(entry) == entry.after


def test_an_account_and_the_entry_that_says_so_are_one_transaction(stores: Stores) -> None:
    reservation = a_reservation(a_patient())
    stores.accounts.reserve(reservation)
    entry = moved(stores.sagas.get(reservation.saga.id)[0], phase=Phase.COMPLETED)
    with seen_on(stores) as seen:
        stores.accounts.add(a_patient(), entry=entry)
    assert seen.count("COMMIT") == 1
    assert row_of(stores.sagas, reservation.saga.id) == entry.after
