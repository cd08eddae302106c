"""Faults on demand: any port, made to fail before a call, after its effect, or to be called twice."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar, cast

import attrs

P = TypeVar("P")


@attrs.frozen
class Before:
    """The call fails and has no effect."""

    error: Exception


@attrs.frozen
class After:
    """The call has its effect, and its answer is lost."""

    error: Exception


@attrs.frozen
class Twice:
    """The call is delivered twice; the second answer counts."""


@attrs.frozen
class Fine:
    """Nothing happens to this call."""


Fault = Before | After | Twice | Fine


@attrs.define
class Faulty(Generic[P]):
    """A port behind which ``plan`` says, by method, what happens to its first, second, … call; later ones are fine.

    ``port`` stands in for the real one; ``calls`` lists the methods called.
    """

    _real: P
    _plan: Mapping[str, Sequence[Fault]] = attrs.field(alias="plan")
    calls: list[str] = attrs.field(factory=list[str], init=False)
    _left: dict[str, Iterator[Fault]] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._left = {method: iter(faults) for method, faults in self._plan.items()}

    @property
    def port(self) -> P:
        """The port with its faults."""
        return cast(P, _Proxy(self))

    def call(self, method: str, real: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """One call, with what the plan has for it."""
        self.calls.append(method)
        match next(self._left.get(method, iter(())), Fine()):
            case Before(error):
                raise error
            case After(error):
                real(*arguments, **named)
                raise error
            case Twice():
                real(*arguments, **named)
        return real(*arguments, **named)


@attrs.frozen
class _Proxy:
    _faulty: Faulty[Any]

    def __getattr__(self, method: str) -> Callable[..., Any]:
        real = getattr(self._faulty._real, method)
        return lambda *arguments, **named: self._faulty.call(method, real, *arguments, **named)
