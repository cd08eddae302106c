"""Calendar files, read by another library: instants in UTC, methods where they belong, text that stays text."""

from datetime import UTC, timedelta
from typing import Any

import attrs
import pytest
import vobject

from adapters.calendars import open_calendars
from telemed_core.ports.notices import CalendarEntry, CalendarMethod, CalendarStatus
from telemed_core.testing.builders import MONDAY

CALENDARS = open_calendars("no-reply@clinic.example")

ENTRY = CalendarEntry(
    uid="appointment-1@telemed",
    sequence=3,
    status=CalendarStatus.CONFIRMED,
    start=MONDAY,
    end=MONDAY + timedelta(minutes=50),
    stamped_at=MONDAY - timedelta(days=1),
    changed_at=MONDAY - timedelta(days=2),
    summary="Consulta com Dr(a). João Sá",
    description="A entrada abre 10 minutos antes: https://clinic.example/x",
    url="https://clinic.example/appointments/appointment-1/visit",
    attendee="patient.1@example.com",
)


def read(raw: bytes) -> Any:
    return vobject.readOne(raw.decode("utf-8"))


def lines(raw: bytes) -> list[str]:
    """Unfolded."""
    return raw.decode("utf-8").replace("\r\n ", "").split("\r\n")


def test_a_file_says_what_the_entry_says_in_utc() -> None:
    raw = CALENDARS.write([ENTRY], method=CalendarMethod.REQUEST)
    calendar = read(raw)
    event = calendar.vevent
    assert (calendar.method.value, calendar.version.value) == ("REQUEST", "2.0")
    assert calendar.prodid.value == "-//Health&Med//Telemed//EN"
    assert (event.uid.value, event.sequence.value, event.status.value) == (ENTRY.uid, "3", "CONFIRMED")
    assert (event.dtstart.value, event.dtend.value) == (ENTRY.start, ENTRY.end)
    assert event.dtstart.value.tzinfo.utcoffset(None) == timedelta(0)
    assert (event.dtstamp.value, event.last_modified.value) == (ENTRY.stamped_at, ENTRY.changed_at)
    assert (event.summary.value, event.description.value, event.url.value) == (
        ENTRY.summary,
        ENTRY.description,
        ENTRY.url,
    )
    assert {"DTSTART:20260601T120000Z", "DTEND:20260601T125000Z"} <= {*lines(raw)}


@pytest.mark.parametrize("method", CalendarMethod)
def test_the_method_stands_at_the_calendar_and_not_in_its_event(method: CalendarMethod) -> None:
    raw = lines(CALENDARS.write([ENTRY], method=method))
    assert raw.count(f"METHOD:{method}") == 1
    assert raw.index(f"METHOD:{method}") < raw.index("BEGIN:VEVENT")


@pytest.mark.parametrize("method", [CalendarMethod.REQUEST, CalendarMethod.CANCEL])
def test_an_invitation_names_the_clinic_and_its_reader_who_need_not_answer(method: CalendarMethod) -> None:
    event = read(CALENDARS.write([ENTRY], method=method)).vevent
    assert event.organizer.value == "mailto:no-reply@clinic.example"
    assert event.attendee.value == "mailto:patient.1@example.com"
    assert event.attendee.params == {"PARTSTAT": ["ACCEPTED"], "RSVP": ["FALSE"]}


def test_what_is_published_names_no_reader() -> None:
    raw = CALENDARS.write([ENTRY], method=CalendarMethod.PUBLISH)
    assert b"ATTENDEE" not in raw
    assert b"example.com" not in raw


def test_what_is_not_said_is_left_out() -> None:
    bare = attrs.evolve(ENTRY, changed_at=None, description="", url=None, attendee=None)
    written = {line.partition(":")[0] for line in lines(CALENDARS.write([bare], method=CalendarMethod.REQUEST))}
    assert not {"LAST-MODIFIED", "DESCRIPTION", "URL", "ATTENDEE", "X-WR-CALNAME"} & written


def test_a_feed_has_a_name_and_all_its_entries_in_order() -> None:
    entries = [attrs.evolve(ENTRY, uid=f"appointment-{number}@telemed") for number in range(3)]
    calendar = read(CALENDARS.write(entries, method=CalendarMethod.PUBLISH, name="Consultas Health&Med"))
    assert calendar.contents["x-wr-calname"][0].value == "Consultas Health&Med"
    assert [event.uid.value for event in calendar.vevent_list] == [entry.uid for entry in entries]


def test_an_empty_feed_is_a_calendar() -> None:
    assert read(CALENDARS.write([], method=CalendarMethod.PUBLISH, name="x")).method.value == "PUBLISH"


@pytest.mark.parametrize("breaks", ["\r\n", "\n", "\r", "\u2028", "\x85", "\x0b", "\x0c"])
def test_nothing_in_a_text_can_become_a_line_of_its_own(breaks: str) -> None:
    evil = f"Eve{breaks}METHOD:CANCEL{breaks}ATTENDEE:mailto:eve@example.org;,\\n<b>"
    entry = attrs.evolve(ENTRY, summary=evil, description=evil)
    raw = CALENDARS.write([entry], method=CalendarMethod.REQUEST, name=evil)
    assert len(raw.decode("utf-8").splitlines()) == raw.count(b"\r\n")
    assert [line for line in lines(raw) if line.startswith(("METHOD", "ATTENDEE"))] == [
        "METHOD:REQUEST",
        "ATTENDEE;PARTSTAT=ACCEPTED;RSVP=FALSE:mailto:patient.1@example.com",
    ]
    inert = "Eve METHOD:CANCEL ATTENDEE:mailto:eve@example.org;,\\n<b>"
    assert read(raw).vevent.summary.value == inert


def test_long_lines_are_folded_between_characters() -> None:
    entry = attrs.evolve(ENTRY, summary="ção—" * 100)
    raw = CALENDARS.write([entry], method=CalendarMethod.PUBLISH)
    assert max(len(line) for line in raw.split(b"\r\n")) <= 75
    assert read(raw).vevent.summary.value == entry.summary


def test_the_same_entries_are_the_same_bytes() -> None:
    assert CALENDARS.write([ENTRY], method=CalendarMethod.PUBLISH) == CALENDARS.write(
        [attrs.evolve(ENTRY, start=ENTRY.start.astimezone(UTC))], method=CalendarMethod.PUBLISH
    )
