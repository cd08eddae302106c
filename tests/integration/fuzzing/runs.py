"""Runs of schemathesis against a served clinic, and what came of them."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import attrs

from integration.fuzzing.casts import Cast
from integration.http.server import Server
from scale import DEEP, scaled

ST: Final = Path(sys.executable).parent / "st"
TESTS: Final = Path(__file__).parents[2]
CONFIG: Final = Path(__file__).with_name("schemathesis.toml")
SEED: Final = int(os.environ.get("TELEMED_FUZZING_SEED", "20260601"))
EXAMPLES: Final = scaled(120, ci=30)
"""So many draws of each operation's input for each caller, beside what its schema alone asks for."""

CHAINS: Final = scaled(200, ci=50)
"""So many walks along the links from one operation to the next for each caller."""

ENDED_WITHIN: Final = 3600 if DEEP else 600


@attrs.frozen
class Run:
    """What a run has printed, how it ended, and how often each operation answered each status."""

    role: str
    output: str
    failed: bool
    seconds: float
    answers: Mapping[str, Mapping[int, int]]


def fuzz(server: Server, cast: Cast, folder: Path) -> Run:
    """All operations, called by one caller, in a process of its own."""
    folder.mkdir()
    chains = f"\n[phases.stateful.generation]\nmax-examples = {CHAINS}\n"
    (folder / CONFIG.name).write_text(CONFIG.read_text(encoding="utf-8") + chains, encoding="utf-8")
    for name, values in cast.dictionaries.items():
        (folder / f"{name}.dict").write_text("\n".join(map(json.dumps, values)), encoding="utf-8")
    caller = {"role": cast.role, "token": cast.token, "spent": cast.spent}
    (folder / "caller.json").write_text(json.dumps(caller), encoding="utf-8")
    begun = time.monotonic()
    done = subprocess.run(
        [
            *(ST, "--config-file", CONFIG.name, "run", f"{server.base_url}/openapi.json"),
            *("--url", server.base_url, "--seed", str(SEED), "--max-examples", str(EXAMPLES), "--no-color"),
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=ENDED_WITHIN,
    )
    answers: dict[str, dict[int, int]] = {}
    for operation, status, number in json.loads((folder / "answers.json").read_text(encoding="utf-8")):
        answers.setdefault(operation, {})[status] = number
    return Run(cast.role, done.stdout, done.returncode != 0, time.monotonic() - begun, answers)
