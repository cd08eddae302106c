"""A Chime on this machine, which botocore's clients reach by HTTP as they reach the real one."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self
from uuid import uuid4

from integration.emulator import chime_model
from integration.emulator.chime_played import Chime


class ChimeServer:
    """A Chime that answers by HTTP, on an address of its own."""

    def __init__(self, chime: Chime) -> None:
        self.chime = chime

        class Handler(_Handler):
            played = chime

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
        self._server.request_queue_size = 128
        self._server.server_bind()
        self._server.server_activate()
        self.endpoint_url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body leave in two packets: else the second waits for the first one's receipt.
    disable_nagle_algorithm = True
    played: Chime

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a test looks at what was asked."""

    def _do(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            asked = chime_model.read(self.command, self.path, self.headers, body)
            answer = self.played.serve(asked)
        except Exception as wrong:
            # Whatever it is, the test is told.
            self.played.complain(f"{type(wrong).__name__}: {wrong}")
            answer = 400, "BadRequestException", b'{"Code":"BadRequest"}'
        if answer is None:
            self.close_connection = True
        else:
            self._say(*answer)

    def _say(self, status: int, error: str | None, body: bytes) -> None:
        self.send_response(status)
        self.send_header("x-amzn-RequestId", str(uuid4()))
        if error:
            self.send_header("x-amzn-ErrorType", f"{error}:http://internal.amazon.com/coral/")
        if status != 204:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _do  # noqa: N815 # by the base class
