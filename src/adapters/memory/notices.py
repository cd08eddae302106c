"""Notices in memory."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import attrs

from adapters.memory.state import State
from telemed_core.domain.ids import AccountId, AppointmentId, Id
from telemed_core.domain.notices import Channel, DeliveryStatus, Notice, NoticeId
from telemed_core.errors import NotFoundError


@attrs.frozen
class MemoryNotices:
    """The inbox and the delivery log in memory."""

    _state: State

    def add(self, notices: Sequence[Notice], /) -> int:
        state = self._state
        with state.lock:
            before = len(state.notices)
            for notice in notices:
                told = (notice.event, notice.reader, notice.channel)
                if told not in state.told:
                    state.told.add(told)
                    state.notices[notice.id] = notice
            return len(state.notices) - before

    def inbox(
        self, reader: AccountId, /, *, after: tuple[datetime, int, NoticeId] | None = None, limit: int
    ) -> Sequence[Notice]:
        found = (one for one in self._all() if one.reader == reader and one.channel is Channel.IN_APP)
        return _newest(found, after=after, limit=limit)

    def read(self, notice_id: NoticeId, /, *, reader: AccountId, now: datetime) -> None:
        with self._state.lock:
            notice = self._state.notices.get(notice_id)
            if notice is None or notice.reader != reader or notice.channel is not Channel.IN_APP:
                raise NotFoundError
            if notice.read_at is None:
                self._state.notices[notice_id] = attrs.evolve(notice, read_at=now)

    def take(self, *, now: datetime, again_at: datetime, limit: int) -> Sequence[Notice]:
        with self._state.lock:
            due = [one for one in self._first_pending() if one.due_at is not None and one.due_at <= now]
            taken = [
                attrs.evolve(one, attempts=one.attempts + 1, due_at=again_at)
                for one in sorted(due, key=_by_age)[:limit]
            ]
            self._state.notices.update((one.id, one) for one in taken)
        return taken

    def settle(self, before: Notice, after: Notice, /) -> bool:
        with self._state.lock:
            if self._state.notices.get(before.id) != before:
                return False
            self._state.notices[before.id] = after
            return True

    def get(self, notice_id: NoticeId, /) -> Notice:
        with self._state.lock:
            notice = self._state.notices.get(notice_id)
        if notice is None:
            raise NotFoundError
        return notice

    def log(
        self,
        *,
        statuses: Collection[DeliveryStatus] = (),
        channel: Channel | None = None,
        appointment_id: AppointmentId | None = None,
        after: tuple[datetime, int, NoticeId] | None = None,
        limit: int,
    ) -> Sequence[Notice]:
        found = (
            one
            for one in self._all()
            if (not statuses or one.status in statuses)
            and channel in {None, one.channel}
            and appointment_id in {None, one.appointment_id}
        )
        return _newest(found, after=after, limit=limit)

    def _all(self) -> Sequence[Notice]:
        with self._state.lock:
            return [*self._state.notices.values()]

    def _first_pending(self) -> Collection[Notice]:
        """Of each reader and subject the e-mail that must go before the others."""
        first: dict[tuple[AccountId, Id], Notice] = {}
        for one in self._state.notices.values():
            if one.channel is Channel.EMAIL and one.status is DeliveryStatus.PENDING:
                other = first.setdefault((one.reader, one.subject), one)
                if (one.seq, one.at, one.id) < (other.seq, other.at, other.id):
                    first[one.reader, one.subject] = one
        return first.values()


def _newest(notices: Iterable[Notice], *, after: tuple[datetime, int, NoticeId] | None, limit: int) -> Sequence[Notice]:
    behind = (one for one in notices if after is None or _by_age(one) < after)
    return sorted(behind, key=_by_age, reverse=True)[:limit]


def _by_age(notice: Notice) -> tuple[datetime, int, NoticeId]:
    return notice.at, notice.seq, notice.id
