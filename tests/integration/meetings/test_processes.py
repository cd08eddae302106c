"""Server processes that end: those on the others are told who has gone, sooner or later."""

import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from entrypoints.http.serving import listen
from integration.http.server import Server
from integration.meetings.conftest import Clinic
from integration.meetings.sides import GONE, THERE, entered

STOPPED_WITHIN: Final = 5.0


def test_who_was_on_a_killed_process_is_gone_once_another_one_starts(
    any_clinic: Clinic, new_server: Callable[..., Server]
) -> None:
    visit = any_clinic.visits.make()
    third = new_server(any_clinic.installation)
    with entered(any_clinic.one, visit.ways[0]) as doctor:
        assert doctor.hears() == GONE
        with entered(third, visit.ways[1]) as patient:
            assert (patient.hears(), doctor.hears()) == (THERE, THERE)
            third.kill()
            assert doctor.hears_nothing(within=1.5)
            # Without what goes on beside, too.
            third.start(TELEMED_BACKGROUND="off")
            assert doctor.hears(within=2) == GONE
        # Neither those who are on a process that runs, nor their seats, are touched.
        doctor.send(type="offer", data=1)
        with entered(third, visit.ways[1]) as patient:
            assert [patient.hears(), patient.hears()] == [THERE, {"type": "offer", "data": 1}]
            assert doctor.hears() == THERE
    third.stop()


def test_a_server_that_is_stopped_lets_everybody_leave_and_ends_in_time(
    any_clinic: Clinic, new_server: Callable[..., Server]
) -> None:
    visits = [any_clinic.visits.make() for _ in range(5)]
    third = new_server(any_clinic.installation)
    with ExitStack() as stack:
        doctors = [stack.enter_context(entered(any_clinic.one, visit.ways[0])) for visit in visits]
        assert [one.hears() for one in doctors] == [GONE] * 5
        patients = [stack.enter_context(entered(third, visit.ways[1])) for visit in visits]
        assert [one.hears() for one in (*doctors, *patients)] == [THERE] * 10
        begun = time.monotonic()
        third.process.terminate()
        assert [one.hears(within=STOPPED_WITHIN) for one in doctors] == [GONE] * 5
        told = time.monotonic() - begun
        # Not by its ``stop``: a second signal would meet a process that is past hearing it.
        code = third.process.wait(STOPPED_WITHIN)
        stopped = time.monotonic() - begun
    print(f"\nthe others were told after {told:.2f} s, stopped after {stopped:.2f} s")
    assert (code, third.gone(within=STOPPED_WITHIN)) == (0, True)
    assert '"level"' not in third.log()
    third.close()


def test_a_client_that_vanishes_without_a_word_is_noticed_within_a_minute() -> None:
    address = listen("127.0.0.1", 0)
    with address.listening as listening, socket.create_connection((address.host, address.port)):
        listening.settimeout(5)
        accepted, _ = listening.accept()
        with accepted:
            idle, every, times, unanswered = (
                accepted.getsockopt(socket.IPPROTO_TCP, option)
                for option in (
                    socket.TCP_KEEPIDLE,
                    socket.TCP_KEEPINTVL,
                    socket.TCP_KEEPCNT,
                    socket.TCP_USER_TIMEOUT,
                )
            )
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    assert idle + every * times <= 60
    assert 0 < unanswered <= 60_000
