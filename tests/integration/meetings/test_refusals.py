"""Whoever does what may not be done is closed with its code, and the other person's connection lives on."""

import json
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import attrs
import pytest
from websockets.exceptions import ConnectionClosed

from integration.meetings.conftest import Clinic
from integration.meetings.sides import GONE, THERE, Side, connected, entered, met, refused
from integration.meetings.visits import Visit

SILENCE: Final = 5.0
UNSIGNED: Final = "eyJhbGciOiJub25lIn0.e30."
LINGER_NOT: Final = struct.pack("ii", 1, 0)


@attrs.frozen
class Waiting:
    """A visit whose doctor is there alone, and waits for its patient."""

    clinic: Clinic
    visit: Visit
    doctor: Side

    def refused(self, path: str | None = None, **hello: Any) -> int:
        """The code with which somebody is closed who says that instead of the patient's hello."""
        with connected(self.clinic.other, path or self.visit.ways[1].path) as stranger:
            stranger.send(**{"type": "hello", "token": self.visit.ways[1].token, **hello})
            return stranger.closed()


@pytest.fixture
def waiting(clinic: Clinic) -> Iterator[Waiting]:
    """Who was there before is there after it, and the patient can still come and be heard."""
    visit = clinic.visits.make()
    with entered(clinic.one, visit.ways[0]) as doctor:
        assert doctor.hears() == GONE
        yield Waiting(clinic, visit, doctor)
        with entered(clinic.other, visit.ways[1]) as patient:
            assert (patient.hears(), doctor.hears()) == (THERE, THERE)
            patient.send(type="offer", data=1)
            assert doctor.hears() == {"type": "offer", "data": 1}


def test_a_token_that_was_changed_is_4401(waiting: Waiting) -> None:
    token = waiting.visit.ways[1].token
    head, body, signature = token.split(".")
    for wrong in (
        token[:-1],
        f"{head}.{body}.",
        f"{head}.{body[:-2]}AA.{signature}",
        "token",
        f"{token}A",
        "é",
        UNSIGNED,
    ):
        assert waiting.refused(token=wrong) == 4401


def test_another_first_message_than_hello_is_4401(waiting: Waiting) -> None:
    assert waiting.refused(type="offer") == 4401
    assert waiting.refused(more=1) == 4401
    assert waiting.refused(token=None) == 4401
    assert waiting.refused(token=7) == 4401


def test_a_first_message_that_is_broken_is_4401(waiting: Waiting) -> None:
    with connected(waiting.clinic.other, waiting.visit.ways[1].path) as stranger:
        stranger.socket.send("{")
        assert stranger.closed() == 4401


def test_silence_after_connecting_is_4401_after_five_seconds(waiting: Waiting) -> None:
    with connected(waiting.clinic.other, waiting.visit.ways[1].path) as stranger:
        begun = time.monotonic()
        assert stranger.closed(within=2 * SILENCE) == 4401
        assert SILENCE - 0.1 < time.monotonic() - begun < SILENCE + 1.5
    with connected(waiting.clinic.other, waiting.visit.ways[1].path) as late:
        time.sleep(SILENCE + 0.5)
        with suppress(ConnectionClosed):
            late.send(type="hello", token=waiting.visit.ways[1].token)
        assert late.closed() == 4401


def test_a_person_of_another_visit_is_4404(waiting: Waiting) -> None:
    third = waiting.clinic.visits.make()
    assert waiting.refused(token=third.ways[1].token) == 4404
    assert waiting.refused(path=third.ways[1].path) == 4404
    assert waiting.refused(path="/v1/meetings/nothing/signal") == 4404


def test_no_other_path_takes_websockets(clinic: Clinic) -> None:
    for path in ("/", "/v1/meetings", "/v1/meetings/a/b/signal", "/v1/me", "/healthz", "/v1/meetings//signal"):
        assert refused(clinic.one, path) == 403
    assert clinic.one.client().get("/v1/meetings/a/signal").status == 404


def a_flood(side: Side) -> None:
    for number in range(200):
        side.send(type="candidate", data=number)


def too_long(side: Side) -> None:
    side.send(type="offer", data="a" * (65 * 1024))


def far_too_long(side: Side) -> None:
    side.send(type="offer", data="a" * (4 * 1024 * 1024))


def broken(side: Side) -> None:
    side.socket.send('{"type": "offer"')


def no_message(side: Side) -> None:
    side.send(type="hello", token="again")


def binary(side: Side) -> None:
    side.socket.send(json.dumps({"type": "offer"}).encode())


OFFENCES: Final[dict[int, tuple[Callable[[Side], None], ...]]] = {
    4429: (a_flood,),
    1009: (too_long, far_too_long),
    1007: (broken, no_message),
    1003: (binary,),
}


@pytest.mark.parametrize(
    ("code", "offend"),
    [(code, offend) for code, offences in OFFENCES.items() for offend in offences],
    ids=lambda one: one.__name__ if callable(one) else str(one),
)
@pytest.mark.parametrize("elsewhere", [True, False], ids=["two processes", "one process"])
def test_who_sends_what_may_not_be_sent_is_closed_and_the_other_is_told(
    clinic: Clinic, code: int, offend: Callable[[Side], None], elsewhere: bool
) -> None:
    visit = clinic.visits.make()
    other = clinic.other if elsewhere else clinic.one
    with met(clinic.one, other, visit.ways) as (doctor, patient):
        with suppress(ConnectionClosed):
            offend(patient)
        assert patient.closed() == code
        heard = []
        while (message := doctor.hears()) != GONE:
            heard.append(message)
        # What was allowed of a flood, and little more in the time that it took.
        assert len(heard) == 0 if code != 4429 else 60 <= len(heard) < 90
        with entered(other, visit.ways[1]) as again:
            assert again.hears() == THERE
            assert doctor.hears() == THERE
            again.send(type="offer", data="again")
            assert doctor.hears() == {"type": "offer", "data": "again"}
            doctor.send(type="answer", data="again")
            assert again.hears() == {"type": "answer", "data": "again"}


def test_64_kib_are_passed_on(clinic: Clinic) -> None:
    with met(clinic.one, clinic.other, clinic.visits.make().ways) as (doctor, patient):
        data = "a" * (64 * 1024 - 2)
        doctor.send(type="offer", data=data)
        assert patient.hears() == {"type": "offer", "data": data}
        doctor.send(type="offer", data=data + "a")
        assert doctor.closed() == 1009


def test_more_than_a_server_takes_drops_the_connection_alone(clinic: Clinic) -> None:
    with met(clinic.one, clinic.one, clinic.visits.make().ways) as (doctor, patient):
        with suppress(ConnectionClosed):
            patient.send(type="offer", data="a" * (17 * 1024 * 1024))
        assert patient.closed() in {1005, 1006, 1009}
        assert doctor.hears() == GONE


def test_a_side_that_does_not_read_is_dropped_and_holds_up_nobody(clinic: Clinic) -> None:
    visit = clinic.visits.make()
    with entered(clinic.one, visit.ways[0]) as doctor:
        assert doctor.hears() == GONE
        with deaf(clinic, visit):
            assert doctor.hears() == THERE
            sent = 0
            until = time.monotonic() + 60
            while time.monotonic() < until:
                doctor.send(type="candidate", data="a" * 60_000)
                sent += 1
                try:
                    if doctor.hears(within=0.1) == GONE:
                        break
                except TimeoutError:
                    continue
            else:
                pytest.fail("it is waited for")
            print(f"\ndropped after {sent} messages of 60 KB that it did not read")
        with entered(clinic.one, visit.ways[1]) as again:
            assert again.hears() == THERE


def test_a_side_that_vanishes_while_it_is_sent_to_leaves_its_seat(clinic: Clinic) -> None:
    visit = clinic.visits.make()
    with entered(clinic.one, visit.ways[0]) as doctor:
        assert doctor.hears() == GONE
        with deaf(clinic, visit) as patient:
            assert doctor.hears() == THERE
            for _ in range(55):
                doctor.send(type="candidate", data="a" * 60_000)
            time.sleep(1)
            # Its system answers with a reset, as one does whose program has crashed.
            patient.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
        assert doctor.hears(within=2) == GONE


@contextmanager
def deaf(clinic: Clinic, visit: Visit) -> Iterator[socket.socket]:
    """The patient, who enters and reads nothing from then on."""
    way = visit.ways[1]
    head = f"GET {way.path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    hello = json.dumps({"type": "hello", "token": way.token}).encode()
    assert 126 <= len(hello) < 65_536
    with socket.create_connection(clinic.one.address) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall((head + key).encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 101")
        # A frame of text of that length, masked with zeros.
        connection.sendall(b"\x81\xfe" + struct.pack(">H", len(hello)) + b"\0" * 4 + hello)
        yield connection
