"""Every schedule of a cast of commands, with one fault anywhere: depth first, by running again from the start."""

from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Any, Final

import attrs

from adapters.memory.state import State
from integration.schedules.scenes import Deed, Start, state_of
from integration.schedules.stepping import BEFORE, READS, Fault, Stepped, Told, frozen, stopping
from telemed_core.ports.storage import Stores

Spoil = Callable[[Stores, State], Stores]
"""Puts a bug into the stores: who finds no bug there proves nothing elsewhere."""

Choice = tuple[int, Fault]

KEPT: Final = tuple(field.name for field in attrs.fields(State) if field.name != "lock")


@attrs.frozen
class Explored:
    """How much was looked at: schedules, the runs that it took, and the ends they came to."""

    schedules: int
    runs: int
    ends: int


@attrs.frozen
class End:
    """Where a schedule has led."""

    stores: Stores
    state: State
    told: tuple[Told, ...]


class Run:
    """The commands of one schedule, each waiting before its next call."""

    def __init__(self, start: Start, cast: Sequence[Deed], spoil: Spoil, *, faults: int) -> None:
        self._stores, self._state = start.copied()
        self._before = state_of(start.stores)
        stops = attrs.evolve(self._stores, **stopping(self._stores))
        seen = spoil(stops, self._state)
        self._faults = faults
        self._commands = [Stepped(partial(deed.run, start, seen)) for deed in cast]

    def choices(self) -> list[Choice]:
        """Which command may make its next call, and what may happen to it.

        What fails on a call that reads fails before it: after it all would be the same.
        """
        return [
            (index, fault)
            for index, command in enumerate(self._commands)
            if command.told is None
            for fault in Fault
            if fault is Fault.NONE or (self._faults and (fault in BEFORE or command.next not in READS))
        ]

    def take(self, choice: Choice) -> None:
        """Go on by that one."""
        index, fault = choice
        self._faults -= fault is not Fault.NONE
        self._commands[index].step(fault)

    def where(self) -> Hashable:
        """All that what follows depends on.

        What is kept, how many faults may still come, and of each command what it has been told: it has no clock and
        no chance of its own, so it goes on in the same way. Of one that has ended only its outcome counts, which is
        all that its client sees.
        """
        commands = tuple(
            tuple(command.answers) if command.told is None else frozen(attrs.astuple(command.told, recurse=False))
            for command in self._commands
        )
        ended = tuple(command.told is not None for command in self._commands)
        return _freeze(self._state, self._before), self._faults, ended, commands

    def end(self) -> End:
        return End(self._stores, self._state, tuple(command.told or Told() for command in self._commands))

    def drop(self) -> None:
        for command in self._commands:
            command.drop()


def _freeze(state: State, before: State) -> Hashable:
    """All that is kept, as one value; ``None`` for what is as it was in the beginning."""
    pairs = [(getattr(state, name), getattr(before, name)) for name in KEPT]
    return tuple(None if now == then else frozen(now) for now, then in pairs)


@attrs.define
class _Fork:
    where: Hashable
    choices: list[Choice]
    next: int = 0
    schedules: int = 0

    def passed(self, schedules: int) -> bool:
        """Count what was found behind the present choice, and go to the next one; whether it was the last."""
        self.schedules += schedules
        self.next += 1
        return self.next == len(self.choices)


def explore(
    start: Start,
    cast: Sequence[Deed],
    judge: Callable[[End], Any],
    *,
    faults: int = 1,
    spoil: Spoil = lambda stores, _: stores,
    merging: bool = True,
) -> Explored:
    """Lead every schedule to its end and judge that.

    Two beginnings that come to the same place (``Run.where``) have the same continuations and ends: these are run
    after the first one, and counted after both. Without ``merging`` each is run.
    """
    known: dict[Hashable, int] = {}
    path: list[_Fork] = []
    runs = ends = 0
    while True:
        run = Run(start, cast, spoil, faults=faults)
        runs += 1
        for fork in path:
            run.take(fork.choices[fork.next])
        while True:
            where = run.where() if merging else None
            schedules = known.get(where, 0) if merging else 0
            choices = run.choices()
            if schedules or not choices:
                break
            path.append(_Fork(where, choices))
            run.take(choices[0])
        if not schedules:
            _judged(run, judge, cast, path)
            ends += 1
            schedules = known[where] = 1
        run.drop()
        while path and path[-1].passed(schedules):
            fork = path.pop()
            schedules = known[fork.where] = fork.schedules
        if not path:
            return Explored(schedules, runs, ends)


def _judged(run: Run, judge: Callable[[End], Any], cast: Sequence[Deed], path: Sequence[_Fork]) -> None:
    try:
        judge(run.end())
    except AssertionError as wrong:
        steps = (fork.choices[fork.next] for fork in path)
        wrong.add_note("schedule: " + ", ".join(_shown(cast, *step) for step in steps))
        raise


def _shown(cast: Sequence[Deed], index: int, fault: Fault) -> str:
    return cast[index].name + ("" if fault is Fault.NONE else f" ({fault.name.lower()})")
