"""What passes on what is said in the meetings of this process, and who comes and goes in them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final, TypeVar

from anyio import CapacityLimiter, to_thread
from starlette.websockets import WebSocket

from entrypoints.container import Container
from entrypoints.http.signalling.connection import Close, Connection, Ended, Limits
from entrypoints.http.signalling.member import Member
from entrypoints.logs import log_bug, log_failure
from telemed_core.domain.ids import ConnectionId, MeetingId
from telemed_core.domain.signals import Seat, Signal, Welcome
from telemed_core.errors import (
    JoinWindowClosedError,
    NotFoundError,
    SeatLostError,
    UnauthenticatedError,
    UnavailableError,
)
from telemed_core.messages.signalling import peer_text, signal_text

READ_EVERY: Final = 0.3
"""Seconds that messages of other processes wait; those of this one are passed on at once."""

CHECK_EVERY: Final = 1.0
THREADS: Final = 4
"""Signalling has threads of its own: it never keeps requests waiting, nor they it."""

PATIENCE: Final = 2.0
"""How long connections may hold up the end."""

T = TypeVar("T")


class Hub:
    """The meetings of one process; the sides of one visit may be connected to two of them.

    Args:
        container: the parts of this process.
        every: seconds between two looks for what other processes have brought in.
        check_every: seconds between two looks whether the visits go on.
    """

    def __init__(
        self,
        container: Container,
        *,
        every: float = READ_EVERY,
        check_every: float = CHECK_EVERY,
        limits: Limits = Limits(),  # noqa: B008 # it is frozen
    ) -> None:
        self._container = container
        self._limits = limits
        self._every, self._check_every = every, check_every
        self._threads, self._apart = CapacityLimiter(THREADS), CapacityLimiter(2)
        self._news = asyncio.Event()
        self._members: dict[ConnectionId, Member] = {}
        self._unleft: set[Seat] = set()
        self._running: set[asyncio.Task[None]] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._taken_over = self._stopping = False

    def start(self) -> None:
        """Begin to look after the meetings."""
        self._tasks = [
            asyncio.create_task(self._again(self._pass_on, self._until_news)),
            asyncio.create_task(self._again(self._check, partial(asyncio.sleep, self._check_every))),
        ]

    async def stop(self) -> None:
        """Close all connections and leave all seats, so that the other sides hear of it at once."""
        self._stopping = True
        for member in self._members.values():
            member.connection.end(Close.TRY_AGAIN)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._running:
            await asyncio.wait(self._running, timeout=PATIENCE)
        try:
            await self._aside(partial(self._container.signals().free, [self._container.owner()]))
        except UnavailableError as error:
            # They are free when the next process starts on this host.
            log_failure(f"signalling: {error.code}")

    async def meet(self, websocket: WebSocket) -> None:
        """One connection, from its beginning to its end."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 # a server calls it in one
        self._running.add(task)
        try:
            await websocket.accept()
            connection = Connection(websocket, self._limits)
            try:
                await self._attend(connection, websocket.path_params["id"])
            except Ended as ended:
                if ended.code is not None:
                    await connection.close(ended.code)
        finally:
            self._running.discard(task)

    async def _attend(self, connection: Connection, meeting_id: str) -> None:
        seat, welcome = await self._enter(meeting_id, await connection.hello())
        member = Member(seat, connection, welcome.seq)
        try:
            if self._stopping:
                raise Ended(Close.TRY_AGAIN)
            self._members[seat.connection] = member
            connection.tell(peer_text(present=welcome.present))
            for signal in welcome.waiting:
                connection.tell(signal_text(signal))
            self._news.set()
            await connection.run(self._listen(member))
        finally:
            self._members.pop(seat.connection, None)
            # The client hears why it is closed without waiting for that.
            leaving = asyncio.create_task(self._leave(seat))
            self._running.add(leaving)
            leaving.add_done_callback(self._running.discard)

    async def _enter(self, meeting_id: str, token: str) -> tuple[Seat, Welcome]:
        def enter() -> tuple[Seat, Welcome]:
            return self._container.enter_meeting()(meeting_id=meeting_id, token=token)

        try:
            return await self._in_threads(enter)
        except UnauthenticatedError:
            code = Close.NO_TOKEN
        except NotFoundError:
            code = Close.OTHER_MEETING
        except (JoinWindowClosedError, SeatLostError):
            code = Close.OVER
        except UnavailableError:
            code = Close.TRY_AGAIN
        raise Ended(code)

    async def _listen(self, member: Member) -> None:
        while True:
            kind, data = await member.connection.message()
            member.said += 1
            try:
                await self._in_threads(
                    partial(self._container.signals().append, member.seat, number=member.said, kind=kind, data=data)
                )
            except SeatLostError:
                raise Ended(await self._why_lost(member.seat)) from None
            except UnavailableError:
                raise Ended(Close.TRY_AGAIN) from None
            self._news.set()

    async def _why_lost(self, seat: Seat) -> Close:
        try:
            over = await self._in_threads(partial(self._container.find_closed(), [seat]))
        except UnavailableError:
            return Close.TRY_AGAIN
        return Close.OVER if over else Close.REPLACED

    async def _leave(self, seat: Seat) -> None:
        """Give the seat up, now or as soon as the store answers; at the end all are left together."""
        if self._stopping:
            return
        self._unleft.add(seat)
        try:
            await self._in_threads(partial(self._container.signals().leave, seat))
        except Exception as error:  # every one is told, and it is tried again
            _tell(error)
        else:
            self._unleft.discard(seat)
            self._news.set()

    async def _until_news(self) -> None:
        try:
            async with asyncio.timeout(self._every):
                await self._news.wait()
        except TimeoutError:
            return

    async def _pass_on(self) -> None:
        """Tell everybody what is new, by one read."""
        # Before anything is read: what is said from here on wakes it again.
        self._news.clear()
        # Who comes meanwhile may have to read from further back than these.
        members = [*self._members.values()]
        after: dict[MeetingId, int] = {}
        for member in members:
            after[member.seat.meeting_id] = min(member.seq, after.get(member.seat.meeting_id, member.seq))
        if not after:
            return
        found: Mapping[MeetingId, Sequence[Signal]] = await self._aside(partial(self._container.signals().read, after))
        for member in members:
            for signal in found.get(member.seat.meeting_id, ()):
                member.hear(signal)

    async def _check(self) -> None:
        """Close what is over, and give up what could not be given up before."""
        if not self._taken_over:
            await self._aside(self._container.take_over_seats())
            self._taken_over = True
        for seat in [*self._unleft]:
            await self._aside(partial(self._container.signals().leave, seat))
            self._unleft.discard(seat)
        seats = [member.seat for member in self._members.values()]
        over = await self._aside(partial(self._container.find_closed(), seats)) if seats else ()
        for seat in over:
            if member := self._members.get(seat.connection):
                member.connection.end(Close.OVER)

    async def _again(self, act: Callable[[], Awaitable[None]], pause: Callable[[], Awaitable[None]]) -> None:
        """Do it again and again, whatever comes of it; of failures in a row the first is told."""
        failing = False
        while True:
            try:
                await act()
                failing = False
            except Exception as error:  # every one is told, and the next time it may be well
                if not failing:
                    _tell(error)
                failing = True
            await pause()

    async def _in_threads(self, act: Callable[[], T]) -> T:
        return await to_thread.run_sync(act, limiter=self._threads)

    async def _aside(self, act: Callable[[], T]) -> T:
        """In a thread that no client keeps busy."""
        return await to_thread.run_sync(act, limiter=self._apart)


def _tell(error: Exception) -> None:
    if isinstance(error, UnavailableError):
        log_failure(f"signalling: {error.code}")
    else:
        log_bug(error)
