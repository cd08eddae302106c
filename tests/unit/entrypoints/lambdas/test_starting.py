"""How a function's process begins: its parts are made once, by Lambda's first phase or by the first event."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from entrypoints.container.agendas import AgendaParts
from entrypoints.container.ground import Ground, open_parts
from entrypoints.lambdas.starting import INITIALIZATION, container, parts_of, warm_up
from entrypoints.logs import LOG
from entrypoints.settings import SettingsError


@pytest.fixture(autouse=True)
def _new_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TELEMED_PROFILE", "memory")
    container.reset()
    yield
    container.reset()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Every opening of a container."""
    calls: list[dict[str, Any]] = []

    def opening(kind: type[Ground], settings: Any, **rest: Any) -> Ground:
        calls.append({"kind": kind, "profile": settings.profile, **rest})
        return open_parts(kind, settings, **rest)

    monkeypatch.setattr("entrypoints.lambdas.starting.open_parts", opening)
    return calls


def test_the_parts_are_those_of_the_environment_and_no_event_migrates_a_database(opened: list[dict[str, Any]]) -> None:
    assert parts_of(AgendaParts).settings().profile == "memory"
    assert opened == [{"kind": AgendaParts, "profile": "memory", "migrate": False}]


def test_the_parts_are_made_once_whichever_thread_comes_first(opened: list[dict[str, Any]]) -> None:
    barrier = Barrier(8)

    def first(_: int) -> Ground:
        barrier.wait(timeout=10)
        return parts_of(Ground)

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(first, range(8)))
    assert all(one is made[0] for one in made)
    assert len(opened) == 1


def test_only_where_lambda_makes_the_process_something_is_made_before_the_first_event(
    opened: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    warmed: list[Ground] = []
    monkeypatch.delenv(INITIALIZATION, raising=False)
    warm_up(Ground, warmed.append)
    assert (warmed, opened) == ([], [])
    for kind in ("on-demand", "provisioned-concurrency", "snap-start"):
        monkeypatch.setenv(INITIALIZATION, kind)
        warm_up(Ground, warmed.append)
    assert [one is parts_of(Ground) for one in warmed] == [True] * 3
    assert len(opened) == 1


def test_a_setting_that_is_wrong_ends_the_beginning_and_is_named_without_its_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TELEMED_THREADS", "maria@example.org")
    monkeypatch.setenv(INITIALIZATION, "on-demand")
    with pytest.raises(SettingsError, match="TELEMED_THREADS must be a whole number") as refused:
        warm_up(Ground, lambda _: None)
    assert "maria" not in str(refused.value)


def test_what_is_logged_goes_to_standard_error_from_the_beginning(capsys: pytest.CaptureFixture[str]) -> None:
    before = list(LOG.handlers)
    LOG.handlers.clear()
    try:
        parts_of(Ground)
        assert len(LOG.handlers) == 1
    finally:
        LOG.handlers[:] = before
