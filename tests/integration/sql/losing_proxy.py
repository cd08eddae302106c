"""A way to Postgres on which the answer to a COMMIT gets lost."""

import socket
import threading
import time
from contextlib import suppress
from enum import Enum


class Loss(Enum):
    """What becomes of the next COMMIT, whose sender is cut off."""

    CARRIED_OUT = "it reached the server, and is carried out a moment later"
    NOT_CARRIED_OUT = "it never reached the server"


class LosingProxy:
    """Passes everything on; once ``lose`` is set, it loses one COMMIT, and with ``closed`` nobody gets through."""

    def __init__(self, port: int) -> None:
        self._server = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.lose: Loss | None = None
        self.closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.closed:
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self._server))
            threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
            threading.Thread(target=self._back, args=(server, client), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        while data := _received(client):
            if self.lose is not None and b"COMMIT\0" in data:
                loss, self.lose = self.lose, None
                client.shutdown(socket.SHUT_RDWR)
                if loss is Loss.CARRIED_OUT:
                    time.sleep(0.2)
                    server.sendall(data)
                    time.sleep(0.2)
                break
            server.sendall(data)
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        while data := _received(server):
            with suppress(OSError):
                client.sendall(data)
        client.close()


def _received(source: socket.socket) -> bytes:
    try:
        return source.recv(65536)
    except OSError:
        return b""
