"""A COMMIT whose answer was lost is looked into, never guessed at."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from datetime import timedelta
from typing import Any, TypeVar

import attrs
import pytest

from adapters.sql import open_sql
from integration.postgres import PostgresServer
from integration.sql.losing_proxy import LosingProxy, Loss
from telemed_core.domain.attempts import failed_login
from telemed_core.domain.commit import Idempotency
from telemed_core.domain.doctor import Decision
from telemed_core.domain.ids import AccountId
from telemed_core.domain.instants import Interval
from telemed_core.domain.notices import Channel, DeliveryStatus
from telemed_core.domain.places import Cents
from telemed_core.domain.ratings import RatingSum
from telemed_core.domain.receipts import ReplayedCommand
from telemed_core.domain.sagas import LEASE, Phase, PublishedMark
from telemed_core.domain.sessions import Credential
from telemed_core.domain.signals import SignalKind, Welcome
from telemed_core.errors import AlreadyRatedError, ConflictError, FencedError, SeatLostError, UnavailableError
from telemed_core.ports.services import Sealing
from telemed_core.testing.builders import MONDAY, a_notice, a_patient, a_reservation, a_saga, a_session, an_agenda
from telemed_core.testing.contracts.meetings import VISIT, a_meeting
from telemed_core.testing.contracts.ratings import a_rated
from telemed_core.testing.contracts.refusals import asking
from telemed_core.testing.contracts.sagas import claimed, intervention, moved, recorded
from telemed_core.testing.contracts.signals import (
    DOCTOR,
    MEETING,
    NEWER_DOCTOR,
    OWNER,
    PATIENT,
    entered,
    log_of,
    say,
    words,
)
from telemed_core.testing.contracts.suite import assert_clean
from telemed_core.testing.wiring import Clinic, a_clinic

T = TypeVar("T")
Lose = Callable[[Loss], None]


@pytest.fixture
def on_sqlite(fresh_sqlite_url: str, sealing: Sealing) -> Iterator[tuple[Clinic, Lose]]:
    """The disk fails at a COMMIT, with it or before it."""
    stores = open_sql(fresh_sqlite_url, sealing=sealing)
    dialect: Any = stores.appointments._database._here().engine.dialect  # type: ignore[attr-defined] # inside the adapter
    commit, coming = dialect.do_commit, list[Loss]()

    def do_commit(connection: Any) -> None:
        loss = coming.pop() if coming else None
        if loss is not Loss.NOT_CARRIED_OUT:
            commit(connection)
        if loss is not None:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise error

    dialect.do_commit = do_commit
    yield a_clinic(stores), coming.append
    stores.close()


@pytest.fixture
def proxy(postgres_server: PostgresServer) -> Iterator[LosingProxy]:
    made = LosingProxy(postgres_server.port)
    yield made
    made.close()


@pytest.fixture
def on_postgres(fresh_postgres_url: str, proxy: LosingProxy, sealing: Sealing) -> Iterator[tuple[Clinic, Lose]]:
    """The connection is cut at a COMMIT, which the server gets late or never."""
    database = fresh_postgres_url.rpartition("/")[2]
    stores = open_sql(f"postgresql://postgres@127.0.0.1:{proxy.port}/{database}", sealing=sealing)

    def lose(loss: Loss) -> None:
        proxy.lose = loss

    yield a_clinic(stores), lose
    stores.close()


@pytest.fixture(params=["sqlite", "postgres"])
def lossy(request: pytest.FixtureRequest) -> tuple[Clinic, Lose]:
    found: tuple[Clinic, Lose] = request.getfixturevalue(f"on_{request.param}")
    return found


@pytest.fixture(params=list(Loss), ids=lambda loss: loss.name.lower())
def loss(request: pytest.FixtureRequest) -> Loss:
    found: Loss = request.param
    return found


def soon(found: Callable[[], Sequence[T]]) -> Sequence[T]:
    """What is found as soon as there is something: while a COMMIT is still on its way, others pass over its rows."""
    until = time.monotonic() + 10
    while not (answer := found()) and time.monotonic() < until:
        time.sleep(0.05)
    return answer


def test_a_booking_is_made_once_and_answered(lossy: tuple[Clinic, Lose], loss: Loss) -> None:
    clinic, lose = lossy
    doctor, patient = clinic.doctor(), clinic.patient()
    lose(loss)
    asked = clinic.request_appointment(doctor_id=doctor.id, start=clinic.noon(), patient=patient, reason="a cough")
    assert clinic.stores.appointments.get(asked.id) == asked
    assert len(clinic.list_appointments(actor=patient)) == 1
    assert_clean(clinic.stores)
    lose(loss)
    accepted = clinic.accept_appointment(appointment_id=asked.id, rev=1, doctor=doctor)
    assert (accepted.rev, clinic.stores.appointments.get(asked.id)) == (2, accepted)


def test_a_booking_under_a_key_is_made_once_and_found_by_its_receipt(lossy: tuple[Clinic, Lose], loss: Loss) -> None:
    clinic, lose = lossy
    doctor, patient = clinic.doctor(), clinic.patient()
    key = Idempotency(patient.id, "key", "print")
    lose(loss)
    with pytest.raises(ReplayedCommand) if loss is Loss.CARRIED_OUT else nullcontext():
        clinic.request_appointment(doctor_id=doctor.id, start=clinic.noon(), patient=patient, idempotency=key)
    receipt = clinic.stores.receipts.find(key, now=clinic.clock.now())
    assert receipt is not None
    assert [one.id for one in clinic.list_appointments(actor=patient)] == [receipt.subject]


def test_an_edit_and_a_decision_are_made_once_and_answered(lossy: tuple[Clinic, Lose], loss: Loss) -> None:
    clinic, lose = lossy
    doctor, patient = clinic.doctor(), clinic.patient()
    asked = clinic.request_appointment(doctor_id=doctor.id, start=clinic.noon(2), patient=patient)
    lose(loss)
    schedule, affected = clinic.replace_agenda(agenda=an_agenda("00:00-06:00"), version=2, doctor=doctor)
    assert (clinic.stores.schedules.of(doctor.id), list(affected)) == (schedule, [asked.id])
    lose(loss)
    block, affected = clinic.block_time(interval=Interval(clinic.noon(1), clinic.noon(3)), doctor=doctor)
    _, then = clinic.stores.schedules.block_of(block.id)
    assert list(affected) == list(then) == [asked.id]
    suspension = doctor.verify(Decision.SUSPEND, why="expired")
    lose(loss)
    assert list(clinic.stores.doctors.apply(suspension, command=clinic.command())) == [asked.id]
    assert clinic.stores.doctors.get(doctor.id) == suspension.after
    assert clinic.stores.doctors.verified(doctor.id, suspension.after.rev) == (suspension.after, (asked.id,))
    assert clinic.stores.schedules.of(doctor.id).rev == schedule.rev + 2


def test_a_registration_is_made_once(lossy: tuple[Clinic, Lose], loss: Loss) -> None:
    clinic, lose = lossy
    patient = a_patient()
    lose(loss)
    assert clinic.stores.accounts.reserve(a_reservation(patient)) == patient.person_id
    lose(loss)
    clinic.stores.accounts.add(patient)
    assert clinic.stores.accounts.find(patient.cpf) == patient


def test_a_changed_profile_is_written_once(lossy: tuple[Clinic, Lose], loss: Loss) -> None:
    clinic, lose = lossy
    doctor = clinic.doctor()
    schedule = clinic.stores.schedules.of(doctor.id)
    after = attrs.evolve(doctor, rev=doctor.rev + 1, price_cents=Cents(31_000), name="Íris Sá")
    lose(loss)
    clinic.stores.accounts.update(doctor, after)
    assert clinic.stores.doctors.get(doctor.id) == after
    assert clinic.stores.schedules.of(doctor.id).rev == schedule.rev + 1
    assert list(clinic.stores.doctors.list(name="iris", limit=9)) == [after]


def test_an_account_is_closed_once(lossy: tuple[Clinic, Lose], loss: Loss) -> None:
    clinic, lose = lossy
    patient = clinic.patient()
    closure = patient.close(now=clinic.clock.now())
    lose(loss)
    clinic.stores.accounts.close(closure)
    assert clinic.stores.accounts.get(patient.id) == closure.after
    assert clinic.stores.accounts.find(patient.cpf) is None


def test_a_password_is_changed_and_a_session_opened_and_refreshed_once(lossy: tuple[Clinic, Lose], loss: Loss) -> None:
    clinic, lose = lossy
    stores, session = clinic.stores, a_session()
    for number, secret_hash in enumerate(("first", "second"), 1):
        lose(loss)
        stores.credentials.put(session.account_id, secret_hash)
        assert stores.credentials.get(session.account_id) == Credential(secret_hash, number)
    session = attrs.evolve(session, password_rev=2)
    lose(loss)
    stores.sessions.add(session, now=MONDAY)
    after = attrs.evolve(session, generation=2, graces=(MONDAY,))
    lose(loss)
    stores.sessions.replace(session, after)
    assert stores.sessions.get(session.id) == after
    lose(loss)
    stores.credentials.put(session.account_id, "third", keep=session.id)
    assert stores.sessions.get(session.id) == attrs.evolve(after, password_rev=3)
    lose(loss)
    stores.sessions.end(session.id)
    lose(loss)
    stores.credentials.remove(session.account_id)
    assert stores.credentials.get(session.account_id) is None


def test_a_wrong_password_is_counted_once(lossy: tuple[Clinic, Lose], loss: Loss) -> None:
    clinic, lose = lossy
    for number in (1, 2):
        lose(loss)
        clinic.stores.attempts.change("key", lambda before: failed_login(before, now=MONDAY))
        assert clinic.stores.attempts.read(("key",))["key"].count == number
    lose(loss)
    clinic.stores.attempts.change("key", lambda _: None)
    assert dict(clinic.stores.attempts.read(("key",))) == {}


def test_a_step_of_a_saga_is_written_once_with_its_mark_and_what_it_starts(
    lossy: tuple[Clinic, Lose], loss: Loss
) -> None:
    clinic, lose = lossy
    log, row = clinic.stores.sagas, claimed(clinic.stores)
    entry = moved(row, step=2)
    lose(loss)
    assert log.append(entry, starting=[a_saga(2)], mark=PublishedMark(row.subject, 0, 4)) == entry.after
    assert (log.get(row.id)[0], log.published(row.subject)) == (entry.after, 4)
    assert log.get(a_saga(2).id)[0].seq == 0
    lose(loss)
    renewed = log.renew(entry.after, now=MONDAY + timedelta(seconds=5))
    assert log.get(row.id)[0] == renewed
    stuck = moved(renewed, phase=Phase.QUARANTINED, stuck_in=Phase.FORWARD)
    lose(loss)
    log.append(stuck)
    done, reason = intervention(stuck.after)
    lose(loss)
    left = log.intervene(moved(stuck.after, phase=Phase.FORWARD, stuck_in=None), done, reason)
    assert log.get(row.id) == (left, (done,))
    assert clinic.stores.texts.read([reason.key]) == {reason.key: reason.body}


def test_an_entry_of_a_fenced_runner_is_refused_all_the_same(lossy: tuple[Clinic, Lose], loss: Loss) -> None:
    clinic, lose = lossy
    log, row = clinic.stores.sagas, claimed(clinic.stores)
    left = log.append(moved(row, step=2))
    lose(loss)
    with pytest.raises(FencedError):
        log.append(moved(row, step=1, attempt=2), starting=[a_saga(2)])
    assert log.get(row.id)[0] == left


def test_a_saga_whose_claim_got_lost_is_claimed_when_that_lease_has_ended(
    lossy: tuple[Clinic, Lose], loss: Loss
) -> None:
    clinic, lose = lossy
    recorded(clinic.stores, a_saga())
    lose(loss)
    claimed_now = clinic.stores.sagas.claim("here", now=MONDAY, limit=9)
    assert len(claimed_now) == (0 if loss is Loss.CARRIED_OUT else 1)
    (row,) = soon(lambda: clinic.stores.sagas.claim("there", now=MONDAY + LEASE, limit=9))
    assert (row.fence, row.owner) == (2, "there")


def test_a_registration_and_its_entry_are_written_once(lossy: tuple[Clinic, Lose], loss: Loss) -> None:
    clinic, lose = lossy
    accounts, log = clinic.stores.accounts, clinic.stores.sagas
    added, released = a_patient(1), a_patient(2)
    rows = {}
    for patient in (added, released):
        reservation = a_reservation(patient)
        accounts.reserve(reservation)
        rows[patient.id] = log.get(reservation.saga.id)[0]
    entry = moved(rows[added.id], phase=Phase.COMPLETED)
    lose(loss)
    accounts.add(added, entry=entry)
    assert (accounts.find(added.cpf), log.get(entry.before.id)[0]) == (added, entry.after)
    entry = moved(rows[released.id], phase=Phase.COMPENSATED)
    lose(loss)
    assert accounts.release(released.id, entry=entry) is False
    assert log.get(entry.before.id)[0] == entry.after
    lose(loss)
    assert accounts.release(added.id) is True
    with pytest.raises(ConflictError):
        accounts.add(released)


def test_a_closed_account_is_anonymised_once(lossy: tuple[Clinic, Lose], loss: Loss) -> None:
    clinic, lose = lossy
    closure = clinic.patient().close(now=MONDAY)
    clinic.stores.accounts.close(closure)
    lose(loss)
    clinic.stores.accounts.anonymise(closure.after.id)
    assert clinic.stores.patients.get(closure.after.id) == closure.after.anonymised()


def test_notices_are_added_taken_settled_and_read_once(lossy: tuple[Clinic, Lose], loss: Loss) -> None:
    clinic, lose = lossy
    notices = clinic.stores.notices
    told, mail, other = a_notice(1), a_notice(2, channel=Channel.EMAIL), a_notice(3)
    notices.add([other])
    lose(loss)
    assert notices.add([told, mail, other]) == 2
    assert len(notices.log(limit=9)) == 3
    lose(loss)
    taken = notices.take(now=MONDAY, again_at=MONDAY + LEASE, limit=9)
    assert len(taken) == (0 if loss is Loss.CARRIED_OUT else 1)
    (before,) = taken or soon(lambda: notices.take(now=MONDAY + LEASE, again_at=MONDAY + 2 * LEASE, limit=9))
    after = attrs.evolve(before, status=DeliveryStatus.DELIVERED, due_at=None)
    lose(loss)
    assert notices.settle(before, after) is True
    assert notices.get(mail.id) == after
    lose(loss)
    assert notices.settle(before, attrs.evolve(before, status=DeliveryStatus.DEAD, due_at=None)) is False
    lose(loss)
    notices.read(told.id, reader=told.reader, now=MONDAY)
    assert notices.get(told.id).read_at == MONDAY


def test_a_calendars_secret_is_opened_and_revoked_once(lossy: tuple[Clinic, Lose], loss: Loss) -> None:
    clinic, lose = lossy
    feeds, owner = clinic.stores.feeds, AccountId("patient-1")
    lose(loss)
    assert feeds.open(owner, "secret") == "secret"
    assert feeds.find("secret") == owner
    lose(loss)
    feeds.revoke(owner)
    assert feeds.find("secret") is None


def test_a_meeting_is_kept_once(lossy: tuple[Clinic, Lose], loss: Loss) -> None:
    clinic, lose = lossy
    for generation in (1, 2):
        made = a_meeting(f"made-{generation}", generation=generation)
        lose(loss)
        assert clinic.stores.meetings.put(made) == made
        assert clinic.stores.meetings.of(VISIT) == made


def test_what_is_said_in_a_meeting_is_said_once(lossy: tuple[Clinic, Lose], loss: Loss) -> None:
    clinic, lose = lossy
    stores = clinic.stores
    lose(loss)
    assert entered(stores, DOCTOR) == Welcome(seq=1, present=False)
    lose(loss)
    say(stores, DOCTOR, 1)
    lose(loss)
    welcome = entered(stores, PATIENT)
    assert (welcome.seq, welcome.present, words(welcome.waiting)) == (3, True, ["d-1:1"])
    lose(loss)
    say(stores, PATIENT, 1)
    assert words(log_of(stores)) == ["d-1 entered", "d-1:1", "p-1 entered", "p-1:1"]
    lose(loss)
    stores.signals.leave(PATIENT)
    assert [(one.seq, one.kind) for one in log_of(stores, after=4)] == [(5, SignalKind.LEFT)]
    lose(loss)
    assert stores.signals.free([OWNER]) == 1
    assert [(one.seq, one.kind) for one in log_of(stores, after=5)] == [(6, SignalKind.LEFT)]
    lose(loss)
    stores.signals.close(MEETING)
    assert [(one.seq, one.kind) for one in log_of(stores)] == [(7, SignalKind.CLOSED)]


def test_a_seat_that_is_taken_meanwhile_is_lost_all_the_same(lossy: tuple[Clinic, Lose], loss: Loss) -> None:
    clinic, lose = lossy
    entered(clinic.stores, DOCTOR, NEWER_DOCTOR)
    lose(loss)
    with pytest.raises(SeatLostError):
        say(clinic.stores, DOCTOR, 1)
    assert words(log_of(clinic.stores)) == ["d-2 entered"]


def test_a_visit_is_rated_once(lossy: tuple[Clinic, Lose], loss: Loss) -> None:
    clinic, lose = lossy
    ratings, doctor = clinic.stores.ratings, clinic.doctor()
    rated = a_rated(1, doctor, score=5, comment="well")
    lose(loss)
    assert ratings.add(rated, command=clinic.command()) == rated.rating
    assert ratings.sums([doctor.id]) == {doctor.id: RatingSum(1, 5)}
    lose(loss)
    with pytest.raises(AlreadyRatedError):
        ratings.add(rated, command=clinic.command())
    key = Idempotency(clinic.patient().id, "key", "print")
    lose(loss)
    with pytest.raises(ReplayedCommand) if loss is Loss.CARRIED_OUT else nullcontext():
        ratings.add(a_rated(2, doctor, score=1), command=clinic.command(key))
    assert [one.score for one in ratings.list(doctor.id, limit=9)] == [1, 5]
    assert ratings.sums([doctor.id]) == {doctor.id: RatingSum(2, 6)}


def test_where_the_server_cannot_be_asked_nothing_is_claimed_and_a_repeat_finds_out(
    on_postgres: tuple[Clinic, Lose], proxy: LosingProxy, loss: Loss
) -> None:
    clinic, lose = on_postgres
    doctor, patient = clinic.doctor(), clinic.patient()
    commit, command = asking(clinic, doctor, patient), clinic.command()
    lose(loss)
    proxy.closed = True
    with pytest.raises(UnavailableError) as caught:
        clinic.stores.appointments.apply(commit, command=command)
    assert type(caught.value) is UnavailableError
    proxy.closed = False
    assert clinic.stores.appointments.apply(commit, command=command) == commit.after
    assert [one.id for one in clinic.list_appointments(actor=patient)] == [commit.after.id]
    assert_clean(clinic.stores)
