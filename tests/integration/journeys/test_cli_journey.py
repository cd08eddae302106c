"""The command as people start it: real processes on a folder of their own."""

import base64
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from telemed_core.testing.builders import a_cpf

ROOT = Path(__file__).parents[3]
TELEMED = (sys.executable, "-c", "from entrypoints.cli import main; main()")
DOCTOR = {
    "name": "Ana Lima",
    "crm": "123456-SP",
    "email": "ana@example.org",
    "cpf": a_cpf(1).digits,
    "specialties": ["cardiology"],
    "location": {"lat": -23.5, "lon": -46.6},
    "time_zone": "America/Sao_Paulo",
    "price_cents": 25_000,
}
PATIENT = {
    "name": "Bia Reis",
    "cpf": a_cpf(2).digits,
    "email": "bia@example.org",
    "birth_date": "1990-05-17",
    "time_zone": "America/Sao_Paulo",
    "consents": ["telemedicine", "data_processing"],
}
AGENDA = {
    "time_zone": "America/Sao_Paulo",
    "weekly": [{"weekday": "tuesday", "start": "08:00", "end": "12:00"}],
}
EIGHT, NINE = "2026-06-02T08:00:00-03:00", "2026-06-02T09:00:00-03:00"


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TELEMED_")}
    return {**kept, "PYTHONPATH": str(ROOT / "src"), **more}


class Shell:
    """A shell in one folder, on the morning of a Monday."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.at = "2026-06-01T09:00:00-03:00"

    def run(self, *arguments: str, typed: str = "", **more: str) -> "subprocess.CompletedProcess[str]":
        settings = {"TELEMED_DATA": str(self.folder / "data"), "TELEMED_AT": self.at, **more}
        return subprocess.run(
            [*TELEMED, *arguments],
            cwd=self.folder,
            env=environment(**settings),
            input=typed,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def body(self, *arguments: str, typed: str = "") -> Any:
        done = self.run(*arguments, "--json", typed=typed)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def file(self, name: str, data: object) -> str:
        (self.folder / name).write_text(json.dumps(data))
        return name


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_from_registration_to_cancellation_over_many_processes(shell: Shell) -> None:
    password = "four quiet otters juggle\n"
    doctor = shell.body("doctors", "register", "--file", shell.file("doctor.json", DOCTOR), typed=password)["id"]
    shell.body("patients", "register", "--file", shell.file("patient.json", PATIENT), typed=password)
    assert shell.body("admin", "create", "root@example.org", typed=password)["role"] == "administrator"
    again = shell.run("patients", "register", "--file", "patient.json", typed=password)
    assert (again.returncode, again.stderr.split(":")[0]) == (1, "already_registered")
    approved = shell.body("doctors", "verify", doctor, "--decision", "approve", "--as", "root@example.org")
    assert approved["status"] == "approved"
    shell.body("agenda", "set", shell.file("agenda.json", AGENDA), "--as", "123456-SP")
    day = ("--from", "2026-06-02T00:00:00Z", "--to", "2026-06-03T00:00:00Z")
    assert len(shell.body("slots", doctor, *day)["items"]) == 4
    asked = shell.body("appointments", "request", doctor, EIGHT, "--as", "bia@example.org", "--reason", "cough")
    one = asked["id"]
    assert (asked["status"], asked["reason"], asked["doctor_name"]) == ("requested", "cough", "Ana Lima")
    assert len(shell.body("slots", doctor, *day)["items"]) == 3
    stale = shell.run("appointments", "accept", one, "--rev", "9", "--as", "123456-SP")
    assert (stale.returncode, stale.stderr.split(":")[0]) == (1, "stale_revision")
    assert shell.body("appointments", "accept", one, "--rev", "1", "--as", "123456-SP")["status"] == "confirmed"
    proposal = shell.body("appointments", "reschedule", one, NINE, "--as", "123456-SP")["proposal"]["id"]
    moved = shell.body("appointments", "agree", one, "--proposal", proposal, "--as", a_cpf(2).digits)
    assert moved["start"] == "2026-06-02T12:00:00Z"
    cancelled = shell.body("appointments", "cancel", one, "--reason", "travelling", "--as", "bia@example.org")
    assert (cancelled["status"], cancelled["cancelled_by"]) == ("cancelled", "patient")
    assert len(shell.body("slots", doctor, *day)["items"]) == 4
    expiring = shell.body("appointments", "request", doctor, EIGHT, "--as", "bia@example.org")["id"]
    shell.at = "2026-06-02T07:30:00-03:00"
    assert shell.body("appointments", "show", expiring, "--as", "bia@example.org")["status"] == "expired"
    swept = shell.run("sweep").stdout
    assert re.fullmatch(r"settled 1, cancelled 0, sagas \d+, mails 0\n", swept)
    sagas = shell.body("sagas", "list")["items"]
    assert {one["name"] for one in sagas} >= {
        "register_doctor",
        "request",
        "accept",
        "propose",
        "agree",
        "cancel",
        "expire",
    }
    assert {(one["name"], one["phase"]) for one in sagas if one["phase"] != "completed"} <= {("remind", "forward")}
    told = shell.body("notifications", "list", "--channel", "in_app")["items"]
    assert Counter(one["kind"] for one in told) == {
        "approved": 1, "requested": 2, "confirmed": 1, "proposed": 1, "agreed": 1, "cancelled": 1, "expired": 2,
    }  # fmt: skip
    assert shell.run("sweep").stdout == "settled 0, cancelled 0, sagas 0, mails 0\n"
    clean = shell.run("ledger", "verify")
    assert (clean.returncode, clean.stdout) == (0, "the ledger is clean\n")
    database = (shell.folder / "data" / "telemed.db").read_bytes()
    for secret in (b"cough", b"travelling", a_cpf(2).digits.encode(), b"otters"):
        assert secret not in database


def test_visits_from_joining_to_a_rating_over_many_processes(shell: Shell) -> None:
    password = "four quiet otters juggle\n"
    doctor = shell.body("doctors", "register", "--file", shell.file("doctor.json", DOCTOR), typed=password)["id"]
    shell.body("patients", "register", "--file", shell.file("patient.json", PATIENT), typed=password)
    shell.body("doctors", "verify", doctor, "--decision", "approve")
    shell.body("agenda", "set", shell.file("agenda.json", AGENDA), "--as", "123456-SP")
    eight, nine = (_confirmed(shell, doctor, start) for start in (EIGHT, NINE))

    shell.at = "2026-06-02T07:49:00-03:00"
    assert _refused(shell, "join", eight, "--as", "bia@example.org") == "join_window_closed"
    shell.at = "2026-06-02T07:50:00-03:00"
    hers = shell.body("appointments", "join", eight, "--as", "bia@example.org")
    assert (hers["provider"], hers["opens_at"], hers["closes_at"]) == (
        "webrtc", "2026-06-02T10:50:00Z", "2026-06-02T12:00:00Z",
    )  # fmt: skip
    assert shell.body("appointments", "join", eight, "--as", "bia@example.org") == hers
    theirs = shell.body("appointments", "join", eight, "--as", "123456-SP")
    assert theirs["meeting"] == hers["meeting"]
    assert theirs["attendee"]["token"] != hers["attendee"]["token"]
    told = shell.run("appointments", "join", eight, "--as", "123456-SP")
    assert (told.returncode, "in_progress" in told.stdout) == (0, True)
    assert hers["meeting"]["id"] in told.stdout
    assert theirs["attendee"]["token"] not in told.stdout
    assert _refused(shell, "rate", eight, "5", "--as", "bia@example.org") == "invalid_transition"
    assert _refused(shell, "complete", eight, "--as", "bia@example.org") == "forbidden"
    assert shell.body("appointments", "complete", eight, "--as", "123456-SP")["status"] == "completed"
    assert _refused(shell, "join", eight, "--as", "bia@example.org") == "join_window_closed"

    assert _refused(shell, "rate", eight, "5", "--as", "123456-SP") == "forbidden"
    assert shell.run("appointments", "rate", eight, "6", "--as", "bia@example.org").returncode == 2
    rated = shell.body("appointments", "rate", eight, "4", "--comment", "very kind", "--as", "bia@example.org")
    assert (rated["score"], rated["comment"]) == (4, "very kind")
    assert _refused(shell, "rate", eight, "5", "--as", "bia@example.org") == "already_rated"
    assert shell.body("doctors", "ratings", doctor)["items"] == [rated]
    assert "very kind" in shell.run("doctors", "ratings", doctor).stdout

    shell.at = "2026-06-02T09:14:00-03:00"
    assert _refused(shell, "absence", nine, "--as", "bia@example.org") == "too_early"
    shell.at = "2026-06-02T09:15:00-03:00"
    assert _refused(shell, "absence", nine, "--as", "bia@example.org") == "not_present"
    shell.body("appointments", "join", nine, "--as", "bia@example.org")
    missed = shell.body("appointments", "absence", nine, "--as", "bia@example.org")
    assert (missed["status"], missed["absent"]) == ("no_show", "doctor")

    assert shell.run("sweep").returncode == 0
    sagas = shell.body("sagas", "list")["items"]
    assert {(one["name"], one["phase"]) for one in sagas if one["name"] in {"complete", "no_show"}} == {
        ("complete", "completed"), ("no_show", "completed"),
    }  # fmt: skip
    assert shell.run("ledger", "verify").stdout == "the ledger is clean\n"
    database = (shell.folder / "data" / "telemed.db").read_bytes()
    for secret in (b"very kind", theirs["attendee"]["token"].encode()):
        assert secret not in database


def _confirmed(shell: Shell, doctor: str, start: str) -> str:
    one = shell.body("appointments", "request", doctor, start, "--as", "bia@example.org")["id"]
    return str(shell.body("appointments", "accept", one, "--rev", "1", "--as", "123456-SP")["id"])


def _refused(shell: Shell, *arguments: str) -> str:
    """The code with which ``telemed appointments …`` is refused."""
    refused = shell.run("appointments", *arguments)
    assert refused.returncode == 1, refused.stdout + refused.stderr
    return refused.stderr.split(":")[0]


def test_the_demonstration_shows_every_step_and_leaves_nothing_behind(shell: Shell) -> None:
    ended = shell.run("demo", TMPDIR=str(shell.folder))
    assert (ended.returncode, ended.stderr) == (0, "")
    for step in (
        "Registration",
        "already_registered",
        "Verification",
        "Agenda and slots",
        "requested: the slot is held",
        "refused: slot_taken",
        "refused: stale_revision",
        "proposed: both times are held",
        "agreed: ",
        "cancelled: ",
        "expired",
        "takeover of the slot",
        "is told: Nova consulta agendada",
        "is told: Appointment confirmed",
        "calendar REQUEST 2",
        "calendar CANCEL 3",
        "Reminders",
        "no_show: both",
        "refused: join_window_closed",
        "the same room, the same way in",
        "in_progress",
        "the answer arrives: both can be reached",
        "no_show: patient",
        "is told: Appointment completed",
        "refused: already_rated",
        "rated 5.0 by 1",
        "refused: not_present",
        "no_show: doctor",
        "1 cancelled",
        "A forgotten password",
        "saga accept",
        "clean",
        "Everything ended as it must",
    ):
        assert step in ended.stdout
    assert list(shell.folder.iterdir()) == []


def test_the_demonstration_keeps_its_folder_and_runs_on_it_again(shell: Shell) -> None:
    for _ in range(2):
        assert shell.run("demo", "--data", "kept").returncode == 0
    clean = shell.run("ledger", "verify", "--data", "kept")
    assert (clean.returncode, clean.stdout) == (0, "the ledger is clean\n")


def test_the_demonstration_never_plays_on_a_configured_database(shell: Shell) -> None:
    theirs = shell.folder / "theirs.db"
    ended = shell.run("demo", TELEMED_DATABASE_URL=f"sqlite:///{theirs}")
    assert (ended.returncode, theirs.exists()) == (0, False)


def test_a_store_that_is_down_ends_with_three_and_no_traceback(shell: Shell) -> None:
    key = base64.b64encode(bytes(range(32))).decode()
    issuer = rsa.generate_private_key(public_exponent=65_537, key_size=2048).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    server = {
        "TELEMED_DATABASE_URL": "postgresql+psycopg://nobody:hidden@127.0.0.1:9/none",
        "TELEMED_SECRET": key,
        "TELEMED_PEPPER": key,
        "TELEMED_DATA_KEY": key,
        "TELEMED_ISSUER_KEY": issuer.decode(),
    }
    down = shell.run("sweep", **server)
    assert down.returncode == 3, down.stderr
    assert down.stderr.startswith("dependency_unavailable: ")
    assert "hidden" not in down.stderr
    assert "Traceback" not in down.stderr


def test_a_database_file_that_is_none_ends_with_three_and_is_left_as_it_is(shell: Shell) -> None:
    assert shell.run("sweep").returncode == 0
    database = shell.folder / "data" / "telemed.db"
    for beside in ("telemed.db-wal", "telemed.db-shm"):
        (shell.folder / "data" / beside).unlink(missing_ok=True)
    database.write_bytes(b"no database at all" * 1000)
    broken = shell.run("sweep")
    assert (broken.returncode, broken.stderr.split(":")[0]) == (3, "dependency_unavailable")
    assert database.read_bytes() == b"no database at all" * 1000


@pytest.mark.parametrize(
    ("setting", "value", "allowed"),
    [
        ("TELEMED_PROFILE", "cloud", "must be memory, local or aws"),
        ("TELEMED_AT", "yesterday", "must be an instant"),
        ("TELEMED_PUBLIC_URL", "nowhere", "must be an address"),
        ("TELEMED_COLOUR", "green", "is not a setting"),
    ],
)
def test_a_wrong_setting_is_named_before_anything_starts(shell: Shell, setting: str, value: str, allowed: str) -> None:
    refused = shell.run("sweep", **{setting: value})
    assert (refused.returncode, refused.stdout) == (2, "")
    assert f"{setting} {allowed}" in refused.stderr
    assert value not in refused.stderr.replace(setting, "")
    assert not (shell.folder / "data").exists()


def test_a_reader_who_leaves_early_is_no_error_to_tell_of(shell: Shell) -> None:
    with subprocess.Popen(
        [*TELEMED, "demo", "--profile", "memory"], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        told = process.stderr.read()
    assert told == b""


def test_an_interrupted_watch_ends_with_130_and_a_terminated_one_with_0(shell: Shell) -> None:
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 0)):
        with subprocess.Popen(
            [*TELEMED, "sweep", "--watch", "--data", str(shell.folder / "data")],
            env=environment(PYTHONUNBUFFERED="1"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A shell that starts things in the background has them ignore interrupts.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "watching\n"
            process.send_signal(number)
            try:
                _, told = process.communicate(timeout=30)
            finally:
                process.kill()
        assert process.returncode == code, told
        assert "Traceback" not in told


def test_help_is_there_without_loading_the_system(shell: Shell) -> None:
    loaded = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from entrypoints.cli import telemed; telemed.main(['--help'], standalone_mode=False);"
            "sys.exit(bool({'pydantic', 'rich', 'sqlalchemy', 'dependency_injector'} & sys.modules.keys()))",
        ],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert loaded.returncode == 0, loaded.stderr
    assert "appointments" in loaded.stdout
