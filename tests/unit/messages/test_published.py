"""Published events: what is announced comes back as it was, what is not an event of this version does not."""

import json
from datetime import timedelta
from typing import Any

import attrs
import jsonschema_rs
import pytest

from telemed_core.domain.announcing import FACTS
from telemed_core.domain.events import Side
from telemed_core.domain.ids import AppointmentId, DoctorId, PatientId
from telemed_core.domain.notices import PUBLISHED, REGISTRATIONS, Announcement, EventId, Kind
from telemed_core.errors import InvalidError
from telemed_core.messages.published import published, published_schema, read_published
from telemed_core.testing.builders import MONDAY

VALUES = {
    "decision_deadline": "2026-06-02T12:00:00Z",
    "proposed_start": "2026-06-11T13:30:00Z",
    "proposed_end": "2026-06-11T14:20:00Z",
    "expires_at": "2026-06-03T12:00:00.000001Z",
    "late": "false",
    "absent": "both",
    "sequence": "1",
}


def announced(kind: Kind) -> Announcement:
    about_visit = kind not in REGISTRATIONS
    return Announcement(
        id=EventId("subject-1.3"),
        kind=kind,
        at=MONDAY + timedelta(microseconds=7),
        seq=3,
        subject=AppointmentId("subject-1"),
        by=Side.SYSTEM,
        doctor_id=DoctorId("doctor-1"),
        patient_id=PatientId("patient-1") if about_visit else None,
        start=MONDAY if about_visit else None,
        end=MONDAY + timedelta(minutes=50) if about_visit else None,
        facts={name: VALUES[name] for name in FACTS.get(kind, ())},
    )


def data(of: Kind = Kind.PROPOSED, **changes: Any) -> dict[str, Any]:
    return {**json.loads(published(announced(of))), **changes}


def fields(raw: dict[str, Any]) -> list[str]:
    with pytest.raises(InvalidError) as refused:
        read_published(json.dumps(raw).encode())
    return [name for name, _ in refused.value.fields]


@pytest.mark.parametrize("kind", PUBLISHED)
def test_every_kind_comes_back_as_it_was_announced(kind: Kind) -> None:
    raw = published(announced(kind))
    assert read_published(raw) == announced(kind)
    assert jsonschema_rs.is_valid(published_schema(), json.loads(raw))


def test_an_event_of_version_one_looks_like_this() -> None:
    assert json.loads(published(announced(Kind.CANCELLED))) == {
        "version": 1,
        "id": "subject-1.3",
        "kind": "cancelled",
        "at": "2026-06-01T12:00:00.000007Z",
        "seq": 3,
        "subject": "subject-1",
        "by": "system",
        "doctor_id": "doctor-1",
        "patient_id": "patient-1",
        "start": "2026-06-01T12:00:00Z",
        "end": "2026-06-01T12:50:00Z",
        "facts": {"late": "false", "sequence": "1"},
    }


@pytest.mark.parametrize("version", [0, 2, "1", None, True, 1.5])
def test_another_version_is_refused(version: object) -> None:
    assert fields(data(version=version)) == ["version"]
    assert not jsonschema_rs.is_valid(published_schema(), data(version=version)) or version is True


def test_without_a_version_it_is_refused() -> None:
    raw = data()
    del raw["version"]
    assert fields(raw) == ["version"]


def test_what_a_later_writer_adds_is_not_read() -> None:
    raw = data(colour="green", facts={**data()["facts"], "mood": "calm"})
    assert read_published(json.dumps(raw).encode()) == announced(Kind.PROPOSED)


@pytest.mark.parametrize("name", sorted(VALUES))
def test_a_fact_that_the_kind_needs_is_required_and_must_be_one(name: str) -> None:
    kind = next(kind for kind, names in FACTS.items() if name in names)
    facts = data(kind)["facts"]
    assert fields(data(kind, facts={key: value for key, value in facts.items() if key != name})) == [f"facts.{name}"]
    assert fields(data(kind, facts={**facts, name: "somebody@example.com"})) == [f"facts.{name}"]


@pytest.mark.parametrize("name", ["patient_id", "start", "end"])
def test_a_visit_is_required_but_of_decisions_on_registrations(name: str) -> None:
    assert fields(data(**{name: None})) == [name]
    assert getattr(read_published(json.dumps(data(Kind.APPROVED, **{name: None})).encode()), name) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "not an id"),
        ("kind", "password_reset"),
        ("kind", "exploded"),
        ("at", "yesterday"),
        ("at", "2026-06-01T12:00:00"),
        ("seq", 0),
        ("seq", "3"),
        ("seq", 2**31),
        ("subject", ""),
        ("by", "nobody"),
        ("doctor_id", None),
        ("patient_id", "a b"),
        ("start", 5),
        ("facts", ["late"]),
    ],
)
def test_a_wrong_field_is_named_and_not_echoed(name: str, value: object) -> None:
    assert fields(data(**{name: value})) == [name]


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(InvalidError):
        read_published(b"{")


def test_who_forgot_a_password_is_not_published() -> None:
    forgotten = attrs.evolve(announced(Kind.APPROVED), kind=Kind.PASSWORD_RESET)
    with pytest.raises(InvalidError):
        published(forgotten)
