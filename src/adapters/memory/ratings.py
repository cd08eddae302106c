"""What patients thought of their visits, in memory."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import attrs

from adapters.memory.state import State
from telemed_core.domain.commit import Command
from telemed_core.domain.ids import AppointmentId, DoctorId
from telemed_core.domain.ratings import UNRATED, Rated, Rating, RatingSum
from telemed_core.errors import AlreadyRatedError, NotFoundError


@attrs.frozen
class MemoryRatings:
    """Ratings in memory."""

    _state: State

    def add(self, rated: Rated, /, *, command: Command) -> Rating:
        state, rating = self._state, rated.rating
        with state.lock:
            state.check_receipt(command)
            by, kept = state.ratings.get(rating.appointment_id, (None, None))
            if kept is not None and by == command.id:
                return kept
            if kept is not None:
                raise AlreadyRatedError
            before = state.sums.get(rating.doctor_id, UNRATED)
            state.ratings[rating.appointment_id] = (command.id, rating)
            state.sums[rating.doctor_id] = RatingSum(before.count + 1, before.total + rating.score)
            state.write(command, subject=rating.appointment_id, rev=1, texts=rated.texts, sagas=())
        return rating

    def get(self, appointment_id: AppointmentId, /) -> Rating:
        with self._state.lock:
            _, rating = self._state.ratings.get(appointment_id, (None, None))
        if rating is None:
            raise NotFoundError
        return rating

    def list(
        self, doctor_id: DoctorId, /, *, after: tuple[datetime, AppointmentId] | None = None, limit: int
    ) -> Sequence[Rating]:
        with self._state.lock:
            found = [one for _, one in self._state.ratings.values() if one.doctor_id == doctor_id]
        behind = (one for one in found if after is None or _by_age(one) < after)
        return sorted(behind, key=_by_age, reverse=True)[:limit]

    def sums(self, doctor_ids: Collection[DoctorId], /) -> Mapping[DoctorId, RatingSum]:
        with self._state.lock:
            return {one: self._state.sums[one] for one in doctor_ids if one in self._state.sums}


def _by_age(rating: Rating) -> tuple[datetime, AppointmentId]:
    return rating.at, rating.appointment_id
