"""The inbox and the delivery log in SQL."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

import attrs
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    bindparam,
    exists,
    literal_column,
    select,
    text,
    tuple_,
    update,
)

from adapters.serialization import dump_announcement, load_announcement
from adapters.sql.tables import NOTICES, Instant
from adapters.sql.transactions import Database
from telemed_core.domain.ids import AccountId, AppointmentId, Id
from telemed_core.domain.notices import Channel, DeliveryStatus, EventId, Kind, Notice, NoticeId
from telemed_core.errors import NotFoundError

_COLUMNS: Final = tuple(column.name for column in NOTICES.columns)
_ADD: Final = text(
    f"INSERT INTO notices ({', '.join(_COLUMNS)}) VALUES ({', '.join(f':{name}' for name in _COLUMNS)})"  # noqa: S608 # our own names
    " ON CONFLICT DO NOTHING"
).bindparams(*(bindparam(name, type_=Instant) for name in ("at", "due_at", "read_at")))
_AGE: Final = (NOTICES.c.at, NOTICES.c.seq, NOTICES.c.id)
_NEWEST: Final = select(NOTICES).order_by(*(column.desc() for column in _AGE))
_GET: Final = select(NOTICES).where(NOTICES.c.id == bindparam("notice_id"))
_LOCKED: Final = _GET.with_for_update()
_OF_READER: Final = (
    NOTICES.c.id == bindparam("of"),
    NOTICES.c.reader == bindparam("whose"),
    NOTICES.c.channel == Channel.IN_APP.value,
)
_READ: Final = update(NOTICES).where(*_OF_READER, NOTICES.c.read_at.is_(None))
_THERE: Final = select(NOTICES.c.id).where(*_OF_READER)
# Written out: a plan that is to do for any value takes no partial index.
_PENDING: Final[ColumnElement[str]] = literal_column(f"'{DeliveryStatus.PENDING.value}'")
_EARLIER: Final = NOTICES.alias("earlier")
_DUE: Final = (
    select(NOTICES.c.id)
    .where(
        NOTICES.c.due_at <= bindparam("now", type_=Instant),
        NOTICES.c.status == _PENDING,
        ~exists().where(
            _EARLIER.c.reader == NOTICES.c.reader,
            _EARLIER.c.subject == NOTICES.c.subject,
            _EARLIER.c.status == _PENDING,
            tuple_(_EARLIER.c.seq, _EARLIER.c.at, _EARLIER.c.id) < tuple_(NOTICES.c.seq, NOTICES.c.at, NOTICES.c.id),
        ),
    )
    .order_by(*_AGE)
    .limit(bindparam("most"))
)
_TAKEN: Final = _DUE.with_for_update(skip_locked=True, of=NOTICES).cte("taken")
_TAKE: Final = (
    update(NOTICES)
    .where(NOTICES.c.id.in_(select(_TAKEN.c.id)))
    .values(attempts=NOTICES.c.attempts + 1, due_at=bindparam("again_at", type_=Instant))
    .returning(NOTICES)
)
_SETTLE: Final = update(NOTICES).where(
    NOTICES.c.id == bindparam("of"),
    NOTICES.c.status == bindparam("status_before"),
    NOTICES.c.attempts == bindparam("attempts_before"),
    NOTICES.c.due_at.is_not_distinct_from(bindparam("due_before", type_=Instant)),
)


@attrs.frozen
class SqlNotices:
    """Notices in SQL."""

    _database: Database

    def add(self, notices: Sequence[Notice], /) -> int:
        rows = [_values(notice) for notice in notices]
        counts: list[int] = []

        def work(connection: Connection) -> int:
            counts.append(sum(max(connection.execute(_ADD, row).rowcount, 0) for row in rows))
            # A run whose answer was lost has added them, where this one has found them.
            return max(counts)

        return self._database.write(work)

    def inbox(
        self, reader: AccountId, /, *, after: tuple[datetime, int, NoticeId] | None = None, limit: int
    ) -> Sequence[Notice]:
        own = (NOTICES.c.reader == reader, NOTICES.c.channel == Channel.IN_APP.value)
        return self._found(_NEWEST.where(*own), after=after, limit=limit)

    def read(self, notice_id: NoticeId, /, *, reader: AccountId, now: datetime) -> None:
        whose = {"of": notice_id, "whose": reader}

        def work(connection: Connection) -> None:
            if connection.execute(_READ, {**whose, "read_at": now}).rowcount:
                return
            if connection.execute(_THERE, whose).scalar() is None:
                raise NotFoundError

        self._database.write(work)

    def take(self, *, now: datetime, again_at: datetime, limit: int) -> Sequence[Notice]:
        asked = {"now": now, "most": limit}
        # Looking costs no turn to write: most of the time there is nothing.
        if not self._database.read(lambda connection: connection.execute(_DUE, {**asked, "most": 1}).all()):
            return []

        def work(connection: Connection) -> list[Notice]:
            return [_load(row) for row in connection.execute(_TAKE, {**asked, "again_at": again_at})]

        return sorted(self._database.write(work), key=lambda one: (one.at, one.seq, one.id))

    def settle(self, before: Notice, after: Notice, /) -> bool:
        asked = {
            "of": before.id,
            "status_before": before.status.value,
            "attempts_before": before.attempts,
            "due_before": before.due_at,
        }

        def work(connection: Connection) -> bool:
            return bool(connection.execute(_SETTLE, {**_values(after), **asked}).rowcount)

        def done(connection: Connection, _: object) -> bool:
            row = connection.execute(_LOCKED, {"notice_id": after.id}).one_or_none()
            return row is not None and _load(row) == after

        return self._database.write(work, done=done)

    def get(self, notice_id: NoticeId, /) -> Notice:
        asked = {"notice_id": notice_id}
        row = self._database.read(lambda connection: connection.execute(_GET, asked).one_or_none())
        if row is None:
            raise NotFoundError
        return _load(row)

    def log(
        self,
        *,
        statuses: Collection[DeliveryStatus] = (),
        channel: Channel | None = None,
        appointment_id: AppointmentId | None = None,
        after: tuple[datetime, int, NoticeId] | None = None,
        limit: int,
    ) -> Sequence[Notice]:
        statement = _NEWEST
        if statuses:
            statement = statement.where(NOTICES.c.status.in_([status.value for status in statuses]))
        if channel is not None:
            statement = statement.where(NOTICES.c.channel == channel.value)
        if appointment_id is not None:
            statement = statement.where(NOTICES.c.appointment_id == appointment_id)
        return self._found(statement, after=after, limit=limit)

    def _found(
        self, statement: Select[Any], *, after: tuple[datetime, int, NoticeId] | None, limit: int
    ) -> Sequence[Notice]:
        if after is not None:
            statement = statement.where(tuple_(*_AGE) < after)
        statement = statement.limit(limit)
        return self._database.read(lambda connection: [_load(row) for row in connection.execute(statement)])


def _values(notice: Notice) -> dict[str, Any]:
    return {
        **{name: getattr(notice, name) for name in _COLUMNS},
        "channel": notice.channel.value,
        "kind": notice.kind.value,
        "status": notice.status.value,
        "about": dump_announcement(notice.about),
    }


def _load(row: Row[Any]) -> Notice:
    return Notice(
        id=NoticeId(row.id),
        event=EventId(row.event),
        reader=AccountId(row.reader),
        channel=Channel(row.channel),
        kind=Kind(row.kind),
        at=row.at,
        seq=row.seq,
        subject=Id(row.subject),
        appointment_id=None if row.appointment_id is None else AppointmentId(row.appointment_id),
        about=load_announcement(row.about),
        status=DeliveryStatus(row.status),
        attempts=row.attempts,
        last_error=row.last_error,
        due_at=row.due_at,
        read_at=row.read_at,
    )
