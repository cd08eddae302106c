"""What the HTTP benchmark serves: our API over people who have signed in, and bare routes with the same models."""

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from starlette.types import ASGIApp

from entrypoints.container import Container, open_container
from entrypoints.http.app import make_app
from entrypoints.http.transport import Transport
from entrypoints.settings import load_settings
from telemed_core.domain.ids import SessionId
from telemed_core.domain.patient import Patient
from telemed_core.domain.sessions import Session
from telemed_core.messages.appointment_view import AppointmentView, appointment_view
from telemed_core.messages.requests import AppointmentRequest
from telemed_core.messages.views import Page
from telemed_core.testing.builders import an_agenda
from telemed_core.testing.wiring import Clinic

PEOPLE: Final = "BENCHMARK_PEOPLE"
"""Names the file in which the client finds the doctor, starts and tokens."""

BOOKINGS: Final = "BENCHMARK_BOOKINGS"
BOOKED_BY_EACH: Final = 3
LISTED: Final = 20


def ours() -> ASGIApp:
    """Our API as it is served."""
    container = open_container(load_settings())
    Path(os.environ[PEOPLE]).write_text(json.dumps(_people(container, int(os.environ[BOOKINGS]))), encoding="utf-8")
    return Transport(make_app(container), secure=False)


def bare() -> ASGIApp:
    """Sync routes of FastAPI that read the same request, and answer the same views without doing anything."""
    container = open_container(load_settings({"TELEMED_PROFILE": "memory"}))
    clinic = _clinic(container)
    views = tuple(_booked(container, clinic, LISTED)[1])
    app = FastAPI()

    @app.post("/v1/appointments", status_code=201)
    def book(body: AppointmentRequest) -> AppointmentView:
        return views[0]

    @app.get("/v1/appointments")
    def listed() -> Page[AppointmentView]:
        return Page[AppointmentView](items=views, next_cursor=None)

    @app.get("/healthz")
    def alive() -> dict[str, str]:
        return {"status": "ok"}

    return app


def _clinic(container: Container) -> Clinic:
    return Clinic(container.stores(), container.clock(), container.ids(), container.identity(), most_pending=1000)


def _people(container: Container, bookings: int) -> dict[str, Any]:
    clinic = _clinic(container)
    lister, _ = _booked(container, clinic, LISTED)
    doctor = clinic.doctor(1, agenda=an_agenda(consultation=5, buffer=0, horizon=366))
    patients = [clinic.patient(number) for number in range(1, bookings // BOOKED_BY_EACH + 2)]
    return {
        "doctor_id": doctor.id,
        "starts": [(clinic.noon(2) + timedelta(minutes=5 * number)).isoformat() for number in range(bookings)],
        "tokens": [_token(container, patient) for patient in patients],
        "lister": _token(container, lister),
    }


def _booked(container: Container, clinic: Clinic, times: int) -> tuple[Patient, list[AppointmentView]]:
    """A patient with so many appointments."""
    doctor, patient = clinic.doctor(900_000), clinic.patient(900_000)
    made = [
        clinic.request_appointment(doctor_id=doctor.id, start=clinic.noon(2 + day), patient=patient)
        for day in range(times)
    ]
    details = container.describe_appointments()(made)
    return patient, [
        appointment_view(one, names=details.names, texts=details.texts, public_url="", listed=True) for one in made
    ]


def _token(container: Container, patient: Patient) -> str:
    now = container.clock().now()
    container.credentials().put(patient.id, "no password")
    session = Session.opened(SessionId(container.ids().new()), patient.id, password_rev=1, now=now)
    container.sessions().add(session, now=now)
    return container.issuer().access_token(session, now=now)
