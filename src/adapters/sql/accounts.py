"""Accounts and patients in SQL."""

from collections.abc import Collection, Mapping
from typing import Final

import attrs
from sqlalchemy import Connection, Executable, bindparam, delete, insert, select, text, update

from adapters.serialization import dump_schedule, name_in_profile
from adapters.sql import profiles
from adapters.sql.changing import anonymise, change_profile, close_account
from adapters.sql.doctors import write_directory
from adapters.sql.saga_rows import complete, start_sagas, write_entry
from adapters.sql.tables import ACCOUNTS, LOGINS, PERSONS, SCHEDULES
from adapters.sql.transactions import Database
from telemed_core.domain.accounts import Account, Login, Reservation, login_space
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import AccountId, PatientId, PersonId, SagaId
from telemed_core.domain.instants import EPOCH
from telemed_core.domain.patient import Closure, Patient
from telemed_core.domain.people import Cpf, EmailAddress
from telemed_core.domain.sagas import SagaEntry
from telemed_core.domain.schedule import Schedule
from telemed_core.errors import AlreadyRegisteredError, ConflictError, NotFoundError
from telemed_core.ports.services import Sealing

_PERSON_SPACE: Final = "person:cpf"

_NEW_PERSON: Final = text("INSERT INTO persons (cpf_index, id) VALUES (:cpf_index, :id) ON CONFLICT DO NOTHING")
_PERSON: Final = select(PERSONS.c.id).where(PERSONS.c.cpf_index == bindparam("cpf_index"))
_RESERVE: Final = text(
    "INSERT INTO accounts (id, role, person_id, saga_id, rev) VALUES (:id, :role, :person_id, :saga_id, 0)"
    " ON CONFLICT DO NOTHING"
)
_RESERVED: Final = select(ACCOUNTS.c.person_id).where(ACCOUNTS.c.id == bindparam("account_id"))
_ADDED: Final = _RESERVED.where(ACCOUNTS.c.profile.is_not(None))
_TAKE_LOGIN: Final = text(
    "INSERT INTO logins (space, login_index, account_id) VALUES (:space, :login_index, :account_id)"
    " ON CONFLICT DO NOTHING"
)
_RELEASE: Final = delete(ACCOUNTS).where(ACCOUNTS.c.id == bindparam("account_id"), ACCOUNTS.c.profile.is_(None))
_ADD: Final = (
    update(ACCOUNTS)
    .where(ACCOUNTS.c.id == bindparam("account_id"), ACCOUNTS.c.profile.is_(None))
    .returning(ACCOUNTS.c.saga_id)
)
_COUNT: Final = text(
    "INSERT INTO quotas (person_id, pending, live, open) VALUES (:person_id, 0, 0, true)"
    " ON CONFLICT (person_id) DO UPDATE SET open = true"
)
_FIRST_SCHEDULE: Final = insert(SCHEDULES)
_FIND: Final = profiles.ADDED.join_from(LOGINS, ACCOUNTS).where(
    LOGINS.c.space == bindparam("space"), LOGINS.c.login_index == bindparam("login_index")
)
_GET: Final = profiles.ADDED.where(ACCOUNTS.c.id == bindparam("account_id"))
_NAMES: Final = profiles.ADDED.where(ACCOUNTS.c.id.in_(bindparam("ids", expanding=True)))


@attrs.frozen
class SqlAccounts:
    """Accounts in SQL."""

    _database: Database
    _sealing: Sealing

    def reserve(self, reservation: Reservation, /) -> PersonId:
        return self._database.write(lambda connection: self._reserve(connection, reservation))

    def _reserve(self, connection: Connection, reservation: Reservation) -> PersonId:
        account = {"account_id": reservation.account_id}
        reserved = connection.execute(_RESERVED, account).scalar()
        if reserved is not None:
            return PersonId(reserved)
        person = self._person(connection, reservation)
        row = {"role": reservation.role.value, "person_id": person, "saga_id": reservation.saga.id}
        if not connection.execute(_RESERVE, {**row, "id": reservation.account_id}).rowcount:
            connection.rollback()
            return PersonId(connection.execute(_RESERVED, account).scalar_one())
        for space, index in sorted((space, self._index(space, login)) for space, login in reservation.logins()):
            if not connection.execute(_TAKE_LOGIN, {**account, "space": space, "login_index": index}).rowcount:
                raise AlreadyRegisteredError
        saga = reservation.saga
        start_sagas(connection, (saga,), at=saga.due_at or EPOCH)
        return person

    def _person(self, connection: Connection, reservation: Reservation) -> PersonId:
        if reservation.cpf is None:
            return reservation.person_id
        index = self._index(_PERSON_SPACE, reservation.cpf)
        connection.execute(_NEW_PERSON, {"cpf_index": index, "id": reservation.person_id})
        return PersonId(connection.execute(_PERSON, {"cpf_index": index}).scalar_one())

    def release(self, account_id: AccountId, /, *, entry: SagaEntry | None = None) -> bool:
        return self._database.write(lambda connection: _release(connection, account_id, entry))

    def add(self, account: Account, /, *, entry: SagaEntry | None = None) -> None:
        self._database.write(lambda connection: self._add(connection, account, entry))

    def _add(self, connection: Connection, account: Account, entry: SagaEntry | None) -> None:
        if connection.execute(_ADDED, {"account_id": account.id}).scalar() is not None:
            return
        if entry is not None:
            write_entry(connection, entry)
        row = profiles.row_of(account, self._sealing)
        saga_id = connection.execute(_ADD, {**row, "account_id": account.id}).scalar_one_or_none()
        if saga_id is None:
            if connection.execute(_RESERVED, {"account_id": account.id}).scalar() is None:
                raise ConflictError
            return
        if isinstance(account, Patient):
            connection.execute(_COUNT, {"person_id": account.person_id})
        if isinstance(account, Doctor):
            write_directory(connection, account)
            _open_schedule(connection, account)
        if entry is None:
            complete(connection, SagaId(saga_id))

    def find(self, login: Login, /) -> Account | None:
        space = login_space(login)
        return self._one(_FIND, {"space": space, "login_index": self._index(space, login)})

    def get(self, account_id: AccountId, /) -> Account:
        account = self._one(_GET, {"account_id": account_id})
        if account is None:
            raise NotFoundError
        return account

    def update(self, before: Account, after: Account, /) -> None:
        self._database.write(lambda connection: change_profile(connection, before, after, sealing=self._sealing))

    def close(self, closure: Closure, /) -> None:
        self._database.write(lambda connection: close_account(connection, closure, sealing=self._sealing))

    def anonymise(self, patient_id: PatientId, /) -> None:
        self._database.write(lambda connection: anonymise(connection, patient_id, sealing=self._sealing))

    def names(self, account_ids: Collection[AccountId], /) -> Mapping[AccountId, str]:
        asked = {account_id: account_id for account_id in account_ids}
        rows = self._database.read(lambda connection: connection.execute(_NAMES, {"ids": [*asked]}).all())
        named = ((asked[row.id], name_in_profile(row.profile)) for row in rows)
        return {account_id: name for account_id, name in named if name is not None}

    def _one(self, statement: Executable, asked: Mapping[str, str]) -> Account | None:
        row = self._database.read(lambda connection: connection.execute(statement, asked).one_or_none())
        return None if row is None else profiles.load(row, self._sealing)

    def _index(self, space: str, login: Login) -> str:
        match login:
            case Cpf():
                return self._sealing.index(space, login.digits)
            case EmailAddress():
                return self._sealing.index(space, login.address)
            case _:
                return self._sealing.index(space, str(login))


def _release(connection: Connection, account_id: AccountId, entry: SagaEntry | None) -> bool:
    connection.execute(_RELEASE, {"account_id": account_id})
    if connection.execute(_ADDED, {"account_id": account_id}).scalar() is not None:
        return True
    if entry is not None:
        write_entry(connection, entry)
    return False


def _open_schedule(connection: Connection, doctor: Doctor) -> None:
    schedule = Schedule.first(doctor)
    row = {"doctor_id": doctor.id, "rev": schedule.rev, "bookable": schedule.bookable, "body": dump_schedule(schedule)}
    connection.execute(_FIRST_SCHEDULE, row)


@attrs.frozen
class SqlPatients:
    """Patients in SQL."""

    _accounts: SqlAccounts

    def get(self, patient_id: PatientId, /) -> Patient:
        account = self._accounts.get(patient_id)
        if not isinstance(account, Patient):
            raise NotFoundError
        return account
