"""Doctors in SQL: their profiles, the directory in which they are found, and decisions on their registration."""

from collections.abc import Sequence
from typing import Final

import attrs
from sqlalchemy import Connection, bindparam, insert, select, update

from adapters.serialization import load_schedule
from adapters.sql import profiles
from adapters.sql.records import leave_receipt, start_sagas, write_texts
from adapters.sql.schedules import live_of, replace, was_made_by
from adapters.sql.tables import ACCOUNTS, DOCTOR_SPECIALTIES, DOCTOR_WORDS, DOCTORS, SCHEDULES
from adapters.sql.transactions import Database
from telemed_core.domain.commit import Command
from telemed_core.domain.doctor import Doctor, DoctorStatus, Verification
from telemed_core.domain.ids import AppointmentId, DoctorId
from telemed_core.domain.people import name_words
from telemed_core.domain.specialties import Specialty
from telemed_core.errors import NotFoundError, StaleVersionError
from telemed_core.ports.services import Sealing

_BEHIND_ALL: Final = "\U0010ffff"

_GET: Final = profiles.ADDED.where(ACCOUNTS.c.id == bindparam("doctor_id"))
_LIST: Final = profiles.ADDED.join_from(DOCTORS, ACCOUNTS)
_HEAD: Final = select(SCHEDULES.c.body).where(SCHEDULES.c.doctor_id == bindparam("doctor_id")).with_for_update()
_DECIDE: Final = update(ACCOUNTS).where(ACCOUNTS.c.id == bindparam("of"), ACCOUNTS.c.rev == bindparam("before"))
_SHOW: Final = update(DOCTORS).where(DOCTORS.c.id == bindparam("of"))
_ENTER: Final = insert(DOCTORS)
_ENTER_SPECIALTY: Final = insert(DOCTOR_SPECIALTIES)
_ENTER_WORD: Final = insert(DOCTOR_WORDS)


def write_directory(connection: Connection, doctor: Doctor) -> None:
    """Enter a new doctor under what doctors are found by."""
    connection.execute(_ENTER, {"id": doctor.id, "status": doctor.status.value})
    entries = [{"doctor_id": doctor.id, "specialty": specialty.value} for specialty in doctor.specialties]
    connection.execute(_ENTER_SPECIALTY, entries)
    connection.execute(_ENTER_WORD, [{"doctor_id": doctor.id, "word": word} for word in name_words(doctor.name)])


@attrs.frozen
class SqlDoctors:
    """Doctors in SQL."""

    _database: Database
    _sealing: Sealing

    def get(self, doctor_id: DoctorId, /) -> Doctor:
        asked = {"doctor_id": doctor_id}
        row = self._database.read(lambda connection: connection.execute(_GET, asked).one_or_none())
        account = None if row is None else profiles.load(row, self._sealing)
        if not isinstance(account, Doctor):
            raise NotFoundError
        return account

    def list(
        self,
        *,
        status: DoctorStatus | None = None,
        specialty: Specialty | None = None,
        name: str | None = None,
        after: DoctorId | None = None,
        limit: int,
    ) -> Sequence[Doctor]:
        statement = _LIST.order_by(DOCTORS.c.id).limit(limit)
        if after is not None:
            statement = statement.where(DOCTORS.c.id > after)
        if status is not None:
            statement = statement.where(DOCTORS.c.status == status.value)
        if specialty is not None:
            having = select(DOCTOR_SPECIALTIES.c.doctor_id).where(DOCTOR_SPECIALTIES.c.specialty == specialty.value)
            statement = statement.where(DOCTORS.c.id.in_(having))
        for word in sorted(name_words(name or "")):
            within = (DOCTOR_WORDS.c.word >= word) & (DOCTOR_WORDS.c.word < word + _BEHIND_ALL)
            statement = statement.where(DOCTORS.c.id.in_(select(DOCTOR_WORDS.c.doctor_id).where(within)))
        rows = self._database.read(lambda connection: connection.execute(statement).all())
        accounts = (profiles.load(row, self._sealing) for row in rows)
        return [account for account in accounts if isinstance(account, Doctor)]

    def apply(self, verification: Verification, /, *, command: Command) -> Sequence[AppointmentId]:
        return self._database.write(lambda connection: self._apply(connection, verification, command))

    def _apply(self, connection: Connection, verification: Verification, command: Command) -> Sequence[AppointmentId]:
        before, doctor = verification.before, verification.after
        leave_receipt(connection, command, subject=doctor.id, rev=doctor.rev)
        body = connection.execute(_HEAD, {"doctor_id": doctor.id}).scalar_one_or_none()
        if body is None:
            raise StaleVersionError
        schedule = load_schedule(body)
        row = profiles.row_of(doctor, self._sealing)
        decided = connection.execute(_DECIDE, {**row, "of": doctor.id, "before": before.rev}).rowcount
        opened = schedule.opened(bookable=doctor.approved)
        if not decided or not replace(connection, opened, before=schedule.rev, command_id=command.id):
            if not was_made_by(connection, doctor.id, command.id):
                raise StaleVersionError
            return live_of(connection, doctor.id, now=command.at)
        connection.execute(_SHOW, {"of": doctor.id, "status": doctor.status.value})
        write_texts(connection, self._sealing, verification.texts)
        start_sagas(connection, (verification.saga,))
        return live_of(connection, doctor.id, now=command.at)
