"""The contract of ``Signals`` where many speak, come and go at once: nothing is lost, and nothing overtakes."""

from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from telemed_core.domain.ids import MeetingId
from telemed_core.domain.signals import Signal, SignalKind, Welcome
from telemed_core.errors import SeatLostError
from telemed_core.ports.storage import Stores
from telemed_core.testing.contracts.races import ROUNDS, at_once
from telemed_core.testing.contracts.signals import (
    DOCTOR,
    OWNER,
    PATIENT,
    a_seat,
    entered,
    is_lost,
    log_of,
    say,
    words,
)
from telemed_core.testing.contracts.suite import Suite

MANY = range(1, 41)


def followed(stores: Stores, *saying: Future[None], after: int) -> list[Signal]:
    """All that a reader gets who reads on and on while that is said, and once more when it has been."""
    seen: list[Signal] = []
    going_on = True
    while going_on:
        going_on = not all(one.done() for one in saying)
        seen += log_of(stores, after=seen[-1].seq if seen else after)
    for one in saying:
        one.result()
    return seen


def close_in_the_middle(stores: Stores, meeting: MeetingId, *, after: int) -> None:
    """Close the meeting as soon as there is anything behind that seq."""
    while not log_of(stores, meeting, after=after):
        pass  # pragma: no cover # whether there is something already is chance
    stores.signals.close(meeting)


class SignalRacesContract(Suite):
    """Threads in one meeting."""

    def test_of_many_who_enter_one_side_at_once_one_has_the_seat(self, stores: Stores) -> None:
        entered(stores, PATIENT)
        for beat in range(ROUNDS):
            seats = [a_seat(f"d-{beat}-{number}") for number in range(6)]
            answers = at_once([partial(stores.signals.enter, seat, owner=f"host:{seat.connection}") for seat in seats])
            found = {answer.seq: seat for answer, seat in zip(answers, seats, strict=True)}
            assert sorted(found) == [*range(2 + 7 * beat, 8 + 7 * beat)]
            last = found[max(found)]
            there = words([one for one in log_of(stores) if not one.kind.said])
            assert there == ["p-1 entered", f"{last.connection} entered"]
            assert set(stores.signals.owners()) == {OWNER, f"host:{last.connection}"}
            assert [seat for seat in seats if not is_lost(stores, seat)] == [last]

    def test_what_both_sides_say_at_once_is_read_whole_and_in_order(self, stores: Stores) -> None:
        entered(stores, DOCTOR, PATIENT)
        with ThreadPoolExecutor(2) as pool:
            saying = [pool.submit(say, stores, seat, *MANY) for seat in (DOCTOR, PATIENT)]
            seen = followed(stores, *saying, after=2)
        assert [one.seq for one in seen] == [*range(3, 3 + 2 * len(MANY))]
        for seat in (DOCTOR, PATIENT):
            assert words([one for one in seen if one.side is seat.side]) == [f"{seat.connection}:{n}" for n in MANY]
        assert log_of(stores, after=2) == seen

    def test_what_is_said_while_somebody_enters_waits_or_is_read_behind(self, stores: Stores) -> None:
        for beat in range(ROUNDS):
            meeting = MeetingId(f"meeting-{beat}")
            patient, doctor = a_seat("p-1", meeting=meeting), a_seat("d-1", meeting=meeting)
            entered(stores, patient)
            _, welcome = at_once([partial(say, stores, patient, *MANY), partial(entered, stores, doctor)])
            read = log_of(stores, meeting, after=welcome.seq)
            assert words([*welcome.waiting, *read]) == [f"p-1:{number}" for number in MANY]

    def test_one_number_said_many_times_at_once_is_said_once(self, stores: Stores) -> None:
        entered(stores, DOCTOR)
        for number in range(1, ROUNDS + 1):
            assert at_once([partial(say, stores, DOCTOR, number)] * 6) == [None] * 6
        assert [(one.seq, words([one])) for one in log_of(stores, after=1)] == [
            (number + 1, [f"d-1:{number}"]) for number in range(1, ROUNDS + 1)
        ]

    def test_nothing_is_said_after_the_end(self, stores: Stores) -> None:
        for beat in range(ROUNDS):
            meeting = MeetingId(f"meeting-{beat}")
            seats = [a_seat(one, meeting=meeting) for one in ("d-1", "p-1")]
            entered(stores, *seats)
            ending, *answers = at_once(
                [
                    partial(close_in_the_middle, stores, meeting, after=2),
                    *(partial(say, stores, one, *MANY) for one in seats),
                ]
            )
            assert ending is None
            assert {type(answer) for answer in answers} <= {type(None), SeatLostError}
            assert [one.kind for one in log_of(stores, meeting)] == [SignalKind.CLOSED]

    def test_nobody_enters_after_the_end(self, stores: Stores) -> None:
        for beat in range(ROUNDS):
            meeting = MeetingId(f"meeting-{beat}")
            seats = [a_seat(f"d-{number}", meeting=meeting) for number in range(6)]
            ending, *answers = at_once(
                [
                    partial(close_in_the_middle, stores, meeting, after=0),
                    *(partial(entered, stores, one) for one in seats),
                ]
            )
            assert ending is None
            assert {type(answer) for answer in answers} <= {Welcome, SeatLostError}
            assert [one.kind for one in log_of(stores, meeting)] == [SignalKind.CLOSED]
            assert set(stores.signals.owners()) == set()

    def test_of_many_who_close_a_meeting_at_once_one_does(self, stores: Stores) -> None:
        for beat in range(ROUNDS):
            meeting = MeetingId(f"meeting-{beat}")
            entered(stores, a_seat("d-1", meeting=meeting))
            assert at_once([partial(stores.signals.close, meeting)] * 6) == [None] * 6
            assert [(one.seq, one.kind) for one in log_of(stores, meeting)] == [(2, SignalKind.CLOSED)]
