"""One clinic that is served to all attacks, and the same clinic a day later."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from integration.attacks.clinic import Beside, Clinic
from integration.http.server import Installation, Server


@pytest.fixture(scope="session")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """Two workers on SQLite behind one proxy, so that each attacker can have an address of its own."""
    folder = tmp_path_factory.mktemp("clinic")
    server = Server(Installation(folder / "data"), logs=folder / "logs", TELEMED_TRUSTED_PROXIES="1")
    try:
        yield Clinic(server)
    finally:
        server.close()


@pytest.fixture(scope="session")
def a_day_later(clinic: Clinic) -> Iterator[Beside]:
    """A second server, 25 hours ahead, on the data of the first."""
    with clinic.later(timedelta(hours=25)) as later:
        yield later
