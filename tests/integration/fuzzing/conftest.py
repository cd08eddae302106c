"""The runs of all callers against one served clinic, two at a time."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from integration.attacks.clinic import Clinic
from integration.fuzzing.casts import ROLES, cast
from integration.fuzzing.runs import Run, fuzz
from integration.http.server import Installation, Server


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """By role. Each caller is behind our proxy, so that each call can come from an address of its own."""
    folder = tmp_path_factory.mktemp("fuzzing")
    server = Server(Installation(folder / "data"), logs=folder / "logs", TELEMED_TRUSTED_PROXIES="1")
    try:
        clinic = Clinic(server)
        with ThreadPoolExecutor(2) as pool:
            done = pool.map(lambda role: fuzz(server, cast(clinic, role), folder / role), ROLES)
            return {run.role: run for run in done}
    finally:
        server.close()
