"""Signalling, called as a server calls it, over stores in memory; who writes to these directly is another process."""

import asyncio
import json
import logging
import re
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from functools import wraps
from typing import Any

import attrs
import pytest
from dependency_injector import providers
from starlette.types import ASGIApp, Message, Scope
from starlette.websockets import WebSocket, WebSocketState

from entrypoints.container import Container
from entrypoints.http.app import SIGNALLING, make_app
from entrypoints.http.signalling import Hub
from entrypoints.http.signalling.connection import MOST_UNSENT, Bucket, Close, Connection, Ended, Limits
from entrypoints.http.signalling.hub import THREADS
from entrypoints.http.transport import Transport
from entrypoints.logs import LOG, JsonLines
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.events import Side
from telemed_core.domain.ids import ConnectionId, MeetingId
from telemed_core.domain.patient import Patient
from telemed_core.domain.signals import MOST_KEPT, Seat, Signal, SignalKind, Welcome
from telemed_core.errors import BusyError, NotFoundError, UnavailableError
from telemed_core.ports.meetings import Signals
from telemed_core.testing.doubles import SettableClock
from telemed_core.testing.wiring import Clinic
from unit.entrypoints.api import a_clinic

GONE, THERE = {"type": "peer", "present": False}, {"type": "peer", "present": True}
PATIENCE = 10.0
QUICK = 0.01
NEVER = 1_000.0

Test = Callable[..., Coroutine[Any, Any, None]]


def on_a_loop(test: Test) -> Callable[..., None]:
    """What hangs fails."""

    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), PATIENCE))

    return run


@attrs.frozen
class Visit:
    """A visit that both sides have joined."""

    appointment: Appointment
    doctor: Doctor
    meeting: str
    tokens: Mapping[Side, str]

    @property
    def path(self) -> str:
        return f"/v1/meetings/{self.meeting}/signal"

    def seat(self, side: Side, connection: str) -> Seat:
        return Seat(
            meeting_id=MeetingId(self.meeting),
            appointment_id=self.appointment.id,
            side=side,
            connection=ConnectionId(connection),
        )


class Person:
    """Somebody's WebSocket, without a network."""

    def __init__(self, app: ASGIApp, path: str) -> None:
        self.sent: asyncio.Queue[Message] = asyncio.Queue()
        self.got: asyncio.Queue[Message] = asyncio.Queue()
        self.reads = asyncio.Event()
        self.reads.set()
        self.sent.put_nowait({"type": "websocket.connect"})
        self.scope: Scope = {"type": "websocket", "path": path, "headers": [], "query_string": b"token=secret"}
        self.task = asyncio.ensure_future(app(self.scope, self.sent.get, self._get))

    async def _get(self, message: Message) -> None:
        await self.reads.wait()
        self.got.put_nowait(message)

    async def accepted(self) -> Message:
        message = await self.got.get()
        assert message["type"] == "websocket.accept"
        return message

    def send(self, **message: Any) -> None:
        self.send_raw(text=json.dumps(message))

    def send_raw(self, **content: Any) -> None:
        self.sent.put_nowait({"type": "websocket.receive", **content})

    async def hears(self) -> Any:
        message = await self.got.get()
        assert message["type"] == "websocket.send", message
        return json.loads(message["text"])

    async def closed(self) -> int:
        """Its code; nothing is under way any more."""
        while (message := await self.got.get())["type"] != "websocket.close":
            pass
        self.go()
        await self.task
        code: int = message["code"]
        return code

    def go(self, code: int = 1001) -> None:
        self.sent.put_nowait({"type": "websocket.disconnect", "code": code})


@attrs.define(eq=False)
class Served:
    """A hub, and a clinic whose visits it serves."""

    container: Container
    clinic: Clinic
    hub: Hub
    app: ASGIApp

    @property
    def signals(self) -> Signals:
        return self.container.signals()

    def visit(self, number: int = 1) -> Visit:
        patient, doctor = self.clinic.patient(number), self.clinic.doctor(number)
        start = self.clinic.noon()
        asked = self.clinic.request_appointment(doctor_id=doctor.id, start=start, patient=patient)
        found = self.clinic.accept_appointment(appointment_id=asked.id, rev=asked.rev, doctor=doctor)
        self.clock.set(start)
        ways = [self._join(found, actor) for actor in (doctor, patient)]
        tokens = {Side.DOCTOR: ways[0][1], Side.PATIENT: ways[1][1]}
        return Visit(found, doctor, ways[0][0], tokens)

    def visits(self, many: int) -> Sequence[Visit]:
        """At the same time."""
        now, found = self.clock.now(), []
        for number in range(1, many + 1):
            self.clock.set(now)
            found.append(self.visit(number))
        return found

    def _join(self, appointment: Appointment, actor: Doctor | Patient) -> tuple[str, str]:
        joined = self.container.join_visit()(appointment_id=appointment.id, actor=actor)
        return joined.room.id, joined.attendee.details["token"]

    @property
    def clock(self) -> SettableClock:
        clock = self.container.clock()
        assert isinstance(clock, SettableClock)
        return clock

    def connects(self, path: str) -> Person:
        return Person(self.app, path)

    async def enters(self, visit: Visit, side: Side) -> Person:
        found = self.connects(visit.path)
        found.send(type="hello", token=visit.tokens[side])
        await found.accepted()
        return found

    async def meets(self, visit: Visit) -> tuple[Person, Person]:
        doctor = await self.enters(visit, Side.DOCTOR)
        assert await doctor.hears() == GONE
        patient = await self.enters(visit, Side.PATIENT)
        assert [await patient.hears(), await doctor.hears()] == [THERE, THERE]
        return doctor, patient


@pytest.fixture
def container() -> Iterator[Container]:
    with a_clinic(TELEMED_MEETINGS="webrtc", TELEMED_BACKGROUND="off") as made:
        yield made.container


@pytest.fixture
def serve(container: Container) -> Callable[..., Served]:
    """Starts a hub; one that has been given no other times looks for news all the time, and for endings never."""

    def start(*, every: float = QUICK, check_every: float = NEVER, **limits: Any) -> Served:
        hub = Hub(container, every=every, check_every=check_every, limits=Limits(**limits))
        hub.start()

        async def app(scope: Scope, receive: Any, send: Any) -> None:
            scope["path_params"] = {"id": scope["path"].split("/")[3]}
            await hub.meet(WebSocket(scope, receive, send))

        clinic = Clinic(container.stores(), container.clock(), container.ids())
        return Served(container, clinic, hub, Transport(app, secure=True))

    return start


@pytest.fixture
def logged() -> Iterator[list[dict[str, Any]]]:
    """What is logged, a line each."""
    lines: list[dict[str, Any]] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(json.loads(JsonLines().format(record)))

    kept, level = Kept(), LOG.level
    LOG.addHandler(kept)
    LOG.setLevel(logging.INFO)
    yield lines
    LOG.removeHandler(kept)
    LOG.setLevel(level)


@attrs.define
class Faulty:
    """Signals, of which some methods fail while that is asked for."""

    _signals: Signals
    error: Exception
    fails: set[str]
    calls: list[str] = attrs.Factory(list)

    def __getattr__(self, name: str) -> Any:
        self.calls.append(name)
        if name in self.fails:
            raise self.error
        return getattr(self._signals, name)


def failing(served: Served, *names: str, error: Exception | None = None) -> Faulty:
    """The signals of that hub, which fail in these from now on."""
    faulty = Faulty(served.signals, error or UnavailableError(), set(names))
    served.container.signals.override(providers.Object(faulty))
    return faulty


async def not_reading(served: Served, *, error: Exception | None = None) -> Faulty:
    """The signals of that hub, whose news it has tried to read in vain; nothing is being read any more."""
    faulty = failing(served, "read", error=error)
    while "read" not in faulty.calls:
        await asyncio.sleep(QUICK)
    return faulty


Serve = Callable[..., Served]


class TestExchange:
    @on_a_loop
    async def test_what_one_side_says_the_other_hears_in_order(self, serve: Serve) -> None:
        served = serve()
        doctor, patient = await served.meets(served.visit())
        said = [{"type": kind, "data": [number]} for number, kind in enumerate(("offer", "candidate", "bye"))]
        for message in said:
            doctor.send(**message)
        assert [await patient.hears() for _ in said] == said
        patient.send(type="answer")
        assert await doctor.hears() == {"type": "answer", "data": None}

    @on_a_loop
    async def test_what_is_said_in_this_process_waits_for_no_look(self, serve: Serve) -> None:
        served = serve(every=NEVER)
        doctor, patient = await served.meets(served.visit())
        doctor.send(type="offer")
        assert (await patient.hears())["type"] == "offer"
        patient.go()
        assert await doctor.hears() == GONE

    @on_a_loop
    async def test_what_another_process_brings_in_is_heard(self, serve: Serve) -> None:
        served = serve()
        visit = served.visit()
        doctor = await served.enters(visit, Side.DOCTOR)
        seat = visit.seat(Side.PATIENT, "elsewhere")
        assert await doctor.hears() == GONE
        served.signals.enter(seat, owner="another")
        served.signals.append(seat, number=1, kind=SignalKind.OFFER, data='{"a":1}')
        assert [await doctor.hears(), await doctor.hears()] == [THERE, {"type": "offer", "data": {"a": 1}}]
        served.signals.leave(seat)
        assert await doctor.hears() == GONE

    @on_a_loop
    async def test_who_comes_hears_what_was_said_to_it_before_and_nothing_else(self, serve: Serve) -> None:
        served = serve()
        visit = served.visit()
        doctor = await served.enters(visit, Side.DOCTOR)
        assert await doctor.hears() == GONE
        for number in range(3):
            doctor.send(type="candidate", data=number)
        while len(served.signals.read({MeetingId(visit.meeting): 0})[MeetingId(visit.meeting)]) < 4:
            await asyncio.sleep(0)
        patient = await served.enters(visit, Side.PATIENT)
        assert await patient.hears() == THERE
        assert [(await patient.hears())["data"] for _ in range(3)] == [0, 1, 2]
        doctor.send(type="candidate", data=3)
        assert (await patient.hears())["data"] == 3

    @on_a_loop
    async def test_what_has_waited_is_not_heard_again_where_others_read_from_further_back(self, serve: Serve) -> None:
        served = serve()
        visit = served.visit()
        doctor = await served.enters(visit, Side.DOCTOR)
        assert await doctor.hears() == GONE
        faulty = await not_reading(served)
        doctor.send(type="candidate", data=1)
        while "append" not in faulty.calls:
            await asyncio.sleep(QUICK)
        patient = await served.enters(visit, Side.PATIENT)
        assert [await patient.hears(), await patient.hears()] == [THERE, {"type": "candidate", "data": 1}]
        faulty.fails.clear()
        assert await doctor.hears() == THERE
        doctor.send(type="candidate", data=2)
        assert await patient.hears() == {"type": "candidate", "data": 2}

    @on_a_loop
    async def test_meetings_do_not_hear_of_each_other(self, serve: Serve) -> None:
        served = serve()
        one, other = served.visits(2)
        doctor, patient = await served.meets(one)
        second = await served.meets(other)
        second[0].send(type="offer", data="other")
        doctor.send(type="offer", data="one")
        assert (await patient.hears())["data"] == "one"
        assert (await second[1].hears())["data"] == "other"

    @on_a_loop
    async def test_all_meetings_are_read_at_once_and_nothing_where_nobody_is(self, serve: Serve) -> None:
        served = serve()
        asked: list[Mapping[MeetingId, int]] = []
        signals = served.signals

        class Counting:
            def __getattr__(self, name: str) -> Any:
                return getattr(signals, name)

            def read(self, after: Mapping[MeetingId, int], /) -> Mapping[MeetingId, Sequence[Signal]]:
                asked.append(after)
                return signals.read(after)

        served.container.signals.override(providers.Object(Counting()))
        await asyncio.sleep(5 * QUICK)
        assert not asked
        visit = served.visit()
        await served.meets(visit)
        while not asked:
            await asyncio.sleep(QUICK)
        await asyncio.sleep(5 * QUICK)
        assert {*map(len, asked)} == {1}


class TestComingAndGoing:
    @on_a_loop
    async def test_a_newer_connection_closes_the_older_one_and_the_other_side_starts_anew(self, serve: Serve) -> None:
        served = serve()
        visit = served.visit()
        doctor, patient = await served.meets(visit)
        newer = await served.enters(visit, Side.PATIENT)
        assert (await newer.hears(), await patient.closed(), await doctor.hears()) == (THERE, 4409, THERE)
        newer.send(type="offer")
        assert (await doctor.hears())["type"] == "offer"

    @on_a_loop
    async def test_the_older_one_is_closed_by_what_it_says_too(self, serve: Serve) -> None:
        served = serve(every=NEVER)
        visit = served.visit()
        _, patient = await served.meets(visit)
        served.signals.enter(visit.seat(Side.PATIENT, "elsewhere"), owner="another")
        patient.send(type="offer")
        assert await patient.closed() == 4409

    @on_a_loop
    async def test_a_newer_one_that_has_left_since_replaces_it_too(self, serve: Serve) -> None:
        served = serve()
        visit = served.visit()
        _, patient = await served.meets(visit)
        elsewhere = visit.seat(Side.PATIENT, "elsewhere")
        served.signals.enter(elsewhere, owner="another")
        served.signals.leave(elsewhere)
        assert await patient.closed() == 4409

    @on_a_loop
    async def test_one_that_was_taken_for_dead_has_to_come_again(self, serve: Serve) -> None:
        served = serve()
        visit = served.visit()
        doctor, patient = await served.meets(visit)
        served.signals.free([served.container.owner()])
        assert (await doctor.closed(), await patient.closed()) == (1013, 1013)

    @on_a_loop
    async def test_seats_of_dead_processes_are_free_when_a_hub_starts(self, serve: Serve, container: Container) -> None:
        served = serve()
        visit = served.visit()
        doctor = await served.enters(visit, Side.DOCTOR)
        assert await doctor.hears() == GONE
        container.signals().enter(visit.seat(Side.PATIENT, "lost"), owner="dead")
        assert await doctor.hears() == THERE
        container.take_over_seats.override(providers.Object(lambda: container.signals().free(["dead"])))
        serve()
        assert await doctor.hears() == GONE

    @on_a_loop
    async def test_they_are_freed_as_soon_as_the_store_answers(self, serve: Serve, container: Container) -> None:
        answers = iter([UnavailableError(), BusyError(), None, AssertionError("again")])
        freed = asyncio.Event()
        loop = asyncio.get_running_loop()

        def take_over() -> int:
            answer = next(answers)
            if answer:
                raise answer
            loop.call_soon_threadsafe(freed.set)
            return 0

        container.take_over_seats.override(providers.Object(take_over))
        serve(check_every=QUICK)
        await freed.wait()
        await asyncio.sleep(5 * QUICK)
        assert isinstance(next(answers), AssertionError)

    @on_a_loop
    async def test_at_the_end_all_are_closed_and_all_seats_are_left(self, serve: Serve) -> None:
        served = serve()
        visit = served.visit()
        doctor, patient = await served.meets(visit)
        silent = served.connects(visit.path)
        await silent.accepted()
        served.signals.enter(visit.seat(Side.DOCTOR, "elsewhere"), owner="another")
        stopping = asyncio.ensure_future(served.hub.stop())
        assert {await doctor.closed(), await patient.closed()} <= {1013, 4409}
        silent.go()
        await stopping
        assert [*served.signals.owners()] == ["another"]

    @on_a_loop
    async def test_who_is_being_let_in_at_the_end_leaves_too(self, serve: Serve) -> None:
        served = serve()
        visit = served.visit()
        entering, entered, go_on = served.container.enter_meeting(), threading.Event(), threading.Event()

        def enter(**terms: Any) -> tuple[Seat, Welcome]:
            entered.set()
            go_on.wait(PATIENCE)
            return entering(**terms)

        served.container.enter_meeting.override(providers.Object(enter))
        doctor = await served.enters(visit, Side.DOCTOR)
        await asyncio.to_thread(entered.wait, PATIENCE)
        stopping = asyncio.ensure_future(served.hub.stop())
        await asyncio.sleep(5 * QUICK)
        go_on.set()
        await stopping
        assert await doctor.closed() == 1013
        assert not served.signals.owners()

    @on_a_loop
    async def test_a_seat_that_could_not_be_left_is_left_later(self, serve: Serve) -> None:
        served = serve(check_every=QUICK)
        visit = served.visit()
        doctor, patient = await served.meets(visit)
        faulty = failing(served, "leave")
        patient.go()
        await patient.task
        await asyncio.sleep(5 * QUICK)
        assert doctor.got.empty()
        faulty.fails.clear()
        assert await doctor.hears() == GONE


class TestRefusals:
    @pytest.mark.parametrize(
        ("content", "code"),
        [
            ({"text": "{"}, 4401),
            ({"text": "{}"}, 4401),
            ({"text": '{"type":"offer"}'}, 4401),
            ({"text": '{"type":"hello","token":"nobody\'s"}'}, 4401),
            ({"bytes": b"{}"}, 1003),
            ({"text": "a" * (128 * 1024 + 1)}, 1009),
        ],
    )
    @on_a_loop
    async def test_who_does_not_say_whose_it_is_is_closed(self, serve: Serve, content: Any, code: int) -> None:
        served = serve()
        stranger = served.connects(served.visit().path)
        stranger.send_raw(**content)
        assert await stranger.closed() == code

    @on_a_loop
    async def test_who_says_nothing_is_closed(self, serve: Serve) -> None:
        served = serve(hello_seconds=QUICK)
        assert await served.connects(served.visit().path).closed() == 4401

    @on_a_loop
    async def test_who_leaves_before_it_says_anything_leaves_nothing(self, serve: Serve, logged: list[Any]) -> None:
        served = serve()
        side = served.connects(served.visit().path)
        await side.accepted()
        side.go()
        await side.task
        assert side.got.empty()
        assert [line["status"] for line in logged] == [1001]

    @on_a_loop
    async def test_a_token_opens_its_own_meeting_alone(self, serve: Serve) -> None:
        served = serve()
        visit = served.visit()
        stranger = served.connects("/v1/meetings/another/signal")
        stranger.send(type="hello", token=visit.tokens[Side.DOCTOR])
        assert await stranger.closed() == 4404

    @pytest.mark.parametrize(
        ("content", "code"),
        [
            ({"text": "{"}, 1007),
            ({"text": '{"type":"hello","token":"a"}'}, 1007),
            ({"text": '{"type":"entered"}'}, 1007),
            ({"text": json.dumps({"type": "offer", "data": "a" * 65_535})}, 1009),
            ({"text": json.dumps({"type": "offer", "data": "é" * 32_768}, ensure_ascii=False)}, 1009),
            ({"text": " " * (128 * 1024)}, 1007),
            ({"text": " " * (128 * 1024 + 1)}, 1009),
            ({"text": "é" * (64 * 1024 + 1)}, 1009),
            ({"bytes": b'{"type":"offer"}'}, 1003),
            ({"text": None, "bytes": b""}, 1003),
        ],
    )
    @on_a_loop
    async def test_what_is_no_message_closes_its_side_alone(self, serve: Serve, content: Any, code: int) -> None:
        served = serve()
        doctor, patient = await served.meets(served.visit())
        patient.send_raw(**content)
        assert await patient.closed() == code
        assert await doctor.hears() == GONE

    @on_a_loop
    async def test_64_kib_of_data_are_passed_on(self, serve: Serve) -> None:
        served = serve()
        doctor, patient = await served.meets(served.visit())
        for data in ("a" * 65_534, "é" * 32_767, "\n" * 32_767):
            doctor.send_raw(text=json.dumps({"type": "offer", "data": data}, ensure_ascii=False))
            assert (await patient.hears())["data"] == data

    @on_a_loop
    async def test_a_flood_is_closed_after_what_is_allowed(self, serve: Serve) -> None:
        served = serve(burst=3, per_second=0)
        doctor, patient = await served.meets(served.visit())
        for number in range(5):
            patient.send(type="candidate", data=number)
        assert await patient.closed() == 4429
        assert [(await doctor.hears()).get("data") for _ in range(4)] == [0, 1, 2, None]

    def test_a_bucket_holds_so_many_and_fills_up_again(self) -> None:
        now = [100.0]
        bucket = Bucket(3, 10.0, lambda: now[0])
        assert [bucket.take() for _ in range(4)] == [True, True, True, False]
        now[0] += 0.125
        assert [bucket.take() for _ in range(2)] == [True, False]
        now[0] += 60
        assert [bucket.take() for _ in range(4)] == [True, True, True, False]

    def test_a_client_may_send_60_at_once_and_then_10_a_second_and_has_5_seconds_to_say_hello(self) -> None:
        assert (Limits().burst, Limits().per_second, Limits().hello_seconds) == (60, 10.0, 5.0)
        assert Limits().unsent == MOST_UNSENT > MOST_KEPT


class TestTheEnd:
    @on_a_loop
    async def test_a_meeting_that_is_closed_closes_both(self, serve: Serve) -> None:
        served = serve()
        visit = served.visit()
        doctor, patient = await served.meets(visit)
        served.signals.close(MeetingId(visit.meeting))
        assert (await doctor.closed(), await patient.closed()) == (4410, 4410)
        late = await served.enters(visit, Side.DOCTOR)
        assert await late.closed() == 4410

    @on_a_loop
    async def test_a_visit_that_is_over_closes_both_although_nobody_has_closed_its_meeting(self, serve: Serve) -> None:
        served = serve(check_every=QUICK)
        visit = served.visit()
        doctor, patient = await served.meets(visit)
        served.container.complete_visit()(appointment_id=visit.appointment.id, doctor=visit.doctor)
        assert (await doctor.closed(), await patient.closed()) == (4410, 4410)
        late = await served.enters(visit, Side.PATIENT)
        assert await late.closed() == 4410

    @on_a_loop
    async def test_its_time_alone_ends_it_too(self, serve: Serve) -> None:
        served = serve(check_every=QUICK)
        visit = served.visit()
        doctor, patient = await served.meets(visit)
        served.clock.set(visit.appointment.closes_at)
        assert (await doctor.closed(), await patient.closed()) == (4410, 4410)

    @on_a_loop
    async def test_what_is_said_after_it_is_answered_with_its_end(self, serve: Serve) -> None:
        served = serve(every=NEVER)
        visit = served.visit()
        doctor, _ = await served.meets(visit)
        served.container.signals.override(providers.Object(Faulty(served.signals, UnavailableError(), {"read"})))
        await asyncio.sleep(5 * QUICK)
        served.container.complete_visit()(appointment_id=visit.appointment.id, doctor=visit.doctor)
        served.signals.close(MeetingId(visit.meeting))
        doctor.send(type="offer")
        assert await doctor.closed() == 4410


class TestFailures:
    @pytest.mark.parametrize("error", [UnavailableError(), BusyError()])
    @on_a_loop
    async def test_who_cannot_be_let_in_now_may_try_again(self, serve: Serve, error: Exception) -> None:
        served = serve()
        visit = served.visit()

        def enter(**_: Any) -> tuple[Seat, Welcome]:
            raise error

        served.container.enter_meeting.override(providers.Object(enter))
        side = await served.enters(visit, Side.DOCTOR)
        assert await side.closed() == 1013

    @on_a_loop
    async def test_who_cannot_be_passed_on_now_may_try_again(self, serve: Serve) -> None:
        served = serve()
        doctor, patient = await served.meets(served.visit())
        failing(served, "append", error=BusyError())
        patient.send(type="offer")
        assert await patient.closed() == 1013
        assert await doctor.hears() == GONE

    @on_a_loop
    async def test_a_store_that_does_not_answer_is_told_of_once_and_nobody_is_closed(
        self, serve: Serve, logged: list[Any]
    ) -> None:
        served = serve()
        visit = served.visit()
        doctor, patient = await served.meets(visit)
        faulty = await not_reading(served)
        patient.send(type="offer")
        while faulty.calls.count("read") < 5:
            await asyncio.sleep(QUICK)
        assert doctor.got.empty()
        assert [line["what"] for line in logged] == ["signalling: dependency_unavailable"]
        faulty.fails.clear()
        assert (await doctor.hears())["type"] == "offer"
        patient.send(type="candidate")
        assert (await doctor.hears())["type"] == "candidate"

    @on_a_loop
    async def test_a_bug_is_1011_and_told_without_its_text(self, serve: Serve, logged: list[Any]) -> None:
        served = serve()
        visit = served.visit()
        doctor, patient = await served.meets(visit)
        failing(served, "append", error=RuntimeError("a secret"))
        patient.send(type="offer", data="v=0")
        assert await patient.closed() == 1011
        assert await doctor.hears() == GONE
        assert [(line.get("what"), line.get("status")) for line in logged] == [("bug", None), (None, 1011)]
        assert logged[0]["request_id"] == logged[1]["request_id"]
        assert "secret" not in json.dumps(logged)
        assert "v=0" not in json.dumps(logged)

    @on_a_loop
    async def test_a_bug_in_passing_on_is_told_and_the_next_look_may_be_well(
        self, serve: Serve, logged: list[Any]
    ) -> None:
        served = serve()
        doctor, patient = await served.meets(served.visit())
        faulty = await not_reading(served, error=RuntimeError("a secret"))
        while faulty.calls.count("read") < 3:
            await asyncio.sleep(QUICK)
        faulty.fails.clear()
        patient.send(type="offer")
        assert (await doctor.hears())["type"] == "offer"
        assert [line["what"] for line in logged] == ["bug"]


class TestSlowClients:
    @on_a_loop
    async def test_who_does_not_read_is_dropped_and_holds_up_nobody(self, serve: Serve) -> None:
        served = serve(unsent=5, goodbye_seconds=QUICK)
        doctor, patient = await served.meets(served.visit())
        patient.reads.clear()
        for number in range(10):
            doctor.send(type="candidate", data=number)
        assert await doctor.hears() == GONE
        await patient.task

    @on_a_loop
    async def test_a_send_that_never_returns_is_broken_off_when_the_client_has_gone(self, serve: Serve) -> None:
        served = serve()
        doctor, patient = await served.meets(served.visit())
        patient.reads.clear()
        doctor.send(type="offer")
        await asyncio.sleep(5 * QUICK)
        patient.go()
        await patient.task
        assert await doctor.hears() == GONE

    @on_a_loop
    async def test_a_client_that_cannot_be_sent_to_any_more_leaves(self, serve: Serve) -> None:
        served = serve()
        visit = served.visit()
        doctor = await served.enters(visit, Side.DOCTOR)
        assert await doctor.hears() == GONE
        patient = served.connects(visit.path)

        async def broken(message: Message) -> None:
            if message["type"] == "websocket.send":
                raise OSError

        patient.task.cancel()
        patient.task = asyncio.ensure_future(served.app(patient.scope, patient.sent.get, broken))
        patient.send(type="hello", token=visit.tokens[Side.PATIENT])
        await patient.task
        # It may have come and gone between two looks.
        if (heard := await doctor.hears()) == THERE:
            heard = await doctor.hears()
        assert heard == GONE

    @on_a_loop
    async def test_of_several_reasons_the_first_is_told_and_to_who_is_there_alone(self) -> None:
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "websocket.connect"}

        async def send(message: Message) -> None:
            sent.append(message)

        websocket = WebSocket({"type": "websocket"}, receive, send)
        await websocket.accept()
        connection = Connection(websocket, Limits())
        for code in (Close.OVER, Close.REPLACED):
            connection.end(code)
        with pytest.raises(Ended) as ended:
            await connection.run(asyncio.sleep(NEVER))
        assert ended.value.code is Close.OVER
        websocket.client_state = WebSocketState.DISCONNECTED
        await connection.close(Close.OVER)
        assert [message["type"] for message in sent] == ["websocket.accept"]


class TestTheApp:
    @on_a_loop
    async def test_it_serves_meetings_from_its_start_to_its_end(self, container: Container, logged: list[Any]) -> None:
        app = make_app(container)
        served = Served(
            container,
            Clinic(container.stores(), container.clock(), container.ids()),
            Hub(container),
            Transport(app, secure=True),
        )
        visit = served.visit()
        async with app.router.lifespan_context(app):
            doctor = served.connects(visit.path)
            doctor.send(type="hello", token=visit.tokens[Side.DOCTOR])
            headers = dict((await doctor.accepted())["headers"])
            assert await doctor.hears() == GONE
            patient = await served.enters(visit, Side.PATIENT)
            assert [await patient.hears(), await doctor.hears()] == [THERE, THERE]
            patient.go(1005)
            assert await doctor.hears() == GONE
            assert served.signals.owners()
            elsewhere = served.connects("/v1/elsewhere")
            assert await elsewhere.closed() == 1000
        assert await doctor.closed() == 1013
        assert not served.signals.owners()
        assert re.fullmatch("[0-9a-f]{32}", headers[b"x-request-id"].decode())
        assert [(line["method"], line["route"], line["status"]) for line in logged] == [
            ("WEBSOCKET", SIGNALLING, 1005),
            ("WEBSOCKET", None, 403),
            ("WEBSOCKET", SIGNALLING, 1013),
        ]
        assert logged[-1]["request_id"] == headers[b"x-request-id"].decode()
        assert {*logged[-1]} == {"at", "request_id", "method", "route", "status", "ms"}
        said = json.dumps(logged)
        assert not any(word in said for word in (visit.meeting, *visit.tokens.values(), "secret"))

    @on_a_loop
    async def test_clients_that_keep_all_threads_busy_keep_no_news_waiting(self, serve: Serve) -> None:
        served = serve(check_every=QUICK)
        visit, other = served.visits(2)
        doctor, patient = await served.meets(visit)
        second, _ = await served.meets(other)
        held, hold = threading.Barrier(THREADS + 1), threading.Event()

        def enter(**_: Any) -> tuple[Seat, Welcome]:
            held.wait(PATIENCE)
            hold.wait(PATIENCE)
            raise NotFoundError

        served.container.enter_meeting.override(providers.Object(enter))
        strangers = [await served.enters(visit, Side.DOCTOR) for _ in range(THREADS + 1)]
        await asyncio.to_thread(held.wait, PATIENCE)
        try:
            served.signals.close(MeetingId(visit.meeting))
            served.container.complete_visit()(appointment_id=other.appointment.id, doctor=other.doctor)
            for person in (doctor, patient, second):
                while (message := await person.got.get())["type"] != "websocket.close":
                    pass
                assert message["code"] == 4410
        finally:
            hold.set()
            held.abort()
        del strangers
