"""Whatever becomes of a test, no browser outlives it."""

import os
import time

import pytest

from integration.browser.chromium import chromium, process_of


def test_a_browser_ends_with_its_test_when_that_fails() -> None:
    started: list[int] = []

    def fail() -> None:
        with chromium() as browser:
            started.append(process_of(browser))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    assert gone(started[0], within=5)


def test_without_chromium_it_is_told_how_one_is_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")

    with pytest.raises(AssertionError, match="CHROMIUM=path"), chromium():
        pass


def gone(group: int, *, within: float) -> bool:
    """Whether all processes of the group end within so many seconds."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False
