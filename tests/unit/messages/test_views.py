"""Views: every field of the contract, nulls kept, instants in UTC and rounded down."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import attrs

from telemed_core.domain.accounts import Administrator
from telemed_core.domain.agenda import Agenda, Block, DateRule, Weekday, WeeklyWindow, Window
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.doctor import DoctorStatus
from telemed_core.domain.events import (
    Absent,
    AppointmentCancelled,
    AppointmentConfirmed,
    AppointmentMoved,
    AppointmentRequested,
    Proposal,
    RescheduleAgreed,
    RescheduleProposed,
    Side,
    VisitMissed,
)
from telemed_core.domain.ids import (
    AdministratorId,
    AppointmentId,
    BlockId,
    DoctorId,
    PatientId,
    PersonId,
    ProposalId,
)
from telemed_core.domain.instants import Interval, TimeZone
from telemed_core.domain.people import EmailAddress, Language, Role
from telemed_core.domain.places import Cents, GeoPoint
from telemed_core.domain.ratings import UNRATED, RatingSum
from telemed_core.domain.schedule import Schedule
from telemed_core.domain.slots import Slots
from telemed_core.domain.status import Status
from telemed_core.domain.texts import TextKey
from telemed_core.messages.account_views import (
    account_view,
    doctor_card_view,
    doctor_view,
    own_doctor_view,
    patient_view,
    specialties_view,
    verified_doctor_view,
)
from telemed_core.messages.agenda_view import (
    agenda_view,
    block_view,
    created_block_view,
    replaced_agenda_view,
    slots_view,
)
from telemed_core.messages.appointment_view import appointment_view
from telemed_core.messages.parsing import parse
from telemed_core.messages.requests import AgendaReplacement
from telemed_core.messages.sign_in import TokenView, key_set_view
from telemed_core.messages.views import HealthView, Page, View, instant_text
from telemed_core.testing.builders import a_doctor, a_patient

START = datetime(2026, 6, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ONE = AppointmentId("a1")
VISIT = Interval.lasting(START, timedelta(minutes=50))
LATER = Interval.lasting(START + HOUR, timedelta(minutes=50))
BUFFER = timedelta(minutes=10)
FACTS: dict[str, Any] = {"appointment_id": ONE, "at": START - 20 * HOUR, "by": Side.PATIENT}
REQUESTED = AppointmentRequested(
    **FACTS,
    seq=1,
    doctor_id=DoctorId("d1"),
    patient_id=PatientId("p1"),
    doctor_person=PersonId("h1"),
    patient_person=PersonId("h2"),
    visit=VISIT,
    buffer=BUFFER,
    price_cents=Cents(25_000),
    decision_deadline=START - HOUR,
    reason=TextKey(ONE, 1),
)
CONFIRMED = AppointmentConfirmed(appointment_id=ONE, seq=2, at=START - 19 * HOUR, by=Side.DOCTOR)
AGENDA = Agenda(
    TimeZone("America/Sao_Paulo"),
    weekly=(
        WeeklyWindow(Weekday.MONDAY, Window(480, 1440)),
        WeeklyWindow(Weekday.TUESDAY, Window(1320, 1800)),
        WeeklyWindow(Weekday.THURSDAY, Window(0, 1440)),
    ),
    dates=(DateRule(date(2026, 6, 2)), DateRule(date(2026, 6, 3), Window(600, 660))),
)
SCHEDULE = Schedule(
    doctor_id=DoctorId("d1"),
    person_id=PersonId("h1"),
    email=EmailAddress.parse("ana@example.org"),
    price_cents=Cents(25_000),
    bookable=True,
    rev=3,
    agenda=AGENDA,
)

RATED = RatingSum(count=3, total=13)


def body(view: View) -> dict[str, Any]:
    return view.model_dump(mode="json")


def shown(*events: Any, texts: dict[TextKey, str] | None = None, **more: Any) -> dict[str, Any]:
    names = {DoctorId("d1"): "Ana Lima", PatientId("p1"): "Bia Reis"}
    appointment = Appointment.fold(events)
    return body(
        appointment_view(appointment, names=names, texts=texts or {}, public_url="https://clinic.example", **more)
    )


def test_instants_are_utc_with_whole_seconds_rounded_down() -> None:
    there = datetime(2026, 6, 1, 12, 0, 59, 999_999, tzinfo=timezone(-3 * HOUR))
    assert instant_text(there) == "2026-06-01T15:00:59Z"


def test_a_doctor_is_shown_without_what_is_private() -> None:
    assert body(doctor_view(a_doctor(address=None), UNRATED)) == {
        "id": a_doctor().id,
        "name": "Ana Lima",
        "crm": str(a_doctor().crm),
        "specialties": ["cardiology"],
        "location": {"lat": -23.5505, "lon": -46.6333},
        "address": None,
        "time_zone": "America/Sao_Paulo",
        "price_cents": 25_000,
        "rating": {"average": None, "count": 0},
        "next_free": None,
    }


def test_a_doctor_sees_what_is_private_too() -> None:
    doctor = a_doctor()
    own = body(own_doctor_view(doctor, RATED))
    assert {name: own.pop(name) for name in ("role", "status", "email", "cpf", "language")} == {
        "role": "doctor",
        "status": doctor.status.value,
        "email": doctor.email.address,
        "cpf": doctor.cpf.digits,
        "language": "pt-BR",
    }
    assert own == body(doctor_view(doctor, RATED))
    assert body(account_view(doctor, RATED)) == body(own_doctor_view(doctor, RATED))
    assert body(account_view(doctor)) == body(own_doctor_view(doctor, UNRATED))


def test_a_decision_names_the_appointments_still_to_come() -> None:
    doctor = a_doctor(status=DoctorStatus.SUSPENDED)
    assert body(verified_doctor_view(doctor, RATED, [ONE])) == {
        **body(own_doctor_view(doctor, RATED)),
        "affected": ["a1"],
    }


def test_a_card_has_the_fields_of_search_results() -> None:
    assert list(body(doctor_card_view(a_doctor(), UNRATED))) == [
        "id", "name", "crm", "specialties", "rating", "distance_km", "price_cents", "next_free",
    ]  # fmt: skip


def test_a_doctor_is_shown_with_the_plain_average_of_the_ratings_and_their_number() -> None:
    shown = [view(a_doctor(), RATED) for view in (doctor_view, doctor_card_view, own_doctor_view, account_view)]
    shown.append(verified_doctor_view(a_doctor(), RATED, []))
    assert [body(view)["rating"] for view in shown] == [{"average": 13 / 3, "count": 3}] * 5


def test_a_patient_is_shown_whole_to_themself() -> None:
    patient = a_patient()
    assert body(patient_view(patient)) == {
        "id": patient.id,
        "role": "patient",
        "name": patient.name,
        "cpf": patient.cpf.digits,
        "email": patient.email.address,
        "birth_date": patient.birth_date.isoformat(),
        "time_zone": patient.time_zone,
        "location": None,
        "language": patient.language.value,
        "consents": [{"kind": one.kind.value, "at": instant_text(one.at)} for one in patient.consents],
    }
    placed = attrs.evolve(patient, location=GeoPoint(1, 2))
    assert body(account_view(placed))["location"] == {"lat": 1.0, "lon": 2.0}


def test_an_administrator_is_shown() -> None:
    administrator = Administrator(
        id=AdministratorId("x1"), email=EmailAddress.parse("root@example.org"), time_zone=TimeZone("UTC")
    )
    assert body(account_view(administrator)) == {
        "id": "x1",
        "role": "administrator",
        "email": "root@example.org",
        "time_zone": "UTC",
        "language": "pt-BR",
    }


def test_an_agenda_is_shown_in_the_shape_in_which_it_is_replaced() -> None:
    view = body(agenda_view(SCHEDULE))
    assert view["weekly"] == [
        {"weekday": "monday", "start": "08:00", "end": "24:00"},
        {"weekday": "tuesday", "start": "22:00", "end": "06:00"},
        {"weekday": "thursday", "start": "00:00", "end": "24:00"},
    ]
    assert view["dates"] == [
        {"date": "2026-06-02", "closed": True, "start": None, "end": None},
        {"date": "2026-06-03", "closed": False, "start": "10:00", "end": "11:00"},
    ]
    assert parse(AgendaReplacement, view).to_agenda() == AGENDA
    assert body(replaced_agenda_view(SCHEDULE, [ONE])) == {**view, "affected": ["a1"]}


def test_blocks_and_slots_are_shown_in_utc() -> None:
    block = Block(VISIT, BlockId("b1"))
    times = {"start": "2026-06-02T12:00:00Z", "end": "2026-06-02T12:50:00Z"}
    assert body(block_view(block)) == {"id": "b1", **times}
    assert body(created_block_view("b1", VISIT, [ONE])) == {"id": "b1", **times, "affected": ["a1"]}
    slots = Slots(first_cell=VISIT.cells().start, bits=1, consultation=VISIT.length)
    assert body(slots_view(SCHEDULE, slots)) == {
        "items": [times],
        "time_zone": "America/Sao_Paulo",
        "price_cents": 25_000,
    }


def test_a_request_has_every_field_of_the_contract() -> None:
    assert shown(REQUESTED, texts={TextKey(ONE, 1): "cough"}) == {
        "id": "a1",
        "doctor_id": "d1",
        "doctor_name": "Ana Lima",
        "patient_id": "p1",
        "patient_name": "Bia Reis",
        "start": "2026-06-02T12:00:00Z",
        "end": "2026-06-02T12:50:00Z",
        "status": "requested",
        "price_cents": 25_000,
        "rev": 1,
        "decision_deadline": "2026-06-02T11:00:00Z",
        "proposal": None,
        "sequence": 0,
        "reason": "cough",
        "cancelled_by": None,
        "cancel_reason": None,
        "refusal_reason": None,
        "late": None,
        "absent": None,
        "join_url": None,
        "history": [
            {
                "at": "2026-06-01T16:00:00Z",
                "event": "requested",
                "by": "patient",
                "detail": "2026-06-02T12:00:00Z/2026-06-02T12:50:00Z",
            }
        ],
    }


def test_the_address_of_the_visit_is_there_while_it_can_be_joined() -> None:
    assert shown(REQUESTED, CONFIRMED)["join_url"] == "https://clinic.example/appointments/a1/visit"
    started = attrs.evolve(Appointment.fold([REQUESTED, CONFIRMED]), status=Status.IN_PROGRESS)
    assert body(appointment_view(started, names={}, texts={}, public_url="u"))["join_url"] == "u/appointments/a1/visit"


def test_lists_leave_the_history_out() -> None:
    assert shown(REQUESTED, listed=True)["history"] is None


def test_a_proposal_is_shown_while_it_is_open() -> None:
    proposal = Proposal(ProposalId("o1"), LATER, BUFFER, Side.DOCTOR, START - HOUR)
    proposed = RescheduleProposed(appointment_id=ONE, seq=3, at=START - 18 * HOUR, by=Side.DOCTOR, proposal=proposal)
    view = shown(REQUESTED, CONFIRMED, proposed)
    assert view["proposal"] == {
        "id": "o1",
        "start": "2026-06-02T13:00:00Z",
        "end": "2026-06-02T13:50:00Z",
        "by": "doctor",
        "expires_at": "2026-06-02T11:00:00Z",
    }
    agreed = RescheduleAgreed(**{**FACTS, "seq": 4}, visit=LATER, buffer=BUFFER)
    assert shown(REQUESTED, CONFIRMED, proposed, agreed)["proposal"] is None


def test_the_detail_of_an_event_is_a_code_or_instants_and_never_text() -> None:
    later = "2026-06-02T13:00:00Z/2026-06-02T13:50:00Z"
    moved = AppointmentMoved(**FACTS, seq=2, visit=LATER, buffer=BUFFER, decision_deadline=START)
    confirmed = attrs.evolve(CONFIRMED, seq=3)
    proposal = Proposal(ProposalId("o1"), LATER, BUFFER, Side.DOCTOR, START - HOUR)
    proposed = RescheduleProposed(**FACTS, seq=4, proposal=proposal)
    agreed = RescheduleAgreed(**FACTS, seq=5, visit=LATER, buffer=BUFFER)
    missed = VisitMissed(**FACTS, seq=6, absent=Absent.BOTH)
    history = shown(REQUESTED, moved, confirmed, proposed, agreed, missed)["history"]
    assert [entry["detail"] for entry in history[1:]] == [later, None, later, later, "both"]
    late = AppointmentCancelled(**FACTS, seq=2, late=True, reason=TextKey(ONE, 2))
    view = shown(REQUESTED, late, texts={TextKey(ONE, 2): "away"})
    assert view["history"][-1]["detail"] == "late"
    assert (view["cancelled_by"], view["cancel_reason"], view["late"]) == ("patient", "away", True)
    early = AppointmentCancelled(**FACTS, seq=2, late=False)
    assert shown(REQUESTED, early)["history"][-1]["detail"] is None


def test_a_page_has_items_and_a_cursor() -> None:
    page = Page[Any](items=(doctor_view(a_doctor(), UNRATED),), next_cursor=None)
    assert list(body(page)) == ["items", "next_cursor"]


def test_specialties_are_named_in_the_readers_language() -> None:
    portuguese, english = (body(specialties_view(language))["items"] for language in Language)
    assert {"code": "pediatrics", "name": "Pediatria"} in portuguese
    assert {"code": "pediatrics", "name": "Pediatrics"} in english
    assert [one["code"] for one in portuguese] == [one["code"] for one in english]


def test_tokens_are_answered_and_never_shown_elsewhere() -> None:
    view = TokenView(
        access_token="ey.a.b", refresh_token="s.1.m", token_type="Bearer", expires_in=900, role=Role.PATIENT
    )
    assert body(view) == {
        "access_token": "ey.a.b",
        "refresh_token": "s.1.m",
        "token_type": "Bearer",
        "expires_in": 900,
        "role": "patient",
    }
    assert "ey.a.b" not in repr(view)
    assert "s.1.m" not in repr(view)


def test_a_key_set_shows_nothing_but_public_keys() -> None:
    public = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "k1", "n": "AQAB", "e": "AQAB"}
    assert body(key_set_view({"keys": [{**public, "d": "secret"}]})) == {"keys": [public]}


def test_health_is_one_word() -> None:
    assert body(HealthView(status="ok")) == {"status": "ok"}
