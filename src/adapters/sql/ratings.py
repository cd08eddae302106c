"""What patients thought of their visits, in SQL."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import attrs
from sqlalchemy import Connection, Row, bindparam, select, text, tuple_

from adapters.sql.records import leave_receipt, write_texts
from adapters.sql.tables import RATING_SUMS, RATINGS, Instant
from adapters.sql.transactions import Database
from telemed_core.domain.commit import Command
from telemed_core.domain.ids import AppointmentId, DoctorId
from telemed_core.domain.ratings import Rated, Rating, RatingSum
from telemed_core.domain.texts import TextKey
from telemed_core.errors import AlreadyRatedError, NotFoundError
from telemed_core.ports.services import Sealing

_REV: Final = 1
"""A rating is never changed."""

_ADD: Final = text(
    "INSERT INTO ratings (appointment_id, doctor_id, score, comment_seq, at, command_id)"
    " VALUES (:appointment_id, :doctor_id, :score, :comment_seq, :at, :command_id) ON CONFLICT DO NOTHING"
).bindparams(bindparam("at", type_=Instant))
_SUM: Final = text(
    "INSERT INTO rating_sums (doctor_id, count, total) VALUES (:doctor_id, 1, :score) ON CONFLICT (doctor_id)"
    " DO UPDATE SET count = rating_sums.count + 1, total = rating_sums.total + excluded.total"
)
_GET: Final = select(RATINGS).where(RATINGS.c.appointment_id == bindparam("appointment_id"))
_AGE: Final = (RATINGS.c.at, RATINGS.c.appointment_id)
_NEWEST: Final = (
    select(RATINGS)
    .where(RATINGS.c.doctor_id == bindparam("doctor_id"))
    .order_by(*(column.desc() for column in _AGE))
    .limit(bindparam("most"))
)
_OLDER: Final = _NEWEST.where(
    tuple_(*_AGE) < tuple_(bindparam("after_at", type_=Instant), bindparam("after_id")),
)
_SUMS: Final = select(RATING_SUMS).where(RATING_SUMS.c.doctor_id.in_(bindparam("doctor_ids", expanding=True)))


@attrs.frozen
class SqlRatings:
    """Ratings in SQL."""

    _database: Database
    _sealing: Sealing

    def add(self, rated: Rated, /, *, command: Command) -> Rating:
        return self._database.write(lambda connection: self._add(connection, rated, command))

    def _add(self, connection: Connection, rated: Rated, command: Command) -> Rating:
        rating = rated.rating
        leave_receipt(connection, command, subject=rating.appointment_id, rev=_REV)
        row = {
            "appointment_id": rating.appointment_id,
            "doctor_id": rating.doctor_id,
            "score": rating.score,
            "comment_seq": rating.comment.seq if rating.comment else None,
            "at": rating.at,
            "command_id": command.id,
        }
        if not connection.execute(_ADD, row).rowcount:
            kept = connection.execute(_GET, {"appointment_id": rating.appointment_id}).one()
            if kept.command_id != command.id:
                raise AlreadyRatedError
            return _load(kept)
        write_texts(connection, self._sealing, rated.texts)
        # The last one: it is the row that all who rate this doctor wait for.
        connection.execute(_SUM, {"doctor_id": rating.doctor_id, "score": rating.score})
        return rating

    def get(self, appointment_id: AppointmentId, /) -> Rating:
        asked = {"appointment_id": appointment_id}
        row = self._database.read(lambda connection: connection.execute(_GET, asked).one_or_none())
        if row is None:
            raise NotFoundError
        return _load(row)

    def list(
        self, doctor_id: DoctorId, /, *, after: tuple[datetime, AppointmentId] | None = None, limit: int
    ) -> Sequence[Rating]:
        asked: dict[str, Any] = {"doctor_id": doctor_id, "most": limit}
        statement = _NEWEST
        if after is not None:
            statement, asked = _OLDER, {**asked, "after_at": after[0], "after_id": after[1]}
        return self._database.read(lambda connection: [_load(row) for row in connection.execute(statement, asked)])

    def sums(self, doctor_ids: Collection[DoctorId], /) -> Mapping[DoctorId, RatingSum]:
        asked = {"doctor_ids": [*{*doctor_ids}]}
        rows = self._database.read(lambda connection: connection.execute(_SUMS, asked).all())
        return {DoctorId(doctor_id): RatingSum(count, total) for doctor_id, count, total in rows}


def _load(row: Row[Any]) -> Rating:
    appointment_id = AppointmentId(row.appointment_id)
    return Rating(
        appointment_id=appointment_id,
        doctor_id=DoctorId(row.doctor_id),
        score=row.score,
        comment=None if row.comment_seq is None else TextKey(appointment_id, row.comment_seq),
        at=row.at,
    )
