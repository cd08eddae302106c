"""What patients thought of their visits, on DynamoDB.

A rating stands twice, with its visit and in its doctor's list, in one transaction: an index would lag behind, and
costs as much to write.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final
from uuid import uuid4

import attrs

from adapters.aws.failures import Reason
from adapters.dynamodb.access import Dynamo, Query
from adapters.dynamodb.actions import Action, Item, Purpose, key, number, text
from adapters.dynamodb.items import receipt_item, sortable, text_item
from adapters.dynamodb.records import sealed_by
from adapters.serialization import instant_of, load_receipt, microseconds
from telemed_core.domain.commit import Command
from telemed_core.domain.ids import AppointmentId, DoctorId
from telemed_core.domain.ratings import Rated, Rating, RatingSum
from telemed_core.domain.receipts import RECEIPT_LIFE
from telemed_core.domain.texts import Text, TextKey
from telemed_core.errors import AlreadyRatedError, NotFoundError
from telemed_core.ports.services import Sealing

_REV: Final = 1
"""A rating is never changed."""
_FAILED: Final = "ConditionalCheckFailed"
_IS_NEW: Final = "attribute_not_exists(PK)"
_LISTED: Final = "RATED#"


@attrs.frozen
class DynamoRatings:
    """Ratings on DynamoDB; what is written is sealed."""

    _dynamo: Dynamo
    _sealing: Sealing

    def add(self, rated: Rated, /, *, command: Command) -> Rating:
        actions = self._actions(rated, command)
        reasons = self._dynamo.transact(actions, uuid4().hex)
        return rated.rating if reasons is None else _refused(actions, reasons, command)

    def _actions(self, rated: Rated, command: Command) -> Sequence[Action]:
        rating, scheduling = rated.rating, self._dynamo.tables.scheduling.name
        kept = {**_rating_key(rating.appointment_id), **_rating(rating), "command": text(command.id)}
        listed = {**_listed_key(rating), **_rating(rating)}
        return (
            *_receipt(scheduling, command, rating),
            _put(Purpose.EVENT, scheduling, kept, condition=_IS_NEW),
            # New with the rating.
            _put(Purpose.EVENT, scheduling, listed),
            Action(
                Purpose.QUOTA,
                "Update",
                {
                    "TableName": scheduling,
                    "Key": _sum_key(rating.doctor_id),
                    "UpdateExpression": "ADD ratings :one,scores :score",
                    "ExpressionAttributeValues": {":one": number(1), ":score": number(rating.score)},
                },
            ),
            *(self._text(one) for one in rated.texts),
        )

    def _text(self, written: Text) -> Action:
        sealed = sealed_by(self._sealing)(written)
        return _put(Purpose.TEXT, self._dynamo.tables.clinical.name, text_item(written.key, sealed))

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


def _refused(actions: Sequence[Action], reasons: Sequence[Reason], command: Command) -> Rating:
    """The first outcome of the same command.

    Raises:
        TelemedError: the cause of the refusal that is told first.
    """
    for action, reason in zip(actions, reasons, strict=True):
        if reason["Code"] == _FAILED and action.purpose is Purpose.RECEIPT:
            assert command.idempotency is not None  # noqa: S101 # else there were no receipt
            raise load_receipt(str(reason["Item"]["body"]["S"])).replays(command.idempotency)
        if reason["Code"] == _FAILED:
            if reason["Item"]["command"]["S"] != command.id:
                raise AlreadyRatedError
            return _load(reason["Item"])
    raise ValueError(f"a transaction was cancelled by {sorted({reason['Code'] for reason in reasons})}")


def _receipt(table: str, command: Command, rating: Rating) -> Iterator[Action]:
    if command.idempotency is not None:
        item = receipt_item(command.idempotency, command, subject=rating.appointment_id, rev=_REV)
        over = text(sortable(command.at - RECEIPT_LIFE))
        yield _put(Purpose.RECEIPT, table, item, condition=f"{_IS_NEW} OR written<=:over", values={":over": over})


def _put(
    purpose: Purpose, table: str, item: Item, *, condition: str | None = None, values: Item | None = None
) -> Action:
    parameters: dict[str, Any] = {"TableName": table, "Item": item}
    if condition is not None:
        parameters |= {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    if values:
        parameters["ExpressionAttributeValues"] = values
    return Action(purpose, "Put", parameters)


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
        score=_number_in(item, "score"),
        comment=TextKey(visit, _number_in(item, "comment_seq")) if "comment_seq" in item else None,
        at=instant_of(_number_in(item, "at")),
    )


def _load_sum(item: Item) -> RatingSum:
    return RatingSum(_number_in(item, "ratings"), _number_in(item, "scores"))


def _number_in(item: Item, name: str) -> int:
    return int(str(item[name]["N"]))
