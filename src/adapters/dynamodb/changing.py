"""What becomes of an account once it is there: its profile is changed, and in the end it is closed."""

from collections.abc import Iterator
from typing import Final

import attrs

from adapters.dynamodb.access import Dynamo, Terms
from adapters.dynamodb.actions import Action, Item, number, pair, text
from adapters.dynamodb.doctors import card_actions
from adapters.dynamodb.items import quota_key
from adapters.dynamodb.profiles import IS_AS_BEFORE, account_key, change_action, is_closed, load_account
from adapters.dynamodb.registering import login_deletions, shut_quota
from adapters.dynamodb.saga_rows import start_actions
from adapters.dynamodb.schedules import read_schedule, schedule_actions
from adapters.dynamodb.settling import commit
from adapters.dynamodb.signing_in import forget_action
from adapters.serialization import dump_profile
from telemed_core.domain.accounts import Account
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import AccountId, CommandId, PatientId
from telemed_core.domain.instants import EPOCH
from telemed_core.domain.patient import Closure, Patient
from telemed_core.errors import BusyError, LiveAppointmentsError, StaleVersionError
from telemed_core.ports.services import Sealing

_ERASE: Final = "SET profile=:profile REMOVE logins"


def stored_item(dynamo: Dynamo, account_id: AccountId) -> Item | None:
    return dynamo.get(dynamo.tables.accounts, account_key(account_id))


def change_profile(dynamo: Dynamo, before: Account, after: Account, *, sealing: Sealing) -> None:
    """Write the changed profile where the account is as ``before``, or is so already.

    Raises:
        BusyError: the schedule that it changes was changed meanwhile; nothing was written.
    """
    if is_closed(before):
        item = stored_item(dynamo, before.id)
    else:
        change = change_action(dynamo.tables.accounts.name, before, after, sealing)
        refused = commit(dynamo, [change, *_following(dynamo, before, after)])
        if not refused:
            return
        item = refused.get(change.key)
        if item is None:
            raise BusyError
    if load_account(item, sealing) != after:
        raise StaleVersionError


def _following(dynamo: Dynamo, before: Account, after: Account) -> Iterator[Action]:
    """What else a doctor's profile is written in: the directory, and the price in the schedule."""
    if not isinstance(before, Doctor) or not isinstance(after, Doctor):
        return
    yield from card_actions(dynamo.tables.directory.name, before, after)
    if before.price_cents != after.price_cents:
        schedule = read_schedule(dynamo, after.id)
        if schedule is None:
            raise StaleVersionError
        priced = attrs.evolve(schedule, price_cents=after.price_cents, rev=schedule.rev + 1)
        command_id = CommandId(f"{after.id}.{after.rev}")
        yield from schedule_actions(dynamo.tables.scheduling.name, priced, before=schedule.rev, command_id=command_id)


def close_account(dynamo: Dynamo, closure: Closure, *, sealing: Sealing) -> None:
    """Close it where it is as it was before, or is closed already."""
    before, saga = closure.before, closure.saga
    accounts, scheduling = dynamo.tables.accounts.name, dynamo.tables.scheduling.name
    item = stored_item(dynamo, before.id)
    stored = load_account(item, sealing)
    if stored is not None and is_closed(stored):
        return
    if item is None or stored != before:
        raise StaleVersionError
    change = change_action(accounts, before, closure.after, sealing)
    refused = commit(
        dynamo,
        [
            change,
            shut_quota(scheduling, before.person_id),
            *login_deletions(accounts, before.id, item),
            forget_action(accounts, before.id),
            *start_actions(scheduling, (saga,), at=closure.after.closed_at or EPOCH),
        ],
    )
    if change.key in refused:
        # It has changed since it was read: perhaps it is closed by now.
        raise BusyError
    if pair(quota_key(before.person_id)) in refused:
        raise LiveAppointmentsError
    if refused:
        raise BusyError


def anonymise(dynamo: Dynamo, patient_id: PatientId, *, sealing: Sealing) -> None:
    """Erase of a closed account what its record has no need of."""
    stored = load_account(stored_item(dynamo, patient_id), sealing)
    if isinstance(stored, Patient) and is_closed(stored):
        # A closed account changes in no other way: what is refused, or was written before, is as it shall be.
        values = {":before": number(stored.rev), ":profile": text(dump_profile(stored.anonymised()))}
        terms = Terms(IS_AS_BEFORE, values)
        dynamo.update(dynamo.tables.accounts, account_key(patient_id), _ERASE, on=terms, repeatable=True)
