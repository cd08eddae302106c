"""Why a transaction was cancelled: DynamoDB's reasons, told as the one error that the port promises."""

from collections.abc import Sequence
from typing import Final

from adapters.aws.failures import CONTENTION_REASONS, Reason
from adapters.dynamodb.actions import Action, Item, Purpose, pair
from adapters.dynamodb.claims import owner_in
from adapters.dynamodb.items import head_key, ledger_key, quota_key
from adapters.dynamodb.settling import CONDITION_FAILED, Found, unexpected
from adapters.serialization import load_receipt
from telemed_core.domain.commit import ClaimChange, Command, Commit, Guard, Idempotency, LicenceGuard, QuotaChange
from telemed_core.domain.ids import PersonId
from telemed_core.domain.receipts import ReplayedCommand
from telemed_core.errors import (
    BusyError,
    IdempotencyKeyReusedError,
    LicenceInactiveError,
    NotFoundError,
    PatientBusyError,
    ScheduleChangedError,
    SlotTakenError,
    StaleRevisionError,
    TelemedError,
    TooManyPendingError,
)

_MET: Final = "None"


def refusal(
    commit: Commit, command: Command, actions: Sequence[Action], reasons: Sequence[Reason]
) -> TelemedError | ReplayedCommand | None:
    """The first cause in the order of refusals; ``None``: this very command was carried out, its answer was lost.

    ``BusyError``: no condition failed, others were at the same items; what was sent may be sent again.

    Raises:
        ValueError: it was cancelled for a reason that a plan cannot give.
    """
    failed: dict[Purpose, dict[tuple[str, str], Item]] = {}
    codes = {reason["Code"] for reason in reasons} - {_MET}
    for action, reason in zip(actions, reasons, strict=True):
        if reason["Code"] == CONDITION_FAILED:
            failed.setdefault(action.purpose, {})[action.key] = reason.get("Item", {})
    events = failed.get(Purpose.EVENT, {})
    if command.idempotency and Purpose.RECEIPT in failed:
        (receipt,) = failed[Purpose.RECEIPT].values()
        return _replay(receipt, command.idempotency)
    if any(event["command"]["S"] == command.id for event in events.values()):
        return None
    if Purpose.GUARD in failed:
        return _unguarded(commit.guards, failed[Purpose.GUARD])
    if Purpose.QUOTA in failed:
        return _exhausted(commit.quotas, failed[Purpose.QUOTA])
    if events or Purpose.APPOINTMENT in failed:
        return StaleRevisionError()
    if Purpose.CLAIMS in failed:
        return _held(commit, failed[Purpose.CLAIMS])
    if codes and codes <= CONTENTION_REASONS:
        return BusyError()
    raise unexpected(reasons)


def wanted_days(commit: Commit) -> list[Item]:
    """The keys of the ledger's days that a commit takes cells of."""
    taking = [claim for claim in commit.claims if claim.after is not None]
    return [ledger_key(claim.person_id, cell) for claim in taking for cell in claim.cells]


def taken(commit: Commit, days: Found) -> TelemedError | None:
    """By these days as they stand: the refusal where somebody else has what the commit takes; ``None``: nobody has."""
    mine = {None, commit.after.id}
    others = (_not_as_expected(claim, days) - mine for claim in commit.claims if claim.after is not None)
    return _held(commit, days) if any(others) else None


def _replay(receipt: Item, asked: Idempotency) -> TelemedError | ReplayedCommand:
    try:
        return load_receipt(str(receipt["body"]["S"])).replays(asked)
    except IdempotencyKeyReusedError as reused:
        return reused


def _unguarded(guards: Sequence[Guard], found: Found) -> TelemedError:
    refused = [(guard, found[at]) for guard in guards if (at := pair(head_key(guard.doctor_id))) in found]
    for guard, head in refused:
        if isinstance(guard, LicenceGuard) and not (head and head["bookable"]["BOOL"]):
            return LicenceInactiveError()
    return ScheduleChangedError()


def _exhausted(quotas: Sequence[QuotaChange], found: Found) -> TelemedError:
    refused = [(change, found[at]) for change in quotas if (at := pair(quota_key(change.person_id))) in found]
    change, counters = refused[0]
    if not counters or (change.live > 0 and not counters["active"]["BOOL"]):
        return NotFoundError()
    return TooManyPendingError()


def _held(commit: Commit, found: Found) -> TelemedError:
    others: dict[PersonId, set[str]] = {}
    for claim in commit.claims:
        for owner in _not_as_expected(claim, found):
            others.setdefault(claim.person_id, set()).update((owner,) if owner else ())
    owners = {owner for found_of in others.values() for owner in found_of}
    return PatientBusyError(owners) if commit.after.patient_person in others else SlotTakenError(owners)


def _not_as_expected(claim: ClaimChange, found: Found) -> set[str | None]:
    days = [(cell, found.get(pair(ledger_key(claim.person_id, cell)))) for cell in claim.cells]
    owners = {owner_in(day, cell) for cell, day in days if day is not None}
    return owners - {claim.before}
