"""Booking and listing through the server beside bare FastAPI routes on the same server: CPU of a worker per request."""

import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

import attrs

from benchmarks.http_apps import BOOKED_BY_EACH, BOOKINGS, PEOPLE

ROUNDS: Final = 7
BATCH: Final = 100
WARMING: Final = 50
TICKS: Final = os.sysconf("SC_CLK_TCK")

SERVE: Final = """
import sys
from entrypoints.http.serving import listen, serve

address = listen("127.0.0.1", 0)
serve(address, workers=1, ready=lambda: print(address.port, flush=True), app=sys.argv[1])
"""


@attrs.frozen
class Served:
    """A server with one worker, and a connection to it."""

    worker: int
    connection: http.client.HTTPConnection

    def call(self, method: str, path: str, *, token: str = "", body: Any = None) -> None:
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        self.connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = self.connection.getresponse()
        raw = response.read()
        assert response.status in {200, 201}, raw

    def cpu(self, run: Callable[[], object], times: int) -> float:
        """The worker's CPU microseconds per call."""
        begun = _cpu_seconds(self.worker)
        for _ in range(times):
            run()
        return (_cpu_seconds(self.worker) - begun) / times * 1e6


def _cpu_seconds(process: int) -> float:
    """Of all threads; finer than the ticks of ``stat``."""
    total = 0
    for thread in Path(f"/proc/{process}/task").iterdir():
        total += int((thread / "schedstat").read_text(encoding="ascii").split()[0])
    return total / 1e9


@contextmanager
def served(app: str, environment: Mapping[str, str]) -> Iterator[Served]:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, app],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **environment, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        assert process.stdout
        port = int(process.stdout.readline())
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        yield Served(_worker_of(process.pid), connection)
        connection.close()
    finally:
        process.terminate()
        process.wait(timeout=30)


def _worker_of(parent: int) -> int:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
    return max((int(child) for child in children), key=lambda child: len(list(Path(f"/proc/{child}/task").iterdir())))


def http_rows(row: Callable[..., None], databases: Mapping[str, Mapping[str, str]]) -> None:
    """Print the rows; ``databases``: the environment of each store."""
    bookings = ROUNDS * BATCH + WARMING
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        floor = stack.enter_context(served("benchmarks.http_apps:bare", {}))
        stores: dict[str, tuple[Served, Any]] = {}
        for name, environment in databases.items():
            people = folder / f"{len(stores)}.json"
            ours = {PEOPLE: str(people), BOOKINGS: str(bookings), "TELEMED_BACKGROUND": "off", **environment}
            server = stack.enter_context(served("benchmarks.http_apps:ours", ours))
            stores[name] = server, json.loads(people.read_text(encoding="utf-8"))
        found: dict[str, list[float]] = {}
        next_booking = dict.fromkeys(stores, 0)

        def book(name: str) -> None:
            server, people = stores[name]
            number = next_booking[name]
            next_booking[name] += 1
            body = {"doctor_id": people["doctor_id"], "start": people["starts"][number]}
            server.call("POST", "/v1/appointments", token=people["tokens"][number // BOOKED_BY_EACH], body=body)

        def list_(name: str) -> None:
            server, people = stores[name]
            server.call("GET", "/v1/appointments?limit=20", token=people["lister"])

        any_people = next(iter(stores.values()))[1]
        body = {"doctor_id": any_people["doctor_id"], "start": any_people["starts"][0]}
        runs: dict[str, tuple[Served, Callable[[], None]]] = {
            "book": (floor, lambda: floor.call("POST", "/v1/appointments", body=body)),
            "list": (floor, lambda: floor.call("GET", "/v1/appointments")),
        }
        for name, (server, _) in stores.items():
            runs[f"book {name}"] = server, lambda name=name: book(name)  # type: ignore[misc] # mypy reads no defaults
            runs[f"list {name}"] = server, lambda name=name: list_(name)  # type: ignore[misc] # as above
        for server, run in runs.values():
            server.cpu(run, WARMING)
        for _ in range(ROUNDS):
            for what, (server, run) in runs.items():
                found.setdefault(what, []).append(server.cpu(run, BATCH))
                time.sleep(0.01)
    for what in ("book", "list"):
        row(f"HTTP: {what}, bare sync FastAPI route with the same models", found[what], found[what])
        for name in stores:
            row(f"HTTP: {what}, authenticated, on {name}", found[f"{what} {name}"], found[what])
    assert median(found["book"]) > 0
