"""Doctors in SQL: their profiles, the directory in which they are found, and decisions on their registration."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import attrs
from sqlalchemy import Connection, Executable, bindparam, delete, insert, select, update

from adapters.serialization import dump_affected, load_affected
from adapters.sql import profiles
from adapters.sql.records import leave_receipt, write_texts
from adapters.sql.saga_rows import start_sagas
from adapters.sql.schedules import live_of, locked, replace, was_made_by
from adapters.sql.tables import ACCOUNTS, DECISIONS, DOCTOR_SPECIALTIES, DOCTOR_WORDS, DOCTORS
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
_DECIDE: Final = update(ACCOUNTS).where(ACCOUNTS.c.id == bindparam("of"), ACCOUNTS.c.rev == bindparam("before"))
_SHOW: Final = update(DOCTORS).where(DOCTORS.c.id == bindparam("of"))
_ENTER: Final = insert(DOCTORS)
_ENTER_SPECIALTY: Final = insert(DOCTOR_SPECIALTIES)
_ENTER_WORD: Final = insert(DOCTOR_WORDS)
_STRIKE_SPECIALTY: Final = delete(DOCTOR_SPECIALTIES).where(
    DOCTOR_SPECIALTIES.c.specialty == bindparam("of_specialty"), DOCTOR_SPECIALTIES.c.doctor_id == bindparam("of")
)
_STRIKE_WORD: Final = delete(DOCTOR_WORDS).where(
    DOCTOR_WORDS.c.word == bindparam("of_word"), DOCTOR_WORDS.c.doctor_id == bindparam("of")
)
_QUEUE: Final = _LIST.order_by(DOCTORS.c.registered_at.desc(), DOCTORS.c.id)
_KEEP_DECISION: Final = insert(DECISIONS)
_MADE: Final = (
    select(ACCOUNTS.c.id, ACCOUNTS.c.role, ACCOUNTS.c.cpf, DECISIONS.c.profile, DECISIONS.c.affected)
    .join_from(DECISIONS, ACCOUNTS)
    .where(DECISIONS.c.doctor_id == bindparam("doctor_id"))
)
_DECISION: Final = _MADE.where(DECISIONS.c.rev == bindparam("rev"))
_DECISIONS: Final = _MADE.where(DECISIONS.c.rev > bindparam("after")).order_by(DECISIONS.c.rev)


def write_directory(connection: Connection, doctor: Doctor) -> None:
    """Enter a new doctor under what doctors are found by."""
    entry = {"id": doctor.id, "status": doctor.status.value, "registered_at": doctor.registered_at}
    connection.execute(_ENTER, entry)
    _enter(connection, doctor, doctor.specialties, name_words(doctor.name))


def change_directory(connection: Connection, before: Doctor, after: Doctor) -> None:
    """Enter a doctor who was found by what ``before`` says under what ``after`` says."""
    specialties, words = {*before.specialties}, {*name_words(before.name)}
    gone, unsaid = specialties.difference(after.specialties), words.difference(name_words(after.name))
    if gone:
        connection.execute(_STRIKE_SPECIALTY, [{"of": after.id, "of_specialty": one.value} for one in gone])
    if unsaid:
        connection.execute(_STRIKE_WORD, [{"of": after.id, "of_word": word} for word in unsaid])
    _enter(connection, after, {*after.specialties} - specialties, {*name_words(after.name)} - words)


def _enter(connection: Connection, doctor: Doctor, specialties: Collection[Specialty], words: Collection[str]) -> None:
    if specialties:
        entries = [{"doctor_id": doctor.id, "specialty": specialty.value} for specialty in specialties]
        connection.execute(_ENTER_SPECIALTY, entries)
    if words:
        connection.execute(_ENTER_WORD, [{"doctor_id": doctor.id, "word": word} for word in words])


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
        return self._found(statement)

    def apply(self, verification: Verification, /, *, command: Command) -> Sequence[AppointmentId]:
        return self._database.write(lambda connection: self._apply(connection, verification, command))

    def _apply(self, connection: Connection, verification: Verification, command: Command) -> Sequence[AppointmentId]:
        before, doctor = verification.before, verification.after
        leave_receipt(connection, command, subject=doctor.id, rev=doctor.rev)
        schedule = locked(connection, doctor.id)
        if schedule is None:
            raise StaleVersionError
        row = profiles.row_of(doctor, self._sealing)
        decided = connection.execute(_DECIDE, {**row, "of": doctor.id, "before": before.rev}).rowcount
        opened = schedule.opened(bookable=doctor.approved)
        if not decided or not replace(connection, opened, before=schedule.rev, command_id=command.id):
            kept = connection.execute(_DECISION, {"doctor_id": doctor.id, "rev": doctor.rev}).one_or_none()
            if kept is None or not was_made_by(connection, doctor.id, command.id):
                raise StaleVersionError
            return load_affected(kept.affected)
        connection.execute(_SHOW, {"of": doctor.id, "status": doctor.status.value})
        write_texts(connection, self._sealing, verification.texts)
        start_sagas(connection, (verification.saga,), at=command.at)
        affected = live_of(connection, doctor.id, now=command.at)
        left = {"profile": row["profile"], "affected": dump_affected(affected)}
        connection.execute(_KEEP_DECISION, {"doctor_id": doctor.id, "rev": doctor.rev, **left})
        return affected

    def queue(
        self, *, status: DoctorStatus | None = None, after: tuple[datetime, DoctorId] | None = None, limit: int
    ) -> Sequence[Doctor]:
        statement = _QUEUE.limit(limit)
        if status is not None:
            statement = statement.where(DOCTORS.c.status == status.value)
        if after is not None:
            at, doctor_id = after
            registered = DOCTORS.c.registered_at
            statement = statement.where(registered <= at, (registered < at) | (DOCTORS.c.id > doctor_id))
        return self._found(statement)

    def verified(self, doctor_id: DoctorId, rev: int, /) -> tuple[Doctor, Sequence[AppointmentId]]:
        asked = {"doctor_id": doctor_id, "rev": rev}
        row = self._database.read(lambda connection: connection.execute(_DECISION, asked).one_or_none())
        doctor = None if row is None else profiles.load(row, self._sealing)
        if row is None or not isinstance(doctor, Doctor):
            raise NotFoundError
        return doctor, load_affected(row.affected)

    def decisions(self, doctor_id: DoctorId, /, *, after: int) -> Sequence[Doctor]:
        return self._found(_DECISIONS, {"doctor_id": doctor_id, "after": after})

    def _found(self, statement: Executable, asked: Mapping[str, Any] | None = None) -> Sequence[Doctor]:
        rows = self._database.read(lambda connection: connection.execute(statement, asked).all())
        accounts = (profiles.load(row, self._sealing) for row in rows)
        return [account for account in accounts if isinstance(account, Doctor)]
