"""An HTTP server on this machine, on a port of its own, for a test that plays a service of AWS or stands before one."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self


class LocalHandler(BaseHTTPRequestHandler):
    """Keeps connections open, answers at once, and prints nothing."""

    protocol_version = "HTTP/1.1"
    # Headers and body leave in two packets: else the second waits for the first one's receipt.
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a test looks at what was asked."""

    def body(self) -> bytes:
        """What was sent; it is read once."""
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))


class LocalServer:
    """Serves while it is entered; who comes before that waits.

    Attributes:
        endpoint_url: where it is.
    """

    def __init__(self, handler: type[LocalHandler]) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler, bind_and_activate=False)
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
