"""A database that does not answer is said to be unavailable, and is used again as soon as it answers."""

import os
from pathlib import Path

import pytest

from adapters.sql import open_sql
from integration.postgres import PostgresServer
from telemed_core.errors import InvalidError, TelemedError, UnavailableError
from telemed_core.ports.services import Sealing
from telemed_core.testing.contracts.refusals import asking
from telemed_core.testing.contracts.suite import picture
from telemed_core.testing.doubles import SeededIds
from telemed_core.testing.wiring import a_clinic


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
