"""The sagas that are simulated: every shape there is, none of which does anything but leave effects."""

from datetime import timedelta
from typing import Final

import attrs

from telemed_core.saga.definition import Kind, Retry, Saga, Step
from telemed_core.saga.sagas import Registry

TRIES: Final = Retry(attempts=2, first=timedelta(milliseconds=200), most=timedelta(seconds=5))
"""How often what may be given up is tried."""

PATIENT: Final = Retry(attempts=1000, first=timedelta(milliseconds=200), most=timedelta(seconds=20))
"""For what must be done: no storm lasts so long that an operator would be asked."""

IMPATIENT: Final = Retry(attempts=3, first=timedelta(milliseconds=200), most=timedelta(seconds=20))
"""For what must be done, with a budget that is soon spent."""


def _may_be_undone(name: str, *, local: bool = False, reads: bool = False) -> Step:
    undo = None if reads else f"{name}.undo"
    return Step(name=name, kind=Kind.COMPENSATABLE, do=f"{name}.do", undo=undo, retry=TRIES, local=local)


def _decides(name: str, *, local: bool = False) -> Step:
    return Step(name=name, kind=Kind.PIVOT, do=f"{name}.do", resolve=f"{name}.resolve", retry=TRIES, local=local)


def _must_be_done(name: str, *, local: bool = False) -> Step:
    return Step(name=name, kind=Kind.RETRIABLE, do=f"{name}.do", local=local)


SLOT: Final = "slot"
"""The step that wants what another saga may have."""

PUBLISH: Final = "publish"
"""The step that publishes what has become of its subject, and moves the mark."""

BOOK: Final = (
    _may_be_undone(SLOT),
    _may_be_undone("appointment"),
    _may_be_undone("meeting"),
    _decides("confirm"),
    _must_be_done("notify"),
    _must_be_done("record", local=True),
)
REGISTER: Final = (
    _may_be_undone("logins", local=True),
    _may_be_undone("identity"),
    _decides("profile", local=True),
)
UPLOAD: Final = (_may_be_undone("scan", reads=True), _may_be_undone("object"), _decides("catalogue"))
CARRY_ON: Final = (_decides("decide", local=True), _must_be_done("cards"), _must_be_done(PUBLISH, local=True))
REMIND: Final = (_must_be_done("remind"),)


def _saga(name: str, steps: tuple[Step, ...], budget: Retry, *, begun: int = 0) -> Saga:
    """With that budget for all that must be done."""
    patient = (
        attrs.evolve(step, undo_retry=budget, retry=budget if step.kind is Kind.RETRIABLE else step.retry)
        for step in steps
    )
    return Saga(name, 1, tuple(patient), begun=begun)


def registry(budget: Retry) -> Registry:
    """All of them, with that budget."""
    return Registry.of(
        (
            _saga("book", BOOK, budget),
            _saga("register", REGISTER, budget, begun=1),
            _saga("upload", UPLOAD, budget),
            _saga("carry_on", CARRY_ON, budget, begun=1),
            _saga("remind", REMIND, budget),
        )
    )
