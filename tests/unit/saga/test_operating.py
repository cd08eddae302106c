"""What administrators see of sagas, and can do with those that are quarantined."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from adapters.memory import open_memory
from adapters.memory.sagas import MemorySagaLog
from telemed_core.domain.ids import Id, SagaId
from telemed_core.domain.instants import EPOCH
from telemed_core.domain.sagas import Intervention, Phase, Progress, SagaRow, Verb
from telemed_core.domain.texts import TextKey
from telemed_core.errors import FencedError, ForbiddenError, InvalidError, InvalidTransitionError, NotFoundError
from telemed_core.saga.deciding import quarantined
from telemed_core.saga.operating import CompensateSaga, ResolveSaga, RetrySaga
from telemed_core.saga.sagas import Registry
from telemed_core.testing.builders import MONDAY, a_doctor, a_patient, an_administrator
from telemed_core.testing.faults import Before, Faulty
from telemed_core.testing.wiring import Clinic, a_clinic
from unit.saga.stage import HOUR, ID, TRIP, a_row, at

ROOT = an_administrator()
STUCK = quarantined(at("hotel", attempt=2, error="BugError"))
VERBS = ("retry_saga", "compensate_saga", "resolve_saga")


@pytest.fixture
def clinic() -> Clinic:
    return attrs.evolve(a_clinic(open_memory()), registry=Registry.of([TRIP]))


def keep(clinic: Clinic, progress: Progress = STUCK, **facts: Any) -> SagaRow:
    row = a_row(progress=progress, **{"due_at": None, "seq": 7, "fence": 2, "claims": 3, **facts})
    assert isinstance(clinic.log, MemorySagaLog)
    clinic.log._state.keep(row)
    return row


def test_nobody_but_administrators_sees_or_moves_sagas(clinic: Clinic) -> None:
    before = keep(clinic)
    for actor in (a_doctor(), a_patient()):
        with pytest.raises(ForbiddenError):
            clinic.list_sagas(actor=actor)
        with pytest.raises(ForbiddenError):
            clinic.show_saga(saga_id=ID, actor=actor)
        for verb in VERBS:
            with pytest.raises(ForbiddenError):
                getattr(clinic, verb)(saga_id=ID, reason="because", actor=actor)
    assert clinic.log.get(ID) == (before, ())


@pytest.mark.parametrize("verb", VERBS)
def test_what_is_not_there_is_not_found(clinic: Clinic, verb: str) -> None:
    with pytest.raises(NotFoundError):
        getattr(clinic, verb)(saga_id=ID, reason="because", actor=ROOT)
    with pytest.raises(NotFoundError):
        clinic.show_saga(saga_id=ID, actor=ROOT)


@pytest.mark.parametrize(
    ("verb", "stuck", "goes"),
    [
        ("retry_saga", STUCK, at("hotel", error="BugError")),
        ("retry_saga", quarantined(at("pay", Phase.RESOLVING)), at("pay", Phase.RESOLVING)),
        ("compensate_saga", STUCK, at("hotel", Phase.COMPENSATING, error="BugError")),
        ("resolve_saga", STUCK, at("pay")),
        ("resolve_saga", quarantined(at("pay", Phase.RESOLVING)), at("ticket")),
        ("resolve_saga", quarantined(at("hotel", Phase.COMPENSATING)), at("flight", Phase.COMPENSATING)),
    ],
)
def test_a_quarantined_saga_is_moved_on_and_due_at_once(
    clinic: Clinic, verb: str, stuck: Progress, goes: Progress
) -> None:
    keep(clinic, stuck)
    clinic.pause(HOUR)
    row = getattr(clinic, verb)(saga_id=ID, reason=" the hotel answers again ", actor=ROOT)
    assert (row.progress, row.due_at, row.owner, row.claims) == (goes, EPOCH, None, 0)
    assert (row.seq, row.fence, row.changed_at) == (8, 3, MONDAY + HOUR)
    assert clinic.log.get(ID)[0] == row
    assert [one.id for one in clinic.log.claim("here", now=MONDAY + HOUR, limit=9)] == [ID]


def test_the_last_step_resolved_by_hand_ends_it(clinic: Clinic) -> None:
    keep(clinic, quarantined(at("mail")))
    row = clinic.resolve_saga(saga_id=ID, reason="sent by hand", actor=ROOT)
    assert (row.progress, row.due_at) == (at(6, Phase.COMPLETED), None)


@pytest.mark.parametrize(
    ("progress", "verbs"),
    [
        (at("hotel"), VERBS),
        (at("hotel", Phase.COMPENSATING), VERBS),
        (at(6, Phase.COMPLETED), VERBS),
        (at(-1, Phase.COMPENSATED), VERBS),
        (quarantined(at("pay")), ("compensate_saga",)),
        (quarantined(at("pay", Phase.RESOLVING)), ("compensate_saga",)),
        (quarantined(at("ticket")), ("compensate_saga",)),
        (quarantined(at(6)), ("compensate_saga", "resolve_saga")),
    ],
)
def test_what_cannot_be_moved_like_this_stays(clinic: Clinic, progress: Progress, verbs: tuple[str, ...]) -> None:
    before = keep(clinic, progress)
    for verb in verbs:
        with pytest.raises(InvalidTransitionError):
            getattr(clinic, verb)(saga_id=ID, reason="because", actor=ROOT)
    assert clinic.log.get(ID) == (before, ())
    assert clinic.stores.texts.read({TextKey(ID, 8)}) == {}


@pytest.mark.parametrize("verb", VERBS)
def test_what_is_not_known_here_waits_for_a_release_that_knows_it(clinic: Clinic, verb: str) -> None:
    keep(clinic, digest="0" * 12)
    with pytest.raises(InvalidTransitionError):
        getattr(clinic, verb)(saga_id=ID, reason="because", actor=ROOT)
    assert clinic.show_saga(saga_id=ID, actor=ROOT).saga is None


@pytest.mark.parametrize("why", ["", "  no  ", "x" * 501, "a\x00b"])
def test_a_reason_has_three_to_five_hundred_characters(clinic: Clinic, why: str) -> None:
    before = keep(clinic)
    with pytest.raises(InvalidError) as refused:
        clinic.retry_saga(saga_id=ID, reason=why, actor=ROOT)
    assert refused.value.fields[0].field == "reason"
    assert clinic.log.get(ID) == (before, ())


@pytest.mark.parametrize("verb", [RetrySaga, CompensateSaga, ResolveSaga])
def test_of_two_administrators_at_once_the_first_counts(clinic: Clinic, verb: Callable[..., Any]) -> None:
    before = keep(clinic)
    log = Faulty(clinic.log, {"intervene": [Before(FencedError())]}).port
    with pytest.raises(InvalidTransitionError):
        verb(log, clinic.registry, clinic.clock)(saga_id=ID, reason="because", actor=ROOT)
    assert clinic.log.get(ID) == (before, ())


def test_the_story_tells_what_was_done_by_whom_and_why(clinic: Clinic) -> None:
    before = keep(clinic)
    story = clinic.show_saga(saga_id=ID, actor=ROOT)
    assert (story.row, story.saga, tuple(story.interventions), story.reasons) == (before, TRIP, (), {})
    clinic.retry_saga(saga_id=ID, reason=" the hotel answers again ", actor=ROOT)
    row = clinic.log.get(ID)[0]
    assert isinstance(clinic.log, MemorySagaLog)
    clinic.log._state.keep(attrs.evolve(row, progress=STUCK))
    clinic.pause(HOUR)
    clinic.compensate_saga(saga_id=ID, reason="it does not", actor=ROOT)
    story = clinic.show_saga(saga_id=ID, actor=ROOT)
    assert story.interventions == (
        Intervention(saga_id=ID, seq=8, at=MONDAY, by=ROOT.id, verb=Verb.RETRY),
        Intervention(saga_id=ID, seq=9, at=MONDAY + HOUR, by=ROOT.id, verb=Verb.COMPENSATE),
    )
    assert story.reasons == {TextKey(ID, 8): "the hotel answers again", TextKey(ID, 9): "it does not"}
    assert "hotel" not in repr(attrs.evolve(story, row=None, saga=None))


def test_sagas_are_listed_and_filtered(clinic: Clinic) -> None:
    for number, phase in enumerate((Phase.FORWARD, Phase.COMPLETED, Phase.COMPENSATED)):
        keep(
            clinic,
            at(0, phase),
            saga_id=SagaId(f"s{number}"),
            subject=Id(f"a{number}"),
            started_at=MONDAY + number * HOUR,
        )

    def listed(**filters: Any) -> list[str]:
        return [row.id for row in clinic.list_sagas(actor=ROOT, **filters)]

    assert listed() == ["s2", "s1", "s0"]
    assert listed(limit=2) == ["s2", "s1"]
    assert listed(phases={Phase.FORWARD, Phase.COMPENSATED}) == ["s2", "s0"]
    assert listed(subject=Id("a1")) == ["s1"]
    assert listed(name="tour") == []
    assert listed(name="trip", after=(MONDAY + HOUR, SagaId("s1"))) == ["s0"]
