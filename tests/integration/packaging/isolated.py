"""A function's process that has nothing but the standard library, its unpacked zip, and its variables."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

_PROGRAM = """
import json, os, sys
folder, module = sys.argv[1:]
standard = [path for path in sys.path if path]
sys.path.insert(0, folder)
before = {os.path.join(at, name) for at, _, names in os.walk(folder) for name in names}

class Context:
    aws_request_id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"

    def get_remaining_time_in_millis(self):
        return 30_000

import importlib
handler = importlib.import_module(module).handler
answers = []
for event in json.load(sys.stdin):
    try:
        answers.append({"answered": handler(event, Context())})
    except Exception as error:
        answers.append({"raised": type(error).__name__, "said": str(error)})
own = os.path.realpath(folder) + os.sep
loaded = [one for one in list(sys.modules.values()) if getattr(one, "__file__", None)]
ours = [one for one in loaded if os.path.realpath(one.__file__).startswith(own)]
after = {os.path.join(at, name) for at, _, names in os.walk(folder) for name in names}
print(json.dumps({
    "answers": answers,
    "strangers": [
        one.__name__ for one in loaded
        if one not in ours and not any(one.__file__.startswith(path) for path in standard)
    ],
    "compiled_here": sorted(after - before),
    "loaded": len(ours),
}))
"""


@attrs.frozen
class Ran:
    """What became of a process.

    Attributes:
        strangers: modules that come from neither the zip nor the standard library.
        compiled_here: files that were not in the zip.
        loaded: how many modules came from the zip.
    """

    answers: list[dict[str, Any]]
    strangers: list[str]
    compiled_here: list[str]
    loaded: int
    log: str = attrs.field(repr=False)


def run_isolated(folder: Path, module: str, events: Sequence[Any], environment: Mapping[str, str]) -> Ran:
    """Import the handler and hand it these events."""
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _PROGRAM, folder, module],
        input=json.dumps(events),
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=folder.parent,
    )
    assert run.returncode == 0, run.stderr
    return Ran(**json.loads(run.stdout.splitlines()[-1]), log=run.stderr)
