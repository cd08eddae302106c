"""An emulator of AWS for tests: one server per test process on a free port of 127.0.0.1, gone when the process is."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final, Self

ACCOUNT: Final = "000000000000"
REGION: Final = "sa-east-1"
CREDENTIALS: Final = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}

_READY_WITHIN: Final = 30.0
_HERE: Final = Path(__file__).parents[3]

# The server is the watchdog's child. It waits until the test process has closed its pipe, or has ended however it did.
_WATCHDOG: Final = """
import os, signal, subprocess, sys
with open(sys.argv[1], "ab") as log:
    server = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
signal.signal(signal.SIGINT, signal.SIG_IGN)
sys.stdin.buffer.read()
server.terminate()
try:
    server.wait(timeout=5)
except subprocess.TimeoutExpired:
    server.kill()
    server.wait()
"""


class Ministack:
    """One server, which nobody outside of this machine can reach; with ``auth`` it enforces policies."""

    def __init__(self, *, auth: bool = False) -> None:
        program = interpreter()
        self._folder = Path(tempfile.mkdtemp(prefix="telemed-ministack-"))
        self.port = _free_port()
        self.endpoint_url = f"http://127.0.0.1:{self.port}"
        self._watchdog = subprocess.Popen(
            [sys.executable, "-c", _WATCHDOG, self._folder / "log", program, "-m", "ministack"],
            stdin=subprocess.PIPE,
            cwd=self._folder,
            env=self._environment(auth=auth),
            start_new_session=True,
        )
        try:
            self._wait()
        except BaseException:
            self.close()
            raise

    def _environment(self, *, auth: bool) -> dict[str, str]:
        """Everything that it is told; of this process's own environment it learns nothing."""
        # Whatever it binds, it binds here, and it looks for no cloud's credentials of ours.
        addresses = dict.fromkeys(("BIND_HOST", "MINISTACK_BIND_HOST", "GATEWAY_HOST", "MINISTACK_HOST"), "127.0.0.1")
        return {
            "PATH": os.defpath,
            "HOME": str(self._folder),
            "TMPDIR": str(self._folder),
            **addresses,
            "GATEWAY_PORT": str(self.port),
            "AUTH": str(auth).lower(),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "PERSIST_STATE": "0",
            # Keys of user pools are kept there in any case.
            "STATE_DIR": str(self._folder / "state"),
            "MINISTACK_REGION": REGION,
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
        }

    def _wait(self) -> None:
        until = time.monotonic() + _READY_WITHIN
        while True:
            try:
                self._ask("GET", "/_ministack/health")
                return
            except (urllib.error.URLError, ConnectionError):
                if self._watchdog.poll() is not None or time.monotonic() > until:
                    raise RuntimeError((self._folder / "log").read_text(errors="replace")) from None
                time.sleep(0.02)

    def reset(self) -> None:
        """Forget everything."""
        self._ask("POST", "/_ministack/reset")

    def pool_key(self, pool_id: str) -> bytes:
        """The key by which the user pool signs access tokens, in PEM; it is there once one was signed."""
        return (self._folder / "state" / "cognito-pool-keys" / f"{pool_id}-access.pem").read_bytes()

    def close(self) -> None:
        """End it and remove all it has."""
        assert self._watchdog.stdin is not None
        self._watchdog.stdin.close()
        self._watchdog.wait(timeout=_READY_WITHIN)
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, method: str, path: str) -> None:
        # The port is this server's own.
        request = urllib.request.Request(self.endpoint_url + path, method=method)  # noqa: S310
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            answer.read()


def interpreter() -> Path:
    """The Python that has the emulator: it needs another botocore than ours, and so has an environment of its own."""
    path = Path(os.environ.get("TELEMED_TEST_EMULATOR", _HERE / ".venv" / "emulator" / "bin" / "python"))
    if not path.exists():
        raise RuntimeError(f"there is no emulator at {path}: make test installs it")
    return path


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
