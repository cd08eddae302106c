"""Accounts and patients on DynamoDB."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial

import attrs

from adapters.aws.retrying import Patience
from adapters.dynamodb.access import Dynamo
from adapters.dynamodb.actions import Action, Item, pair
from adapters.dynamodb.changing import anonymise, change_profile, close_account, stored_item
from adapters.dynamodb.doctors import card_actions
from adapters.dynamodb.profiles import account_key, is_closed, load_account, name_in
from adapters.dynamodb.registering import (
    add_action,
    is_reserved,
    login_key,
    open_quota,
    person_in,
    person_key,
    release_actions,
    reserve_actions,
)
from adapters.dynamodb.saga_rows import check_written, entry_action, load_row, row_key, start_actions
from adapters.dynamodb.schedules import schedule_actions
from adapters.dynamodb.settling import commit
from telemed_core.domain.accounts import Account, Login, Reservation, login_space
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import AccountId, CommandId, PatientId, PersonId, SagaId
from telemed_core.domain.instants import EPOCH
from telemed_core.domain.patient import Closure, Patient
from telemed_core.domain.sagas import Phase, SagaEntry
from telemed_core.domain.schedule import Schedule
from telemed_core.errors import (
    AlreadyRegisteredError,
    BusyError,
    ConflictError,
    NotFoundError,
)
from telemed_core.ports.services import Sealing


@attrs.frozen
class DynamoAccounts:
    """Accounts on DynamoDB."""

    _dynamo: Dynamo
    _sealing: Sealing
    _patience: Patience = attrs.field(factory=Patience)

    def reserve(self, reservation: Reservation, /) -> PersonId:
        saga, of_account = reservation.saga, account_key(reservation.account_id)
        starting = start_actions(self._scheduling, (saga,), at=saga.due_at or EPOCH)
        known: PersonId | None = None
        while True:
            reserving = reserve_actions(self._accounts, reservation, known=known, sealing=self._sealing)
            refused = commit(self._dynamo, [*reserving, *starting])
            if not refused:
                return known or reservation.person_id
            of_cpf = None if reservation.cpf is None else pair(person_key(reservation.cpf, self._sealing))
            if known is None and of_cpf is not None and refused.keys() <= {of_cpf}:
                known = person_in(refused[of_cpf])
                continue
            reserved = refused.get(pair(of_account)) or self._item(reservation.account_id)
            if not reserved:
                raise AlreadyRegisteredError
            return person_in(reserved)

    def release(self, account_id: AccountId, /, *, entry: SagaEntry | None = None) -> bool:
        return self._patience(lambda: self._release(account_id, entry), repeatable=False)

    def _release(self, account_id: AccountId, entry: SagaEntry | None) -> bool:
        item = self._item(account_id)
        if item and "profile" in item:
            return True
        giving = release_actions(self._accounts, account_id, item) if item and is_reserved(item) else ()
        actions = [*giving, *self._entry(entry)]
        refused = commit(self._dynamo, actions) if actions else {}
        if pair(account_key(account_id)) in refused:
            # Added or released since it was read.
            raise BusyError
        if refused and entry is not None:
            check_written(entry, refused.get(pair(row_key(entry.before.id))))
        return False

    def add(self, account: Account, /, *, entry: SagaEntry | None = None) -> None:
        self._patience(lambda: self._add(account, entry), repeatable=False)

    def _add(self, account: Account, entry: SagaEntry | None) -> None:
        written = entry or self._completion(account.id)
        if written is None:
            return
        actions = [add_action(self._accounts, account, self._sealing), *self._entry(written), *self._opening(account)]
        refused = commit(self._dynamo, actions)
        if not refused:
            return
        item = refused.get(pair(account_key(account.id))) or self._item(account.id)
        if item and "profile" in item:
            return
        row = refused.get(pair(row_key(written.before.id)))
        if entry is None and row is not None:
            raise BusyError
        if row is not None:
            check_written(written, row)
        raise ConflictError

    def _completion(self, account_id: AccountId) -> SagaEntry | None:
        """What ends the registration's saga without its runner; ``None``: the account has been added."""
        item = self._item(account_id)
        if item and "profile" in item:
            return None
        if not item or not is_reserved(item):
            raise ConflictError
        row = self._dynamo.get(self._dynamo.tables.scheduling, row_key(SagaId(str(item["saga"]["S"]))))
        if row is None:
            raise ConflictError
        before = load_row(row)
        progress = attrs.evolve(before.progress, phase=Phase.COMPLETED)
        return SagaEntry(before=before, progress=progress, at=before.changed_at)

    def _opening(self, account: Account) -> Iterator[Action]:
        if isinstance(account, Patient):
            yield open_quota(self._scheduling, account.person_id)
        if isinstance(account, Doctor):
            yield from card_actions(self._dynamo.tables.directory.name, None, account)
            yield from schedule_actions(
                self._scheduling,
                Schedule.first(account),
                before=None,
                command_id=CommandId(f"{account.id}.{account.rev}"),
            )

    def _entry(self, entry: SagaEntry | None) -> Sequence[Action]:
        return () if entry is None else (entry_action(self._scheduling, entry),)

    def find(self, login: Login, /) -> Account | None:
        at = login_key(login_space(login), login, self._sealing)
        found = self._dynamo.get(self._dynamo.tables.accounts, at)
        account = None if found is None else self._stored(AccountId(str(found["account"]["S"])))
        # It may have been closed since its login was read.
        return None if account is None or is_closed(account) else account

    def get(self, account_id: AccountId, /) -> Account:
        account = self._stored(account_id)
        if account is None:
            raise NotFoundError
        return account

    def update(self, before: Account, after: Account, /) -> None:
        work = partial(change_profile, self._dynamo, before, after, sealing=self._sealing)
        self._patience(work, repeatable=False)

    def close(self, closure: Closure, /) -> None:
        self._patience(partial(close_account, self._dynamo, closure, sealing=self._sealing), repeatable=False)

    def anonymise(self, patient_id: PatientId, /) -> None:
        anonymise(self._dynamo, patient_id, sealing=self._sealing)

    def names(self, account_ids: Collection[AccountId], /) -> Mapping[AccountId, str]:
        asked = {pair(account_key(account_id)): account_id for account_id in account_ids}
        found = self._dynamo.batch_get(self._dynamo.tables.accounts, map(account_key, account_ids))
        named = ((asked[at], name_in(item)) for at, item in found.items())
        return {account_id: name for account_id, name in named if name is not None}

    def _item(self, account_id: AccountId) -> Item | None:
        return stored_item(self._dynamo, account_id)

    def _stored(self, account_id: AccountId) -> Account | None:
        return load_account(self._item(account_id), self._sealing)

    @property
    def _accounts(self) -> str:
        return self._dynamo.tables.accounts.name

    @property
    def _scheduling(self) -> str:
        return self._dynamo.tables.scheduling.name


@attrs.frozen
class DynamoPatients:
    """Patients on DynamoDB."""

    _accounts: DynamoAccounts

    def get(self, patient_id: PatientId, /) -> Patient:
        account = self._accounts.get(patient_id)
        if not isinstance(account, Patient):
            raise NotFoundError
        return account
