"""One address for all of AWS: meetings are Chime's, and everything else is the emulator's."""

from collections import Counter, defaultdict
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar, Final, Self
from urllib.parse import urlsplit

from integration.emulator_journeys.rights import Right, rights

_OF_CHIME: Final = "/meetings"
_OF_ONE_CONNECTION: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})
_PATIENCE: Final = 30


class AwsFront:
    """Hands on each request to who it is for, as it came.

    Attributes:
        asked: how many requests there were, by whom they were for and the service that they are signed for.
        used: what each key had to have a right for.
    """

    def __init__(self, *, emulator_url: str, chime_url: str) -> None:
        self.asked: Counter[tuple[str, str]] = Counter()
        self.used: defaultdict[str, set[Right]] = defaultdict(set)

        class Handler(_Handler):
            front = self
            places: ClassVar = {"chime": urlsplit(chime_url).netloc, "emulator": urlsplit(emulator_url).netloc}

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
    disable_nagle_algorithm = True
    front: AwsFront
    places: ClassVar[dict[str, str]]

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a test looks at what was asked."""

    def _do(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        who = "chime" if self.path.startswith(_OF_CHIME) else "emulator"
        key, service = _signed(self.headers.get("Authorization", ""))
        self.front.asked[who, service] += 1
        self.front.used[key].update(rights(service, self.command, self.path, self.headers, body))
        connection = HTTPConnection(self.places[who], timeout=_PATIENCE)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in _OF_ONE_CONNECTION:
                    connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _OF_ONE_CONNECTION:
                self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _do  # noqa: N815 # by the base class


def _signed(authorization: str) -> tuple[str, str]:
    """By which key, and for which service: ``Credential=KEY/DAY/REGION/SERVICE/aws4_request``."""
    parts = authorization.partition("Credential=")[2].partition(",")[0].split("/")
    return (parts[0], parts[3]) if len(parts) == 5 else ("", "unsigned")
