"""A Chime for each test, and rooms on it; a test fails that has asked it what its model does not allow."""

from collections.abc import Callable, Iterator

import pytest

from adapters.aws.calling import Call, open_call
from adapters.aws.retrying import Patience
from adapters.chime import SERVICE, ChimeMeetingRooms
from integration.emulator.chime_played import Chime
from integration.emulator.chime_server import ChimeServer

REGION = "sa-east-1"
CONNECTIONS = 32


@pytest.fixture
def chime() -> Iterator[Chime]:
    played = Chime()
    yield played
    assert played.complaints == []


@pytest.fixture
def chime_url(credentials: None, chime: Chime) -> Iterator[str]:
    with ChimeServer(chime) as server:
        yield server.endpoint_url


@pytest.fixture
def chime_call(chime_url: str) -> Call:
    return open_call(SERVICE, connections=CONNECTIONS, region="us-east-1", endpoint_url=chime_url)


@pytest.fixture
def on_call() -> Callable[[Call], ChimeMeetingRooms]:
    """Rooms by such calls, which lose no time between two tries."""
    return lambda call: ChimeMeetingRooms(call, REGION, Patience(sleep=lambda _: None))
