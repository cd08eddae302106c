"""The contract of ``SagaLog`` but for who runs what: rows, entries, marks, lists and what operators do."""

from datetime import timedelta
from itertools import product
from typing import Any

import attrs
import pytest

from telemed_core.domain.doctor import Decision, Doctor
from telemed_core.domain.ids import AppointmentId, Id, SagaId
from telemed_core.domain.instants import EPOCH
from telemed_core.domain.patient import Patient
from telemed_core.domain.sagas import (
    LEASE,
    Intervention,
    Phase,
    Progress,
    PublishedMark,
    SagaEntry,
    SagaRow,
    SagaStart,
    Verb,
)
from telemed_core.domain.texts import Text, TextKey
from telemed_core.errors import FencedError, NotFoundError, StaleVersionError
from telemed_core.ports.sagas import SagaLog
from telemed_core.ports.storage import Stores
from telemed_core.saga.sagas import REGISTRY
from telemed_core.testing.builders import MONDAY, a_patient, a_reservation, a_saga, an_administrator
from telemed_core.testing.contracts.races import ROUNDS, at_once
from telemed_core.testing.contracts.refusals import asking
from telemed_core.testing.contracts.suite import Suite, requested
from telemed_core.testing.wiring import Clinic

INSTANT = timedelta(microseconds=1)
SUBJECT = Id("appointment-1")
STUCK = Progress(phase=Phase.QUARANTINED, step=1, attempt=20, error="unavailable", stuck_in=Phase.FORWARD)
DONE = Progress(phase=Phase.COMPLETED, step=2)
NEXT = Progress(step=2)


def recorded(stores: Stores, *starts: SagaStart, at: Any = MONDAY) -> list[SagaRow]:
    """These sagas, started by the entries of another one, which has ended."""
    try:
        first, _ = stores.sagas.get(SagaId("first"))
    except NotFoundError:
        stores.accounts.reserve(a_reservation(an_administrator(), saga_id="first"))
        first, _ = stores.sagas.get(SagaId("first"))
    stores.sagas.append(SagaEntry(before=first, progress=DONE, at=at), starting=starts)
    return [stores.sagas.get(start.id)[0] for start in starts]


def claimed(stores: Stores, number: int = 1, *, owner: str = "here", at: Any = MONDAY) -> SagaRow:
    """Saga ``number``, recorded and claimed by that owner; nothing else is due."""
    recorded(stores, a_saga(number))
    (row,) = stores.sagas.claim(owner, now=at, limit=9)
    return row


def moved(row: SagaRow, *, wait: timedelta = timedelta(0), at: Any = MONDAY, **progress: Any) -> SagaEntry:
    """The entry by which the saga goes on like this."""
    return SagaEntry(before=row, progress=attrs.evolve(row.progress, **progress), wait=wait, at=at)


def row_of(log: SagaLog, saga_id: str) -> SagaRow | None:
    """The saga's row; ``None``: there is none."""
    try:
        return log.get(SagaId(saga_id))[0]
    except NotFoundError:
        return None


def intervention(row: SagaRow, verb: Verb = Verb.RETRY) -> tuple[Intervention, Text]:
    """What an operator does with the row, and why."""
    done = Intervention(saga_id=row.id, seq=row.seq + 1, at=MONDAY + INSTANT, by="admin-1", verb=verb)
    return done, Text(TextKey(row.id, done.seq), f"the mail server is back — {row.seq}")


class SagaLogContract(Suite):
    """Sagas as they are kept."""

    def test_a_saga_is_recorded_by_the_commit_that_starts_it(
        self, clinic: Clinic, doctor: Doctor, patient: Patient
    ) -> None:
        suspension = doctor.verify(Decision.SUSPEND, why="expired")
        clinic.stores.doctors.apply(suspension, command=clinic.command(at=MONDAY + 2 * INSTANT))
        closure = patient.close(now=MONDAY + 3 * INSTANT)
        clinic.stores.accounts.close(closure)
        reservation = a_reservation(a_patient(3))
        clinic.stores.accounts.reserve(reservation)
        due_at = reservation.saga.due_at
        assert due_at is not None
        for start, at in (
            (suspension.saga, MONDAY + 2 * INSTANT),
            (closure.saga, MONDAY + 3 * INSTANT),
            (reservation.saga, due_at),
        ):
            assert clinic.stores.sagas.get(start.id) == (REGISTRY.begin(start, at=at), ())

    def test_each_saga_of_an_appointment_is_recorded_past_its_pivot(
        self, clinic: Clinic, doctor: Doctor, patient: Patient
    ) -> None:
        asked = requested(clinic, doctor, patient)
        clinic.accept_appointment(appointment_id=asked.id, rev=asked.rev, doctor=doctor)
        for seq, name in ((1, "request"), (2, "accept")):
            start = SagaStart(SagaId(f"{asked.id}.{seq}"), name, asked.id)
            row, _ = clinic.stores.sagas.get(start.id)
            assert row == REGISTRY.begin(start, at=MONDAY)
            assert (row.progress, row.due_at) == (Progress(step=1), EPOCH)

    def test_a_commit_that_is_applied_again_leaves_its_saga_as_it_has_gone_on(
        self, clinic: Clinic, doctor: Doctor, patient: Patient
    ) -> None:
        commit, command = asking(clinic, doctor, patient), clinic.command()
        clinic.stores.appointments.apply(commit, command=command)
        row, _ = clinic.stores.sagas.get(commit.sagas[0].id)
        left = clinic.stores.sagas.append(moved(row, step=2))
        clinic.stores.appointments.apply(commit, command=command)
        assert clinic.stores.sagas.get(row.id) == (left, ())

    def test_an_unknown_saga_is_not_found(self, stores: Stores) -> None:
        with pytest.raises(NotFoundError):
            stores.sagas.get(SagaId("unknown"))

    @pytest.mark.parametrize(
        ("progress", "wait"),
        [
            (NEXT, timedelta(0)),
            (Progress(step=1, attempt=2, error="timeout"), timedelta(seconds=1, microseconds=1)),
            (Progress(phase=Phase.COMPENSATING, step=-1, error="common_password"), timedelta(0)),
            (STUCK, timedelta(0)),
            (DONE, timedelta(0)),
        ],
        ids=["goes on", "waits", "goes back", "is stuck", "is done"],
    )
    def test_an_entry_answers_and_leaves_its_row(self, stores: Stores, progress: Progress, wait: timedelta) -> None:
        entry = SagaEntry(before=claimed(stores), progress=progress, wait=wait, at=MONDAY + INSTANT)
        assert stores.sagas.append(entry) == entry.after
        assert attrs.asdict(stores.sagas.get(entry.before.id)[0]) == attrs.asdict(entry.after)

    def test_an_entry_written_again_gives_its_first_outcome(self, stores: Stores) -> None:
        entry, mark = moved(claimed(stores), step=2), PublishedMark(SUBJECT, 0, 4)
        for _ in range(2):
            assert stores.sagas.append(entry, starting=[a_saga(2)], mark=mark) == entry.after
            assert row_of(stores.sagas, "saga-1") == entry.after
            assert stores.sagas.published(SUBJECT) == 4
        (other,) = stores.sagas.claim("there", now=MONDAY, limit=9)
        assert stores.sagas.append(entry, starting=[a_saga(2)], mark=mark) == entry.after
        assert row_of(stores.sagas, "saga-2") == other

    @pytest.mark.parametrize("since", ["another entry", "another claim", "an intervention", "never there"])
    def test_an_entry_of_an_earlier_seq_or_fence_is_fenced_and_writes_nothing(self, stores: Stores, since: str) -> None:
        row, log = claimed(stores), stores.sagas
        entry = moved(row, step=2)
        if since == "another entry":
            log.append(moved(row, attempt=2))
        if since == "another claim":
            assert len(log.claim("there", now=MONDAY + LEASE, limit=9)) == 1
        if since == "an intervention":
            log.intervene(moved(row, attempt=2), *intervention(row))
        if since == "never there":
            entry = moved(attrs.evolve(row, id=SagaId("unknown")), step=2)
        left = row_of(log, "saga-1")
        with pytest.raises(FencedError):
            log.append(entry, starting=[a_saga(2)], mark=PublishedMark(SUBJECT, 0, 4))
        assert (row_of(log, "saga-1"), row_of(log, "saga-2"), row_of(log, "unknown")) == (left, None, None)
        assert log.published(SUBJECT) == 0

    def test_a_stale_mark_writes_nothing(self, stores: Stores) -> None:
        log = stores.sagas
        log.append(moved(claimed(stores), phase=Phase.COMPLETED), mark=PublishedMark(SUBJECT, 0, 3))
        row = claimed(stores, 2)
        for before in (0, 2, 4):
            with pytest.raises(StaleVersionError):
                log.append(moved(row, step=2), starting=[a_saga(3)], mark=PublishedMark(SUBJECT, before, 9))
        assert (row_of(log, "saga-2"), row_of(log, "saga-3"), log.published(SUBJECT)) == (row, None, 3)

    def test_each_subject_has_its_own_mark(self, stores: Stores) -> None:
        log = stores.sagas
        assert log.published(SUBJECT) == 0
        row = log.append(moved(claimed(stores), step=2), mark=PublishedMark(SUBJECT, 0, 3))
        row = log.append(moved(row, attempt=2), mark=PublishedMark(Id("doctor-1"), 0, 7))
        log.append(moved(row, attempt=3), mark=PublishedMark(SUBJECT, 3, 5))
        assert (log.published(SUBJECT), log.published(Id("doctor-1")), log.published(Id("other"))) == (5, 7, 0)

    def test_an_entry_starts_sagas_at_its_own_instant(self, stores: Stores) -> None:
        starts, at = (a_saga(2), a_saga(3, name="remind", due_at=MONDAY + timedelta(days=1))), MONDAY + INSTANT
        stores.sagas.append(moved(claimed(stores), step=2, at=at), starting=starts)
        assert [row_of(stores.sagas, start.id) for start in starts] == [REGISTRY.begin(one, at=at) for one in starts]

    def test_a_saga_that_is_there_is_not_started_again(self, stores: Stores) -> None:
        row = stores.sagas.append(moved(claimed(stores), step=2, phase=Phase.COMPLETED))
        recorded(stores, a_saga(1), a_saga(2), at=MONDAY + timedelta(days=1))
        assert row_of(stores.sagas, "saga-1") == row
        assert row_of(stores.sagas, "saga-2") is not None

    def test_of_many_entries_at_once_one_is_written(self, stores: Stores) -> None:
        for number in range(ROUNDS):
            row = claimed(stores, number)
            entries = [moved(row, phase=Phase.COMPLETED, attempt=attempt) for attempt in range(1, 9)]
            answers = at_once([lambda one=one: stores.sagas.append(one) for one in entries])  # type: ignore[misc] # mypy cannot infer a lambda's default
            (winner,) = (answer for answer in answers if not isinstance(answer, Exception))
            assert {type(answer) for answer in answers if isinstance(answer, Exception)} == {FencedError}
            assert row_of(stores.sagas, row.id) == winner

    def test_of_two_sagas_that_move_one_mark_at_once_one_does(self, stores: Stores) -> None:
        for number in range(ROUNDS):
            recorded(stores, a_saga(2 * number), a_saga(2 * number + 1))
            rows = stores.sagas.claim("here", now=MONDAY, limit=9)
            mark = PublishedMark(SUBJECT, number, number + 1)
            answers = at_once(
                [lambda row=row: stores.sagas.append(moved(row, phase=Phase.COMPLETED), mark=mark) for row in rows]  # type: ignore[misc] # noqa: B023 # run before the loop goes on
            )
            assert {type(answer) for answer in answers} == {SagaRow, StaleVersionError}
            assert stores.sagas.published(SUBJECT) == number + 1
            for row in stores.sagas.list(phases=[Phase.FORWARD], limit=9):
                stores.sagas.append(moved(row, phase=Phase.COMPLETED))

    def test_sagas_are_listed_last_started_first_in_pages(self, stores: Stores) -> None:
        instants = (MONDAY, MONDAY + INSTANT, MONDAY, MONDAY - timedelta(days=400), MONDAY)
        for number, at in enumerate(instants):
            recorded(stores, a_saga(number), at=at)
        listed = [row for row in stores.sagas.list(limit=9) if row.id != "first"]
        assert [row.id for row in listed] == ["saga-1", "saga-4", "saga-2", "saga-0", "saga-3"]
        assert [row_of(stores.sagas, row.id) for row in listed] == listed
        whole = stores.sagas.list(limit=9)
        for place, row in enumerate(whole, 1):
            page = stores.sagas.list(after=(row.started_at, row.id), limit=2)
            assert list(page) == list(whole[place : place + 2])

    def test_each_filter_of_the_list_leaves_out_the_others(self, stores: Stores) -> None:
        starts = [
            a_saga(number, name=name, subject=subject)
            for number, (name, subject) in enumerate(product(("request", "remind"), ("one", "two")))
        ]
        recorded(stores, *starts)
        rows = {row.id: row for row in stores.sagas.claim("here", now=MONDAY, limit=9)}
        for number, phase in ((1, Phase.QUARANTINED), (2, Phase.COMPENSATING), (3, Phase.COMPLETED)):
            stores.sagas.append(moved(rows[SagaId(f"saga-{number}")], phase=phase))

        def numbers(**filters: Any) -> list[str]:
            return [row.id[-1] for row in stores.sagas.list(**filters, limit=9)]

        assert numbers(name="request") == ["1", "0"]
        assert numbers(subject=AppointmentId("two")) == ["3", "1"]
        assert numbers(phases={Phase.FORWARD}) == ["0"]
        assert numbers(phases={Phase.QUARANTINED, Phase.COMPENSATING}) == ["2", "1"]
        assert numbers(name="remind", subject=Id("one"), phases={Phase.COMPENSATING}) == ["2"]
        assert numbers(name="remind", phases={Phase.QUARANTINED}) == []
        assert numbers(name="unknown") == []

    def test_what_operators_do_is_kept_with_its_reasons_oldest_first(self, stores: Stores) -> None:
        row, log = stores.sagas.append(moved(claimed(stores), **attrs.asdict(STUCK))), stores.sagas
        done: list[tuple[Intervention, Text]] = []
        for verb in (Verb.RESOLVE, Verb.RETRY):
            entry = moved(row, phase=Phase.FORWARD, attempt=1, stuck_in=None, at=MONDAY + INSTANT)
            done.append(intervention(row, verb))
            row = log.intervene(entry, *done[-1])
            assert row == attrs.evolve(entry.after, fence=entry.before.fence + 1)
        assert log.get(row.id) == (row, tuple(one for one, _ in done))
        texts = stores.texts.read([text.key for _, text in done])
        assert texts == {text.key: text.body for _, text in done}
        assert [one.id for one in log.claim("there", now=MONDAY, limit=9)] == [row.id]

    def test_an_intervention_on_what_has_gone_on_is_fenced_and_writes_nothing(self, stores: Stores) -> None:
        row, log = claimed(stores), stores.sagas
        left = log.append(moved(row, step=2))
        done, reason = intervention(row)
        for before in (row, attrs.evolve(left, fence=left.fence - 1), attrs.evolve(left, id=SagaId("unknown"))):
            with pytest.raises(FencedError):
                log.intervene(moved(before, attempt=1), done, reason)
        assert log.get(row.id) == (left, ())
        assert stores.texts.read([reason.key]) == {}
