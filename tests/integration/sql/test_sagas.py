"""What is still to be done about an account stands in the table of sagas."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from adapters.sql import open_sql
from adapters.sql.engine import parse_url
from adapters.sql.tables import SAGAS
from adapters.sql.transactions import Database
from telemed_core.errors import LiveAppointmentsError
from telemed_core.ports.services import Sealing
from telemed_core.testing.wiring import a_clinic


def sagas(url: str) -> list[tuple[str, str, str, bool]]:
    database = Database(parse_url(url), pool_size=1, patience=timedelta(seconds=2))
    try:
        return [tuple(row) for row in database.read(lambda connection: connection.execute(select(SAGAS)).all())]
    finally:
        database.close()


def test_a_closed_account_is_carried_on_and_a_refused_or_repeated_closing_adds_nothing(
    url: str, sealing: Sealing
) -> None:
    stores = open_sql(url, sealing=sealing)
    clinic = a_clinic(stores)
    doctor, patient = clinic.doctor(), clinic.patient()
    asked = clinic.request_appointment(doctor_id=doctor.id, start=clinic.noon(), patient=patient)
    closure = patient.close(now=clinic.clock.now())
    with pytest.raises(LiveAppointmentsError):
        stores.accounts.close(closure)
    assert "close_account" not in {name for _, name, _, _ in sagas(url)}
    clinic.refuse_appointment(appointment_id=asked.id, doctor=doctor)
    for _ in range(2):
        stores.accounts.close(closure)
    assert [row for row in sagas(url) if row[1] == "close_account"] == [
        (closure.saga.id, "close_account", patient.id, True)
    ]
    stores.close()
