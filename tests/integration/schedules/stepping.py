"""Commands that stop before each call of a port, and go on when they are told to, with or without a fault."""

from collections.abc import Callable, Hashable, Mapping
from enum import Enum, auto
from typing import Any, Final, cast

import attrs
from greenlet import GreenletExit, getcurrent, greenlet

from telemed_core.domain.appointment import Appointment
from telemed_core.domain.receipts import ReplayedCommand
from telemed_core.errors import TelemedError, UnavailableError
from telemed_core.ports.storage import Stores

PORTS: Final = ("appointments", "schedules", "receipts", "meetings", "signals", "ratings")
"""What the commands use; everything else is not touched by them."""


class Fault(Enum):
    """What happens to one call of a port."""

    NONE = auto()
    ERROR_BEFORE = auto()
    ERROR_AFTER = auto()
    CRASH_BEFORE = auto()
    CRASH_AFTER = auto()


BEFORE: Final = frozenset({Fault.ERROR_BEFORE, Fault.CRASH_BEFORE})

READS: Final = frozenset({"get", "many", "list", "due", "busy", "of", "find", "is_closed"})
"""The calls that change nothing."""


class Crash(BaseException):
    """The process is gone; no handler of errors sees it."""


@attrs.frozen
class Told:
    """What a command came to: an answer, the code of a refusal, or nothing at all, since its process is gone."""

    answer: Any = None
    code: str | None = None
    crashed: bool = False

    @property
    def unknown(self) -> bool:
        """Whether its client cannot know what has happened."""
        return self.crashed or self.code == UnavailableError.code

    @property
    def succeeded(self) -> bool:
        return not self.crashed and self.code is None


def told(command: Callable[[], Any]) -> Told:
    """Run it; a repeat that is answered from its receipt has succeeded."""
    try:
        return Told(command())
    except ReplayedCommand as replayed:
        return Told(replayed.receipt)
    except TelemedError as refused:
        return Told(code=refused.code)
    except Crash:
        return Told(crashed=True)


class Stepped:
    """One command under way, waiting before its next call.

    Attributes:
        answers: what its calls have answered so far: with the command itself all that its next step follows from.
        next: the method that it is about to call.
        told: what it came to; ``None``: it goes on.
    """

    def __init__(self, command: Callable[[], Any]) -> None:
        self.answers: list[Hashable] = []
        self.next = ""
        self.told: Told | None = None
        self._greenlet = greenlet(lambda: told(command))
        self._go(())

    def step(self, fault: Fault) -> None:
        """Let it make the call it waits before, and go on to the next one."""
        self._go(((fault, self.answers),))

    def _go(self, word: tuple[Any, ...]) -> None:
        outcome = self._greenlet.switch(*word)
        if self._greenlet.dead:
            self.told = outcome
        else:
            self.next = outcome

    def drop(self) -> None:
        """Give it up where it stands."""
        if not self._greenlet.dead:
            self._greenlet.throw(GreenletExit)


@attrs.frozen
class Stopping:
    """A port that hands over to who steps before each call; outside of a stepped command it is the port itself."""

    _real: Any

    def __getattr__(self, method: str) -> Callable[..., Any]:
        real = getattr(self._real, method)

        def call(*arguments: Any, **named: Any) -> Any:
            stepper = getcurrent().parent
            if stepper is None:
                return real(*arguments, **named)
            fault, answers = stepper.switch(method)
            return _called(lambda: real(*arguments, **named), fault, answers)

        return call


def stopping(stores: Stores) -> Mapping[str, Any]:
    """The ports of these stores that stop."""
    return {name: Stopping(getattr(stores, name)) for name in PORTS}


def _called(real: Callable[[], Any], fault: Fault, answers: list[Hashable]) -> Any:
    if fault is Fault.CRASH_BEFORE:
        raise Crash
    if fault is Fault.ERROR_BEFORE:
        answers.append(UnavailableError.code)
        raise UnavailableError
    try:
        answer = real()
    except (TelemedError, ReplayedCommand) as refused:
        if fault is Fault.NONE:
            answers.append((type(refused), frozen(refused.__dict__)))
            raise
        answer = refused
    if fault is Fault.CRASH_AFTER:
        raise Crash
    if fault is Fault.ERROR_AFTER:
        answers.append(UnavailableError.code)
        raise UnavailableError
    answers.append(frozen(answer))
    return answer


def frozen(value: Any) -> Hashable:
    """The value as one that can be compared and kept, whatever it is made of."""
    match value:
        case dict():
            return frozenset((key, frozen(one)) for key, one in value.items())
        case list() | tuple():
            return tuple(frozen(one) for one in value)
        case set() | frozenset():
            return frozenset(frozen(one) for one in value)
        case Appointment():
            return value
        case _ if type(value).__hash__ is None:
            return frozen(attrs.asdict(value, recurse=False))
        case _:
            return cast(Hashable, value)
