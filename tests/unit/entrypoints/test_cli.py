"""The command line on the memory profile: every command, every exit code, every bad input."""

import io
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest
from dependency_injector import providers

from adapters.mailbox import Mailbox
from adapters.memory.state import State
from adapters.system import TravellingClock
from entrypoints import background
from entrypoints.cli import acting, showing, telemed
from entrypoints.cli.demo import stage as demo_stage
from entrypoints.cli.demo.tellings import Telling, Tellings
from entrypoints.cli.running import INTERRUPTED, run
from entrypoints.container import Container, open_container
from entrypoints.settings import load_settings
from telemed_core.application.sweeping import Swept
from telemed_core.application.visiting import Joined
from telemed_core.domain.commit import ClaimChange
from telemed_core.domain.ids import AppointmentId, AttendeeId, MeetingId, SagaId
from telemed_core.domain.meetings import Attendee, Provider, Room
from telemed_core.domain.sagas import SagaEntry
from telemed_core.errors import BusyError, UnavailableError, UndeliverableError
from telemed_core.saga.deciding import quarantined
from telemed_core.saga.sagas import REGISTRY
from telemed_core.testing.builders import MONDAY, a_cpf, a_patient, a_reservation
from unit.entrypoints.api import on_memory, with_fast_passwords

PASSWORD = "four quiet otters juggle"
DOCTOR: dict[str, Any] = {
    "name": "Ana Lima",
    "crm": "123456-SP",
    "email": "ana@example.org",
    "cpf": a_cpf(1).digits,
    "specialties": ["cardiology"],
    "location": {"lat": -23.5, "lon": -46.6},
    "time_zone": "America/Sao_Paulo",
    "price_cents": 25_000,
}
PATIENT: dict[str, Any] = {
    "name": "Bia Reis",
    "cpf": a_cpf(2).digits,
    "email": "bia@example.org",
    "birth_date": "1990-05-17",
    "time_zone": "America/Sao_Paulo",
    "consents": ["telemedicine", "data_processing"],
}
AGENDA: dict[str, Any] = {
    "time_zone": "America/Sao_Paulo",
    "weekly": [{"weekday": "tuesday", "start": "08:00", "end": "12:00"}],
}
ANA, BIA = "123456-SP", "bia@example.org"
EIGHT, NINE, TEN = (f"2026-06-02T{hour:02}:00:00-03:00" for hour in (8, 9, 10))


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def body(self) -> Any:
        return json.loads(self.out)


Telemed = Callable[..., Ended]


@pytest.fixture
def clock() -> TravellingClock:
    return TravellingClock(MONDAY)


@pytest.fixture
def container(monkeypatch: pytest.MonkeyPatch, clock: TravellingClock) -> Iterator[Container]:
    """One clinic in memory for all commands of a test."""
    shared = with_fast_passwords(open_container(load_settings(on_memory()), clock=clock))
    monkeypatch.setattr(acting, "open_container", lambda settings, **_: shared)
    yield shared
    shared.close()


@pytest.fixture
def run_telemed(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Telemed:
    for name in ("TELEMED_PROFILE", "TELEMED_DATA", "TELEMED_AT"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: object, typed: str = PASSWORD) -> Ended:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{typed}\n"))
        capfd.readouterr()
        code = run(telemed, [str(one) for one in arguments])
        printed = capfd.readouterr()
        return Ended(code, printed.out, printed.err)

    return call


@pytest.fixture
def as_file(tmp_path: Path) -> Callable[[object], Path]:
    def write(data: object) -> Path:
        path = tmp_path / "body.json"
        path.write_bytes(data if isinstance(data, bytes) else json.dumps(data).encode())
        return path

    return write


@pytest.fixture
def doctor(container: Container, run_telemed: Telemed, as_file: Callable[[object], Path]) -> str:
    """The id of an approved doctor with an agenda."""
    made = run_telemed("doctors", "register", "--file", as_file(DOCTOR), "--json")
    assert made.code == 0, made.err
    run_telemed("doctors", "verify", made.body["id"], "--decision", "approve")
    assert run_telemed("agenda", "set", as_file(AGENDA), "--as", ANA).code == 0
    return str(made.body["id"])


@pytest.fixture
def patient(container: Container, run_telemed: Telemed, as_file: Callable[[object], Path]) -> str:
    made = run_telemed("patients", "register", "--file", as_file(PATIENT), "--json")
    assert made.code == 0, made.err
    return str(made.body["id"])


@pytest.fixture
def requested(doctor: str, patient: str, run_telemed: Telemed) -> str:
    """The id of a request for Tuesday at eight."""
    made = run_telemed("appointments", "request", doctor, EIGHT, "--as", BIA, "--reason", "cough", "--json")
    assert made.code == 0, made.err
    return str(made.body["id"])


@pytest.fixture
def confirmed(requested: str, run_telemed: Telemed) -> str:
    assert run_telemed("appointments", "accept", requested, "--rev", 1, "--as", ANA).code == 0
    return requested


# Registration and verification


def test_a_doctor_registers_is_listed_verified_and_found(
    container: Container, run_telemed: Telemed, as_file: Callable[[object], Path]
) -> None:
    made = run_telemed("doctors", "register", "--file", as_file(DOCTOR))
    assert made.code == 0
    assert "pending_verification" in made.out
    (listed,) = run_telemed("doctors", "list", "--status", "pending_verification", "--json").body["items"]
    assert (listed["crm"], listed["status"], listed["cpf"]) == ("123456-SP", "pending_verification", a_cpf(1).digits)
    assert run_telemed("doctors", "search").out == "no doctors\n"
    verified = run_telemed("doctors", "verify", listed["id"], "--decision", "approve", "--json").body
    assert (verified["status"], verified["affected"]) == ("approved", [])
    found = run_telemed("doctors", "search", "--specialty", "cardiology", "--name", "lim", "--json").body
    assert [one["id"] for one in found["items"]] == [listed["id"]]
    assert found["next_cursor"] is None
    assert found["items"][0]["rating"] == {"average": None, "count": 0}
    assert "Ana Lima" in run_telemed("doctors", "list").out
    assert "none yet" in run_telemed("doctors", "list").out
    assert run_telemed("doctors", "search", "--specialty", "dermatology", "--json").body["items"] == []


def test_a_second_account_with_the_same_data_is_refused(
    doctor: str, patient: str, run_telemed: Telemed, as_file: Callable[[object], Path]
) -> None:
    for who, data in (("doctors", DOCTOR), ("patients", PATIENT)):
        again = run_telemed(who, "register", "--file", as_file(data))
        assert (again.code, again.out) == (1, "")
        assert again.err.startswith("already_registered: ")


def test_a_decision_without_a_reason_is_refused_by_the_field(doctor: str, run_telemed: Telemed) -> None:
    refused = run_telemed("doctors", "verify", doctor, "--decision", "suspend")
    assert (refused.code, refused.err) == (1, "invalid_request: reason: is required but for approval\n")
    assert run_telemed("doctors", "verify", doctor, "--decision", "suspend", "--reason", "expired").code == 0
    again = run_telemed("doctors", "verify", doctor, "--decision", "reject", "--reason", "expired")
    assert (again.code, again.err.split(":")[0]) == (1, "invalid_transition")


def test_only_administrators_verify_and_see_every_doctor(doctor: str, patient: str, run_telemed: Telemed) -> None:
    assert run_telemed("admin", "create", "root@example.org").code == 0
    assert run_telemed("doctors", "list", "--as", "root@example.org", "--json").body["items"][0]["id"] == doctor
    for arguments in (("verify", doctor, "--decision", "approve"), ("list",)):
        refused = run_telemed("doctors", *arguments, "--as", BIA)
        assert (refused.code, refused.err.split(":")[0]) == (1, "forbidden")


def test_an_administrator_is_created_once(container: Container, run_telemed: Telemed) -> None:
    made = run_telemed("admin", "create", "root@example.org", "--json")
    assert (made.code, made.body["role"], made.body["email"]) == (0, "administrator", "root@example.org")
    again = run_telemed("admin", "create", "ROOT@example.org")
    assert (again.code, again.err.split(":")[0]) == (1, "already_registered")


def test_a_password_that_is_too_short_or_too_common_is_refused(container: Container, run_telemed: Telemed) -> None:
    short = run_telemed("admin", "create", "root@example.org", typed="short")
    assert (short.code, "password: must have 12 to 128 characters" in short.err) == (2, True)
    common = run_telemed("admin", "create", "root@example.org", typed="password1234")
    assert (common.code, common.err.startswith("invalid_request: password: ")) == (1, True)


def test_a_password_may_stand_in_the_file(
    container: Container, run_telemed: Telemed, as_file: Callable[[object], Path]
) -> None:
    made = run_telemed("patients", "register", "--file", as_file({**PATIENT, "password": PASSWORD}), typed="x")
    assert (made.code, "is registered" in made.out) == (0, True)


def test_on_a_terminal_the_password_is_asked_for_unseen(
    container: Container, run_telemed: Telemed, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def prompt(text: str, **more: Any) -> str:
        asked.append(more)
        return PASSWORD

    monkeypatch.setattr("entrypoints.cli.people.click.prompt", prompt)
    monkeypatch.setattr(io, "StringIO", Terminal)
    assert run_telemed("admin", "create", "root@example.org").code == 0
    assert asked[0]["hide_input"]


# Agenda, blocks, slots


def test_an_agenda_is_set_and_shown_and_offers_slots(doctor: str, run_telemed: Telemed) -> None:
    shown = run_telemed("agenda", "show", "--as", ANA, "--json").body
    assert shown["weekly"] == AGENDA["weekly"]
    assert shown["consultation_minutes"] == 50
    assert "tuesday" in run_telemed("agenda", "show", "--as", ANA).out
    day = ("--from", "2026-06-02T00:00:00Z", "--to", "2026-06-03T00:00:00Z")
    slots = run_telemed("slots", doctor, *day, "--json").body
    assert slots["items"][0] == {"start": "2026-06-02T11:00:00Z", "end": "2026-06-02T11:50:00Z"}
    assert (len(slots["items"]), slots["time_zone"], slots["price_cents"]) == (4, "America/Sao_Paulo", 25_000)
    assert "Tue 2026-06-02 08:00 -0300" in run_telemed("slots", doctor, *day).out
    nothing = run_telemed("slots", doctor, "--from", "2026-06-03T12:00:00Z", "--to", "2026-06-03T13:00:00Z")
    assert nothing.out == "no free time\n"


def test_setting_the_agenda_names_the_appointments_outside_it(
    requested: str, run_telemed: Telemed, as_file: Callable[[object], Path]
) -> None:
    later = {**AGENDA, "weekly": [{"weekday": "tuesday", "start": "09:00", "end": "12:00"}]}
    assert run_telemed("agenda", "set", as_file(later), "--as", ANA, "--json").body["affected"] == [requested]
    assert requested in run_telemed("agenda", "set", as_file({**later, "weekly": []}), "--as", ANA).out


def test_a_block_is_made_listed_and_removed(confirmed: str, run_telemed: Telemed) -> None:
    made = run_telemed(
        "agenda", "block", EIGHT, NINE, "--as", ANA, "--reason", "congress", "--cancel-appointments", "--json"
    )
    assert made.body["affected"] == [confirmed]
    cancelled = run_telemed("appointments", "show", confirmed, "--as", BIA, "--json").body
    assert (cancelled["status"], cancelled["cancelled_by"], cancelled["cancel_reason"]) == (
        "cancelled",
        "doctor",
        "congress",
    )
    (listed,) = run_telemed("agenda", "blocks", "--as", ANA, "--json").body["items"]
    assert listed == {name: made.body[name] for name in ("id", "start", "end")}
    assert made.body["id"] in run_telemed("agenda", "blocks", "--as", ANA).out
    assert run_telemed("agenda", "unblock", made.body["id"], "--as", ANA).out == "removed\n"
    assert run_telemed("agenda", "blocks", "--as", ANA).out == "no blocks\n"
    again = run_telemed("agenda", "unblock", made.body["id"], "--as", ANA)
    assert (again.code, again.err.split(":")[0]) == (1, "not_found")
    assert "overlaps 0 appointments" in run_telemed("agenda", "block", EIGHT, NINE, "--as", ANA).out


# Appointments


def test_an_appointment_is_requested_accepted_moved_and_cancelled(confirmed: str, run_telemed: Telemed) -> None:
    proposed = run_telemed("appointments", "reschedule", confirmed, NINE, "--as", ANA, "--json").body["proposal"]
    assert (proposed["start"], proposed["by"]) == ("2026-06-02T12:00:00Z", "doctor")
    assert proposed["id"] in run_telemed("appointments", "show", confirmed, "--as", BIA).out
    answer = ("--proposal", proposed["id"])
    own = run_telemed("appointments", "agree", confirmed, *answer, "--as", ANA)
    assert (own.code, own.err.split(":")[0]) == (1, "invalid_transition")
    agreed = run_telemed("appointments", "agree", confirmed, *answer, "--as", BIA, "--json").body
    assert (agreed["start"], agreed["proposal"], agreed["sequence"]) == ("2026-06-02T12:00:00Z", None, 1)
    assert agreed["join_url"] == f"http://127.0.0.1:8000/appointments/{confirmed}/visit"
    cancelled = run_telemed("appointments", "cancel", confirmed, "--reason", "travelling", "--as", BIA, "--json").body
    assert (cancelled["status"], cancelled["cancel_reason"], cancelled["late"]) == ("cancelled", "travelling", False)
    assert [one["event"] for one in cancelled["history"]] == [
        "requested", "confirmed", "proposed", "agreed", "cancelled",
    ]  # fmt: skip
    over = run_telemed("appointments", "cancel", confirmed, "--reason", "travelling", "--as", BIA)
    assert (over.code, over.err.split(":")[0]) == (1, "invalid_transition")


def test_a_proposal_is_declined(confirmed: str, run_telemed: Telemed) -> None:
    proposed = run_telemed("appointments", "reschedule", confirmed, NINE, "--as", BIA, "--json").body["proposal"]
    declined = run_telemed(
        "appointments", "decline", confirmed, "--proposal", proposed["id"], "--as", a_cpf(2).digits, "--json"
    ).body
    assert (declined["start"], declined["proposal"]) == ("2026-06-02T11:00:00Z", None)


def test_a_request_is_refused_with_a_reason_for_the_patient(requested: str, run_telemed: Telemed) -> None:
    assert run_telemed("appointments", "refuse", requested, "--as", ANA, "--reason", "not my field").code == 0
    shown = run_telemed("appointments", "show", requested, "--as", BIA)
    assert (shown.code, "not my field" in shown.out, "refused by doctor" in shown.out) == (0, True, True)


def test_appointments_are_listed_by_start_without_history(requested: str, run_telemed: Telemed, doctor: str) -> None:
    second = run_telemed("appointments", "request", doctor, NINE, "--as", BIA, "--json").body["id"]
    listed = run_telemed("appointments", "list", "--as", ANA, "--json").body
    assert [one["id"] for one in listed["items"]] == [requested, second]
    assert [one["history"] for one in listed["items"]] == [None, None]
    assert listed["next_cursor"] is None
    later = run_telemed("appointments", "list", "--as", BIA, "--from", NINE, "--status", "requested", "--json").body
    assert [one["id"] for one in later["items"]] == [second]
    assert "Bia Reis" in run_telemed("appointments", "list", "--as", ANA).out
    assert run_telemed("appointments", "list", "--as", ANA, "--to", EIGHT).out == "no appointments\n"


def test_what_people_wrote_is_printed_as_text_and_not_as_markup(
    doctor: str, patient: str, run_telemed: Telemed
) -> None:
    made = run_telemed("appointments", "request", doctor, EIGHT, "--as", BIA, "--reason", "[bold]x[/bold] [/]")
    assert (made.code, "[bold]x[/bold] [/]" in made.out) == (0, True)


@pytest.mark.parametrize(
    ("start", "code"),
    [
        ("2026-06-02T08:01:00-03:00", "slot_not_offered"),
        ("2026-06-03T08:00:00-03:00", "slot_not_offered"),
        ("2026-06-01T10:00:00-03:00", "too_soon"),
        ("2020-06-01T10:00:00-03:00", "too_soon"),
        ("2027-06-01T08:00:00-03:00", "beyond_horizon"),
    ],
)
def test_a_start_that_cannot_be_booked_has_its_own_code(
    doctor: str, patient: str, run_telemed: Telemed, start: str, code: str
) -> None:
    refused = run_telemed("appointments", "request", doctor, start, "--as", BIA)
    assert (refused.code, refused.out, refused.err.split(":")[:2]) == (1, "", [code, " start"])


def test_a_taken_slot_and_a_busy_patient_are_refused(
    requested: str, doctor: str, run_telemed: Telemed, as_file: Callable[[object], Path]
) -> None:
    run_telemed(
        "patients", "register", "--file", as_file({**PATIENT, "cpf": a_cpf(3).digits, "email": "c@example.org"})
    )
    taken = run_telemed("appointments", "request", doctor, EIGHT, "--as", "c@example.org")
    assert (taken.code, taken.err.split(":")[0]) == (1, "slot_taken")
    busy = run_telemed("appointments", "request", doctor, EIGHT, "--as", BIA)
    assert (busy.code, busy.err.split(":")[0]) == (1, "patient_busy")


def test_accepting_what_was_not_seen_is_refused(requested: str, run_telemed: Telemed) -> None:
    refused = run_telemed("appointments", "accept", requested, "--rev", 7, "--as", ANA)
    assert (refused.code, refused.err.split(":")[0]) == (1, "stale_revision")


@pytest.mark.parametrize(
    "arguments",
    [
        ("appointments", "accept", "ID", "--rev", "1", "--as", BIA),
        ("appointments", "refuse", "ID", "--as", BIA),
        ("appointments", "request", "DOCTOR", NINE, "--as", ANA),
        ("appointments", "list", "--as", "root@example.org"),
        ("appointments", "join", "ID", "--as", "root@example.org"),
        ("appointments", "absence", "ID", "--as", "root@example.org"),
        ("appointments", "complete", "ID", "--as", BIA),
        ("appointments", "rate", "ID", "5", "--as", ANA),
        ("agenda", "show", "--as", BIA),
        ("agenda", "block", EIGHT, NINE, "--as", BIA),
    ],
)
def test_roles_hold_without_passwords_too(
    requested: str, doctor: str, run_telemed: Telemed, arguments: tuple[str, ...]
) -> None:
    run_telemed("admin", "create", "root@example.org")
    named = [{"ID": requested, "DOCTOR": doctor}.get(one, one) for one in arguments]
    refused = run_telemed(*named)
    assert (refused.code, refused.out, refused.err) == (1, "", "forbidden: You may not do this.\n")


def test_somebody_elses_appointment_does_not_exist(
    requested: str, run_telemed: Telemed, as_file: Callable[[object], Path]
) -> None:
    run_telemed(
        "patients", "register", "--file", as_file({**PATIENT, "cpf": a_cpf(3).digits, "email": "c@example.org"})
    )
    for one in (requested, "nothing"):
        refused = run_telemed("appointments", "show", one, "--as", "c@example.org")
        assert (refused.code, refused.err) == (1, "not_found: There is no such thing.\n")


def test_nobody_acts_as_an_unknown_person(container: Container, run_telemed: Telemed) -> None:
    unknown = run_telemed("appointments", "list", "--as", "nobody@example.org")
    assert (unknown.code, unknown.err.split(":")[0]) == (1, "not_found")
    assert "nobody@" not in unknown.err
    wrong = run_telemed("appointments", "list", "--as", "nobody")
    assert (wrong.code, "--as" in wrong.err, "nobody" in wrong.err) == (2, True, False)


# Visits


@pytest.fixture
def open_visit(confirmed: str, clock: TravellingClock) -> str:
    """The id of a visit that begins now."""
    clock.travel(datetime.fromisoformat(EIGHT) - clock.now())
    return confirmed


@pytest.fixture
def completed(open_visit: str, run_telemed: Telemed) -> str:
    for who in (ANA, BIA):
        assert run_telemed("appointments", "join", open_visit, "--as", who).code == 0
    assert run_telemed("appointments", "complete", open_visit, "--as", ANA).code == 0
    return open_visit


def test_both_sides_join_one_meeting_and_the_doctor_completes(open_visit: str, run_telemed: Telemed) -> None:
    joined = [run_telemed("appointments", "join", open_visit, "--as", who, "--json") for who in (ANA, BIA)]
    assert [one.code for one in joined] == [0, 0]
    doctors, patients = (one.body for one in joined)
    assert (doctors["provider"], doctors["meeting"]) == ("memory", patients["meeting"])
    assert doctors["attendee"] != patients["attendee"]
    assert (doctors["opens_at"], doctors["closes_at"]) == ("2026-06-02T10:50:00Z", "2026-06-02T12:00:00Z")
    again = run_telemed("appointments", "join", open_visit, "--as", BIA).out
    for told in ("in_progress", "memory", patients["meeting"]["id"], patients["attendee"]["id"], "09:00 -0300"):
        assert told in again
    done = run_telemed("appointments", "complete", open_visit, "--as", ANA, "--json").body
    assert (done["status"], done["history"][-1]["by"]) == ("completed", "doctor")


def test_a_persons_way_in_is_printed_for_programs_alone(
    open_visit: str, run_telemed: Telemed, container: Container
) -> None:
    attendee = Attendee(id=AttendeeId("t1"), details={"token": "way-in", "ice_servers": []})
    room = Room(provider=Provider.WEBRTC, id=MeetingId("m1"))
    container.join_visit.override(
        providers.Object(lambda **given: Joined(container.appointments().get(given["appointment_id"]), room, attendee))
    )
    assert run_telemed("appointments", "join", open_visit, "--as", BIA, "--json").body["attendee"]["token"] == "way-in"
    shown = run_telemed("appointments", "join", open_visit, "--as", BIA)
    assert (shown.code, "m1" in shown.out, "way-in" in shown.out) == (0, True, False)


def test_who_comes_too_early_is_told_when_to_come(confirmed: str, run_telemed: Telemed) -> None:
    early = run_telemed("appointments", "join", confirmed, "--as", BIA)
    assert (early.code, early.out) == (1, "")
    code, opens_at = early.err.splitlines()
    assert (code.split(":")[0], opens_at) == ("join_window_closed", "  opens_at: 2026-06-02T10:50:00Z")


def test_who_has_come_declares_the_other_absent(open_visit: str, run_telemed: Telemed, clock: TravellingClock) -> None:
    run_telemed("appointments", "join", open_visit, "--as", BIA)
    early = run_telemed("appointments", "absence", open_visit, "--as", BIA)
    assert (early.code, early.err.split(":")[0]) == (1, "too_early")
    clock.travel(timedelta(minutes=15))
    unseen = run_telemed("appointments", "absence", open_visit, "--as", ANA)
    assert (unseen.code, unseen.err.split(":")[0]) == (1, "not_present")
    missed = run_telemed("appointments", "absence", open_visit, "--as", BIA, "--json").body
    assert (missed["status"], missed["absent"]) == ("no_show", "doctor")
    assert "absent" in run_telemed("appointments", "show", open_visit, "--as", ANA).out


def test_a_visit_is_rated_once_and_the_doctor_shows_it(completed: str, doctor: str, run_telemed: Telemed) -> None:
    made = run_telemed("appointments", "rate", completed, 4, "--comment", "Took her time.", "--as", BIA, "--json").body
    assert (made["score"], made["comment"]) == (4, "Took her time.")
    twice = run_telemed("appointments", "rate", completed, 5, "--as", BIA)
    assert (twice.code, twice.err.split(":")[0]) == (1, "already_rated")
    assert run_telemed("doctors", "ratings", doctor, "--as", BIA, "--json").body == {
        "items": [made],
        "next_cursor": None,
    }
    listed = run_telemed("doctors", "ratings", doctor).out
    assert ("Took her time." in listed, "Bia" in listed) == (True, False)
    for command in ("list", "search"):
        shown = run_telemed("doctors", command, "--json").body["items"]
        assert [one["rating"] for one in shown] == [{"average": 4.0, "count": 1}]
        assert "4.0 (1)" in run_telemed("doctors", command).out
    suspended = ("doctors", "verify", doctor, "--decision", "suspend", "--reason", "expired", "--json")
    assert run_telemed(*suspended).body["rating"] == {"average": 4.0, "count": 1}
    hidden = run_telemed("doctors", "ratings", doctor, "--as", BIA)
    assert (hidden.code, hidden.err.split(":")[0]) == (1, "not_found")


def test_a_rating_may_be_a_score_alone(completed: str, doctor: str, run_telemed: Telemed) -> None:
    assert run_telemed("doctors", "ratings", doctor).out == "no ratings\n"
    made = run_telemed("appointments", "rate", completed, 1, "--as", BIA)
    assert (made.code, made.out) == (0, f"appointment {completed} is rated 1\n")
    assert run_telemed("doctors", "ratings", doctor, "--json").body["items"][0]["comment"] is None


def test_ratings_are_listed_whole_newest_first(
    completed: str, doctor: str, run_telemed: Telemed, monkeypatch: pytest.MonkeyPatch, clock: TravellingClock
) -> None:
    run_telemed("appointments", "rate", completed, 1, "--as", BIA)
    clock.travel(timedelta(days=6))
    start = "2026-06-09T08:00:00-03:00"
    second = run_telemed("appointments", "request", doctor, start, "--as", BIA, "--json").body["id"]
    run_telemed("appointments", "accept", second, "--rev", 1, "--as", ANA)
    clock.travel(datetime.fromisoformat(start) - clock.now())
    for who in (ANA, BIA):
        run_telemed("appointments", "join", second, "--as", who)
    run_telemed("appointments", "complete", second, "--as", ANA)
    run_telemed("appointments", "rate", second, 5, "--as", BIA)
    monkeypatch.setattr("entrypoints.cli.visits.MOST_AT_ONCE", 1)
    assert [one["score"] for one in run_telemed("doctors", "ratings", doctor, "--json").body["items"]] == [5, 1]


@pytest.mark.parametrize("score", ["0", "6", "x", "4.5"])
def test_a_score_that_is_none_is_wrong_usage(completed: str, run_telemed: Telemed, score: str) -> None:
    refused = run_telemed("appointments", "rate", completed, score, "--as", BIA)
    assert (refused.code, refused.out) == (2, "")
    assert "SCORE" in refused.err or "score" in refused.err


def test_a_visit_that_is_not_in_progress_is_neither_completed_nor_rated(confirmed: str, run_telemed: Telemed) -> None:
    for arguments in (("complete", confirmed, "--as", ANA), ("rate", confirmed, 5, "--as", BIA)):
        refused = run_telemed("appointments", *arguments)
        assert (refused.code, refused.err.split(":")[0]) == (1, "invalid_transition")


# Upkeep


def test_the_sweep_writes_down_what_is_due(requested: str, run_telemed: Telemed, clock: TravellingClock) -> None:
    clock.travel(timedelta(days=1))
    assert run_telemed("appointments", "show", requested, "--as", BIA, "--json").body["status"] == "expired"
    swept = run_telemed("sweep").out
    assert swept.startswith("settled 1, cancelled 0, sagas ")
    assert swept.endswith(", mails 0\n")
    assert run_telemed("sweep").out == "settled 0, cancelled 0, sagas 0, mails 0\n"


@pytest.fixture
def watch(run_telemed: Telemed, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], Ended]:
    """Watch until that has returned, in a thread of its own."""
    handlers: list[Callable[..., None]] = []
    monkeypatch.setattr("entrypoints.cli.upkeep.signal.signal", lambda _, handler: handlers.append(handler))

    def watching(until: Callable[[], object]) -> Ended:
        def end() -> None:
            try:
                until()
            finally:
                handlers[0]()

        class Ending(background.Background):
            def start(self) -> None:
                super().start()
                threading.Thread(target=end).start()

        monkeypatch.setattr("entrypoints.cli.upkeep.Background", partial(Ending, sweep_every=0.001, look_every=0.001))
        return run_telemed("sweep", "--watch")

    return watching


def eventually(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not holds() and time.monotonic() < until:
        time.sleep(0.001)
    assert holds()


def test_the_watching_sweep_goes_on_until_it_is_told_to_end(
    requested: str, container: Container, clock: TravellingClock, watch: Callable[[Callable[[], object]], Ended]
) -> None:
    def passing() -> None:
        eventually(lambda: len(container.notices().log(appointment_id=AppointmentId(requested), limit=9)) == 1)
        clock.travel(timedelta(days=1))
        eventually(lambda: len(container.notices().log(appointment_id=AppointmentId(requested), limit=9)) == 3)

    ended = watch(passing)
    assert (ended.code, ended.err) == (0, "")
    first, *did = ended.out.splitlines()
    assert first == "watching"
    # Each job has a thread of its own: which of them tells first is chance.
    ran = [int(line.removeprefix("sagas ")) for line in did if line != "settled 1, cancelled 0"]
    assert len(ran) == len(did) - 1
    assert sum(ran) >= 2


def test_the_watching_sweep_outlives_a_store_that_is_down(
    container: Container, watch: Callable[[Callable[[], object]], Ended]
) -> None:
    done = threading.Event()
    answers: Iterator[UnavailableError | Swept] = iter([UnavailableError(), Swept(settled=2, cancelled=1)])

    def sweeping() -> Swept:
        answer = next(answers, None)
        if isinstance(answer, UnavailableError):
            raise answer
        if answer is None:
            done.set()
        return answer or Swept(settled=0, cancelled=0)

    container.sweep.override(providers.Object(sweeping))
    ended = watch(lambda: done.wait(10))
    assert (ended.code, ended.out) == (0, "watching\nsettled 2, cancelled 1\n")
    told = json.loads(ended.err)
    assert (told["level"], told["what"]) == ("warning", "sweep: dependency_unavailable")


def test_the_sweep_takes_over_what_a_process_left_that_is_gone(
    requested: str, container: Container, run_telemed: Telemed
) -> None:
    log = container.sagas()
    left = log.claim(f"{socket.gethostname()}:4194305:1", now=container.clock().now(), limit=100)
    assert f"{requested}.1" in {row.id for row in left}
    assert f"sagas {len(left)}" in run_telemed("sweep").out


# Sagas and notifications


@pytest.fixture
def stuck(container: Container, clock: TravellingClock, requested: str) -> str:
    """The id of a saga of a request that is quarantined after its pivot."""
    return _stuck(container, f"{requested}.1")


def _stuck(container: Container, saga_id: str) -> str:
    log = container.sagas()
    row, _ = log.get(SagaId(saga_id))
    progress = quarantined(row.progress, error="dependency_unavailable")
    return log.append(SagaEntry(before=row, progress=progress, at=container.clock().now())).id


def test_sagas_are_listed_by_phase_and_name(requested: str, stuck: str, run_telemed: Telemed) -> None:
    run_telemed("sweep")
    listed = run_telemed("sagas", "list", "--json").body["items"]
    assert {one["name"] for one in listed} == {"register_doctor", "register_patient", "verification", "request"}
    assert [one["id"] for one in run_telemed("sagas", "list", "--phase", "quarantined", "--json").body["items"]] == [
        stuck
    ]
    completed = run_telemed("sagas", "list", "--phase", "completed", "--name", "verification", "--json").body["items"]
    assert [(one["name"], one["phase"]) for one in completed] == [("verification", "completed")]
    shown = run_telemed("sagas", "list", "--phase", "quarantined").out
    assert all(word in shown for word in (stuck, "request", requested, "notify", "dependency_unavailable"))
    assert run_telemed("sagas", "list", "--phase", "compensating").out == "no sagas\n"


def test_more_sagas_than_a_page_are_all_listed(
    container: Container, requested: str, run_telemed: Telemed, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = run_telemed("sagas", "list", "--json").body
    monkeypatch.setattr("entrypoints.cli.sagas.MOST_AT_ONCE", 1)
    assert run_telemed("sagas", "list", "--json").body == everything
    assert len(everything["items"]) == 4


def test_a_saga_is_shown_step_by_step(stuck: str, run_telemed: Telemed) -> None:
    body = run_telemed("sagas", "show", stuck, "--json").body
    assert [(one["name"], one["kind"], one["state"]) for one in body["steps"]] == [
        ("take_slot", "pivot", "done"),
        ("notify", "retriable", "current"),
    ]
    assert (body["phase"], body["error"], body["interventions"]) == ("quarantined", "dependency_unavailable", [])
    shown = run_telemed("sagas", "show", stuck).out
    assert all(word in shown for word in (stuck, "done: take_slot (pivot)", "current: notify (retriable)"))
    unknown = run_telemed("sagas", "show", "nothing")
    assert (unknown.code, unknown.err.split(":")[0]) == (1, "not_found")


def test_an_operator_has_a_saga_try_again_with_a_reason_that_is_kept(
    stuck: str, container: Container, run_telemed: Telemed
) -> None:
    again = run_telemed("sagas", "retry", stuck, "--reason", "the server is back", "--json")
    assert (again.code, again.body["phase"], again.body["attempt"]) == (0, "forward", 1)
    (kept,) = again.body["interventions"]
    assert (kept["verb"], kept["by"], kept["reason"]) == ("retry", "operator", "the server is back")
    run_telemed("sweep")
    assert run_telemed("sagas", "show", stuck, "--json").body["phase"] == "completed"
    shown = run_telemed("sagas", "show", stuck).out
    assert "retry by operator: the server is back" in shown
    over = run_telemed("sagas", "retry", stuck, "--reason", "once more")
    assert (over.code, over.err.split(":")[0]) == (1, "invalid_transition")


def test_an_operator_says_that_a_step_is_done(stuck: str, run_telemed: Telemed) -> None:
    resolved = run_telemed("sagas", "resolve", stuck, "--reason", "told by telephone", "--json").body
    assert [one["state"] for one in resolved["steps"]] == ["done", "done"]
    assert resolved["interventions"][0]["verb"] == "resolve"


def test_a_saga_past_its_pivot_is_not_compensated_and_one_before_it_is(
    stuck: str, container: Container, run_telemed: Telemed
) -> None:
    refused = run_telemed("sagas", "compensate", stuck, "--reason", "not wanted")
    assert (refused.code, refused.err.split(":")[0]) == (1, "invalid_transition")
    reservation = a_reservation(a_patient(77))
    container.accounts().reserve(reservation)
    before = _stuck(container, reservation.saga.id)
    undone = run_telemed("sagas", "compensate", before, "--reason", "not wanted", "--json").body
    assert undone["phase"] == "compensating"
    run_telemed("sweep")
    assert run_telemed("sagas", "show", before, "--json").body["phase"] == "compensated"


def test_administrators_alone_see_and_move_sagas_and_deliveries(stuck: str, run_telemed: Telemed) -> None:
    run_telemed("admin", "create", "root@example.org")
    assert run_telemed("sagas", "list", "--as", "root@example.org").code == 0
    for arguments in (
        ("sagas", "list"),
        ("sagas", "show", stuck),
        *(("sagas", verb, stuck, "--reason", "because") for verb in ("retry", "compensate", "resolve")),
        ("notifications", "list"),
        ("notifications", "replay", "nothing"),
    ):
        refused = run_telemed(*arguments, "--as", BIA)
        assert (refused.code, refused.err.split(":")[0]) == (1, "forbidden"), arguments
    done = run_telemed("sagas", "retry", stuck, "--reason", "because", "--as", "root@example.org", "--json").body
    assert done["interventions"][0]["by"] != "operator"


def test_a_definition_is_a_diagram_and_without_a_name_all_are(run_telemed: Telemed) -> None:
    one = run_telemed("sagas", "definition", "accept")
    assert one.out.startswith("stateDiagram-v2\n")
    assert run_telemed("sagas", "definition", "accept", "--format", "mermaid").out == one.out
    machine = json.loads(run_telemed("sagas", "definition", "accept", "--format", "asl").out)
    assert (machine["StartAt"], machine["States"]["notify"]["Resource"]) == ("reminders", "${SagaStepArn}")
    everything = run_telemed("sagas", "definition").out
    assert one.out in everything
    assert everything.count("```mermaid\n") == len(REGISTRY.names())
    unknown = run_telemed("sagas", "definition", "nothing")
    assert (unknown.code, unknown.out) == (2, "")
    assert all(name in unknown.err for name in REGISTRY.names())


def test_the_diagrams_of_the_documentation_are_those_of_the_definitions(run_telemed: Telemed) -> None:
    written = (Path(__file__).parents[3] / "docs" / "saga-diagrams.md").read_text(encoding="utf-8")
    assert written == run_telemed("sagas", "definition").out


@pytest.fixture
def mails(container: Container) -> Mailbox:
    """A mail server that takes everything."""
    taking = Mailbox()
    container.mailer.override(providers.Object(taking))
    return taking


def test_deliveries_are_listed_by_status_and_channel(mails: Mailbox, requested: str, run_telemed: Telemed) -> None:
    swept = run_telemed("sweep").out
    assert swept.endswith("mails 2\n")
    listed = run_telemed("notifications", "list", "--json").body["items"]
    assert {(one["kind"], one["channel"], one["status"]) for one in listed} == {
        (kind, channel, "delivered") for kind in ("approved", "requested") for channel in ("in_app", "email")
    }
    assert len(run_telemed("notifications", "list", "--channel", "email", "--json").body["items"]) == 2
    assert run_telemed("notifications", "list", "--status", "dead").out == "no notifications\n"
    shown = run_telemed("notifications", "list").out
    assert all(word in shown for word in ("requested", "in_app", "email", "delivered"))
    assert "Ana" not in shown


def test_a_delivery_that_was_given_up_is_listed_and_sent_again(
    mails: Mailbox, requested: str, container: Container, run_telemed: Telemed
) -> None:
    class Refusing:
        def send(self, mail: Any, /) -> None:
            raise UndeliverableError

    container.mailer.override(providers.Object(Refusing()))
    refused = run_telemed("sweep")
    assert {json.loads(line)["what"] for line in refused.err.splitlines()} == {"delivery dead"}
    dead = run_telemed("notifications", "list", "--status", "dead", "--json").body["items"]
    assert [(one["attempts"], one["last_error"]) for one in dead] == [(1, "undeliverable")] * 2
    first = dead[0]["id"]
    container.mailer.override(providers.Object(mails))
    container.deliver_notices.reset()
    assert run_telemed("notifications", "replay", first).out == f"{first} is pending\n"
    assert run_telemed("sweep").out.endswith("mails 1\n")
    assert [mail.id for mail in mails.mails] == [first]
    again = run_telemed("notifications", "replay", first)
    assert (again.code, again.err.split(":")[0]) == (1, "invalid_transition")
    other = run_telemed("notifications", "replay", dead[1]["id"], "--json").body
    assert (other["status"], other["attempts"]) == ("pending", 0)


def state_of(container: Container) -> State:
    ledger: Any = container.ledger()
    state: State = ledger._state
    return state


def spoil(container: Container, appointment: str, cells: int, owner: str | None) -> str:
    """Make the doctor's first cells of an appointment another's, or nobody's; answers the person."""
    state = state_of(container)
    stored = state.appointments[AppointmentId(appointment)]
    held = state.claims[stored.doctor_person]
    for cell in sorted(held)[:cells]:
        change = ClaimChange(stored.doctor_person, (cell,), stored.id, AppointmentId(owner) if owner else None)
        if change.after:
            held[cell] = change.after
        else:
            del held[cell]
    return stored.doctor_person


def test_the_ledger_is_verified_and_repaired(requested: str, container: Container, run_telemed: Telemed) -> None:
    assert run_telemed("ledger", "verify") == (0, "the ledger is clean\n", "")
    person = spoil(container, requested, 2, None)
    found = run_telemed("ledger", "verify", "--person", person, "--json")
    assert (found.code, [one["fault"] for one in found.body["items"]]) == (1, ["missing", "missing"])
    assert found.body["items"][0]["cell"] == "2026-06-02T11:00:00Z"
    assert run_telemed("ledger", "verify", "--day", "2026-06-01").code == 0
    assert "missing" in run_telemed("ledger", "verify", "--day", "2026-06-02").out
    assert run_telemed("ledger", "repair") == (
        0, "repaired the claims of 1 appointments\nthe ledger is clean\n", "",
    )  # fmt: skip


def test_a_cell_that_another_owns_is_left_and_both_are_named(
    requested: str, doctor: str, container: Container, run_telemed: Telemed
) -> None:
    other = run_telemed("appointments", "request", doctor, NINE, "--as", BIA, "--json").body["id"]
    state = state_of(container)
    live = state.live[AppointmentId(other)]
    spoil(container, requested, 1, other)
    # The other covers the cell as well, as after a double booking: then nobody's claim may be taken away.
    object.__setattr__(live, "visit", state.live[AppointmentId(requested)].visit)
    left = run_telemed("ledger", "repair")
    assert left.code == 1
    assert requested in left.out
    assert other in left.out


def test_the_settings_are_shown_with_secrets_masked(run_telemed: Telemed, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ="
    monkeypatch.setenv("TELEMED_PEPPER", secret)
    shown = run_telemed("config", "--profile", "memory")
    assert (shown.code, "TELEMED_PROFILE" in shown.out, secret in shown.out) == (0, True, False)
    assert run_telemed("--profile", "memory", "config", "--json").body["TELEMED_PROFILE"] == "memory"
    assert (
        run_telemed("--profile", "local", "config", "--profile", "memory", "--json").body["TELEMED_PROFILE"] == "memory"
    )


# Wrong usage


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        (b"{", "body: is not JSON"),
        (b"\xff", "body: is not JSON"),
        (b'{"price_cents": NaN}', "body: is not JSON"),
        (b'{"name": "a", "name": "b"}', "body: is not JSON"),
        (b'{"name": "\\ud800"}', "body: is not JSON"),
        (b"[" * 200_000, "body: is not JSON"),
        (b"[]", "body: must be an object"),
        (json.dumps({**DOCTOR, "price_cents": 10**400}).encode(), "price_cents: must be a whole number"),
        (json.dumps({**DOCTOR, "name": "a\0b"}).encode(), "name: has characters that cannot be shown"),
        (json.dumps({**DOCTOR, "cpf": "١٢٣٤٥٦٧٨٩٠٩"}).encode(), "cpf: must be 11 digits"),
        (json.dumps({**DOCTOR, "data": 1}).encode(), "  data: is not a field of this request"),
        (json.dumps({**DOCTOR, "time_zone": "Mars/Base"}).encode(), "time_zone: is not a time zone"),
    ],
)
def test_a_file_that_cannot_be_read_as_a_request_is_wrong_usage(
    container: Container, run_telemed: Telemed, as_file: Callable[[object], Path], raw: bytes, named: str
) -> None:
    refused = run_telemed("doctors", "register", "--file", as_file(raw))
    assert (refused.code, refused.out) == (2, "")
    assert named in refused.err
    assert "Traceback" not in refused.err


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"consultation_minutes": 241}, "consultation_minutes: must be from 5 to 240 minutes"),
        (
            {"weekly": [{"weekday": "monday", "start": "08:03", "end": "12:00"}]},
            "weekly.0.start: must be a multiple of 5",
        ),
        ({"time_zone": "Mars/Base"}, "time_zone: is not a time zone"),
        ({"horizon_days": True}, "horizon_days: must be a whole number"),
    ],
)
def test_what_is_wrong_in_an_agenda_is_named(
    doctor: str, run_telemed: Telemed, as_file: Callable[[object], Path], change: dict[str, Any], named: str
) -> None:
    refused = run_telemed("agenda", "set", as_file({**AGENDA, **change}), "--as", ANA)
    assert (refused.code, named in refused.err) == (2, True), refused.err


def test_overlapping_windows_are_refused_by_their_code(
    doctor: str, run_telemed: Telemed, as_file: Callable[[object], Path]
) -> None:
    window = {"weekday": "monday", "start": "08:00", "end": "12:00"}
    refused = run_telemed("agenda", "set", as_file({**AGENDA, "weekly": [window, window]}), "--as", ANA)
    assert (refused.code, refused.err.split(":")[:2]) == (1, ["overlapping_windows", " weekly"])


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("appointments", "request", "d", "2026-06-02T08:00:00", "--as", BIA), "START: must be an instant"),
        (("appointments", "request", "../d", EIGHT, "--as", BIA), "DOCTOR: is not a well-formed id"),
        (
            ("appointments", "request", "d", EIGHT, "--as", BIA, "--reason", "x" * 501),
            "--reason: must have at most 500",
        ),
        (("appointments", "request", "d", EIGHT, "--as", BIA, "--reason", "a\ud800"), "--reason: has characters"),
        (("appointments", "reschedule", "a", "tomorrow", "--as", BIA), "START: must be an instant"),
        (("appointments", "show", "a b", "--as", BIA), "ID: is not a well-formed id"),
        (("appointments", "accept", "a", "--rev", "x", "--as", ANA), "--rev"),
        (("appointments", "accept", "a", "--rev", "9" * 400, "--as", ANA), "--rev: must be a whole number"),
        (("appointments", "accept", "a", "--as", ANA), "--rev"),
        (("appointments", "cancel", "a", "--reason", "no", "--as", BIA), "--reason: must have at least 3"),
        (("appointments", "agree", "a", "--proposal", "", "--as", BIA), "--proposal: is not a well-formed id"),
        (("appointments", "list", "--status", "done", "--as", BIA), "  --status: must be one of requested"),
        (("appointments", "list", "--from", "1 June", "--as", BIA), "--from: must be an instant"),
        (("appointments", "list"), "--as"),
        (("slots", "d", "--from", EIGHT, "--to", EIGHT), "--to: must be after from"),
        (("slots", "a b", "--from", EIGHT, "--to", NINE), "DOCTOR: is not a well-formed id"),
        (("doctors", "verify", "a b", "--decision", "approve"), "ID: is not a well-formed id"),
        (("appointments", "agree", "a b", "--proposal", "p", "--as", BIA), "ID: is not a well-formed id"),
        (("slots", "d", "--from", "0", "--to", EIGHT), "--from: must be an instant"),
        (("agenda", "block", NINE, EIGHT, "--as", ANA), "END: must be after start"),
        (("agenda", "set", "/no/such/file", "--as", ANA), "does not exist"),
        (("agenda", "unblock", "a b", "--as", ANA), "ID: is not a well-formed id"),
        (("doctors", "verify", "d", "--decision", "promote"), "--decision: must be approve, reject or suspend"),
        (("doctors", "search", "--specialty", "astrology"), "--specialty: is not the code of a specialty"),
        (("doctors", "list", "--status", "busy"), "--status: must be one of pending_verification"),
        (("admin", "create", "nobody"), "EMAIL: must be an e-mail address"),
        (("ledger", "verify", "--day", "2026-02-30"), "--day"),
        (("ledger", "verify", "--person", "a b"), "--person"),
        (("sagas", "list", "--phase", "stuck"), "  --phase: must be one of forward"),
        (("sagas", "list", "--name", "a b"), "--name: "),
        (("sagas", "show", "a b"), "ID: is not a well-formed id"),
        (("sagas", "retry", "a"), "--reason"),
        (("sagas", "resolve", "a", "--reason", "no"), "--reason: must have at least 3"),
        (("sagas", "definition", "--format", "asl"), "NAME"),
        (("sagas", "definition", "accept", "--format", "svg"), "--format"),
        (("notifications", "list", "--status", "lost"), "  --status: must be one of pending"),
        (("notifications", "list", "--channel", "pigeon"), "--channel: "),
        (("notifications", "replay", "a b"), "ID: is not a well-formed id"),
        (("nonsense",), "nonsense"),
        (("config", "--at", "2026-06-02T08:00:00"), "TELEMED_AT must be an instant"),
        (("config", "--profile", "cloud"), "TELEMED_PROFILE must be memory, local or aws"),
        (("config", "--profile", "aws"), "TELEMED_CHIME_REGION must be set with TELEMED_MEETINGS=chime"),
    ],
)
def test_wrong_usage_is_named_and_exits_two(
    container: Container, run_telemed: Telemed, arguments: tuple[str, ...], named: str
) -> None:
    refused = run_telemed(*arguments)
    assert (refused.code, refused.out) == (2, "")
    assert named in refused.err


def test_two_wrong_values_of_an_option_are_named_once(container: Container, run_telemed: Telemed) -> None:
    phases = [text for phase in ("stuck", "completed", "lost") for text in ("--phase", phase)]
    refused = run_telemed("sagas", "list", *phases, "--name", "a b")
    assert [line.split(":")[0] for line in refused.err.splitlines()[4:]] == ["  --name", "  --phase"], refused.err


def test_more_than_a_month_of_slots_is_refused(doctor: str, run_telemed: Telemed) -> None:
    refused = run_telemed("slots", doctor, "--from", "2026-06-01T00:00:00Z", "--to", "2026-07-02T00:00:01Z")
    assert (refused.code, refused.err) == (1, "invalid_request: to: must be within 31 days of from\n")


def test_a_file_without_rights_is_wrong_usage(
    container: Container, run_telemed: Telemed, as_file: Callable[[object], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)
    refused = run_telemed("patients", "register", "--file", as_file(PATIENT))
    assert (refused.code, "the file cannot be read: Permission denied" in refused.err) == (2, True)


# Ends


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (UnavailableError(), 3, "dependency_unavailable: "),
        (BusyError(), 3, "busy: "),
        (KeyboardInterrupt(), INTERRUPTED, "interrupted"),
        (click.Abort(), INTERRUPTED, "interrupted"),
        (ModuleNotFoundError("No module named 'sqlalchemy'", name="sqlalchemy"), 2, "telemed[local]"),
    ],
)
def test_every_end_has_its_exit_code(
    run_telemed: Telemed, monkeypatch: pytest.MonkeyPatch, raised: BaseException, code: int, said: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(acting, "open_container", fail)
    ended = run_telemed("sweep")
    assert (ended.code, said in ended.err) == (code, True)


def test_a_module_of_our_own_that_is_missing_is_a_bug_and_not_hidden(
    run_telemed: Telemed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("No module named 'ours'", name="ours")

    monkeypatch.setattr(acting, "open_container", fail)
    with pytest.raises(ModuleNotFoundError):
        run_telemed("sweep")


def test_help_lists_every_command_and_each_explains_itself(run_telemed: Telemed) -> None:
    helped = run_telemed("--help")
    assert helped.code == 0
    for name in (
        "demo",
        "doctors",
        "patients",
        "slots",
        "agenda",
        "appointments",
        "sweep",
        "sagas",
        "notifications",
        "ledger",
        "admin",
        "config",
    ):
        assert name in helped.out
        one = run_telemed(name, "--help")
        assert (one.code, "Usage: telemed " + name in one.out) == (0, True)


def test_progress_is_shown_on_a_terminal_only(capfd: pytest.CaptureFixture[str]) -> None:
    assert list(showing.progress(range(3), about="things")) == [0, 1, 2]
    assert capfd.readouterr() == ("", "")


# The demonstration


def test_the_demonstration_ends_well_in_memory(run_telemed: Telemed) -> None:
    ended = run_telemed("demo", "--profile", "memory", "--at", "2027-02-03T04:05:06Z")
    assert ended.code == 0, ended.err
    assert "Everything ended as it must" in ended.out
    assert "Wed 03 Feb" in ended.out


def test_a_demonstration_whose_outcome_is_another_fails(run_telemed: Telemed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_stage, "outcome_of", lambda act: "done")
    ended = run_telemed("demo", "--profile", "memory")
    assert ended.code == 1
    assert "expected a refusal with already_registered, not done" in ended.err


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda found: [], "expected people to be told [('Ana Lima', 'Cadastro aprovado', 'in app, e-mail')"),
        (lambda found: [*found, Telling(found[0].person, "Spam")] if found else [], "'Spam', 'in app, e-mail')]"),
    ],
    ids=["too little", "too much"],
)
def test_a_demonstration_in_which_people_are_told_something_else_fails(
    run_telemed: Telemed,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[list[Telling]], list[Telling]],
    expected: str,
) -> None:
    new = Tellings.new
    monkeypatch.setattr(Tellings, "new", lambda self, **among: change(new(self, **among)))
    ended = run_telemed("demo", "--profile", "memory")
    assert ended.code == 1
    assert expected in ended.err
