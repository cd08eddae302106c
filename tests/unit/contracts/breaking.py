"""Stores in memory that break a rule, and the tests of a contract, run on them one by one."""

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from functools import partial
from inspect import signature
from itertools import cycle, product
from time import sleep
from typing import Any

import attrs
import pytest

from adapters.memory import open_memory, open_memory_rooms
from adapters.memory.state import State
from adapters.webrtc import open_webrtc
from telemed_core.testing.wiring import a_clinic

Test = Callable[..., None]
"""A test of a contract."""


@attrs.frozen
class Broken:
    """Whose part is broken, which part, and what is in its place."""

    owner: Any
    name: str
    careless: Any


Table = Mapping[Test, Mapping[str, Broken]]
"""By each test of a contract what it must notice."""

PARTS = [field.name for field in attrs.fields(State) if field.name != "lock"]


def without(method: Callable[..., Any], *names: str, **others: Any) -> Callable[..., Any]:
    """The method, not told these arguments, or told something else."""

    def careless(*arguments: Any, **named: Any) -> Any:
        return method(*arguments, **{name: value for name, value in named.items() if name not in names}, **others)

    return careless


def undone(method: Callable[..., Any]) -> Callable[..., Any]:
    """The method, which answers as ever and keeps nothing."""

    def careless(port: Any, *arguments: Any, **named: Any) -> Any:
        state = port._state
        copies = {name: deepcopy(getattr(state, name)) for name in PARTS}
        answer = method(port, *arguments, **named)
        for name, copy in copies.items():
            setattr(state, name, copy)
        return answer

    return careless


def torn(method: Callable[..., Any]) -> Callable[..., Any]:
    """The method, which reads first and writes later: what others have written meanwhile is gone."""
    waits = cycle((0.001, 0.004))

    def careless(port: Any, *arguments: Any, **named: Any) -> Any:
        state = port._state
        with state.lock:
            copy = State(**{name: deepcopy(getattr(state, name)) for name in PARTS})
        try:
            return method(type(port)(copy), *arguments, **named)
        finally:
            sleep(next(waits))
            with state.lock:
                for name in PARTS:
                    setattr(state, name, getattr(copy, name))

    return careless


def runs(contract: type) -> Iterator[Callable[[], None]]:
    """Each test of the contract with each of its parameters, on a memory of its own."""
    for test in all_tests(contract):
        yield from runs_of(test)


def part(owner: Any, name: str) -> Callable[[Any], Broken]:
    """What breaks that part."""
    return lambda careless: Broken(owner, name, careless)


def each(table: Table) -> list[Any]:
    """Each thing that is broken, with the test that must notice it."""
    return [pytest.param(test, broken, id=name) for test, many in table.items() for name, broken in many.items()]


def all_tests(*contracts: type) -> list[Test]:
    """The tests of these contracts."""
    return [getattr(one, name) for one in contracts for name in dir(one) if name.startswith("test_")]


def name_of(test: Test) -> str:
    return test.__name__


def runs_of(test: Test) -> Iterator[Callable[[], None]]:
    """A test of a contract, with each of its parameters."""
    for parameters in parameters_of(test):
        # A contract keeps nothing: its tests do not look at what they are a method of.
        yield partial(run, partial(test, None), parameters)


def parameters_of(test: Test) -> Iterator[dict[str, Any]]:
    marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
    for chosen in product(*(mark.args[1] for mark in marks)):
        parameters: dict[str, Any] = {}
        for mark, values in zip(marks, chosen, strict=True):
            names = [mark.args[0]] if isinstance(mark.args[0], str) else mark.args[0]
            parameters.update(zip(names, [values] if len(names) == 1 else values, strict=True))
        yield parameters


def run(test: Test, parameters: dict[str, Any]) -> None:
    stores = open_memory()
    clinic = a_clinic(stores)
    video = open_webrtc(keys=[b"k" * 32], ice_servers=(), signals=stores.signals)
    fixtures: dict[str, Callable[[], Any]] = {
        "stores": lambda: stores,
        "clinic": lambda: clinic,
        "clock": lambda: clinic.clock,
        "doctor": clinic.doctor,
        "patient": clinic.patient,
        # The rooms in memory let nobody in with a token.
        "rooms": lambda: video if "tokens" in names else open_memory_rooms(),
        "tokens": lambda: video,
    }
    names = signature(test).parameters
    asked = [name for name in names if name not in parameters]
    test(**parameters, **{name: fixtures[name]() for name in asked})


def fails(test: Callable[[], None]) -> bool:
    try:
        test()
    except (Exception, pytest.fail.Exception):
        return True
    return False
