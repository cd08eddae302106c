"""What patients thought of their visits, on DynamoDB.

A rating stands twice, with its visit and in its doctor's list, in one transaction: an index would lag behind, and
costs as much to write.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Final

import attrs

from adapters.dynamodb.access import Dynamo, Query
from adapters.dynamodb.actions import Action, Item, key, number, pair, text
from adapters.dynamodb.items import sortable
from adapters.dynamodb.leaving import check_receipt, receipt_actions, text_actions
from adapters.dynamodb.records import sealed_by
from adapters.dynamodb.settling import IS_NEW, act, commit, number_in
from adapters.serialization import instant_of, microseconds
from telemed_core.domain.commit import Command
from telemed_core.domain.ids import AppointmentId, DoctorId
from telemed_core.domain.ratings import Rated, Rating, RatingSum
from telemed_core.domain.texts import TextKey
from telemed_core.errors import AlreadyRatedError, NotFoundError
from telemed_core.ports.services import Sealing

_REV: Final = 1
"""A rating is never changed."""
_LISTED: Final = "RATED#"


@attrs.frozen
class DynamoRatings:
    """Ratings on DynamoDB; what is written is sealed."""

    _dynamo: Dynamo
    _sealing: Sealing

    def add(self, rated: Rated, /, *, command: Command) -> Rating:
        refused = commit(self._dynamo, [*self._actions(rated, command)])
        if not refused:
            return rated.rating
        check_receipt(command, refused)
        kept = refused[pair(_rating_key(rated.rating.appointment_id))]
        if kept["command"]["S"] != command.id:
            raise AlreadyRatedError
        return _load(kept)

    def _actions(self, rated: Rated, command: Command) -> Iterator[Action]:
        rating, scheduling = rated.rating, self._dynamo.tables.scheduling.name
        yield from receipt_actions(scheduling, command, subject=rating.appointment_id, rev=_REV)
        kept = {**_rating_key(rating.appointment_id), **_rating(rating), "command": text(command.id)}
        yield act("Put", scheduling, Item=kept, ConditionExpression=IS_NEW)
        # What follows is new with the rating.
        yield act("Put", scheduling, Item={**_listed_key(rating), **_rating(rating)})
        yield act(
            "Update",
            scheduling,
            Key=_sum_key(rating.doctor_id),
            UpdateExpression="ADD ratings :one,scores :score",
            ExpressionAttributeValues={":one": number(1), ":score": number(rating.score)},
        )
        yield from text_actions(self._dynamo.tables.clinical.name, rated.texts, sealed_by(self._sealing))

    def get(self, appointment_id: AppointmentId, /) -> Rating:
        item = self._dynamo.get(self._dynamo.tables.scheduling, _rating_key(appointment_id))
        if item is None:
            raise NotFoundError
        return _load(item)

    def list(
        self, doctor_id: DoctorId, /, *, after: tuple[datetime, AppointmentId] | None = None, limit: int
    ) -> Sequence[Rating]:
        start = None if after is None else key(f"D#{doctor_id}", f"{_LISTED}{sortable(after[0])}#{after[1]}")
        asked = Query(
            table=self._dynamo.tables.scheduling,
            partition=f"D#{doctor_id}",
            begins=_LISTED,
            after=start,
            most=limit,
            backwards=True,
        )
        return [_load(item) for item in islice(self._dynamo.query(asked), limit)]

    def sums(self, doctor_ids: Collection[DoctorId], /) -> Mapping[DoctorId, RatingSum]:
        keys = {doctor_id: _sum_key(doctor_id) for doctor_id in doctor_ids}
        found = self._dynamo.batch_get(self._dynamo.tables.scheduling, keys.values())
        items = {doctor_id: found.get((f"D#{doctor_id}", "RATINGS")) for doctor_id in keys}
        return {doctor_id: _load_sum(item) for doctor_id, item in items.items() if item is not None}


def _rating_key(appointment_id: AppointmentId) -> Item:
    return key(f"A#{appointment_id}", "RATING")


def _listed_key(rating: Rating) -> Item:
    return key(f"D#{rating.doctor_id}", f"{_LISTED}{sortable(rating.at)}#{rating.appointment_id}")


def _sum_key(doctor_id: DoctorId) -> Item:
    return key(f"D#{doctor_id}", "RATINGS")


def _rating(rating: Rating) -> Item:
    return {
        "visit": text(rating.appointment_id),
        "doctor": text(rating.doctor_id),
        "score": number(rating.score),
        **({} if rating.comment is None else {"comment_seq": number(rating.comment.seq)}),
        "at": number(microseconds(rating.at)),
    }


def _load(item: Item) -> Rating:
    visit = AppointmentId(str(item["visit"]["S"]))
    return Rating(
        appointment_id=visit,
        doctor_id=DoctorId(str(item["doctor"]["S"])),
        score=number_in(item, "score"),
        comment=TextKey(visit, number_in(item, "comment_seq")) if "comment_seq" in item else None,
        at=instant_of(number_in(item, "at")),
    )


def _load_sum(item: Item) -> RatingSum:
    return RatingSum(number_in(item, "ratings"), number_in(item, "scores"))
