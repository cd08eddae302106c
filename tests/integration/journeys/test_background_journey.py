"""What goes on beside answering, in real processes: with a mail server that hangs, and in a process of its own."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from integration.http.people import Person, administrator, doctor, patient
from integration.http.server import TELEMED, Installation, Server

NOW: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)
SOON: Final = 20.0


def asked(server: Server) -> tuple[Person, Person, str]:
    """An administrator, a doctor who has been asked, and the id of the request."""
    root = administrator(server)
    ana, bia = doctor(server, approved_by=root, horizon_days=30), patient(server)
    start = (NOW + timedelta(days=3)).isoformat()
    made = bia.client.post("/v1/appointments", {"doctor_id": ana.id, "start": start}).expect(201)
    return root, ana, made["id"]


def inbox(person: Person) -> list[tuple[str, str | None]]:
    items: list[dict[str, Any]] = person.client.get("/v1/notifications").expect(200)["items"]
    return [(one["kind"], one["appointment_id"]) for one in items]


def eventually(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + SOON
    while not (held := holds()) and time.monotonic() < until:
        time.sleep(0.05)
    return held


def test_a_mail_server_that_hangs_holds_up_no_saga_and_no_end(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        settings = {
            "TELEMED_SMTP_URL": f"smtp://127.0.0.1:{hanging.getsockname()[1]}",
            "TELEMED_MAIL_FROM": "no-reply@clinic.example",
        }
        installation = Installation(tmp_path / "data", settings)
        with Server(installation, logs=tmp_path / "logs", workers=1, at=NOW) as server:
            root, ana, request = asked(server)
            hanging.settimeout(SOON)
            connection, _ = hanging.accept()
            with connection:
                assert eventually(lambda: ("requested", request) in inbox(ana))
                waiting = root.client.get("/v1/admin/notifications", status="pending").expect(200)["items"]
                assert {one["channel"] for one in waiting} == {"email"}
                server.stop()


@contextmanager
def watching(installation: Installation) -> Iterator["subprocess.Popen[str]"]:
    """``telemed sweep --watch``, ended whatever happens."""
    with subprocess.Popen(
        [TELEMED, "sweep", "--watch", "--at", NOW.isoformat()],
        env=installation.environment(PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_server_without_a_background_is_looked_after_by_a_watching_sweep(tmp_path: Path) -> None:
    installation = Installation(tmp_path / "data", {"TELEMED_BACKGROUND": "off"})
    with Server(installation, logs=tmp_path / "logs", workers=1, at=NOW) as server:
        _, ana, request = asked(server)
        time.sleep(1.5)
        assert inbox(ana) == []
        with watching(installation) as process:
            assert eventually(lambda: ("requested", request) in inbox(ana))
            process.send_signal(signal.SIGTERM)
            told, _ = process.communicate(timeout=SOON)
        assert process.returncode == 0
        assert told.splitlines()[0] == "watching"
        assert sum(int(line.removeprefix("sagas ")) for line in told.splitlines()[1:]) == 2
