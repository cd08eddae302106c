"""The composition root: every use case over the chosen adapters, each made once, and nothing loaded in vain."""

import base64
import os
import pkgutil
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs
import pytest
from dependency_injector import providers

from adapters.calendars import IcalendarCalendars
from adapters.chime import ChimeAttendeeTokens, ChimeMeetingRooms
from adapters.mailbox import Mailbox
from adapters.memory import open_memory
from adapters.smtp import SmtpMailer
from adapters.system import is_gone
from entrypoints import container as container_module
from entrypoints import logs
from entrypoints.container import Container, open_container
from entrypoints.container.opening import travelling_clock
from entrypoints.container.running import alarm_of_saga
from entrypoints.container.telling import mailbox
from entrypoints.settings import SettingsError, load_settings
from telemed_core import application, saga
from telemed_core.domain.events import Side
from telemed_core.domain.ids import ConnectionId, Id, MeetingId, SagaId
from telemed_core.domain.instants import TimeZone
from telemed_core.domain.meetings import Provider
from telemed_core.domain.notices import Channel, DeliveryStatus
from telemed_core.domain.ratings import RatingSum
from telemed_core.domain.sagas import Phase, SagaStart
from telemed_core.domain.signals import Seat
from telemed_core.domain.status import Status
from telemed_core.errors import JoinWindowClosedError, UnauthenticatedError, UnavailableError, UndeliverableError
from telemed_core.saga.sagas import REGISTRY
from telemed_core.testing.builders import a_password, an_email
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.rooms import ControlledRooms
from telemed_core.testing.wiring import a_clinic
from unit.entrypoints import api

SRC = Path(container_module.__file__).parents[2]
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
KEY = base64.b64encode(b"k" * 32).decode()


def on_memory() -> Container:
    return open_container(load_settings(api.on_memory()))


@cache
def one_of_all() -> Container:
    """For tests that only look."""
    return on_memory()


def use_cases() -> Iterator[type]:
    for package in (application, saga):
        for found in pkgutil.iter_modules(package.__path__):
            module = import_module(f"{package.__name__}.{found.name}")
            for part in vars(module).values():
                if isinstance(part, type) and part.__module__ == module.__name__ and "__call__" in vars(part):
                    yield part


def snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


@pytest.mark.parametrize("use_case", list(use_cases()), ids=lambda use_case: use_case.__name__)
def test_every_use_case_is_provided_by_its_name(use_case: type) -> None:
    assert type(one_of_all().providers[snake_case(use_case.__name__)]()) is use_case


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
        "sessions",
        "attempts",
        "sagas",
        "notices",
        "feeds",
        "meetings",
        "signals",
        "ratings",
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
    first, second = (open_container(load_settings({"TELEMED_PROFILE": "memory"})).secrets() for _ in range(2))
    for one in attrs.fields(type(first)):
        made = getattr(first, one.name)
        assert made is None or made != getattr(second, one.name)
    configured = load_settings({**api.on_memory(), "TELEMED_PEPPER": KEY})
    assert open_container(configured).secrets().pepper == b"k" * 32


def test_the_memory_profile_loads_no_technology_before_a_password_is_made() -> None:
    script = """
import sys
from entrypoints.container import open_container
from entrypoints.settings import load_settings
from telemed_core.domain.instants import TimeZone
from telemed_core.testing.builders import a_password, an_email
TECHNOLOGIES = {
    *("sqlalchemy", "alembic", "psycopg", "cryptography", "argon2", "zxcvbn", "boto3", "botocore"),
    *("icalendar", "smtplib", "joserfc"),
}
def loaded():
    return " ".join(sorted(TECHNOLOGIES & set(sys.modules))) or "nothing"
container = open_container(load_settings({"TELEMED_PROFILE": "memory"}))
container.request_appointment(), container.sweep(), container.list_doctors()(limit=1), container.clock().now()
container.list_sagas(), container.notify(), container.list_notices(), container.email(), container.owner()
container.join_visit(), container.enter_meeting(), container.find_closed(), container.take_over_seats()
print(loaded())
container.create_administrator()(email=an_email(), password=a_password(), time_zone=TimeZone("UTC"))
container.close()
print(loaded())
"""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SRC)}
    told = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.splitlines() == ["nothing", "argon2 cryptography zxcvbn"]


def test_an_appointment_is_requested_accepted_and_swept_by_parts_that_fit_together() -> None:
    clock = SettableClock(NOON)
    container = open_container(load_settings(api.on_memory()), clock=clock)
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


# Video


ICE = '[{"urls": "turn:turn.example", "username": "clinic", "credential": "hunter2"}]'


def a_visit(container: Container, clock: SettableClock) -> tuple[Any, Any, Any]:
    """A doctor, a patient, and a visit of theirs that can be joined now."""
    clinic = a_clinic(container.stores(), clock)
    doctor, patient = clinic.doctor(), clinic.patient()
    request = container.request_appointment()(doctor_id=doctor.id, start=clinic.noon(2), patient=patient)
    visit = container.accept_appointment()(appointment_id=request.id, rev=request.rev, doctor=doctor)
    clock.advance(visit.visit.start - clock.now())
    return doctor, patient, visit


def test_on_memory_a_visit_has_a_room_without_sound_and_picture_and_nobody_enters_by_a_token() -> None:
    container, clock = in_memory()
    _, patient, visit = a_visit(container, clock)
    joined = container.join_visit()(appointment_id=visit.id, actor=patient)
    assert (joined.room.provider, joined.attendee.details) == (Provider.MEMORY, {})
    with pytest.raises(UnauthenticatedError):
        container.enter_meeting()(meeting_id=joined.room.id, token="x")


def test_by_webrtc_two_people_enter_the_meeting_of_their_visit_until_it_is_over() -> None:
    container, clock = in_memory(MEETINGS="webrtc", ICE_SERVERS=ICE)
    doctor, patient, visit = a_visit(container, clock)
    ways = [container.join_visit()(appointment_id=visit.id, actor=one) for one in (doctor, patient)]
    assert {(one.room.provider, one.room.id) for one in ways} == {(Provider.WEBRTC, ways[0].room.id)}
    assert {str(one.attendee.details["ice_servers"]) for one in ways} == {
        "[{'urls': ['turn:turn.example'], 'username': 'clinic', 'credential': 'hunter2'}]"
    }
    entered = [container.enter_meeting()(meeting_id=one.room.id, token=one.attendee.details["token"]) for one in ways]
    seats = [seat for seat, _ in entered]
    assert [seat.side for seat in seats] == [Side.DOCTOR, Side.PATIENT]
    assert [welcome.present for _, welcome in entered] == [False, True]
    assert [*container.find_closed()(seats)] == []
    assert container.signals().owners() == {container.owner()}
    container.complete_visit()(appointment_id=visit.id, doctor=doctor)
    assert [*container.find_closed()(seats)] == seats
    container.run_sagas()()
    assert container.signals().is_closed(ways[0].room.id)
    with pytest.raises(JoinWindowClosedError):
        container.join_visit()(appointment_id=visit.id, actor=patient)
    container.rate_visit()(appointment_id=visit.id, patient=patient, score=5, comment="Thank you")
    (rating,) = container.list_ratings()(doctor_id=doctor.id, viewer=patient)
    assert container.read_comments()([rating]) == {rating.comment: "Thank you"}
    assert container.sum_ratings()([doctor.id]) == {doctor.id: RatingSum(1, 5)}


def test_seats_of_dead_processes_are_freed_and_this_ones_are_not() -> None:
    container, clock = in_memory(MEETINGS="webrtc")
    doctor, patient, visit = a_visit(container, clock)
    ways = [container.join_visit()(appointment_id=visit.id, actor=one) for one in (doctor, patient)]
    container.enter_meeting()(meeting_id=ways[0].room.id, token=ways[0].attendee.details["token"])
    seat = Seat(
        meeting_id=MeetingId(ways[0].room.id),
        appointment_id=visit.id,
        side=Side.PATIENT,
        connection=ConnectionId("of-the-dead"),
    )
    # The same pid, at another time.
    dead = f"{container.owner().rpartition(':')[0]}:1"
    container.signals().enter(seat, owner=dead)
    assert is_gone(dead)
    assert container.take_over_seats()() == 1
    assert container.signals().owners() == {container.owner()}


def test_rooms_in_the_place_of_the_configured_ones_are_joined_and_ended() -> None:
    container, clock = in_memory()
    rooms = ControlledRooms()
    container.meeting_rooms.override(providers.Object(rooms))
    doctor, patient, visit = a_visit(container, clock)
    for one in (doctor, patient):
        assert container.join_visit()(appointment_id=visit.id, actor=one).room is rooms.created[0]
    container.complete_visit()(appointment_id=visit.id, doctor=doctor)
    container.run_sagas()()
    assert set(rooms.ended) == {rooms.created[0].id}


def test_ice_servers_that_browsers_do_not_take_are_named_before_anything_is_opened() -> None:
    settings = load_settings({"TELEMED_ICE_SERVERS": '[{"urls": "turn:hunter2.example"}]'}, data=Path("/nowhere"))
    with pytest.raises(SettingsError) as refused:
        open_container(settings)
    assert str(refused.value).startswith("TELEMED_ICE_SERVERS server 1 must have both username and credential")
    assert "hunter2" not in str(refused.value)


def test_meetings_of_chime_take_place_in_the_region_that_the_settings_say() -> None:
    def on_chime(region: str) -> Container:
        chosen = {"TELEMED_PROFILE": "memory", "TELEMED_MEETINGS": "chime", "TELEMED_CHIME_REGION": region}
        return open_container(load_settings(chosen))

    rooms = on_chime("sa-east-1").meeting_rooms()
    assert isinstance(rooms, ChimeMeetingRooms)
    assert rooms._media_region == "sa-east-1"
    assert isinstance(on_chime("sa-east-1").attendee_tokens(), ChimeAttendeeTokens)
    with pytest.raises(SettingsError, match="TELEMED_CHIME_REGION must be one of af-south-1,"):
        on_chime("mars-north-1").meeting_rooms()


# What follows from commits


def booked(container: Container, clock: SettableClock) -> tuple[Any, Any, Any]:
    """A doctor, a patient, and a request."""
    clinic = a_clinic(container.stores(), clock)
    doctor, patient = clinic.doctor(), clinic.patient()
    container.run_sagas()()
    container.wake().clear()
    clock.advance(timedelta(minutes=1))
    request = container.request_appointment()(doctor_id=doctor.id, start=clinic.noon(2), patient=patient)
    return doctor, patient, request


def in_memory(**settings: str) -> tuple[Container, SettableClock]:
    clock = SettableClock(NOON)
    environment = {**api.on_memory(), **{f"TELEMED_{name}": value for name, value in settings.items()}}
    return open_container(load_settings(environment), clock=clock), clock


def test_a_commit_wakes_whoever_runs_the_sagas_of_its_process() -> None:
    container, clock = in_memory()
    booked(container, clock)
    assert container.wake().is_set()


def test_a_refused_command_wakes_nobody() -> None:
    container, clock = in_memory()
    doctor, _, request = booked(container, clock)
    container.wake().clear()
    with pytest.raises(Exception, match="changed"):
        container.accept_appointment()(appointment_id=request.id, rev=9, doctor=doctor)
    assert not container.wake().is_set()


def test_without_a_mail_server_people_are_told_in_the_app_alone() -> None:
    container, clock = in_memory()
    doctor, _, _ = booked(container, clock)
    assert not container.email()
    assert container.run_sagas()() == 1
    assert {one.channel for one in container.notices().log(limit=10)} == {Channel.IN_APP}
    told = container.list_notices()(reader=doctor)
    assert told[0].title == "Nova consulta agendada"
    with pytest.raises(UnavailableError):
        container.mailer().send(object())


def test_a_mail_server_in_memory_takes_the_place_of_the_configured_one() -> None:
    clock, mails = SettableClock(NOON), mailbox()
    container = open_container(load_settings(api.on_memory()), clock=clock, mailer=mails)
    assert container.email()
    booked(container, clock)
    container.run_sagas()()
    assert container.deliver_notices()() == len(mails.mails) == 2
    assert isinstance(mails, Mailbox)
    assert mails.mails[-1].subject == "Health&Med - Nova consulta agendada"


def test_the_mail_server_of_the_settings_is_used_with_their_address() -> None:
    container, _ = in_memory(SMTP_URL="smtps://clinic:p%40ss@mail.example", MAIL_FROM="no-reply@clinic.example")
    mailer = container.mailer()
    assert isinstance(mailer, SmtpMailer)
    assert (mailer._server.host, mailer._server.password, mailer._sender) == (
        "mail.example",
        "p@ss",
        "no-reply@clinic.example",
    )
    calendars = container.calendars()
    assert isinstance(calendars, IcalendarCalendars)
    assert calendars._organizer == "no-reply@clinic.example"


def test_an_address_that_the_mailer_refuses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(url: str, sender: str) -> Any:
        from telemed_core.errors import InvalidError

        raise InvalidError("smtp_url", "is not an address")

    monkeypatch.setattr("adapters.smtp.open_smtp", refusing)
    container, _ = in_memory(SMTP_URL="smtp://mail.example")
    with pytest.raises(SettingsError, match="TELEMED_SMTP_URL is not an address"):
        container.mailer()


def test_the_owner_is_this_process_and_who_is_gone_is_known() -> None:
    container, _ = in_memory()
    assert not is_gone(container.owner())
    assert container.run_sagas()._owner == container.owner()
    assert container.take_over()._gone is is_gone


@pytest.fixture
def alarms(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is said of what waits for an operator."""
    said: list[dict[str, Any]] = []
    monkeypatch.setattr(logs.LOG, "handle", lambda record: said.append(record.msg))
    return said


def test_a_quarantined_saga_raises_one_alarm_with_ids_and_codes_alone(alarms: list[dict[str, Any]]) -> None:
    container, clock = in_memory()
    clinic = a_clinic(container.stores(), clock)
    doctor = clinic.doctor(name="Secret Name")
    container.run_sagas()()
    alarms.clear()

    def failing(_: object) -> Any:
        raise ValueError("Secret Name")

    participants = {**container.participants(), "publish_changes": failing}
    container.run_sagas.reset()
    container.participants.override(participants)
    container.request_appointment()(doctor_id=doctor.id, start=clinic.noon(2), patient=clinic.patient())
    for _ in range(50):
        container.run_sagas()()
        clock.advance(timedelta(hours=1))
    (row,) = container.list_sagas()._log.list(phases={Phase.QUARANTINED}, limit=10)
    assert alarms == [
        {
            "level": "alarm",
            "what": "saga quarantined",
            "saga": row.id,
            "name": "request",
            "step": "notify",
            "code": "ValueError",
        }
    ]


def test_a_saga_whose_definition_is_unknown_raises_an_alarm_without_a_step(alarms: list[dict[str, Any]]) -> None:
    row = REGISTRY.begin(SagaStart(SagaId("a.1"), "request", Id("a")), at=NOON)
    alarm_of_saga(attrs.evolve(row, digest="other"))
    assert [(one["saga"], one["step"]) for one in alarms] == [("a.1", None)]


def test_a_dead_delivery_raises_an_alarm_without_its_reader(alarms: list[dict[str, Any]]) -> None:
    class Refusing:
        def send(self, mail: Any, /) -> None:
            raise UndeliverableError

    clock = SettableClock(NOON)
    container = open_container(load_settings(api.on_memory()), clock=clock, mailer=Refusing())
    doctor, _, request = booked(container, clock)
    container.run_sagas()()
    alarms.clear()
    container.deliver_notices()()
    dead = container.notices().log(statuses={DeliveryStatus.DEAD}, limit=10)
    assert {one["notice"] for one in alarms} == {one.id for one in dead}
    assert {one["what"] for one in alarms} == {"delivery dead"}
    assert f"{request.id}.1" in {one["event"] for one in alarms}
    assert {one["code"] for one in alarms} == {"undeliverable"}
    assert doctor.id not in {value for one in alarms for name, value in one.items()}


def test_a_registration_pauses_by_the_machines_own_clock() -> None:
    container, _ = in_memory()
    before = time.monotonic()
    container.inline_sagas()._pause(timedelta(milliseconds=20))
    assert time.monotonic() - before >= 0.02
