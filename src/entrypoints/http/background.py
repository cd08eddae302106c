"""What a worker does beside answering: it sweeps, from the app's start to its end."""

import threading
from typing import Final

from entrypoints.container import Container
from entrypoints.http.logs import log_bug, log_failure
from telemed_core.errors import UnavailableError

EVERY_SECONDS: Final = 5.0
PATIENCE: Final = 3.0
"""How long a sweep that runs may hold up the end; the next one finishes what it leaves."""


class Background:
    """A thread that sweeps at once, and again and again, whatever comes of it; none where the settings say so."""

    def __init__(self, container: Container, *, every: float = EVERY_SECONDS) -> None:
        self._container = container
        self._every = every
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, if the settings leave it to this process."""
        if self._container.settings().background == "on":
            self._thread = threading.Thread(target=self._work, name="sweep", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End, after the sweep that runs."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(PATIENCE)

    def _work(self) -> None:
        while True:
            try:
                self._container.sweep()()
            except UnavailableError as error:
                log_failure(f"sweep: {error.code}")
            except Exception as error:
                log_bug(error)
            if self._ended.wait(self._every):
                return
