"""The README's commands work as they are pasted, on a server with demo data."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from integration.http.server import Installation, Server

README = Path(__file__).parents[3] / "README.md"


def test_the_commands_of_the_readme_book_and_accept_an_appointment(tmp_path: Path) -> None:
    section = README.read_text(encoding="utf-8").partition("## The API")[2].partition("\n## ")[0]
    script = "\n".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL))
    assert script.count("http://127.0.0.1:8000") == 1

    with Server(Installation(tmp_path / "data"), logs=tmp_path / "logs", workers=1, arguments=("--demo",)) as server:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script.replace("http://127.0.0.1:8000", server.base_url)],
            capture_output=True,
            text=True,
            timeout=120,
        )

    assert done.returncode == 0, done.stdout + done.stderr
    found, asked, accepted, told = _bodies(done.stdout)
    assert [one["specialties"] for one in found["items"]] == [["family_medicine"]]
    assert asked["status"] == "requested"
    assert (accepted["id"], accepted["status"]) == (asked["id"], "confirmed")
    assert [(one["kind"], one["appointment_id"]) for one in told["items"]][:1] == [("requested", asked["id"])]


def _bodies(printed: str) -> list[dict[str, Any]]:
    """JSON bodies that follow each other without anything between."""
    bodies, rest = [], printed.strip()
    while rest:
        body, end = json.JSONDecoder().raw_decode(rest)
        bodies.append(body)
        rest = rest[end:].strip()
    return bodies
