"""Runs the parts of the test suite in order, all of them or those named, and prints what each took."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
SCALE = os.environ.get("TELEMED_TEST_SCALE", "ci")
PATIENCE = 10 if SCALE == "ci" else 60
"""A part is ended after this many budgets: what hangs must not hide what comes after it."""

SUMMARY = re.compile(r"\d+ (passed|failed|skipped|errors?|xfailed|deselected)\b.* in [0-9.]+s")
OUTCOME = re.compile(r"(\d+) (passed|failed|skipped|error)")

Command = Sequence[str | Path]


@dataclass
class Part:
    """One part: its name, its budget in seconds, and its commands, which all run even after one has failed."""

    name: str
    budget: int
    commands: Sequence[Command]
    seconds: float = 0
    broken: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def run(self) -> None:
        begun = time.monotonic()
        for command in self.commands:
            shown = " ".join(Path(word).name if isinstance(word, Path) else word for word in command)
            print(f"\n=== {self.name}: {shown}", flush=True)
            status = self._run(command, until=begun + PATIENCE * self.budget)
            if status:
                self.broken.append(f"{shown} (exit {status})")
        self.seconds = time.monotonic() - begun
        if os.environ.get("CI") and self.counts["skipped"]:
            self.broken.append("tests were skipped")

    def _run(self, command: Command, *, until: float) -> int:
        summary = ""
        with subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process:
            end = threading.Timer(max(until - time.monotonic(), 1), stop, [process])
            end.start()
            try:
                for line in process.stdout or ():
                    print(line, end="", flush=True)
                    summary = line if SUMMARY.search(line) else summary
            except BaseException:  # whatever ends this program ends what it started
                stop(process)
                raise
            finally:
                process.wait()
                end.cancel()
        for number, outcome in OUTCOME.findall(summary):
            self.counts[outcome] += int(number)
        return process.returncode

    @property
    def failures(self) -> int:
        """Failed tests; at least one where something else broke, so that no sum hides it."""
        return self.counts["failed"] + self.counts["error"] or len(self.broken)


def stop(process: subprocess.Popen[str]) -> None:
    """End a command and its children: by interrupt, so that fixtures clean up, then for good."""
    for number in (signal.SIGINT, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(timeout=15)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def tests(*arguments: str) -> Command:
    return (BIN / "pytest", *arguments)


PARTS = [
    Part(
        "gates",
        120,
        [
            (BIN / "ruff", "format", "--check", "--quiet", "."),
            (BIN / "ruff", "check", "--quiet", "."),
            (BIN / "mypy",),
            (BIN / "pyright", "--pythonpath", sys.executable),
            (BIN / "lint-imports", "--no-logo"),
        ],
    ),
    Part(
        "unit",
        20,
        [
            # With the plugins that it needs and no others: they are slow to load.
            tests(
                *("tests/unit", "--timeout=60", "-n", "2", "--dist", "loadfile", "--disable-plugin-autoload"),
                *("-p", "xdist.plugin", "-p", "pytest_timeout", "-p", "_hypothesis_pytestplugin", "-p", "no:logging"),
            )
        ],
    ),
    # The same tests once more: measured, they take twice as long.
    Part("coverage", 90, [tests("tests/unit", "--quiet", "--cov", "--timeout=60")]),
    Part(
        "contracts and clinic",
        300,
        [
            tests(
                "tests/integration/contracts",
                *(f"tests/integration/{name}" for name in ("sql", "dynamodb", "secrets")),
                "-n",
                "2",
            )
        ],
    ),
    # An emulator of AWS stands beside the tests, and two hundred race on it.
    Part(
        "emulator",
        480,
        [
            # Apart: a process keeps the credentials that it has found first, and these have their own.
            tests("tests/integration/aws", "-n", "2"),
            tests("tests/integration/emulator", "-n", "2", "--timeout=400"),
            tests("tests/integration/emulator_races", "--timeout=400"),
        ],
    ),
    # Functions as Lambda runs them, zipped and deployed; and what operators do. A process that packs packs all of them.
    Part(
        "functions",
        400,
        [
            tests("tests/integration/lambdas", "-n", "2", "--dist", "loadfile", "--timeout=400"),
            tests("tests/integration/packaging", "--timeout=400"),
            tests("tests/integration/emulator_journeys", "-n", "2", "--dist", "loadfile", "--timeout=400"),
        ],
    ),
    # What is raced needs both cores for itself.
    Part(
        "races and crashes",
        300,
        [tests(*(f"tests/integration/{name}" for name in ("races", "http_races", "saga_crashes")))],
    ),
    # Two people who talk mostly wait; two browsers need both cores, and so do 400 people with their server.
    Part(
        "meetings",
        240,
        [
            tests("tests/integration/meetings", "-n", "2", "--timeout=400"),
            tests("tests/integration/meetings_load", "tests/integration/browser", "--timeout=400"),
        ],
    ),
    Part("API fuzzing", 120, [tests("tests/integration/fuzzing", "--timeout=900")]),
    Part("attacks", 90, [tests("tests/integration/attacks")]),
    Part(
        "simulator and schedules",
        240,
        [tests("tests/integration/simulator", "tests/integration/schedules", "-n", "2")],
    ),
    Part(
        "journeys",
        400,
        [
            tests(
                *(f"tests/integration/{name}" for name in ("journeys", "http", "notifications")),
                *("-n", "2", "--dist", "loadgroup", "--timeout=600"),
            )
        ],
    ),
]


def report(parts: Sequence[Part]) -> None:
    print(f"\n{'part':<24}{'seconds':>9}{'budget':>9}  outcome (scale: {SCALE})")
    for part in parts:
        late = ", over budget" if part.seconds > part.budget else ""
        print(f"{part.name:<24}{part.seconds:>9.1f}{part.budget:>9}  {'FAILED' if part.broken else 'passed'}{late}")
    print(f"{'all':<24}{sum(part.seconds for part in parts):>9.1f}{sum(part.budget for part in parts):>9}")
    for part in parts:
        for command in part.broken:
            print(f"broken: {part.name}: {command}")
    tested = [part for part in parts if part.name != "coverage"]
    print(f"{sum(part.counts['passed'] for part in tested)} passed, {sum(part.failures for part in parts)} failed")


def main(names: Sequence[str]) -> int:
    unknown = set(names) - {part.name for part in PARTS}
    if unknown:
        print(f"no such part: {', '.join(sorted(unknown))}; there are: {', '.join(part.name for part in PARTS)}")
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    chosen = [part for part in PARTS if not names or part.name in names]
    for part in chosen:
        part.run()
    report(chosen)
    return int(any(part.broken for part in chosen))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
