"""What a worker does beside answering."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from dependency_injector import providers

from entrypoints.container import Container, open_container
from entrypoints.http import background
from entrypoints.http.background import Background
from entrypoints.settings import load_settings
from telemed_core.errors import UnavailableError

SOON = 10.0


def containing(sweep: Callable[[], object], **settings: Any) -> Container:
    container = open_container(load_settings({}, profile="memory", **settings))
    container.sweep.override(providers.Object(sweep))
    return container


def test_it_sweeps_at_once_and_again_until_it_is_stopped() -> None:
    swept = threading.Semaphore(0)
    work = Background(containing(swept.release), every=0.001)
    work.start()
    assert all(swept.acquire(timeout=SOON) for _ in range(3))
    work.stop()
    while swept.acquire(blocking=False):
        pass
    assert not swept.acquire(timeout=0.05)


@pytest.mark.parametrize("error", [UnavailableError("db.example"), ValueError("a name")])
def test_whatever_comes_of_a_sweep_there_is_another_and_a_line(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[object] = []
    monkeypatch.setattr(background, "log_failure", told.append)
    monkeypatch.setattr(background, "log_bug", told.append)
    swept = threading.Semaphore(0)

    def failing() -> None:
        swept.release()
        raise error

    work = Background(containing(failing), every=0.001)
    work.start()
    assert all(swept.acquire(timeout=SOON) for _ in range(3))
    work.stop()
    assert told[0] == (error if isinstance(error, ValueError) else "sweep: dependency_unavailable")


def test_it_is_left_to_others_where_the_settings_say_so() -> None:
    swept = threading.Event()
    work = Background(containing(swept.set, background="off"), every=0.001)
    work.start()
    assert not swept.wait(0.05)
    work.stop()


def test_it_ends_after_the_sweep_that_runs() -> None:
    begun, go_on, done = threading.Event(), threading.Event(), threading.Event()

    def sweep() -> None:
        begun.set()
        go_on.wait(SOON)
        done.set()

    work = Background(containing(sweep))
    work.start()
    assert begun.wait(SOON)
    threading.Timer(0.05, go_on.set).start()
    work.stop()
    assert done.is_set()
