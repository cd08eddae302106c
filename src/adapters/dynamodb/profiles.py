"""Profiles: an account as an item of the table ``accounts``, its CPF sealed apart.

An account that is only reserved has no profile yet; one whose reservation was given back never gets one.
"""

from typing import Final

from adapters.dynamodb.actions import Action, Item, binary, key, number, text
from adapters.dynamodb.settling import act
from adapters.serialization import dump_profile, load_profile, name_in_profile
from telemed_core.domain.accounts import Account, Administrator
from telemed_core.domain.ids import AccountId
from telemed_core.domain.patient import Patient
from telemed_core.domain.people import Cpf, Role
from telemed_core.ports.services import Sealing

IS_AS_BEFORE: Final = "attribute_exists(profile) AND rev=:before"


def account_key(account_id: AccountId) -> Item:
    return key(f"ACC#{account_id}", "M")


def profile_attributes(account: Account, sealing: Sealing) -> Item:
    """What of the account changes with its profile; it is the same profile in every place where one is kept."""
    written = {"rev": number(account.rev), "profile": text(dump_profile(account))}
    if isinstance(account, Administrator):
        return written
    return {**written, "cpf": binary(sealing.seal(account.cpf.digits, context=_context(account.id)))}


def change_action(table: str, before: Account, after: Account, sealing: Sealing) -> Action:
    """Write the changed profile; refused, with the item as it stands, where the account is not at ``before.rev``."""
    attributes = profile_attributes(after, sealing)
    return act(
        "Update",
        table,
        Key=account_key(before.id),
        ConditionExpression=IS_AS_BEFORE,
        UpdateExpression=set_all(attributes),
        ExpressionAttributeValues={":before": number(before.rev), **values_of(attributes)},
    )


def load_account(item: Item | None, sealing: Sealing, *, profile: str | None = None) -> Account | None:
    """The account in its item; ``None``: there is none, or it is only reserved.

    Args:
        profile: told by this one, which was kept elsewhere; ``None``: by its own.
    """
    if not item or "profile" not in item:
        return None
    account_id, sealed = str(item["PK"]["S"]).removeprefix("ACC#"), item.get("cpf")
    # What boto3 answers as binary is bytes.
    cpf = None if sealed is None else Cpf(sealing.unseal(bytes(sealed["B"]), context=_context(AccountId(account_id))))  # type: ignore[arg-type] # by its letter it is no text
    return load_profile(profile or str(item["profile"]["S"]), Role(str(item["role"]["S"])), cpf=cpf)


def name_in(item: Item) -> str | None:
    """The name of whose account it is; ``None``: it is only reserved, or its role has none."""
    return name_in_profile(str(item["profile"]["S"])) if "profile" in item else None


def is_closed(account: Account) -> bool:
    """Whether its owner has left."""
    return isinstance(account, Patient) and account.closed_at is not None


def set_all(attributes: Item) -> str:
    """The update expression that sets these attributes to ``values_of`` them; none of them is a reserved word."""
    return "SET " + ",".join(f"{name}=:{name}" for name in attributes)


def values_of(attributes: Item) -> Item:
    return {f":{name}": value for name, value in attributes.items()}


def _context(account_id: AccountId) -> str:
    return f"cpf/{account_id}"
