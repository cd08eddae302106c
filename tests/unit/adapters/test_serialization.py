"""What is written down is read back as it was, to the last field and type."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import attrs
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.serialization import (
    dump_affected,
    dump_appointment,
    dump_block,
    dump_cancellation,
    dump_event,
    dump_profile,
    dump_receipt,
    dump_schedule,
    instant_of,
    load_affected,
    load_appointment,
    load_block,
    load_cancellation,
    load_event,
    load_profile,
    load_receipt,
    load_schedule,
    microseconds,
    name_in_profile,
)
from telemed_core.domain.agenda import Agenda, Block
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import Idempotency
from telemed_core.domain.events import AppointmentEvent
from telemed_core.domain.ids import AppointmentId, BlockId, CommandId, DoctorId, PatientId
from telemed_core.domain.instants import EPOCH, Interval, TimeZone
from telemed_core.domain.people import Cpf, Role
from telemed_core.domain.places import GeoPoint
from telemed_core.domain.receipts import Receipt
from telemed_core.domain.schedule import BlockCancellation
from telemed_core.domain.texts import TextKey
from telemed_core.testing.agendas import agendas
from telemed_core.testing.builders import MONDAY, a_doctor, a_patient, a_schedule, an_administrator
from telemed_core.testing.strategies import appointments, instants, intervals

POINTS = st.builds(GeoPoint, st.floats(-90, 90), st.floats(-180, 180))


def same(read: Any, written: Any) -> None:
    """Equal, and of the same types all the way down: ids are text, and equal to it."""
    assert read == written
    assert type(read) is type(written)
    # The owner of a text is an ``Id``, whichever it was.
    if attrs.has(type(written)) and not isinstance(written, TextKey):
        for field in attrs.fields(type(written)):
            same(getattr(read, field.name), getattr(written, field.name))
    if isinstance(written, tuple):
        for one, other in zip(read, written, strict=True):
            same(one, other)


@settings(max_examples=40, deadline=None)
@given(instants())
def test_an_instant_is_whole_microseconds_and_comes_back_in_utc(instant: datetime) -> None:
    assert instant_of(microseconds(instant)) == instant
    assert instant_of(microseconds(instant)).tzinfo is UTC
    assert microseconds(instant.astimezone(timezone(timedelta(hours=-3)))) == microseconds(instant)


@settings(max_examples=40, deadline=None)
@given(appointments())
def test_appointments_come_back_without_their_history(appointment: Appointment) -> None:
    same(load_appointment(dump_appointment(appointment)), attrs.evolve(appointment, history=None))


@settings(max_examples=40, deadline=None)
@given(appointments())
def test_events_come_back_as_their_own_kind(appointment: Appointment) -> None:
    events: tuple[AppointmentEvent, ...] = appointment.history or ()
    assert events
    for event in events:
        text = dump_event(event)
        assert orjson.loads(text)["name"] == event.name
        same(load_event(text), event)


@settings(max_examples=40, deadline=None)
@given(agendas(), st.lists(intervals(), max_size=3), st.booleans())
def test_schedules_come_back_whole(agenda: Agenda, absences: list[Interval], reasoned: bool) -> None:
    blocks = tuple(
        Block(interval, BlockId(f"b-{number}"), TextKey(BlockId(f"b-{number}"), 0) if reasoned else None)
        for number, interval in enumerate(absences)
    )
    schedule = attrs.evolve(a_schedule(agenda=agenda), blocks=blocks)
    same(load_schedule(dump_schedule(schedule)), schedule)


@settings(max_examples=40, deadline=None)
@given(POINTS, st.none() | st.text(), st.none() | POINTS, st.dates(date(1900, 1, 1)))
def test_profiles_come_back_with_the_cpf_that_was_kept_apart(
    place: GeoPoint, address: str | None, home: GeoPoint | None, born: date
) -> None:
    doctor = a_doctor(location=place, address=address)
    patient = a_patient(location=home, birth_date=born)
    same(load_profile(dump_profile(doctor), Role.DOCTOR, cpf=doctor.cpf), doctor)
    same(load_profile(dump_profile(patient), Role.PATIENT, cpf=patient.cpf), patient)


def test_an_administrator_has_no_cpf_and_no_name() -> None:
    text = dump_profile(an_administrator())
    same(load_profile(text, Role.ADMINISTRATOR), an_administrator())
    assert name_in_profile(text) is None


@pytest.mark.parametrize("account", [a_doctor(), a_patient()])
def test_a_profile_has_the_name_and_not_the_cpf(account: object) -> None:
    text = dump_profile(account)  # type: ignore[arg-type] # a doctor or a patient
    assert name_in_profile(text) == getattr(account, "name", None)
    cpf = getattr(account, "cpf", None)
    assert isinstance(cpf, Cpf)
    assert cpf.digits not in text


@pytest.mark.parametrize(
    ("account", "role", "new"),
    [
        (a_doctor(registered_at=EPOCH), Role.DOCTOR, "registered_at"),
        (a_patient(), Role.PATIENT, "closed_at"),
        (an_administrator(), Role.ADMINISTRATOR, "rev"),
    ],
)
def test_a_profile_written_before_there_was_more_to_say_is_read(account: Any, role: Role, new: str) -> None:
    written = orjson.loads(dump_profile(account))
    del written[new]
    same(load_profile(orjson.dumps(written).decode(), role, cpf=getattr(account, "cpf", None)), account)


def test_a_closed_patient_and_a_changed_administrator_come_back() -> None:
    closed = a_patient().close(now=MONDAY + timedelta(microseconds=1)).after
    same(load_profile(dump_profile(closed), Role.PATIENT, cpf=closed.cpf), closed)
    changed = attrs.evolve(an_administrator(), rev=7)
    same(load_profile(dump_profile(changed), Role.ADMINISTRATOR), changed)


@settings(max_examples=40, deadline=None)
@given(instants(), st.integers(1, 99), st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1))
def test_receipts_come_back(at: datetime, rev: int, key: str) -> None:
    receipt = Receipt(Idempotency(PatientId("p-1"), key, "print"), CommandId("c-1"), AppointmentId("a-1"), rev, at)
    read = load_receipt(dump_receipt(receipt))
    assert read == receipt
    assert read.at.tzinfo is UTC


@settings(max_examples=40, deadline=None)
@given(intervals(), st.lists(st.sampled_from([AppointmentId("a-1"), AppointmentId("a-2")])))
def test_blocks_and_what_they_affected_come_back(interval: Interval, affected: list[AppointmentId]) -> None:
    same(load_block(dump_block(interval, tuple(affected))), (interval, tuple(affected)))


@pytest.mark.parametrize("affected", [(), (AppointmentId("a-1"), AppointmentId("a-2"))])
def test_what_a_decision_affected_comes_back(affected: tuple[AppointmentId, ...]) -> None:
    same(load_affected(dump_affected(affected)), affected)


def test_cancellations_come_back_with_and_without_a_reason() -> None:
    for reason in (None, TextKey(BlockId("b-1"), 0)):
        cancellation = BlockCancellation(DoctorId("d-1"), BlockId("b-1"), AppointmentId("a-1"), reason)
        assert load_cancellation(dump_cancellation(cancellation)) == cancellation


def test_lengths_and_zones_keep_their_types() -> None:
    agenda = load_schedule(dump_schedule(a_schedule())).agenda
    assert isinstance(agenda.time_zone, TimeZone)
    assert agenda.consultation == timedelta(minutes=50)
    assert microseconds(MONDAY) == int(MONDAY.timestamp()) * 1_000_000
