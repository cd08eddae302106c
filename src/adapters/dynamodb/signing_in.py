"""What people sign in with, and who has signed in, on DynamoDB.

No session is looked for in order to end it. It counts while the password has the revision that opened it, and unless it
had expired when a newer one was opened; the item of the credential says both.
"""

from datetime import datetime
from typing import Final

import attrs

from adapters.aws.retrying import Patience
from adapters.dynamodb.access import Dynamo, Terms
from adapters.dynamodb.actions import Action, Item, Value, flag, key, number, pair, text
from adapters.dynamodb.profiles import account_key, is_closed, load_account, set_all, values_of
from adapters.dynamodb.settling import IS_NEW, act, collected, commit, number_in
from adapters.serialization import instant_of, microseconds
from telemed_core.domain.accounts import Account
from telemed_core.domain.ids import AccountId, SessionId
from telemed_core.domain.sessions import Credential, Session
from telemed_core.errors import BusyError, ConflictError, NotFoundError, StaleVersionError
from telemed_core.ports.services import Sealing

_RAISED: Final = "rev=if_not_exists(rev,:none)+:one"
_RAISING: Final[Item] = {":none": number(0), ":one": number(1)}
_IS_AT_REV: Final = "attribute_exists(secret_hash) AND rev=:rev"


def credential_key(username: AccountId) -> Item:
    return key(f"ACC#{username}", "CRED")


def session_key(session_id: SessionId) -> Item:
    return key(f"SES#{session_id}", "M")


def forget_action(table: str, username: AccountId) -> Action:
    """Let nobody sign in as this user with the present password any more, and end what they have signed in to."""
    change = f"SET {_RAISED} REMOVE secret_hash"
    return act(
        "Update", table, Key=credential_key(username), UpdateExpression=change, ExpressionAttributeValues=_RAISING
    )


@attrs.frozen
class DynamoCredentials:
    """Password hashes on DynamoDB."""

    _dynamo: Dynamo
    _patience: Patience = attrs.field(factory=Patience)

    def put(
        self, username: AccountId, secret_hash: str, /, *, keep: SessionId | None = None, before: int | None = None
    ) -> None:
        # An attempt that has lost its answer for good is not repeated: it may have raised the revision.
        self._patience(lambda: self._put(username, secret_hash, keep, before), repeatable=False)

    def _put(self, username: AccountId, secret_hash: str, keep: SessionId | None, before: int | None) -> None:
        of_user, of_session = credential_key(username), None if keep is None else session_key(keep)
        asked = [at for at in (of_user, of_session) if at is not None]
        found = self._dynamo.batch_get(self._dynamo.tables.accounts, asked)
        kept = found.get(pair(of_user), {})
        if "removed" in kept:
            raise ConflictError
        if before is not None and ("secret_hash" not in kept or number_in(kept, "rev") != before):
            raise StaleVersionError
        rev = number_in(kept, "rev") if kept else 0
        actions = [self._raise(of_user, rev, secret_hash=text(secret_hash))]
        session = found.get(pair(of_session)) if of_session else None
        if of_session and session and (_account_in(session), number_in(session, "rev")) == (username, rev):
            actions.append(self._raise(of_session, rev))
        if commit(self._dynamo, actions):
            raise BusyError

    def _raise(self, at: Item, rev: int, **also: Value) -> Action:
        """The next ``rev`` where it has this one, which a removal raises too; 0: where there is nothing."""
        attributes = {"rev": number(rev + 1), **also}
        condition = "rev=:before" if rev else IS_NEW
        before = {":before": number(rev)} if rev else {}
        return act(
            "Update",
            self._dynamo.tables.accounts.name,
            Key=at,
            ConditionExpression=condition,
            UpdateExpression=set_all(attributes),
            ExpressionAttributeValues={**values_of(attributes), **before},
        )

    def get(self, username: AccountId, /) -> Credential | None:
        kept = self._dynamo.get(self._dynamo.tables.accounts, credential_key(username))
        if not kept or "secret_hash" not in kept:
            return None
        return Credential(str(kept["secret_hash"]["S"]), number_in(kept, "rev"))

    def remove(self, username: AccountId, /) -> None:
        change = f"SET removed=:yes,{_RAISED} REMOVE secret_hash"
        values = Terms(values={":yes": flag(value=True), **_RAISING})
        # Raised twice it is as good as once.
        self._dynamo.update(self._dynamo.tables.accounts, credential_key(username), change, on=values, repeatable=True)


@attrs.frozen
class DynamoSessions:
    """Sessions on DynamoDB."""

    _dynamo: Dynamo
    _sealing: Sealing

    def add(self, session: Session, /, *, now: datetime) -> None:
        table = self._dynamo.tables.accounts.name
        password = act(
            "Update",
            table,
            Key=credential_key(session.account_id),
            ConditionExpression=_IS_AT_REV,
            # All that have expired by now, but for this one.
            UpdateExpression="SET forgotten=:now,newest=:newest",
            ExpressionAttributeValues={
                ":rev": number(session.password_rev),
                ":now": number(microseconds(now)),
                ":newest": text(session.id),
            },
        )
        # Where the password is another by now nothing is opened, nor needs to be.
        commit(self._dynamo, [act("Put", table, Item=_session_item(session), ConditionExpression=IS_NEW), password])

    def get(self, session_id: SessionId, /) -> Session:
        session = self._dynamo.get(self._dynamo.tables.accounts, session_key(session_id))
        if session is None:
            raise NotFoundError
        session, _ = self._counting(session_id, _account_in(session))
        return _load_session(session_id, session)

    def replace(self, before: Session, after: Session, /) -> None:
        table, was = self._dynamo.tables.accounts.name, _session_attributes(before)
        session = act(
            "Put",
            table,
            Item=_session_item(attrs.evolve(after, id=before.id)),
            ConditionExpression=" AND ".join(f"{name}=:{name}" for name in was),
            ExpressionAttributeValues=values_of(was),
        )
        password = act(
            "ConditionCheck",
            table,
            Key=credential_key(before.account_id),
            ConditionExpression=f"{_IS_AT_REV} AND (forgotten<:ends OR newest=:newest)",
            ExpressionAttributeValues={":rev": was["rev"], ":ends": was["ends"], ":newest": text(before.id)},
        )
        if commit(self._dynamo, [session, password]):
            raise StaleVersionError

    def end(self, session_id: SessionId, /) -> None:
        self._dynamo.delete(self._dynamo.tables.accounts, session_key(session_id))

    def account_of(self, session_id: SessionId, account_id: AccountId, /) -> Account:
        _, found = self._counting(session_id, account_id)
        account = load_account(found, self._sealing)
        if account is None or is_closed(account):
            raise NotFoundError
        return account

    def _counting(self, session_id: SessionId, account_id: AccountId) -> tuple[Item, Item]:
        """The items of a session of that account, which has not ended, and of the account, which may be empty."""
        session, user, account = self._together(session_id, account_id)
        if session.get("rev") != user.get("rev"):
            # They are not read as of one moment: one may be of before a new password, the other of after it.
            session, user, account = self._together(session_id, account_id)
        if not session or _account_in(session) != account_id or not _goes_on(session_id, session, user):
            raise NotFoundError
        return session, account

    def _together(self, session_id: SessionId, account_id: AccountId) -> tuple[Item, Item, Item]:
        keys = session_key(session_id), credential_key(account_id), account_key(account_id)
        found = self._dynamo.batch_get(self._dynamo.tables.accounts, keys)
        session, user, account = (found.get(pair(one), {}) for one in keys)
        return session, user, account


def _session_attributes(session: Session) -> Item:
    return {
        "account": text(session.account_id),
        "rev": number(session.password_rev),
        "generation": number(session.generation),
        "ends": number(microseconds(session.expires_at)),
        "graces": text(" ".join(str(microseconds(until)) for until in session.graces)),
    }


def _session_item(session: Session) -> Item:
    return {**session_key(session.id), **_session_attributes(session), **collected(session.expires_at)}


def _load_session(session_id: SessionId, item: Item) -> Session:
    return Session(
        id=session_id,
        account_id=_account_in(item),
        password_rev=number_in(item, "rev"),
        generation=number_in(item, "generation"),
        expires_at=instant_of(number_in(item, "ends")),
        graces=tuple(instant_of(int(until)) for until in str(item["graces"]["S"]).split()),
    )


def _account_in(session: Item) -> AccountId:
    return AccountId(str(session["account"]["S"]))


def _goes_on(session_id: SessionId, session: Item, user: Item) -> bool:
    """Whether it was opened with the present password, and has not been forgotten."""
    # A password that is gone has raised the revision, and nothing is opened without one.
    if session["rev"] != user.get("rev"):
        return False
    # Where there is a session, there has been a newest one.
    return number_in(user, "forgotten") < number_in(session, "ends") or user["newest"]["S"] == session_id
