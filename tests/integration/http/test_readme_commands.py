"""The README's commands work as they are pasted, on a server with demo data."""

import json
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from integration.http.server import TELEMED, Installation, Server

README = Path(__file__).parents[3] / "README.md"


def test_the_commands_of_the_readme_book_an_appointment_and_hold_a_visit(tmp_path: Path) -> None:
    booking, visiting = _script("The API"), _script("A visit")
    assert booking.count("http://127.0.0.1:8000") == 1
    assert ".venv/bin/telemed" in visiting
    # Today, and long before the hour and its visit are over.
    at = datetime.now(UTC).replace(minute=10)
    installation = Installation(tmp_path / "data", {"TELEMED_AT": at.isoformat()})

    with Server(installation, logs=tmp_path / "logs", workers=1, arguments=("--demo",)) as server:
        script = f"{booking}\necho ---\n{visiting}".replace("http://127.0.0.1:8000", server.base_url)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script.replace(".venv/bin/telemed", str(TELEMED))],
            env=installation.environment(),
            capture_output=True,
            text=True,
            timeout=180,
        )

    assert done.returncode == 0, done.stdout + done.stderr
    booked, _, visited = done.stdout.partition("---\n")
    found, asked, accepted, told = _bodies(booked)
    assert [one["specialties"] for one in found["items"]] == [["family_medicine"]]
    assert asked["status"] == "requested"
    assert (accepted["id"], accepted["status"]) == (asked["id"], "confirmed")
    assert [(one["kind"], one["appointment_id"]) for one in told["items"]][:1] == [("requested", asked["id"])]
    joined, completed, ratings = _bodies(visited)
    assert joined["provider"] == "webrtc"
    assert "in_progress" in visited
    assert completed["status"] == "completed"
    assert [(one["score"], one["comment"]) for one in ratings["items"]] == [(5, "Kind, and on time.")]


def _script(title: str) -> str:
    """All commands of that section."""
    section = README.read_text(encoding="utf-8").partition(f"## {title}\n")[2].partition("\n## ")[0]
    return "\n".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL))


def _bodies(printed: str) -> list[dict[str, Any]]:
    """The JSON bodies in it, whatever stands between them."""
    bodies, begins = [], printed.find("{")
    while begins >= 0:
        body, ends = json.JSONDecoder().raw_decode(printed, begins)
        bodies.append(body)
        begins = printed.find("{", ends)
    return bodies
