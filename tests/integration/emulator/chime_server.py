"""A Chime on this machine, which botocore's clients reach by HTTP as they reach the real one."""

from uuid import uuid4

from integration.emulator import chime_model
from integration.emulator.chime_played import Chime
from integration.emulator.http_server import LocalHandler, LocalServer


class ChimeServer(LocalServer):
    """A Chime that answers by HTTP, on an address of its own."""

    def __init__(self, chime: Chime) -> None:
        class Handler(_Handler):
            played = chime

        super().__init__(Handler)


class _Handler(LocalHandler):
    played: Chime

    def _do(self) -> None:
        body = self.body()
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
