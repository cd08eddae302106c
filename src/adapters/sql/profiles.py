"""Profiles: an account as a row of the table ``accounts``, its CPF sealed apart."""

from typing import Any, Final

from sqlalchemy import select

from adapters.serialization import dump_profile, load_profile
from adapters.sql.tables import ACCOUNTS
from telemed_core.domain.accounts import Account, Administrator
from telemed_core.domain.ids import AccountId
from telemed_core.domain.patient import Patient
from telemed_core.domain.people import Cpf, Role
from telemed_core.ports.services import Sealing

ADDED: Final = select(ACCOUNTS.c.id, ACCOUNTS.c.role, ACCOUNTS.c.cpf, ACCOUNTS.c.profile).where(
    ACCOUNTS.c.profile.is_not(None)
)
"""The accounts that are more than reserved, as ``load`` takes them."""


def row_of(account: Account, sealing: Sealing) -> dict[str, Any]:
    """What of the account stands in its row."""
    if isinstance(account, Administrator):
        return {"rev": account.rev, "cpf": None, "profile": dump_profile(account)}
    sealed = sealing.seal(account.cpf.digits, context=_context(account.id))
    return {"rev": account.rev, "cpf": sealed, "profile": dump_profile(account)}


def load(row: Any, sealing: Sealing) -> Account:
    """The account that stands in a row of ``ADDED``."""
    cpf = None if row.cpf is None else Cpf(sealing.unseal(row.cpf, context=_context(row.id)))
    return load_profile(row.profile, Role(row.role), cpf=cpf)


def is_closed(account: Account) -> bool:
    """Whether its owner has left."""
    return isinstance(account, Patient) and account.closed_at is not None


def _context(account_id: AccountId) -> str:
    return f"cpf/{account_id}"
