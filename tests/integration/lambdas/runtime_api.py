"""Lambda's own side: a server of its Runtime API on this machine, and the process that it hands events to."""

import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any, Final, Self

import attrs

VERSION: Final = "/2018-06-01/runtime"
ACCOUNT: Final = "000000000000"
READY_WITHIN: Final = 60.0
ANSWERED_WITHIN: Final = 60.0
ENDED_WITHIN: Final = 10.0
TIME: Final = 30.0
"""Seconds that a function has, if nothing else is said."""


@attrs.frozen
class Invocation:
    """One event on its way to the process."""

    id: str
    event: bytes
    seconds: float


@attrs.frozen
class Answered:
    """What the process has sent of an event, or of its beginning."""

    path: str
    body: Any


class FunctionError(Exception):
    """The function has failed: what Lambda is told of it.

    Attributes:
        type: of what was raised.
        during: ``response``, or ``init`` where the process has ended before its first event.
    """

    def __init__(self, told: Mapping[str, Any], *, during: str) -> None:
        self.type, self.message = str(told["errorType"]), str(told["errorMessage"])
        self.during = during
        super().__init__(f"{during}: {self.type}: {self.message}")


class RuntimeApi(ThreadingHTTPServer):
    """Serves one process: hands out events one by one, and keeps what it answers.

    Attributes:
        ready: set when the process has asked for its first event, or has said why it will not.
        complaints: requests that Lambda would refuse.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Requests)
        self.invocations: queue.Queue[Invocation | None] = queue.Queue()
        self.answers: queue.Queue[Answered] = queue.Queue()
        self.ready = threading.Event()
        self.complaints: list[str] = []
        self.under_way: Invocation | None = None
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def address(self) -> str:
        """Where it is, as the environment of the process says it."""
        return f"127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.invocations.put(None)
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Requests(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body leave in two packets: else the second waits for the first one's receipt.
    disable_nagle_algorithm = True

    @property
    def _api(self) -> RuntimeApi:
        assert isinstance(self.server, RuntimeApi)
        return self.server

    def do_GET(self) -> None:
        if self.path != f"{VERSION}/invocation/next" or self._api.under_way is not None:
            self._complain()
            return
        self._api.ready.set()
        invocation = self._api.invocations.get()
        if invocation is None:
            self.close_connection = True
            return
        self._api.under_way = invocation
        told = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + invocation.seconds) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": f"arn:aws:lambda:sa-east-1:{ACCOUNT}:function:telemed",
            "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1",
        }
        self._send(200, invocation.event, told)

    def do_POST(self) -> None:
        body = json.loads(self._sent())
        begun = self._api.under_way
        of_event = [f"{VERSION}/invocation/{begun.id}/{end}" for end in ("response", "error")] if begun else []
        if self.path not in [*of_event, f"{VERSION}/init/error"]:
            self._complain()
            return
        self._api.under_way = None
        self._send(202, b'{"status":"OK"}', {"Content-Type": "application/json"})
        self._api.answers.put(Answered(self.path, body))
        self._api.ready.set()

    def _sent(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"]))
        chunks = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _complain(self) -> None:
        self._api.complaints.append(f"{self.command} {self.path}")
        self._send(403, b'{"errorMessage":"forbidden","errorType":"InvalidStateTransition"}', {})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """What is asked is no news."""


class Function:
    """A function's process, as Lambda starts it; used as a context, it is ended with it.

    Args:
        module: of ``entrypoints.lambdas``.
        environment: everything that the process is told.
        folder: where it is, and where what it writes is kept.
    """

    def __init__(self, module: str, environment: Mapping[str, str], folder: Path) -> None:
        self.module = module
        self._api = RuntimeApi()
        self._folder = folder
        self._numbers = count(1)
        # A process has one event at a time: whoever comes meanwhile waits.
        self._lock = threading.Lock()
        self._environment = {
            **environment,
            "AWS_LAMBDA_RUNTIME_API": self._api.address,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_FUNCTION_NAME": f"telemed-{module}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def invoke(self, event: object, *, seconds: float = TIME) -> Any:
        """What the function has answered.

        Raises:
            FunctionError: it has failed.
        """
        with self._lock:
            number = next(self._numbers)
            self._api.invocations.put(Invocation(f"00000000-0000-4000-8000-{number:012}", _encoded(event), seconds))
            answered = self._answered()
        if answered.path.endswith("/response"):
            return answered.body
        raise FunctionError(answered.body, during="init" if "/init/" in answered.path else "response")

    def log(self) -> str:
        """All that the process has written."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def start(self) -> Self:
        """Have the process; it has asked for its first event when this returns, or has failed before."""
        self._api.__enter__()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "awslambdaric", f"entrypoints.lambdas.{self.module}.handler"],
                env=self._environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if not self._api.ready.wait(READY_WITHIN):
            self.close()
            raise AssertionError(f"{self.module} does not begin: {self.log()}")
        return self

    def close(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(ENDED_WITHIN)
            self._process = None
        self._api.__exit__()
        assert self._api.complaints == []

    @property
    def _log(self) -> Path:
        return self._folder / f"{self.module}.log"

    def _answered(self) -> Answered:
        until = time.monotonic() + ANSWERED_WITHIN
        while time.monotonic() < until:
            try:
                return self._api.answers.get(timeout=0.2)
            except queue.Empty:
                if self._process is None or self._process.poll() is not None:
                    break
        raise AssertionError(f"{self.module} does not answer: {self.log()}")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()


def _encoded(event: object) -> bytes:
    return json.dumps(event).encode()
