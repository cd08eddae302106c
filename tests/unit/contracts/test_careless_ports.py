"""The contracts notice a store that breaks a rule of registrations, passwords, sagas, notices or feeds."""

from collections.abc import Callable, Collection
from typing import Any

import attrs
import pytest

from adapters.memory import accounts, notices, sagas
from adapters.memory.accounts import MemoryAccounts
from adapters.memory.doctors import MemoryDoctors
from adapters.memory.feeds import MemoryFeeds
from adapters.memory.notices import MemoryNotices
from adapters.memory.sagas import MemorySagaLog
from adapters.memory.signing_in import MemoryCredentials
from adapters.memory.state import State
from telemed_core.domain.instants import EPOCH, SKEW
from telemed_core.domain.notices import Channel
from telemed_core.domain.sagas import LEASE
from telemed_core.errors import FencedError
from telemed_core.saga.sagas import REGISTRY
from telemed_core.testing.contracts import (
    ClosingContract,
    CredentialsContract,
    DoctorsContract,
    FeedsContract,
    NoticesContract,
    RegistrationsContract,
    SagaClaimsContract,
    SagaLogContract,
)
from unit.contracts.breaking import fails, runs, undone, without

Broken = tuple[type, Any, str, Callable[..., Any]]
"""The contract that notices it, whose part is broken, which part, and what is in its place."""


def marked_first(log: Any, entry: Any, /, *, starting: Collection[Any] = (), mark: Any = None) -> Any:
    if mark is not None:
        log._state.published[mark.subject] = mark.after
    return APPEND(log, entry, starting=starting)


def started_first(log: Any, entry: Any, /, *, starting: Collection[Any] = (), mark: Any = None) -> Any:
    for start in starting:
        log._state.start(start, at=entry.at)
    return APPEND(log, entry, mark=mark)


def held_by(*names: str) -> Callable[..., Any]:
    """Whether nobody has come between, judged by these alone."""

    def held(state: State, row: Any) -> Any:
        kept = state.sagas.get(row.id)
        if kept is None or any(getattr(kept, name) != getattr(row, name) for name in names):
            raise FencedError
        return kept

    return held


def started_again(state: State, saga: Any, *, at: Any) -> None:
    state.keep(REGISTRY.begin(saga, at=at))


def never_written(state: State, entry: Any) -> bool:
    state.held(entry.before)
    return False


def claimed_as(**changes: Any) -> Callable[..., Any]:
    def careless(row: Any, owner: str, *, now: Any) -> Any:
        return attrs.evolve(CLAIMED(row, owner, now=now), **{key: change(row, now) for key, change in changes.items()})

    return careless


def renewed_anyway(log: Any, row: Any, /, *, now: Any) -> Any:
    renewed = attrs.evolve(row, lease_until=now + LEASE)
    log._state.keep(renewed)
    return renewed


def freed_all(log: Any, _: Any, /) -> int:
    return int(FREE(log, log.owners()))


def intervened(*, fence: int, text: bool) -> Callable[..., Any]:
    def careless(log: Any, entry: Any, intervention: Any, reason: Any, /) -> Any:
        row = INTERVENE(log, entry, intervention, reason)
        if not text:
            del log._state.texts[reason.key]
        log._state.keep(attrs.evolve(row, fence=row.fence - 1 + fence))
        return log._state.sagas[row.id]

    return careless


def read_by_anybody(inbox: Any, notice_id: Any, /, *, reader: Any, now: Any) -> None:
    READ(inbox, notice_id, reader=inbox.get(notice_id).reader or reader, now=now)


def read_again(inbox: Any, notice_id: Any, /, *, reader: Any, now: Any) -> None:
    READ(inbox, notice_id, reader=reader, now=now)
    state = inbox._state
    state.notices[notice_id] = attrs.evolve(state.notices[notice_id], read_at=now)


def kept_twice(inbox: Any, several: Any, /) -> int:
    inbox._state.told.clear()
    return int(ADD_NOTICES(inbox, several))


def all_pending(inbox: Any) -> Any:
    return [one for one in inbox._all() if one.channel == "email" and one.status == "pending"]


def pending_that_is_due(inbox: Any) -> Any:
    """Without those that wait: who comes after them overtakes."""
    first: dict[Any, Any] = {}
    for one in sorted(all_pending(inbox), key=lambda one: one.seq):
        if one.due_at <= EPOCH:
            first.setdefault((one.reader, one.subject), one)
    return first.values()


def taken_as(**changes: Any) -> Callable[..., Any]:
    def careless(inbox: Any, **named: Any) -> Any:
        taken = [attrs.evolve(one, **changes) for one in TAKE(inbox, **named)]
        inbox._state.notices.update((one.id, one) for one in taken)
        return taken

    return careless


def settled_anyway(inbox: Any, before: Any, after: Any, /) -> bool:
    inbox._state.notices[before.id] = after
    return True


def inbox_of_everybody(inbox: Any, _: Any, /, *, after: Any = None, limit: int) -> Any:
    return MemoryNotices.log(inbox, channel=Channel.IN_APP, after=after, limit=limit)


def inbox_with_mails(inbox: Any, reader: Any, /, *, after: Any = None, limit: int) -> Any:
    found = [one for one in inbox._all() if one.reader == reader]
    return notices._newest(found, after=after, limit=limit)


def opened_anew(feeds: Any, account_id: Any, secret: str, /) -> str:
    feeds._state.feeds[account_id] = secret
    return secret


def unfenced(method: Callable[..., Any]) -> Callable[..., Any]:
    """The method with its entry written whatever the log has."""

    def careless(port: Any, subject: Any, /, *, entry: Any = None) -> Any:
        if entry is not None:
            kept = port._state.sagas[entry.before.id]
            before = attrs.evolve(entry.before, seq=kept.seq, fence=kept.fence)
            return method(port, subject, entry=attrs.evolve(entry, before=before))
        return method(port, subject)

    return careless


def erased_also_open(port: Any, patient_id: Any, /) -> None:
    stored = port._state.accounts.get(patient_id)
    if stored is not None:
        port._state.accounts[patient_id] = stored.anonymised()


def removed_for_now(port: Any, username: Any, /) -> None:
    port._state.forget(username)


APPEND, FREE, INTERVENE, CLAIMED = MemorySagaLog.append, MemorySagaLog.free, MemorySagaLog.intervene, sagas._claimed
ADD_NOTICES, READ, TAKE = MemoryNotices.add, MemoryNotices.read, MemoryNotices.take
DECISIONS = MemoryDoctors.decisions

BROKEN: dict[str, Broken] = {
    "a claim leaves the fence": (SagaClaimsContract, sagas, "_claimed", claimed_as(fence=lambda row, _: row.fence)),
    "a claim does not count": (SagaClaimsContract, sagas, "_claimed", claimed_as(claims=lambda *_: 0)),
    "a lease is shorter": (SagaClaimsContract, sagas, "_claimed", claimed_as(lease_until=lambda _, now: now)),
    "a lease is longer": (
        SagaClaimsContract,
        sagas,
        "_claimed",
        claimed_as(lease_until=lambda _, now: now + LEASE + SKEW),
    ),
    "a claim is not written": (SagaClaimsContract, MemorySagaLog, "claim", undone(MemorySagaLog.claim)),
    "a claim takes too many": (
        SagaClaimsContract,
        MemorySagaLog,
        "claim",
        without(MemorySagaLog.claim, "limit", limit=9),
    ),
    "a lease is not respected": (SagaClaimsContract, sagas, "_is_held", lambda *_, **__: False),
    "a lease of another clock holds": (
        SagaClaimsContract,
        sagas,
        "_is_held",
        lambda row, *, now: row.lease_until is not None and now < row.lease_until,
    ),
    "all is due": (SagaClaimsContract, sagas, "_is_due", lambda *_, **__: True),
    "claims go by id": (SagaClaimsContract, sagas, "_by_due", lambda row: row.id),
    "an entry is not written": (SagaLogContract, MemorySagaLog, "append", undone(MemorySagaLog.append)),
    "a repeated entry is fenced": (SagaLogContract, State, "was_written", never_written),
    "nothing ever comes between": (SagaLogContract, State, "held", lambda state, row: state.sagas.get(row.id)),
    "the seq does not count": (SagaLogContract, State, "held", held_by("fence")),
    "the fence does not count": (SagaLogContract, State, "held", held_by("seq")),
    "the fence does not count where it is renewed": (SagaClaimsContract, State, "held", held_by("seq")),
    "a saga is started again": (SagaLogContract, State, "start", started_again),
    "sagas are not started": (SagaLogContract, MemorySagaLog, "append", without(APPEND, "starting")),
    "a mark is not moved": (SagaLogContract, MemorySagaLog, "append", without(APPEND, "mark")),
    "a stale mark is moved": (SagaLogContract, MemorySagaLog, "append", marked_first),
    "sagas are started before it is known": (SagaLogContract, MemorySagaLog, "append", started_first),
    "a lease is renewed anyway": (SagaClaimsContract, MemorySagaLog, "renew", renewed_anyway),
    "a lease is not renewed": (SagaClaimsContract, MemorySagaLog, "renew", undone(MemorySagaLog.renew)),
    "all are freed": (SagaClaimsContract, MemorySagaLog, "free", freed_all),
    "nobody is freed": (SagaClaimsContract, MemorySagaLog, "free", undone(FREE)),
    "nobody is an owner": (SagaClaimsContract, MemorySagaLog, "owners", lambda _: ()),
    "an intervention leaves the fence": (
        SagaLogContract,
        MemorySagaLog,
        "intervene",
        intervened(fence=0, text=True),
    ),
    "a reason is lost": (SagaLogContract, MemorySagaLog, "intervene", intervened(fence=1, text=False)),
    "an intervention is not kept": (SagaLogContract, MemorySagaLog, "intervene", undone(INTERVENE)),
    **{
        f"sagas are listed whatever their {name}": (
            SagaLogContract,
            MemorySagaLog,
            "list",
            without(MemorySagaLog.list, name),
        )
        for name in ("name", "phases", "subject", "after")
    },
    "sagas are listed by id": (SagaLogContract, sagas, "_by_start", lambda row: (EPOCH, row.id)),
    "an account is added without its entry": (
        RegistrationsContract,
        MemoryAccounts,
        "add",
        without(MemoryAccounts.add, "entry"),
    ),
    "an account is added though fenced": (
        RegistrationsContract,
        MemoryAccounts,
        "add",
        unfenced(MemoryAccounts.add),
    ),
    "logins are released without the entry": (
        RegistrationsContract,
        MemoryAccounts,
        "release",
        without(MemoryAccounts.release, "entry"),
    ),
    "logins are released though fenced": (
        RegistrationsContract,
        MemoryAccounts,
        "release",
        unfenced(MemoryAccounts.release),
    ),
    "an added account's saga goes on": (RegistrationsContract, accounts, "_completed", lambda row: row),
    "nothing is erased": (ClosingContract, MemoryAccounts, "anonymise", lambda *_: None),
    "an open account is erased": (ClosingContract, MemoryAccounts, "anonymise", erased_also_open),
    "decisions are told again": (
        DoctorsContract,
        MemoryDoctors,
        "decisions",
        without(MemoryDoctors.decisions, "after", after=0),
    ),
    "decisions are told backwards": (
        DoctorsContract,
        MemoryDoctors,
        "decisions",
        lambda port, doctor_id, /, *, after: DECISIONS(port, doctor_id, after=after)[::-1],
    ),
    "a removed user comes back": (CredentialsContract, MemoryCredentials, "remove", removed_for_now),
    "a rev is not looked at": (CredentialsContract, MemoryCredentials, "put", without(MemoryCredentials.put, "before")),
    "a notice is kept twice": (NoticesContract, MemoryNotices, "add", kept_twice),
    "notices are lost": (NoticesContract, MemoryNotices, "add", undone(ADD_NOTICES)),
    "the inbox is everybody's": (NoticesContract, MemoryNotices, "inbox", inbox_of_everybody),
    "the inbox has e-mails": (NoticesContract, MemoryNotices, "inbox", inbox_with_mails),
    "the inbox begins anew": (NoticesContract, MemoryNotices, "inbox", without(MemoryNotices.inbox, "after")),
    "anybody reads": (NoticesContract, MemoryNotices, "read", read_by_anybody),
    "a notice is read again": (NoticesContract, MemoryNotices, "read", read_again),
    "what is taken is not written": (NoticesContract, MemoryNotices, "take", undone(TAKE)),
    "what is taken is due still": (NoticesContract, MemoryNotices, "take", taken_as(due_at=EPOCH)),
    "an attempt is not counted": (NoticesContract, MemoryNotices, "take", taken_as(attempts=0)),
    "too many are taken": (NoticesContract, MemoryNotices, "take", without(TAKE, "limit", limit=99)),
    "all of one subject are taken": (NoticesContract, MemoryNotices, "_first_pending", all_pending),
    "what waits is overtaken": (NoticesContract, MemoryNotices, "_first_pending", pending_that_is_due),
    "a delivery is settled anyway": (NoticesContract, MemoryNotices, "settle", settled_anyway),
    "age is the id's": (NoticesContract, notices, "_by_age", lambda one: (EPOCH, 0, one.id)),
    **{
        f"the log is told whatever the {name}": (
            NoticesContract,
            MemoryNotices,
            "log",
            without(MemoryNotices.log, name),
        )
        for name in ("statuses", "channel", "appointment_id", "after")
    },
    "a secret is replaced": (FeedsContract, MemoryFeeds, "open", opened_anew),
    "a secret is not found": (FeedsContract, MemoryFeeds, "find", lambda *_: None),
    "a secret is not revoked": (FeedsContract, MemoryFeeds, "revoke", lambda *_: None),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_rule_is_noticed(broken: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    contract, owner, name, careless = broken
    monkeypatch.setattr(owner, name, careless)
    assert any(fails(run) for run in runs(contract))


@pytest.mark.parametrize("contract", sorted({broken[0] for broken in BROKEN.values()}, key=str))
def test_nothing_is_noticed_where_no_rule_is_broken(contract: type) -> None:
    assert not any(fails(run) for run in runs(contract))
