"""What becomes of an account once it is there: its profile is changed, and in the end it is closed."""

from typing import Final

import attrs
from sqlalchemy import Connection, bindparam, delete, update

from adapters.sql import profiles
from adapters.sql.doctors import change_directory
from adapters.sql.saga_rows import start_sagas
from adapters.sql.schedules import locked, replace
from adapters.sql.signing_in import forget
from adapters.sql.tables import ACCOUNTS, LOGINS, QUOTAS
from telemed_core.domain.accounts import Account
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import AccountId, CommandId, PatientId
from telemed_core.domain.instants import EPOCH
from telemed_core.domain.patient import Closure, Patient
from telemed_core.errors import LiveAppointmentsError, StaleVersionError
from telemed_core.ports.services import Sealing

_GET: Final = profiles.ADDED.where(ACCOUNTS.c.id == bindparam("account_id"))
_CHANGE: Final = update(ACCOUNTS).where(ACCOUNTS.c.id == bindparam("of"), ACCOUNTS.c.rev == bindparam("before"))
_SHUT: Final = update(QUOTAS).where(QUOTAS.c.person_id == bindparam("person"), QUOTAS.c.live == 0).values(open=False)
_GIVE_BACK: Final = delete(LOGINS).where(LOGINS.c.account_id == bindparam("of"))


def change_profile(connection: Connection, before: Account, after: Account, *, sealing: Sealing) -> None:
    """Write the changed profile where the account is as ``before``, or is so already."""
    # A decision on the registration locks in this order too.
    schedule = locked(connection, after.id) if isinstance(after, Doctor) else None
    if not _change(connection, before, after, sealing):
        if _stored(connection, before.id, sealing) != after:
            raise StaleVersionError
        return
    if isinstance(before, Doctor) and isinstance(after, Doctor):
        change_directory(connection, before, after)
        if schedule is not None and schedule.price_cents != after.price_cents:
            priced = attrs.evolve(schedule, price_cents=after.price_cents, rev=schedule.rev + 1)
            replace(connection, priced, before=schedule.rev, command_id=CommandId(f"{after.id}.{after.rev}"))


def close_account(connection: Connection, closure: Closure, *, sealing: Sealing) -> None:
    """Close it where it is as it was before, or is closed already."""
    before = closure.before
    if not _change(connection, before, closure.after, sealing):
        stored = _stored(connection, before.id, sealing)
        if stored is None or not profiles.is_closed(stored):
            raise StaleVersionError
        return
    if not connection.execute(_SHUT, {"person": before.person_id}).rowcount:
        raise LiveAppointmentsError
    connection.execute(_GIVE_BACK, {"of": before.id})
    forget(connection, before.id)
    start_sagas(connection, (closure.saga,), at=closure.after.closed_at or EPOCH)


def anonymise(connection: Connection, patient_id: PatientId, *, sealing: Sealing) -> None:
    """Erase of a closed account what its record has no need of."""
    stored = _stored(connection, patient_id, sealing)
    if isinstance(stored, Patient) and profiles.is_closed(stored):
        row = profiles.row_of(stored.anonymised(), sealing)
        connection.execute(_CHANGE, {**row, "of": patient_id, "before": stored.rev})


def _change(connection: Connection, before: Account, after: Account, sealing: Sealing) -> bool:
    """Whether the account was as ``before``, and open, and is as ``after`` now."""
    if profiles.is_closed(before):
        return False
    row = profiles.row_of(after, sealing)
    return bool(connection.execute(_CHANGE, {**row, "of": before.id, "before": before.rev}).rowcount)


def _stored(connection: Connection, account_id: AccountId, sealing: Sealing) -> Account | None:
    row = connection.execute(_GET, {"account_id": account_id}).one_or_none()
    return None if row is None else profiles.load(row, sealing)
