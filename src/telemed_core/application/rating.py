"""Patients rate their visits, and everybody reads what they thought."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import attrs

from telemed_core.application.booking import own
from telemed_core.application.committing import Commands
from telemed_core.application.reading import ShowDoctor
from telemed_core.domain import visit
from telemed_core.domain.accounts import Account
from telemed_core.domain.commit import Command, Idempotency
from telemed_core.domain.ids import AppointmentId, DoctorId
from telemed_core.domain.patient import Patient
from telemed_core.domain.ratings import UNRATED, Rating, RatingSum
from telemed_core.domain.receipts import Receipt
from telemed_core.domain.texts import TextKey
from telemed_core.ports.storage import Appointments, Ratings, Texts


@attrs.frozen
class RateVisit:
    """The patient says once what they thought of a completed visit: 1–5, and a comment.

    Raises:
        NotFoundError: it is somebody else's.
        InvalidTransitionError: it was not completed.
        AlreadyRatedError: it has its rating.
        InvalidError: the score is not 1–5, or the comment is longer than 500 characters.
    """

    _appointments: Appointments
    _ratings: Ratings
    _commands: Commands

    def __call__(
        self,
        *,
        appointment_id: AppointmentId,
        patient: Patient,
        score: int,
        comment: str | None = None,
        idempotency: Idempotency | None = None,
    ) -> Rating:
        def act(command: Command) -> Rating:
            appointment = own(self._appointments, appointment_id, patient)
            rated = visit.rate(appointment, by=patient.id, score=score, comment=comment, now=command.at)
            return self._ratings.add(rated, command=command)

        return self._commands.run(act, idempotency=idempotency)


@attrs.frozen
class RecallRating:
    """The rating that a command left, by the command's receipt."""

    _ratings: Ratings

    def __call__(self, receipt: Receipt, /) -> Rating:
        return self._ratings.get(AppointmentId(receipt.subject))


@attrs.frozen
class ListRatings:
    """A doctor's ratings, newest first; of one who is not approved they are seen by themself and administrators only.

    Raises:
        NotFoundError: there is no such doctor, or it is not to be seen.
    """

    _show_doctor: ShowDoctor
    _ratings: Ratings

    def __call__(
        self,
        *,
        doctor_id: DoctorId,
        viewer: Account,
        after: tuple[datetime, AppointmentId] | None = None,
        limit: int = 20,
    ) -> Sequence[Rating]:
        doctor = self._show_doctor(doctor_id=doctor_id, viewer=viewer)
        return self._ratings.list(doctor.id, after=after, limit=limit)


@attrs.frozen
class ReadComments:
    """What was written to these ratings, in one read."""

    _texts: Texts

    def __call__(self, ratings: Collection[Rating], /) -> Mapping[TextKey, str]:
        keys = {one.comment for one in ratings if one.comment}
        return self._texts.read(keys) if keys else {}


@attrs.frozen
class SumRatings:
    """The sum of each doctor's ratings, in one read; of those without one too."""

    _ratings: Ratings

    def __call__(self, doctor_ids: Collection[DoctorId], /) -> Mapping[DoctorId, RatingSum]:
        found: Mapping[DoctorId, RatingSum] = self._ratings.sums(doctor_ids) if doctor_ids else {}
        return {one: found.get(one, UNRATED) for one in doctor_ids}
