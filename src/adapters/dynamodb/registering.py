"""What registering and closing an account writes: persons, logins and the account's own item, as actions."""

from collections.abc import Iterator
from typing import Final

from adapters.dynamodb.actions import Action, Item, flag, key, number, text
from adapters.dynamodb.items import quota_key
from adapters.dynamodb.profiles import account_key, profile_attributes, set_all, values_of
from adapters.dynamodb.settling import IS_NEW, act
from telemed_core.domain.accounts import Account, Login, Reservation
from telemed_core.domain.ids import AccountId, PersonId
from telemed_core.domain.people import Cpf, EmailAddress
from telemed_core.ports.services import Sealing

_PERSON_SPACE: Final = "person:cpf"

_IS_RESERVED: Final = "attribute_exists(PK) AND attribute_not_exists(profile) AND attribute_not_exists(released)"


def person_key(cpf: Cpf, sealing: Sealing) -> Item:
    return key(f"CPF#{_index(_PERSON_SPACE, cpf, sealing)}", "M")


def login_key(space: str, login: Login, sealing: Sealing) -> Item:
    return _login_key(_login(space, login, sealing))


def person_in(item: Item) -> PersonId:
    return PersonId(str(item["person"]["S"]))


def is_reserved(item: Item | None) -> bool:
    """Whether the account is one that can still be added."""
    return bool(item) and not item.keys() & {"profile", "released"}  # type: ignore[union-attr] # an empty one is no account


def reserve_actions(
    table: str, reservation: Reservation, *, known: PersonId | None, sealing: Sealing
) -> Iterator[Action]:
    """Each login taken, and the account reserved; each refused, with what is there, where it is somebody's.

    Args:
        known: who has the CPF already; ``None``: nobody is known to.
    """
    person, of_account = known or reservation.person_id, account_key(reservation.account_id)
    logins = [_login(space, login, sealing) for space, login in reservation.logins()]
    reserved = {
        **of_account,
        "role": text(reservation.role.value),
        "person": text(person),
        "saga": text(reservation.saga.id),
        "logins": text(" ".join(logins)),
    }
    yield act("Put", table, Item=reserved, ConditionExpression=IS_NEW)
    for login in logins:
        taken = {**_login_key(login), "account": text(reservation.account_id)}
        yield act("Put", table, Item=taken, ConditionExpression=IS_NEW)
    if reservation.cpf is not None:
        yield _person(table, reservation.cpf, person, sealing, is_known=known is not None)


def _person(table: str, cpf: Cpf, person: PersonId, sealing: Sealing, *, is_known: bool) -> Action:
    of_cpf = person_key(cpf, sealing)
    if not is_known:
        return act("Put", table, Item={**of_cpf, "person": text(person)}, ConditionExpression=IS_NEW)
    same = {":person": text(person)}
    return act(
        "ConditionCheck", table, Key=of_cpf, ConditionExpression="person=:person", ExpressionAttributeValues=same
    )


def release_actions(table: str, account_id: AccountId, reserved: Item) -> Iterator[Action]:
    """Give its logins back; refused, with the account's item, where it is not merely reserved any more."""
    yield act(
        "Update",
        table,
        Key=account_key(account_id),
        ConditionExpression=_IS_RESERVED,
        # It stays, so that what is still under way adds nothing.
        UpdateExpression="SET released=:yes REMOVE logins",
        ExpressionAttributeValues={":yes": flag(value=True)},
    )
    yield from login_deletions(table, account_id, reserved)


def login_deletions(table: str, account_id: AccountId, item: Item) -> Iterator[Action]:
    """Give the logins back that the account's item names."""
    own = {":account": text(account_id)}
    for login in str(item["logins"]["S"]).split():
        yield act(
            "Delete",
            table,
            Key=_login_key(login),
            ConditionExpression="account=:account",
            ExpressionAttributeValues=own,
        )


def add_action(table: str, account: Account, sealing: Sealing) -> Action:
    """Turn the reservation into an account; refused, with the account's item, where there is none or it was added."""
    attributes = profile_attributes(account, sealing)
    return act(
        "Update",
        table,
        Key=account_key(account.id),
        ConditionExpression=_IS_RESERVED,
        UpdateExpression=set_all(attributes),
        ExpressionAttributeValues=values_of(attributes),
    )


def open_quota(table: str, person: PersonId) -> Action:
    """Let the person have live appointments; what is counted stays, should there have been another account."""
    return act(
        "Update",
        table,
        Key=quota_key(person),
        UpdateExpression="SET active=:yes,pending=if_not_exists(pending,:none),live=if_not_exists(live,:none)",
        ExpressionAttributeValues={":yes": flag(value=True), ":none": number(0)},
    )


def shut_quota(table: str, person: PersonId) -> Action:
    """Let the person have no new live appointments; refused where there are some."""
    return act(
        "Update",
        table,
        Key=quota_key(person),
        ConditionExpression="live=:none",
        UpdateExpression="SET active=:no",
        ExpressionAttributeValues={":no": flag(value=False), ":none": number(0)},
    )


def _login(space: str, login: Login, sealing: Sealing) -> str:
    return f"{space}#{_index(space, login, sealing)}"


def _login_key(login: str) -> Item:
    return key(f"L#{login}", "M")


def _index(space: str, login: Login, sealing: Sealing) -> str:
    match login:
        case Cpf():
            return sealing.index(space, login.digits)
        case EmailAddress():
            return sealing.index(space, login.address)
        case _:
            return sealing.index(space, str(login))
