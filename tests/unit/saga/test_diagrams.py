"""Diagrams: exact for one of each shape, and of every saga complete."""

import re

import pytest

from telemed_core.saga.definition import Kind, Saga
from telemed_core.saga.diagrams import mermaid
from telemed_core.saga.sagas import REGISTRY, SAGAS
from unit.saga.stage import TRIP, a_step

DRAWN = """\
stateDiagram-v2
    flight : flight (compensatable)
    weather : weather (compensatable)
    hotel : hotel (compensatable)
    pay : pay (pivot)
    ticket : ticket (retriable)
    mail : mail (retriable)
    [*] --> flight
    flight --> weather
    flight --> undo_flight : given up
    weather --> hotel
    weather --> undo_flight : given up
    hotel --> pay
    hotel --> undo_hotel : given up
    pay --> ticket
    state pay_is <<choice>>
    pay --> resolve_pay : refused or unknown
    resolve_pay --> pay_is
    pay_is --> ticket : committed
    pay_is --> undo_hotel : aborted
    ticket --> mail
    mail --> completed
    completed --> [*]
    undo_flight --> compensated
    undo_hotel --> undo_flight
    compensated --> [*]
"""

REQUEST = """\
stateDiagram-v2
    take_slot : take_slot (pivot, in the commit that starts the saga)
    notify : notify (retriable)
    [*] --> take_slot
    take_slot --> notify
    notify --> completed
    completed --> [*]
"""


def test_a_saga_of_all_kinds_is_drawn_with_its_way_back_and_its_choice() -> None:
    assert mermaid(TRIP) == DRAWN


def test_what_its_commit_has_done_is_neither_resolved_nor_undone() -> None:
    request = REGISTRY.latest("request")
    assert request is not None
    assert mermaid(request) == REQUEST


def test_what_only_reads_goes_back_to_compensated() -> None:
    saga = Saga("s", 1, (a_step("look", Kind.COMPENSATABLE), a_step("go", Kind.PIVOT)))
    drawn = mermaid(saga)
    assert "    look --> compensated : given up\n" in drawn
    assert "    go_is --> compensated : aborted\n" in drawn


@pytest.mark.parametrize("saga", SAGAS, ids=lambda saga: saga.name)
def test_every_state_but_the_last_leads_on(saga: Saga) -> None:
    arrows = re.findall(r"^    (\S+) --> (\S+)", mermaid(saga), re.MULTILINE)
    sources, targets = {one for one, _ in arrows}, {one for _, one in arrows}
    assert sources == targets
    assert {step.name for step in saga.steps} <= sources
