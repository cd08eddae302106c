"""The people of many visits, in one process of their own: ``python -m integration.meetings_load.people < plan``.

Each comes into the meeting, waits for all, says what browsers say when they call and then a little every second, and
hears the other side. What was heard, and how long it took, is printed as JSON.
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import attrs
import cattrs
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

DESCRIPTION: Final = 4_000
CANDIDATE: Final = 160
"""Characters that browsers write: a description of sound and picture, and one address."""

EVERY: Final = 1.0
HEARD_WITHIN: Final = 30.0
ENTERED_WITHIN: Final = 60.0


@attrs.frozen
class Invited:
    """Somebody who is to come: where, with which token, and whether it is they who call."""

    url: str
    token: str
    calls: bool


@attrs.frozen
class Plan:
    """Who comes, and how many seconds they talk for."""

    invited: Sequence[Invited]
    seconds: int


@attrs.frozen
class Heard:
    """What all have said and heard.

    Attributes:
        calls, candidates: seconds from one side to the other, of each message, by what it was.
        lost, disordered: messages that did not come, and those that came twice or out of their turn.
        closed: connections that ended before their time, by their code.
        entering, talking: how long that took.
    """

    said: int
    calls: Sequence[float]
    candidates: Sequence[float]
    lost: int
    disordered: int
    closed: Mapping[str, int]
    entering: float
    talking: float


@attrs.define(eq=False)
class Person:
    """One side of a visit, connected."""

    socket: ClientConnection
    calls: bool
    present: asyncio.Event = attrs.Factory(asyncio.Event)
    said: int = 0
    took: dict[int, float] = attrs.Factory(dict)
    disordered: int = 0
    closed: str = ""

    async def listen(self) -> None:
        """Until the connection ends."""
        with suppress(ConnectionClosed):
            async for text in self.socket:
                self.hear(json.loads(text), now=time.monotonic())
        self.closed = str(self.socket.close_code)

    def hear(self, message: dict[str, Any], *, now: float) -> None:
        """Who comes and goes, or what the other side has said."""
        if message["type"] != "peer":
            number, at = message["data"]["number"], message["data"]["at"]
            self.disordered += number != len(self.took)
            self.took[number] = now - at
        elif message["present"]:
            self.present.set()

    async def say(self, kind: str, length: int) -> None:
        data = {"number": self.said, "at": time.monotonic(), "text": "a" * length}
        self.said += 1
        await self.socket.send(json.dumps({"type": kind, "data": data}))

    async def talk(self, seconds: int) -> None:
        """A description at some moment of the first second, then an address every second."""
        await asyncio.sleep(random.random() * EVERY)
        with suppress(ConnectionClosed):
            await self.say("offer" if self.calls else "answer", DESCRIPTION)
            for _ in range(int(seconds / EVERY)):
                await asyncio.sleep(EVERY)
                await self.say("candidate", CANDIDATE)


async def entered(invited: Invited) -> tuple[Person, "asyncio.Task[None]"]:
    """Somebody who has come in, and is listening."""
    socket = await connect(invited.url, compression=None, open_timeout=ENTERED_WITHIN, ping_timeout=None)
    await socket.send(json.dumps({"type": "hello", "token": invited.token}))
    person = Person(socket, invited.calls)
    return person, asyncio.create_task(person.listen())


async def met(plan: Plan) -> Heard:
    """What comes of it when all of them meet."""
    began = time.monotonic()
    came = await asyncio.gather(*map(entered, plan.invited))
    people, listening = [one for one, _ in came], [task for _, task in came]
    await asyncio.wait_for(asyncio.gather(*(one.present.wait() for one in people)), ENTERED_WITHIN)
    all_there = time.monotonic()
    await asyncio.gather(*(one.talk(plan.seconds) for one in people))
    talked = time.monotonic()
    said = sum(one.said for one in people)
    while sum(len(one.took) for one in people) < said and time.monotonic() < talked + HEARD_WITHIN:
        await asyncio.sleep(0.05)
    closed = Counter(one.closed for one in people if one.closed)
    await asyncio.gather(*(one.socket.close() for one in people))
    await asyncio.gather(*listening)
    return Heard(
        said=said,
        calls=[one.took[0] for one in people if 0 in one.took],
        candidates=[took for one in people for number, took in one.took.items() if number],
        lost=said - sum(len(one.took) for one in people),
        disordered=sum(one.disordered for one in people),
        closed=closed,
        entering=all_there - began,
        talking=talked - all_there,
    )


def main() -> None:
    plan = cattrs.structure(json.load(sys.stdin), Plan)
    json.dump(attrs.asdict(asyncio.run(met(plan))), sys.stdout)


if __name__ == "__main__":
    main()
