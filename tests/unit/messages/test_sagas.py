"""Sagas in views: step by step, wherever they stand, and what operators did and why."""

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from telemed_core.domain.ids import Id, SagaId
from telemed_core.domain.instants import EPOCH
from telemed_core.domain.sagas import Intervention, Phase, Progress, SagaRow, Verb
from telemed_core.domain.texts import TextKey
from telemed_core.errors import InvalidError
from telemed_core.messages.parsing import parse, parse_query
from telemed_core.messages.sagas import OperatorsReason, SagasQuery, saga_view

AT = datetime(2026, 6, 1, 12, 0, 0, 700_000, tzinfo=UTC)
STEPS = (("reserve", "compensatable"), ("create", "compensatable"), ("decide", "pivot"), ("notify", "retriable"))
ROW = SagaRow(
    id=SagaId("a1.2"),
    name="accept",
    subject=Id("a1"),
    version=3,
    digest="d",
    progress=Progress(step=1, attempt=2, error="timeout"),
    seq=4,
    owner="host:7:1",
    lease_until=AT,
    started_at=AT,
    changed_at=AT + timedelta(seconds=9),
)


def body(row: SagaRow = ROW, **more: Any) -> dict[str, Any]:
    return saga_view(row, **more).model_dump(mode="json")


def states(**progress: Any) -> list[str]:
    row = attrs.evolve(ROW, progress=Progress(**progress))
    return [step["state"] for step in body(row, steps=STEPS)["steps"]]


def test_a_saga_has_every_field_of_the_contract() -> None:
    assert body() == {
        "id": "a1.2",
        "name": "accept",
        "version": 3,
        "subject": "a1",
        "phase": "forward",
        "error": "timeout",
        "attempt": 2,
        "due_at": "2026-06-01T12:00:09Z",
        "owner": "host:7:1",
        "started_at": "2026-06-01T12:00:00Z",
        "changed_at": "2026-06-01T12:00:09Z",
        "steps": None,
        "interventions": None,
    }


def test_what_is_due_says_since_when_and_what_is_not_says_nothing() -> None:
    later = AT + timedelta(hours=1)
    assert ROW.due_at == EPOCH
    assert body(attrs.evolve(ROW, due_at=later))["due_at"] == "2026-06-01T13:00:00Z"
    assert body(attrs.evolve(ROW, due_at=None))["due_at"] is None


@pytest.mark.parametrize(
    ("progress", "expected"),
    [
        ({"step": 0}, ["current", "waiting", "waiting", "waiting"]),
        ({"step": 1}, ["done", "current", "waiting", "waiting"]),
        ({"step": 2, "phase": Phase.RESOLVING}, ["done", "done", "current", "waiting"]),
        ({"step": 1, "phase": Phase.COMPENSATING}, ["done", "undoing", "undone", "undone"]),
        ({"step": -1, "phase": Phase.COMPENSATED}, ["undone"] * 4),
        ({"step": 4, "phase": Phase.COMPLETED}, ["done"] * 4),
        ({"step": 3, "phase": Phase.QUARANTINED, "stuck_in": Phase.FORWARD}, ["done", "done", "done", "current"]),
        (
            {"step": 0, "phase": Phase.QUARANTINED, "stuck_in": Phase.COMPENSATING},
            ["undoing", "undone", "undone", "undone"],
        ),
    ],
)
def test_each_step_says_how_it_stands(progress: dict[str, Any], expected: list[str]) -> None:
    assert states(**progress) == expected


def test_steps_have_their_names_and_kinds() -> None:
    assert [(step["name"], step["kind"]) for step in body(steps=STEPS)["steps"]] == [*STEPS]


def test_what_operators_did_is_shown_with_its_reason() -> None:
    done = [
        Intervention(saga_id=SagaId("a1.2"), seq=seq, at=AT, by="root", verb=verb)
        for seq, verb in ((3, Verb.RETRY), (4, Verb.RESOLVE))
    ]
    shown = body(interventions=done, reasons={TextKey(SagaId("a1.2"), 3): "the mail server is back"})
    assert shown["interventions"] == [
        {"at": "2026-06-01T12:00:00Z", "verb": "retry", "by": "root", "reason": "the mail server is back"},
        {"at": "2026-06-01T12:00:00Z", "verb": "resolve", "by": "root", "reason": None},
    ]


def test_sagas_are_asked_for_by_name_phase_and_subject() -> None:
    query = parse_query(
        SagasQuery, [("name", "accept"), ("phase", "forward"), ("phase", "quarantined"), ("subject", "a1")]
    )
    assert (query.name, query.phase, query.subject) == ("accept", (Phase.FORWARD, Phase.QUARANTINED), "a1")
    for name in ("name", "phase", "subject"):
        with pytest.raises(InvalidError, match=rf"^{name}\b"):
            parse_query(SagasQuery, [(name, "not one")])


@pytest.mark.parametrize("reason", ["ab", "x" * 501, "a\0b", None, 7])
def test_an_operator_says_why(reason: object) -> None:
    assert parse(OperatorsReason, {"reason": " why "}).reason == "why"
    with pytest.raises(InvalidError, match=r"^reason: "):
        parse(OperatorsReason, {"reason": reason})
