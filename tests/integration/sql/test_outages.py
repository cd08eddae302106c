"""A database that does not answer is said to be unavailable, and is used again as soon as it answers."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Final

import attrs
import pytest
from sqlalchemy import Connection, Engine, event

from adapters.sql import open_sql
from integration.postgres import PostgresServer
from telemed_core.domain.commit import Commit
from telemed_core.domain.ids import AccountId, Id
from telemed_core.domain.notices import Channel
from telemed_core.domain.sagas import PublishedMark
from telemed_core.domain.signals import SignalKind
from telemed_core.domain.texts import Text, TextKey
from telemed_core.errors import InvalidError, TelemedError, UnavailableError
from telemed_core.ports.services import Sealing
from telemed_core.ports.storage import Stores
from telemed_core.testing.builders import a_notice, a_saga
from telemed_core.testing.contracts.meetings import VISIT
from telemed_core.testing.contracts.ratings import a_rated
from telemed_core.testing.contracts.refusals import asking
from telemed_core.testing.contracts.sagas import moved
from telemed_core.testing.contracts.signals import DOCTOR, MEETING, entered, log_of, say, words
from telemed_core.testing.contracts.suite import picture
from telemed_core.testing.doubles import SeededIds
from telemed_core.testing.wiring import a_clinic

MARK: Final = PublishedMark(Id("appointment-1"), 0, 4)


def test_a_server_that_is_down_is_unavailable_and_nothing_has_changed_once_it_is_back(sealing: Sealing) -> None:
    with PostgresServer() as server:
        stores = open_sql(server.url(server.create()), sealing=sealing, migrate=False)
        clinic = a_clinic(stores)
        doctor, patient = clinic.doctor(), clinic.patient()
        commit, before = asking(clinic, doctor, patient), picture(stores)
        server.stop()
        for attempt in (
            lambda: stores.appointments.apply(commit, command=clinic.command()),
            lambda: stores.accounts.get(patient.id),
            lambda: stores.ledger.read([patient.person_id]),
            lambda: stores.meetings.of(VISIT),
            lambda: stores.signals.read({MEETING: 0}),
            lambda: say(stores, DOCTOR, 1),
            lambda: stores.ratings.sums([doctor.id]),
            stores.check,
        ):
            with pytest.raises(UnavailableError) as caught:
                attempt()
            assert type(caught.value) is UnavailableError
        server.start()
        stores.check()
        assert picture(stores) == before
        assert stores.appointments.apply(commit, command=clinic.command()) == commit.after
        stores.close()


def test_a_restart_between_two_uses_costs_one_answer_at_most(sealing: Sealing) -> None:
    with PostgresServer() as server:
        stores = open_sql(server.url(server.create()), sealing=sealing, migrate=False)
        patient = a_clinic(stores).patient()
        server.stop()
        server.start()
        refused = 0
        for _ in range(4):
            try:
                assert stores.accounts.get(patient.id) == patient
            except UnavailableError:
                refused += 1
        assert refused <= 1
        stores.close()


def test_a_server_that_never_was_is_unavailable(sealing: Sealing) -> None:
    with pytest.raises(UnavailableError):
        open_sql("postgresql://postgres@127.0.0.1:1/telemed", sealing=sealing)


def test_a_folder_that_is_not_there_and_a_file_that_is_no_database_are_unavailable(
    tmp_path: Path, sealing: Sealing
) -> None:
    (tmp_path / "notes.db").write_text("dear diary, " * 100)
    for file in (tmp_path / "nowhere" / "telemed.db", tmp_path / "notes.db"):
        with pytest.raises(UnavailableError):
            open_sql(f"sqlite:///{file}", sealing=sealing)
    assert (tmp_path / "notes.db").read_text().startswith("dear diary")


@pytest.mark.parametrize(
    "url", ["x", "sqlite://", "sqlite:///:memory:", "sqlite:///", "mysql://a/b", "postgresql://", "postgresql://db:x/y"]
)
def test_a_wrong_url_is_named_and_not_echoed(url: str, sealing: Sealing) -> None:
    with pytest.raises(InvalidError) as caught:
        open_sql(url, sealing=sealing)
    assert [field.field for field in caught.value.fields] == ["database_url"]


def test_a_full_disk_is_unavailable_and_leaves_every_row_as_it_was(fresh_sqlite_url: str, sealing: Sealing) -> None:
    stores = open_sql(fresh_sqlite_url, sealing=sealing)
    clinic = a_clinic(stores)
    doctor, patient = clinic.doctor(), clinic.patient()
    (row,) = stores.sagas.claim("here", now=clinic.clock.now(), limit=9)
    entered(stores, DOCTOR)
    kept = log_of(stores)
    with full(fresh_sqlite_url, stores):
        with pytest.raises(UnavailableError):
            fill(stores)
        commit, before = asking(clinic, doctor, patient), picture(stores)
        many = [a_notice(number, channel=Channel.EMAIL) for number in range(99)]
        for write in (
            lambda: stores.notices.add(many),
            lambda: stores.sagas.append(
                moved(row, step=2), starting=[a_saga(number) for number in range(2, 99)], mark=MARK
            ),
            lambda: stores.appointments.apply(attrs.evolve(commit, texts=long_texts(commit)), command=clinic.command()),
            lambda: stores.signals.append(DOCTOR, number=1, kind=SignalKind.OFFER, data=f'"{"x" * 65_000}"'),
            lambda: stores.ratings.add(
                attrs.evolve(a_rated(1, doctor), texts=long_texts(commit)), command=clinic.command()
            ),
        ):
            with pytest.raises(UnavailableError) as caught:
                write()
            assert type(caught.value) is UnavailableError
        assert (stores.sagas.get(row.id)[0], stores.sagas.published(MARK.subject)) == (row, 0)
        assert (list(stores.notices.log(limit=9)), picture(stores)) == ([], before)
        assert (log_of(stores), stores.ratings.list(doctor.id, limit=9)) == (kept, [])
    assert stores.notices.add(many) == len(many)
    assert stores.sagas.append(moved(row, step=2), mark=MARK).seq == 1
    say(stores, DOCTOR, 1)
    assert words(log_of(stores)) == ["d-1 entered", "d-1:1"]
    assert stores.appointments.apply(commit, command=clinic.command()) == commit.after
    stores.close()


@contextmanager
def full(url: str, stores: Stores) -> Iterator[None]:
    """The file may not grow any more."""
    engine: Engine = stores.appointments._database._here().engine  # type: ignore[attr-defined] # inside the adapter
    pages = sqlite3.connect(url.removeprefix("sqlite:///")).execute("PRAGMA page_count").fetchone()[0]
    most = [pages]

    def limit(connection: Connection) -> None:
        connection.connection.cursor().execute(f"PRAGMA max_page_count = {most[0]}")

    event.listen(engine, "engine_connect", limit)
    yield
    most[0] = 2**30
    with engine.connect():
        event.remove(engine, "engine_connect", limit)


def fill(stores: Stores) -> None:
    """Use up the free places in the file's pages."""
    for number in count():
        stores.feeds.open(AccountId(f"account-{number}"), f"{number}" * 100)


def long_texts(commit: Commit) -> tuple[Text, ...]:
    return tuple(Text(TextKey(commit.after.id, seq), "x" * 500) for seq in range(2, 50))


def test_a_forked_child_and_its_parent_both_go_on(url: str, sealing: Sealing) -> None:
    stores = open_sql(url, sealing=sealing)
    clinic = a_clinic(stores)
    doctor, patient = clinic.doctor(), clinic.patient()
    child = os.fork()
    if child == 0:
        try:
            beside = a_clinic(stores, clinic.clock, SeededIds("child"))
            beside.request_appointment(doctor_id=doctor.id, start=clinic.noon(1), patient=patient)
        except TelemedError:
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(clinic.list_appointments(actor=patient)) == 1
    clinic.request_appointment(doctor_id=doctor.id, start=clinic.noon(2), patient=patient)
    assert len(clinic.list_appointments(actor=patient)) == 2
    stores.close()
