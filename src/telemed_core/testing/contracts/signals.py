"""The contract of ``Signals`` where sides come and go: seats, and what waits for whoever takes one."""

from collections.abc import Sequence
from typing import Final

import attrs
import pytest

from telemed_core.domain.events import Side
from telemed_core.domain.ids import AppointmentId, ConnectionId, MeetingId
from telemed_core.domain.signals import Seat, Signal, SignalKind, Welcome
from telemed_core.errors import SeatLostError
from telemed_core.ports.storage import Stores
from telemed_core.testing.contracts.suite import Suite

MEETING, OTHER = MeetingId("meeting-1"), MeetingId("meeting-2")
OWNER: Final = "host:1:0"


def a_seat(connection: str, *, meeting: MeetingId = MEETING) -> Seat:
    """A seat of the doctor's or the patient's: ``d-1`` is a doctor's connection, ``p-1`` a patient's."""
    return Seat(
        meeting_id=meeting,
        appointment_id=AppointmentId("visit-1"),
        side=Side.DOCTOR if connection.startswith("d") else Side.PATIENT,
        connection=ConnectionId(connection),
    )


DOCTOR, NEWER_DOCTOR = a_seat("d-1"), a_seat("d-2")
PATIENT, NEWER_PATIENT = a_seat("p-1"), a_seat("p-2")


def entered(stores: Stores, *seats: Seat, owner: str = OWNER) -> Welcome:
    """What the last of these found, who enter one after the other."""
    return [stores.signals.enter(seat, owner=owner) for seat in seats][-1]


def say(stores: Stores, seat: Seat, *numbers: int) -> None:
    """Messages with these numbers, which say ``"d-1:1"``, ``"d-1:2"``, …"""
    for number in numbers:
        stores.signals.append(seat, number=number, kind=SignalKind.OFFER, data=f'"{seat.connection}:{number}"')


def log_of(stores: Stores, meeting: MeetingId = MEETING, *, after: int = 0) -> list[Signal]:
    return [*stores.signals.read({meeting: after}).get(meeting, ())]


def words(entries: Sequence[Signal]) -> list[str]:
    """What is said in each: ``d-1:1``, or ``d-1 entered``."""
    return [one.data.strip('"') if one.kind.said else f"{one.connection} {one.kind}" for one in entries]


def is_lost(stores: Stores, seat: Seat, *, number: int = 99) -> bool:
    """Whether nothing can be said from that seat, and nothing is."""
    before = log_of(stores, seat.meeting_id)
    try:
        say(stores, seat, number)
    except SeatLostError:
        assert log_of(stores, seat.meeting_id) == before
        return True
    return False


class SignalsContract(Suite):
    """One seat by side."""

    def test_who_enters_finds_whether_the_other_is_there_and_reads_on_behind_that(self, stores: Stores) -> None:
        assert entered(stores, DOCTOR) == Welcome(seq=1, present=False)
        assert entered(stores, PATIENT) == Welcome(seq=2, present=True)
        stores.signals.leave(DOCTOR)
        assert entered(stores, NEWER_PATIENT) == Welcome(seq=4, present=False)

    def test_a_sides_last_coming_or_going_is_the_only_one(self, stores: Stores) -> None:
        entered(stores, DOCTOR, PATIENT)
        (doctors, patients) = log_of(stores)
        assert doctors == Signal(
            meeting_id=MEETING, seq=1, side=Side.DOCTOR, connection=DOCTOR.connection, kind=SignalKind.ENTERED
        )
        assert patients == attrs.evolve(doctors, seq=2, side=Side.PATIENT, connection=PATIENT.connection)
        stores.signals.leave(DOCTOR)
        left = attrs.evolve(doctors, seq=3, kind=SignalKind.LEFT)
        assert log_of(stores) == [patients, left]
        for seq, seat in enumerate((DOCTOR, NEWER_DOCTOR, a_seat("d-3")), 4):
            entered(stores, seat)
            assert log_of(stores) == [patients, attrs.evolve(doctors, seq=seq, connection=seat.connection)]

    def test_who_enters_takes_the_seat_of_whoever_has_it(self, stores: Stores) -> None:
        entered(stores, DOCTOR, PATIENT)
        say(stores, DOCTOR, 1)
        entered(stores, NEWER_DOCTOR)
        before = log_of(stores)
        assert words(before) == ["p-1 entered", "d-1:1", "d-2 entered"]
        assert is_lost(stores, DOCTOR)
        assert is_lost(stores, DOCTOR, number=1)
        stores.signals.leave(DOCTOR)
        assert log_of(stores) == before
        assert not is_lost(stores, NEWER_DOCTOR)
        assert not is_lost(stores, PATIENT)
        entered(stores, DOCTOR)
        assert is_lost(stores, NEWER_DOCTOR)

    @pytest.mark.parametrize("left", [False, True])
    def test_where_a_side_has_never_been_all_that_was_said_waits(self, stores: Stores, left: bool) -> None:
        entered(stores, PATIENT)
        if left:
            stores.signals.leave(PATIENT)
            entered(stores, PATIENT)
        say(stores, PATIENT, 1, 2, 3)
        before = log_of(stores)
        welcome = entered(stores, DOCTOR)
        assert (welcome.present, list(welcome.waiting)) == (True, before[1:])
        assert words(welcome.waiting) == ["p-1:1", "p-1:2", "p-1:3"]
        assert words(log_of(stores)) == ["p-1 entered", "p-1:1", "p-1:2", "p-1:3", "d-1 entered"]
        assert log_of(stores, after=welcome.seq) == []

    @pytest.mark.parametrize("again", [DOCTOR, NEWER_DOCTOR])
    def test_where_a_side_had_left_what_was_said_since_waits_and_the_rest_is_forgotten(
        self, stores: Stores, again: Seat
    ) -> None:
        entered(stores, DOCTOR, PATIENT)
        say(stores, PATIENT, 1, 2)
        stores.signals.leave(DOCTOR)
        say(stores, PATIENT, 3, 4)
        welcome = entered(stores, again)
        assert (welcome.present, words(welcome.waiting)) == (True, ["p-1:3", "p-1:4"])
        came = f"{again.connection} entered"
        assert words(log_of(stores)) == ["p-1 entered", "p-1:3", "p-1:4", came]

    def test_where_a_seat_is_taken_from_another_nothing_waits_and_all_is_forgotten(self, stores: Stores) -> None:
        entered(stores, PATIENT)
        say(stores, PATIENT, 1)
        entered(stores, DOCTOR)
        say(stores, PATIENT, 2)
        welcome = entered(stores, NEWER_DOCTOR)
        assert (welcome.present, welcome.waiting) == (True, ())
        say(stores, PATIENT, 3)
        assert words(log_of(stores)) == ["p-1 entered", "d-2 entered", "p-1:3"]
        assert words(log_of(stores, after=welcome.seq)) == ["p-1:3"]

    def test_what_a_connection_said_that_is_not_in_the_seat_any_more_does_not_wait(self, stores: Stores) -> None:
        entered(stores, PATIENT)
        say(stores, PATIENT, 1)
        entered(stores, NEWER_PATIENT)
        say(stores, NEWER_PATIENT, 1)
        welcome = entered(stores, DOCTOR)
        assert (welcome.present, words(welcome.waiting)) == (True, ["p-2:1"])
        assert words(log_of(stores)) == ["p-2 entered", "p-2:1", "d-1 entered"]
        stores.signals.leave(DOCTOR)
        say(stores, NEWER_PATIENT, 2)
        newest = a_seat("p-3")
        entered(stores, newest)
        say(stores, newest, 1)
        assert words(entered(stores, DOCTOR).waiting) == ["p-3:1"]

    def test_what_somebody_said_who_has_left_does_not_wait(self, stores: Stores) -> None:
        entered(stores, PATIENT)
        say(stores, PATIENT, 1)
        stores.signals.leave(PATIENT)
        assert entered(stores, DOCTOR) == Welcome(seq=4, present=False)
        assert words(log_of(stores)) == ["p-1 left", "d-1 entered"]

    def test_what_a_side_said_itself_is_still_read_when_it_comes_again(self, stores: Stores) -> None:
        entered(stores, DOCTOR, PATIENT)
        say(stores, DOCTOR, 1)
        entered(stores, NEWER_DOCTOR)
        say(stores, NEWER_DOCTOR, 1)
        stores.signals.leave(NEWER_DOCTOR)
        entered(stores, DOCTOR)
        assert words(log_of(stores, after=2)) == ["d-1:1", "d-2:1", "d-1 entered"]

    @pytest.mark.parametrize("left", [False, True])
    def test_entering_again_with_the_same_connection_changes_nothing_and_finds_the_same(
        self, stores: Stores, left: bool
    ) -> None:
        entered(stores, PATIENT)
        say(stores, PATIENT, 1, 2)
        if left:
            entered(stores, NEWER_DOCTOR)
            stores.signals.leave(NEWER_DOCTOR)
            say(stores, PATIENT, 3)
        welcome = entered(stores, DOCTOR)
        say(stores, PATIENT, 4)
        say(stores, DOCTOR, 1)
        before = log_of(stores)
        assert entered(stores, DOCTOR) == welcome
        assert words(welcome.waiting) == (["p-1:3"] if left else ["p-1:1", "p-1:2"])
        say(stores, DOCTOR, 1)
        assert log_of(stores) == before

    def test_who_leaves_gives_the_seat_up(self, stores: Stores) -> None:
        entered(stores, DOCTOR, PATIENT)
        say(stores, DOCTOR, 1)
        for _ in range(2):
            stores.signals.leave(DOCTOR)
            assert words(log_of(stores)) == ["p-1 entered", "d-1:1", "d-1 left"]
            assert log_of(stores)[-1].seq == 4
        assert is_lost(stores, DOCTOR)
        assert not is_lost(stores, PATIENT)

    def test_leaving_what_one_is_not_in_changes_nothing(self, stores: Stores) -> None:
        stores.signals.leave(DOCTOR)
        assert log_of(stores) == []
        entered(stores, PATIENT, a_seat("d-1", meeting=OTHER))
        before = log_of(stores)
        for seat in (DOCTOR, NEWER_PATIENT):
            stores.signals.leave(seat)
            assert log_of(stores) == before
        assert words(log_of(stores, OTHER)) == ["d-1 entered"]
