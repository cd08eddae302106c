"""Bugs to be found: each is one that somebody once wrote in earnest."""

from collections.abc import Callable
from typing import Any, Final

import attrs

from adapters.memory.appointments import MemoryAppointments
from adapters.memory.state import State
from telemed_core.domain.appointment import Appointment
from telemed_core.domain.commit import Command, Commit
from telemed_core.errors import UnavailableError
from telemed_core.ports.storage import Stores

Apply = Callable[[Stores, State, Commit, Command], Appointment]


@attrs.frozen
class _Broken:
    """Appointments with another ``apply``."""

    _stores: Stores
    _state: State
    _apply: Apply

    def apply(self, commit: Commit, /, *, command: Command) -> Appointment:
        return self._apply(self._stores, self._state, commit, command)

    def __getattr__(self, method: str) -> Any:
        return getattr(self._stores.appointments, method)


@attrs.frozen
class _Forgetful:
    def find(self, *_: object, **__: object) -> None:
        return None


def _a_moment_passes(stores: Stores) -> None:
    """Others may act here, and any fault may happen."""
    stores.appointments.many(())


def _checked_then_written(stores: Stores, state: State, commit: Commit, command: Command) -> Appointment:
    memory = MemoryAppointments(state)
    _a_moment_passes(stores)
    state.check_receipt(command)
    memory._check_guards(commit)
    memory._check_claims(commit)
    _a_moment_passes(stores)
    memory._write(commit, command)
    return commit.after


def _written_twice(stores: Stores, state: State, commit: Commit, command: Command) -> Appointment:
    left = stores.appointments.apply(attrs.evolve(commit, sagas=()), command=command)
    _a_moment_passes(stores)
    for saga in commit.sagas:
        state.start(saga, at=command.at)
    return left


def _guessed(stores: Stores, _: State, commit: Commit, command: Command) -> Appointment:
    try:
        return stores.appointments.apply(commit, command=command)
    except UnavailableError:
        return commit.after


def _without_key(stores: Stores, _: State, commit: Commit, command: Command) -> Appointment:
    return stores.appointments.apply(commit, command=attrs.evolve(command, idempotency=None))


def _without_rev(stores: Stores, state: State, commit: Commit, command: Command) -> Appointment:
    _a_moment_passes(stores)
    *others, own = commit.appointments
    latest = own.before and state.appointments[own.before.id]
    whole = attrs.evolve(commit, appointments=(*others, attrs.evolve(own, before=latest)))
    return MemoryAppointments(state).apply(whole, command=command)


def _with(apply: Apply, **others: Any) -> Callable[[Stores, State], Stores]:
    return lambda stores, state: attrs.evolve(stores, appointments=_Broken(stores, state, apply), **others)


BUGS: Final = {
    "what is free is looked up first, and taken after": _with(_checked_then_written),
    "the saga is recorded by a second write": _with(_written_twice),
    "a lost answer is taken for success": _with(_guessed),
    "keys are not remembered": _with(_without_key, receipts=_Forgetful()),
    "the last writer wins": _with(_without_rev),
}
