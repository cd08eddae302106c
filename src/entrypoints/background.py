"""What goes on beside answering: time's changes are written down, sagas are run, e-mails leave."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

import attrs

from entrypoints.container import Container
from entrypoints.logs import log_bug, log_failure
from telemed_core.application.sweeping import Swept
from telemed_core.errors import UnavailableError

SWEEP_EVERY: Final = 5.0
LOOK_EVERY: Final = 1.0
"""How long sagas and e-mails of other processes wait, in seconds; those of this one are run at once."""

PATIENCE: Final = 2.0
"""How long what is under way may hold up the end; what it leaves is finished by others."""

SAGAS_AT_ONCE: Final = 10
MAILS_AT_ONCE: Final = 5
"""So many, and then it is looked whether one is to end."""

Did = Callable[[str], None]


def _to_nobody(_: str) -> None:
    """A server does not tell of what went well."""


@attrs.frozen
class _Job:
    """Something that is done again and again, in a thread of its own, so that it holds up no other.

    Attributes:
        act: does some of it, and answers whether more is waiting.
        wake: set where it is to be done at once.
    """

    name: str
    act: Callable[[], bool]
    every: float
    wake: threading.Event


class Background:
    """Threads that do at once what there is to do, and again and again, whatever comes of it.

    A mail server that does not answer holds up no saga, and a saga that fails no sweep.

    Args:
        container: the parts of this process; its ``wake`` tells of commits.
        did: is told, in a few words, what was done.
        sweep_every, look_every: seconds between one round and the next.
    """

    def __init__(
        self,
        container: Container,
        *,
        did: Did = _to_nobody,
        sweep_every: float = SWEEP_EVERY,
        look_every: float = LOOK_EVERY,
    ) -> None:
        self._container = container
        self._did = did
        self._ended = threading.Event()
        self._mail = threading.Event()
        settings = container.settings()
        self._taken_over = False
        embedded = settings.saga_engine == "embedded"
        self._jobs = [
            _Job("sweep", self._sweep, sweep_every, threading.Event()),
            _Job("sagas", self._run_sagas, look_every if embedded else sweep_every, container.wake()),
        ]
        if settings.queue_url is not None:
            # Asking the queue takes a second where it is empty: nothing is waited for in between.
            self._jobs.append(_Job("announcements", self._take_announcements, look_every, threading.Event()))
        if container.email():
            self._jobs.append(_Job("mails", self._deliver, look_every, self._mail))
        self._threads: Sequence[threading.Thread] = ()

    def start(self) -> None:
        """Begin."""
        self._threads = [
            threading.Thread(target=self._work, args=(job,), name=job.name, daemon=True) for job in self._jobs
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End, each job after what it has under way."""
        self._ended.set()
        for job in self._jobs:
            job.wake.set()
        until = time.monotonic() + PATIENCE
        for thread in self._threads:
            thread.join(max(0, until - time.monotonic()))

    def _work(self, job: _Job) -> None:
        while not self._ended.is_set():
            # Before anything is looked at: what is committed from here on wakes it again.
            job.wake.clear()
            if not (self._try(job.name, job.act) or self._ended.is_set()):
                job.wake.wait(job.every)

    def _try(self, name: str, act: Callable[[], bool]) -> bool:
        try:
            return act()
        except UnavailableError as error:
            log_failure(f"{name}: {error.code}")
        except Exception as error:
            log_bug(error)
        return False

    def _sweep(self) -> bool:
        swept = self._container.sweep()()
        if swept.settled or swept.cancelled:
            self._did(told(swept))
            self._container.wake().set()
        return False

    def _run_sagas(self) -> bool:
        if not self._taken_over:
            self._taken_over = self._try("take over", self._take_over)
        ran = self._container.run_sagas()(limit=SAGAS_AT_ONCE)
        if ran:
            self._did(f"sagas {ran}")
            self._mail.set()
        return ran == SAGAS_AT_ONCE

    def _take_over(self) -> bool:
        """What a process of this host has left when it died is nobody's from now on."""
        self._container.take_over()()
        return True

    def _take_announcements(self) -> bool:
        taken = self._container.take_announcements()(wait=1)
        if taken:
            self._did(f"announcements {taken}")
            self._mail.set()
        return not self._ended.is_set()

    def _deliver(self) -> bool:
        tried = self._container.deliver_notices()(limit=MAILS_AT_ONCE)
        if tried:
            self._did(f"mails {tried}")
        return tried == MAILS_AT_ONCE


def told(swept: Swept) -> str:
    """What a sweep has done."""
    return f"settled {swept.settled}, cancelled {swept.cancelled}"


def all_at_once(container: Container) -> str:
    """Sweep, run every saga that is due then, tell what waits in the queue, and send every e-mail.

    What was done, in a few words.

    Raises:
        UnavailableError: a store does not answer.
    """
    swept = container.sweep()()
    sagas = _until_less(container.run_sagas(), SAGAS_AT_ONCE)
    while container.take_announcements()(wait=0):
        pass
    mails = _until_less(container.deliver_notices(), MAILS_AT_ONCE) if container.email() else 0
    return f"{told(swept)}, sagas {sagas}, mails {mails}"


def _until_less(act: Callable[..., int], limit: int) -> int:
    """Again, as long as there may be more."""
    total = done = act(limit=limit)
    while done == limit:
        done = act(limit=limit)
        total += done
    return total
