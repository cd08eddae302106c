"""Notices in views: words for their reader, codes and instants for administrators."""

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from telemed_core.domain.events import Side
from telemed_core.domain.ids import AccountId, AppointmentId, DoctorId, Id, PatientId
from telemed_core.domain.notices import Announcement, Channel, DeliveryStatus, EventId, Kind, Notice, NoticeId
from telemed_core.errors import InvalidError
from telemed_core.messages.notices import CalendarView, DeliveriesQuery, delivery_view, notice_view
from telemed_core.messages.parsing import parse_query

AT = datetime(2026, 6, 1, 12, 0, 0, 700_000, tzinfo=UTC)
ABOUT = Announcement(
    id=EventId("a1.2"),
    kind=Kind.CONFIRMED,
    at=AT,
    seq=2,
    subject=Id("a1"),
    by=Side.DOCTOR,
    doctor_id=DoctorId("d1"),
    patient_id=PatientId("p1"),
    start=AT,
    end=AT,
)
NOTICE = Notice(
    id=NoticeId("n1"),
    event=ABOUT.id,
    reader=AccountId("p1"),
    channel=Channel.EMAIL,
    kind=ABOUT.kind,
    at=AT,
    seq=2,
    subject=ABOUT.subject,
    appointment_id=AppointmentId("a1"),
    about=ABOUT,
    status=DeliveryStatus.PENDING,
)


def shown(**changes: Any) -> dict[str, Any]:
    return delivery_view(attrs.evolve(NOTICE, **changes)).model_dump(mode="json")


def test_a_notice_has_every_field_of_the_contract_and_its_words() -> None:
    view = notice_view(attrs.evolve(NOTICE, read_at=AT), title="Confirmed", body="See you.")
    assert view.model_dump(mode="json") == {
        "id": "n1",
        "at": "2026-06-01T12:00:00Z",
        "kind": "confirmed",
        "appointment_id": "a1",
        "title": "Confirmed",
        "body": "See you.",
        "read_at": "2026-06-01T12:00:00Z",
    }


def test_an_unread_notice_about_no_appointment_says_so() -> None:
    view = notice_view(attrs.evolve(NOTICE, appointment_id=None), title="t", body="b").model_dump(mode="json")
    assert (view["appointment_id"], view["read_at"]) == (None, None)


def test_a_delivery_is_shown_by_ids_codes_and_instants() -> None:
    assert shown(attempts=3, last_error="dependency_unavailable") == {
        "id": "n1",
        "event": "a1.2",
        "at": "2026-06-01T12:00:00Z",
        "kind": "confirmed",
        "channel": "email",
        "reader_id": "p1",
        "appointment_id": "a1",
        "status": "pending",
        "attempts": 3,
        "last_error": "dependency_unavailable",
        "due_at": "2026-06-01T12:00:00Z",
        "read_at": None,
    }


def test_what_is_due_says_when_and_what_is_not_says_nothing() -> None:
    assert shown(due_at=AT + timedelta(hours=1))["due_at"] == "2026-06-01T13:00:00Z"
    assert shown(due_at=None, status=DeliveryStatus.DEAD)["due_at"] is None


def test_deliveries_are_asked_for_by_status_channel_and_appointment() -> None:
    pairs = [("status", "dead"), ("status", "pending"), ("channel", "email"), ("appointment_id", "a1")]
    query = parse_query(DeliveriesQuery, pairs)
    assert query.status == (DeliveryStatus.DEAD, DeliveryStatus.PENDING)
    assert (query.channel, query.appointment_id) == (Channel.EMAIL, "a1")
    for name in ("status", "channel", "appointment_id"):
        with pytest.raises(InvalidError, match=rf"^{name}\b"):
            parse_query(DeliveriesQuery, [(name, "not one")])


def test_the_address_of_a_calendar_is_not_printed_by_accident() -> None:
    assert "hush" not in repr(CalendarView(url="https://clinic.example/v1/calendar/hush.ics"))
