"""One address for all of AWS: meetings are Chime's, and everything else is the emulator's."""

from collections import Counter, defaultdict
from http.client import HTTPConnection
from typing import ClassVar, Final
from urllib.parse import urlsplit

from integration.emulator.http_server import LocalHandler, LocalServer
from integration.emulator_journeys.rights import Right, rights

_OF_CHIME: Final = "/meetings"
_OF_ONE_CONNECTION: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})
_PATIENCE: Final = 30


class AwsFront(LocalServer):
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

        super().__init__(Handler)


class _Handler(LocalHandler):
    front: AwsFront
    places: ClassVar[dict[str, str]]

    def _do(self) -> None:
        body = self.body()
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
