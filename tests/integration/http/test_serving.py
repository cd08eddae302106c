"""The server as a process: how it starts, shares, ends, and what it makes of clients that mean no good."""

import asyncio
import gzip
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

from integration.http.server import Installation, Server

ROOT: Final = Path(__file__).parents[3]
READY_WITHIN: Final = 60.0
MIB: Final = 1 << 20


@attrs.define
class Probe:
    """A running ``probe.py``, in a process group of its own."""

    process: "subprocess.Popen[str]"
    port: int

    def ask(self, path: str = "/", timeout: float = 30.0) -> dict[str, Any]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("GET", path)
            told: dict[str, Any] = json.loads(connection.getresponse().read())
            return told
        finally:
            connection.close()

    def workers(self, number: int) -> dict[int, float]:
        """So many workers: how far the clock of each is ahead."""
        found: dict[int, float] = {}
        until = time.monotonic() + READY_WITHIN
        with ThreadPoolExecutor(8) as pool:
            while len(found) < number and time.monotonic() < until:
                found |= {told["pid"]: told["ahead"] for told in pool.map(lambda _: self.ask(), range(40))}
        assert len(found) == number
        return found


@contextmanager
def probing(errors: Path, *, port: int = 0, workers: int = 2, patience: float = 20, **settings: str) -> Iterator[Probe]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TELEMED_")}
    environment = kept | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tests'}", "TELEMED_PROFILE": "memory"} | settings
    arguments = ["-m", "integration.http.probe", str(port), str(workers), "15", str(patience)]
    with errors.open("w") as kept_errors:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=kept_errors,
            text=True,
            start_new_session=True,
        )
    assert process.stdout
    try:
        line = process.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:"), errors.read_text()
        yield Probe(process, int(line.rpartition(":")[2]))
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def gone(pids: Sequence[int], *, within: float) -> bool:
    """Whether none of these processes runs any more, after so many seconds at most."""
    until = time.monotonic() + within
    while any(_runs(pid) for pid in pids):
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat")
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_it_says_once_where_it_listens_and_answers_from_then_on(
    installation: Installation, serve: Callable[..., Server]
) -> None:
    server = serve(installation)
    server.client().get("/healthz").expect(200)
    server.stop()
    assert server.output.read_text().splitlines() == [f"listening on {server.base_url}"]


def test_a_port_that_is_taken_is_refused_and_not_shared(
    installation: Installation, serve: Callable[..., Server], tmp_path: Path
) -> None:
    server = serve(installation, workers=1)
    port = str(server.address[1])
    refused = Installation(tmp_path / "other").run("serve", "--port", port)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == f"Error: cannot listen on 127.0.0.1:{port}: Address already in use\n"
    assert not (tmp_path / "other").exists()
    server.client().get("/healthz").expect(200)


def test_its_help_loads_no_server() -> None:
    code = (
        "import sys; from entrypoints.cli import telemed; from entrypoints.cli.running import run;"
        "run(telemed, ['serve', '--help']); print(sorted({'fastapi', 'granian', 'starlette'} & {*sys.modules}))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "--workers" in told
    assert told.endswith("\n[]\n")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--host", "203.0.113.7"], "cannot listen on 203.0.113.7:"),
        (["--host", "nowhere.invalid"], "cannot listen on nowhere.invalid:"),
        (["--port", "65536"], "--port"),
        (["--workers", "2", "--profile", "memory"], "--workers must be 1 on the memory profile"),
    ],
)
def test_what_cannot_be_served_is_wrong_usage(installation: Installation, arguments: list[str], expected: str) -> None:
    refused = installation.run("serve", "--port", "0", *arguments)
    assert refused.returncode == 2
    assert expected in refused.stderr
    assert not installation.data.exists()


def test_demonstration_people_are_told_of_with_a_line_that_signs_one_in(
    installation: Installation, serve: Callable[..., Server]
) -> None:
    for _ in range(2):
        server = serve(installation, workers=1, at=datetime(2026, 6, 1, 12, 30, tzinfo=UTC), arguments=("--demo",))
        until = time.monotonic() + 10
        while "curl" not in server.output.read_text() and time.monotonic() < until:
            time.sleep(0.02)
        told = server.output.read_text()
        assert len(re.findall("^  (?:administrator|doctor|patient) ", told, re.MULTILINE)) == 10
        said = json.loads(re.findall(r"^  curl .* -d '(\{.*\})'$", told, re.MULTILINE)[0])
        tokens = server.client().post("/v1/auth/token", said).expect(200)
        assert tokens["role"] == "patient"
        (visit,) = re.findall(r"^  visit +open until 13:00 UTC +(\S+)$", told, re.MULTILINE)
        joined = server.client(tokens["access_token"]).post(f"/v1/appointments/{visit}/join").expect(200)
        assert (joined["opens_at"], joined["closes_at"]) == ("2026-06-01T11:50:00Z", "2026-06-01T13:00:00Z")
        server.stop()


def test_what_runs_when_it_is_told_to_end_is_answered(tmp_path: Path) -> None:
    with probing(tmp_path / "err") as probe, ThreadPoolExecutor(4) as pool:
        idle = socket.create_connection(("127.0.0.1", probe.port))
        slow = [pool.submit(probe.ask, "/slow") for _ in range(4)]
        time.sleep(0.7)
        begun = time.monotonic()
        probe.process.terminate()
        assert probe.process.wait(timeout=10) == 0
        assert time.monotonic() - begun < 5
        assert [one.result()["length"] for one in slow] == [0] * 4
        idle.close()
        with pytest.raises(ConnectionRefusedError):
            probe.ask()
        assert json.loads((tmp_path / "err").read_text().splitlines()[-1])["status"] == 200


def test_workers_end_with_a_parent_that_is_killed_and_the_next_server_has_the_port_alone(tmp_path: Path) -> None:
    with probing(tmp_path / "err") as probe:
        orphans = list(probe.workers(2))
        probe.process.kill()
        with probing(tmp_path / "again", port=probe.port) as again:
            assert not orphans & again.workers(2).keys()
        assert gone(orphans, within=0)


def test_workers_end_within_a_second_of_their_parent(tmp_path: Path) -> None:
    with probing(tmp_path / "err") as probe, ThreadPoolExecutor(2) as pool:
        workers = list(probe.workers(2))
        busy = [pool.submit(probe.ask, "/slow") for _ in range(2)]
        time.sleep(0.3)
        probe.process.kill()
        assert gone(workers, within=1)
        for one in busy:
            assert isinstance(one.exception(), (OSError, HTTPException))


def test_workers_share_the_clock_and_so_do_those_in_the_place_of_dead_ones(tmp_path: Path) -> None:
    ahead = 86_400.0 * 365
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + ahead))
    began = str(time.monotonic())
    with probing(tmp_path / "err", workers=4, TELEMED_AT=at, TELEMED_CLOCK_BEGAN=began) as probe:
        first = probe.workers(4)
        for _ in range(2):
            with pytest.raises((OSError, HTTPException)):
                probe.ask("/die")
        second = probe.workers(4)
    assert len(first.keys() - second.keys()) == 2
    told = [*first.values(), *second.values()]
    assert max(told) - min(told) < 0.1
    assert abs(told[0] - ahead) < 2


def test_all_workers_of_a_server_are_told_when_its_clock_began(
    installation: Installation, serve: Callable[..., Server]
) -> None:
    server = serve(installation, workers=2, arguments=("--at", "2031-06-01T12:00:00Z"))
    told = [
        dict(line.partition("=")[::2] for line in Path(f"/proc/{pid}/environ").read_text().split("\0") if line)
        for pid in _children(server.process.pid)
    ]
    began = {one["TELEMED_CLOCK_BEGAN"] for one in told if "TELEMED_CLOCK_BEGAN" in one}
    assert len(told) >= 2
    assert len(began) == 1
    assert 0 <= time.monotonic() - float(began.pop()) < READY_WITHIN


def _children(pid: int) -> list[int]:
    """Its workers."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all attacks."""
    folder = tmp_path_factory.mktemp("attacked")
    with Server(Installation(folder / "data"), logs=folder / "logs", workers=2) as started:
        yield started


SIGN_IN: Final = b"POST /v1/auth/token HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"


def raw(server: Server, sent: bytes, *, timeout: float = 10) -> bytes:
    """What is answered, until the connection is closed or nothing more comes."""
    with socket.create_connection(server.address, timeout=timeout) as connection:
        with suppress(ConnectionError):
            connection.sendall(sent)
        answered = b""
        with suppress(ConnectionError, TimeoutError):
            while piece := connection.recv(65536):
                answered += piece
                connection.settimeout(0.5)
        return answered


@pytest.mark.parametrize(
    "sent",
    [
        SIGN_IN + b"Content-Length: %d\r\n\r\n" % (2 * MIB) + b"a" * (2 * MIB),
        SIGN_IN + b"Content-Length: %d\r\n\r\n" % (MIB + 1) + b"a" * (MIB + 1),
        SIGN_IN
        + b"Transfer-Encoding: chunked\r\n\r\n"
        + b"10000\r\n"
        + b"a" * 65536
        + (b"\r\n10000\r\n" + b"a" * 65536) * 16,
        SIGN_IN + b"Content-Length: 1000000000000\r\n\r\n",
        SIGN_IN + b"Expect: 100-continue\r\nContent-Length: 2097152\r\n\r\n",
    ],
    ids=["2 MiB", "a byte too many", "chunked", "announced", "asked for"],
)  # fmt: skip - a row each
def test_a23_a_body_of_more_than_a_mebibyte_is_refused(server: Server, sent: bytes) -> None:
    head, _, body = raw(server, sent).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413 ")
    assert b"content-type: application/problem+json" in head
    assert json.loads(body)["code"] == "body_too_large"


def test_a23_a_body_of_a_mebibyte_is_read(server: Server) -> None:
    head = raw(server, SIGN_IN + b"Content-Length: %d\r\n\r\n" % MIB + b"[" * MIB)
    assert head.startswith(b"HTTP/1.1 422 ")


@pytest.mark.parametrize(
    "headers",
    [b"".join(b"X-%d: 1\r\n" % number for number in range(5000)), b"X: " + b"a" * MIB + b"\r\n"],
    ids=["5,000", "one of 1 MiB"],
)
def test_a23_too_many_headers_are_refused(server: Server, headers: bytes) -> None:
    assert raw(server, b"GET /healthz HTTP/1.1\r\nHost: a\r\n" + headers + b"\r\n").startswith(b"HTTP/1.1 431 ")


def test_a23_a_gzip_bomb_is_never_inflated(server: Server) -> None:
    bomb = gzip.compress(b'{"login": "' + b"a" * (300 * MIB), compresslevel=6)
    assert len(bomb) < MIB
    before = {pid: _most_memory(pid) for pid in _children(server.process.pid)}
    for coding in (b"Content-Encoding: gzip\r\n", b"Transfer-Encoding: gzip, chunked\r\n"):
        length = b"" if b"chunked" in coding else b"Content-Length: %d\r\n" % len(bomb)
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(bomb), bomb) if b"chunked" in coding else bomb
        assert re.match(rb"HTTP/1.1 4\d\d ", raw(server, SIGN_IN + coding + length + b"\r\n" + body))
    assert all(_most_memory(pid) < most + 64 * MIB for pid, most in before.items())


def _most_memory(pid: int) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0


EACH: Final = 60
CUT_OFF_WITHIN: Final = 30.0
HEAD: Final = b"GET /healthz HTTP/1.1\r\nHost: a\r\n"
POSTED: Final = SIGN_IN + b"Content-Length: 1000\r\n\r\n"
CHUNKED: Final = SIGN_IN + b"Transfer-Encoding: chunked\r\n\r\n"
ATTACKS: Final = {
    "silence": (b"", b"", rb""),
    "half a head": (HEAD, b"", rb""),
    "a slow head": (HEAD, b"a: b\r\n", rb""),
    "no body": (POSTED, b"", rb"HTTP/1.1 408 "),
    "a slow body": (POSTED, b"a", rb"HTTP/1.1 408 "),
    "slow chunks": (CHUNKED, b"1\r\na\r\n", rb"HTTP/1.1 408 "),
    "endless chunks": (CHUNKED, b"8000\r\n" + b"a" * 32768 + b"\r\n", rb"HTTP/1.1 413 "),
}


async def _attack(address: tuple[str, int], opening: bytes, again: bytes) -> tuple[float, bytes]:
    """Sends the opening, and then a bit every half second, until it is cut off; how long that took, and the answer."""
    begun = time.monotonic()
    reader, writer = await asyncio.open_connection(*address)
    answered = b""
    with suppress(ConnectionError):
        writer.write(opening)
        while time.monotonic() - begun < CUT_OFF_WITHIN + 5:
            try:
                piece = await asyncio.wait_for(reader.read(65536), 0.5)
            except TimeoutError:
                writer.write(again)
                await writer.drain()
                continue
            if not piece:
                break
            answered += piece
    writer.transport.abort()
    return time.monotonic() - begun, answered


async def _others(address: tuple[str, int], until: asyncio.Event) -> list[float]:
    """What others wait for an answer meanwhile, each on a connection of their own."""
    waited: list[float] = []
    while not until.is_set():
        begun = time.monotonic()
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"GET /v1/specialties HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answered = await reader.read()
        assert answered.startswith(b"HTTP/1.1 200 ")
        waited.append(time.monotonic() - begun)
        writer.close()
        await asyncio.sleep(0.05)
    return waited


def test_a23_slow_clients_are_cut_off_within_30_s_and_others_served_meanwhile(server: Server) -> None:
    async def all_at_once() -> tuple[dict[str, list[tuple[float, bytes]]], list[float]]:
        ended = asyncio.Event()
        others = asyncio.create_task(_others(server.address, ended))
        attacks = {
            name: [asyncio.create_task(_attack(server.address, opening, again)) for _ in range(EACH)]
            for name, (opening, again, _) in ATTACKS.items()
        }
        cut_off = {name: await asyncio.gather(*tasks) for name, tasks in attacks.items()}
        ended.set()
        return cut_off, await others

    cut_off, waited = asyncio.run(all_at_once())

    for name, (_, _, expected) in ATTACKS.items():
        for took, answered in cut_off[name]:
            assert took < CUT_OFF_WITHIN, name
            assert re.match(expected, answered), name
            assert expected or not answered, name
    assert len(waited) > 50
    assert sorted(waited)[int(len(waited) * 0.9)] < 1
    assert max(waited) < 3


def test_a23_a_slow_body_is_told_so_and_the_connection_closed(tmp_path: Path) -> None:
    with probing(tmp_path / "err", workers=1, patience=0.3) as probe:
        with socket.create_connection(("127.0.0.1", probe.port), timeout=10) as connection:
            connection.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab")
            answered = b""
            while piece := connection.recv(65536):
                answered += piece
        assert answered.startswith(b"HTTP/1.1 408 ")
        assert b"connection: close" in answered
        assert b'"code":"request_timeout"' in answered
