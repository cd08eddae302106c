"""Chromium without a window, with a made-up camera and microphone, ended by its process id whatever happens."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from playwright.sync_api import Browser, sync_playwright

FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
    # No other name is ever looked up, nor anybody else asked.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


def found() -> str:
    """Where Chromium is: ``CHROMIUM``, or what the system has installed."""
    path = shutil.which(os.environ.get("CHROMIUM") or "chromium")
    assert path, "there is no Chromium: install the package chromium, or set CHROMIUM=path"
    return path


@contextmanager
def chromium() -> Iterator[Browser]:
    """One that knows nothing yet: each starts with an empty folder of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found(), args=FLAGS, headless=True)
        pid = process_of(browser)
        try:
            yield browser
        finally:
            try:
                browser.close()
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)


def process_of(browser: Browser) -> int:
    """The process that it started with; it leads the group of all its others."""
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    (pid,) = (int(one["id"]) for one in processes if one["type"] == "browser")
    return pid
